"""What engines can say after each symbol: the outcome, whether it is a word, or the automaton's state; and machines that say it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from ssmc.kernels.bit_outputs import settle_outputs
from ssmc.kernels.lower import Layout, build_automaton, build_machine, code
from ssmc.kernels.machine import BitMachine
from ssmc.kernels.wide import ColumnMachine, build_columns, build_table

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from ssmc.kernels.description import Description
    from ssmc.kernels.dfa import DfaMachine

Said = Literal["outcomes", "accept", "states"]
"""One number a symbol: which outcome, 1 after a word, or the automaton's state (its last one is the sink)."""
WORDS = 12
"""Bits of state up to which packed bits look the automaton's state up in a table of all words."""


def narrow(numbers: NDArray[np.integer]) -> NDArray[np.integer]:
    """The numbers as bytes where they fit."""
    return numbers.astype(np.uint8 if numbers.size == 0 or numbers.max() < 256 else np.int32)


@dataclass(eq=False)
class Machines:
    """The machines of one language, each built when it is first asked for.

    Attributes:
        description: the language.
    """

    description: Description
    _kept: dict[tuple[str, Said], DfaMachine | BitMachine | ColumnMachine] = field(default_factory=dict)

    @property
    def states(self) -> int:
        """States of the automaton, the sink included."""
        return len(self.description.delta)

    def numbers(self, said: Said) -> NDArray[np.int64]:
        """For each outcome (or, of states, each state) what is said."""
        if said == "states":
            return np.arange(self.states)
        if said == "outcomes":
            return np.arange(len(self.description.outcomes))
        return self.description.outcomes[:, 0].astype(np.int64)

    def letters(self, tokens: Tensor) -> Tensor:
        """What the automaton's table and packed bits read: symbols as bytes, classes where there are more than 256 symbols."""
        if len(self.description.classes) <= 256:
            return tokens if tokens.dtype == torch.uint8 else tokens.to(torch.uint8)
        classes = torch.from_numpy(narrow(self.description.classes)).to(tokens.device)
        return classes.index_select(0, tokens.reshape(-1).int()).view(tokens.shape)

    def automaton(self, said: Said) -> DfaMachine:
        """The complete automaton."""
        key = ("automaton", said)
        if key not in self._kept:
            machine = build_automaton(self.description)
            of_state = np.arange(self.states) if said == "states" else self.description.state_outcome
            self._kept[key] = replace(machine, output=narrow(self.numbers(said)[of_state]))
        return self._kept[key]  # type: ignore[return-value]

    def bits(self, said: Said) -> BitMachine | ColumnMachine | None:
        """The cascade as packed bits, or as columns where it does not fit them; None without a cascade."""
        key = ("bits", said)
        if self.description.parts is None:
            return None
        if key not in self._kept:
            machine = build_machine(self.description)
            if isinstance(machine, BitMachine) and said == "states":
                told = self._states_of_words(machine)
                machine = self.columns(said) if told is None else settle_outputs(told)
            elif isinstance(machine, BitMachine):
                machine = settle_outputs(replace(machine, output=self.numbers(said)[machine.output].astype(np.uint8)))
            else:
                machine = self.columns(said)
            self._kept[key] = machine
        return self._kept[key]  # type: ignore[return-value]

    def columns(self, said: Said) -> ColumnMachine:
        """The cascade as columns."""
        key = ("columns", said)
        if key not in self._kept:
            machine = build_columns(self.description)
            if said == "states":
                machine = self._states_of_columns(machine)
            else:
                numbers = self.numbers(said)
                output = replace(machine.output, values=numbers[machine.output.values].astype(np.int32))
                machine = replace(machine, output=output, dead=int(numbers[machine.dead]))
            self._kept[key] = machine
        return self._kept[key]  # type: ignore[return-value]

    def _states_of_columns(self, machine: ColumnMachine) -> ColumnMachine:
        whole, sink = self.description.streaming, self.description.sink
        table = {
            (c, *values): (target,)
            for values, state in whole.states.items()
            for c, target in enumerate(self.description.delta[state].tolist())
            if target != sink
        }
        reads = tuple(range(len(whole.parts or ())))
        return replace(machine, output=build_table(whole, reads, table, (sink,)), dead=sink)

    def _states_of_words(self, machine: BitMachine) -> BitMachine | None:
        """Packed bits that say the state, by a table of every word; None where that is too large."""
        whole, layout = self.description.streaming, Layout(self.description.streaming)
        if machine.bits > WORDS or self.states > 256 or layout.sticky:
            return None
        rows = np.full((1 << machine.bits, whole.class_count), self.description.sink, np.uint8)
        for values, state in whole.states.items():
            word = sum(
                code(part, value) << shift
                for part, value, shift in zip(layout.parts, values, layout.shift, strict=True)
            )
            rows[word] = self.description.delta[state]
        return replace(machine, reads=machine.bits, after=False, output=np.ascontiguousarray(rows.T.reshape(-1)))
