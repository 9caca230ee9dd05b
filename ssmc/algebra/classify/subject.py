"""The language under classification in all the forms that the tests read, each made when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ssmc.algebra.green import GreenClasses, green_classes
from ssmc.algebra.monoid import TransitionMonoid, enumerate_monoid
from ssmc.algebra.words import difference, path_to
from ssmc.automaton import DEAD, Automaton
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

Word = tuple[int, ...]


@dataclass(frozen=True)
class Complete:
    """The complete minimal automaton: the live states and, unless it is not needed, the sink as the last state.

    Attributes:
        delta: `delta[q][c]`, always defined.
        accepting: the accepting states.
    """

    delta: tuple[tuple[int, ...], ...]
    accepting: frozenset[int]

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.delta)

    def run(self, word: Sequence[int], state: int = 0) -> int:
        """The state after a word of classes."""
        for c in word:
            state = self.delta[state][c]
        return state

    def accepts(self, word: Sequence[int]) -> bool:
        """Whether a word of classes is in the language."""
        return self.run(word) in self.accepting

    def path(self, goal: int) -> Word:
        """A shortest word from the initial state."""
        return tuple(path_to(self, goal))

    def between(self, start: int, goal: int, letters: Sequence[int]) -> Word | None:
        """A shortest word over the given classes from one state to another, or None."""
        via: dict[int, tuple[int, int]] = {start: (start, -1)}
        queue = [start]
        for q in queue:
            if q == goal:
                break
            for c in letters:
                r = self.delta[q][c]
                if r not in via:
                    via[r] = (q, c)
                    queue.append(r)
        if goal not in via:
            return None
        word = []
        while goal != start:
            goal, c = via[goal]
            word.append(c)
        return tuple(reversed(word))

    def separate(self, p: int, q: int) -> Word:
        """A shortest word that is accepted from exactly one of two different states."""
        return tuple(difference(self, [(p, q)]))


class Subject:
    """A language with its automata, and its syntactic monoid if that is within the limit."""

    def __init__(self, automaton: Automaton, monoid_limit: int) -> None:
        self.automaton = automaton
        self.monoid_limit = monoid_limit

    @cached_property
    def complete(self) -> Complete:
        """The complete minimal automaton."""
        automaton = self.automaton
        sink = automaton.states
        rows = [tuple(sink if r == DEAD else r for r in row) for row in automaton.delta]
        if not automaton.is_complete:
            rows.append((sink,) * automaton.classes)
        return Complete(tuple(rows), automaton.accepting)

    @cached_property
    def complement(self) -> Subject:
        """The complement of the language."""
        table = self.complete
        other = Automaton.from_table(
            self.automaton.alphabet, table.delta, 0, set(range(table.states)) - set(table.accepting)
        )
        return Subject(other, self.monoid_limit)

    @cached_property
    def monoid(self) -> TransitionMonoid | None:
        """The syntactic monoid, or None above the limit."""
        try:
            return enumerate_monoid(self.automaton, limit=self.monoid_limit)
        except LimitError:
            return None

    @cached_property
    def green(self) -> GreenClasses | None:
        """Green's relations of the monoid, or None above the limit."""
        return None if self.monoid is None else green_classes(self.monoid)

    def context(self, first: int, second: int) -> tuple[Word, Word, bool]:
        """For two different elements a prefix and a suffix, and whether it is the first that they put into the language."""
        monoid, table = self.monoid, self.complete
        if monoid is None:
            raise LimitError(
                "elements of the transition monoid", self.monoid_limit, self.monoid_limit, "--monoid-limit"
            )
        one, two = monoid.word(first), monoid.word(second)
        for state in range(table.states):
            p, q = table.run(one, state), table.run(two, state)
            if p != q:
                suffix = table.separate(p, q)
                return table.path(state), suffix, table.run(suffix, p) in table.accepting
        raise ValueError("the elements are equal")
