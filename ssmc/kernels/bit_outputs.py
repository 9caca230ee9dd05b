"""Outputs of packed bits as functions of the state after the symbol, where they are: no symbol to look up, and fewer bits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssmc.kernels.machine import Words, add_fields

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.kernels.machine import BitMachine

FOLLOWED = 1 << 16
"""Words times classes that are followed."""


def settle_outputs(machine: BitMachine) -> BitMachine:
    """The same machine, its output a function of the lowest bits of the state after the symbol if that suffices from the initial state on.

    As it is where its output is one already, where one state follows with different outputs, and where there are too many words to follow.
    """
    if machine.after or machine.class_count << machine.bits > FOLLOWED:
        return machine
    layer = machine.joint(max(1, len(machine.layers)))
    classes = np.arange(machine.class_count, dtype=np.int64)

    def entries(words: Words, reads: int) -> NDArray[np.int64]:
        """(words, classes): where tables by classes and low bits have their entries."""
        return (classes << reads) | (words[:, None] & np.uint64((1 << reads) - 1)).astype(np.int64)

    told = np.full(1 << machine.bits, -1, np.int64)
    words = np.zeros(1, np.uint64)
    while words.size:
        entry = entries(words, layer.reads)
        after = add_fields(words[:, None] & layer.keep[entry], layer.add[entry], machine.tops, machine.sticky)
        outputs, places = machine.output[entries(words, machine.reads)], after.astype(np.int64)
        known = told[places]
        told[places] = np.where(known < 0, outputs, known)
        if (told[places] != outputs).any():
            return machine
        words = np.unique(after[known < 0])
    met = np.flatnonzero(told >= 0)
    for reads in range(machine.bits + 1):
        low = met & ((1 << reads) - 1)
        table = np.zeros(1 << reads, np.uint8)
        table[low] = told[met]
        if (table[low] == told[met]).all():
            break
    return replace(machine, reads=reads, after=True, output=table)
