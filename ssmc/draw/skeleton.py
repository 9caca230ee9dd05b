"""The picture of a skeleton: image sets, boxed by strongly connected component with its holonomy group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.skeleton_graph import EMPTY, SkeletonGraph
from ssmc.draw.canvas import BAD, INK, PALE, SHADE, add_edge, add_node, new_graph
from ssmc.draw.labels import edge_label, quote, set_label

if TYPE_CHECKING:
    import pydot

    from ssmc.automaton import Automaton


def draw_skeleton(automaton: Automaton, skeleton: SkeletonGraph, name: str = "") -> pydot.Dot:
    """Image sets and letters; edges inside a component are dark, a component whose group is not trivial is red."""
    import pydot

    count = f"{len(skeleton.sets)} image sets"
    graph = new_graph(f"{name}: skeleton, {count}" if name else count, rankdir="TB", nodesep=0.3, ranksep=0.5)
    members: dict[int, list[int]] = {}
    for s, part in enumerate(skeleton.component):
        members.setdefault(part, []).append(s)
    for part, sets in members.items():
        group = skeleton.groups[part]
        trivial = group is not None and group.order == 1
        home: pydot.Dot | pydot.Cluster = graph
        if len(sets) > 1 or not trivial:
            title = "" if trivial else f"group {'too large to name' if group is None else group.name}"
            colour = PALE if trivial else BAD
            home = pydot.Cluster(
                f"c{part}",
                labelloc="t",
                label=quote(title),
                style='"rounded"',
                color=quote(colour),
                fontcolor=quote(colour),
                fontsize="11",
            )
            graph.add_subgraph(home)
        for s in sets:
            look = {
                "shape": "box",
                "style": "rounded,filled",
                "fillcolor": SHADE,
                "margin": "0.08,0.04",
                "height": "0.3",
            }
            add_node(home, f"s{s}", set_label(skeleton.sets[s]), **look)
    for s, row in enumerate(skeleton.edges):
        heads: dict[int, list[int]] = {}
        for c, r in enumerate(row):
            if r != EMPTY:
                heads.setdefault(r, []).append(c)
        for r, classes in heads.items():
            inside = skeleton.component[s] == skeleton.component[r]
            colour = INK if inside else PALE
            label = edge_label(automaton.alphabet, classes)
            add_edge(graph, f"s{s}", f"s{r}", label, color=colour, fontcolor=colour)
    return graph
