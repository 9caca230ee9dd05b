"""`ssmc eval`: the scores of a model, a folder of the transformers library or a Python function, bin by bin of length."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.bins import bins_of, ignore_option, length_option
from ssmc.cli.command import Command
from ssmc.cli.inputs import Reading, Source, reading_options
from ssmc.cli.modes import MODES
from ssmc.errors import InputError, UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Mode
    from ssmc.evaluate import Subject
    from ssmc.sample.draw import Bin

BACKENDS = ("forward", "step", "auto", "bits", "maps", "walk")
"""Those of `ssmc.evaluate`, which is not imported for the sake of help; a test compares them."""
METHODS = ("lengths", "words", "walk", "dyck", "ffl")
"""Those of `ssmc.sample`."""


@click.command(
    "eval",
    cls=Command,
    examples=(
        "ssmc eval d-12.pt",
        "ssmc eval d-12.pt --length paper --length 1000000 -n 4 --plot d-12.svg",
        "ssmc eval mamba-folder d-12",
        "ssmc eval my_package.models:next_symbols tomita-4 --mode predict",
    ),
)
@click.argument("subject")
@click.argument("source", required=False)
@click.option("-e", "--expression", help="An expression instead of SOURCE.")
@reading_options
@click.option("-n", "count", type=click.IntRange(min=1), default=100, show_default=True, help="Words of each bin.")
@length_option
@click.option("--method", type=click.Choice(METHODS), help="How words are drawn; lengths up to 1000, walk beyond.")
@ignore_option
@click.option("--negatives", type=click.IntRange(min=0), help="Near misses of each bin; as many as words by default.")
@click.option("--mode", type=click.Choice(MODES), default="predict", show_default=True, help="What a function answers.")
@click.option("--backend", type=click.Choice(BACKENDS), default="forward", show_default=True, help="How a model runs.")
@click.option("--device", default="cpu", show_default=True, help="Where it runs: cpu, cuda, cuda:1, ...")
@click.option("--seed", type=int, default=0, show_default=True, help="Equal seeds give equal strings.")
@click.option("--plot", type=click.Path(dir_okay=False), help="A picture of accuracy against length: .svg, .png, .pdf.")
def command(
    subject: str,
    source: str | None,
    expression: str | None,
    reading: Reading,
    count: int,
    lengths: tuple[tuple[Bin, ...], ...],
    method: str | None,
    ignore: Fraction | None,
    negatives: int | None,
    mode: Mode,
    backend: str,
    device: str,
    seed: int,
    plot: str | None,
    as_json: bool,
) -> int:
    """Scores SUBJECT on words and near misses of its language, bin by bin of length.

    SUBJECT is a model file, a folder that the transformers library loads, or a Python function 'package.module:function'. A model file brings its
    language along; the others are held against SOURCE. The strict score is the share of words with every position right: legal next symbols and
    end where the subject says them, otherwise the verdict.
    """
    from ssmc.evaluate import evaluate
    from ssmc.sample import Settings

    if source is not None and expression is not None:
        raise UsageError("give SOURCE or -e EXPRESSION, not both")
    if ignore is not None and method != "ffl":
        raise UsageError("--ignore belongs to --method ffl")
    settings = None if method is None else Settings(method, ignore=ignore)
    if settings is not None:
        settings.check()
    if plot is not None:
        from ssmc.draw.plots import check_plot

        check_plot(plot)
    _check_device(device)
    text = source if expression is None else expression
    stated = None if text is None else _automaton(Source(text, is_expression=expression is not None, reading=reading))
    found, automaton = _subject(subject, stated, mode, backend, device)
    scores = evaluate(
        found, automaton, bins_of(lengths), count=count, negatives=negatives, settings=settings, seed=seed
    )
    rows: list[dict[str, Any]] = []
    if not as_json:
        what = "next symbols and end" if found.predicts else "verdict of every prefix"
        click.echo(f"{found.name}: {what}\n{'lengths':>16}{'words':>8}{'strict':>9}{'positions':>11}{'recognised':>12}")
    for score in scores:
        rows.append(score.to_json())
        if not as_json:
            click.echo(_row(rows[-1]))
    if as_json:
        data = {"schema": "ssmc.eval/1", "subject": found.name, "predicts": found.predicts, "seed": seed, "bins": rows}
        click.echo(json.dumps(data))
    if plot is not None:
        _plot(plot, found, rows)
    return failure.OK


def _row(score: dict[str, Any]) -> str:
    low, high = score["bin"]
    told = f"{score['accepted'] + score['rejected']}/{score['strings'] + score['negatives']}"
    return (
        f"{f'{low:,}..{high:,}' if low != high else f'{low:,}':>16}{score['strings']:>8,}{score['strict_score']:>9.2%}"
        f"{score['position_score']:>11.4%}{told:>12}"
    )


def _automaton(source: Source) -> Automaton:
    from ssmc.compile import model_automaton

    return model_automaton(source.read(by_rule=True))


def _check_device(device: str) -> None:
    import torch

    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise UsageError(f"--device {device}: no such device") from None
    count = torch.cuda.device_count()
    if chosen.type == "cuda" and (chosen.index or 0) >= count:
        raise UsageError(f"--device {device}: this machine has {count or 'no'} CUDA device{'s' * (count > 1)}")


def _subject(
    name: str, automaton: Automaton | None, mode: Mode, backend: str, device: str
) -> tuple[Subject, Automaton]:
    """What is evaluated, and the language it is held against."""
    from ssmc.evaluate import CallableSubject, ModelSubject
    from ssmc.evaluate.callables import find_function
    from ssmc.evaluate.causal_lm import CausalLanguageModel, is_causal_language_model

    if is_causal_language_model(name):
        automaton = _required(name, automaton or _own_language(name))
        return CausalLanguageModel(name, automaton.alphabet, device), automaton
    if ":" in name and not Path(name).exists():
        automaton = _required(name, automaton)
        if "" not in sys.path:
            sys.path.insert(0, "")  # modules of the present folder, as under `python -m`
        return CallableSubject(find_function(name), automaton.alphabet, name, predicts=mode == "predict"), automaton
    from ssmc.cli.model import load

    loaded = load(name)
    own = loaded.automaton
    if automaton is not None and (own.alphabet.kind, own.alphabet.names) != (
        automaton.alphabet.kind, automaton.alphabet.names,
    ):  # fmt: skip
        raise InputError(f"{name}: the model's alphabet is not that of the source")
    subject = ModelSubject(loaded.model, name, patterns=own.pattern_count, backend=backend, device=device)
    return subject, automaton or own


def _own_language(folder: str) -> Automaton | None:
    """The language that a compiled folder carries."""
    from ssmc.cli.model import load
    from ssmc.targets.folder import is_stock

    return load(folder).automaton if is_stock(folder) else None


def _required(name: str, automaton: Automaton | None) -> Automaton:
    if automaton is None:
        raise UsageError(f"{name} does not say its language: give SOURCE or -e EXPRESSION")
    return automaton


def _plot(path: str, subject: Subject, rows: list[dict[str, Any]]) -> None:
    from ssmc.draw.plots import draw_curves, write_figure

    series = {
        title: [(row["bin"][1], row[key]) for row in rows]
        for title, key in (
            ("every position of a word", "strict_score"), ("positions", "position_score"),
            ("words and near misses told apart", "recognition_score"),
        )
    }  # fmt: skip
    write_figure(draw_curves(series, subject.name, "longest length of the bin", "right"), path)
