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

from ssmc.algebra.permutations import bounded_closure, then
from ssmc.cascade.covering import STALE, Covering, number_contexts
from ssmc.cascade.holonomy import PeriodicError
from ssmc.cascade.series import Frame, find_frame
from ssmc.cascade.tiling import Tiling, find_tiling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.algebra.language_groups import Gates
    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.base import Base
    from ssmc.cascade.covering import Shape
    from ssmc.cascade.system import Mask

GROUP_LIMIT = 5_000
"""Elements of a holonomy group above which it is not split."""


@dataclass(frozen=True)
class _Place:
    """Where a class keeps its labels among the coordinates.

    Attributes:
        first: the first level.
        frame: the coordinates of labels and group; None where the label is one coordinate.
        labels: the coordinate of each label where it is one.
    """

    first: int
    frame: Frame | None
    labels: tuple[int, ...] = ()


class _Layout:
    """The levels of a tiling: which coordinates each class has."""

    def __init__(self, tiling: Tiling, gates: Gates, starts: dict[int, int]) -> None:
        self.names: list[str] = []
        self.shapes: dict[int, Shape] = {}
        self.places: dict[int, _Place] = {}
        classes = list(dict.fromkeys(tiling.class_of[node] for node in tiling.tiles))
        height = {tiling.class_of[node]: tiling.heights[node] for node in tiling.tiles}
        count = {tiling.class_of[node]: len(tiles) for node, tiles in tiling.tiles.items()}
        top = tiling.height
        for h in range(top, 0, -1):
            inside = [number for number in classes if height[number] == h]
            for number in inside:
                if number in tiling.generators:
                    name = f"level {top - h + 1} group"
                    frame = _frame(tiling.generators[number], gates, starts.get(number, 0))
                    if frame is None:
                        size, start = count[number], starts.get(number, 0)
                        order = [start, *(i for i in range(size) if i != start)]
                        labels = tuple(order.index(i) for i in range(size))
                        self.places[number] = _Place(len(self.names), None, labels)
                        self._add(name, ("permutation", size))
                        continue
                    self.places[number] = _Place(len(self.names), frame)
                    for shape in frame.group_shapes:
                        self._add(name, shape)
                    self._add(f"level {top - h + 1}", None)
                    for shape in frame.label_shapes:
                        self._add(name, shape)
            trivial = [number for number in inside if number not in tiling.generators]
            for number in trivial:
                self.places[number] = _Place(len(self.names), None, tuple(range(count[number])))
            if trivial:
                self._add(f"level {top - h + 1}", None)
        self.split = [n for n, place in self.places.items() if place.frame is not None and place.frame.series]

    def _add(self, name: str, shape: Shape | None) -> None:
        if shape is not None:
            self.shapes[len(self.names)] = shape
        self.names.append(name)

    def coordinates(self, labels: list[tuple[int, int]], elements: tuple[Permutation, ...]) -> tuple[int, ...]:
        """The coordinates for (class, label) of each refined set and the group element of each split class."""
        row = [STALE] * len(self.names)
        element = dict(zip(self.split, elements, strict=True))
        for number, g in element.items():
            place = self.places[number]
            if place.frame is not None:
                for i, digit in enumerate(place.frame.group_digits(g)):
                    row[place.first + i] = digit
        for number, label in labels:
            place = self.places[number]
            if place.frame is None:
                row[place.first] = place.labels[label]
            else:
                first = place.first + len(place.frame.group_shapes)
                digits = place.frame.label_digits(element.get(number, place.frame.identity), label)
                row[first : first + len(digits)] = digits
        return tuple(row)


def _frame(generators: tuple[Permutation, ...], gates: Gates, start: int) -> Frame | None:
    """The coordinates of a class, or None where its label is to be one permutation component.

    Raises:
        PeriodicError: the gates cannot do the group.
    """
    elements = bounded_closure(generators, tuple(range(len(generators[0]))), GROUP_LIMIT)
    frame = None if elements is None else find_frame(sorted(elements), start, signed=gates == "signed")
    if gates == "pd":
        one = frame is not None and not frame.series and len(frame.label_shapes) == 1
        return frame if one and frame is not None and all(orbit == 0 for orbit, _ in frame.anchor) else None
    if frame is None:
        raise PeriodicError("a holonomy group is not solvable, or too large to split")
    kinds = {kind for kind, _ in (*frame.group_shapes, *frame.label_shapes)}
    if gates == "non-negative" or (gates == "signed" and "rotation" in kinds):
        raise PeriodicError("a holonomy group needs other gates")
    return frame


def cover_by_group_holonomy(
    base: Base, gates: Gates, *, set_limit: int = 100_000, context_limit: int = 100_000
) -> Covering:
    """The holonomy covering of any system, from the whole fibre down to single states.

    Args:
        base: contexts over a system.
        gates: what the components may do.
        set_limit: the largest family of sets.
        context_limit: the largest number of known contexts (chains of tiles with group elements).

    Raises:
        LimitError: a limit is exceeded.
        PeriodicError: the gates cannot do a group of the system.
    """
    return _Cover(base, gates, set_limit).build(context_limit)


_Name = tuple[int, tuple["Permutation", ...], tuple[int, ...]]
"""A context: base context, the element of each split class, and the label at each height from the top."""


class _Cover:
    def __init__(self, base: Base, gates: Gates, set_limit: int) -> None:
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
        self.layout = _Layout(self.tiling, gates, starts)
        frames = [self.layout.places[number].frame for number in self.layout.split]
        self.first: _Name = (0, tuple(frame.identity for frame in frames if frame is not None), tuple(labels))

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
        moved = list(elements)
        target = self.base.contexts.fibres[d]
        while (h := tiling.heights[d, target]) > 0:
            while level < self.top - h:
                level, known = next(old)
            image = self.base.system.image(known, x)
            tiles = tiling.tiles[d, target]
            turn = tiling.turn((c, known), x) if level == self.top - h and image == target else None
            if turn is None:
                label = min(i for i, tile in enumerate(tiles) if image & ~tile == 0)
            else:
                label = turn[labels[level]]
                number = tiling.class_of[d, target]
                if number in layout.split:
                    place, i = layout.places[number], layout.split.index(number)
                    if place.frame is not None:
                        moved[i] = place.frame.normal(then(moved[i], turn))
            after[self.top - h] = label
            target = tiles[label]
        return d, tuple(moved), tuple(after)

    def row(self, name: _Name) -> tuple[int, ...]:
        """The coordinates of a context."""
        c, elements, labels = name
        refined = [(level, known) for level, known in self.chain(c, labels) if level < self.top]
        return self.layout.coordinates(
            [(self.tiling.class_of[c, known], labels[level]) for level, known in refined], elements
        )

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
