"""`ssmc classify`: where a language sits on the map, and what it needs of a model."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.inputs import Source, for_each, source_arguments
from ssmc.cli.parallel import jobs_option

if TYPE_CHECKING:
    from ssmc.algebra.classify import Classification, Membership
    from ssmc.automaton import Automaton


@click.command(
    "classify",
    cls=Command,
    examples=(
        "ssmc classify -e '(ab)*' --alphabet ab",
        "ssmc classify tomita-7 parity --json",
    ),
)
@source_arguments
@click.option("--monoid-limit", type=click.IntRange(min=1), help="Leave tests on a larger syntactic monoid undecided.")
@jobs_option
def command(sources: list[Source], monoid_limit: int | None, jobs: int, as_json: bool) -> int:
    """Places each SOURCE among the classes of regular languages, from finite to solvable, each with evidence.

    The evidence is a word or two that can be tried by hand; with --json the theorem behind each test is named too. The last line says which gates a state-space
    model needs for the language.
    """
    answer = partial(_answer, monoid_limit=monoid_limit, as_json=as_json)
    return for_each(sources, answer, as_json=as_json, label="classifying", jobs=jobs)


def _answer(source: Source, *, monoid_limit: int | None, as_json: bool) -> int:
    """Prints the answer of one source; at the top of the module, so that other processes can be sent it."""
    from ssmc.algebra.classify import classify

    automaton = source.read().automaton
    found = classify(automaton) if monoid_limit is None else classify(automaton, monoid_limit=monoid_limit)
    if as_json:
        click.echo(json.dumps(found.to_json(automaton) | {"name": source.title}))
    else:
        click.echo(_in_words(source.title, automaton, found))
    return failure.OK


def _in_words(title: str, automaton: Automaton, found: Classification) -> str:
    size = "above its limit" if found.monoid_size is None else f"of {found.monoid_size:,} elements"
    lines = [f"{title}: {automaton.states:,} live states, a syntactic monoid {size}"]
    lines += [f"  {_mark(m):<4}{m.name + _order(m):<42}{_reason(automaton, m)}".rstrip() for m in found.memberships]
    lines.append(f"  Straubing-Thérien level: {found.level}")
    need = "not known within the limits" if found.need is None else found.need.text
    return "\n".join([*lines, f"  a state-space model: {need}"])


def _mark(membership: Membership) -> str:
    return "?" if membership.holds is None else "yes" if membership.holds else "no"


def _order(membership: Membership) -> str:
    return "" if membership.order is None else f" ({membership.order})"


def _reason(automaton: Automaton, membership: Membership) -> str:
    told = "" if membership.evidence is None else membership.evidence.text(automaton)
    return "; ".join(part for part in (told, membership.reason) if part)
