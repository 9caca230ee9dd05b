"""Mata's `.mata` text, explicit NFAs: `@NFA-explicit`, `%Initial`, `%Final`, then `source symbol target` lines.

A symbol with characters other than letters, digits and `_` is written between double quotes, with backslash escapes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ssmc.languages.formats.edges import Draft, alphabet_note, edges_of, noted_alphabet

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.languages.limits import Budget

_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"#]+)|(#.*))')
_IGNORED = ("%Alphabet", "%States", "%Symbols")


def read_mata(text: str, budget: Budget, file: str | None = None) -> Automaton:
    """The automaton of an explicit NFA in Mata's format.

    Raises:
        InputError: a line is malformed, or the automaton is not an explicit NFA.
        LimitError: the budget is exceeded.
    """
    draft = Draft(file, noted_alphabet(text))
    seen_type = False
    for row, line in enumerate(text.splitlines(), 1):
        words = _words(line)
        if words is None:
            raise draft.error("a double quote is not closed", row, line)
        if not words:
            continue
        if words[0].startswith("@"):
            if seen_type or words[0] not in ("@NFA-explicit", "@NFA"):
                raise draft.error(f"{words[0]}: one @NFA-explicit per file is read", row, line)
            seen_type = True
        elif not seen_type:
            raise draft.error("the first line is @NFA-explicit", row, line)
        elif words[0] in ("%Initial", "%Final"):
            (draft.initial if words[0] == "%Initial" else draft.final).extend(words[1:])
        elif words[0].startswith("%"):
            if not words[0].startswith(_IGNORED):
                raise draft.error(f"unknown key {words[0]}", row, line)
        elif len(words) != 3:
            raise draft.error("a transition is 'source symbol target'", row, line)
        else:
            draft.edges.append((words[0], words[1], words[2]))
    return draft.automaton(budget)


def _words(line: str) -> list[str] | None:
    """The words of a line without quotes and comment; None when a quote is open."""
    out: list[str] = []
    at = 0
    line = line.rstrip()
    while at < len(line):
        found = _WORD.match(line, at)
        if not found:
            return None
        at = found.end()
        if found[1] is not None:
            out.append(re.sub(r"\\(.)", r"\1", found[1]))
        elif found[2] is not None:
            out.append(found[2])
    return out


def write_mata(automaton: Automaton) -> str:
    """The automaton in Mata's format."""
    final = " ".join(["%Final", *(f"q{q}" for q in sorted(automaton.accepting))])
    lines = ["@NFA-explicit", "%Alphabet-auto", f"# {alphabet_note(automaton)}", "%Initial q0", final]
    lines += [f"q{q} {_quoted(symbol)} q{r}" for q, symbol, r in edges_of(automaton)]
    return "".join(f"{line}\n" for line in lines)


def _quoted(symbol: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_]+", symbol):
        return symbol
    return '"' + re.sub(r'(["\\])', r"\\\1", symbol) + '"'
