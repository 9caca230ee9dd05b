"""The entry point of the stage: candidates, their cost, and the cheapest of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ssmc.algebra.language_groups import language_groups
from ssmc.algebra.permutations import factor
from ssmc.cascade.assemble import assemble, constant_cascade
from ssmc.cascade.cost import cost_of
from ssmc.cascade.gates import missing_gates, require_gates
from ssmc.cascade.group_strategy import cover_by_states, explore_groups
from ssmc.cascade.mealy import mealy_machine
from ssmc.cascade.meter import Meter
from ssmc.cascade.strategy import BUDGETS, Choice, Options, explore
from ssmc.collector import settled_heap
from ssmc.errors import LimitError
from ssmc.patternset import PatternSet

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.cascade.cost import Cost, Order
    from ssmc.cascade.ir import Cascade, Mode
    from ssmc.cascade.mealy import Mealy
    from ssmc.cascade.reduce import Reduced

_GROUPS = 3
"""How many times the work of a search may be done where there are groups."""
_LARGEST_MODULUS = 16
"""The largest prime power modulo which letters are counted between letters that clear."""


@settled_heap()
def decompose(automaton: Automaton, mode: Mode = "recognise", options: Options | None = None) -> Cascade:
    """The cheapest cascade found for a language.

    Args:
        automaton: the language; of a pattern set its joint automaton is decomposed.
        mode: `recognise`, `predict` or `monitor`.
        options: budgets and limits; the defaults of `Options` when not given.

    Raises:
        NotStarFreeError: the gates are to be non-negative and the language is not star-free; carries the witness.
        GateError: the gates may be others, but do not suffice for the language's groups; carries the witness.
        LimitError: every candidate exceeds a limit (of layers, contexts or sets), or star-freeness could not be decided within its limits.
    """
    if isinstance(automaton, PatternSet):
        automaton = automaton.plain()
    if not automaton.states or not automaton.classes:
        return constant_cascade(automaton, mode)
    options = options or Options()
    starfree = require_gates(automaton, options.gates, options.set_limit)
    moduli = () if starfree else _moduli(automaton)
    meter = Meter((1 if starfree else _GROUPS) * BUDGETS[options.effort].work // options.share)
    sinks = (False, True) if mode != "predict" and not automaton.is_complete else (False,)
    best: tuple[Cost, Cascade] | None = None
    for i, sink in enumerate(sinks):
        machine = mealy_machine(automaton, mode, sink=sink)
        with meter.share(len(sinks) - i if starfree else 1) as part:
            choice = Choice(options, part, partial(_finish, automaton, mode, machine, options.cost), best=best)
            if starfree:
                if options.gates == "pd":
                    choice.consider(partial(cover_by_states, machine.system))
                explore(machine.system, automaton.alphabet, choice)
            else:
                explore_groups(machine.system, automaton.alphabet, choice, moduli)
        best = choice.best
    if best is None:
        raise choice.limit or missing_gates(automaton, options.gates)
    cost, cascade = best
    if options.max_layers is not None and cost.layers > options.max_layers:
        raise LimitError("scan layers of the shallowest cascade found", cost.layers, options.max_layers, "--max-layers")
    return cascade


def _finish(automaton: Automaton, mode: Mode, machine: Mealy, order: Order, reduced: Reduced) -> tuple[Cost, Cascade]:
    cascade = assemble(automaton, mode, machine, reduced)
    return cost_of(cascade.components, cascade.readout, order), cascade


def _moduli(automaton: Automaton) -> tuple[int, ...]:
    """The prime powers modulo which a group of the language may ask to count letters."""
    powers = [power for group in language_groups(automaton).groups for power in factor(group.order).items()]
    return tuple(sorted({p**k for p, e in powers for k in range(1, e + 1) if p**k <= _LARGEST_MODULUS}))
