"""Holonomy by decoded sets: one component a level whose value tells the set known so far, whatever the way that led to it (docs/cascade.md).

In the holonomy covering a context is a chain of tiles, and there can be exponentially many. What a level needs of the levels above it is less: the set that they
know. The automaton of known sets is minimised level by level, and a component's value is numbered so that it tells the state of that automaton by itself: inside
a class of sets the tile's label is held, so the value moves by what the set above moves by, which is the same for all tiles. That is a counter with overwriting;
where nothing moves it is a reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.covering import STALE, Covering
from ssmc.cascade.ir import Action, Component, overwrite
from ssmc.cascade.joint import Joint
from ssmc.cascade.reduce import Reduced
from ssmc.cascade.system import members
from ssmc.errors import InvariantError, LimitError
from ssmc.minimize import coarsest_partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.base import Base
    from ssmc.cascade.holonomy import Holonomy, Node
    from ssmc.cascade.ir import Key, Kind
    from ssmc.cascade.system import System

Pair = tuple[int, int]
"""A state of the automaton of known sets and the label of the tile that a level tells there, or `STALE`."""


@dataclass(frozen=True)
class Known:
    """A deterministic automaton each of whose states is a set that is known; state 0 is the initial one.

    Attributes:
        sets: the set known in each state.
        arrows: `arrows[m][x]`: the next state, or `DEAD` where no state of the set has a transition.
        reads: the components whose values tell the state.
        values: the values of these in each state; several where several ways lead there.
    """

    sets: tuple[Node, ...]
    arrows: tuple[tuple[int, ...], ...]
    reads: tuple[int, ...]
    values: tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True)
class _Level:
    """One level over an automaton of known sets.

    Attributes:
        pairs: the reachable pairs, the initial one first.
        sets: the set known in each pair.
        arrows: the next pair for each class, or `DEAD`.
        holding: the (state, class) where the label is held.
    """

    pairs: tuple[Pair, ...]
    sets: tuple[Node, ...]
    arrows: tuple[tuple[int, ...], ...]
    holding: frozenset[tuple[int, int]]


def cover_by_sets(base: Base, holonomy: Holonomy, *, pair_limit: int = 100_000) -> Reduced:
    """The components of a holonomy decomposition, one a rank, each of which reads the one above it alone (the first one the base).

    Args:
        base: contexts over an aperiodic system.
        holonomy: its tiles and ranks.
        pair_limit: the largest number of pairs (known set, tile) of a level.

    Raises:
        LimitError: a level has more pairs.
        InvariantError: the base knows the state, so there is no level.
    """
    system, components = base.system, list(base.components)
    known = Known(
        tuple(enumerate(base.contexts.fibres)),
        base.contexts.arrows,
        tuple(range(len(components))),
        tuple((values,) for values in base.values),
    )
    level = None
    for rank in range(holonomy.levels, 0, -1):
        level = _refine(system, known, holonomy, rank, pair_limit)
        block = coarsest_partition(level.arrows, level.sets)
        numbers, moving = _from_initial(level, _number(known, level, block))
        components.append(_component(f"level {holonomy.levels - rank + 1}", known, level, numbers, moving=moving))
        known = _merge(level, block, (len(components) - 1,), numbers)
    if level is None:
        raise InvariantError("contexts that know the state need no levels")
    return _finish(base, components, level, numbers)


def _refine(system: System, known: Known, holonomy: Holonomy, rank: int, limit: int) -> _Level:
    """The reachable pairs of a level: the label is held where the known set is carried onto the next one, otherwise the first tile that fits."""
    holding: set[tuple[int, int]] = set()
    fits: dict[tuple[int, int], int] = {}

    def fitting(state: int, image: int) -> int:
        node = known.sets[state]
        if holonomy.ranks[node] != rank:
            return STALE
        found = fits.get((state, image))
        if found is None:
            found = fits[state, image] = min(i for i, tile in holonomy.tiles[node].items() if not image & ~tile)
        return found

    first = (0, fitting(0, 1))
    number = {first: 0}
    pairs, sets, arrows = [first], [], []
    for state, label in pairs:
        node = known.sets[state]
        inside = node if label == STALE else (node[0], holonomy.tiles[node][label])
        sets.append(inside)
        row = []
        for x, after in enumerate(known.arrows[state]):
            if after == DEAD or not system.image(inside[1], x):
                row.append(DEAD)
                continue
            image = system.image(node[1], x)
            if label != STALE and holonomy.ranks[known.sets[after]] == rank and image == known.sets[after][1]:
                holding.add((state, x))
                following = (after, label)
            else:
                following = (after, fitting(after, image))
            row.append(number.setdefault(following, len(number)))
            if row[-1] == len(pairs):
                pairs.append(following)
                if len(pairs) > limit:
                    raise LimitError("pairs of known sets and tiles", len(pairs), limit, "--context-limit")
        arrows.append(tuple(row))
    return _Level(tuple(pairs), tuple(sets), tuple(arrows), frozenset(holding))


def _number(known: Known, level: _Level, block: Sequence[int]) -> list[int]:
    """A number for each pair: the base of the state plus the colour of the label; equal numbers only in one block of the minimised automaton.

    Then the number alone tells the state of the next automaton of known sets, and along a holding arrow it moves by the difference of two bases, which is the
    same for every label.
    """
    colours = _colour(level)
    own: dict[int, list[tuple[int, int]]] = {}
    for place, (state, label) in enumerate(level.pairs):
        own.setdefault(state, []).append((place, colours.get(label, 0)))
    blocks: dict[int, int] = {}
    numbers = [0] * len(level.pairs)
    lowest = 0
    for state in sorted(own, key=lambda m: (known.sets[m][0], list(members(known.sets[m][1])), m)):
        while lowest in blocks and len(own[state]) > 1:
            lowest += 1
        first = 0 if len(own[state]) == 1 else max(0, lowest - len(colours))
        while any(blocks.get(first + colour, block[place]) != block[place] for place, colour in own[state]):
            first += 1
        for place, colour in own[state]:
            numbers[place] = first + colour
            blocks[first + colour] = block[place]
    return numbers


def _colour(level: _Level) -> dict[int, int]:
    """Labels by small numbers, different for labels that occur with one state; in the order of the tiles' states where it does not matter."""
    together: dict[int, set[int]] = {}
    centre: dict[int, float] = {}
    for (state, label), (_, tile) in zip(level.pairs, level.sets, strict=True):
        if label != STALE:
            together.setdefault(state, set()).add(label)
            centre.setdefault(label, sum(members(tile)) / tile.bit_count())
    conflicts: dict[int, set[int]] = {label: set() for label in centre}
    for labels in together.values():
        for label in labels:
            conflicts[label] |= labels
    colour: dict[int, int] = {}
    for label in sorted(conflicts, key=lambda i: (centre[i], i)):
        taken = {colour[other] for other in conflicts[label] if other in colour}
        colour[label] = next(i for i in range(len(taken) + 1) if i not in taken)
    return colour


