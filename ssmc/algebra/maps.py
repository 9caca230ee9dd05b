"""Transition maps as byte strings: composition, powers and breadth-first enumeration of the monoid they generate.

A map m on n points is a byte string of n entries, entry q being q·m; the value n stands for *undefined* and is fixed by every map
(it is the sink of the complete automaton), so that a monoid of partial maps and its completion are one and the same. Up to
256 values an entry is a byte and "first m, then x" is `m.translate(x)`, one call into C; above, an entry is a native 16- or 32-bit integer
and numpy takes all generators at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Literal

from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ssmc.automaton import Automaton

BYTE_VALUES = 256
WIDE_VALUES = 65536
MEMORY_LIMIT = 4 << 30
PRODUCTS = 16_384
"""Products to form at a time."""


class Maps:
    """The generators of a monoid of partial maps on n states, and the operations on its elements.

    Attributes:
        size: n, the number of states.
        generators: the generator maps.
        identity: the identity map.
        block: how many elements to multiply at a time.
        products: all products of a block of elements with the generators: those of the first element, of the second, ...
    """

    def __init__(self, size: int, columns: Sequence[Sequence[int]]) -> None:
        """Takes the maps as `columns[x][q]`, `DEAD` where undefined."""
        self.size = size
        self.narrow = size < BYTE_VALUES or (size == BYTE_VALUES and all(DEAD not in c for c in columns))
        self.code: Literal["H", "I"] = "H" if size < WIDE_VALUES else "I"
        self.identity = self.pack(range(size))
        self.generators = [self.pack([size if r == DEAD else r for r in column]) for column in columns]
        self._tail = bytes(range(size, BYTE_VALUES)) if self.narrow else self.pack([size])
        self.block = max(1, PRODUCTS // max(1, len(columns)))
        self.products = self._narrow_products() if self.narrow else self._wide_products()

    def pack(self, values: Sequence[int]) -> bytes:
        """The map with the given entries."""
        if self.narrow:
            return bytes(values)
        from array import array

        return array(self.code, values).tobytes()

    def unpack(self, element: bytes) -> Sequence[int]:
        """The entries of a map."""
        return element if self.narrow else memoryview(element).cast(self.code)

    def then(self, first: bytes, second: bytes) -> bytes:
        """The map "first, then second"."""
        if self.narrow:
            return first.translate(second + self._tail)
        import numpy as np

        table = np.frombuffer(second + self._tail, dtype=self.code)
        product: bytes = table[np.frombuffer(first, dtype=self.code)].tobytes()
        return product

    def _narrow_products(self) -> Callable[[Sequence[bytes]], list[bytes]]:
        tables = [generator + self._tail for generator in self.generators]
        translate = bytes.translate
        return lambda block: list(
            chain.from_iterable(zip(*(map(translate, block, repeat(t)) for t in tables), strict=True))
        )

    def _wide_products(self) -> Callable[[Sequence[bytes]], list[bytes]]:
        import numpy as np

        tables = np.frombuffer(b"".join(g + self._tail for g in self.generators), dtype=self.code)
        tables = tables.reshape(len(self.generators), self.size + 1)
        width = len(self.identity)
        starts = range(0, width * len(self.generators), width)

        code = self.code

        def products(block: Sequence[bytes]) -> list[bytes]:
            out = []
            for element in block:
                flat = tables[:, np.frombuffer(element, dtype=code)].tobytes()
                out += [flat[start : start + width] for start in starts]
            return out

        return products

    def settled(self, element: bytes) -> bytes:
        """A power x^m with m >= n: it sends every state to a state on a cycle of x, or to undefined."""
        power, exponent = element, 1
        while exponent < self.size:
            power, exponent = self.then(power, power), 2 * exponent
        return power

    def has_counter(self, element: bytes) -> bool:
        """Whether the map has a cycle of two states or more."""
        settled = self.settled(element)
        return self.then(settled, element) != settled

    def enumerate(self) -> Iterator[tuple[bytes, int, int]]:
        """The elements of the monoid by length of their shortest word, in alphabet order within a length.

        Yields:
            The element, the number (in this order) of the element whose product with a generator it was first found as, and the
            number of this generator; -1, -1 for the identity, which comes first.
        """
        elements = [self.identity]
        seen = {self.identity}
        yield self.identity, -1, -1
        for number, element in enumerate(elements):
            for letter, product in enumerate(self.products([element])):
                if product not in seen:
                    seen.add(product)
                    elements.append(product)
                    yield product, number, letter


def transition_maps(automaton: Automaton) -> Maps:
    """The generators of the transition monoid: one map for each symbol class.

    The live states with an undefined value stand for the complete minimal automaton: both monoids have the same elements, and the identity
    is one of them.
    """
    return Maps(automaton.states, automaton.columns)


def element_bytes(maps: Maps) -> int:
    """About what an element takes in memory: its bytes, and its places in a list and in a set or dictionary."""
    return len(maps.identity) + 33 + 8 + 100


@dataclass(frozen=True)
class Enumeration:
    """The outcome of counting a monoid.

    Attributes:
        size: the number of elements; None when the budget ran out.
        reached: the number of elements that were found.
        elements: the elements, if all were found.
    """

    size: int | None
    reached: int
    elements: Collection[bytes] = ()


def monoid_size(
    automaton: Automaton, limit: int, deadline: float = float("inf"), memory_limit: int = MEMORY_LIMIT
) -> Enumeration:
    """The number of elements of the transition monoid of the complete minimal automaton, the identity included.

    Args:
        automaton: the language.
        limit: the largest size to count to.
        deadline: the value of `time.monotonic` at which to give up.
        memory_limit: the most bytes that the elements may take.
    """
    if limit < automaton.complete_states:  # words that lead to different states are different elements
        return Enumeration(None, limit)
    maps = transition_maps(automaton)
    limit = min(limit, memory_limit // element_bytes(maps))
    block = maps.block
    seen = {maps.identity}
    level = [maps.identity]
    while level:
        fresh: set[bytes] = set()
        for start in range(0, len(level), block):
            fresh.update(maps.products(level[start : start + block]))
            if len(fresh) > limit or time.monotonic() > deadline:
                break
        fresh -= seen
        seen |= fresh
        level = list(fresh)
        if len(seen) > limit:
            return Enumeration(None, limit)
        if time.monotonic() > deadline:
            return Enumeration(None, len(seen))
    return Enumeration(len(seen), len(seen), seen)


def aperiodicity_index(maps: Maps, elements: Iterable[bytes]) -> int | None:
    """The least n with x^n = x^(n+1) for all given elements; None if some x has no such n.

    A partial map on n states that has an index has one of at most n: every run either stops or has met a fixed state by then.
    """
    then, size = maps.then, maps.size
    largest = 0
    for element in elements:
        exponent, power = 0, maps.identity
        while True:
            following = then(power, element)
            if following == power:
                break
            exponent, power = exponent + 1, following
            if exponent > size:
                return None
        largest = max(largest, exponent)
    return largest
