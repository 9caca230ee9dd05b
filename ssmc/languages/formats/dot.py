"""Graphviz DOT of automata as everybody draws them: a point or invisible node aims at the initial state, final states are double circles.

A node with `shape=point`, `none`, `plaintext` or `style=invis` is not a state; its edges aim at the initial states. An edge label is a
symbol, or several between commas; `ε`, `eps`, `epsilon` and `λ` read nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ssmc.errors import InputError, Position
from ssmc.languages.formats.edges import Draft, alphabet_note, edges_of, noted_alphabet

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.languages.limits import Budget

_EMPTY = ("ε", "eps", "epsilon", "λ", "")
_MARKERS = ("point", "none", "plaintext")


def read_dot(text: str, budget: Budget, file: str | None = None) -> Automaton:
    """The automaton of a DOT drawing.

    Raises:
        InputError: the text is not DOT, or shows no initial state.
        LimitError: the budget is exceeded.
    """
    import pydot

    draft = Draft(file, noted_alphabet(text))
    try:
        graphs = pydot.graph_from_dot_data(text)
    except Exception as error:  # pyparsing's errors differ between versions
        raise InputError(f"not DOT: {str(error).splitlines()[0]}", Position(1, 1, file=file)) from None
    if not graphs:
        raise draft.error("not DOT")
    graph = graphs[0]
    defaults: dict[str, str] = {}
    markers: set[str] = set()
    for node in graph.get_nodes():
        name, attributes = _plain(node.get_name()), node.get_attributes()
        if name in ("node", "edge", "graph"):
            if name == "node":
                defaults |= {key: _plain(value) for key, value in attributes.items()}
            continue
        look = defaults | {key: _plain(value) for key, value in attributes.items()}
        if look.get("shape") in _MARKERS or "invis" in look.get("style", ""):
            markers.add(name)
        elif look.get("shape") == "doublecircle" or look.get("peripheries") == "2":
            draft.final.append(name)
    for edge in graph.get_edges():
        source, target = _plain(edge.get_source()), _plain(edge.get_destination())
        if source in markers:
            draft.initial.append(target)
            continue
        for symbol in _symbols(_plain(edge.get_attributes().get("label", "")), draft.names):
            draft.edges.append((source, symbol, target))
    return draft.automaton(budget)


def _plain(value: Any) -> str:
    """A DOT identifier without its quotes."""
    text = str(value)
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text


def _symbols(label: str, names: tuple[str, ...] | None) -> list[str | None]:
    """The symbols of an edge label."""
    if names is not None and label in names:
        return [label]
    return [None if part in _EMPTY else part for part in (part.strip() for part in label.split(","))]


def write_dot(automaton: Automaton) -> str:
    """The automaton as DOT text, one edge for each symbol."""
    lines = [f"// {alphabet_note(automaton)}", "digraph automaton {", "  rankdir=LR;", "  start [shape=point];"]
    final = automaton.accepting
    lines += [f"  q{q} [shape={'double' * (q in final)}circle];" for q in range(max(automaton.states, 1))]
    lines.append("  start -> q0;")
    lines += [f"  q{q} -> q{r} [label={_quoted(symbol)}];" for q, symbol, r in edges_of(automaton)]
    return "".join(f"{line}\n" for line in [*lines, "}"])


def _quoted(symbol: str) -> str:
    return json.dumps(symbol, ensure_ascii=False)
