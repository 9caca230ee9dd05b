"""A directed graph with the look that all pictures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssmc.draw.labels import escape_html, quote

if TYPE_CHECKING:
    import pydot

FONT = "Helvetica"
INK, PALE, SHADE = "#1f2933", "#7b8794", "#e8eef4"
GOOD, BAD, ACCENT = "#2f855a", "#c53030", "#b7791f"
PALETTE = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22")


def new_graph(title: str, **settings: Any) -> pydot.Dot:
    """An empty graph.

    Args:
        title: what is written below the picture.
        **settings: attributes of the graph, such as `rankdir`.
    """
    import pydot

    graph = pydot.Dot(
        "ssmc", graph_type="digraph", label=quote(title), labelloc="b", fontname=quote(FONT), fontsize="12"
    )
    graph.set_graph_defaults(outputorder="edgesfirst", **{key: quote(str(value)) for key, value in settings.items()})
    graph.set_node_defaults(fontname=quote(FONT), fontsize="12", color=quote(INK), fontcolor=quote(INK))
    graph.set_edge_defaults(
        fontname=quote(FONT), fontsize="11", color=quote(INK), fontcolor=quote(INK), arrowsize="0.7"
    )
    return graph


def add_node(graph: Any, name: str, label: str, **attributes: str) -> None:
    """Adds a node whose label is text."""
    _add(graph, name, quote(label), attributes)


def add_table(graph: Any, name: str, label: str) -> None:
    """Adds a node that is a table, written as an HTML-like label in angle brackets."""
    _add(graph, name, label, {"shape": "plaintext", "margin": "0"})


def _add(graph: Any, name: str, label: str, attributes: dict[str, str]) -> None:
    import pydot

    graph.add_node(pydot.Node(quote(name), label=label, **{k: quote(v) for k, v in attributes.items()}))


def add_edge(graph: Any, tail: str, head: str, label: str = "", **attributes: str) -> None:
    """Adds an edge; the label has a white ground, so that lines that cross it stay behind it, and blanks keep it off its own line."""
    import pydot

    text = {}
    if label:
        lines = "<br/>".join(f"&#160;{escape_html(line)}&#160;" for line in label.split("\n"))
        cell = f'<td bgcolor="white">{lines}</td>'
        text["label"] = f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="0"><tr>{cell}</tr></table>>'
    graph.add_edge(pydot.Edge(quote(tail), quote(head), **text, **{k: quote(v) for k, v in attributes.items()}))
