"""The egg-box picture of a monoid and its right Cayley graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.words import example_symbols
from ssmc.draw.canvas import ACCENT, INK, PALE, PALETTE, SHADE, add_edge, add_node, add_table, new_graph
from ssmc.draw.labels import edge_label, escape_html, word_label

if TYPE_CHECKING:
    import pydot

    from ssmc.algebra.green import DClass, GreenClasses
    from ssmc.algebra.monoid import TransitionMonoid
    from ssmc.automaton import Automaton

MOST_CELLS = 400
"""Cells of an egg-box to draw; a larger one is described."""
MOST_WORDS = 3
"""Elements of a cell to write out; a larger cell shows its first element and how many more there are."""


def draw_eggbox(automaton: Automaton, green: GreenClasses, name: str = "") -> pydot.Dot:
    """One table a D-class: rows are R-classes, columns L-classes, cells H-classes.

    An element is written as its shortest word, 1 being the identity; idempotents are starred; cells that are groups are shaded and named. Lines go from a D-class to
    those directly below it.
    """
    size = green.monoid.size
    title = f"{size} elements, {green.d_count} D-classes"
    graph = new_graph(f"{name}: {title}" if name else title, rankdir="TB", nodesep=0.35, ranksep=0.4)
    symbols = example_symbols(automaton.alphabet)
    for number, d in enumerate(green.d_classes):
        add_table(graph, f"d{number}", _table(automaton, green, d, symbols))
    for number, below in enumerate(green.order):
        for lower in below:
            add_edge(graph, f"d{number}", f"d{lower}", color=PALE, arrowhead="none")
    return graph


def _table(automaton: Automaton, green: GreenClasses, d: DClass, symbols: tuple[int, ...]) -> str:
    idempotents = set(d.idempotents)
    group = "" if d.group is None or d.group.order == 1 else escape_html(d.group.name)
    if len(d.rows) * len(d.columns) > MOST_CELLS:
        first = escape_html(word_label(automaton.alphabet, green.monoid.word(d.elements[0]), symbols))
        kind = f"{len(d.idempotents)} idempotents, group {group or '1'}" if d.regular else "not regular"
        text = f"{len(d.rows)} rows × {len(d.columns)} columns × {d.cell_size}<br/>{kind}<br/>{first} …"
        return f'<<table border="1" cellborder="0" cellspacing="0" cellpadding="6" color="{INK}"><tr><td>{text}</td></tr></table>>'
    cells: dict[tuple[int, int], list[int]] = {}
    for element in d.elements:
        cells.setdefault(green.cell(element), []).append(element)
    lines = []
    for row in d.rows:
        line = []
        for column in d.columns:
            members = cells[row, column]
            shown = [
                escape_html(word_label(automaton.alphabet, green.monoid.word(i), symbols))
                + ("*" if i in idempotents else "")
                for i in sorted(members, key=lambda i: (i not in idempotents, i))
            ]
            if len(shown) > MOST_WORDS:
                shown = [shown[0], f"+ {len(shown) - 1} more"]
            is_group = any(i in idempotents for i in members)
            if is_group and group:
                shown.append(f'<font color="{ACCENT}">{group}</font>')
            colour = f' bgcolor="{SHADE}"' if is_group else ""
            line.append(f"<td{colour}>{'<br/>'.join(shown)}</td>")
        lines.append(f"<tr>{''.join(line)}</tr>")
    return f'<<table border="0" cellborder="1" cellspacing="0" cellpadding="4" color="{INK}">{"".join(lines)}</table>>'


def draw_cayley(automaton: Automaton, monoid: TransitionMonoid, name: str = "") -> pydot.Dot:
    """The right Cayley graph: an edge of symbol x goes from m to m·x; idempotents are starred, each symbol has a colour."""
    title = f"right Cayley graph, {monoid.size} elements"
    graph = new_graph(f"{name}: {title}" if name else title, rankdir="TB", nodesep=0.25, ranksep=0.45)
    symbols = example_symbols(automaton.alphabet)
    idempotents = set(monoid.idempotents)
    for i in range(monoid.size):
        label = word_label(automaton.alphabet, monoid.word(i), symbols) + ("*" if i in idempotents else "")
        look = {"shape": "box", "style": "rounded,filled", "margin": "0.07,0.03", "height": "0.28", "width": "0.3"}
        add_node(graph, f"m{i}", label, fillcolor=SHADE if i in idempotents else "white", **look)
    k = monoid.letters
    for i in range(monoid.size):
        heads: dict[int, list[int]] = {}
        for c, head in enumerate(monoid.right[i * k : (i + 1) * k]):
            heads.setdefault(head, []).append(c)
        for head, classes in heads.items():
            colour = PALETTE[classes[0] % len(PALETTE)] if len(classes) == 1 else INK
            label = edge_label(automaton.alphabet, classes)
            add_edge(graph, f"m{i}", f"m{head}", label, color=colour, fontcolor=colour)
    return graph
