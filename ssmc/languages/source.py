"""The entry points: a path, a name, standard input or an expression becomes a `Language`."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.errors import InputError, Position, UsageError
from ssmc.languages.construct import construct
from ssmc.languages.formal import Source, check_names, parse_formal
from ssmc.languages.formats import format_of, read_automaton
from ssmc.languages.grammar import parse_grammar, shipped_grammars
from ssmc.languages.limits import SECONDS, STATE_LIMIT, Budget
from ssmc.languages.python_re import is_verbose, parse_python

Symbols = tuple[str, ...] | Literal["bytes"] | None
"""An explicit alphabet, single bytes, or text."""

SYNTAXES = ("formal", "python")
BYTES = "bytes"
"""The alphabet option that chooses single bytes as symbols."""
_HEADER_KEYS: dict[str, type] = {"alphabet": object, "mode": str, "syntax": str, "name": str, "search": bool}
_LEVELS = {"tokens": "symbol", "bytes": "byte", "codepoints": "codepoint"}
_TEXT = Alphabet("codepoints", (), (0,), (0,))
_BINARY = Alphabet("bytes", (), (0,), (0,))


@dataclass(frozen=True)
class Language:
    """What a source denotes.

    Attributes:
        automaton: the minimal DFA.
        name: the name of the grammar or file, or `-e`.
        source: the text it was read from.
        syntax: `formal`, `python`, `ltl`, `grammar`, or an automaton format: `dfa-json`, `att`, `jff`, `dot`, `mata`.
        level: what a symbol of the automaton is: `symbol` (of an explicit alphabet), `byte` or `codepoint`.
        options: header options that the front end itself does not use (`mode`).
    """

    automaton: Automaton
    name: str
    source: str
    syntax: str
    level: str = "symbol"
    options: tuple[tuple[str, Any], ...] = ()


def alphabet_option(option: str) -> tuple[str, ...] | Literal["bytes"]:
    """What `--alphabet` says: symbols, `w0,w1,i` or one character each, `ab`; or `bytes`.

    Raises:
        InputError: a symbol is empty, repeated or contains white space.
    """
    if option == BYTES:
        return "bytes"
    parts = [part.strip() for part in option.split(",")] if "," in option else list(option)
    return check_names(parts)


def language_of(
    expression: str,
    *,
    name: str = "-e",
    alphabet: str | None = None,
    syntax: str | None = None,
    search: bool = False,
    state_limit: int = STATE_LIMIT,
    seconds: float = SECONDS,
) -> Language:
    """The language of an expression.

    Args:
        expression: the expression.
        name: the name of the language, and the file in error positions.
        alphabet: the symbols, `ab` or `w0,w1,i`; `bytes` for single bytes; text (code points) when not given.
        syntax: the notation, `formal` or `python`; when not given, `formal` for an explicit alphabet and `python` otherwise.
        search: whether a match may lie anywhere in the word (`python` only).
        state_limit: the largest number of states on the way.
        seconds: wall-clock limit.

    Raises:
        InputError: the expression is malformed or empty.
        UsageError: the options make no sense together.
        LimitError: a limit is exceeded.
    """
    budget = Budget(state_limit, seconds)
    symbols = None if alphabet is None else alphabet_option(alphabet)
    return _from_text(Source(expression, file=name), name, symbols, syntax, search, budget)


def read_language(
    source: str,
    *,
    alphabet: str | None = None,
    syntax: str | None = None,
    search: bool = False,
    state_limit: int = STATE_LIMIT,
    seconds: float = SECONDS,
) -> Language:
    """The language of a file, of standard input, or of a shipped grammar.

    Args:
        source: a path, `-`, or the name of a shipped grammar (`flip-flop`); a path that exists wins.
        alphabet: the symbols of an expression, as in `language_of`; overrides the header of the file.
        syntax: the notation of an expression; overrides the header.
        search: whether a match may lie anywhere; a header can say so, too.
        state_limit: the largest number of states on the way.
        seconds: wall-clock limit.

    Raises:
        InputError: the source cannot be read as what it claims to be.
        UsageError: the options make no sense together.
        LimitError: a limit is exceeded.
    """
    budget = Budget(state_limit, seconds)
    file, text = _read(source)
    suffix = Path(file).suffix.lower()
    stem = Path(file).stem if source != "-" else "-"
    if suffix == ".toml":
        grammar = parse_grammar(text, file)
        return Language(grammar.automaton(budget), grammar.name, text, "grammar")
    form = format_of(file if source != "-" else "-", text)
    if form is not None:
        automaton = read_automaton(text, form, budget, file)
        level = _LEVELS[automaton.alphabet.kind]
        return Language(automaton, stem, text, "dfa-json" if form == "json" else form, level)
    options, body = split_header(text, file)
    symbols = alphabet_option(alphabet) if alphabet is not None else _header_alphabet(options, file)
    notation = syntax or options.get("syntax")
    search = search or options.get("search", False)
    if "\n" in body.text and (notation or default_syntax(symbols)) == "python" and not is_verbose(body):
        line_end = body.text.index("\n")
        raise InputError(
            "several lines: a file holds one pattern, unless flag (?x) is set or its lines are patterns (--lines)",
            body.position(line_end),
        )
    language = _from_text(body, str(options.get("name", stem)), symbols, notation, search, budget)
    rest = tuple((key, value) for key, value in options.items() if key == "mode")
    return replace(language, options=rest)


def default_syntax(symbols: Symbols) -> str:
    """The notation when none is asked for: formal over an explicit alphabet, otherwise Python's."""
    return "formal" if isinstance(symbols, tuple) else "python"


