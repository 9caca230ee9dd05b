"""Elements of a solvable group as digits of prime-power order along its derived series.

Let H ▷ D1 ▷ ... ▷ 1 be a normal series with abelian quotients. Every g in H is t0∘t1∘...∘tm in exactly one way, t_i a product of powers of a basis of the quotient
D_i/D_(i+1): the exponents are its *digits*. Multiplying g by h adds to the digits of a quotient what h and the digits of the quotients before it decide
(Krohn and Rhodes 1965; docs/groups.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import TYPE_CHECKING

from ssmc.algebra.permutations import cyclic_basis, inverse, then

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
        signed: whether a digit of order 2^k is spelled by k binary ones, the least first.
    """

    orders: tuple[int, ...]
    number: dict[Permutation, tuple[int, ...]]
    member: dict[tuple[int, ...], Permutation]
    signed: bool

    @staticmethod
    def of(group: Sequence[Permutation], kernel: Sequence[Permutation], *, signed: bool) -> Digits:
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
        return Digits(tuple(order for _, order in basis), number, member, signed)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The kind and size of each coordinate."""
        return tuple(
            ("swap", 2) if order == 2 else ("rotation", order)
            for whole in self.orders
            for order in ([2] * _bits(whole) if self._splits(whole) else [whole])
        )

    @property
    def layers(self) -> int:
        """The layers that the coordinates take: those of one digit read the ones before them as carry."""
        return max((_bits(order) if self._splits(order) else 1 for order in self.orders), default=0)

    def spell(self, digits: tuple[int, ...]) -> list[int]:
        """The coordinates of digits."""
        out = []
        for digit, order in zip(digits, self.orders, strict=True):
            out += [digit >> k & 1 for k in range(_bits(order))] if self._splits(order) else [digit]
        return out

    def _splits(self, order: int) -> bool:
        return self.signed and order & (order - 1) == 0


@dataclass(frozen=True)
class Series:
    """The digits of all quotients of a normal series, from the whole group down to its last term."""

    parts: tuple[Digits, ...]

    @staticmethod
    def of(terms: Sequence[Sequence[Permutation]], *, signed: bool) -> Series:
        """The digits of a series of normal subgroups with abelian quotients."""
        return Series(tuple(Digits.of(group, kernel, signed=signed) for group, kernel in pairwise(terms)))

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The kind and size of each coordinate."""
        return tuple(shape for part in self.parts for shape in part.shapes)

    @property
    def layers(self) -> int:
        """The layers that the coordinates take."""
        return sum(part.layers for part in self.parts)

    def coordinates(self, element: Permutation) -> list[int]:
        """The coordinates of an element, those of the quotient by the last term."""
        out: list[int] = []
        for part in self.parts:
            digits = part.number[element]
            out += part.spell(digits)
            element = then(element, inverse(part.member[digits]))
        return out

    def representative(self, element: Permutation) -> Permutation:
        """The element of the same coset of the last term that the digits of an element stand for."""
        rest, out = element, tuple(range(len(element)))
        for part in self.parts:
            member = part.member[part.number[rest]]
            rest, out = then(rest, inverse(member)), then(member, out)
        return out


def _bits(order: int) -> int:
    return order.bit_length() - 1
