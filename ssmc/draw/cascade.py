"""The picture of a cascade: its components by layer, with what each reads."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING

from ssmc.cascade.explain import READOUT
from ssmc.cascade.narrate import kind_of, summary
from ssmc.draw.canvas import ACCENT, BAD, INK, PALE, PALETTE, SHADE, add_edge, add_node, new_graph
from ssmc.draw.labels import quote

if TYPE_CHECKING:
    import pydot

    from ssmc.cascade.explain import Explanation, Part

WIDTH = 44
"""Characters of a line of a label."""

_LOOKS = {
    "window": {"shape": "box", "style": "dashed", "color": PALE},
    "counter": {"shape": "box", "style": "filled", "fillcolor": "#fdf3df", "color": ACCENT},
    "reset": {"shape": "box", "style": "rounded,filled", "fillcolor": SHADE, "color": INK},
    "swap": {"shape": "hexagon", "style": "solid", "color": PALETTE[3]},
    "rotation": {"shape": "ellipse", "style": "solid", "color": PALETTE[3]},
    "permutation": {"shape": "box", "style": "solid", "color": PALETTE[3]},
    "latch": {"shape": "octagon", "style": "solid", "color": BAD},
}


def draw_cascade(explanation: Explanation, name: str = "") -> pydot.Dot:
    """The components in columns by layer; an arrow goes from a component to whatever reads it.

    Windows are dashed, counters and tallies amber, resets rounded, swaps hexagons, rotations ellipses, permutations boxes, the latch a red octagon; the readout is a double box. That every component reads the symbol as
    well is not drawn.
    """
    import pydot

    cascade = explanation.cascade
    layers = f"{cascade.depth} scan layer{'s' * (cascade.depth != 1)}"
    graph = new_graph(
        f"{name}: {layers}, {cascade.mode} mode" if name else f"{layers}, {cascade.mode} mode",
        rankdir="LR",
        nodesep=0.25,
        ranksep=0.7,
        newrank="true",
    )
    for layer in sorted(set(cascade.layers)):
        column = pydot.Cluster(
            f"layer{layer}",
            label=quote(f"layer {layer}" if layer else "layer 0: convolution"),
            labelloc="t",
            style='"rounded"',
            color=quote(PALE),
            fontcolor=quote(PALE),
            fontsize="11",
        )
        graph.add_subgraph(column)
        members = [k for k, other in enumerate(cascade.layers) if other == layer]
        for k in members:
            add_node(column, f"c{k}", _label(explanation, explanation.parts[k]), **_look(explanation.parts[k]))
        rank = pydot.Subgraph(f"rank{layer}", rank='"same"')
        for k in members:
            rank.add_node(pydot.Node(quote(f"c{k}")))
        column.add_subgraph(rank)
    add_node(graph, "readout", "readout", shape="box", peripheries="2", fontsize="12", margin="0.12,0.06")
    for k, part in enumerate(explanation.parts):
        for reader in part.readers:
            inside = reader != READOUT and cascade.layers[reader] == part.layer
            more = {"constraint": "false"} if inside else {}
            head = "readout" if reader == READOUT else f"c{reader}"
            add_edge(graph, f"c{k}", head, "", color=PALE if reader == READOUT else INK, **more)
        if part.component.latch:
            add_edge(graph, f"c{k}", "readout", "", color=BAD, style="dashed")
    return graph


def _label(explanation: Explanation, part: Part) -> str:
    lines = [f"{part.symbol}: {kind_of(part)}", *summary(explanation, part)]
    return "\n".join(line if len(line) <= WIDTH else shorten(line, WIDTH, placeholder=" …") for line in lines)


def _look(part: Part) -> dict[str, str]:
    kind = "latch" if part.component.latch else part.component.kind
    return {**_LOOKS[kind], "fontsize": "11", "margin": "0.12,0.06"}
