"""`ssmc bench`: what this machine and a model file reach, after both are checked."""

from __future__ import annotations

import json
from typing import Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.terminal import say


@click.command("bench", cls=Command, examples=("ssmc bench", "ssmc bench model.pt --json"))
@click.argument("model", type=click.Path(), required=False)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="By default the GPU where there is one.")
def command(model: str | None, device: str | None, as_json: bool) -> int:
    """Measures the scan kernel of this machine, or the tokens per second of MODEL.

    The scan is compared with the reference loop and with the bandwidth of a copy. Answers are checked before anything is timed; a
    wrong one ends the command with exit code 5.
    """
    import torch

    from ssmc.bench.machine import machine, machine_line
    from ssmc.bench.models import bench_model
    from ssmc.bench.scans import bench_scans
    from ssmc.errors import UsageError

    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: this machine has no CUDA device")
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    found = machine()
    if not as_json:
        click.echo(machine_line(found))
    if chosen == "cpu" and device is None:
        say("no CUDA device: measuring the CPU")
    data: dict[str, Any] = {"schema": "ssmc.bench/1", "machine": found}
    if model is None:
        data |= bench_scans(chosen)
    else:
        from ssmc.cli.model import load
        from ssmc.cli.stock import LoadedStock

        loaded = load(model)
        if isinstance(loaded, LoadedStock):
            raise UsageError(f"{model}: a model for {loaded.target}; bench measures those of ssmc.nn")
        data |= {"model": model} | bench_model(loaded.model, loaded.automaton, chosen)
    click.echo(json.dumps(data) if as_json else "\n".join(_scan_rows(data) if model is None else _model_rows(data)))
    return failure.OK


def _spread(seconds: dict[str, Any]) -> str:
    return f"{1e3 * seconds['median']:.3f} ms [{1e3 * seconds['low']:.3f} .. {1e3 * seconds['high']:.3f}]"


def _scan_rows(data: dict[str, Any]) -> list[str]:
    copy = data["copy"]
    lines = [
        f"copy {copy['bytes'] / 1e6:,.0f} MB: {_spread(copy['seconds'])}, {copy['bytes_per_second'] / 1e9:,.1f} GB/s"
    ]
    for row in data["scans"]:
        shape = " x ".join(f"{size:,}" for size in row["shape"])
        lines.append(
            f"scan {shape} {row['dtype']}: {_spread(row['seconds'])}, {row['elements_per_second'] / 1e6:,.1f} M elements/s, "
            f"{row['of_copy']:.1%} of the copy, {row['against_reference']:,.1f} x the reference loop"
        )
    return lines


def _model_rows(data: dict[str, Any]) -> list[str]:
    runs = [
        f"{row['engine']:<8}{row['batch']:>6,} x {row['time']:>9,} tokens: {_spread(row['seconds'])}, "
        f"{row['tokens_per_second'] / 1e6:,.3f} M tokens/s"
        for row in data["runs"]
    ]
    return [f"{data['model']}: {data['mode']}, {data['dtype']}, {data['device']}; answers checked", *runs]
