"""The entry point of the stage: candidates, their cost, and the cheapest of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ssmc.algebra import check_starfree
from ssmc.cascade.assemble import assemble, constant_cascade
from ssmc.cascade.cost import cost_of
from ssmc.cascade.mealy import mealy_machine
from ssmc.cascade.meter import Meter
from ssmc.cascade.strategy import BUDGETS, Choice, Options, explore
from ssmc.errors import LimitError, NotStarFreeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Automaton
    from ssmc.cascade.cost import Cost, Order
    from ssmc.cascade.ir import Cascade, Mode
    from ssmc.cascade.mealy import Mealy
    from ssmc.cascade.reduce import Reduced


def decompose(automaton: Automaton, mode: Mode = "recognise", options: Options | None = None) -> Cascade:
    """The cheapest cascade found for a star-free language.

    Args:
        automaton: the language.
        mode: `recognise` or `predict`.
        options: budgets and limits; the defaults of `Options` when not given.

    Raises:
        NotStarFreeError: the language is not star-free; carries the witness.
        LimitError: every candidate exceeds a limit (of layers, contexts or sets), or star-freeness could not be decided within its limits.
    """
    if not automaton.states or not automaton.classes:
        return constant_cascade(automaton, mode)
    options = options or Options()
    require_starfree(automaton, options.set_limit)
    meter = Meter(BUDGETS[options.effort].work)
    sinks = (False, True) if mode == "recognise" and not automaton.is_complete else (False,)
    best: tuple[Cost, Cascade] | None = None
    for sink in sinks:
        machine = mealy_machine(automaton, mode, sink=sink)
        choice = Choice(options, meter, partial(_finish, automaton, mode, machine, options.cost), best=best)
        explore(machine.system, automaton.alphabet, choice)
        best = choice.best
    if best is None:
        raise choice.limit or LimitError("candidates", 0, 0)
    cost, cascade = best
    if options.max_layers is not None and cost.layers > options.max_layers:
        raise LimitError("scan layers of the shallowest cascade found", cost.layers, options.max_layers, "--max-layers")
    return cascade


def _finish(automaton: Automaton, mode: Mode, machine: Mealy, order: Order, reduced: Reduced) -> tuple[Cost, Cascade]:
    cascade = assemble(automaton, mode, machine, reduced)
    return cost_of(cascade.components, cascade.readout, order), cascade


def require_starfree(automaton: Automaton, set_limit: int, patterns: Sequence[str] = ()) -> None:
    """Refuses a language that is not star-free.

    A pattern set is star-free when each of its patterns is: its transition monoid divides the product of theirs, and each of theirs is an
    image of it.

    Args:
        automaton: the language.
        set_limit: the largest number of image sets.
        patterns: the names of the patterns of a pattern set; their numbers, from 1, when not given.

    Raises:
        NotStarFreeError: with the witness (of a pattern set: of its first pattern that is not star-free).
        LimitError: the question could not be decided within its limits.
    """
    names = patterns or [str(i + 1) for i in range(len(automaton.patterns))]
    parts = [(f"pattern {name} is ", automaton.pattern(i)) for i, name in enumerate(names)]
    for subject, language in parts or [("", automaton)]:
        report = check_starfree(language, monoid_limit=0, set_limit=set_limit)
        if report.witness is not None:
            raise NotStarFreeError(f"{subject}not star-free: {report.witness.describe(language)}", report.witness)
        if report.verdict == "unknown":
            raise LimitError("image sets of the skeleton", report.sets, set_limit, "--set-limit")
