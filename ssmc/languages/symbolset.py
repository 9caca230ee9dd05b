"""Sets of symbols as tuples of switch points, and the partition of an alphabet that several sets induce.

The set (s0, e0, s1, e1, ...) holds the symbols s0 <= x < e0, s1 <= x < e1, ...; the numbers ascend strictly, so each set has one form.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SymbolSet = tuple[int, ...]


def of_symbols(symbols: Iterable[int]) -> SymbolSet:
    """The set of some symbols."""
    out: list[int] = []
    for symbol in sorted(set(symbols)):
        if out and out[-1] == symbol:
            out[-1] = symbol + 1
        else:
            out += (symbol, symbol + 1)
    return tuple(out)


def of_ranges(ranges: Iterable[tuple[int, int]]) -> SymbolSet:
    """The union of ranges (first, last), both ends inside."""
    out: list[int] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1]:
            out[-1] = max(out[-1], last + 1)
        else:
            out += (first, last + 1)
    return tuple(out)


def ranges_of(symbols: SymbolSet) -> list[tuple[int, int]]:
    """The maximal ranges (first, last), both ends inside."""
    return [(symbols[i], symbols[i + 1] - 1) for i in range(0, len(symbols), 2)]


def union(*sets: SymbolSet) -> SymbolSet:
    """The union."""
    if len(sets) == 1:
        return sets[0]
    return of_ranges(r for s in sets for r in ranges_of(s))


def complement(symbols: SymbolSet, size: int) -> SymbolSet:
    """The symbols 0..size-1 that are not in the set."""
    out = list(symbols)
    if out and out[0] == 0:
        del out[0]
    else:
        out.insert(0, 0)
    if out and out[-1] == size:
        del out[-1]
    else:
        out.append(size)
    return tuple(out)


def intersection(a: SymbolSet, b: SymbolSet, size: int) -> SymbolSet:
    """The intersection of two sets of symbols 0..size-1."""
    return complement(union(complement(a, size), complement(b, size)), size)


def contains(symbols: SymbolSet, symbol: int) -> bool:
    """Whether the symbol is in the set."""
    return bisect_right(symbols, symbol) % 2 == 1


def count(symbols: SymbolSet) -> int:
    """The number of symbols in the set."""
    return sum(symbols[1::2]) - sum(symbols[::2])


def partition(sets: Sequence[SymbolSet], size: int) -> tuple[list[int], list[int]]:
    """The runs of symbols on which membership in every set is constant.

    Returns:
        The first symbol of each run and, for each run, the bit mask of the sets that hold it (bit i for `sets[i]`).
    """
    switch: dict[int, int] = {0: 0}
    for i, symbols in enumerate(sets):
        bit = 1 << i
        for point in symbols:
            switch[point] = switch.get(point, 0) ^ bit
    switch.pop(size, None)
    starts = sorted(switch) if size else []
    masks: list[int] = []
    mask = 0
    for point in starts:
        mask ^= switch[point]
        masks.append(mask)
    return starts, masks
