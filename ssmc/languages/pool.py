"""Obligations: languages that the rest of the word must belong to, kept as states of one pool of minimal DFAs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.minimize import DEAD, coarsest_partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALWAYS = 0
"""The pool state of the language of all words."""
NEVER = 1
"""The pool state of the empty language."""
NO_OBLIGATION = 0
"""The number of the empty set of obligations."""
IMPOSSIBLE = -1
"""Stands for a set of obligations that no word meets."""


class Pool:
    """DFA states with their complements, and sets of them, which are conjunctions.

    Attributes:
        step: `step[s][c]`: the pool state after reading class c.
        final: whether the empty word is in the language of s.
        opposite: the pool state of the complement.
        sets: the sets of pool states in use, by number; set 0 is empty.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.step = [[ALWAYS] * classes, [NEVER] * classes]
        self.final = [True, False]
        self.opposite = [NEVER, ALWAYS]
        self.sets: list[frozenset[int]] = [frozenset()]
        self._number = {self.sets[0]: NO_OBLIGATION}
        self._joined: dict[tuple[int, int], int] = {}
        self._stepped: dict[tuple[int, int], int] = {}

    def add(self, rows: Sequence[Sequence[int]], accepting: Sequence[bool]) -> list[int]:
        """Adds the states of a partial DFA; returns the pool state of each, one for equal languages."""
        sink = len(rows)
        whole = [[sink if r == DEAD else r for r in row] for row in (*rows, [DEAD] * self.classes)]
        output = [*accepting, False]
        block = coarsest_partition(whole, output)
        known: dict[int, int] = {}
        fresh: list[int] = []
        for q, row in enumerate(whole):
            if block[q] in known:
                continue
            if all(block[r] == block[q] for r in row):
                known[block[q]] = ALWAYS if output[q] else NEVER
                continue
            known[block[q]] = len(self.step)
            fresh.append(q)
            self.step += ([], [])
            self.final += (output[q], not output[q])
            self.opposite += (len(self.step) - 1, len(self.step) - 2)
        for q in fresh:
            state = known[block[q]]
            self.step[state] = [known[block[r]] for r in whole[q]]
            self.step[state + 1] = [self.opposite[s] for s in self.step[state]]
        return [known[block[q]] for q in range(sink)]

    def number(self, states: Iterable[int]) -> int:
        """The number of a set of pool states, or `IMPOSSIBLE`."""
        wanted = frozenset(states) - {ALWAYS}
        if wanted not in self._number:
            impossible = NEVER in wanted or any(self.opposite[s] in wanted for s in wanted)
            self._number[wanted] = IMPOSSIBLE if impossible else len(self.sets)
            if not impossible:
                self.sets.append(wanted)
        return self._number[wanted]

    def joined(self, a: int, b: int) -> int:
        """The number of the union of two sets, or `IMPOSSIBLE`."""
        if a == b or b == NO_OBLIGATION:
            return a
        if a == NO_OBLIGATION:
            return b
        key = (a, b)
        if key not in self._joined:
            self._joined[key] = self.number(self.sets[a] | self.sets[b])
        return self._joined[key]

    def after(self, number: int, c: int) -> int:
        """The set of obligations left after class c, or `IMPOSSIBLE`."""
        if number == NO_OBLIGATION:
            return number
        key = (number, c)
        if key not in self._stepped:
            self._stepped[key] = self.number(self.step[s][c] for s in self.sets[number])
        return self._stepped[key]

    def met(self, number: int) -> bool:
        """Whether the empty word meets all obligations of the set."""
        return all(self.final[s] for s in self.sets[number])

    def fewest(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """The sets that contain no other of them: the others are implied."""
        out: list[int] = []
        for number in sorted(set(numbers), key=lambda n: (len(self.sets[n]), n)):
            if not any(self.sets[other] <= self.sets[number] for other in out):
                out.append(number)
        return tuple(out)
