"""Automata files of other tools: which format a text is in, reading, writing."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ssmc.errors import UsageError
from ssmc.languages.automaton_json import read_automaton_json, to_library_json
from ssmc.languages.formats.att import read_att, write_att
from ssmc.languages.formats.dot import read_dot, write_dot
from ssmc.languages.formats.hoa import read_hoa, write_hoa
from ssmc.languages.formats.jff import read_jff, write_jff
from ssmc.languages.formats.mata import read_mata, write_mata
from ssmc.patternset import PatternSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssmc.automaton import Automaton
    from ssmc.languages.limits import Budget

    Reader = Callable[[str, Budget, str | None], Automaton]
    Writer = Callable[[Automaton], str]

__all__ = ["FORMATS", "automaton_text", "format_of", "read_automaton", "write_automaton"]


def write_json(automaton: Automaton) -> str:
    """JSON: the shape of automata-lib's constructor over an explicit alphabet, otherwise ssmc's own, which has classes and patterns."""
    explicit = automaton.alphabet.kind == "tokens" and not automaton.patterns
    return json.dumps(to_library_json(automaton) if explicit else automaton.to_json(), ensure_ascii=False) + "\n"


FORMATS: dict[str, tuple[Reader, Writer]] = {
    "json": (read_automaton_json, write_json),
    "att": (read_att, write_att),
    "jff": (read_jff, write_jff),
    "dot": (read_dot, write_dot),
    "mata": (read_mata, write_mata),
    "hoa": (read_hoa, write_hoa),
}
"""Reader and writer by name; the name is the file extension."""
_EXTENSIONS = {".gv": "dot"} | {f".{name}": name for name in FORMATS}
_OPENINGS = (
    ("json", re.compile(r"\s*\{")),
    ("jff", re.compile(r"\s*(<\?xml|<!--|<structure)")),
    ("mata", re.compile(r"\s*(#[^\n]*\n\s*)*@NFA")),
    ("hoa", re.compile(r"\s*(/\*.*?\*/\s*)*HOA:", re.DOTALL)),
    ("dot", re.compile(r"\s*(//[^\n]*\n\s*)*(strict\s+)?digraph\b[^{]*\{")),
)


def format_of(path: str, text: str | None = None) -> str | None:
    """The name of the automaton format of a path, by its extension; by content if the extension says nothing."""
    suffix = Path(path).suffix.lower()
    if suffix in _EXTENSIONS:
        return _EXTENSIONS[suffix]
    if suffix in (".txt", ".regex", ".re", ".ltl", ".toml") or text is None:
        return None
    return next((name for name, opening in _OPENINGS if opening.match(text)), None)


def read_automaton(text: str, name: str, budget: Budget, file: str | None = None) -> Automaton:
    """The minimal DFA of an automaton file; NFAs are determinised.

    Raises:
        InputError: the text is not of the format.
        LimitError: the budget is exceeded.
    """
    return FORMATS[name][0](text, budget, file)


def automaton_text(automaton: Automaton, name: str) -> str:
    """The automaton in a format.

    Raises:
        UsageError: there is no such format, or it cannot express the alphabet.
    """
    if name not in FORMATS:
        raise UsageError(f"unknown automaton format {name!r}; known: {', '.join(FORMATS)}")
    if isinstance(automaton, PatternSet):
        automaton = automaton.plain()
    if automaton.alphabet.kind == "codepoints" and name != "json":
        raise UsageError(f"format {name} has no alphabet of code points: write .json, or encode to bytes first")
    if automaton.patterns and name != "json":
        raise UsageError(f"format {name} holds one language, not a pattern set: write .json")
    return FORMATS[name][1](automaton)


def write_automaton(automaton: Automaton, path: str | Path, name: str | None = None) -> None:
    """Writes the automaton; the file appears complete or not at all.

    Args:
        automaton: the automaton.
        path: where to.
        name: the format; when not given, the one that the extension names.

    Raises:
        UsageError: the extension names no format, or the format cannot express the alphabet.
        OSError: the file cannot be written.
        LimitError: the joint automaton of a pattern set is too large.
    """
    target = Path(path)
    name = name or _EXTENSIONS.get(target.suffix.lower())
    if name is None:
        raise UsageError(f"{target}: the extension names no automaton format ({', '.join(sorted(_EXTENSIONS))})")
    text = automaton_text(automaton, name)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