def _from_text(
    source: Source, name: str, symbols: Symbols, syntax: str | None, search: bool, budget: Budget
) -> Language:
    syntax = syntax or default_syntax(symbols)
    if syntax not in SYNTAXES:
        raise UsageError(f"unknown syntax {syntax!r}; known: {', '.join(SYNTAXES)}")
    if syntax == "formal":
        if not source.text.strip():
            raise InputError("empty expression (the empty word is written ())", source.position(0))
        if not isinstance(symbols, tuple):
            raise UsageError("formal notation needs its alphabet: --alphabet ab, --alphabet w0,w1,i, or '#: alphabet'")
        if search:
            raise UsageError("search is for Python syntax; in formal notation write .* around the expression")
        automaton = construct(parse_formal(source, symbols), Alphabet.tokens(symbols), budget)
        return Language(automaton, name, source.text, "formal")
    if not source.text:
        raise InputError("empty expression (the empty word is written (?:))", source.position(0))
    binary = symbols == BYTES
    expression = parse_python(source, binary=binary, search=search)
    automaton = construct(expression, _BINARY if binary else _TEXT, budget)
    level = "byte" if binary else "codepoint"
    if isinstance(symbols, tuple):
        automaton, level = restrict(automaton, symbols), "symbol"
    return Language(automaton, name, source.text, "python", level)


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


def _header_alphabet(options: dict[str, Any], file: str) -> Symbols:
    value = options.get("alphabet")
    if value is None:
        return None
    if isinstance(value, str):
        return alphabet_option(value)
    if not isinstance(value, list):
        raise InputError("header: 'alphabet' is a list of strings or a string", Position(1, 1, file=file))
    return check_names(value, Position(1, 1, file=file))


def split_header(text: str, file: str | None = None) -> tuple[dict[str, Any], Source]:
    """The options of the leading `#: key = value` lines (TOML values), and the rest of the text without final newlines.

    Raises:
        InputError: a header line is not TOML, or its key is unknown or repeated.
    """
    options: dict[str, Any] = {}
    lines = text.split("\n")
    row = 0
    while row < len(lines) and lines[row].startswith("#:"):
        line = lines[row].rstrip("\r")
        position = Position(row + 1, 1, line, file)
        try:
            pairs = tomllib.loads(line[2:])
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"header line is not 'key = TOML value': {error}", position) from None
        for key, value in pairs.items():
            if key not in _HEADER_KEYS:
                raise InputError(f"unknown header key {key!r}; known: {', '.join(_HEADER_KEYS)}", position)
            if key in options:
                raise InputError(f"header key {key!r} occurs twice", position)
            if not isinstance(value, _HEADER_KEYS[key]):
                kind = "string" if _HEADER_KEYS[key] is str else "true or false"
                raise InputError(f"header key {key!r} has a {kind} value", position)
            options[key] = value
        row += 1
    return options, Source("\n".join(lines[row:]).rstrip("\r\n"), line=row + 1, file=file)


def _read(source: str) -> tuple[str, str]:
    """The path shown in errors and the text of a source.

    Raises:
        InputError: there is no such file or grammar, or it is unreadable or not UTF-8.
    """
    if source == "-":
        return "<stdin>", _decode(sys.stdin.buffer.read(), "<stdin>")
    path = Path(source)
    try:
        if not path.exists():
            shipped = {grammar.stem: grammar for grammar in shipped_grammars()}
            if source not in shipped:
                raise InputError(f"{source}: no such file, and no shipped grammar of that name")
            path = shipped[source]
        if path.is_dir():
            raise InputError(f"{source}: is a directory")
        return str(path), _decode(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror}") from None


def _decode(data: bytes, file: str) -> str:
    """The text of UTF-8 bytes.

    Raises:
        InputError: a byte is not UTF-8 (its position is given), or there is nothing.
    """
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        position = Position(before.count(b"\n") + 1, column, file=file)
        raise InputError(f"not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}", position) from None
    if not text.strip():
        raise InputError("empty file", Position(1, 1, file=file))
    return text
