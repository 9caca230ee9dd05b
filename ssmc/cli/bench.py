"""`ssmc bench`: what this machine and a model file reach, after both are checked."""

from __future__ import annotations

import json
from typing import Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.terminal import say


@click.command(
    "bench", cls=Command, examples=("ssmc bench", "ssmc bench model.pt --json", "ssmc bench model.pt --plot speed.png")
)
@click.argument("model", type=click.Path(), required=False)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="By default the GPU where there is one.")
@click.option("--plot", metavar="FILE", help="Draw throughput against length: .png, .svg or .pdf (extra `plot`).")
def command(model: str | None, device: str | None, plot: str | None, as_json: bool) -> int:
    """Measures this machine, or the tokens per second of MODEL.

    Alone: the bandwidth of a copy; the scan kernel against the reference loop, the copy and other libraries that are installed; and the
    engines of some grammars against a copy of their bytes. Answers are checked before anything is timed; a wrong one ends the command with
    exit code 5.
    """
    import torch

    from ssmc.bench.machine import machine, machine_line
    from ssmc.errors import UsageError

    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: this machine has no CUDA device")
    if plot is not None:
        from ssmc.draw.plots import check_plot

        check_plot(plot)
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    found = machine()
    if not as_json:
        click.echo(machine_line(found))
    if chosen == "cpu" and device is None:
        say("no CUDA device: measuring the CPU")
    data: dict[str, Any] = {"schema": "ssmc.bench/1", "machine": found}
    data |= (
        _machine(chosen, curve=plot is not None, quiet=as_json)
        if model is None
        else _model(model, chosen, curve=plot is not None)
    )
    click.echo(json.dumps(data) if as_json else "\n".join(_scan_rows(data) if model is None else _model_rows(data)))
    if plot is not None:
        _draw(data, plot, machine_line(found))
        if not as_json:
            say(f"wrote {plot}")
    return failure.OK


def _machine(device: str, *, curve: bool, quiet: bool) -> dict[str, Any]:
    from ssmc.bench import fast
    from ssmc.bench.scans import bench_scans, scan_curve, silent

    tell = silent if quiet else lambda what: say(f"measuring {what}")
    data = bench_scans(device, tell) | {"models": fast.bench_languages(device, tell)}
    if curve:
        tell("the curves")
        from ssmc.languages import read_language

        name = fast.GRAMMARS[0]
        automaton = read_language(name).automaton
        rows = fast.bench_curve(fast.runner_of(automaton, device), automaton, device)
        data |= {"scan_curve": scan_curve(device), "curve": rows, "curve_of": name}
    return data


def _model(path: str, device: str, *, curve: bool) -> dict[str, Any]:
    from ssmc.bench import fast
    from ssmc.bench.models import bench_model
    from ssmc.cli.model import load
    from ssmc.cli.stock import LoadedStock
    from ssmc.errors import UsageError

    loaded = load(path)
    if isinstance(loaded, LoadedStock):
        raise UsageError(f"{path}: a model for {loaded.target}; bench measures those of ssmc.nn")
    data = {"model": path} | bench_model(loaded.model, loaded.automaton, device)
    if curve:
        compiled = getattr(loaded.model, "compiled", None)
        if compiled is None or compiled.doubt(loaded.model) is not None:
            raise UsageError(f"{path}: --plot needs a model with a certificate for its weights")
        data |= {"curve": fast.bench_curve(compiled.runner(loaded.model), loaded.automaton, device), "curve_of": path}
    return data


def _draw(data: dict[str, Any], path: str, title: str) -> None:
    from ssmc.draw.plots import write_figure
    from ssmc.draw.throughput import draw_throughput

    curves: dict[str, list[tuple[float, float]]] = {}
    for row in data["curve"]:
        curves.setdefault(row["engine"], []).append((row["time"], row["tokens_per_second"]))
    limit = curves.pop("copy")
    panels: list[Any] = [(data["curve_of"], "symbols a second", curves, limit)]
    if "scan_curve" in data:
        rows = data["scan_curve"]
        scans = {"scan, 16 channels of float32": [(row["time"], row["elements_per_second"]) for row in rows]}
        copied = [(row["time"], row["limit"]) for row in rows]
        panels.insert(0, ("the general scan", "elements a second", scans, copied))
    write_figure(draw_throughput(panels, title), path)


def _spread(seconds: dict[str, Any]) -> str:
    alone = "" if seconds["alone"] is None else f" (alone {1e3 * seconds['alone']:.3f})"
    return f"{1e3 * seconds['median']:.3f} ms [{1e3 * seconds['low']:.3f} .. {1e3 * seconds['high']:.3f}]{alone}"


def _scan_rows(data: dict[str, Any]) -> list[str]:
    copy = data["copy"]
    lines = [
        f"copy {copy['bytes'] / 1e6:,.0f} MB: {_spread(copy['seconds'])}, {copy['bytes_per_second'] / 1e9:,.1f} GB/s"
    ]
    for row in data["scans"]:
        lines.append(
            f"scan {_shape(row)} {row['dtype']}: {_spread(row['seconds'])}, {row['elements_per_second'] / 1e6:,.1f} M elements/s, "
            f"{row['of_copy']:.1%} of the copy, {row['against_reference']:,.1f} x the reference loop"
        )
        for peer in data["peers"]:
            if peer["shape"] != row["shape"]:
                continue
            if "absent" in peer:
                lines.append(f"  {peer['peer']}: {peer['absent']}")
            else:
                steps = "" if peer["steps"] == row["shape"][1] else f" for {peer['steps']:,} steps"
                lines.append(
                    f"  {peer['peer']}: {_spread(peer['seconds'])}{steps}, error {peer['error']:.0e}; "
                    f"ours is {peer['ours_times_faster']:,.2f} x as fast"
                )
    return [*lines, *_engine_rows(data["models"])]


def _shape(row: dict[str, Any]) -> str:
    return " x ".join(f"{size:,}" for size in row["shape"])


def _engine_rows(rows: list[dict[str, Any]]) -> list[str]:
    width = 1 + max((len(row["model"]) for row in rows if "model" in row), default=-1)
    return [
        f"{row.get('model', ''):<{width}}{row['engine']:<8}{row['time']:>11,} symbols: {_spread(row['seconds'])}, "
        f"{row['tokens_per_second'] / 1e6:,.1f} M symbols/s, {row['of_byte_copy']:.2%} of the byte copy{', fastest' * row['fastest']}"
        for row in rows
    ]


def _model_rows(data: dict[str, Any]) -> list[str]:
    runs = [
        f"{row['engine']:<8}{row['batch']:>6,} x {row['time']:>9,} tokens: {_spread(row['seconds'])}, "
        f"{row['tokens_per_second'] / 1e6:,.3f} M tokens/s"
        for row in data["runs"]
    ]
    head = f"{data['model']}: {data['mode']}, {data['dtype']}, {data['device']}; answers checked"
    return [head, *runs, *_engine_rows(data["engines"])]
