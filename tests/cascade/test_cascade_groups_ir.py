"""Swap, rotation and permutation components: what they do, what they may hold, and their JSON form."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.cascade import check_cascade
from ssmc.cascade.ir import (
    HOLD,
    TOGGLE,
    Action,
    AnyAction,
    Cascade,
    Component,
    Images,
    Kind,
    Output,
    Readout,
    overwrite,
)
from ssmc.errors import InvariantError, VerificationError


def cyclic(n: int) -> Automaton:
    """Words whose number of `a` since the last `r` is divisible by n; `s` holds."""
    rows = [[(q + 1) % n, 0, q] for q in range(n)]
    return Automaton.from_table(Alphabet.tokens("ars"), rows, 0, {0})


def one_component(n: int, kind: Kind, letter: AnyAction) -> Cascade:
    """The cascade of `cyclic(n)` with one component whose value is the state."""
    table: dict[tuple[int, ...], AnyAction] = {(0,): letter, (1,): overwrite(0), (2,): HOLD}
    component = Component("c", kind, n, (), MappingProxyType(table))
    rows = cyclic(n).delta
    readout: dict[tuple[int, ...], int] = {(x, v): int(rows[v][x] != 0) for x in range(3) for v in range(n)}
    outputs = (Output(accepting=True, legal=()), Output(accepting=False, legal=()))
    return Cascade(cyclic(n), "recognise", (component,), Readout((0,), MappingProxyType(readout), outputs, 0))


CASES = [
    (2, "swap", TOGGLE),
    (2, "rotation", Action(1, 1)),
    (5, "rotation", Action(1, 1)),
    (2, "permutation", Images((1, 0))),
    (4, "permutation", Images((1, 2, 3, 0))),
]


@pytest.mark.parametrize(("n", "kind", "letter"), CASES)
def test_a_cyclic_counter_is_one_component(n: int, kind: Kind, letter: AnyAction) -> None:
    cascade = one_component(n, kind, letter)
    assert check_cascade(cascade) == n
    assert cascade.depth == 1
    assert Cascade.from_json(cascade.to_json()) == cascade


@pytest.mark.parametrize(
    ("n", "kind", "letter"), [(3, "permutation", Images((1, 0, 2))), (3, "rotation", Action(1, 2))]
)
def test_a_wrong_action_is_caught(n: int, kind: Kind, letter: AnyAction) -> None:
    with pytest.raises(VerificationError):
        check_cascade(one_component(n, kind, letter))


@pytest.mark.parametrize(
    ("n", "kind", "letter"),
    [
        (3, "swap", TOGGLE),
        (2, "swap", Action(1, 1)),
        (2, "swap", Action(-1, 0)),
        (2, "swap", Images((1, 0))),
        (2, "reset", TOGGLE),
        (3, "rotation", Action(1, 3)),
        (3, "rotation", Action(1, -1)),
        (3, "rotation", Action(-1, 1)),
        (3, "rotation", overwrite(3)),
        (3, "rotation", Images((1, 2, 0))),
        (3, "permutation", Images((1, 2))),
        (3, "permutation", Images((1, 2, 3))),
        (3, "permutation", Images((1, 2, -1))),
        (3, "permutation", Action(1, 1)),
        (2, "permutation", TOGGLE),
    ],
)
def test_the_specification_refuses(n: int, kind: Kind, letter: AnyAction) -> None:
    with pytest.raises(InvariantError):
        one_component(n, kind, letter).check()


def test_low_belongs_to_counters() -> None:
    cascade = one_component(3, "rotation", Action(1, 1))
    with pytest.raises(InvariantError):
        replace(cascade, components=(replace(cascade.components[0], low=-1),)).check()


def test_only_permutations_are_not_affine() -> None:
    assert one_component(3, "rotation", Action(1, 1)).components[0].affine[(0,)] == Action(1, 1)
    with pytest.raises(InvariantError, match="not affine"):
        _ = one_component(4, "permutation", Images((1, 2, 3, 0))).components[0].affine
