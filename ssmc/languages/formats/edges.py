"""What the readers share: named states and edges become an automaton, with one message per mistake; and the alphabet note.

Several formats do not say what the alphabet is, only which symbols occur. The writers put it into a comment, `alphabet: [...]` in JSON,
and the readers use it; in files of other tools the alphabet is the sorted list of the symbols that occur.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.errors import InputError, Position
from ssmc.languages.formal import check_names
from ssmc.languages.nfa import EMPTY_WORD, NFA, determinize
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.automaton import Automaton
    from ssmc.languages.limits import Budget

_NOTE = re.compile(r"alphabet: (\[.*?\])[ \t]*(?:-->|\*/|$)", re.MULTILINE)


def alphabet_note(automaton: Automaton) -> str:
    """The note for a comment."""
    return "alphabet: " + json.dumps(list(symbol_names(automaton)), ensure_ascii=False).replace("--", "-\\u002d")


def noted_alphabet(text: str) -> tuple[str, ...] | None:
    """The alphabet that the note in a text lists, if there is one."""
    found = _NOTE.search(text)
    if not found:
        return None
    try:
        names = json.loads(found[1])
    except json.JSONDecodeError:
        return None
    return tuple(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def symbol_names(automaton: Automaton) -> tuple[str, ...]:
    """The name of every symbol, without white space."""
    names = (automaton.alphabet.name(symbol) for symbol in range(automaton.alphabet.size))
    return tuple("\\x20" if name == " " else name for name in names)


def edges_of(automaton: Automaton) -> Iterator[tuple[int, str, int]]:
    """The transitions (state, symbol name, state), from the initial state on."""
    classes = automaton.alphabet.classes
    names = symbol_names(automaton)
    for q, row in enumerate(automaton.delta):
        for name, c in zip(names, classes, strict=True):
            if row[c] != DEAD:
                yield q, name, row[c]


@dataclass
class Draft:
    """An automaton file while it is read.

    Attributes:
        file: the name for positions.
        names: the alphabet, if the file gives it.
        edges: (source, symbol or None for the empty word, target).
        initial: the initial states.
        final: the final states.
    """

    file: str | None
    names: tuple[str, ...] | None
    edges: list[tuple[str, str | None, str]] = field(default_factory=list)
    initial: list[str] = field(default_factory=list)
    final: list[str] = field(default_factory=list)

    def error(self, message: str, line: int = 1, text: str = "") -> InputError:
        """An error at a line of the file."""
        return InputError(message, Position(line, 1, text, self.file))

    def automaton(self, budget: Budget) -> Automaton:
        """The minimal DFA.

        Raises:
            InputError: there is no symbol, or no initial state, or a symbol is not in the alphabet that the file gives.
            LimitError: the budget is exceeded.
        """
        used = {symbol for _, symbol, _ in self.edges if symbol is not None}
        names = check_names(self.names or sorted(used), Position(1, 1, file=self.file))
        unknown = sorted(used - set(names))
        if unknown:
            raise self.error(f"symbol {unknown[0]!r} is not in the alphabet of the file")
        if not self.initial:
            raise self.error("no initial state")
        states: dict[str, int] = {}
        for name in (*self.initial, *(q for p, _, r in self.edges for q in (p, r)), *self.final):
            states.setdefault(name, len(states))
        number = {name: i for i, name in enumerate(names)}
        nfa = NFA(
            Alphabet.tokens(names),
            len(states),
            tuple((states[p], EMPTY_WORD if s is None else number[s], states[q]) for p, s, q in self.edges),
            frozenset(states[q] for q in self.initial),
            frozenset(states[q] for q in self.final),
        )
        return determinize(nfa, budget)
