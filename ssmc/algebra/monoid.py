"""The transition monoid with its Cayley graphs.

The transition monoid of the complete minimal automaton is the syntactic monoid of the language. Elements are numbered by length, then
alphabetic order, of their shortest word; element 0 is the identity, the class of the empty word. Elements compose from left to
right: `product(i, j)` is first i, then j.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ssmc.algebra.maps import MEMORY_LIMIT, Maps, aperiodicity_index, element_bytes, transition_maps
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Automaton

ELEMENT_LIMIT = 1_000_000


@dataclass(frozen=True)
class TransitionMonoid:
    """A monoid of maps, enumerated.

    Attributes:
        maps: the representation of its elements.
        elements: all elements.
        index: the number of each element.
        prefix: for each element the number of the element of its shortest word less the last symbol; -1 for the identity.
        last: the last symbol class of that word; -1 for the identity.
        right: `right[i * letters + x]` is element i followed by symbol class x.
    """

    maps: Maps
    elements: list[bytes]
    index: dict[bytes, int]
    prefix: array[int]
    last: array[int]
    right: array[int]

    @property
    def size(self) -> int:
        """The number of elements, the identity included."""
        return len(self.elements)

    @property
    def letters(self) -> int:
        """The number of generators, one for each symbol class."""
        return len(self.maps.generators)

    def word(self, element: int) -> tuple[int, ...]:
        """The first shortest word of symbol classes for an element."""
        word = []
        while element > 0:
            word.append(self.last[element])
            element = self.prefix[element]
        return tuple(reversed(word))

    def product(self, first: int, second: int) -> int:
        """The element "first, then second"."""
        return self.index[self.maps.then(self.elements[first], self.elements[second])]

    def element_of(self, word: Sequence[int]) -> int:
        """The element of a word of symbol classes."""
        element = 0
        for c in word:
            element = self.right[element * self.letters + c]
        return element

    @cached_property
    def generators(self) -> tuple[int, ...]:
        """The element of each symbol class."""
        return tuple(self.right[: self.letters])

    @cached_property
    def left(self) -> tuple[array[int], ...]:
        """`left[x][i]` is symbol class x followed by element i: x·(p·y) = (x·p)·y, from the right Cayley graph alone."""
        letters, right, tables = self.letters, self.right, []
        steps = list(zip(self.prefix, self.last, strict=True))[1:]
        for generator in self.generators:
            table = array("I", [generator])
            append = table.append
            for before, letter in steps:
                append(right[table[before] * letters + letter])
            tables.append(table)
        return tuple(tables)

    @cached_property
    def idempotents(self) -> tuple[int, ...]:
        """The elements e with e·e = e."""
        then = self.maps.then
        return tuple(i for i, element in enumerate(self.elements) if then(element, element) == element)

    @cached_property
    def zero(self) -> int | None:
        """The element z with z·m = m·z = z for all m, if there is one."""
        letters = self.letters
        for i in range(self.size):
            fixed = all(self.right[i * letters + x] == i for x in range(letters))
            if fixed and all(table[i] == i for table in self.left):
                return i
        return None

    @cached_property
    def has_unit_word(self) -> bool:
        """Whether some non-empty word acts as the identity, so that the syntactic semigroup has all elements of the monoid."""
        return 0 in self.right

    @cached_property
    def semigroup(self) -> range:
        """The elements of the syntactic semigroup: those of non-empty words."""
        return range(0 if self.has_unit_word else 1, self.size)

    def power(self, element: int) -> int:
        """The idempotent power of an element, written x^ω."""
        elements, then = self.elements, self.maps.then
        base = power = elements[element]
        while then(power, power) != power:
            power = then(power, base)
        return self.index[power]

    @cached_property
    def aperiodicity_index(self) -> int | None:
        """The least n with x^n = x^(n+1) for all x; None if some x has no such n (the monoid has a group)."""
        return aperiodicity_index(self.maps, self.elements)


def enumerate_monoid(
    automaton: Automaton, *, limit: int = ELEMENT_LIMIT, memory_limit: int = MEMORY_LIMIT
) -> TransitionMonoid:
    """The transition monoid of the complete minimal automaton.

    Args:
        automaton: the language.
        limit: the largest number of elements.
        memory_limit: the largest number of bytes that the elements may take.

    Raises:
        LimitError: one of the limits is reached.
    """
    maps = transition_maps(automaton)
    letters = len(maps.generators)
    bytes_each = element_bytes(maps) + 8 + 8 * letters  # with its shortest word and both Cayley graphs
    most = min(limit, memory_limit // bytes_each)
    elements = [maps.identity]
    index = {maps.identity: 0}
    prefix, last, right = array("i", [-1]), array("i", [-1]), array("I")
    done = 0
    while done < len(elements):
        products = maps.products(elements[done : done + maps.block])
        first = dict(zip(reversed(products), range(len(products) - 1, -1, -1), strict=True))  # the first place of each
        fresh = sorted([place for product, place in first.items() if product not in index])
        count = len(elements)
        elements += [products[place] for place in fresh]
        index.update(zip(elements[count:], range(count, len(elements)), strict=True))
        prefix.extend([done + place // letters for place in fresh])
        last.extend([place % letters for place in fresh])
        right.extend(map(index.__getitem__, products))
        done = min(done + maps.block, count)
        if len(elements) > most:
            if len(elements) > limit:
                raise LimitError("elements of the transition monoid", limit, limit, "--monoid-limit")
            raise LimitError(
                "bytes of the transition monoid", len(elements) * bytes_each, memory_limit, "--memory-limit"
            )
    return TransitionMonoid(maps, elements, index, prefix, last, right)
