"""Counters: the free part of the universal abelian context (docs/cascade.md, *Counters*).

A counter is a map rho from states to integers with rho(delta(q, x)) - rho(q) = c(x) for every defined transition. The vectors c are the integer
solutions of the linear system that says that every closed walk of the underlying graph has weight 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import gcd, lcm
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from ssmc.cascade.system import System

_PRIME = 2_147_483_647
_MOST_WORK = 100_000_000
"""Numbers in all relations of a system above which its counters are not looked for."""


@dataclass(frozen=True)
class Counter:
    """One integer counter: its increments and its value at each state.

    Attributes:
        increments: c(x) for each class.
        values: rho(q) for each state; rho(0) = 0.
    """

    increments: tuple[int, ...]
    values: tuple[int, ...]


def find_counters(system: System) -> tuple[Counter, ...]:
    """A basis of all counters of a system, small and sparse vectors first.

    Letter-count vectors v(q) along a spanning tree give one relation v(q) + e_x - v(r) for each transition (q, x, r); c runs through the
    vectors orthogonal to all of them, and rho(q) = c · v(q). Empty for systems too large to look at.
    """
    width = len(system.columns)
    if system.states * width * width > _MOST_WORK:
        return ()
    walks = letter_walks(system)
    used, relations = letter_relations(system)
    basis = _orthogonal(relations, len(used))
    counters = []
    for vector in basis:
        c = [0] * width
        for x, value in zip(used, vector, strict=True):
            c[x] = value
        rho = tuple(sum(n * k for n, k in zip(walks[q], c, strict=True)) for q in range(system.states))
        counters.append(Counter(tuple(c), rho))
    return tuple(counters)


def letter_walks(system: System) -> dict[int, tuple[int, ...]]:
    """How often each letter occurs on the way from state 0 to each state in a spanning tree."""
    width = len(system.columns)
    used = [x for x in range(width) if any(r != DEAD for r in system.columns[x])]
    walks: dict[int, tuple[int, ...]] = {0: (0,) * width}
    queue = [0]
    for q in queue:
        for x in used:
            r = system.columns[x][q]
            if r != DEAD and r not in walks:
                walks[r] = tuple(n + (y == x) for y, n in enumerate(walks[q]))
                queue.append(r)
    return walks


def letter_relations(system: System) -> tuple[list[int], list[tuple[int, ...]]]:
    """The letters that occur, and a relation between their numbers for each transition; empty for systems too large to look at."""
    width = len(system.columns)
    used = [x for x in range(width) if any(r != DEAD for r in system.columns[x])]
    if system.states * width * width > _MOST_WORK:
        return used, []
    walks = letter_walks(system)
    relations = set()
    for q, walk in walks.items():
        for x in used:
            r = system.columns[x][q]
            if r != DEAD:
                relations.add(tuple(walk[y] + (y == x) - walks[r][y] for y in used))
    return used, sorted(relations)


def _orthogonal(rows: list[tuple[int, ...]], width: int) -> list[tuple[int, ...]]:
    """Primitive integer vectors that span the orthogonal complement of the rows, made sparse greedily."""
    basis = _complement(_independent(rows), width)
    if rows and np.any(np.array(rows) @ np.array(basis, dtype=np.int64).reshape(-1, width).T):
        basis = _complement(rows, width)
    return sorted(_sparsify(basis), key=_weight)


def _complement(rows: list[tuple[int, ...]], width: int) -> list[tuple[int, ...]]:
    """Primitive integer vectors that span the orthogonal complement of the rows, by elimination over the rationals."""
    pivots: dict[int, list[Fraction]] = {}
    for row in rows:
        rest = [Fraction(n) for n in row]
        for p, other in pivots.items():
            if rest[p]:
                factor = rest[p]
                rest = [a - factor * b for a, b in zip(rest, other, strict=True)]
        lead = next((i for i, a in enumerate(rest) if a), None)
        if lead is None:
            continue
        rest = [a / rest[lead] for a in rest]
        for p, other in pivots.items():
            if other[lead]:
                factor = other[lead]
                pivots[p] = [a - factor * b for a, b in zip(other, rest, strict=True)]
        pivots[lead] = rest
        if len(pivots) == width:
            return []
    basis = []
    for free in range(width):
        if free not in pivots:
            vector = [Fraction(0)] * width
            vector[free] = Fraction(1)
            for p, row_ in pivots.items():
                vector[p] = -row_[free]
            basis.append(_primitive(vector))
    return basis


def _independent(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Rows that are a basis modulo a large prime: independent, and (but where the prime divides a minor) spanning."""
    if not rows:
        return []
    rest = np.array(rows, dtype=np.int64) % _PRIME
    kept: list[int] = []
    for column in range(rest.shape[1]):
        places = np.flatnonzero(rest[:, column])
        if not len(places):
            continue
        place = int(places[0])
        kept.append(place)
        pivot = rest[place] * pow(int(rest[place, column]), -1, _PRIME) % _PRIME
        rest = (rest - rest[:, column, None] * pivot) % _PRIME
    return [rows[i] for i in kept]


def _primitive(vector: list[Fraction]) -> tuple[int, ...]:
    scale = lcm(*(a.denominator for a in vector))
    whole = [int(a * scale) for a in vector]
    divisor = gcd(*whole)
    sign = 1 if next(n for n in whole if n) > 0 else -1
    return tuple(sign * n // divisor for n in whole)


def _weight(vector: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
    return (sum(map(abs, vector)), sum(map(bool, vector)), tuple(-n for n in vector))


def _sparsify(basis: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Replaces vectors by sums or differences with others while that makes them smaller (the span stays the same)."""
    basis = list(basis)
    improved = True
    while improved:
        improved = False
        for i, j, sign in product(range(len(basis)), range(len(basis)), (1, -1)):
            if i != j:
                vector = _primitive([Fraction(a + sign * b) for a, b in zip(basis[i], basis[j], strict=True)])
                if _weight(vector) < _weight(basis[i]):
                    basis[i] = vector
                    improved = True
    return basis
