"""Coordinates of a permutation-reset component: digits of prime-power order along a normal series, and what is left to reset.

Let H permute n labels. Take H ▷ D1 ▷ ... ▷ N, the derived series down to its last term N, if N moves every label whenever it moves any
(otherwise down to the trivial group, N = 1). Every g in H is t0∘t1∘...∘m with m in N and t_i a product of powers of a basis of the abelian
quotient D_i/D_(i+1): its *digits*. A label x is g(y). A permutation h takes (g, y) to (h∘g without its part m in N, m(y)), so digit j
of D_i/D_(i+1) moves by an addition that the digits of the quotients before it decide; a reset to x holds g and overwrites y by g⁻¹(x). N acts on y by additions
alone: y is an orbit of N and digits inside it. Where N = H, nothing is multiplied and never reset.
(Krohn and Rhodes 1965; docs/groups.md.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import TYPE_CHECKING

from ssmc.algebra.permutations import cyclic_basis, derived_series, inverse, then

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.covering import Shape


@dataclass(frozen=True)
class Digits:
    """The elements t of one abelian quotient, as mixed-radix numbers.

    Attributes:
        orders: the order of each digit.
        number: element -> digits, for every element of the subgroup.
        member: digits -> the element that stands for them.
    """

    orders: tuple[int, ...]
    number: dict[Permutation, tuple[int, ...]]
    member: dict[tuple[int, ...], Permutation]

    @staticmethod
    def of(group: Sequence[Permutation], kernel: Sequence[Permutation]) -> Digits:
        """The digits of an abelian quotient."""
        identity = tuple(range(len(group[0])))
        basis = cyclic_basis(group, kernel)
        member = {}
        for exponents in product(*(range(order) for _, order in basis)):
            element = identity
            for (factor, _), exponent in zip(basis, exponents, strict=True):
                for _ in range(exponent):
                    element = then(element, factor)
            member[exponents] = element
        number = {then(m, element): digits for digits, element in member.items() for m in kernel}
        return Digits(tuple(order for _, order in basis), number, member)


@dataclass(frozen=True)
class Frame:
    """Coordinates for the labels that a group permutes.

    Attributes:
        identity: the identity of the group.
        series: the digits of each abelian quotient above N.
        last: the digits of N.
        anchor: label -> (orbit of N, digits inside it).
        signed: whether digits of order 2^k become k binary digits, the least first.
    """

    identity: Permutation
    series: tuple[Digits, ...]
    last: Digits
    anchor: tuple[tuple[int, tuple[int, ...]], ...]
    signed: bool

    @cached_property
    def group_shapes(self) -> tuple[Shape, ...]:
        """What multiplies g and is never reset: the kind and size of each coordinate."""
        return tuple(_shape(order) for part in self.series for order in self._orders(part))

    @cached_property
    def label_shapes(self) -> tuple[Shape, ...]:
        """The coordinates of y: the kind and size of each digit, after the orbit, which is a reset component."""
        return tuple(_shape(order) for order in self._orders(self.last))

    def _orders(self, part: Digits) -> list[int]:
        return [small for order in part.orders for small in ([2] * _bits(order) if self._splits(order) else [order])]

    def _splits(self, order: int) -> bool:
        return self.signed and order & (order - 1) == 0

    def _spell(self, part: Digits, digits: tuple[int, ...]) -> list[int]:
        out = []
        for digit, order in zip(digits, part.orders, strict=True):
            out += [digit >> k & 1 for k in range(_bits(order))] if self._splits(order) else [digit]
        return out

    def normal(self, element: Permutation) -> Permutation:
        """The element of the same coset of N that its digits stand for."""
        rest, out = element, self.identity
        for part in self.series:
            member = part.member[part.number[rest]]
            rest, out = then(rest, inverse(member)), then(member, out)
        return out

    def group_digits(self, element: Permutation) -> tuple[int, ...]:
        """The coordinates of g."""
        out: list[int] = []
        for part in self.series:
            digits = part.number[element]
            out += self._spell(part, digits)
            element = then(element, inverse(part.member[digits]))
        return tuple(out)

    def label_digits(self, element: Permutation, label: int) -> tuple[int, ...]:
        """The coordinates of y for label x and g: the orbit of N, then the digits."""
        orbit, digits = self.anchor[inverse(element)[label]]
        return (orbit, *self._spell(self.last, digits))


def find_frame(elements: Sequence[Permutation], start: int, *, signed: bool) -> Frame | None:
    """Coordinates for the labels of a group, or None if it is not solvable.

    Args:
        elements: all elements of the group.
        start: the label that has the number 0 in every coordinate.
        signed: whether only digits of order 2 are wanted where the order is a power of 2.
    """
    series = derived_series(elements)
    if len(series[-1]) > 1:
        return None
    identity = series[-1][0]
    trivial = [identity]
    last = series[-2] if len(series) > 1 else trivial
    if any(q == r for element in last if element != identity for q, r in enumerate(element)):
        last = trivial
    else:
        series = series[:-1] if len(series) > 1 else series
    parts = tuple(Digits.of(group, kernel) for group, kernel in pairwise(series))
    inner = Digits.of(last, trivial)
    anchor: dict[int, tuple[int, tuple[int, ...]]] = {}
    orbits = 0
    for label in (start, *range(len(identity))):
        if label not in anchor:
            for digits, element in inner.member.items():
                anchor[element[label]] = (orbits, digits)
            orbits += 1
    return Frame(identity, parts, inner, tuple(anchor[label] for label in range(len(identity))), signed)


def _shape(order: int) -> Shape:
    return ("swap", 2) if order == 2 else ("rotation", order)


def _bits(order: int) -> int:
    return order.bit_length() - 1
