"""Labels for the blocks of a permutation-reset level, such that few permutations are met."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ssmc.algebra.permutations import bounded_closure

if TYPE_CHECKING:
    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.system import Mask

    Arrow = tuple[int, int]

MOST_LABELS = 16
"""Labels that are permuted among each other above which a level is given up."""
MOST_ELEMENTS = 400
"""Elements of a group of labels above which a level is given up: contexts multiply by them."""


class Labels(NamedTuple):
    """The number of each block, what each arrow (context, class) does to numbers, and how many there are."""

    numbers: dict[int, int]
    turns: dict[tuple[int, int], Permutation]
    size: int


def number_labels(blocks: list[dict[int, Mask]], moves: dict[Arrow, dict[int, int]], *, apart: bool) -> Labels | None:
    """Numbers the blocks of every context along a spanning tree of the arrows; None where labels or their group are too many.

    Along the tree a block keeps its number. Of any other arrow some numbers are known to go to others; what it does to the rest is chosen: an element of the
    group met so far where one fits, otherwise the images that close its chains to cycles.

    Args:
        blocks: for each context its blocks by name; names of different contexts differ.
        moves: for each arrow that permutes, (context, class) -> block -> block of the next context, one to one; empty where nothing moves.
        apart: whether blocks that no arrows lead to each other never get one number, so that every orbit has a group of its own.
    """
    context = {v: c for c, own in enumerate(blocks) for v in own}
    families = _families(context, moves) if apart else [set(context)]
    numbers: dict[int, int] = {}
    turns: dict[Arrow, list[int]] = {arrow: [] for arrow in moves}
    first = 0
    for family in families:
        own = [{v: mask for v, mask in block.items() if v in family} for block in blocks]
        inside = {arrow: {v: w for v, w in move.items() if v in family} for arrow, move in moves.items()}
        part = _number_family(own, context, inside)
        if part is None:
            return None
        numbers |= {v: first + i for v, i in part.numbers.items()}
        for arrow, turn in part.turns.items():
            turns[arrow] += [first + i for i in turn]
        first += part.size
    return Labels(numbers, {arrow: tuple(turn) for arrow, turn in turns.items()}, first)


def _families(context: dict[int, int], moves: dict[Arrow, dict[int, int]]) -> list[set[int]]:
    """The blocks that arrows lead to each other, by least name."""
    beside: dict[int, set[int]] = {v: set() for v in context}
    for move in moves.values():
        for v, w in move.items():
            beside[v].add(w)
            beside[w].add(v)
    found: list[set[int]] = []
    seen: set[int] = set()
    for start in sorted(context):
        if start not in seen:
            family = [start]
            seen.add(start)
            for v in family:
                fresh = beside[v] - seen
                seen |= fresh
                family += sorted(fresh)
            found.append(set(family))
    return found


def _number_family(
    blocks: list[dict[int, Mask]], context: dict[int, int], moves: dict[Arrow, dict[int, int]]
) -> Labels | None:
    size = max(len(own) for own in blocks)
    if size > MOST_LABELS:
        return None
    numbers: dict[int, int] = {}
    beside: dict[int, list[tuple[dict[int, int], int]]] = {}
    for (c, _), move in moves.items():
        if move:
            d = context[next(iter(move.values()))]
            beside.setdefault(c, []).append((move, d))
            beside.setdefault(d, []).append(({w: v for v, w in move.items()}, c))
    for root, own in enumerate(blocks):
        if own and next(iter(own)) not in numbers:
            _number(own, {}, numbers, size)
            queue = [root]
            seen = {root}
            for c in queue:
                for move, d in beside.get(c, ()):
                    if d not in seen:
                        seen.add(d)
                        queue.append(d)
                        _number(blocks[d], {w: numbers[v] for v, w in move.items()}, numbers, size)
    partial = {arrow: {numbers[v]: numbers[w] for v, w in move.items()} for arrow, move in moves.items()}
    identity = tuple(range(size))
    group = {identity}
    turns: dict[Arrow, Permutation] = {}
    for arrow, known in sorted(partial.items(), key=lambda item: (-len(item[1]), item[0])):
        turn = next((g for g in sorted(group) if all(g[i] == j for i, j in known.items())), None)
        if turn is None:
            turn = _close(known, size)
            larger = bounded_closure([*group, turn], identity, MOST_ELEMENTS)
            if larger is None:
                return None
            group = larger
        turns[arrow] = turn
    return Labels(numbers, turns, size)


def _number(own: dict[int, Mask], known: dict[int, int], numbers: dict[int, int], size: int) -> None:
    """Numbers the blocks of a context: known ones as they are, the others by what is left."""
    numbers.update(known)
    left = iter(sorted(set(range(size)) - set(known.values())))
    for v in sorted(own, key=lambda v: (own[v] & -own[v], own[v], v)):
        if v not in known:
            numbers[v] = next(left)


def _close(known: dict[int, int], size: int) -> Permutation:
    """The permutation that extends a one-to-one map: each chain is closed to a cycle, what is not met stays."""
    turn = dict(known)
    reached = set(known.values())
    for start in range(size):
        if start not in reached:
            end = start
            while end in known:
                end = known[end]
            turn[end] = start
    return tuple(turn[i] for i in range(size))
