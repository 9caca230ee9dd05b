"""Coordinates of a permutation-reset component: what is permuted by a group and what is overwritten.

A permutation-reset component has a label that letters permute, by elements of a group H, or overwrite. Three ways to keep it:

held:    a group element g that permutations multiply and nothing resets, and y = g⁻¹(label), which resets overwrite. Let N be the last nontrivial term
         of the derived series of H if it moves every label whenever it moves any, otherwise trivial: g is kept modulo N, and y is an orbit of N and digits inside it.
cleared: the orbit of the label under H, which permutations leave alone, and an element of the group that H makes on the orbit, which takes a chosen label to
         the label: permutations multiply it, what overwrites the label overwrites it as well. Orbits share the components of their digits.
whole:   the label itself, as one permutation component.

Elements are spelled as digits along the derived series (`series`); docs/groups.md has the argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from ssmc.algebra.permutations import bounded_closure, derived_series, inverse, orbits_of, then
from ssmc.cascade.covering import STALE
from ssmc.cascade.holonomy import PeriodicError
from ssmc.cascade.series import Digits, Series

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ssmc.algebra.language_groups import Gates
    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.covering import Shape

GROUP_LIMIT = 5_000
"""Elements of a group above which it is not split."""


class Coordinates(Protocol):
    """How a label is kept; a state is a label, or None where there is none, and an element of the group."""

    @property
    def identity(self) -> Permutation:
        """The element at first."""

    @property
    def shapes(self) -> tuple[Shape | None, ...]:
        """The kind and size of each coordinate in order; None for a reset component."""

    @property
    def layers(self) -> int:
        """The layers that the coordinates take where nothing else delays them."""

    def turned(self, element: Permutation, turn: Permutation, label: int) -> Permutation:
        """The element after a permutation of the labels, which leads to a label."""

    def overwritten(self, element: Permutation, label: int | None) -> Permutation:
        """The element after what overwrites the label, or (None) leads to where there is none."""

    def row(self, element: Permutation, label: int | None) -> tuple[int, ...]:
        """The coordinates."""


@dataclass(frozen=True)
class Held:
    """The group element is never reset.

    Attributes:
        identity: the identity of the group.
        above: the digits of the group modulo N.
        last: the digits of N.
        anchor: label -> (orbit of N, digits inside it).
    """

    identity: Permutation
    above: Series
    last: Digits
    anchor: tuple[tuple[int, tuple[int, ...]], ...]

    @cached_property
    def shapes(self) -> tuple[Shape | None, ...]:
        """Digits of the group, the orbit of N, digits inside it."""
        return (*self.above.shapes, None, *self.last.shapes)

    @property
    def layers(self) -> int:
        """One a quotient of the series, at least one for what is reset."""
        orbits = {orbit for orbit, _ in self.anchor}
        return self.above.layers + max(self.last.layers, len(orbits) > 1)

    def turned(self, element: Permutation, turn: Permutation, label: int) -> Permutation:  # noqa: ARG002
        """The product, modulo N."""
        return self.above.representative(then(element, turn))

    def overwritten(self, element: Permutation, label: int | None) -> Permutation:  # noqa: ARG002
        """The element, which is held."""
        return element

    def row(self, element: Permutation, label: int | None) -> tuple[int, ...]:
        """The digits of the element, then where y is."""
        group = self.above.coordinates(element)
        if label is None:
            return (*group, *[STALE] * (1 + len(self.last.shapes)))
        orbit, digits = self.anchor[inverse(element)[label]]
        return (*group, orbit, *self.last.spell(digits))


@dataclass(frozen=True)
class Orbit:
    """The labels of one orbit and the group on them.

    Attributes:
        labels: the labels, the chosen one first.
        series: the digits of the group on their places.
        section: for each place an element that takes the chosen one to it.
        slots: where each coordinate of the series is kept among the digits.
    """

    labels: tuple[int, ...]
    series: Series
    section: tuple[Permutation, ...]
    slots: tuple[int, ...]


@dataclass(frozen=True)
class Cleared:
    """What overwrites the label overwrites the group element as well.

    Attributes:
        orbits: the orbits, that of the first label first.
        place: label -> (orbit, place in it).
        digits: the kind and size of each digit.
    """

    orbits: tuple[Orbit, ...]
    place: tuple[tuple[int, int], ...]
    digits: tuple[Shape, ...]

    @property
    def identity(self) -> Permutation:
        """The identity of the first orbit."""
        return tuple(range(len(self.orbits[0].labels)))

    @cached_property
    def shapes(self) -> tuple[Shape | None, ...]:
        """The orbit, then the digits."""
        return (None, *self.digits)

    @property
    def layers(self) -> int:
        """One a quotient of the series; the orbit is kept beside the first."""
        return max(1, *(orbit.series.layers for orbit in self.orbits))

    def turned(self, element: Permutation, turn: Permutation, label: int) -> Permutation:
        """The product on the orbit."""
        labels = self.orbits[self.place[label][0]].labels
        return then(element, tuple(self.place[turn[i]][1] for i in labels))

    def overwritten(self, element: Permutation, label: int | None) -> Permutation:  # noqa: ARG002
        """The element that leads to the label."""
        if label is None:
            return ()
        number, place = self.place[label]
        return self.orbits[number].section[place]

    def row(self, element: Permutation, label: int | None) -> tuple[int, ...]:
        """The orbit and the digits of the element; those of other orbits are stale."""
        digits = [STALE] * len(self.digits)
        if label is None:
            return (STALE, *digits)
        orbit = self.orbits[self.place[label][0]]
        for slot, digit in zip(orbit.slots, orbit.series.coordinates(element), strict=True):
            digits[slot] = digit
        return (self.place[label][0], *digits)


@dataclass(frozen=True)
class Whole:
    """The label is one permutation component.

    Attributes:
        identity: the identity of the group, the only element kept.
        place: label -> value.
    """

    identity: Permutation
    place: tuple[int, ...]

    @property
    def shapes(self) -> tuple[Shape | None, ...]:
        """One permutation component."""
        return (("permutation", len(self.place)),)

    @property
    def layers(self) -> int:
        """One."""
        return 1

    def turned(self, element: Permutation, turn: Permutation, label: int) -> Permutation:  # noqa: ARG002
        """The identity."""
        return element

    def overwritten(self, element: Permutation, label: int | None) -> Permutation:  # noqa: ARG002
        """The identity."""
        return element

    def row(self, element: Permutation, label: int | None) -> tuple[int, ...]:  # noqa: ARG002
        """The value."""
        return (STALE if label is None else self.place[label],)


def find_coordinates(
    generators: Collection[Permutation], gates: Gates, start: int, *, clear: bool, limit: int = GROUP_LIMIT
) -> Coordinates:
    """Coordinates that some gates can keep, for labels that some permutations generate a group of.

    Args:
        generators: the permutations; the identity alone where nothing is permuted.
        gates: what the components may do.
        start: the label that is at 0 in every coordinate while the element is the identity.
        clear: whether what overwrites the label overwrites the group element; otherwise that is held.
        limit: the most elements of a group that is split.

    Raises:
        PeriodicError: the gates cannot do the group.
    """
    size = len(next(iter(generators)))
    found: Coordinates
    trivial = set(generators) == {tuple(range(size))}
    if trivial or (clear and gates != "pd"):
        found = _cleared(list(generators), start, limit, signed=gates == "signed")
    else:
        elements = bounded_closure(generators, tuple(range(size)), limit)
        series = None if elements is None else derived_series(sorted(elements))
        solvable = series is not None and len(series[-1]) == 1
        held = _held(series, start, signed=gates == "signed") if series is not None and solvable else None
        if gates == "pd":
            cyclic = held is not None and not held.above.parts and len(held.last.shapes) == 1
            if held is not None and cyclic and all(orbit == 0 for orbit, _ in held.anchor):
                return held
            order = [start, *(i for i in range(size) if i != start)]
            return Whole(tuple(range(size)), tuple(order.index(i) for i in range(size)))
        if held is None:
            raise PeriodicError("a group of labels is not solvable, or too large to split")
        found = held
    kinds = {shape[0] for shape in found.shapes if shape is not None}
    if (gates == "non-negative" and kinds) or (gates == "signed" and "rotation" in kinds):
        raise PeriodicError("a group of labels needs other gates")
    return found


def _held(series: Sequence[list[Permutation]], start: int, *, signed: bool) -> Held:
    """Held coordinates, by the derived series of a solvable group."""
    identity = series[-1][0]
    trivial = [identity]
    last = series[-2] if len(series) > 1 else trivial
    if any(q == r for element in last if element != identity for q, r in enumerate(element)):
        last = trivial
    elif len(series) > 1:
        series = series[:-1]
    inner = Digits.of(last, trivial, signed=signed)
    anchor: dict[int, tuple[int, tuple[int, ...]]] = {}
    orbits = 0
    for label in (start, *range(len(identity))):
        if label not in anchor:
            for digits, element in inner.member.items():
                anchor[element[label]] = (orbits, digits)
            orbits += 1
    places = tuple(anchor[label] for label in range(len(identity)))
    return Held(identity, Series.of(series, signed=signed), inner, places)


def _cleared(generators: Sequence[Permutation], start: int, limit: int, *, signed: bool) -> Cleared:
    """Cleared coordinates, by the derived series of the group on each orbit.

    Raises:
        PeriodicError: a group is not solvable, or too large.
    """
    size = len(generators[0])
    place = [(0, 0)] * size
    found: list[tuple[tuple[int, ...], Series, tuple[Permutation, ...]]] = []
    for own in sorted(orbits_of(generators), key=lambda labels: (start not in labels, labels)):
        chosen = start if start in own else own[0]
        labels = (chosen, *(label for label in own if label != chosen))
        for i, label in enumerate(labels):
            place[label] = (len(found), i)
        identity = tuple(range(len(labels)))
        turns = {tuple(place[turn[label]][1] for label in labels) for turn in generators} - {identity}
        elements = bounded_closure(sorted(turns), identity, limit)
        terms = None if elements is None else derived_series(sorted(elements))
        if terms is None or len(terms[-1]) > 1:
            raise PeriodicError("a group of labels is not solvable, or too large to split")
        series = Series.of(terms, signed=signed)
        section = tuple(next(g for g in terms[0] if g[0] == i) for i in identity)
        found.append((labels, series, section))
    # the digits of equal quotients are shared, counted from the top, so that none has to wait for those of another orbit
    digits: list[Shape] = []
    slots: list[list[int]] = [[] for _ in found]
    for i in range(max(len(series.parts) for _, series, _ in found)):
        first = len(digits)
        for own_slots, (_, series, _) in zip(slots, found, strict=True):
            place_of = first
            for shape in series.parts[i].shapes if i < len(series.parts) else ():
                place_of = next((j for j in range(place_of, len(digits)) if digits[j] == shape), len(digits))
                if place_of == len(digits):
                    digits.append(shape)
                own_slots.append(place_of)
                place_of += 1
    orbits = tuple(Orbit(*one, tuple(own_slots)) for one, own_slots in zip(found, slots, strict=True))
    return Cleared(orbits, tuple(place), tuple(digits))
