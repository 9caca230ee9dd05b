"""`ssmc compile`: language to model file, proved before it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.inputs import Source, for_each, lines_option, source_arguments
from ssmc.cli.modes import header_mode, mode_option
from ssmc.cli.spending import spending_options
from ssmc.cli.terminal import say
from ssmc.errors import GateError, InputError, NotStarFreeError, UsageError

if TYPE_CHECKING:
    from ssmc.cascade.ir import Mode

FORMATS = (".pt", ".safetensors")


@click.command(
    "compile",
    cls=Command,
    examples=(
        "ssmc compile regex.txt -o model.pt",
        "ssmc compile -e '(ab|ba)*' --alphabet ab -o model.safetensors",
        "ssmc compile flip-flop --mode predict --dtype bfloat16 -o folder",
        "ssmc compile flip-flop --mode predict --target mamba -o folder",
        "ssmc compile rules.txt --lines --search -o rules.pt",
    ),
)
@source_arguments
@lines_option
@spending_options
@mode_option
@click.option(
    "--target",
    default="native",
    show_default=True,
    help="The architecture; 'auto' takes the first of native, native-signed and native-pd that computes the language.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Of the weights.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file (.pt, .safetensors) or a folder; without it nothing is written.",
)
def command(
    sources: list[Source],
    spending: dict[str, Any],
    mode: Mode | None,
    target: str,
    dtype: str,
    output: Path | None,
    as_json: bool,
) -> int:
    """Compiles each SOURCE to a model, proves it equal to the language at every length, and writes it.

    SOURCE is a path, '-' for standard input, or the name of a shipped grammar. A language whose groups the gates of the
    target cannot do is refused with a witness and exit code 1: one that is not star-free needs --target native-signed, native-pd or auto. With --lines a SOURCE holds one pattern a line, and the model has one output for each.
    """
    if output is not None:
        _check_output(output, sources, target)

    def answer(source: Source) -> int:
        from ssmc.cascade.strategy import Options
        from ssmc.compile import compile_language, write_model

        language = source.read(by_rule=True)
        chosen, options = mode or header_mode(language), Options(**spending)
        try:
            compiled = compile_language(language, mode=chosen, target=target, dtype=dtype, options=options)
        except (NotStarFreeError, GateError) as error:
            witness = error.witness.to_json(language.automaton)  # type: ignore[attr-defined]
            return failure.report(error, as_json=as_json, name=source.title, extra={"witness": witness})
        if output is not None:
            write_model(compiled, output)
        data = compiled.to_json()
        click.echo(json.dumps(data) if as_json else in_words(source.title, data))
        if output is not None:
            say(f"wrote {output}")
        return failure.OK

    return for_each(sources, answer, as_json=as_json, label="compiling")


def _check_output(output: Path, sources: list[Source], target: str) -> None:
    """Refuses what could not be written anyway, before any work is done."""
    from ssmc.targets import TARGETS

    if len(sources) > 1:
        raise UsageError(f"-o takes one SOURCE, not {len(sources)}")
    if output.suffix and target in TARGETS and TARGETS[target].form == "stock":
        raise UsageError(f"-o {output}: a {target} model is a folder, whose name has no suffix")
    if output.suffix not in (*FORMATS, "") and not output.is_dir():
        raise UsageError(f"-o {output}: a model file ends in {' or '.join(FORMATS)}; a folder has no suffix")
    if not output.absolute().parent.is_dir():
        raise InputError(f"{output}: there is no folder {output.parent}")


def in_words(title: str, data: dict[str, Any]) -> str:
    """`ssmc.compile/1` for people."""
    from ssmc.verify.certificate import describe_lengths

    components = [
        f"{k}: {part['kind']}({part['states']}) in layer {part['layer']}"
        + (f", reads {', '.join(map(str, part['depends_on']))}" if part["depends_on"] else "")
        + (f"  {part['name']}" if part.get("name") else "")
        for k, part in enumerate(data["components"])
    ]
    proof = data["proof"]
    over_bytes = f" ({data['model_states']:,} over bytes)" if data["level"] == "codepoint" and data["states"] else ""
    states, each = data["states"], data["pattern_states"]
    size = f"{_count(len(each), 'pattern')} of {min(each):,} to {max(each):,}" if states is None else f"{states:,}"
    rows = [
        ("automaton", f"{size} live states{over_bytes}, {data['alphabet_size']:,} symbols"),
        (
            "model",
            f"{data['target']}, {data['mode']}, {proof['dtype']}: {_count(data['layers'], 'layer')}, {_count(data['blocks'], 'block')}, "
            f"{_count(data['channels'], 'channel')}, {_count(data['hidden_units'], 'hidden unit')}, convolution width {data['conv_width']}",
        ),
        *((("patterns" if k == 0 else ""), name) for k, name in enumerate(data["patterns"])),
        *((("components" if k == 0 else ""), line) for k, line in enumerate(components)),
        *[("lowering", data["lowering"])] * bool(data["lowering"]),
        (
            "proof",
            f"equal at {describe_lengths(proof['lengths'])}: {proof['product_states']:,} product states, magnitudes to {proof['max_magnitude']:g}",
        ),
    ]
    return "\n".join([f"{title}: proved", *(f"  {title:<12}{text}" for title, text in rows)])


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
