"""The entry points: a path, a name, standard input or an expression becomes a `Language`."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ssmc.dyck import BoundedDyck, bracket_names
from ssmc.errors import InputError, Position
from ssmc.languages.formal import Source
from ssmc.languages.formats import format_of, read_automaton
from ssmc.languages.grammar import parse_grammar, shipped_grammars
from ssmc.languages.header import Symbols, alphabet_option, header_alphabet, header_sets, split_header
from ssmc.languages.limits import SECONDS, STATE_LIMIT, Budget
from ssmc.languages.notation import default_syntax, translate
from ssmc.languages.python_re import is_verbose

if TYPE_CHECKING:
    from ssmc.automaton import Automaton

DYCK = re.compile(r"dyck:(\d{1,6}),(\d{1,6})")
"""The name of a bounded Dyck language, with its number of kinds of brackets and its depth."""
KINDS_LIMIT = 1000
_LEVELS = {"tokens": "symbol", "bytes": "byte", "codepoints": "codepoint"}


@dataclass(frozen=True)
class Language:
    """What a source denotes.

    Attributes:
        automaton: the minimal DFA.
        name: the name of the grammar or file, or `-e`.
        source: the text it was read from.
        syntax: `formal`, `python`, `ltl`, `grammar`, `dyck`, or an automaton format: `dfa-json`, `att`, `jff`, `dot`, `mata`.
        level: what a symbol of the automaton is: `symbol` (of an explicit alphabet), `byte` or `codepoint`.
        options: header options that the front end itself does not use (`mode`).
        patterns: the names of the patterns, if the automaton is that of a pattern set.
    """

    automaton: Automaton
    name: str
    source: str
    syntax: str
    level: str = "symbol"
    options: tuple[tuple[str, Any], ...] = ()
    patterns: tuple[str, ...] = ()


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
        syntax: the notation, `formal`, `python` or `ltl`; when not given, `formal` for an explicit alphabet and `python` otherwise.
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
    notation = syntax or default_syntax(symbols)
    automaton, level = translate(Source(expression, file=name), symbols, notation, search, budget, {})
    return Language(automaton, name, expression, notation, level)


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
        source: a path, `-`, the name of a shipped grammar (`flip-flop`), or `dyck:K,m`; a path that exists wins.
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
    family = DYCK.fullmatch(source)
    if family and not Path(source).exists():
        return _bounded_dyck(int(family[1]), int(family[2]), source, state_limit)
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
        syntax = "dfa-json" if form == "json" else form
        names = tuple(str(i + 1) for i in range(automaton.pattern_count))
        return Language(automaton, stem, text, syntax, level, patterns=names)
    options, body = split_header(text, file)
    settings = _settings(options, file, suffix, alphabet, syntax, search)
    if "\n" in body.text and settings.syntax == "python" and not is_verbose(body):
        raise InputError(
            "several lines: a file holds one pattern, unless flag (?x) is set or its lines are patterns (--lines)",
            body.position(body.text.index("\n")),
        )
    automaton, level = translate(body, settings.symbols, settings.syntax, settings.search, budget, settings.sets)
    return Language(automaton, str(options.get("name", stem)), body.text, settings.syntax, level, settings.rest)


def read_languages(
    source: str,
    *,
    alphabet: str | None = None,
    syntax: str | None = None,
    search: bool = False,
    state_limit: int = STATE_LIMIT,
    seconds: float = SECONDS,
) -> list[Language]:
    """The languages of a text of patterns, one a line; blank lines are skipped, and header lines hold for all.

    Args:
        source: a path or `-`.
        alphabet: as in `read_language`.
        syntax: as in `read_language`.
        search: as in `read_language`.
        state_limit: the largest number of states on the way, for each pattern.
        seconds: wall-clock limit, for each pattern.

    Raises:
        InputError: the source cannot be read, or a pattern is malformed, or there is none.
        UsageError: the options make no sense together.
        LimitError: a limit is exceeded.
    """
    file, text = _read(source)
    options, body = split_header(text, file)
    settings = _settings(options, file, Path(file).suffix.lower(), alphabet, syntax, search)
    stem = str(options.get("name", Path(file).stem if source != "-" else "-"))
    out = []
    for row, line in enumerate(body.text.split("\n"), body.line):
        pattern = line.rstrip("\r")
        if pattern:
            budget = Budget(state_limit, seconds)
            automaton, level = translate(
                Source(pattern, row, file=file),
                settings.symbols,
                settings.syntax,
                settings.search,
                budget,
                settings.sets,
            )
            out.append(Language(automaton, f"{stem}:{row}", pattern, settings.syntax, level, settings.rest))
    if not out:
        raise InputError("no pattern", body.position(0))
    return out


def _bounded_dyck(kinds: int, depth: int, name: str, state_limit: int) -> Language:
    """Dyck(K, m) by name; its table is written out only where somebody asks for it.

    Raises:
        InputError: there is no such language, or it has more brackets than anybody could write.
    """
    if not kinds or not depth:
        raise InputError(f"{name}: K and m in dyck:K,m are at least 1")
    if kinds > KINDS_LIMIT or depth > KINDS_LIMIT:
        raise InputError(f"{name}: K and m in dyck:K,m are at most {KINDS_LIMIT}")
    return Language(BoundedDyck(bracket_names(kinds), depth, state_limit), name, name, "dyck")


class _Settings(NamedTuple):
    """What the header and the options say together; an option wins."""

    symbols: Symbols
    syntax: str
    search: bool
    sets: dict[str, list[str]]
    rest: tuple[tuple[str, Any], ...]


def _settings(
    options: dict[str, Any], file: str, suffix: str, alphabet: str | None, syntax: str | None, search: bool
) -> _Settings:
    symbols = alphabet_option(alphabet) if alphabet is not None else header_alphabet(options, file)
    notation = syntax or options.get("syntax") or ("ltl" if suffix == ".ltl" else default_syntax(symbols))
    rest = tuple((key, value) for key, value in options.items() if key == "mode")
    anywhere = search or options.get("search", False)
    return _Settings(symbols, notation, anywhere, header_sets(options, symbols, file), rest)


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
