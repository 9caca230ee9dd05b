from __future__ import annotations

import time
from itertools import product
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from slow_twins import automata, automaton_of, slow_monoid, slow_period
from test_algebra_starfree import OPEN_TO_PAIRS

from ssmc.algebra import check_starfree, check_witness
from ssmc.algebra.pairs import search_pairs, search_triples
from ssmc.algebra.parts import counter_parts
from ssmc.algebra.random_automata import random_automaton, random_cascade, random_monotone, random_ordered
from ssmc.algebra.skeleton import search_skeleton
from ssmc.algebra.witness import build_witness
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from ssmc.automaton import Automaton


@settings(max_examples=300, deadline=None)
@given(automata(max_states=6, max_letters=3))
def test_pairs_and_triples_agree_with_the_monoid(automaton: Automaton) -> None:
    powers = [slow_cycles(x) for x in slow_monoid(automaton)]
    two = three = False
    settled = True
    for part in counter_parts(automaton):
        word, rest = search_pairs(part)
        if word is not None:
            two = True
            witness = build_witness(automaton, [part.letters[x] for x in word])
            assert witness is not None
            assert witness.period == 2
        settled = settled and word is None and not rest
        whole = (tuple(range(part.size)),)
        triple = search_triples(part, whole)
        if triple is not None:
            three = True
            assert build_witness(automaton, [part.letters[x] for x in triple]) is not None
        assert word is not None or (triple is None) == all(search_triples(part, pieces) is None for pieces in rest)
        # the search over pieces agrees with the search over all sets
        if word is None:
            forever = time.monotonic() + 60
            findings = [search_skeleton(part, 10_000, forever, pieces) for pieces in rest]
            assert any(f.verdict for f in findings) == search_skeleton(part, 10_000, forever).verdict
            for finding in findings:
                if finding.verdict:
                    assert build_witness(automaton, [part.letters[x] for x in finding.word]) is not None
    assert two == any(2 in lengths for lengths in powers)
    assert three == any(3 in lengths for lengths in powers)
    if settled:
        assert all(slow_period(x) == 1 for x in slow_monoid(automaton))


def slow_cycles(element: tuple[int, ...]) -> set[int]:
    found = set()
    for start in range(len(element)):
        q, steps = element[start], 1
        while q != start and steps <= len(element):
            q, steps = element[q], steps + 1
        if q == start:
            found.add(steps)
    return found


def test_pairs_leave_a_star_free_automaton_open() -> None:
    [part] = counter_parts(OPEN_TO_PAIRS)
    word, rest = search_pairs(part)
    assert word is None
    assert rest
    assert all(search_skeleton(part, 1000, time.monotonic() + 60, pieces).verdict is False for pieces in rest)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_star_free_by_construction_is_found_so(seed: int) -> None:
    rng = Random(seed)
    for automaton in (
        random_ordered(rng, 60, 3),
        random_monotone(rng, 30, 4),
        random_cascade(rng, (2, 2, 2, 2, 2), 3),
        random_cascade(rng, (3, 2, 3), 4),
    ):
        assert check_starfree(automaton, monoid_limit=0).verdict == "star-free"


@pytest.mark.parametrize("seed", range(5))
def test_large_random_automata_have_counters(seed: int) -> None:
    automaton = random_automaton(Random(seed), 150, 3)
    witness = check_starfree(automaton, monoid_limit=0).witness
    assert witness is not None
    check_witness(automaton, witness)


def test_counters_below_a_cascade_are_found() -> None:
    rng = Random(0)
    found = set()
    for period in (2, 3, 5, 7) * 4:
        automaton = random_cascade(rng, (2, 2, 2), 3, (period,))
        witness = check_starfree(automaton, monoid_limit=0).witness
        if witness is not None:
            check_witness(automaton, witness)
            found.add(witness.period)
    assert found == {2, 3, 5, 7}


def test_the_pair_test_decides_monoids_that_nobody_can_enumerate() -> None:
    # all order-preserving maps of a chain of n points: (2n-1 over n) elements, 10^11 for n = 20, 10^58 for n = 100
    n = 100
    rows = [[min(q + 1, n - 1), max(q - 1, 0), *(q + (q == c) for c in range(n - 1))] for q in range(n)]
    started = time.monotonic()
    assert check_starfree(automaton_of(rows, [0]), monoid_limit=0).verdict == "star-free"
    assert time.monotonic() - started < 20


def shuffle(one: Automaton, two: Automaton) -> Automaton:
    """Both automata side by side, each with letters of its own; it accepts where both do."""
    rows = []
    for p, q in product(range(one.states), range(two.states)):
        row = [DEAD if r == DEAD else r * two.states + q for r in one.delta[p]]
        rows.append(row + [DEAD if r == DEAD else p * two.states + r for r in two.delta[q]])
    return automaton_of(rows, [p * two.states + q for p in one.accepting for q in two.accepting])


def test_pieces_decide_where_neither_pairs_nor_the_skeleton_do() -> None:
    n = 20
    chain = automaton_of(
        [[min(q + 1, n - 1), max(q - 1, 0), *(q + (q == c) for c in range(n - 1))] for q in range(n)], [0]
    )
    automaton = shuffle(OPEN_TO_PAIRS, chain)
    [part] = counter_parts(automaton)
    word, rest = search_pairs(part)
    assert word is None
    assert rest
    assert search_skeleton(part, 50_000, time.monotonic() + 60).verdict is None
    report = check_starfree(automaton, monoid_limit=0, set_limit=50_000)
    assert report.verdict == "star-free"
