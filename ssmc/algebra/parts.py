"""The strongly connected parts of an automaton, reduced: all that matters for counters is inside them.

A *counter* of period p > 1 is a word w and a state q with q, q·w, ..., q·w^(p-1) distinct and q·w^p = q. A minimal automaton
recognises a star-free language iff it has no counter (Schützenberger 1965; McNaughton and Papert 1971). Three reductions, repeated
until nothing changes, keep every counter and every shortest word that drives one:

* **Restriction.** The run of w^p from q returns to q, so it never leaves the strongly connected component of q: the counters of
  the automaton are those of its components, each with the partial maps that remain when leaving the component is undefined.
* **Letters.** A letter whose image in the component has fewer than two states occurs in no word with a counter there, and one that
  is the identity can be left out of every such word. Without them the component may fall apart or merge further.
* **Merging.** Merge two states of a component with equal rows. If q and q·w were merged, (q·w)·w = q·w and there would be no
  cycle, so a counter stays one in the quotient. Conversely, if [q]·w^p = [q] in the quotient then q·w^p and q have equal rows, so
  (q·w)·w^p = q·w: the state q·w carries a counter of w in the component itself, of the same period. Repeat until all rows differ.
  States that are told apart by the last N symbols alone are gone after N rounds.

A component with one state left has no counter. If this is so for all of them (a partially ordered automaton, a sliding window,
chains and products of these) the language is star-free and nothing else has to be computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.algebra.graph import strong_components
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Automaton


@dataclass(frozen=True)
class Part:
    """A strongly connected component with merged states and the letters that can take part in a counter.

    Attributes:
        members: the automaton's states behind each state of the part.
        letters: the symbol class behind each map.
        maps: `maps[x][q]` is the state after letter x, or `DEAD`; distinct, no identity, every image has two states or more.
    """

    members: tuple[tuple[int, ...], ...]
    letters: tuple[int, ...]
    maps: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """The number of states."""
        return len(self.members)


def counter_parts(automaton: Automaton) -> list[Part]:
    """The parts that may have a counter: those with two states or more after merging, smallest first."""
    members = [(q,) for q in range(automaton.states)]
    return _split(members, range(automaton.classes), automaton.delta)


def _split(members: Sequence[tuple[int, ...]], letters: Sequence[int], rows: Sequence[Sequence[int]]) -> list[Part]:
    found: list[Part] = []
    for component in strong_components(len(rows), lambda q: {r for r in rows[q] if r != DEAD}):
        if len(component) > 1:
            component.sort()
            number = {q: i for i, q in enumerate(component)}
            inner = [tuple([number.get(r, DEAD) for r in rows[q]]) for q in component]
            states, table = _merge([members[q] for q in component], inner)
            kept: dict[tuple[int, ...], int] = {}
            identity = tuple(range(len(table)))
            dropped = False
            for letter, column in zip(letters, zip(*table, strict=True), strict=True):
                if column == identity or len(set(column) - {DEAD}) < 2:
                    dropped = True
                else:
                    kept.setdefault(column, letter)
            if dropped:
                found += _split(states, list(kept.values()), list(zip(*kept, strict=True)))
            elif kept:
                found.append(Part(tuple(states), tuple(kept.values()), tuple(kept)))
    return sorted(found, key=lambda part: (part.size, part.members))


def _merge(
    members: Sequence[tuple[int, ...]], rows: Sequence[tuple[int, ...]]
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Merges states with equal rows, and returns members and rows; after a merger only the rows that lead there are looked at again."""
    here = list(range(len(rows)))  # the state that each was merged into, itself if none
    current = list(rows)
    holder: dict[tuple[int, ...], int] = {}
    tails: list[set[int]] = [set() for _ in rows]
    for q, row in enumerate(rows):
        for r in row:
            if r != DEAD:
                tails[r].add(q)
    changed = list(range(len(rows)))
    while changed:
        q = changed.pop()
        if here[q] != q:
            continue
        row = tuple([r if r == DEAD else here[r] for r in current[q]])
        current[q] = row
        other = holder.setdefault(row, q)
        if other == q or here[other] != other or current[other] != row:
            holder[row] = q
            continue
        gone, stays = (q, other) if len(tails[q]) <= len(tails[other]) else (other, q)
        holder[row] = stays
        here[gone] = stays
        tails[stays] |= tails[gone]
        changed += tails[gone]
    final = [_last(here, q) for q in range(len(rows))]
    number: dict[int, int] = {}
    merged: list[list[int]] = []
    for q, end in enumerate(final):
        if end not in number:
            number[end] = len(number)
            merged.append([])
        merged[number[end]] += members[q]
    table = [tuple([DEAD if r == DEAD else number[final[r]] for r in current[end]]) for end in number]
    return [tuple(sorted(m)) for m in merged], table


def _last(here: list[int], q: int) -> int:
    while here[q] != q:
        q = here[q]
    return q
