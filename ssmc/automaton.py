"""The alphabet and the trimmed minimal DFA: the value that every stage after the front end reads.

Conventions (used throughout): Q states, Sigma input symbols, delta the partial transition function, q0 = 0 the initial state,
F the accepting states. Symbols are integers 0..size-1; the alphabet folds them into *classes* with equal columns of delta.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from ssmc.errors import InvariantError, SymbolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEAD = -1
"""The value of `delta` at an undefined transition, and the name of the state after it."""

AlphabetKind = Literal["tokens", "bytes", "codepoints"]
_SIZES = {"bytes": 256, "codepoints": 0x110000}


@dataclass(frozen=True)
class Alphabet:
    """The input symbols 0..size-1 and their partition into classes, stored as runs.

    Attributes:
        kind: `tokens` (an explicit list of names), `bytes` (256 symbols) or `codepoints` (Unicode).
        names: the name of each symbol when `kind` is `tokens`, else empty.
        starts: first symbol of each maximal run of symbols of one class, ascending, starting at 0.
        run_classes: the class of each run; classes are numbered by their first symbol.
    """

    kind: AlphabetKind
    names: tuple[str, ...]
    starts: tuple[int, ...]
    run_classes: tuple[int, ...]

    @staticmethod
    def of_classes(kind: AlphabetKind, names: Sequence[str], classes: Sequence[int]) -> Alphabet:
        """The alphabet whose symbol i has class `classes[i]` (any labels; they are renumbered)."""
        return Alphabet.of_runs(kind, names, range(len(classes)), classes)

    @staticmethod
    def of_runs(kind: AlphabetKind, names: Sequence[str], starts: Iterable[int], classes: Iterable[int]) -> Alphabet:
        """The alphabet of the given runs, merged where neighbours have one class and renumbered."""
        order: dict[int, int] = {}
        runs: list[tuple[int, int]] = []
        for start, label in zip(starts, classes, strict=True):
            number = order.setdefault(label, len(order))
            if not runs or runs[-1][1] != number:
                runs.append((start, number))
        return Alphabet(kind, tuple(names), tuple(s for s, _ in runs), tuple(c for _, c in runs))

    @staticmethod
    def tokens(names: Sequence[str]) -> Alphabet:
        """An explicit alphabet, every symbol in a class of its own."""
        return Alphabet.of_classes("tokens", names, range(len(names)))

    @property
    def size(self) -> int:
        """The number of input symbols."""
        return len(self.names) if self.kind == "tokens" else _SIZES[self.kind]

    @cached_property
    def class_count(self) -> int:
        """The number of classes."""
        return 1 + max(self.run_classes, default=-1)

    def class_of(self, symbol: int) -> int:
        """The class of a symbol.

        Raises:
            SymbolError: `symbol` is outside 0..size-1.
        """
        if not 0 <= symbol < self.size:
            raise SymbolError(f"symbol number {symbol} is outside 0..{self.size - 1}")
        return self.run_classes[bisect_right(self.starts, symbol) - 1]

    @cached_property
    def representatives(self) -> tuple[int, ...]:
        """The first symbol of each class."""
        first: dict[int, int] = {}
        for start, number in zip(self.starts, self.run_classes, strict=True):
            first.setdefault(number, start)
        return tuple(first[c] for c in range(self.class_count))

    @cached_property
    def classes(self) -> tuple[int, ...]:
        """The class of every symbol (use `class_of` for a large alphabet)."""
        ends = (*self.starts[1:], self.size)
        return tuple(
            c for start, end, c in zip(self.starts, ends, self.run_classes, strict=True) for _ in range(end - start)
        )

    @cached_property
    def _number(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @property
    def multicharacter(self) -> bool:
        """Whether some symbol's name is not one character, so that strings are written with spaces."""
        return any(len(name) != 1 for name in self.names)

    def name(self, symbol: int) -> str:
        r"""The symbol as the user writes it: its name, its character, or `\xNN` for a byte that is not printable ASCII."""
        if self.kind == "tokens":
            return self.names[symbol]
        if self.kind == "bytes" and not 0x20 <= symbol < 0x7F:
            return f"\\x{symbol:02x}"
        return chr(symbol)

    def encode(self, text: str, *, spaced: bool = False) -> list[int]:
        """The symbols of a string.

        Args:
            text: one character per symbol, or symbols separated by spaces when `spaced` or when a name is longer than a character.
            spaced: read `text` as symbol names separated by white space.

        Raises:
            SymbolError: a symbol is outside the alphabet; the message gives its 1-based position.
        """
        if self.kind == "bytes":
            return list(text.encode("utf-8", "surrogateescape"))
        if self.kind == "codepoints":
            return [ord(ch) for ch in text]
        parts = text.split() if spaced or self.multicharacter else list(text)
        return self.encode_names(parts)

    def encode_names(self, names: Sequence[str]) -> list[int]:
        """The symbols of a list of names.

        Raises:
            SymbolError: a name is outside the alphabet; the message gives its 1-based position.
        """
        if self.kind != "tokens":
            return [symbol for name in names for symbol in self.encode(name)]
        out: list[int] = []
        for place, name in enumerate(names, 1):
            number = self._number.get(name)
            if number is None:
                raise SymbolError(f"symbol {place}: {name!r} is not in the alphabet {' '.join(self.names)}")
            out.append(number)
        return out

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        return {
            "kind": self.kind,
            "names": list(self.names),
            "starts": list(self.starts),
            "run_classes": list(self.run_classes),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Alphabet:
        """The inverse of `to_json`.

        Raises:
            InvariantError: the data describe no alphabet.
        """
        alphabet = Alphabet(data["kind"], tuple(data["names"]), tuple(data["starts"]), tuple(data["run_classes"]))
        alphabet.check()
        return alphabet

    def check(self) -> None:
        """Checks the invariants of the class docstring.

        Raises:
            InvariantError: one of them fails.
        """
        if self.kind not in ("tokens", "bytes", "codepoints"):
            raise InvariantError(f"alphabet kind {self.kind!r}")
        if self.kind == "tokens" and (len(set(self.names)) != len(self.names) or "" in self.names):
            raise InvariantError("alphabet names must be distinct and not empty")
        if len(self.starts) != len(self.run_classes) or (self.size > 0) != bool(self.starts):
            raise InvariantError("alphabet runs")
        if self.starts and (
            self.starts[0] != 0 or self.starts[-1] >= self.size or list(self.starts) != sorted(set(self.starts))
        ):
            raise InvariantError("alphabet run starts")
        seen = 0
        for previous, current in zip((-1, *self.run_classes), self.run_classes, strict=False):
            if current > seen or current < 0 or previous == current:
                raise InvariantError("alphabet classes must be numbered by first symbol, runs maximal")
            seen = max(seen, current + 1)


@dataclass(frozen=True)
class Automaton:
    """The trimmed minimal DFA of a language: every state reachable, live and distinguishable; `delta` partial.

    States are numbered breadth first from the initial state 0 in alphabet order. The empty language has no state at all.

    Attributes:
        alphabet: input symbols and their classes; two classes never have equal columns.
        delta: `delta[q][c]` is the state after reading class c in state q, or `DEAD`.
        accepting: the accepting states.
    """

    alphabet: Alphabet
    delta: tuple[tuple[int, ...], ...]
    accepting: frozenset[int]

    @property
    def states(self) -> int:
        """The number of live states."""
        return len(self.delta)

    @property
    def classes(self) -> int:
        """The number of symbol classes."""
        return self.alphabet.class_count

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

    @staticmethod
    def from_table(
        alphabet: Alphabet, delta: Sequence[Sequence[int]], initial: int, accepting: Iterable[int]
    ) -> Automaton:
        """The canonical automaton of any partial DFA given by a table.

        Args:
            alphabet: symbols with classes; `delta` is indexed by these classes.
            delta: `delta[q][c]`, `DEAD` where undefined.
            initial: the initial state.
            accepting: the accepting states.
        """
        final = set(accepting)
        live = _live(delta, initial, final)
        if initial not in live:
            return Automaton(
                Alphabet.of_runs(alphabet.kind, alphabet.names, alphabet.starts, (0,) * len(alphabet.starts)),
                (),
                frozenset(),
            )
        block = _moore(delta, live, final)
        table: dict[int, list[int]] = {}
        for q in live:
            table.setdefault(block[q], [block[r] if r in live else DEAD for r in delta[q]])
        order = {block[initial]: 0}
        queue = deque(order)
        while queue:
            for r in table[queue.popleft()]:
                if r != DEAD and r not in order:
                    order[r] = len(order)
                    queue.append(r)
        rows = [[order[r] if r != DEAD else DEAD for r in table[b]] for b in order]
        column = [tuple(row[c] for row in rows) for c in range(alphabet.class_count)]
        label: dict[tuple[int, ...], int] = {}
        merged = [label.setdefault(col, len(label)) for col in column]
        folded = Alphabet.of_runs(
            alphabet.kind, alphabet.names, alphabet.starts, [merged[c] for c in alphabet.run_classes]
        )
        keep = [c for i, c in enumerate(merged) if c not in merged[:i]]
        first = [merged.index(c) for c in keep]
        # `of_runs` numbers classes by first symbol, which is the order of first occurrence in `merged`
        return Automaton(
            folded,
            tuple(tuple(row[c] for c in first) for row in rows),
            frozenset(order[block[q]] for q in final if q in live),
        )

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
        """The automaton as an automata-lib `DFA` over symbol names (partial; the empty language has one state)."""
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
        return {
            "alphabet": self.alphabet.to_json(),
            "delta": [list(row) for row in self.delta],
            "accepting": sorted(self.accepting),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Automaton:
        """The inverse of `to_json`.

        Raises:
            InvariantError: the data are not a trimmed minimal automaton.
        """
        automaton = Automaton(
            Alphabet.from_json(data["alphabet"]),
            tuple(tuple(row) for row in data["delta"]),
            frozenset(data["accepting"]),
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
        if self.states and self != Automaton.from_table(self.alphabet, self.delta, 0, self.accepting):
            raise InvariantError("automaton is not the canonical minimal one")
        if not self.states and self.classes > 1:
            raise InvariantError("the empty language has one class")


def _live(delta: Sequence[Sequence[int]], initial: int, final: set[int]) -> set[int]:
    """States that are reachable and from which an accepting state is reachable."""
    seen, queue = {initial}, deque([initial])
    before: dict[int, set[int]] = {}
    while queue:
        q = queue.popleft()
        for r in set(delta[q]) - {DEAD}:
            before.setdefault(r, set()).add(q)
            if r not in seen:
                seen.add(r)
                queue.append(r)
    live = seen & final
    queue.extend(live)
    while queue:
        for p in before.get(queue.popleft(), ()):
            if p not in live:
                live.add(p)
                queue.append(p)
    return live


def _moore(delta: Sequence[Sequence[int]], live: set[int], final: set[int]) -> dict[int, int]:
    """Moore's partition refinement: state -> block."""
    block = {q: int(q in final) for q in live}
    count = len(set(block.values()))
    while True:
        label: dict[tuple[int, ...], int] = {}
        refined = {
            q: label.setdefault((block[q], *(block.get(r, DEAD) for r in delta[q])), len(label)) for q in sorted(live)
        }
        if len(label) == count:
            return refined
        block, count = refined, len(label)
