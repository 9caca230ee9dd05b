"""`ssmc verify`: the proof again, from the bits in a model file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.inputs import Reading, Source, lines_option, reading_options
from ssmc.errors import InputError, UsageError

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.cli.model import LoadedModel


@click.command(
    "verify",
    cls=Command,
    examples=(
        "ssmc verify model.pt",
        "ssmc verify model.pt -e '(ab|ba)*' --alphabet ab",
        "ssmc verify flip-flop.pt flip-flop --json",
        "ssmc verify folder --dtype bfloat16",
        "ssmc verify rules.pt rules.txt --lines --search",
    ),
)
@click.argument("model", type=click.Path())
@click.argument("source", required=False)
@click.option("-e", "--expression", help="An expression instead of SOURCE.")
@reading_options
@lines_option
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Load a folder for transformers in this dtype; its own by default.",
)
def command(
    model: str, source: str | None, expression: str | None, reading: Reading, dtype: str | None, as_json: bool
) -> int:
    """Proves MODEL equal, at every length, to the language stored in it, or to SOURCE.

    Where gates are roots of unity that float32 rounds, the proof holds up to a length, which is printed. A folder for transformers is loaded
    by its own class, and proved on the recurrent cache of that class.

    Exit code 1 means that they differ; a shortest word that shows it is printed.
    """
    from ssmc.cascade.bundle import Bundle
    from ssmc.cli.model import load
    from ssmc.compile import model_automaton
    from ssmc.verify import DifferenceError

    if source is not None and expression is not None:
        raise UsageError("give SOURCE or -e EXPRESSION, not both")
    loaded = load(model)
    automaton = loaded.automaton
    text = source if expression is None else expression
    if text is not None:
        language = Source(text, is_expression=expression is not None, reading=reading).read(by_rule=True)
        automaton = _same_symbols(loaded, model_automaton(language))
    data: dict[str, Any] = {
        "schema": "ssmc.verify/1",
        "equivalent": True,
        "product_states": None,
        "lengths": "all",
        "dtype": dtype or loaded.dtype,
        "max_magnitude": None,
        "counterexample": None,
    }
    try:
        known = automaton == loaded.automaton or isinstance(loaded.cascade, Bundle)
        data |= loaded.prove(automaton, loaded.cascade if known else None, dtype).to_json()
    except DifferenceError as error:
        data |= {"equivalent": False, "counterexample": error.counterexample.to_json()}
    click.echo(json.dumps(data) if as_json else _in_words(model, automaton, data))
    return failure.OK if data["equivalent"] else failure.NO


def _same_symbols(loaded: LoadedModel, automaton: Automaton) -> Automaton:
    """The automaton, if it reads what the model reads and tells as many patterns apart.

    Raises:
        InputError: the alphabets differ, or the numbers of patterns.
    """
    own, other = loaded.automaton.alphabet, automaton.alphabet
    if (own.kind, own.names) != (other.kind, other.names):
        raise InputError(
            f"the model's alphabet is {_spell(own.kind, own.names)}, the source's {_spell(other.kind, other.names)}"
        )
    here, there = loaded.automaton.pattern_count, automaton.pattern_count
    if here != there:
        hint = "; --lines reads one pattern a line" if here and not there else ""
        raise InputError(f"the model tells {here} patterns apart, the source {there}{hint}")
    return automaton


def _spell(kind: str, names: tuple[str, ...]) -> str:
    return ",".join(names) if kind == "tokens" else kind


def _in_words(model: str, automaton: Automaton, data: dict[str, Any]) -> str:
    from ssmc.verify.certificate import describe_lengths
    from ssmc.verify.stock import BITWISE_LIMIT

    if data["equivalent"]:
        where = "every length" if data["lengths"] == "all" else describe_lengths(data["lengths"])
        lines = [
            f"{model}: equal at {where}",
            f"  {data['proof']} proof: {data['product_states']:,} product states, {data['dtype']}, magnitudes to {data['max_magnitude']:,}",
        ]
        if "library" in data:
            count = data["cache_states"]
            every = f"more than {BITWISE_LIMIT:,}" if count is None else f"{count:,}"
            lines.append(f"  on the cache of {data['library']}; {every} states with the bits that nothing reads")
        return "\n".join(lines)
    found = data["counterexample"]
    word = (" " if automaton.alphabet.multicharacter else "").join(found["word"])
    return f"{model}: different\n  after {word!r} the language says {found['expected']}, the model {found['got']}"
