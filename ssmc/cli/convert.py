"""`ssmc convert`: a language as an automaton file of this or another tool."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.inputs import Reading, Source, lines_option, reading_options
from ssmc.cli.terminal import say
from ssmc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = ("json", "att", "jff", "dot", "mata", "hoa")
"""The formats of `ssmc.languages`, which is not imported for the sake of help; a test compares them."""


@click.command(
    "convert",
    cls=Command,
    examples=(
        "ssmc convert automaton.jff automaton.json",
        "ssmc convert -e '(ab|ba)*' --alphabet ab machine.att",
        "ssmc convert regex.txt --bytes machine.mata",
        "ssmc convert flip-flop - --format dot | dot -Tsvg > flip-flop.svg",
    ),
)
@click.argument("paths", nargs=-1, metavar="[IN] OUT")
@click.option("-e", "--expression", help="An expression instead of IN.")
@reading_options
@lines_option
@click.option(
    "--bytes", "binary", is_flag=True, help="Write the automaton of the UTF-8 encodings of a language of text."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="The format; by default the extension of OUT says it."
)
def command(
    paths: Sequence[str], expression: str | None, reading: Reading, binary: bool, form: str | None, as_json: bool
) -> int:
    """Writes the minimal automaton of IN to OUT (.json, .att, .jff, .dot, .gv, .mata, .hoa; '-' for standard output).

    IN is a path, '-' for standard input, or the name of a shipped grammar. NFAs are determinised. Code points and pattern sets can be
    written as JSON only.
    """
    from ssmc.languages import to_bytes, write_automaton
    from ssmc.languages.formats import automaton_text

    if len(paths) != (2 if expression is None else 1):
        raise UsageError("give IN and OUT, or -e EXPRESSION and OUT")
    output = paths[-1]
    if output == "-" and (form is None or as_json):
        raise UsageError("OUT '-' needs --format, and standard output is then not free for --json")
    language = Source(paths[0] if expression is None else expression, expression is not None, reading).read()
    automaton = to_bytes(language.automaton) if binary else language.automaton
    if output == "-":
        click.echo(automaton_text(automaton, form or "json"), nl=False)
        return failure.OK
    write_automaton(automaton, output, form)
    data = {
        "schema": "ssmc.convert/1",
        "name": language.name,
        "output": output,
        "states": automaton.states,
        "complete_states": automaton.complete_states,
        "alphabet_size": automaton.alphabet.size,
        "level": {"tokens": "symbol", "bytes": "byte", "codepoints": "codepoint"}[automaton.alphabet.kind],
        "patterns": list(language.patterns),
    }
    if as_json:
        click.echo(json.dumps(data))
    else:
        say(f"wrote {output}: {automaton.states:,} live states, {automaton.alphabet.size:,} symbols")
    return failure.OK
