"""`ssmc draw`: pictures of automata, skeletons, egg-boxes, Cayley graphs and cascades."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.inputs import Source, source_arguments
from ssmc.cli.modes import header_mode, mode_option
from ssmc.cli.spending import spending_options
from ssmc.cli.target import cascade_for, target_option
from ssmc.errors import LimitError, UsageError

if TYPE_CHECKING:
    import pydot

    from ssmc.cascade.ir import Cascade, Mode
    from ssmc.languages import Language

KINDS = ("automaton", "skeleton", "eggbox", "cayley", "cascade")


@click.command(
    "draw",
    cls=Command,
    examples=(
        "ssmc draw automaton flip-flop -o flip-flop.svg",
        "ssmc draw automaton flip-flop --word 'w1 i r1' -o run.png",
        "ssmc draw eggbox -e '(ab|ba)*' --alphabet ab -o eggbox.pdf",
        "ssmc draw skeleton tomita-3 > skeleton.dot",
        "ssmc draw cascade dyck-2-3 --mode predict -o cascade.svg",
        "ssmc draw cascade tomita-3 --target native-signed -o cascade.svg",
    ),
)
@click.argument("what", type=click.Choice(KINDS))
@source_arguments
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="A file: .svg, .png, .pdf or .dot. Without it DOT goes to stdout.",
)
@click.option("--word", help="automaton: colour the run of this word.")
@click.option("--symbols", is_flag=True, help="The symbols of --word are separated by spaces.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="Most states, sets, D-classes, elements or components to draw.",
)
@spending_options
@target_option
@mode_option
def command(
    what: str,
    sources: list[Source],
    output: str | None,
    word: str | None,
    symbols: bool,
    limit: int,
    spending: dict[str, Any],
    target: str | None,
    mode: Mode | None,
    as_json: bool,
) -> int:
    """Draws WHAT of one SOURCE.

    automaton: the trimmed minimal automaton. skeleton: its image sets, strongly connected components and their groups. eggbox: the
    D-classes of the transition monoid, rows R, columns L, cells H, idempotents starred, groups named. cayley: the right Cayley graph. cascade: the
    components of the decomposition by layer, under the options of `compile`.
    SVG, PNG and PDF need Graphviz (the program `dot`, or the Python package pygraphviz 2 or newer); DOT never does.
    """
    if len(sources) != 1:
        raise UsageError("draw takes one SOURCE")
    if word is not None and what != "automaton":
        raise UsageError("--word belongs to `draw automaton`")
    if what != "cascade" and (spending or mode is not None or target is not None):
        raise UsageError("--mode, --target and the options of a decomposition belong to `draw cascade`")
    if as_json and output is None:
        raise UsageError("--json needs -o FILE, since the picture would go to standard output too")
    language = sources[0].read()
    run = None if word is None else language.automaton.alphabet.encode(word, spaced=symbols)
    if what == "cascade":
        from ssmc.cascade.strategy import Options

        cascade = cascade_for(language, target, mode or header_mode(language), Options(**spending))
        graph = _cascade(cascade, sources[0].title, limit)
    else:
        graph = _picture(what, language, sources[0].title, run, limit)
    if output is None:
        click.echo(graph.to_string(), nl=False)
        return failure.OK
    from ssmc.draw import write_picture

    write_picture(graph, output)
    if as_json:
        data = {
            "schema": "ssmc.draw/1",
            "what": what,
            "name": sources[0].title,
            "output": output,
            "bytes": Path(output).stat().st_size,
        }
        click.echo(json.dumps(data))
    return failure.OK


def _picture(what: str, language: Language, name: str, word: list[int] | None, limit: int) -> pydot.Dot:
    from ssmc.draw import draw_automaton, draw_cayley, draw_eggbox, draw_skeleton

    automaton = language.automaton
    if what == "automaton":
        if automaton.states > limit:
            raise LimitError("states to draw", automaton.states, limit, "--limit")
        return draw_automaton(automaton, name, word)
    if what == "skeleton":
        from ssmc.algebra.skeleton_graph import skeleton_graph

        return draw_skeleton(automaton, skeleton_graph(automaton, limit), name)
    from ssmc.algebra.monoid import enumerate_monoid

    if what == "cayley":
        monoid = enumerate_monoid(automaton)
        if monoid.size > limit:
            raise LimitError("elements to draw", monoid.size, limit, "--limit")
        return draw_cayley(automaton, monoid, name)
    from ssmc.algebra.green import green_classes

    green = green_classes(enumerate_monoid(automaton))
    if green.d_count > limit:
        raise LimitError("D-classes to draw", green.d_count, limit, "--limit")
    return draw_eggbox(automaton, green, name)


def _cascade(cascade: Cascade, name: str, limit: int) -> pydot.Dot:
    from ssmc.cascade.explain import explain
    from ssmc.draw import draw_cascade

    if len(cascade.components) > limit:
        raise LimitError("components to draw", len(cascade.components), limit, "--limit")
    return draw_cascade(explain(cascade), name)
