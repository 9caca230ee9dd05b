"""The options in front of an expression: `#: key = value` lines, and what an alphabet option says."""

from __future__ import annotations

import tomllib
from typing import Any, Literal

from ssmc.errors import InputError, Position
from ssmc.languages.formal import Source, check_names

Symbols = tuple[str, ...] | Literal["bytes"] | None
"""An explicit alphabet, single bytes, or text."""
BYTES = "bytes"
"""The alphabet option that chooses single bytes as symbols."""
_KEYS: dict[str, tuple[type, str]] = {
    "alphabet": (object, ""),
    "mode": (str, "string"),
    "syntax": (str, "string"),
    "name": (str, "string"),
    "search": (bool, "true or false"),
    "sets": (dict, "table"),
}


def alphabet_option(option: str) -> tuple[str, ...] | Literal["bytes"]:
    """What `--alphabet` says: symbols, `w0,w1,i` or one character each, `ab`; or `bytes`.

    Raises:
        InputError: a symbol is empty, repeated or contains white space.
    """
    if option == BYTES:
        return "bytes"
    parts = [part.strip() for part in option.split(",")] if "," in option else list(option)
    return check_names(parts)


def header_alphabet(options: dict[str, Any], file: str) -> Symbols:
    """The alphabet that a header gives.

    Raises:
        InputError: it is malformed.
    """
    value = options.get("alphabet")
    if value is None:
        return None
    if isinstance(value, str):
        return alphabet_option(value)
    if not isinstance(value, list):
        raise InputError("header: 'alphabet' is a list of strings or a string", Position(1, 1, file=file))
    return check_names(value, Position(1, 1, file=file))


def header_sets(options: dict[str, Any], symbols: Symbols, file: str) -> dict[str, list[str]]:
    """The named sets of symbols that a header gives, for temporal formulas.

    Raises:
        InputError: a set is no list of symbols of the alphabet.
    """
    sets = options.get("sets", {})
    known = symbols if isinstance(symbols, tuple) else ()
    for key, value in sets.items():
        if not isinstance(value, list) or any(name not in known for name in value):
            raise InputError(f"header: set {key!r} is no list of symbols of the alphabet", Position(1, 1, file=file))
    return dict(sets)


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
            if key not in _KEYS:
                raise InputError(f"unknown header key {key!r}; known: {', '.join(_KEYS)}", position)
            if key in options:
                raise InputError(f"header key {key!r} occurs twice", position)
            kind, what = _KEYS[key]
            if not isinstance(value, kind):
                raise InputError(f"header key {key!r} has a {what} value", position)
            options[key] = value
        row += 1
    return options, Source("\n".join(lines[row:]).rstrip("\r\n"), line=row + 1, file=file)
