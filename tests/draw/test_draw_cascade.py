"""The picture of a cascade: a node for each component, an arrow for each reading, columns by layer."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ssmc.cascade import decompose
from ssmc.cascade.explain import explain
from ssmc.cascade.strategy import Options
from ssmc.cli import main
from ssmc.draw import draw_cascade, render
from ssmc.languages import language_of, read_language

if TYPE_CHECKING:
    from pathlib import Path

    from ssmc.cascade.explain import Explanation
    from ssmc.cascade.ir import Mode

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def explained(source: str, mode: Mode, effort: int = 1) -> Explanation:
    return explain(decompose(read_language(source).automaton, mode, Options(effort=effort)))


def edges(graph: Any) -> set[tuple[str, str]]:
    return {(edge.get_source().strip('"'), edge.get_destination().strip('"')) for edge in graph.get_edge_list()}


def columns(graph: Any) -> dict[str, set[str]]:
    """The components in each layer's box."""
    return {
        box.get_name().strip('"'): {node.get_name().strip('"') for node in box.get_node_list()}
        for box in graph.get_subgraph_list()
    }


@pytest.mark.parametrize(
    ("source", "mode", "effort"),
    [
        ("dyck-2-3", "predict", 1),
        ("dyck-2-3", "recognise", 0),
        ("flip-flop", "recognise", 1),
        ("tomita-1", "predict", 1),
    ],
)
def test_every_component_and_every_reading_is_drawn(source: str, mode: Mode, effort: int) -> None:
    found = explained(source, mode, effort)
    cascade = found.cascade
    graph = draw_cascade(found, source)
    expected = {(f"c{j}", f"c{k}") for k, c in enumerate(cascade.components) for j in c.depends_on}
    expected |= {(f"c{j}", "readout") for j in cascade.readout.depends_on}
    expected |= set() if cascade.latch is None else {(f"c{cascade.latch}", "readout")}
    assert edges(graph) == expected
    by_layer = {
        f"cluster_layer{layer}": {f"c{k}" for k, other in enumerate(cascade.layers) if other == layer}
        for layer in cascade.layers
    }
    assert columns(graph) == by_layer
    assert [node.get_name() for node in graph.get_node_list() if "readout" in node.get_name()] == ['"readout"']


def test_kinds_look_different() -> None:
    text = draw_cascade(explained("dyck-2-3", "predict")).to_string()
    assert "dashed" in text
    assert "rounded,filled" in text
    assert "#fdf3df" in text
    assert "octagon" not in text
    assert "octagon" in draw_cascade(explained("flip-flop", "recognise")).to_string()


@needs_dot
def test_awkward_symbols_are_rendered() -> None:
    automaton = language_of(r'["<&\\]*"x', alphabet="bytes", syntax="python").automaton
    found = explain(decompose(automaton, "recognise"))
    assert render(draw_cascade(found, 'a "<&> \\n name'), "svg").startswith(b"<?xml")


@needs_dot
@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("dot", b"digraph")])
def test_the_command_writes_each_format(suffix: str, start: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"cascade.{suffix}"
    assert draw("cascade", "dyck-2-3", "--mode", "predict", "--window", "0", "-o", str(path)) == 0
    assert path.read_bytes().startswith(start)


def test_options_belong_to_the_cascade() -> None:
    assert draw("automaton", "dyck-2-3", "--mode", "predict") == 2
    assert draw("eggbox", "flip-flop", "--effort", "0") == 2
    assert draw("cascade", "dyck-2-3", "--mode", "predict", "--limit", "1") == 4
    assert draw("cascade", "parity") == 1


def draw(*args: str) -> Any:
    with CliRunner().isolation():
        try:
            main(["draw", *args])
        except SystemExit as ending:
            return ending.code
    return None
