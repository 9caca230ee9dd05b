from __future__ import annotations

import shutil
import sys
import xml.etree.ElementTree as ET
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from ssmc.algebra.green import green_classes
from ssmc.algebra.monoid import enumerate_monoid
from ssmc.algebra.random_automata import random_automaton, random_ordered
from ssmc.algebra.skeleton_graph import skeleton_graph
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.draw import draw_automaton, draw_cayley, draw_eggbox, draw_skeleton, render, write_picture
from ssmc.draw.labels import edge_label, set_label, word_label
from ssmc.errors import LimitError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def automaton_of(names: Any, rows: list[list[int]], accepting: list[int]) -> Automaton:
    return Automaton.from_table(Alphabet.tokens(names), rows, 0, accepting)


TOMITA_3 = automaton_of("ab", [[1, 0], [0, 2], [3, 4], [3, 3], [2, 2]], [0, 1, 2])
PARITY = automaton_of("ab", [[1, 0], [0, 1]], [0])
NASTY = automaton_of(
    ['"', "<", "&", "\\", "]", "é\n", "|{}"],
    [[1, 2, 0, 1, 2, 0, 1], [2, 0, DEAD, 0, 0, 1, 2], [0, 1, 2, DEAD, 1, 1, 0]],
    [0],
)


def nodes(graph: Any) -> dict[str, str]:
    found = {node.get_name().strip('"'): node.get_label() or "" for node in graph.get_node_list()}
    for cluster in graph.get_subgraph_list():
        found |= nodes(cluster)
    return {name: label for name, label in found.items() if name not in ("graph", "node", "edge")}


def edges(graph: Any) -> list[tuple[str, str]]:
    return [(edge.get_source().strip('"'), edge.get_destination().strip('"')) for edge in graph.get_edge_list()]


def texts(svg: bytes) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_an_automaton_has_every_state_and_every_pair_of_neighbours() -> None:
    graph = draw_automaton(TOMITA_3, "tomita-3")
    assert set(nodes(graph)) == {"start", *(f"q{q}" for q in range(TOMITA_3.states))}
    pairs = {(f"q{q}", f"q{r}") for q, row in enumerate(TOMITA_3.delta) for r in row if r != DEAD}
    assert set(edges(graph)) == pairs | {("start", "q0")}
    shapes = {n.get_name().strip('"'): n.get_shape() for n in graph.get_node_list()}
    assert shapes["q0"] == '"doublecircle"'
    assert sum(shape == '"doublecircle"' for shape in shapes.values()) == len(TOMITA_3.accepting)


def test_a_run_is_numbered_and_its_end_coloured() -> None:
    graph = draw_automaton(PARITY, word=PARITY.alphabet.encode("abab"))
    fills = {n.get_name().strip('"'): n.get_fillcolor() for n in graph.get_node_list()}
    assert fills["q0"] == '"#2f855a"'
    text = graph.to_string()
    assert "&#40;1&#41;" in text
    assert "&#40;2 4&#41;" not in text
    assert "&#40;2&#41;" in text
    refused = draw_automaton(PARITY, word=PARITY.alphabet.encode("ab"))
    fills = {n.get_name().strip('"'): n.get_fillcolor() for n in refused.get_node_list()}
    assert fills["q1"] == '"#c53030"'


def test_a_run_that_stops_says_where() -> None:
    only = automaton_of("ab", [[1, DEAD], [DEAD, DEAD]], [1])
    graph = draw_automaton(only, word=[0, 1, 0])
    assert nodes(graph)["dead"] == '"no transition on b\\n(symbol 2)"'
    assert ("q1", "dead") in edges(graph)


def test_the_empty_language_draws() -> None:
    empty = automaton_of("ab", [[0, 0]], [])
    assert set(nodes(draw_automaton(empty, word=[0]))) == {"start"}
    assert nodes(draw_skeleton(empty, skeleton_graph(empty))) == {}


def test_a_skeleton_boxes_components_with_groups() -> None:
    graph = draw_skeleton(TOMITA_3, skeleton_graph(TOMITA_3), "tomita-3")
    skeleton = skeleton_graph(TOMITA_3)
    assert set(nodes(graph).values()) == {f'"{set_label(members)}"' for members in skeleton.sets}
    labels = [cluster.get_label() for cluster in graph.get_subgraph_list()]
    assert '"group C2"' in labels


def test_the_sets_and_groups_of_a_skeleton() -> None:
    skeleton = skeleton_graph(PARITY)
    assert skeleton.sets == (frozenset({0, 1}),)
    assert skeleton.groups[0] is not None
    assert skeleton.groups[0].name == "C2"
    full = automaton_of("abc", [[1, 1, 0], [2, 0, 0], [0, 2, 2]], [0])
    names = {
        len(full_set): skeleton_graph(full).groups[c]
        for full_set, c in zip(skeleton_graph(full).sets, skeleton_graph(full).component, strict=True)
    }
    assert {size: group.name for size, group in names.items() if group} == {3: "S3", 2: "C2", 1: "1"}
    with pytest.raises(LimitError, match="image sets"):
        skeleton_graph(full, limit=3)


