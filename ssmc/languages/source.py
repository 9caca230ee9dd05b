"""The entry points: a path, a name, standard input or an expression becomes a `Language`."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssmc.alphabet import Alphabet
from ssmc.errors import InputError, Position, UsageError
from ssmc.languages.automaton_json import read_automaton_json
from ssmc.languages.construct import construct
from ssmc.languages.formal import Source, check_names, parse_formal
from ssmc.languages.grammar import parse_grammar, shipped_grammars
from ssmc.languages.limits import SECONDS, STATE_LIMIT, Budget

if TYPE_CHECKING:
    from ssmc.automaton import Automaton

SYNTAXES = ("formal",)
_HEADER_KEYS = ("alphabet", "mode", "syntax", "name")


@dataclass(frozen=True)
class Language:
    """What a source denotes.

    Attributes:
        automaton: the minimal DFA.
        name: the name of the grammar or file, or `-e`.
        source: the text it was read from.
        syntax: `formal`, `dfa-json` or `grammar`.
        level: what a symbol of the automaton is: `symbol` (of an explicit alphabet), `byte` or `codepoint`.
        options: header options that the front end itself does not use (`mode`).
    """

    automaton: Automaton
    name: str
    source: str
    syntax: str
    level: str = "symbol"
    options: tuple[tuple[str, Any], ...] = ()


def alphabet_names(option: str) -> tuple[str, ...]:
    """The symbols that `--alphabet` lists: `w0,w1,i`, or one character each: `ab`.

    Raises:
        InputError: a symbol is empty, repeated or contains white space.
    """
    parts = [part.strip() for part in option.split(",")] if "," in option else list(option)
    return check_names(parts)


def language_of(
    expression: str,
    *,
    name: str = "-e",
    alphabet: str | None = None,
    syntax: str | None = None,
    state_limit: int = STATE_LIMIT,
    seconds: float = SECONDS,
) -> Language:
    """The language of an expression.

    Args:
        expression: the expression.
        name: the name of the language, and the file in error positions.
        alphabet: the symbols, `ab` or `w0,w1,i`.
        syntax: the notation, `formal`.
        state_limit: the largest number of states on the way.
        seconds: wall-clock limit.

    Raises:
        InputError: the expression is malformed or empty.
        UsageError: the options make no sense together.
        LimitError: a limit is exceeded.
    """
    budget = Budget(state_limit, seconds)
    names = None if alphabet is None else alphabet_names(alphabet)
    return _from_text(Source(expression, file=name), name, names, syntax, budget)


def read_language(
    source: str,
    *,
    alphabet: str | None = None,
    syntax: str | None = None,
    state_limit: int = STATE_LIMIT,
    seconds: float = SECONDS,
) -> Language:
    """The language of a file, of standard input, or of a shipped grammar.

    Args:
        source: a path, `-`, or the name of a shipped grammar (`flip-flop`); a path that exists wins.
        alphabet: the symbols of an expression, `ab` or `w0,w1,i`; overrides the header of the file.
        syntax: the notation of an expression; overrides the header.
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
    if suffix == ".json" or (suffix not in (".txt", ".regex", ".re") and text.lstrip().startswith("{")):
        return Language(read_automaton_json(text, budget, file), stem, text, "dfa-json")
    options, body = split_header(text, file)
    names = alphabet_names(alphabet) if alphabet is not None else _header_alphabet(options, file)
    language = _from_text(body, str(options.get("name", stem)), names, syntax or options.get("syntax"), budget)
    rest = tuple((key, value) for key, value in options.items() if key == "mode")
    return Language(language.automaton, language.name, language.source, language.syntax, language.level, rest)


def _from_text(
    source: Source, name: str, names: tuple[str, ...] | None, syntax: str | None, budget: Budget
) -> Language:
    if syntax is not None and syntax not in SYNTAXES:
        raise UsageError(f"unknown syntax {syntax!r}; known: {', '.join(SYNTAXES)}")
    if not source.text.strip():
        raise InputError("empty expression (the empty word is written ())", source.position(0))
    if names is None:
        raise UsageError("an expression needs its alphabet: --alphabet ab, --alphabet w0,w1,i, or a '#: alphabet' line")
    automaton = construct(parse_formal(source, names), Alphabet.tokens(names), budget)
    return Language(automaton, name, source.text, "formal")


def _header_alphabet(options: dict[str, Any], file: str) -> tuple[str, ...] | None:
    value = options.get("alphabet")
    if value is None:
        return None
    if isinstance(value, str):
        return alphabet_names(value)
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
            if key != "alphabet" and not isinstance(value, str):
                raise InputError(f"header key {key!r} has a string value", position)
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
