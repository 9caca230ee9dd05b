"""A cycle of a graph with labelled edges, or else its longest path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.graph import strong_components

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Word = tuple[int, ...]


def cycle_or_longest_path(
    edges: Sequence[Sequence[tuple[int, int]]], starts: Iterable[int]
) -> tuple[tuple[int, Word] | None, tuple[int, Word]]:
    """A cycle that can be reached from the starts as (vertex, word), or None and a longest path as (its first vertex, word).

    Args:
        edges: `edges[v]` lists (label, head).
        starts: where paths begin.
    """
    starts = list(starts)
    reached = set(starts)
    queue = list(reached)
    for v in queue:
        for _, head in edges[v]:
            if head not in reached:
                reached.add(head)
                queue.append(head)
    order = []
    for component in strong_components(len(edges), lambda v: [head for _, head in edges[v]] if v in reached else []):
        v = component[0]
        if v in reached and (len(component) > 1 or any(head == v for _, head in edges[v])):
            inside = set(component)
            v = min(inside)
            return (v, _cycle(edges, v, inside)), (v, ())
        order.append(v)  # heads before tails
    best: dict[int, tuple[int, int, int]] = {}  # length of the longest path from here, its first label and head
    for v in order:
        if v in reached:
            best[v] = max(((best[h][0] + 1, -label, h) for label, h in edges[v]), default=(0, 0, -1))
    if not starts:
        return None, (-1, ())
    first = v = max(starts, key=lambda s: best[s][0])
    word = []
    while best[v][2] >= 0:
        _, label, v = best[v]
        word.append(-label)
    return None, (first, tuple(word))


def _cycle(edges: Sequence[Sequence[tuple[int, int]]], start: int, inside: set[int]) -> Word:
    """A shortest cycle through a vertex of a strongly connected component."""
    via: dict[int, tuple[int, int]] = {}
    queue = [start]
    for v in queue:
        for label, head in edges[v]:
            if head == start:
                word = [label]
                while v != start:
                    v, label = via[v]
                    word.append(label)
                return tuple(reversed(word))
            if head in inside and head not in via:
                via[head] = (v, label)
                queue.append(head)
    raise ValueError("the component has no cycle")
