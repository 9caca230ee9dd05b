"""From components and joint states to a cascade: latch, readout, removal of what nothing reads."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.demand import Demand
from ssmc.cascade.ir import Action, Cascade, Component, Output, Readout
from ssmc.cascade.reduce import Variables, closure, find_reads, select
from ssmc.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Key, Mode
    from ssmc.cascade.joint import ActionTable, Joint
    from ssmc.cascade.mealy import Mealy
    from ssmc.cascade.reduce import Reduced


def assemble(automaton: Automaton, mode: Mode, machine: Mealy, reduced: Reduced) -> Cascade:
    """The cascade of a covering's components, with a latch if the mode and the covering ask for one.

    Args:
        automaton: the language.
        mode: `recognise`, `predict` or `monitor`.
        machine: the Mealy machine that the covering follows.
        reduced: the covering's components.

    Where every input gets an answer, a covering of the trimmed automaton needs a latch where a transition is undefined; a covering of the complete automaton (with
    the sink as a state) does not.
    """
    covering, components, joint = reduced.covering, reduced.components, reduced.joint
    variables = reduced.variables
    states = np.array(covering.states, dtype=np.int64)[joint.contexts]
    after = np.array(covering.arrows, dtype=np.int64)[joint.contexts]
    dead = after == DEAD
    all_components = list(components)
    latch: tuple[int, ...] = ()
    if mode != "predict" and dead.any():
        table = _decide(joint, dead.astype(np.int64), np.zeros_like(dead, dtype=np.int64), variables)
        all_components.append(
            Component(
                "latch", "reset", 2, reduced.named(table.reads), table.to_mapping(), labels=("live", "dead"), latch=True
            )
        )
        latch = (len(components),)
    outcome = np.array(machine.outcomes, dtype=np.int64)[states]
    table = _decide(joint, outcome, np.full_like(outcome, -2), variables)
    readout = Readout(
        reduced.named(table.reads),
        MappingProxyType(
            {
                key: action.add
                for key, action in table.to_mapping().items()
                if isinstance(action, Action) and action.mul == 0
            }
        ),
        machine.outputs,
        machine.initial,
    )
    cascade = prune(Cascade(automaton, mode, tuple(all_components), readout), latch)
    cascade.check()
    return cascade


def constant_cascade(automaton: Automaton, mode: Mode) -> Cascade:
    """The cascade of a language without transitions (no states, or no symbols): no components, one output."""
    nothing = Output(0 in automaton.accepting, (), automaton.memberships(0))
    table: dict[Key, int] = {(x,): 0 for x in range(automaton.classes)} if mode != "predict" else {}
    return Cascade(automaton, mode, (), Readout((), MappingProxyType(table), (nothing,), 0))


def _decide(joint: Joint, needed: NDArray[np.int64], own: NDArray[np.int64], variables: Variables) -> ActionTable:
    """The table that overwrites with `needed` (M, X), holding where `needed` is already `own`."""
    count = needed.shape[1]
    rows = np.repeat(np.arange(len(joint.contexts)), count)
    table = np.concatenate(
        [
            np.tile(np.arange(count), len(joint.contexts))[:, None],
            joint.values[rows],
            needed.reshape(-1, 1),
            own.reshape(-1, 1),
        ],
        axis=1,
    )
    table = np.unique(table, axis=0)
    demand = Demand(table[:, 0], table[:, 1:-2], table[:, -2], table[:, -1])
    reads = find_reads(demand, variables)
    decided = demand.decide(reads)
    if decided is None:
        raise InvariantError("the readout is not a function of the components")
    return decided


def prune(cascade: Cascade, keep: Sequence[int]) -> Cascade:
    """The cascade without the components that neither the readout nor a kept component reads."""
    kept = closure(cascade.components, (*keep, *cascade.readout.depends_on))
    number = {old: new for new, old in enumerate(kept)}
    components = select(cascade.components, kept)
    readout = replace(cascade.readout, depends_on=tuple(number[j] for j in cascade.readout.depends_on))
    return replace(cascade, components=components, readout=readout)
