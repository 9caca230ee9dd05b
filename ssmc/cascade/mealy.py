"""What has to be told: the Mealy machine of a language, smaller than its minimal automaton.

The readout sees the symbol that was just read, so a state's own output need not be known once the next symbol is there: states are merged that
have the same outputs after every word of one or more symbols. (For `.*a..`: 8 states become 4.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.ir import Output
from ssmc.cascade.system import System
from ssmc.minimize import coarsest_partition

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Mode

UNKNOWN = -1
"""The outcome where the symbol cannot come (predict mode, undefined transition)."""


@dataclass(frozen=True)
class Mealy:
    """A Mealy machine over symbol classes.

    Attributes:
        system: its transitions; state 0 is initial.
        outcomes: `outcomes[q][x]`: the index of the output after class x in state q, or `UNKNOWN`.
        outputs: the distinct outputs.
        initial: the index of the output of the empty prefix.
    """

    system: System
    outcomes: tuple[tuple[int, ...], ...]
    outputs: tuple[Output, ...]
    initial: int


def mealy_machine(automaton: Automaton, mode: Mode, *, sink: bool = False) -> Mealy:
    """The Mealy machine of a language in a mode, of the trimmed automaton or (with `sink`) of the complete one."""
    number: dict[Output, int] = {}
    output_of = []
    for q in range(automaton.states):
        legal = automaton.live_classes[q] if mode != "recognise" else ()
        output = Output(q in automaton.accepting, legal, automaton.memberships(q))
        output_of.append(number.setdefault(output, len(number)))
    rejecting = Output(accepting=False, legal=(), patterns=automaton.memberships(DEAD))
    output_of.append(UNKNOWN if mode == "predict" else number.setdefault(rejecting, len(number)))
    # output_of[DEAD] is the last entry, and so is that of the sink as a state
    whole = System.of(automaton, sink=sink)
    rows = [tuple(column[q] for column in whole.columns) for q in range(whole.states)]
    outcomes = [tuple(output_of[r] for r in row) for row in rows]
    blocks = coarsest_partition(rows, outcomes)
    first: dict[int, int] = {}
    for q, block in enumerate(blocks):
        first.setdefault(block, q)
    order = {block: i for i, block in enumerate(first)}
    columns = tuple(
        tuple(order[blocks[column[q]]] if column[q] != DEAD else DEAD for q in first.values())
        for column in whole.columns
    )
    return Mealy(System(columns), tuple(outcomes[q] for q in first.values()), tuple(number), output_of[0])
