"""Green's relations: the R-, L-, D- and H-classes of the transition monoid and its egg-boxes.

Elements are R-equivalent iff they generate the same right ideal, that is, iff they lie in one strongly connected component of the right
Cayley graph; L likewise on the left. H is their intersection and D = J (the monoid is finite) their join. An H-class with an
idempotent is a group, and all the group H-classes of one D-class are isomorphic (Green 1951; Clifford and Preston 1961, 2.2-2.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ssmc.algebra.graph import strong_components
from ssmc.algebra.groups import Group, name_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ssmc.algebra.monoid import TransitionMonoid


@dataclass(frozen=True)
class DClass:
    """A D-class: an egg-box of R-classes (rows) and L-classes (columns), all of whose H-classes (cells) have one size.

    Attributes:
        elements: its elements, ascending; the first has the shortest word.
        rows: the R-classes in it.
        columns: the L-classes in it.
        cell_size: the number of elements of every H-class.
        idempotents: its idempotents; one to a group cell.
        group: the group of its group cells, or None if it has none (the D-class is not regular).
    """

    elements: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    cell_size: int
    idempotents: tuple[int, ...]
    group: Group | None

    @property
    def regular(self) -> bool:
        """Whether it has an idempotent."""
        return bool(self.idempotents)


@dataclass(frozen=True)
class GreenClasses:
    """The class of every element under R, L and D; classes are numbered by their smallest element.

    Attributes:
        monoid: the monoid.
        r_class: the R-class of each element.
        l_class: the L-class of each element.
        d_class: the D-class of each element.
    """

    monoid: TransitionMonoid
    r_class: tuple[int, ...]
    l_class: tuple[int, ...]
    d_class: tuple[int, ...]

    @cached_property
    def r_count(self) -> int:
        """The number of R-classes."""
        return 1 + max(self.r_class)

    @cached_property
    def l_count(self) -> int:
        """The number of L-classes."""
        return 1 + max(self.l_class)

    @cached_property
    def d_count(self) -> int:
        """The number of D-classes."""
        return 1 + max(self.d_class)

    @cached_property
    def h_count(self) -> int:
        """The number of H-classes."""
        return sum(len(d.rows) * len(d.columns) for d in self.d_classes)

    def cell(self, element: int) -> tuple[int, int]:
        """The H-class of an element as (R-class, L-class)."""
        return self.r_class[element], self.l_class[element]

    @cached_property
    def d_classes(self) -> tuple[DClass, ...]:
        """The D-classes with their groups."""
        members: list[list[int]] = [[] for _ in range(self.d_count)]
        for element, d in enumerate(self.d_class):
            members[d].append(element)
        idempotents: list[list[int]] = [[] for _ in members]
        for element in self.monoid.idempotents:
            idempotents[self.d_class[element]].append(element)
        return tuple(self._d_class(e, i) for e, i in zip(members, idempotents, strict=True))

    def _d_class(self, elements: list[int], idempotents: list[int]) -> DClass:
        rows = sorted({self.r_class[i] for i in elements})
        columns = sorted({self.l_class[i] for i in elements})
        cell_size = len(elements) // (len(rows) * len(columns))
        group = None
        if idempotents:
            cell = self.cell(idempotents[0])
            group = name_group(self._permutations(idempotents[0], [i for i in elements if self.cell(i) == cell]))
        return DClass(tuple(elements), tuple(rows), tuple(columns), cell_size, tuple(idempotents), group)

    def _permutations(self, idempotent: int, cell: Sequence[int]) -> list[tuple[int, ...]]:
        """The action of a group cell on the image of its idempotent, which is faithful since g = e·g."""
        maps = self.monoid.maps
        image = sorted(set(maps.unpack(self.monoid.elements[idempotent])) - {maps.size})
        number = {q: i for i, q in enumerate(image)}
        found = []
        for i in cell:
            values = maps.unpack(self.monoid.elements[i])
            found.append(tuple([number[values[q]] for q in image]))
        return found

    @cached_property
    def order(self) -> tuple[tuple[int, ...], ...]:
        """For each D-class the D-classes directly below it in the order of two-sided ideals."""
        monoid, d_class, letters = self.monoid, self.d_class, self.monoid.letters
        below: list[set[int]] = [set() for _ in range(self.d_count)]
        for i, d in enumerate(d_class):
            below[d].update(d_class[r] for r in monoid.right[i * letters : (i + 1) * letters])
            below[d].update(d_class[table[i]] for table in monoid.left)
        for d, heads in enumerate(below):
            heads.discard(d)
        ideals: dict[int, set[int]] = {}
        for [d] in strong_components(len(below), below.__getitem__):  # classes below come first
            ideals[d] = set().union(*(ideals[h] | {h} for h in below[d]))
        return tuple(tuple(sorted(h for h in heads if not any(h in ideals[g] for g in heads))) for heads in below)


def green_classes(monoid: TransitionMonoid) -> GreenClasses:
    """Green's relations of a monoid, by strongly connected components of its two Cayley graphs."""
    letters = monoid.letters
    r_class = _classes(monoid.size, lambda i: monoid.right[i * letters : (i + 1) * letters])
    left = monoid.left
    l_class = _classes(monoid.size, lambda i: [table[i] for table in left])
    parent = list(range(1 + max(r_class)))

    def root(r: int) -> int:
        while parent[r] != r:
            parent[r] = parent[parent[r]]
            r = parent[r]
        return r

    of_column: dict[int, int] = {}
    for r, column in zip(r_class, l_class, strict=True):
        first = root(of_column.setdefault(column, r))
        parent[root(r)] = first
    return GreenClasses(monoid, r_class, l_class, _numbered([root(r) for r in r_class]))


def _classes(size: int, successors: Callable[[int], Iterable[int]]) -> tuple[int, ...]:
    label = [0] * size
    for number, component in enumerate(strong_components(size, successors)):
        for element in component:
            label[element] = number
    return _numbered(label)


def _numbered(labels: Sequence[int]) -> tuple[int, ...]:
    """Labels renumbered by first occurrence."""
    number: dict[int, int] = {}
    return tuple([number.setdefault(label, len(number)) for label in labels])
