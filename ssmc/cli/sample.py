"""`ssmc sample`: strings of a language, near misses, and labels for training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.bins import bins_of, ignore_option, length_option
from ssmc.cli.command import Command
from ssmc.cli.inputs import Source, source_arguments
from ssmc.errors import UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    from ssmc.alphabet import Alphabet
    from ssmc.sample import Machine, Sample
    from ssmc.sample.draw import Bin
    from ssmc.sample.labels import NextSet

METHODS = ("lengths", "words", "walk", "dyck", "ffl")
"""Those of `ssmc.sample`, which is not imported for the sake of help; a test compares them."""


@click.command(
    "sample",
    cls=Command,
    examples=(
        "ssmc sample tomita-4 -n 5 --length 10..20",
        "ssmc sample d-12 -n 1000 --length paper --labels --json > d-12.jsonl",
        "ssmc sample flip-flop-bits --method ffl --ignore 0.8 --length 512 -n 100",
        "ssmc sample dyck-2-4 --negatives -n 10",
    ),
)
@source_arguments
@click.option("-n", "count", type=click.IntRange(min=0), default=10, show_default=True, help="Strings for each bin.")
@length_option
@click.option(
    "--method", type=click.Choice(METHODS), default="lengths", show_default=True, help="How strings are chosen."
)
@ignore_option
@click.option("--prefixes", is_flag=True, help="walk: prefixes of words, not words.")
@click.option(
    "--negatives", is_flag=True, help="Near misses: strings outside the language, one edit away from a string."
)
@click.option(
    "--labels", is_flag=True, help="Add the legal next symbols after every prefix, '$' where the word may end."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Equal seeds give equal strings.")
def command(
    sources: list[Source],
    count: int,
    lengths: tuple[tuple[Bin, ...], ...],
    method: str,
    ignore: Fraction | None,
    prefixes: bool,
    negatives: bool,
    labels: bool,
    seed: int,
    as_json: bool,
) -> int:
    """Prints strings of SOURCE, one a line, COUNT for each bin of lengths.

    lengths: a length of the bin, then each word of that length, equally likely. words: each word of the bin equally likely (both by exact counting).
    walk: a length, then each next symbol that can still be completed equally likely. dyck: the source of bounded Dyck languages, opening and
    closing equally likely. ffl: the flip-flop source FFL(p), p given by --ignore.
    """
    from ssmc.languages import to_bytes
    from ssmc.sample import Machine, Settings, draw_samples

    if len(sources) != 1:
        raise UsageError("sample takes one SOURCE")
    language = sources[0].read(by_rule=True)
    automaton = to_bytes(language.automaton) if language.level == "codepoint" else language.automaton
    settings = Settings(method, prefixes, negatives, ignore)
    settings.check()
    machine = Machine.of(automaton)
    for sample in draw_samples(machine, bins_of(lengths), count, settings, seed):
        click.echo(json.dumps(to_json(machine, sample, labels)) if as_json else _line(machine, sample, labels))
    return failure.OK


def spell(alphabet: Alphabet, symbols: tuple[int, ...]) -> str:
    """A string as `ssmc run` reads it: symbols side by side, or with spaces where one is longer than a character."""
    if alphabet.kind == "bytes":
        return bytes(symbols).decode("utf-8", "surrogateescape")
    return (" " if alphabet.multicharacter else "").join(alphabet.name(symbol) for symbol in symbols)


def to_json(machine: Machine, sample: Sample, labels: bool) -> dict[str, Any]:
    """`ssmc.sample/1`."""
    from ssmc.sample import next_sets

    alphabet = machine.automaton.alphabet
    data: dict[str, Any] = {
        "schema": "ssmc.sample/1",
        "string": spell(alphabet, sample.symbols),
        "symbols": list(sample.symbols),
        "length": len(sample.symbols),
        "bin": list(sample.bin),
        "accepted": sample.accepted,
    }
    if sample.edit is not None:
        kind, place, symbol = sample.edit
        data["edit"] = {"kind": kind, "place": place, "symbol": None if symbol < 0 else alphabet.name(symbol)}
    if labels:
        sets = next_sets(machine, sample.symbols)
        data["next"] = [[alphabet.name(symbol) for symbol in label.symbols] for label in sets]
        data["end"] = [label.end for label in sets]
    return data


def _line(machine: Machine, sample: Sample, labels: bool) -> str:
    from ssmc.sample import next_sets

    alphabet = machine.automaton.alphabet
    text = spell(alphabet, sample.symbols)
    if "\n" in text:
        raise UsageError("a string holds a line feed, so one a line is no form for it: use --json")
    if not labels:
        return text
    return f"{text}\t{' '.join(_label(alphabet, label) for label in next_sets(machine, sample.symbols))}"


def _label(alphabet: Alphabet, label: NextSet) -> str:
    """The names of the legal next symbols with commas, then `$` for the end; `-` where nothing may follow."""
    names = [alphabet.name(symbol) for symbol in label.symbols] + ["$"] * label.end
    return ",".join(names) or "-"
