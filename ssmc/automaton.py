"""The alphabet and the trimmed minimal DFA: the value that every stage after the front end reads.

Conventions (used throughout): Q states, Sigma input symbols, delta the partial transition function, q0 = 0 the initial state,
F the accepting states. Symbols are integers 0..size-1; the alphabet folds them into *classes* with equal columns of delta.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ssmc.alphabet import Alphabet, AlphabetKind
from ssmc.errors import InvariantError
from ssmc.minimize import DEAD, coarsest_partition, live_states

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["DEAD", "Alphabet", "AlphabetKind", "Automaton"]


@dataclass(frozen=True)
class Automaton:
    """The trimmed minimal DFA of a language: every state reachable, live and distinguishable; `delta` partial.

    States are numbered breadth first from the initial state 0 in alphabet order. The empty language has no state at all.

    A pattern set is several languages read at once: states tell which of them hold the word, and are minimal for that. The language is then
    their union.

    Attributes:
        alphabet: input symbols and their classes; two classes never have equal columns.
        delta: `delta[q][c]` is the state after reading class c in state q, or `DEAD`.
        accepting: the accepting states.
        patterns: of a pattern set the accepting states of each pattern, else empty.
    """

    alphabet: Alphabet
    delta: tuple[tuple[int, ...], ...]
    accepting: frozenset[int]
    patterns: tuple[frozenset[int], ...] = ()

    @property
    def states(self) -> int:
        """The number of live states."""
        return len(self.delta)

    @property
    def classes(self) -> int:
        """The number of symbol classes."""
        return self.alphabet.class_count

    @property
    def pattern_count(self) -> int:
        """The number of patterns of a pattern set, 0 of a single language."""
        return len(self.patterns)

    def require_table(self) -> None:
        """Makes sure that the table is written out.

        Raises:
            LimitError: it follows from a rule, and is too large.
        """

    @cached_property
    def is_complete(self) -> bool:
        """Whether every transition is defined (no sink)."""
        return self.states > 0 and all(DEAD not in row for row in self.delta)

    @property
    def complete_states(self) -> int:
        """The number of states with the sink, if there is one."""
        return self.states + (not self.is_complete)

    @cached_property
    def columns(self) -> tuple[tuple[int, ...], ...]:
        """`columns[c][q]`: the partial maps of the classes."""
        return tuple(tuple(row[c] for row in self.delta) for c in range(self.classes))

    @cached_property
    def live_classes(self) -> tuple[tuple[int, ...], ...]:
        """For each state the classes with a defined transition: the legal next symbols."""
        return tuple(tuple(c for c, r in enumerate(row) if r != DEAD) for row in self.delta)

    def after(self, state: int, symbol_class: int) -> int:
        """The state after one more symbol, or `DEAD`."""
        return DEAD if state == DEAD else self.delta[state][symbol_class]

    def run(self, symbols: Iterable[int]) -> int:
        """The state after the symbols, or `DEAD`."""
        state = 0 if self.states else DEAD
        for symbol in symbols:
            c = self.alphabet.class_of(symbol)
            if state != DEAD:
                state = self.delta[state][c]
        return state

    def accepts(self, symbols: Iterable[int]) -> bool:
        """Whether the word is in the language."""
        return self.run(symbols) in self.accepting

    def memberships(self, state: int) -> tuple[bool, ...]:
        """For each pattern whether it holds the words that lead to a state (or `DEAD`)."""
        return tuple(state in final for final in self.patterns)

    def matches(self, symbols: Iterable[int]) -> frozenset[int]:
        """The indices of the patterns that hold the word."""
        return frozenset(i for i, holds in enumerate(self.memberships(self.run(symbols))) if holds)

    def pattern(self, index: int) -> Automaton:
        """The automaton of one pattern alone."""
        return Automaton.from_table(self.alphabet, self.delta, 0, self.patterns[index])

    @staticmethod
    def from_table(
        alphabet: Alphabet,
        delta: Sequence[Sequence[int]],
        initial: int,
        accepting: Iterable[int],
        patterns: Sequence[Iterable[int]] = (),
    ) -> Automaton:
        """The canonical automaton of any partial DFA given by a table.

        Args:
            alphabet: symbols with classes; `delta` is indexed by these classes.
            delta: `delta[q][c]`, `DEAD` where undefined.
            initial: the initial state.
            accepting: the accepting states; those of the patterns are added.
            patterns: the accepting states of each pattern of a pattern set.
        """
        finals = [set(pattern) for pattern in patterns]
        final = set(accepting).union(*finals)
        live = sorted(live_states(delta, (initial,), final)) if delta else []
        if not live or initial not in live:
            return Automaton.empty(alphabet, len(finals))
        index = dict(zip(live, range(len(live)), strict=True))
        index[DEAD] = DEAD
        kept = [[index.get(r, DEAD) for r in delta[q]] for q in live]
        block = coarsest_partition(kept, [(q in final, *(q in pattern for pattern in finals)) for q in live])
        member = dict(zip(reversed(block), reversed(kept), strict=True))
        block.append(DEAD)  # block[DEAD]
        order = {block[index[initial]]: 0}
        rows: list[list[int]] = []
        for b in (queue := list(order)):
            row = [block[r] for r in member[b]]
            for r in row:
                if r != DEAD and r not in order:
                    order[r] = len(order)
                    queue.append(r)
            rows.append(row)
        order[DEAD] = DEAD
        columns = [tuple([order[r] for r in column]) for column in zip(*rows, strict=True)]
        label: dict[tuple[int, ...], int] = {}
        merged = [label.setdefault(column, len(label)) for column in columns]
        # classes are numbered by first symbol, so the distinct columns come out in the order in which `of_runs` numbers them
        folded = Alphabet.of_runs(
            alphabet.kind, alphabet.names, alphabet.starts, [merged[c] for c in alphabet.run_classes]
        )
        table = tuple(zip(*label, strict=True)) if label else ((),) * len(rows)
        accepted = [frozenset(order[block[index[q]]] for q in states if q in index) for states in (final, *finals)]
        return Automaton(folded, table, accepted[0], tuple(accepted[1:]))

    @staticmethod
    def empty(alphabet: Alphabet, patterns: int = 0) -> Automaton:
        """The automaton of the empty language (or of that many empty patterns): no state, one class."""
        folded = Alphabet.of_runs(alphabet.kind, alphabet.names, alphabet.starts, (0,) * len(alphabet.starts))
        return Automaton(folded, (), frozenset(), (frozenset(),) * patterns)

    @staticmethod
    def from_dfa(dfa: Any, symbols: Sequence[str] | None = None) -> Automaton:
        """The canonical automaton of an automata-lib `DFA` (partial allowed).

        Args:
            dfa: an `automata.fa.dfa.DFA`.
            symbols: the order of the alphabet; sorted when not given.
        """
        names = sorted(dfa.input_symbols) if symbols is None else list(symbols)
        number = {q: i for i, q in enumerate(dfa.states)}
        table = [[DEAD] * len(names) for _ in number]
        for q, row in dfa.transitions.items():
            for c, name in enumerate(names):
                if name in row:
                    table[number[q]][c] = number[row[name]]
        return Automaton.from_table(
            Alphabet.tokens(names), table, number[dfa.initial_state], (number[q] for q in dfa.final_states)
        )

    def to_dfa(self) -> Any:
        """The automaton as an automata-lib `DFA` over symbol names (partial; the empty language has one state; of a pattern set the union)."""
        from automata.fa.dfa import DFA

        names = [self.alphabet.name(s) for s in range(self.alphabet.size)]
        classes = self.alphabet.classes
        return DFA(
            states=set(range(max(self.states, 1))),
            input_symbols=set(names),
            transitions={
                q: {n: row[c] for n, c in zip(names, classes, strict=True) if row[c] != DEAD}
                for q, row in enumerate(self.delta or ((DEAD,) * self.classes,))
            },
            initial_state=0,
            final_states=set(self.accepting),
            allow_partial=True,
        )

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        data = {
            "alphabet": self.alphabet.to_json(),
            "delta": [list(row) for row in self.delta],
            "accepting": sorted(self.accepting),
        }
        return data | ({"patterns": [sorted(pattern) for pattern in self.patterns]} if self.patterns else {})

    @staticmethod
    def from_json(data: dict[str, Any]) -> Automaton:
        """The inverse of `to_json`.

        Raises:
            InvariantError: the data are not a trimmed minimal automaton.
        """
        if "dyck" in data:
            from ssmc.dyck import BoundedDyck

            return BoundedDyck.of_json(data)
        if "members" in data:
            from ssmc.patternset import PatternSet

            return PatternSet.of_json(data)
        automaton = Automaton(
            Alphabet.from_json(data["alphabet"]),
            tuple(tuple(row) for row in data["delta"]),
            frozenset(data["accepting"]),
            tuple(frozenset(pattern) for pattern in data.get("patterns", ())),
        )
        automaton.check()
        return automaton

    def check(self) -> None:
        """Checks that the automaton is canonical: trimmed, minimal, numbered breadth first, columns distinct.

        Raises:
            InvariantError: it is not.
        """
        self.alphabet.check()
        ids = range(-1, self.states)
        if any(len(row) != self.classes or any(r not in ids for r in row) for row in self.delta):
            raise InvariantError("transition table out of shape or range")
        if not all(q in ids and q >= 0 for q in self.accepting):
            raise InvariantError("accepting state out of range")
        if self.patterns and self.accepting != frozenset().union(*self.patterns):
            raise InvariantError("the accepting states are not those of the patterns")
        if self.states and self != Automaton.from_table(self.alphabet, self.delta, 0, self.accepting, self.patterns):
            raise InvariantError("automaton is not the canonical minimal one")
        if not self.states and self.classes > 1:
            raise InvariantError("the empty language has one class")
