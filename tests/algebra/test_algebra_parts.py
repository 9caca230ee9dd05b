from __future__ import annotations

import time

from hypothesis import given, settings
from slow_twins import automata, automaton_of

from ssmc.algebra.graph import strong_components
from ssmc.algebra.parts import counter_parts, split_part
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


def merged_in_rounds(automaton: Automaton, component: frozenset[int]) -> set[frozenset[int]]:
    """The classes of states that equal rows merge, round by round."""
    label = {q: q for q in component}
    while True:
        rows: dict[tuple[int, ...], int] = {}
        fresh = {
            q: rows.setdefault(tuple(label.get(r, DEAD) for r in automaton.delta[q]), q) for q in sorted(component)
        }
        if len(set(fresh.values())) == len(set(label.values())):
            return {frozenset(q for q in component if fresh[q] == b) for b in set(fresh.values())}
        label = fresh


@settings(max_examples=400, deadline=None)
@given(automata(max_states=8))
def test_parts_are_the_components_merged(automaton: Automaton) -> None:
    expected = [merged_in_rounds(automaton, c) for c in components(automaton) if len(c) > 1]
    for part in counter_parts(automaton):
        assert {frozenset(m) for m in part.members} in expected
        assert len(set(zip(*part.maps, strict=True))) == part.size
        for letter, column in zip(part.letters, part.maps, strict=True):
            block = {q: i for i, m in enumerate(part.members) for q in m}
            for q in block:
                after = block.get(automaton.delta[q][letter], DEAD)
                assert column[block[q]] == after
    kept = {frozenset(q for m in part.members for q in m) for part in counter_parts(automaton)}
    for component in components(automaton):
        if component not in kept and len(component) > 1:
            classes = merged_in_rounds(automaton, component)
            inside = [
                {r for q in component if (r := automaton.delta[q][c]) in component} for c in range(automaton.classes)
            ]
            blocks = {q: b for b in classes for q in b}
            images = [{blocks[r] for r in image} for image in inside]
            identity = [
                all(blocks.get(automaton.delta[q][c]) == blocks[q] for q in component) for c in range(automaton.classes)
            ]
            assert len(classes) == 1 or all(
                same or len(image) < 2 for same, image in zip(identity, images, strict=True)
            )


def test_merging_a_long_chain_takes_no_time() -> None:
    n = 600
    rows = [[min(q + 1, n - 1), 0] for q in range(n)]
    started = time.monotonic()
    assert counter_parts(automaton_of(rows, [n - 1])) == []
    assert time.monotonic() - started < 5


def test_taking_states_away() -> None:
    [part] = counter_parts(automaton_of([[(q + 1) % 5, q] if q else [1, 2] for q in range(5)], [0]))
    assert part.size == 5
    assert split_part(part, range(5)) == [part]
    assert split_part(part, range(4)) == []
