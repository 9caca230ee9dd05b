"""Text for pictures: symbols of an edge, sets of states, words."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ssmc.automaton import Alphabet

SHOWN = 12
"""Symbols or states to write out before the rest is counted."""
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def quote(text: str) -> str:
    """A DOT string; a newline becomes a centred line break."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def escape_html(text: str) -> str:
    """Text inside an HTML-like label: ASCII punctuation as character references (Graphviz trips over brackets next to tags)."""
    return "".join(f"&#{ord(ch)};" if ch.isascii() and not ch.isalnum() and ch != " " else ch for ch in text)


def edge_label(alphabet: Alphabet, classes: Iterable[int]) -> str:
    """The symbols of some classes: names, or ranges of characters and bytes."""
    wanted = set(classes)
    if alphabet.kind == "tokens":
        symbols = [symbol for symbol in range(alphabet.size) if alphabet.class_of(symbol) in wanted]
        if len(symbols) == alphabet.size > 3:
            return "any"
        names = [_visible(alphabet.name(symbol)) for symbol in symbols]
        return _wrapped(names)
    ends = (*alphabet.starts[1:], alphabet.size)
    runs: list[tuple[int, int]] = []
    for start, end, number in zip(alphabet.starts, ends, alphabet.run_classes, strict=True):
        if number in wanted:
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
    if runs == [(0, alphabet.size)]:
        return "any"
    return _wrapped([_run(alphabet, start, end) for start, end in runs])


def _run(alphabet: Alphabet, start: int, end: int) -> str:
    first, last = _visible(alphabet.name(start)), _visible(alphabet.name(end - 1))
    if end - start < 3:
        return first if end - start == 1 else f"{first} {last}"
    return f"{first}-{last}"


def _visible(name: str) -> str:
    if name == " ":
        return "␣"
    return name if name.isprintable() else "".join(f"U+{ord(ch):04X}" for ch in name)


def _wrapped(names: Sequence[str]) -> str:
    shown = list(names[:SHOWN])
    if len(names) > SHOWN:
        shown.append(f"… {len(names) - SHOWN} more")
    lines = [""]
    for name in shown:
        if lines[-1] and len(lines[-1]) + len(name) > 18:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + name
    return "\n".join(lines)


def set_label(states: Iterable[int]) -> str:
    """A set of numbers, with runs as ranges: {0-3 7 9}."""
    runs: list[tuple[int, int]] = []
    for q in sorted(states):
        if runs and runs[-1][1] == q - 1:
            runs[-1] = (runs[-1][0], q)
        else:
            runs.append((q, q))
    parts = [str(a) if a == b else f"{a} {b}" if b == a + 1 else f"{a}-{b}" for a, b in runs]
    return "{" + _wrapped(parts) + "}"


def word_label(alphabet: Alphabet, classes: Sequence[int], symbols: Sequence[int]) -> str:
    """A word of symbol classes by the example symbol of each: aaabb as a³bb, the empty word as 1, the middle of a long one left out."""
    if not classes:
        return "1"
    gap = " " if alphabet.multicharacter else ""
    parts = []
    for c, run in groupby(classes):
        name, times = _visible(alphabet.name(symbols[c])), len(list(run))
        parts.append(name + str(times).translate(_RAISED) if times > 2 else gap.join([name] * times))
    if len(parts) > SHOWN:
        parts = [*parts[:6], "…", *parts[-5:]]
    return gap.join(parts)
