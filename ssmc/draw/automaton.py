"""The picture of a minimal automaton, with a word's run in colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.draw.canvas import ACCENT, BAD, GOOD, INK, PALE, SHADE, add_edge, add_node, new_graph
from ssmc.draw.labels import edge_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pydot

    from ssmc.automaton import Automaton

WIDE = 24
"""States up to which the picture runs from left to right."""


def draw_automaton(automaton: Automaton, name: str = "", word: Sequence[int] | None = None) -> pydot.Dot:
    """The trimmed minimal automaton; undefined transitions are not drawn.

    Args:
        automaton: the language.
        name: its name, for the title.
        word: symbols whose run is coloured: steps are numbered, the last state is green if the word is accepted and red if not.
    """
    states = f"{automaton.states} live states" if automaton.states != 1 else "1 live state"
    graph = new_graph(
        f"{name}: {states}" if name else states,
        rankdir="LR" if automaton.states <= WIDE else "TB",
        nodesep=0.35,
        ranksep=0.45,
    )
    visits, steps, last = _run(automaton, word or ())
    add_node(graph, "start", "", shape="point", width="0.08")
    for q in range(automaton.states):
        shape = "doublecircle" if q in automaton.accepting else "circle"
        look = {"shape": shape, "width": "0.42", "height": "0.42", "margin": "0.03"}
        if word is not None and q in visits:
            look |= {"style": "filled", "fillcolor": SHADE, "penwidth": "1.6"}
        if word is not None and q == last:
            look |= {"style": "filled", "fillcolor": GOOD if q in automaton.accepting else BAD, "fontcolor": "white"}
        add_node(graph, f"q{q}", str(q), **look)
    if automaton.states:
        add_edge(graph, "start", "q0")
    for q, row in enumerate(automaton.delta):
        heads: dict[int, list[int]] = {}
        for c, r in enumerate(row):
            if r != DEAD:
                heads.setdefault(r, []).append(c)
        for r, classes in heads.items():
            label = edge_label(automaton.alphabet, classes)
            times = steps.get((q, r), [])
            look = {"color": INK} if word is None else {"color": PALE, "fontcolor": PALE}
            if times:
                label += "\n(" + _numbers(times) + ")"
                look = {"color": ACCENT, "fontcolor": ACCENT, "penwidth": "2"}
            add_edge(graph, f"q{q}", f"q{r}", label, **look)
    if word is not None and last == DEAD and visits:
        place = len(visits)
        text = f"no transition on {automaton.alphabet.name(word[place - 1])}\n(symbol {place})"
        add_node(graph, "dead", text, shape="plaintext", fontcolor=BAD)
        add_edge(graph, f"q{visits[-1]}", "dead", "", color=BAD, style="dashed")
    return graph


def _run(automaton: Automaton, word: Sequence[int]) -> tuple[list[int], dict[tuple[int, int], list[int]], int]:
    """The live states visited, the times of each pair of neighbours, and the last state."""
    state = 0 if automaton.states else DEAD
    visits = [state] if automaton.states else []
    steps: dict[tuple[int, int], list[int]] = {}
    for time, symbol in enumerate(word, 1):
        if state == DEAD:
            break
        after = automaton.delta[state][automaton.alphabet.class_of(symbol)]
        if after != DEAD:
            steps.setdefault((state, after), []).append(time)
            visits.append(after)
        state = after
    return visits, steps, state


def _numbers(times: Sequence[int]) -> str:
    shown = [str(t) for t in times[:6]]
    return " ".join(shown) + (" …" if len(times) > 6 else "")
