"""The notations of expressions: which there are, which is meant, and from the text to the automaton."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.errors import InputError, UsageError
from ssmc.languages.construct import construct
from ssmc.languages.formal import parse_formal
from ssmc.languages.header import BYTES
from ssmc.languages.ltl import automaton_of_formula
from ssmc.languages.ltl_syntax import parse_ltl
from ssmc.languages.python_re import parse_python

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssmc.languages.formal import Source
    from ssmc.languages.header import Symbols
    from ssmc.languages.limits import Budget

SYNTAXES = ("formal", "python", "ltl")
_TEXT = Alphabet("codepoints", (), (0,), (0,))
_BINARY = Alphabet("bytes", (), (0,), (0,))


def default_syntax(symbols: Symbols) -> str:
    """The notation when none is asked for: formal over an explicit alphabet, otherwise Python's."""
    return "formal" if isinstance(symbols, tuple) else "python"


def translate(
    source: Source, symbols: Symbols, syntax: str, search: bool, budget: Budget, sets: Mapping[str, Sequence[str]]
) -> tuple[Automaton, str]:
    """The automaton of an expression, and its level: `symbol`, `byte` or `codepoint`.

    Raises:
        InputError: the expression is malformed or empty.
        UsageError: the options make no sense together.
        LimitError: the budget is exceeded.
    """
    if syntax not in SYNTAXES:
        raise UsageError(f"unknown syntax {syntax!r}; known: {', '.join(SYNTAXES)}")
    if syntax == "python":
        return _python(source, symbols, search, budget)
    if not source.text.strip():
        hint = " (the empty word is written ())" if syntax == "formal" else ""
        raise InputError(f"empty expression{hint}", source.position(0))
    if not isinstance(symbols, tuple):
        raise UsageError(f"{syntax} notation needs its alphabet: --alphabet ab, --alphabet w0,w1,i, or '#: alphabet'")
    if search:
        raise UsageError("search is for Python syntax; in formal notation write .* around the expression")
    if syntax == "ltl":
        return automaton_of_formula(parse_ltl(source, symbols, sets), symbols, budget), "symbol"
    return construct(parse_formal(source, symbols), Alphabet.tokens(symbols), budget), "symbol"


def _python(source: Source, symbols: Symbols, search: bool, budget: Budget) -> tuple[Automaton, str]:
    if not source.text:
        raise InputError("empty expression (the empty word is written (?:))", source.position(0))
    binary = symbols == BYTES
    automaton = construct(parse_python(source, binary=binary, search=search), _BINARY if binary else _TEXT, budget)
    if isinstance(symbols, tuple):
        return restrict(automaton, symbols), "symbol"
    return automaton, "byte" if binary else "codepoint"


def restrict(automaton: Automaton, names: tuple[str, ...]) -> Automaton:
    """The words of a code point automaton that use these characters only, over the explicit alphabet of them.

    Raises:
        UsageError: a name is not one character.
    """
    if any(len(name) != 1 for name in names):
        raise UsageError("Python syntax over an explicit alphabet needs symbols of one character")
    classes = [automaton.alphabet.class_of(ord(name)) for name in names]
    alphabet = Alphabet.of_classes("tokens", names, classes)
    if not automaton.states:
        return Automaton.empty(alphabet)
    used = list(dict.fromkeys(classes))
    table = [[row[c] for c in used] for row in automaton.delta]
    return Automaton.from_table(alphabet, table, 0, automaton.accepting)
