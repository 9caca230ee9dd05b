"""`ssmc check-starfree`: the verdict with its witness, one answer per source."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.inputs import Source, for_each, lines_option, source_arguments
from ssmc.cli.parallel import jobs_option

if TYPE_CHECKING:
    from ssmc.algebra import StarFreeReport
    from ssmc.automaton import Automaton
    from ssmc.languages import Language

_CODES = {"star-free": failure.OK, "not-star-free": failure.NO, "unknown": failure.LIMIT}


@click.command(
    "check-starfree",
    cls=Command,
    examples=(
        "ssmc check-starfree -e '(ab|ba)*' --alphabet ab",
        "ssmc check-starfree flip-flop expression.txt automaton.json --json",
        "ssmc check-starfree automata/*.json --json --jobs 4 > verdicts.jsonl",
        "echo '(aa)*' | ssmc check-starfree - --alphabet a",
        "ssmc check-starfree rules.txt --lines --search",
    ),
)
@source_arguments
@lines_option
@click.option("--monoid-limit", type=click.IntRange(min=0), help="Count the transition monoid up to this size.")
@click.option("--set-limit", type=click.IntRange(min=1), help="Give up after this number of image sets.")
@click.option("--layers/--no-layers", default=None, help="Say how many layers suffice (the default for one SOURCE).")
@jobs_option
def command(
    sources: list[Source],
    monoid_limit: int | None,
    set_limit: int | None,
    layers: bool | None,
    jobs: int,
    as_json: bool,
) -> int:
    """Decides whether each SOURCE is star-free, that is, whether a non-negative diagonal SSM computes it.

    SOURCE is a path, '-' for standard input, or the name of a shipped grammar. Exit code 0 means star-free, 1 not star-free (a
    witness is printed), 4 undecided within the limits. Last come the groups, the weakest gates that do them, and layers that suffice with
    each class of gates. With --lines a SOURCE holds one pattern a line, and each has its own answer.
    """
    limits = {"monoid_limit": monoid_limit, "set_limit": set_limit, "seconds": sources[0].reading.seconds}
    given: dict[str, Any] = {key: value for key, value in limits.items() if value is not None}
    layers = len(sources) == 1 if layers is None else layers
    answer = partial(_answer, given=given, as_json=as_json, layers=layers)
    return for_each(sources, answer, as_json=as_json, label="deciding", jobs=jobs)


def _answer(source: Source, *, given: dict[str, Any], as_json: bool, layers: bool) -> int:
    """Prints the answer of one source; at the top of the module, so that other processes can be sent it."""
    return failure.worst([_decide(title, language, given, as_json, layers) for title, language in source.read_each()])


def _decide(title: str, language: Language, given: dict[str, Any], as_json: bool, layers: bool) -> int:
    from ssmc.algebra import check_starfree
    from ssmc.algebra.language_groups import NO_GROUPS, language_groups
    from ssmc.cli.needs import bounds_in_words, layers_at_most

    report = check_starfree(language.automaton, **given)
    groups = NO_GROUPS if report.verdict == "star-free" else language_groups(language.automaton)
    bounds = layers_at_most(language, groups) if layers and report.verdict != "unknown" else None
    if as_json:
        data = report.to_json(language.automaton) | groups.to_json() | {"layers_at_most": bounds}
        click.echo(json.dumps(data | {"name": title, "level": language.level}))
    else:
        click.echo(_in_words(title, language.automaton, report))
        ends = [*groups.describe(), *([bounds_in_words(bounds)] if layers else [])]
        click.echo("\n".join(f"  {line}" for line in ends))
    return _CODES[report.verdict]


def _in_words(title: str, automaton: Automaton, report: StarFreeReport) -> str:
    monoid = (
        "a transition monoid above --monoid-limit"
        if report.monoid_size is None
        else f"a transition monoid of {report.monoid_size:,} elements"
    )
    lines = [
        f"{title}: {report.verdict.replace('-', ' ').replace('star free', 'star-free')}",
        f"  {automaton.states:,} live states, {automaton.complete_states:,} with the sink, {monoid}",
    ]
    if report.witness is not None:
        gap = " " if automaton.alphabet.multicharacter else ""
        word = gap.join(automaton.alphabet.name(s) for s in report.witness.word)
        orbit = " -> ".join(str(q) for q in (*report.witness.orbit, report.witness.orbit[0]))
        lines += [
            f"  the word {word} has period {report.witness.period} on the states {orbit}",
            f"  {report.witness.describe(automaton)}",
        ]
    if report.aperiodicity_index is not None:
        n, least = report.aperiodicity_index, "" if report.index_exact else " (an upper bound)"
        lines.append(f"  x^{n} = x^{n + 1} for every element x of the monoid{least}")
    if report.verdict == "unknown":
        option = "--seconds" if report.limit == "seconds" else "--set-limit"
        lines.append(f"  undecided after {report.sets:,} image sets; {option} raises the limit")
    return "\n".join(lines)
