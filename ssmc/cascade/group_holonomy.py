"""The fibred holonomy decomposition of systems with groups: the covering that always exists (Krohn and Rhodes 1965; Eilenberg 1976).

As in `holonomy`, a set is refined into its tiles and one level a height tells the tile. Inside a class (a strongly connected component of sets) letters carry
tiles to tiles. Tiles are numbered at one set of the class and along a spanning tree from there; every other arrow of the class then permutes
the numbers, and these permutations generate the holonomy group of the class. A class with a nontrivial group has components of its own (`series`): digits of
the group, which its arrows add to and nothing resets, and digits of the label, which its arrows add to and all else resets; classes without one
share a reset component a height. docs/groups.md has the argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.cascade.coordinates import find_coordinates
from ssmc.cascade.covering import STALE, Covering, number_contexts
from ssmc.cascade.tiling import Tiling, find_tiling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.algebra.language_groups import Gates
    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.base import Base
    from ssmc.cascade.coordinates import Coordinates
    from ssmc.cascade.covering import Shape
    from ssmc.cascade.system import Mask


@dataclass(frozen=True)
class _Place:
    """Where a class keeps its labels: the first level, and its own coordinates; None where it shares one reset component with others of its height."""

    first: int
    own: Coordinates | None


class _Layout:
    """The levels of a tiling: which coordinates each class has."""

    def __init__(self, tiling: Tiling, gates: Gates, starts: dict[int, int], *, clear: bool) -> None:
        self.names: list[str] = []
        self.shapes: dict[int, Shape] = {}
        self.places: dict[int, _Place] = {}
        self.split: dict[int, Coordinates] = {}
        classes = list(dict.fromkeys(tiling.class_of[node] for node in tiling.tiles))
        height = {tiling.class_of[node]: tiling.heights[node] for node in tiling.tiles}
        top = tiling.height
        for h in range(top, 0, -1):
            name = f"level {top - h + 1}"
            trivial = [number for number in classes if height[number] == h and number not in tiling.generators]
            for number in classes:
                if height[number] == h and number in tiling.generators:
                    own = find_coordinates(tiling.generators[number], gates, starts.get(number, 0), clear=clear)
                    self.places[number], self.split[number] = _Place(len(self.names), own), own
                    for shape in own.shapes:
                        if shape is not None:
                            self.shapes[len(self.names)] = shape
                        self.names.append(name if shape is None else f"{name} group")
            for number in trivial:
                self.places[number] = _Place(len(self.names), None)
            if trivial:
                self.names.append(name)

    def coordinates(self, labels: dict[int, int], elements: tuple[Permutation, ...]) -> tuple[int, ...]:
        """The coordinates for class -> label of each refined set and the group element of each class that has one."""
        row = [STALE] * len(self.names)
        for (number, own), element in zip(self.split.items(), elements, strict=True):
            digits = own.row(element, labels.get(number))
            first = self.places[number].first
            row[first : first + len(digits)] = digits
        for number, label in labels.items():
            place = self.places[number]
            if place.own is None:
                row[place.first] = label
        return tuple(row)


def cover_by_group_holonomy(
    base: Base, gates: Gates, *, clear: bool, set_limit: int = 100_000, context_limit: int = 100_000
) -> Covering:
    """The holonomy covering of any system, from the whole fibre down to single states.

    Args:
        base: contexts over a system.
        gates: what the components may do.
        clear: whether what overwrites a label overwrites the group element of its class, or that is held (`coordinates`).
        set_limit: the largest family of sets.
        context_limit: the largest number of known contexts (chains of tiles with group elements).

    Raises:
        LimitError: a limit is exceeded.
        PeriodicError: the gates cannot do a group of the system.
    """
    return _Cover(base, gates, set_limit, clear=clear).build(context_limit)


_Name = tuple[int, tuple["Permutation", ...], tuple[int, ...]]
"""A context: base context, the element of each split class, and the label at each height from the top."""


class _Cover:
    def __init__(self, base: Base, gates: Gates, set_limit: int, *, clear: bool) -> None:
        self.base = base
        self.tiling = find_tiling(base.system, base.contexts, set_limit=set_limit)
        self.top = self.tiling.height
        labels = [STALE] * self.top
        starts = {}
        known = base.contexts.fibres[0]
        while (h := self.tiling.heights[0, known]) > 0:
            tiles = self.tiling.tiles[0, known]
            labels[self.top - h] = min(i for i, tile in enumerate(tiles) if tile & 1)
            starts[self.tiling.class_of[0, known]] = labels[self.top - h]
            known = tiles[labels[self.top - h]]
        self.layout = _Layout(self.tiling, gates, starts, clear=clear)
        elements = [
            own.identity if number in starts else own.overwritten(own.identity, None)
            for number, own in self.layout.split.items()
        ]
        self.first: _Name = (0, tuple(elements), tuple(labels))

    def chain(self, c: int, labels: tuple[int, ...]) -> Iterator[tuple[int, Mask]]:
        """The levels that are fresh and the sets known before each, then (top, the singleton)."""
        known = self.base.contexts.fibres[c]
        while (h := self.tiling.heights[c, known]) > 0:
            yield self.top - h, known
            known = self.tiling.tiles[c, known][labels[self.top - h]]
        yield self.top, known

    def follow(self, name: _Name, x: int) -> _Name:
        """The context after class x: labels move where the known set maps onto the new one, else the first tile that fits."""
        c, elements, labels = name
        tiling, layout = self.tiling, self.layout
        d = self.base.contexts.arrows[c][x]
        old = self.chain(c, labels)
        level, known = next(old)
        after = [STALE] * self.top
        before = dict(zip(layout.split, elements, strict=True))
        moved = {number: own.overwritten(before[number], None) for number, own in layout.split.items()}
        target = self.base.contexts.fibres[d]
        while (h := tiling.heights[d, target]) > 0:
            while level < self.top - h:
                level, known = next(old)
            image = self.base.system.image(known, x)
            tiles = tiling.tiles[d, target]
            turn = tiling.turn((c, known), x) if level == self.top - h and image == target else None
            own = layout.split.get(number := tiling.class_of[d, target])
            if turn is None:
                label = min(i for i, tile in enumerate(tiles) if image & ~tile == 0)
                if own is not None:
                    moved[number] = own.overwritten(before[number], label)
            else:
                label = turn[labels[level]]
                if own is not None:
                    moved[number] = own.turned(before[number], turn, label)
            after[self.top - h] = label
            target = tiles[label]
        return d, tuple(moved.values()), tuple(after)

    def row(self, name: _Name) -> tuple[int, ...]:
        """The coordinates of a context."""
        c, elements, labels = name
        refined = {
            self.tiling.class_of[c, known]: labels[level] for level, known in self.chain(c, labels) if level < self.top
        }
        return self.layout.coordinates(refined, elements)

    def build(self, context_limit: int) -> Covering:
        """All contexts that words lead to."""
        names, states, arrows = number_contexts(
            self.base.system, self.first, self.follow, limit=context_limit, what="contexts of the holonomy covering"
        )
        return Covering(
            self.base.components,
            states,
            arrows,
            tuple(self.base.values[c] for c, _, _ in names),
            tuple(self.row(name) for name in names),
            tuple(self.layout.names),
            self.layout.shapes,
        )