def test_an_eggbox_has_a_table_for_every_d_class_with_stars_and_groups() -> None:
    green = green_classes(enumerate_monoid(TOMITA_3))
    graph = draw_eggbox(TOMITA_3, green)
    tables = nodes(graph)
    assert len(tables) == green.d_count
    assert sum(label.count("*<") for label in tables.values()) == len(green.monoid.idempotents)
    assert sum(label.count("<td") for label in tables.values()) == green.h_count
    assert any("C2" in label for label in tables.values())
    assert set(edges(graph)) == {(f"d{d}", f"d{e}") for d, below in enumerate(green.order) for e in below}


def test_a_cayley_graph_has_every_element_and_arrow() -> None:
    monoid = enumerate_monoid(PARITY)
    graph = draw_cayley(PARITY, monoid)
    assert set(nodes(graph)) == {"m0", "m1"}
    assert sorted(edges(graph)) == [("m0", "m0"), ("m0", "m1"), ("m1", "m0"), ("m1", "m1")]


@needs_dot
@pytest.mark.parametrize("states", [5, 20, 60])
def test_pictures_of_several_sizes_show_every_state(states: int) -> None:
    rng = Random(states)
    automaton = random_ordered(rng, states, 3)
    shown = texts(render(draw_automaton(automaton, "x"), "svg"))
    assert {str(q) for q in range(automaton.states)} <= set(shown)
    wild = random_automaton(rng, states, 2)
    assert {str(q) for q in range(wild.states)} <= set(texts(render(draw_automaton(wild), "svg")))


@needs_dot
@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_symbols_with_a_meaning_in_dot_or_html_are_drawn(form: str) -> None:
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    monoid = enumerate_monoid(NASTY)
    for graph in (
        draw_automaton(NASTY, 'name "<&>" \\'),
        draw_skeleton(NASTY, skeleton_graph(NASTY)),
        draw_eggbox(NASTY, green_classes(monoid)),
        draw_cayley(NASTY, monoid),
    ):
        assert render(graph, form).startswith(starts[form])


@needs_dot
def test_labels_arrive_unchanged() -> None:
    shown = "".join(texts(render(draw_automaton(NASTY), "svg")))
    for name in ('"', "<", "&", "\\", "]", "|{}"):
        assert name in shown


def test_dot_needs_no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert render(draw_automaton(PARITY), "dot").startswith(b"digraph ssmc {")
    monkeypatch.setattr(sys.modules["ssmc.draw.render"], "import_module", _missing)
    with pytest.raises(UsageError, match="needs Graphviz"):
        render(draw_automaton(PARITY), "svg")
    with pytest.raises(UsageError, match="formats are dot, svg, png, pdf"):
        render(draw_automaton(PARITY), "gif")


def _missing(name: str) -> Any:
    raise ImportError(name)


def test_the_wheel_draws_when_the_program_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygraphviz")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert b"<svg" in render(draw_automaton(PARITY), "svg")
    assert render(draw_automaton(PARITY), "png").startswith(b"\x89PNG")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.dot"
    write_picture(draw_automaton(PARITY), target)
    assert target.read_text().startswith("digraph")
    assert target.stat().st_mode & 0o777 == 0o644
    with pytest.raises(UsageError):
        write_picture(draw_automaton(PARITY), tmp_path / "a.gif")
    with pytest.raises(FileNotFoundError):
        write_picture(draw_automaton(PARITY), tmp_path / "missing" / "a.dot")
    assert [path.name for path in tmp_path.iterdir()] == ["a.dot"]


def test_labels() -> None:
    assert set_label({0, 1, 2, 3, 7, 9, 10}) == "{0-3 7 9 10}"
    letters = Alphabet.of_classes("bytes", (), [1 if 97 <= b < 123 else 2 if b == 32 else 0 for b in range(256)])
    assert edge_label(letters, [2]) == "a-z"
    assert edge_label(letters, [1]) == "␣"
    assert edge_label(letters, [0, 1, 2]) == "any"
    tokens = Alphabet.tokens([f"w{i}" for i in range(30)])
    assert edge_label(tokens, range(29)).endswith("… 17 more")
    assert edge_label(tokens, range(30)) == "any"
    ab = Alphabet.tokens("ab")
    assert word_label(ab, [], [0, 1]) == "1"
    assert word_label(ab, [0, 0, 0, 1, 1, 0], [0, 1]) == "a³bba"
    assert word_label(tokens, [0, 0, 0, 5, 5], list(range(30))) == "w0³ w5 w5"
    assert word_label(ab, [0, 1] * 20, [0, 1]) == "ababab…babab"
