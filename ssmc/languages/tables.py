"""DFA tables over the classes of one expression, and the set operations on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.minimize import DEAD, coarsest_partition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssmc.languages.limits import Budget


@dataclass(frozen=True)
class Table:
    """A partial DFA with initial state 0; without rows, the empty language.

    Attributes:
        rows: `rows[q][c]` is the state after class c, or `DEAD`.
        accepting: the accepting states.
        classes: the number of classes.
    """

    rows: Sequence[Sequence[int]]
    accepting: frozenset[int]
    classes: int


def complement(a: Table, budget: Budget) -> Table:
    """All words that are not in the language."""
    budget.check_time()
    sink = len(a.rows)
    rows = [[sink if r == DEAD else r for r in row] for row in (*a.rows, (DEAD,) * a.classes)]
    return minimal(rows, set(range(sink + 1)) - a.accepting)


def intersection(a: Table, b: Table, budget: Budget) -> Table:
    """The words in both languages."""
    return _product(a, b, lambda x, y: x and y, budget)


def difference(a: Table, b: Table, budget: Budget) -> Table:
    """The words in the first language only."""
    return _product(a, b, lambda x, y: x and not y, budget)


def _product(a: Table, b: Table, accept: Callable[[bool, bool], bool], budget: Budget) -> Table:
    start = (0 if a.rows else DEAD, 0 if b.rows else DEAD)
    number = {start: 0}
    queue = [start]
    rows: list[list[int]] = []
    nowhere = (DEAD,) * a.classes
    for p, q in queue:
        if len(rows) & 0x1F == 0:
            budget.check_states(len(queue), "states of a product")
        row = []
        for pair in zip(a.rows[p] if p != DEAD else nowhere, b.rows[q] if q != DEAD else nowhere, strict=True):
            state = number.setdefault(pair, len(queue))
            if state == len(queue):
                queue.append(pair)
            row.append(state)
        rows.append(row)
    return minimal(rows, {i for i, (p, q) in enumerate(queue) if accept(p in a.accepting, q in b.accepting)})


def shuffle(a: Table, b: Table, budget: Budget) -> Table:
    """All interleavings of a word of the first language with one of the second."""
    start = frozenset([(0, 0)] if a.rows and b.rows else [])
    number: dict[frozenset[tuple[int, int]], int] = {start: 0}
    queue = [start]
    rows: list[list[int]] = []
    for pairs in queue:
        budget.check_states(len(queue), "states of a shuffle")
        row = []
        for c in range(a.classes):
            reached = frozenset(
                {(a.rows[p][c], q) for p, q in pairs if a.rows[p][c] != DEAD}
                | {(p, b.rows[q][c]) for p, q in pairs if b.rows[q][c] != DEAD}
            )
            state = number.setdefault(reached, len(queue))
            if state == len(queue):
                queue.append(reached)
            row.append(state)
        rows.append(row)
    final = {i for i, pairs in enumerate(queue) if any(p in a.accepting and q in b.accepting for p, q in pairs)}
    return minimal(rows, final)


def minimal(rows: Sequence[Sequence[int]], accepting: set[int]) -> Table:
    """The quotient of a table by the coarsest partition; state 0 stays the initial state."""
    block = coarsest_partition(rows, [q in accepting for q in range(len(rows))])
    order = {b: i for i, b in enumerate(dict.fromkeys(block))}
    order[DEAD] = DEAD
    block.append(DEAD)  # block[DEAD]
    out: dict[int, list[int]] = {}
    for q, row in enumerate(rows):
        if order[block[q]] == len(out):
            out[len(out)] = [order[block[r]] for r in row]
    return Table(list(out.values()), frozenset(order[block[q]] for q in accepting), len(rows[0]))


OPERATIONS: dict[str, Callable[..., Table]] = {
    "not": complement,
    "and": intersection,
    "minus": difference,
    "shuffle": shuffle,
}
