from __future__ import annotations

import time

from hypothesis import given, settings
from slow_twins import automata, automaton_of

from ssmc.algebra.graph import strong_components
from ssmc.algebra.parts import counter_parts
from ssmc.automaton import DEAD, Automaton


def reachable(automaton: Automaton, start: int) -> set[int]:
    seen, queue = {start}, [start]
    for q in queue:
        for r in automaton.delta[q]:
            if r != DEAD and r not in seen:
                seen.add(r)
                queue.append(r)
    return seen


def components(automaton: Automaton) -> set[frozenset[int]]:
    reach = [reachable(automaton, q) for q in range(automaton.states)]
    return {frozenset(r for r in reach[q] if q in reach[r]) for q in range(automaton.states)}


@settings(max_examples=200, deadline=None)
@given(automata(max_states=8))
def test_strong_components_in_reverse_topological_order(automaton: Automaton) -> None:
    found = strong_components(automaton.states, lambda q: [r for r in automaton.delta[q] if r != DEAD])
    assert {frozenset(part) for part in found} == components(automaton)
    place = {q: i for i, part in enumerate(found) for q in part}
    assert all(place[r] <= place[q] for q, row in enumerate(automaton.delta) for r in row if r != DEAD)


def cycle_lengths(element: tuple[int, ...]) -> set[int]:
    found = set()
    for start, q in enumerate(element):
        steps = 1
        while q not in (start, DEAD) and steps <= len(element):
            q, steps = element[q], steps + 1
        if q == start and steps > 1:
            found.add(steps)
    return found


def all_cycle_lengths(columns: tuple[tuple[int, ...], ...], size: int) -> set[int]:
    elements = [tuple(range(size))]
    seen = set(elements)
    for element in elements:
        for column in columns:
            product = tuple(DEAD if q == DEAD else column[q] for q in element)
            if product not in seen:
                seen.add(product)
                elements.append(product)
    return set().union(*(cycle_lengths(element) for element in elements))


@settings(max_examples=300, deadline=None)
@given(automata(max_states=6))
def test_parts_keep_the_periods_of_all_counters(automaton: Automaton) -> None:
    parts = counter_parts(automaton)
    kept = [all_cycle_lengths(part.maps, part.size) for part in parts]
    assert set().union(*kept) == all_cycle_lengths(automaton.columns, automaton.states)
    for part in parts:
        assert len(set(zip(*part.maps, strict=True))) == part.size
        assert len(set(part.maps)) == len(part.maps) > 0
        block = {q: i for i, m in enumerate(part.members) for q in m}
        assert any(set(block) <= component for component in components(automaton))
        for letter, column in zip(part.letters, part.maps, strict=True):
            assert column != tuple(range(part.size))
            assert len(set(column) - {DEAD}) > 1
            for q, i in block.items():
                assert column[i] == block.get(automaton.delta[q][letter], DEAD)


def test_a_window_and_a_flip_flop_have_no_parts() -> None:
    assert counter_parts(automaton_of([[q * 2 % 8, (q * 2 + 1) % 8] for q in range(8)], [7])) == []
    assert counter_parts(automaton_of([[0, 1, 0], [0, 1, 1]], [1])) == []


def test_merging_a_long_chain_takes_no_time() -> None:
    n = 600
    rows = [[min(q + 1, n - 1), 0] for q in range(n)]
    started = time.monotonic()
    assert counter_parts(automaton_of(rows, [n - 1])) == []
    assert time.monotonic() - started < 5
