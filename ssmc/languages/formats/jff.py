"""JFLAP's `.jff` files of finite automata.

JFLAP reads one character per symbol, and a longer label is a word. When the file notes its alphabet (ours do), or every label is one
symbol of it, a label is a symbol; an empty label reads nothing.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ssmc.errors import InputError, Position
from ssmc.languages.formats.edges import Draft, alphabet_note, edges_of, noted_alphabet

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.languages.limits import Budget


def read_jff(text: str, budget: Budget, file: str | None = None) -> Automaton:
    """The automaton of a JFLAP file.

    Raises:
        InputError: the text is not XML, or not a JFLAP finite automaton.
        LimitError: the budget is exceeded.
    """
    draft = Draft(file, noted_alphabet(text))
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise draft.error("document types and entities are refused")
    try:
        root = ET.fromstring(text.encode())  # noqa: S314 - no entity can be declared
    except ET.ParseError as error:
        line, column = error.position
        shown = text.splitlines()[line - 1] if line <= text.count("\n") + 1 else ""
        raise InputError(f"not XML: {error}", Position(line, column + 1, shown, file)) from None
    if root.tag != "structure" or (root.findtext("type") or "").strip() != "fa":
        raise draft.error("not a JFLAP finite automaton (<structure> with <type>fa</type>)")
    states = root.findall(".//state")
    known = {state.get("id", "") for state in states}
    draft.initial = [state.get("id", "") for state in states if state.find("initial") is not None]
    draft.final = [state.get("id", "") for state in states if state.find("final") is not None]
    for number, transition in enumerate(root.findall(".//transition")):
        source, target = ((transition.findtext(key) or "").strip() for key in ("from", "to"))
        for state in (source, target):
            if state not in known:
                raise draft.error(f"transition {number + 1}: unknown state {state!r}")
        word = _word(transition.findtext("read") or "", draft.names)
        here = source
        for i, symbol in enumerate(word[:-1]):
            there = f"{number}:{i}"  # no state of the file has a colon followed by a number and precedes one
            draft.edges.append((here, symbol, there))
            here = there
        draft.edges.append((here, word[-1] if word else None, target))
    return draft.automaton(budget)


def _word(label: str, names: tuple[str, ...] | None) -> list[str]:
    """The symbols of a label."""
    if names is not None and label in names:
        return [label]
    return list(re.sub(r"\s", "", label))


def write_jff(automaton: Automaton) -> str:
    """The automaton as a JFLAP file, its states in a circle-free row."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<!-- {alphabet_note(automaton)} -->", "<structure>"]
    lines += ["<type>fa</type>", "<automaton>"]
    for q in range(max(automaton.states, 1)):
        marks = ("<initial/>" if q == 0 else "") + ("<final/>" if q in automaton.accepting else "")
        lines.append(f'<state id="{q}" name="q{q}"><x>{100 + 100 * q}.0</x><y>100.0</y>{marks}</state>')
    lines += [
        f"<transition><from>{q}</from><to>{r}</to><read>{escape(symbol, quote=False)}</read></transition>"
        for q, symbol, r in edges_of(automaton)
    ]
    lines += ["</automaton>", "</structure>"]
    return "".join(f"{line}\n" for line in lines)
