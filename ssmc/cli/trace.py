"""`ssmc trace`: what a model knows at each symbol of a string, and which symbols it knows it from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.terminal import say
from ssmc.errors import LimitError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssmc.cli.model import LoadedModel
    from ssmc.trace import Trace

SHOWN = 20
"""Legal next symbols that are written out before the rest is counted."""
MAPS = 11
"""Components whose maps are drawn beside that of the output."""


@click.command(
    "trace",
    cls=Command,
    examples=(
        "ssmc trace flip-flop.pt 'w1 i r1 w0'",
        "ssmc trace dyck.pt '([])[]' --picture states.svg --map reach.png",
        "ssmc trace dyck.pt '([])[]' --json",
    ),
)
@click.argument("model", type=click.Path())
@click.argument("string")
@click.option("--symbols", is_flag=True, help="The symbols of STRING are separated by spaces.")
@click.option("--picture", type=click.Path(dir_okay=False), help="A heat map of the states: .svg, .png or .pdf.")
@click.option(
    "--map", "reach_map", type=click.Path(dir_okay=False), help="How far each symbol reaches: .svg, .png, .pdf."
)
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="Most symbols to trace.")
def command(
    model: str, string: str, symbols: bool, picture: str | None, reach_map: str | None, limit: int, as_json: bool
) -> int:
    """Follows STRING through MODEL, symbol by symbol.

    After each symbol: the state of the automaton, the value of every component and, behind an arrow, the place of the symbol that wrote it (of a
    component that adds: of the last that changed it), and what the model answers. The map is the attention that the gates amount to.
    """
    from ssmc.cli.model import load
    from ssmc.trace import follow

    for path in (picture, reach_map):
        if path is not None:
            from ssmc.draw.plots import check_plot

            check_plot(path)
    loaded = load(model)
    if isinstance(loaded.file.config, dict) and loaded.file.config.get("architecture") is None:
        raise UsageError(f"{model}: only native models can be traced")
    encoded = loaded.automaton.alphabet.encode(string, spaced=symbols)
    if len(encoded) > limit:
        raise LimitError("symbols to trace", len(encoded), limit, "--limit")
    trace = follow(loaded.model, loaded.cascade, encoded)
    if as_json:
        click.echo(json.dumps(_to_json(loaded, trace, string)))
    else:
        click.echo("\n".join(_table(loaded, trace)))
        if trace.illegal_at is not None:
            name = loaded.automaton.alphabet.name(encoded[trace.illegal_at])
            say(f"symbol {trace.illegal_at + 1}, {name}, is illegal: the trace ends before it")
    if picture is not None:
        _draw_states(loaded, trace, picture)
    if reach_map is not None:
        _draw_maps(loaded, trace, reach_map)
    return failure.OK


def _columns(loaded: LoadedModel, trace: Trace) -> list[str]:
    alphabet = loaded.automaton.alphabet
    return ["" if step.symbol is None else alphabet.name(step.symbol) for step in trace.steps]


def _state(state: int) -> str:
    return "dead" if state < 0 else str(state)


def _answer(loaded: LoadedModel, trace: Trace, place: int) -> str:
    """What the model says after a prefix."""
    step = trace.steps[place]
    words = ["word"] if step.accepting else []
    if step.legal is not None:
        names = [loaded.automaton.alphabet.name(symbol) for symbol in step.legal]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        words.append(f"next {' '.join(names[:SHOWN]) or 'nothing'}{more}")
    return ", ".join(words) or "no word"


def _table(loaded: LoadedModel, trace: Trace) -> list[str]:
    components = trace.cascade.components
    rows = [["", "", "state", *trace.names, "answer"]]
    for place, (step, name) in enumerate(zip(trace.steps, _columns(loaded, trace), strict=True)):
        cells = [
            trace.value(k, value) + (f" ←{step.writers[k][-1]}" if step.writers[k] else "")
            for k, value in enumerate(step.values)
        ]
        rows.append([str(place), name, _state(step.state), *cells, _answer(loaded, trace, place)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    legend = [
        f"  {trace.names[k]:<5}{component.name}, layer {trace.cascade.layers[k]}"
        for k, component in enumerate(components)
    ]
    return [*lines, *legend]


def _to_json(loaded: LoadedModel, trace: Trace, string: str) -> dict[str, Any]:
    from ssmc.trace import output_reach

    alphabet = loaded.automaton.alphabet
    reach = output_reach(trace)
    steps = []
    for place, step in enumerate(trace.steps):
        steps.append(
            {
                "place": place,
                "symbol": None if step.symbol is None else alphabet.name(step.symbol),
                "state": None if step.state < 0 else step.state,
                "accepted": step.accepting,
                "next": None if step.legal is None else [alphabet.name(symbol) for symbol in step.legal],
                "values": list(step.values),
                "names": [trace.value(k, value) for k, value in enumerate(step.values)],
                "written_by": [list(writers) for writers in step.writers],
                "reach": {str(s): round(float(reach[place, s]), 6) for s in reach[place].nonzero()[0]},
            }
        )
    return {
        "schema": "ssmc.trace/1",
        "input": string,
        "mode": trace.cascade.mode,
        "components": [
            {"symbol": name, "name": component.name, "kind": component.kind, "layer": layer}
            for name, component, layer in zip(trace.names, trace.cascade.components, trace.cascade.layers, strict=True)
        ],
        "steps": steps,
        "illegal_at": trace.illegal_at,
    }


def _draw_states(loaded: LoadedModel, trace: Trace, path: str) -> None:
    from ssmc.draw.heat import Row, draw_grid
    from ssmc.draw.plots import write_figure

    steps = trace.steps
    rows = [Row("state", [s.state for s in steps], [_state(s.state) for s in steps], [False] * len(steps))]
    for k, name in enumerate(trace.names):
        values = [step.values[k] for step in steps]
        written = [place in step.writers[k] for place, step in enumerate(steps)]
        title = f"{name} (layer {trace.cascade.layers[k]})"
        rows.append(Row(title, values, [trace.value(k, v) for v in values], written))
    words = ["yes" if step.accepting else "" for step in steps]
    rows.append(Row("word", [1 if word else None for word in words], words, [False] * len(steps)))
    columns = ["start", *(f"{name}\n{place}" for place, name in enumerate(_columns(loaded, trace)[1:], 1))]
    note = "framed: the symbol wrote the component"
    write_figure(draw_grid(rows, columns, str(loaded.file.source["name"]), note), path)


def _draw_maps(loaded: LoadedModel, trace: Trace, path: str) -> None:
    from ssmc.draw.heat import draw_maps
    from ssmc.draw.plots import write_figure
    from ssmc.trace import output_reach, reach_of

    maps: dict[str, NDArray[np.float64]] = {
        f"{name} (layer {trace.cascade.layers[k]})": matrix[1:, 1:]
        for k, (name, matrix) in enumerate(zip(trace.names, reach_of(trace), strict=True))
        if k < MAPS
    }
    maps["output"] = output_reach(trace)[1:, 1:]
    title = f"{loaded.file.source['name']}: which symbols a value, and the output, come from"
    write_figure(draw_maps(maps, _columns(loaded, trace)[1:], title), path)
