"""One layer is found wherever it suffices and blocks are few; components that others determine are dropped and nothing else."""

from __future__ import annotations

from random import Random
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.algebra import check_starfree
from ssmc.algebra.random_automata import random_automaton, random_cascade, random_ordered
from ssmc.automaton import Alphabet, Automaton
from ssmc.cascade import check_cascade, decompose
from ssmc.cascade.base import make_base
from ssmc.cascade.bounds import one_layer_suffices
from ssmc.cascade.counters import find_counters
from ssmc.cascade.determined import drop_determined
from ssmc.cascade.ir import HOLD, Component, overwrite
from ssmc.cascade.orders import order_components
from ssmc.cascade.strategy import Options
from ssmc.cascade.system import System
from ssmc.cascade.windows import find_window


def some_starfree(count: int, letters: int, seed: int) -> list[Automaton]:
    rng = Random(seed)
    makers = [
        lambda: random_automaton(rng, rng.randint(3, 5), letters, 0.3),
        lambda: random_ordered(rng, rng.randint(3, 6), letters),
        lambda: random_cascade(rng, (2, 2), letters),
    ]
    found: list[Automaton] = []
    while len(found) < count:
        automaton = rng.choice(makers)()
        if automaton.states > 2 and check_starfree(automaton, monoid_limit=0).verdict == "star-free":
            found.append(automaton)
    return found


@pytest.mark.parametrize(("letters", "width"), [(2, 0), (2, 1), (3, 0)])
def test_one_layer_is_found_where_it_suffices(letters: int, width: int) -> None:
    answers = []
    for automaton in some_starfree(40, letters, seed=letters + 7 * width):
        enough = one_layer_suffices(automaton, width)
        found = decompose(automaton, "predict", Options(window=width, tallies=False))
        check_cascade(found)
        assert (found.depth <= 1) == enough, automaton
        answers.append(enough)
    assert len(set(answers)) == 2


@pytest.mark.parametrize(
    ("delta", "accepting"),
    [(((0, 1), (2, 3), (0, 1), (1, 3)), [2]), (((0, 1, 0), (0, 2, 3), (1, 2, 2), (0, 1, 0)), [0])],
)
def test_a_window_of_one_symbol_is_enough(delta: tuple[tuple[int, ...], ...], accepting: list[int]) -> None:
    automaton = Automaton.from_table(Alphabet.tokens(list("abc")[: len(delta[0])]), delta, 0, accepting)
    assert decompose(automaton, "predict", Options(window=1)).depth == 1


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_orders_follow_the_words(seed: int) -> None:
    rng = Random(seed)
    [automaton] = some_starfree(1, 2, seed)
    system = System.of(automaton)
    base = make_base(
        system, automaton.alphabet, counters=find_counters(system), window=find_window(system, 1), limit=10_000
    )
    components = order_components(base, most_blocks=6)
    if not components:
        return
    taps = [k for k, component in enumerate(components) if component.kind == "window"]
    values, state, last = [0] * len(components), 0, dict[tuple[int, ...], int]()
    for t in range(12):
        moves = [x for x, r in enumerate(automaton.delta[state]) if r >= 0]
        if not moves:
            break
        x = rng.choice(moves)
        last[(x, *(values[k] for k in taps))] = t
        state = automaton.delta[state][x]
        values = [
            part.apply(part.table.get((x, *(values[j] for j in part.depends_on)), HOLD), value)
            for part, value in zip(components, values, strict=True)
        ]
    blocks = sorted({key for part in components if part.name.startswith("block") for key in part.table})
    for part, value in zip(components, values, strict=True):
        match part.name.split():
            case ["block", i, "occurred"]:
                assert value == (blocks[int(i) - 1] in last)
            case ["block", i, "after", j]:
                one, other = (last.get(blocks[int(k) - 1], -1) for k in (i, j))
                assert value == (one > other)


def bit(name: str, reads: tuple[int, ...], table: dict[tuple[int, ...], int | None]) -> Component:
    actions = {key: HOLD if value is None else overwrite(value) for key, value in table.items()}
    return Component(name, "reset", 1 + max(v or 0 for v in table.values()), reads, MappingProxyType(actions))


def test_a_renamed_twin_is_dropped() -> None:
    one = bit("one", (), {(0,): 1, (1,): 2, (2,): None})
    twin = bit("twin", (), {(0,): 2, (1,): 1, (2,): None})
    reader = bit("reader", (0, 1), {(2, 0, 0): None, (2, 1, 2): 1, (2, 2, 1): 0})
    values = np.array([[0, 0, 0], [1, 2, 0], [2, 1, 0], [1, 2, 1], [2, 1, 1]])
    left, columns = drop_determined((one, twin, reader), values)
    assert [part.name for part in left] == ["one", "reader"]
    assert left[1].depends_on == (0,)
    assert left[1].table == {(2, 0): HOLD, (2, 1): overwrite(1), (2, 2): overwrite(0)}
    assert columns.tolist() == values[:, [0, 2]].tolist()


def test_a_deeper_component_is_no_substitute() -> None:
    low = bit("low", (), {(0,): 1, (1,): None})
    deep = bit("deep", (0,), {(0, 0): 1, (0, 1): 1, (1, 0): None, (1, 1): 2})
    values = np.array([[0, 0], [1, 1], [1, 2]])
    left, _ = drop_determined((low, deep), values)
    assert [part.name for part in left] == ["low", "deep"]
