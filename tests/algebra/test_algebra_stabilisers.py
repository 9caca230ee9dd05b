"""Chains of stabilisers, derived series and bases of abelian quotients, against enumeration and against sympy."""

from __future__ import annotations

from itertools import pairwise, product
from math import factorial, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.algebra.groups import group_of, name_group
from ssmc.algebra.permutations import (
    Permutation,
    bounded_closure,
    closure,
    cyclic_basis,
    derived_series,
    derived_subgroup,
    then,
)
from ssmc.algebra.stabilisers import StabiliserChain, derived_chain, is_solvable


@st.composite
def generators(draw: st.DrawFn) -> list[Permutation]:
    n = draw(st.integers(1, 7))
    if draw(st.booleans()):
        return [tuple(draw(st.permutations(range(n)))) for _ in range(draw(st.integers(1, 3)))]
    moves = []
    for _ in range(draw(st.integers(1, 3))):
        q, r = draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))
        moves.append(tuple({q: r, r: q}.get(p, p) for p in range(n)))
    return moves


def known(given_: list[Permutation]) -> tuple[str, int, bool]:
    group = group_of(given_)
    assert group is not None
    return group.name, group.order, group.solvable


@settings(max_examples=150, deadline=None)
@given(generators())
def test_a_chain_knows_the_group(given_: list[Permutation]) -> None:
    identity = tuple(range(len(given_[0])))
    elements = closure(given_, identity)
    chain = StabiliserChain(len(identity), given_)
    assert chain.order == len(elements)
    assert all(element in chain for element in elements)
    assert bounded_closure(given_, identity, len(elements)) == elements
    assert len(elements) == 1 or bounded_closure(given_, identity, len(elements) - 1) is None
    derived = derived_subgroup(given_, identity)
    smaller, seeds = derived_chain(given_)
    assert smaller.order == len(derived)
    assert closure(seeds, identity) == derived
    assert is_solvable(given_) == (len(derived_series(sorted(elements))[-1]) == 1)


@settings(max_examples=40, deadline=None)
@given(generators())
def test_sympy_agrees(given_: list[Permutation]) -> None:
    combinatorics = pytest.importorskip("sympy.combinatorics")
    group = combinatorics.PermutationGroup([combinatorics.Permutation(list(g)) for g in given_])
    identity = tuple(range(len(given_[0])))
    assert StabiliserChain(len(identity), given_).order == group.order()
    assert is_solvable(given_) == group.is_solvable
    orders = [len(part) for part in derived_series(sorted(closure(given_, identity)))]
    assert orders == [part.order() for part in group.derived_series()]


@settings(max_examples=80, deadline=None)
@given(generators())
def test_a_basis_makes_every_coset_once(given_: list[Permutation]) -> None:
    identity = tuple(range(len(given_[0])))
    series = derived_series(sorted(closure(given_, identity)))
    for group, kernel in pairwise(series):
        basis = cyclic_basis(group, kernel)
        assert prod(order for _, order in basis) == len(group) // len(kernel)
        met = set()
        for exponents in product(*(range(order) for _, order in basis)):
            element = identity
            for (factor, _), exponent in zip(basis, exponents, strict=True):
                for _ in range(exponent):
                    element = then(element, factor)
            met |= {then(inner, element) for inner in kernel}
        assert met == set(group)


@pytest.mark.parametrize("n", [5, 8, 12])
def test_great_groups_have_names(n: int) -> None:
    cycle = (*range(1, n), 0)
    swap = (1, 0, *range(2, n))
    turn = (1, 2, 0, *range(3, n))
    long = cycle if n % 2 else (0, *range(2, n), 1)
    assert known([cycle, swap]) == (f"S{n}", factorial(n), False)
    assert known([turn, long]) == (f"A{n}", factorial(n) // 2, False)


def test_a_group_that_acts_twice_is_named_by_the_faithful_orbit() -> None:
    # S_7 on 7 points and, by sign, on two more
    cycle, swap = (1, 2, 3, 4, 5, 6, 0, 7, 8), (1, 0, 2, 3, 4, 5, 6, 8, 7)
    assert known([cycle, swap])[0] == "S7"
    # the Mathieu group M11, which has no rule
    long = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0)
    twist = list(range(11))
    for four in ((2, 6, 10, 7), (3, 9, 4, 5)):
        for q, r in zip(four, (*four[1:], four[0]), strict=True):
            twist[q] = r
    assert known([long, tuple(twist)]) == ("G7920", 7920, False)


def test_small_groups_are_named_from_their_elements() -> None:
    quaternion: list[Permutation] = [(1, 2, 3, 0, 5, 6, 7, 4), (4, 7, 6, 5, 2, 1, 0, 3)]
    assert group_of(quaternion) == name_group(sorted(closure(quaternion, tuple(range(8)))))
    assert known(quaternion)[0] == "Q8"


@pytest.mark.parametrize(
    ("generators_", "name"),
    [
        ([(1, 2, 0), (1, 0, 2)], "S3"),
        ([(1, 2, 0, 3), (0, 2, 3, 1)], "A4"),
        ([(1, 2, 3, 0), (1, 0, 2, 3)], "S4"),
        ([(1, 2, 3, 4, 0), (1, 2, 0, 3, 4)], "A5"),
        ([(1, 2, 3, 4, 0), (1, 0, 2, 3, 4)], "S5"),
        ([(1, 2, 3, 4, 0, 5), (0, 1, 2, 4, 5, 3)], "A6"),
        ([(1, 2, 3, 4, 0, 5, 6), (1, 2, 0, 3, 4, 6, 5)], None),
        ([(1, 2, 3, 0), (0, 3, 2, 1)], "D4"),
    ],
)
def test_a_group_has_its_name_however_it_acts(generators_: list[Permutation], name: str | None) -> None:
    # the regular action: a group on its own elements
    elements = sorted(closure(generators_, tuple(range(len(generators_[0])))))
    place = {element: i for i, element in enumerate(elements)}
    regular = [tuple(place[then(element, g)] for element in elements) for g in generators_]
    assert known(regular) == known(generators_)
    assert name is None or known(regular)[0] == name


def test_what_is_too_large_is_not_named() -> None:
    n = 40
    assert group_of([(*range(1, n), 0), (1, 0, *range(2, n))]) is None
