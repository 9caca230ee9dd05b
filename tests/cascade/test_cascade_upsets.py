"""Partially ordered systems: bits for up-sets cover them in fewer layers than states, however high the holonomy is."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.cascade import check_cascade, decompose, strategy, upsets
from ssmc.cascade.base import make_base
from ssmc.cascade.holonomy import Holonomy, find_holonomy
from ssmc.cascade.ir import HOLD, layers_of, overwrite
from ssmc.cascade.reduce import reduce_covering
from ssmc.cascade.system import System
from ssmc.cascade.upsets import cover_by_upsets, longest_descent, reachable_sets
from ssmc.cascade.windows import find_window
from ssmc.errors import LimitError


def ordered(rng: Random, states: int, letters: int) -> Automaton:
    """An automaton whose transitions never go down, drawn from all states above."""
    rows = [[rng.randrange(q, states) if rng.random() < 0.8 else DEAD for _ in range(letters)] for q in range(states)]
    final = [q for q in range(states) if rng.random() < 0.4]
    return Automaton.from_table(Alphabet.tokens([f"s{i}" for i in range(letters)]), rows, 0, final)


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_up_sets_cover_in_fewer_layers_than_states(seed: int) -> None:
    rng = Random(seed)
    automaton = ordered(rng, rng.randint(2, 14), rng.randint(1, 4))
    if automaton.states < 2:
        return
    system = System.of(automaton)
    above = reachable_sets(system)
    assert above is not None
    covering = cover_by_upsets(system, above)
    covering.check(system)
    reduced = reduce_covering(covering)
    assert reduced is not None
    assert max(layers_of(reduced.components)) < system.states
    # every bit is set once and stays
    assert all(action in (HOLD, overwrite(1)) for part in reduced.components for action in part.table.values())


def slowly(system: System, above: list[int]) -> list[tuple[int, ...]]:
    """The values of `cover_by_upsets`, by their definition."""
    vectors: list[tuple[int, ...]] = [() for _ in above]
    candidates = upsets._candidates(system, above)

    def decided(upset: int) -> bool:
        known: dict[tuple[tuple[int, ...], int], bool] = {}
        return all(
            known.setdefault((vectors[q], x), bool(upset >> column[q] & 1)) == bool(upset >> column[q] & 1)
            for q in range(system.states)
            for x, column in enumerate(system.columns)
            if column[q] != DEAD and not upset >> q & 1
        )

    def separated(upset: int) -> int:
        return sum(
            inside[p] == inside[q] and (upset >> p & 1) != (upset >> q & 1)
            for p in range(system.states)
            for q in range(p)
        )

    while len(set(vectors)) < system.states:
        possible = [upset for upset in candidates if decided(upset)]
        inside = list(vectors)
        while separated(best := max(possible, key=separated)):
            inside = [(*vector, best >> q & 1) for q, vector in enumerate(inside)]
        vectors = inside
    return vectors


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_layers_take_what_separates_most_of_what_is_decided(seed: int) -> None:
    rng = Random(seed)
    system = System.of(ordered(rng, rng.randint(1, 9), rng.randint(1, 3)))
    above = reachable_sets(system) if system.columns else None
    if above:
        assert list(cover_by_upsets(system, above).coordinates) == slowly(system, above)


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_reachable_sets_are_those_of_words(seed: int) -> None:
    rng = Random(seed)
    n = rng.randint(1, 7)
    columns = tuple(tuple(rng.choice([DEAD, *range(n)]) for _ in range(n)) for _ in range(2))
    met = []
    for q in range(n):
        found = [q]
        for p in found:
            found += {c[p] for c in columns if c[p] != DEAD} - set(found)
        met.append(set(found))
    cyclic = any(q in met[p] and p in met[q] for p in range(n) for q in range(p))
    above = reachable_sets(System(columns))
    assert (above is None) == cyclic
    if above is not None:
        assert [{q for q in range(n) if mask >> q & 1} for mask in above] == met


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_the_longest_descent_is_no_longer_than_the_holonomy_is_high(seed: int) -> None:
    rng = Random(seed)
    automaton = ordered(rng, rng.randint(2, 11), rng.randint(1, 4))
    if automaton.states < 2:
        return
    system = System.of(automaton)
    for width in (0, 1):
        contexts = make_base(system, automaton.alphabet, window=find_window(system, width), limit=10_000).contexts
        height = find_holonomy(system, contexts).height
        descent = longest_descent(system, contexts)
        assert (descent > 0) == (height > 0)
        assert descent <= height


def test_a_large_family_of_sets_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight letters move 19 states in ways that have thousands of images; the holonomy could not be shallower than what is known."""
    rng = Random(2)
    rows = [[q if rng.random() < 0.5 else min(18, q + rng.randint(1, 2)) for _ in range(8)] for q in range(19)]
    automaton = Automaton.from_table(Alphabet.tokens([f"s{i}" for i in range(8)]), rows, 0, range(0, 19, 2))
    system = System.of(automaton)
    contexts = make_base(system, automaton.alphabet, limit=10_000).contexts
    with pytest.raises(LimitError):
        find_holonomy(system, contexts, set_limit=3_000)
    limits: list[int] = []

    def limited(*args: Any, set_limit: int) -> Holonomy:
        limits.append(set_limit)
        return find_holonomy(*args, set_limit=set_limit)

    monkeypatch.setattr(strategy, "find_holonomy", limited)
    cascade = decompose(automaton, "predict")
    assert limits
    assert max(limits) <= 3_000
    check_cascade(cascade)
    assert cascade.depth < longest_descent(system, contexts)


@pytest.mark.parametrize("mode", ["predict", "recognise"])
def test_a_high_holonomy_is_no_obstacle(mode: str) -> None:
    rng = Random(1)
    automaton = max((ordered(rng, 18, 4) for _ in range(20)), key=lambda a: a.states)
    assert automaton.states >= 14
    cascade = decompose(automaton, mode)
    check_cascade(cascade)
    assert cascade.depth <= automaton.states
