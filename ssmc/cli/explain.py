"""`ssmc explain`: the derivation of a cascade, in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.inputs import Source, for_each, lines_option, source_arguments
from ssmc.cli.modes import header_mode, mode_option
from ssmc.cli.spending import spending_options
from ssmc.cli.target import cascade_for, target_option
from ssmc.errors import GateError, NotStarFreeError

if TYPE_CHECKING:
    from ssmc.cascade.ir import Mode


@click.command(
    "explain",
    cls=Command,
    examples=(
        "ssmc explain flip-flop",
        "ssmc explain -e '.*abcab.*' --alphabet abc --syntax python --mode predict",
        "ssmc explain dyck-2-3 --window 0 --json",
        "ssmc explain tomita-6 --target native-pd",
        "ssmc explain rules.txt --lines --search",
    ),
)
@source_arguments
@lines_option
@spending_options
@target_option
@mode_option
def command(
    sources: list[Source], spending: dict[str, Any], target: str | None, mode: Mode | None, as_json: bool
) -> int:
    """Explains how each SOURCE is decomposed.

    The states and counters of the automaton; then every component with what its values mean, what changes it, who reads it, and two words
    that could not be told apart without it; then the readout; last the groups of the language, the weakest gates that suffice for them, and
    the layers with each class of gates; these three lines come too where the gates of the target do not suffice. The cascade is the one that `compile` builds under the same options, checked against the
    automaton. SOURCE is a path, '-' for standard input, or the name of a shipped grammar. With --lines it holds one pattern a line; patterns that are
    decomposed side by side are explained one after the other.
    """

    def answer(source: Source) -> int:
        from ssmc.algebra.language_groups import NO_GROUPS
        from ssmc.cascade import check_cascade
        from ssmc.cascade.bundle import Bundle
        from ssmc.cascade.explain import explain
        from ssmc.cascade.narrate import count, narrate, to_json
        from ssmc.cascade.narrate_sides import side_by_side, side_by_side_json
        from ssmc.cascade.strategy import Options
        from ssmc.cli.needs import groups_of, layers_by_gates, needs_in_words, needs_to_json
        from ssmc.compile import model_automaton
        from ssmc.dyck import BoundedDyck
        from ssmc.targets import AUTO, EXACT, find_target

        language = source.read(by_rule=source.reading.lines)
        chosen, options = mode or header_mode(language), Options(**spending)
        automaton = model_automaton(language)
        try:
            cascade = cascade_for(language, target, chosen, options)
        except (NotStarFreeError, GateError) as error:
            witness = error.witness.to_json(language.automaton)  # type: ignore[attr-defined]
            groups = groups_of(language.automaton)
            layers = layers_by_gates(language, groups, chosen, options, {})
            extra = {"witness": witness} | needs_to_json(groups, layers)
            code = failure.report(error, as_json=as_json, name=source.title, extra=extra)
            if not as_json:
                click.echo(needs_in_words(groups, layers))
            return code
        check_cascade(cascade)
        by_rule = isinstance(language.automaton, BoundedDyck)  # star-free, and may be too large to look at
        groups = NO_GROUPS if by_rule else groups_of(language.automaton)
        used = next((name for name in EXACT if find_target(name).gates == groups.at_least), EXACT[-1])
        gates = find_target(used if target == AUTO else target or EXACT[0]).gates
        layers = layers_by_gates(language, groups, chosen, options, {gates: cascade.depth})
        apart = isinstance(cascade, Bundle)
        parts = cascade.parts if isinstance(cascade, Bundle) else (cascade,)
        found = [
            explain(part, window=options.window if options.effort else 0, limit=options.context_limit) for part in parts
        ]
        if as_json:
            head = {"schema": "ssmc.explain/1", "name": language.name, "level": language.level}
            data: dict[str, Any] = to_json(found[0])
            if isinstance(cascade, Bundle):
                data = side_by_side_json(cascade, language.patterns, found)
            click.echo(json.dumps(head | data | needs_to_json(groups, layers)))
            return failure.OK
        kind = "byte" if automaton.alphabet.kind == "bytes" else "symbol"
        size = f"{count(automaton.pattern_count, 'pattern')} side by side" if apart else ""
        click.echo(
            f"{source.title}: {size or count(automaton.states, 'live state')}, "
            f"{count(automaton.alphabet.size, kind)} in {count(automaton.classes, 'class', 'es')}, {chosen} mode"
        )
        lines = [*narrate(found[0])]
        if isinstance(cascade, Bundle):
            lines = [*side_by_side(cascade, language.patterns, found)]
        lines += ["", *needs_in_words(groups, layers).splitlines()]
        click.echo("\n".join(f"  {line}".rstrip() for line in lines))
        return failure.OK

    return for_each(sources, answer, as_json=as_json, label="explaining")
