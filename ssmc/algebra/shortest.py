"""The shortest word with a cycle of prime length."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ssmc.algebra.maps import Maps
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.algebra.parts import Part
    from ssmc.automaton import Automaton


ENTRY_LIMIT = 40_000_000
"""Entries of maps to compute in one part: elements times letters times states."""
SEVERAL = 16
ORBIT_LIMIT = 100_000
"""Images of an orbit to visit."""


def shortest_turn(automaton: Automaton, orbit: Sequence[int], deadline: float) -> list[int] | None:
    """A shortest word of classes that turns the orbit: it takes every state of it to another, the same number of places on.

    If the number of states is prime, the word has a cycle of that length. None if the orbit has too many images to find it.
    """
    start = tuple(orbit)
    goals = {(*start[i:], *start[:i]) for i in range(1, len(start))}
    via: dict[tuple[int, ...], tuple[tuple[int, ...], int]] = {}
    queue = [start]
    for states in queue:
        for c, column in enumerate(automaton.columns):
            after = tuple([column[q] for q in states])
            if DEAD in after or after in via or after == start or len(set(after)) < len(after):
                continue
            via[after] = (states, c)
            if after in goals:
                word = []
                while after != start:
                    after, c = via[after]
                    word.append(c)
                return word[::-1]
            queue.append(after)
        if len(queue) > ORBIT_LIMIT or time.monotonic() > deadline:
            return None
    return None


def shortest_counter(
    parts: Sequence[Part], known: Sequence[int] | None, element_limit: int, deadline: float
) -> tuple[tuple[int, ...] | None, bool]:
    """The first shortest word of symbol classes with a cycle of prime length in some part.

    The elements of each part's monoid are enumerated by word length, so the first element with a prime cycle is reached by the shortest
    such word; a part is abandoned at the length of the best word so far.

    Args:
        parts: the parts to search.
        known: a word that has such a cycle, if one is known.
        element_limit: the largest number of elements to enumerate in each part, less where their maps are large.
        deadline: the value of `time.monotonic` at which to give up.

    Returns:
        The best word, `known` if none is shorter, and whether it is proved the shortest.
    """
    best = None if known is None else tuple(known)
    proved = True
    for part in parts:
        affordable = max(SEVERAL, ENTRY_LIMIT // (part.size * len(part.maps)))
        word, complete = _search(part, None if best is None else len(best), min(element_limit, affordable), deadline)
        proved = proved and complete
        if word is not None:
            best = word
    return best, proved


def _search(part: Part, bound: int | None, limit: int, deadline: float) -> tuple[tuple[int, ...] | None, bool]:
    """A shortest word below the bound, if any, and whether every shorter word has been excluded."""
    maps = Maps(part.size, part.maps)
    origin: list[tuple[int, int]] = []
    length: list[int] = []
    for element, before, letter in maps.enumerate():
        origin.append((before, letter))
        length.append(1 + length[before] if before >= 0 else 0)
        if bound is not None and length[-1] >= bound:
            return None, True
        if maps.has_counter(element) and _has_prime_cycle(maps.unpack(element), part.size):
            word = []
            number = len(origin) - 1
            while number:
                number, letter = origin[number]
                word.append(part.letters[letter])
            return tuple(reversed(word)), True
        if len(origin) >= limit or (not len(origin) & 255 and time.monotonic() > deadline):
            return None, False
    return None, True


def _has_prime_cycle(element: Sequence[int], size: int) -> bool:
    seen = [-1] * size
    for start in range(size):
        steps, q = 0, start
        trail = []
        while q < size and seen[q] < 0:
            seen[q] = start
            trail.append(q)
            q = element[q]
            steps += 1
        if q < size and seen[q] == start:
            length = steps - trail.index(q)
            if length > 1 and all(length % d for d in range(2, int(length**0.5) + 1)):
                return True
    return False
