"""Graphviz DOT of automata as everybody draws them: a point or invisible node aims at the initial state, final states are double circles.

A node with `shape=point`, `none`, `plaintext` or `style=invis` is not a state; its edges aim at the initial states. An edge label is a
symbol, or several between commas; `ε`, `eps`, `epsilon` and `λ` read nothing.
"""

from __future__ import annotations

import json
import warnings
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydot calls deprecated names of pyparsing
            graphs = pydot.graph_from_dot_data(text)
    except Exception as error:  # pyparsing's errors differ between versions
        raise InputError(f"not DOT: {str(error).splitlines()[0]}", Position(1, 1, file=file)) from None
    if not graphs:
        raise draft.error("not DOT")
    if graphs[0].get_subgraphs():
        raise draft.error("subgraphs are not read")
    looks = _looks(graphs[0])
    markers = {
        name for name, look in looks.items() if look.get("shape") in _MARKERS or "invis" in look.get("style", "")
    }
    for name, look in looks.items():
        if name not in markers and (look.get("shape") == "doublecircle" or look.get("peripheries") == "2"):
            draft.final.append(name)
    for edge in graphs[0].get_edges():
        source, target = _plain(edge.get_source()), _plain(edge.get_destination())
        if source in markers:
            draft.initial.append(target)
            continue
        for symbol in _symbols(_plain(edge.get_attributes().get("label", "")), draft.names):
            draft.edges.append((source, symbol, target))
    return draft.automaton(budget)


def _looks(graph: Any) -> dict[str, dict[str, str]]:
    """The attributes of every node: `node [...]` holds for the nodes that are first named after it."""
    looks: dict[str, dict[str, str]] = {}
    defaults: dict[str, str] = {}
    for item in sorted([*graph.get_nodes(), *graph.get_edges()], key=lambda item: item.get_sequence() or 0):
        ends = (item.get_source(), item.get_destination()) if hasattr(item, "get_source") else (item.get_name(),)
        own = {} if len(ends) == 2 else {key: _plain(value) for key, value in item.get_attributes().items()}
        for name in map(_plain, ends):
            if name == "node" and len(ends) == 1:
                defaults |= own
            elif name not in ("edge", "graph"):
                looks[name] = looks.get(name, dict(defaults)) | own
    return looks


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
