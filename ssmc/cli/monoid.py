"""`ssmc monoid`: the transition monoid, its Green's classes and groups."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.inputs import Source, for_each, source_arguments
from ssmc.cli.parallel import jobs_option

if TYPE_CHECKING:
    from ssmc.algebra.green import DClass, GreenClasses
    from ssmc.algebra.monoid import TransitionMonoid
    from ssmc.automaton import Automaton

SHOWN = 30
"""D-classes to print."""


@click.command(
    "monoid",
    cls=Command,
    examples=(
        "ssmc monoid -e '(ab|ba)*' --alphabet ab",
        "ssmc monoid tomita-3 --elements --json",
        "ssmc draw eggbox tomita-3 -o eggbox.svg",
    ),
)
@source_arguments
@click.option("--monoid-limit", type=click.IntRange(min=1), help="The largest monoid to enumerate.")
@click.option("--memory-limit", type=click.IntRange(min=1), help="The most bytes that its elements may take.")
@click.option(
    "--engine",
    type=click.Choice(["plain", "libsemigroups"]),
    default="plain",
    help="Who enumerates; libsemigroups needs the extra 'oracle'.",
)
@click.option("--elements", is_flag=True, help="List every element with its shortest word and its classes.")
@jobs_option
def command(
    sources: list[Source],
    monoid_limit: int | None,
    memory_limit: int | None,
    engine: str,
    elements: bool,
    jobs: int,
    as_json: bool,
) -> int:
    """Enumerates the transition monoid of the complete minimal automaton of each SOURCE: the syntactic monoid of the language.

    Printed are its size, generators, idempotents, zero, aperiodicity index and Green's classes: for every D-class the egg-box (R-classes
    x L-classes x size of an H-class), and the group of its group H-classes by name.
    """
    limits = {"limit": monoid_limit, "memory_limit": memory_limit}
    given = {key: value for key, value in limits.items() if value is not None}
    answer = partial(_answer, given=given, engine=engine, elements=elements, as_json=as_json)
    return for_each(sources, answer, as_json=as_json, label="enumerating", jobs=jobs)


def _answer(source: Source, *, given: dict[str, int], engine: str, elements: bool, as_json: bool) -> int:
    """Prints the answer of one source; at the top of the module, so that other processes can be sent it."""
    from ssmc.algebra.green import green_classes
    from ssmc.algebra.monoid import enumerate_monoid

    automaton = source.read().automaton
    enumerate_ = enumerate_monoid
    if engine == "libsemigroups":
        from ssmc.algebra.libsemigroups import enumerate_by_libsemigroups as enumerate_
    monoid = enumerate_(automaton, **given)
    green = green_classes(monoid)
    if as_json:
        data = _to_json(automaton, green) | {"name": source.title}
        if elements:
            data["elements"] = [_element(automaton, green, i) for i in range(monoid.size)]
        click.echo(json.dumps(data))
    else:
        click.echo(_in_words(source.title, automaton, green))
        if elements:
            click.echo("\n".join(_element_line(automaton, green, i) for i in range(monoid.size)))
    return failure.OK


def _names(automaton: Automaton, word: tuple[int, ...]) -> list[str]:
    from ssmc.algebra.words import example_symbols

    symbols = example_symbols(automaton.alphabet)
    return [automaton.alphabet.name(symbols[c]) for c in word]


def _to_json(automaton: Automaton, green: GreenClasses) -> dict[str, Any]:
    monoid = green.monoid
    return {
        "schema": "ssmc.monoid/1",
        "states": automaton.states,
        "complete_states": automaton.complete_states,
        "size": monoid.size,
        "generators": [{"symbol": _names(automaton, (c,))[0], "element": i} for c, i in enumerate(monoid.generators)],
        "identity": 0,
        "identity_is_a_word": monoid.has_unit_word,
        "zero": monoid.zero,
        "idempotents": len(monoid.idempotents),
        "aperiodic": monoid.aperiodicity_index is not None,
        "aperiodicity_index": monoid.aperiodicity_index,
        "r_classes": green.r_count,
        "l_classes": green.l_count,
        "h_classes": green.h_count,
        "d_classes": [
            _d_class(automaton, monoid, d, below) for d, below in zip(green.d_classes, green.order, strict=True)
        ],
    }


def _d_class(automaton: Automaton, monoid: TransitionMonoid, d: DClass, below: tuple[int, ...]) -> dict[str, Any]:
    return {
        "size": len(d.elements),
        "r_classes": len(d.rows),
        "l_classes": len(d.columns),
        "h_size": d.cell_size,
        "regular": d.regular,
        "idempotents": len(d.idempotents),
        "group": None
        if d.group is None
        else {"name": d.group.name, "order": d.group.order, "solvable": d.group.solvable},
        "word": _names(automaton, monoid.word(d.elements[0])),
        "below": list(below),
    }


def _element(automaton: Automaton, green: GreenClasses, element: int) -> dict[str, Any]:
    monoid = green.monoid
    values = monoid.maps.unpack(monoid.elements[element])
    return {
        "word": _names(automaton, monoid.word(element)),
        "map": [None if q == automaton.states else q for q in values],
        "idempotent": monoid.maps.then(monoid.elements[element], monoid.elements[element]) == monoid.elements[element],
        "r": green.r_class[element],
        "l": green.l_class[element],
        "d": green.d_class[element],
    }


def _element_line(automaton: Automaton, green: GreenClasses, element: int) -> str:
    data = _element(automaton, green, element)
    gap = " " if automaton.alphabet.multicharacter else ""
    star = "*" if data["idempotent"] else " "
    shown = " ".join("-" if q is None else str(q) for q in data["map"])
    return f"  {element:>7}{star} D{data['d']} R{data['r']} L{data['l']}  [{shown}]  {gap.join(data['word']) or 'ε'}"


def _in_words(title: str, automaton: Automaton, green: GreenClasses) -> str:
    monoid = green.monoid
    gap = " " if automaton.alphabet.multicharacter else ""

    def word(element: int) -> str:
        return gap.join(_names(automaton, monoid.word(element))) or "ε"

    index = monoid.aperiodicity_index
    zero = "none" if monoid.zero is None else f"the class of {word(monoid.zero)}"
    lines = [
        f"{title}: a monoid of {monoid.size:,} elements on {automaton.complete_states:,} states",
        f"  {len(set(monoid.generators)):,} generators, {len(monoid.idempotents):,} idempotents, zero: {zero}",
        f"  {green.r_count:,} R-classes, {green.l_count:,} L-classes, {green.h_count:,} H-classes, {green.d_count:,} D-classes",
        "  not aperiodic" if index is None else f"  aperiodic: x^{index} = x^{index + 1} for every element x",
        "  D-classes (R-classes x L-classes x elements of an H-class, idempotents, group, shortest word):",
    ]
    for d in green.d_classes[:SHOWN]:
        box = f"{len(d.rows):,} x {len(d.columns):,} x {d.cell_size:,}"
        kind = f"{len(d.idempotents):,} idempotents" if d.regular else "not regular"
        group = d.group.name if d.group is not None else "-"
        lines.append(f"    {box:<22}{kind:<20}{group:<12}{word(d.elements[0])}")
    if green.d_count > SHOWN:
        lines.append(f"    ... {green.d_count - SHOWN:,} more; --json has all")
    return "\n".join(lines)
