"""Pattern sets: several languages over one alphabet, whose joint automaton is written out only where someone asks for it.

The joint automaton tells which of the patterns hold the word. It can have as many states as the product of theirs; what does not need its table (the alphabet, the
number of patterns, a run, a model with a cascade for each pattern) works at any size.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from ssmc.alphabet import Alphabet
from ssmc.automaton import DEAD, Automaton
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TABLE_LIMIT = 10_000
"""States up to which the joint table is written out."""


class PatternSet(Automaton):
    """The minimal automaton of several patterns.

    Args:
        members: the automaton of each pattern; their alphabets are one, their classes may differ.
        limit: the most states of the joint automaton before minimisation.

    Raises:
        InvariantError: there is no pattern, the alphabets differ, or one is a pattern set itself.

    Attributes:
        members: the automaton of each pattern.
        limit: as given.
    """

    members: tuple[Automaton, ...]
    limit: int

    def __init__(self, members: Iterable[Automaton], limit: int = TABLE_LIMIT) -> None:
        every = tuple(members)
        if not every:
            raise InvariantError("a pattern set needs a pattern")
        first = every[0].alphabet
        if any((a.alphabet.kind, a.alphabet.names) != (first.kind, first.names) for a in every):
            raise InvariantError("the patterns of a set have one alphabet")
        if any(a.pattern_count for a in every):
            raise InvariantError("a pattern of a set is one language, not a set")
        starts = sorted({start for a in every for start in a.alphabet.starts})
        labels = [tuple([a.alphabet.class_of(start) for a in every]) for start in starts]
        number = {label: i for i, label in enumerate(dict.fromkeys(labels))}
        alphabet = Alphabet.of_runs(first.kind, first.names, starts, [number[label] for label in labels])
        for key, value in {"members": every, "limit": limit, "alphabet": alphabet, "_labels": tuple(number)}.items():
            object.__setattr__(self, key, value)

    @property
    def maps(self) -> tuple[tuple[int, ...], ...]:
        """For each pattern its class for each class of the set."""
        labels: tuple[tuple[int, ...], ...] = self._labels  # type: ignore[attr-defined]
        return tuple(tuple(label[i] for label in labels) for i in range(len(self.members)))

    @property
    def pattern_count(self) -> int:
        """The number of patterns."""
        return len(self.members)

    def require_table(self) -> None:
        """Writes the joint table out.

        Raises:
            LimitError: there are more than `limit` states.
        """
        self.plain()

    def plain(self) -> Automaton:
        """The same automaton with its table written out.

        Raises:
            LimitError: there are more than `limit` states.
        """
        return self._joint

    def within(self, limit: int) -> Automaton:
        """The same automaton with its table written out, if that does not take more than some states.

        Raises:
            LimitError: it does.
        """
        return PatternSet(self.members, limit).plain()

    @cached_property
    def _joint(self) -> Automaton:
        return self.joint(self._check_limit)

    def _check_limit(self, count: int) -> None:
        if count > self.limit:
            raise LimitError("states of a pattern set", count, self.limit, "--state-limit")

    def joint(self, check: Callable[[int], None]) -> Automaton:
        """The joint automaton; `check` is called with the number of states now and then, and may raise."""
        members = self.members
        labels: tuple[tuple[int, ...], ...] = self._labels  # type: ignore[attr-defined]
        start = tuple([0 if a.states else DEAD for a in members])
        nowhere = (DEAD,) * len(members)
        number = {nowhere: DEAD, start: 0 if start != nowhere else DEAD}
        queue = [start] if start != nowhere else []
        table: list[list[int]] = []
        for states in queue:
            if len(table) & 0x1F == 0:
                check(len(queue))
            row = []
            for label in labels:
                reached = tuple(
                    [a.delta[q][c] if q != DEAD else DEAD for a, q, c in zip(members, states, label, strict=True)]
                )
                if reached not in number:
                    number[reached] = len(queue)
                    queue.append(reached)
                row.append(number[reached])
            table.append(row)
        check(len(queue))
        held = [[q for q, states in enumerate(queue) if states[i] in a.accepting] for i, a in enumerate(members)]
        return Automaton.from_table(self.alphabet, table, 0, (), held)

    @property
    def states(self) -> int:
        """The number of states of the joint automaton."""
        return self.plain().states

    @cached_property
    def is_complete(self) -> bool:
        """Whether no string leads to the sink."""
        return self.plain().is_complete

    @cached_property
    def delta(self) -> tuple[tuple[int, ...], ...]:
        """The joint table."""
        return self.plain().delta

    @cached_property
    def accepting(self) -> frozenset[int]:
        """The states in which some pattern holds the word."""
        return self.plain().accepting

    @cached_property
    def patterns(self) -> tuple[frozenset[int], ...]:
        """For each pattern the states in which it holds the word."""
        return self.plain().patterns

    def memberships(self, state: int) -> tuple[bool, ...]:
        """For each pattern whether it holds the words that lead to a state (or `DEAD`)."""
        return (False,) * len(self.members) if state == DEAD else self.plain().memberships(state)

    def matches(self, symbols: Iterable[int]) -> frozenset[int]:
        """The indices of the patterns that hold the word."""
        word = list(symbols)
        return frozenset(i for i, member in enumerate(self.members) if member.accepts(word))

    def accepts(self, symbols: Iterable[int]) -> bool:
        """Whether some pattern holds the word."""
        return bool(self.matches(symbols))

    def pattern(self, index: int) -> Automaton:
        """The automaton of one pattern alone."""
        return self.members[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PatternSet):
            return self.members == other.members
        if not isinstance(other, Automaton) or other.pattern_count != self.pattern_count:
            return False
        try:
            return self.plain() == other
        except LimitError:
            return False

    def __hash__(self) -> int:
        return hash(self.members)

    def check(self) -> None:
        """Checks every pattern.

        Raises:
            InvariantError: one is not canonical.
        """
        for member in self.members:
            member.check()

    def to_json(self) -> dict[str, Any]:
        """JSON types that `Automaton.from_json` reads back: the automaton of each pattern."""
        members: Sequence[dict[str, Any]] = [member.to_json() for member in self.members]
        return {"alphabet": self.alphabet.to_json(), "members": members}

    @staticmethod
    def of_json(data: dict[str, Any]) -> PatternSet:
        """The inverse of `to_json`.

        Raises:
            InvariantError: the data describe none.
        """
        automaton = PatternSet(Automaton.from_json(member) for member in data["members"])
        if automaton.alphabet != Alphabet.from_json(data["alphabet"]):
            raise InvariantError("the alphabet of a pattern set is not the common refinement of its patterns'")
        return automaton
