"""Subdirect decomposition: small quotients of a system that together tell its states apart (docs/cascade.md, *Parallel parts*).

A partition of the states is a (weak) congruence when transitions that are both defined lead from one block into one block; its quotient is again a
deterministic partial system. Congruences whose meet is the identity give quotients that run side by side, each smaller than the whole; an
absorbing state is set aside first, since it is what usually ties independent parts together.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.meter import STEP
from ssmc.cascade.system import System

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssmc.cascade.meter import Meter

_MOST_STATES = 400
"""Systems with more states are not looked at: their pairs are too many."""
Partition = tuple[int, ...]
"""The block of each state, `DEAD` for states set aside; blocks are numbered by their first state."""


@dataclass(frozen=True)
class Part:
    """One quotient: the partition and the system on its blocks."""

    partition: Partition
    system: System


def absorbing_states(system: System) -> frozenset[int]:
    """The states all of whose transitions are loops, the initial state apart."""
    return frozenset(q for q in range(1, system.states) if all(column[q] in (q, DEAD) for column in system.columns))


def find_parts(system: System, aside: frozenset[int], meter: Meter, *, most: int = 12) -> tuple[Part, ...]:
    """Quotients of the system without the states set aside that together separate all other states.

    Empty where there are none that are each smaller than what they are quotients of, more than `most` would be needed, the work runs out, or the states are too many.
    """
    kept = [q for q in range(system.states) if q not in aside]
    if len(kept) > _MOST_STATES:
        return ()
    columns = tuple(
        tuple(DEAD if q in aside or r in aside else r for q, r in enumerate(column)) for column in system.columns
    )
    open_pairs = set(combinations(kept, 2))
    parts: list[Part] = []
    while open_pairs:
        pair = min(open_pairs)
        partition = _separate(columns, kept, pair, meter)
        if partition is None or max(partition) + 1 >= len(kept) or len(parts) == most:
            return ()
        parts.append(Part(partition, _quotient(columns, partition)))
        open_pairs = {(u, v) for u, v in open_pairs if partition[u] == partition[v]}
    return tuple(parts)


def _quotient(columns: tuple[tuple[int, ...], ...], partition: Partition) -> System:
    count = max(partition) + 1
    out = []
    for column in columns:
        block = [DEAD] * count
        for q, r in enumerate(column):
            if partition[q] != DEAD and r != DEAD:
                block[partition[q]] = partition[r]
        out.append(tuple(block))
    return System(tuple(out))


def _separate(
    columns: tuple[tuple[int, ...], ...], states: list[int], pair: tuple[int, int], meter: Meter
) -> Partition | None:
    """A maximal congruence that keeps two states apart, by merging greedily in the order of states; None if the work runs out."""
    forbidden = _forcing(columns, states, *pair)
    meter.spend(STEP * len(forbidden) * len(columns) // 4)
    merger = _Merger(columns, *pair)
    for i, q in enumerate(states):
        for p in states[:i]:
            if merger.find(q) != q:
                break
            if merger.find(p) == p and (p, q) not in forbidden:
                merger.merge(p, q)
        meter.spend(STEP * merger.work // 4)
        merger.work = 0
        if meter.is_empty:
            return None
    number: dict[int, int] = {}
    partition = [DEAD] * len(columns[0])
    for q in states:
        partition[q] = number.setdefault(merger.find(q), len(number))
    return tuple(partition)


def _forcing(columns: tuple[tuple[int, ...], ...], states: list[int], u: int, v: int) -> set[tuple[int, int]]:
    """The pairs from which a word leads to u and v, so that merging them would merge u and v."""
    before: list[dict[int, list[int]]] = [{} for _ in columns]
    for x, column in enumerate(columns):
        for q in states:
            if column[q] != DEAD:
                before[x].setdefault(column[q], []).append(q)
    start = (min(u, v), max(u, v))
    found = {start}
    queue = deque([start])
    while queue:
        a, b = queue.popleft()
        for back in before:
            for p in back.get(a, ()):
                for q in back.get(b, ()):
                    pair = (min(p, q), max(p, q))
                    if pair not in found:
                        found.add(pair)
                        queue.append(pair)
    return found


class _Merger:
    """Union-find over states that folds transitions and undoes a merge that would unite the two states to be kept apart."""

    def __init__(self, columns: tuple[tuple[int, ...], ...], u: int, v: int) -> None:
        self.parent = list(range(len(columns[0])))
        self.rows = [[column[q] for column in columns] for q in range(len(columns[0]))]
        self.u, self.v = u, v
        self.work = 0

    def find(self, q: int) -> int:
        while self.parent[q] != q:
            q = self.parent[q]
        return q

    def merge(self, p: int, q: int) -> bool:
        """Merges two states and whatever follows, or nothing if that would unite u and v."""
        parents: list[int] = []
        rows: list[tuple[int, list[int]]] = []
        todo = [(p, q)]
        while todo:
            a, b = (self.find(r) for r in todo.pop())
            if a == b:
                continue
            a, b = min(a, b), max(a, b)
            self.work += len(self.rows[a])
            self.parent[b] = a
            parents.append(b)
            rows.append((a, self.rows[a]))
            self.rows[a] = list(self._fold(self.rows[a], self.rows[b], todo))
            if self.find(self.u) == self.find(self.v):
                for a, row in reversed(rows):
                    self.rows[a] = row
                for b in parents:
                    self.parent[b] = b
                return False
        return True

    @staticmethod
    def _fold(first: list[int], second: list[int], todo: list[tuple[int, int]]) -> Iterable[int]:
        for r, s in zip(first, second, strict=True):
            if r != DEAD and s != DEAD:
                todo.append((r, s))
            yield s if r == DEAD else r