def _from_initial(level: _Level, numbers: Sequence[int]) -> tuple[list[int], bool]:
    """The numbers with 0 for the initial pair, and whether a holding arrow moves one: if none does, they are names and made dense."""
    moving = any(
        (state, x) in level.holding and after != DEAD and numbers[after] != numbers[place]
        for place, (state, _) in enumerate(level.pairs)
        for x, after in enumerate(level.arrows[place])
    )
    if moving:
        return [number - numbers[0] for number in numbers], True
    dense: dict[int, int] = {}
    return [dense.setdefault(number, len(dense)) for number in numbers], False


def _component(name: str, known: Known, level: _Level, numbers: Sequence[int], *, moving: bool) -> Component:
    """The component of a level."""
    table: dict[Key, Action] = {}
    for place, (state, _) in enumerate(level.pairs):
        for x, after in enumerate(level.arrows[place]):
            if after != DEAD:
                move = numbers[after] - numbers[place]
                action = Action(1, move) if (state, x) in level.holding else overwrite(numbers[after])
                table |= {(x, *values): action for values in known.values[state]}
    low = min(numbers)
    kind: Kind = "counter" if moving else "reset"
    return Component(name, kind, max(numbers) - low + 1, known.reads, MappingProxyType(table), low=low)


def _merge(level: _Level, block: Sequence[int], reads: tuple[int, ...], numbers: Sequence[int]) -> Known:
    """The automaton of known sets after a level, its equivalent pairs merged."""
    number: dict[int, int] = {}
    state = [number.setdefault(b, len(number)) for b in block]
    rows: list[tuple[int, ...]] = []
    sets: list[Node] = []
    values: list[set[tuple[int, ...]]] = []
    for place, own in enumerate(state):
        if own == len(rows):
            rows.append(tuple(DEAD if after == DEAD else state[after] for after in level.arrows[place]))
            sets.append(level.sets[place])
            values.append(set())
        values[own].add((numbers[place],))
    return Known(tuple(sets), tuple(rows), reads, tuple(tuple(sorted(found)) for found in values))


def _finish(base: Base, components: Sequence[Component], level: _Level, numbers: Sequence[int]) -> Reduced:
    """The components with what the readout has to tell apart: the pairs of the last level, by the value of its component."""
    coordinates = tuple((number - min(numbers),) for number in numbers)
    covering = Covering(
        base.components,
        tuple(mask.bit_length() - 1 for _, mask in level.sets),
        level.arrows,
        tuple(base.values[c] for c, _ in level.sets),
        coordinates,
        (components[-1].name,),
    )
    rows, arrows = np.array(numbers, dtype=np.int64)[:, None], np.array(level.arrows, dtype=np.int64)
    last = (len(components) - 1,)
    return Reduced(covering, tuple(components), Joint(np.arange(len(numbers)), rows, arrows), last)
