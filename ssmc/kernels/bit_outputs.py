"""Outputs of packed bits as functions of the state after the symbol, where they are: no symbol to look up, and fewer bits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssmc.kernels.machine import Words, add_fields

if TYPE_CHECKING:
    from ssmc.kernels.machine import BitMachine

FOLLOWED = 1 << 16
"""Words times classes that are followed."""


def settle_outputs(machine: BitMachine) -> BitMachine:
    """The same machine, its output a function of the lowest bits of the state after the symbol if that suffices from the initial state on.

    A machine whose output is one already, that has too many words, or too many outputs that tell apart words of equal states is returned as it is.
    """
    if machine.after or machine.class_count << machine.bits > FOLLOWED:
        return machine
    layer = machine.joint(max(1, len(machine.layers)))
    classes = np.arange(machine.class_count, dtype=np.int64)

    def step(words: Words) -> tuple[Words, Words]:
        """For each word and class the word after, and the output."""
        state = words[:, None]
        entry = (classes << layer.reads) | (state & np.uint64((1 << layer.reads) - 1)).astype(np.int64)
        said = (classes << machine.reads) | (state & np.uint64((1 << machine.reads) - 1)).astype(np.int64)
        after = add_fields(state & layer.keep[entry], layer.add[entry], machine.tops, machine.sticky)
        return after.reshape(-1), machine.output[said].reshape(-1)

    reached = np.zeros(1 << machine.bits, bool)
    told = np.full(1 << machine.bits, -1, np.int64)
    frontier = np.zeros(1, np.uint64)
    reached[0] = True
    while frontier.size:
        after, outputs = step(frontier)
        order = after.astype(np.int64)
        told[order] = np.where(told[order] < 0, outputs, told[order])
        if (told[order] != outputs).any():
            return machine
        frontier = np.unique(after[~reached[order]])
        reached[frontier.astype(np.int64)] = True
    for reads in range(machine.bits + 1):
        table = np.full(1 << reads, -1, np.int64)
        words = np.flatnonzero(told >= 0)
        table[words & ((1 << reads) - 1)] = told[words]
        if (table[words & ((1 << reads) - 1)] == told[words]).all():
            return replace(machine, reads=reads, after=True, output=np.maximum(table, 0).astype(np.uint8))
    return machine
