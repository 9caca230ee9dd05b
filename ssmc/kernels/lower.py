"""From a described language to the machines of the engines: packed bits where they fit, columns where not, and the automaton's table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import LimitError
from ssmc.kernels.dfa import DfaMachine
from ssmc.kernels.machine import BitMachine, Layer
from ssmc.kernels.wide import ColumnMachine, build_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ssmc.kernels.description import Description, Key, Part

ENTRIES = 1 << 20
"""Entries that a table of packed bits may have."""
EVERY = 0xFFFFFFFFFFFFFFFF


def width(part: Part) -> int:
    """The bits of a part's field; a saturating counter has one that says whether the rest has overflowed."""
    if part.saturating:
        return (part.size - 2).bit_length() + 1 if part.size > 1 else 0
    return (part.size - 1).bit_length()


def code(part: Part, value: int) -> int:
    """A value in the part's field: counters modulo the field's size, saturating ones at its highest bit."""
    if part.saturating:
        return min(value, 1 << width(part) >> 1)
    return value & ((1 << width(part)) - 1)


class Layout:
    """Where each part's field lies: what lower layers read first, so that every reader reads a prefix of the word.

    Attributes:
        depth: the layer of each part, from 1.
        shift: the lowest bit of each part.
        bits: bits in use.
        tops: the highest bit of each field, and all bits outside of fields.
        sticky: the overflow bits of saturating counters.
    """

    def __init__(self, description: Description) -> None:
        self.parts = parts = description.parts or ()
        self.depth: list[int] = []
        for part in parts:
            self.depth.append(1 + max((self.depth[j] for j in part.reads), default=0))
        deepest = max(self.depth, default=0)
        latch = () if description.latch is None else (description.latch,)
        self.head = tuple(sorted({*description.reads, *latch}))
        reader = [deepest + 2] * len(parts)
        for k, part in enumerate(parts):
            for j in part.reads:
                reader[j] = min(reader[j], self.depth[k])
        for j in self.head:
            reader[j] = min(reader[j], deepest + 1)
        self.shift = [0] * len(parts)
        self.bits = self.tops = self.sticky = 0
        for k in sorted(range(len(parts)), key=lambda k: (reader[k], self.depth[k], k)):
            self.shift[k] = self.bits
            self.bits += width(parts[k])
            top = self.field(k) & ~(self.field(k) >> 1)
            self.tops |= top if parts[k].counts else self.field(k)
            self.sticky |= top if parts[k].saturating else 0
        self.tops |= EVERY & ~((1 << self.bits) - 1)

    def reads(self, parts: Sequence[int]) -> int:
        """Low bits that hold the fields of some parts."""
        return max((self.shift[j] + width(self.parts[j]) for j in parts), default=0)

    def field(self, k: int) -> int:
        """The bits of part k."""
        return ((1 << width(self.parts[k])) - 1) << self.shift[k]

    def entries(
        self,
        classes: int,
        reads: int,
        parts: Sequence[int],
        table: Mapping[Key, tuple[int, int]],
        default: tuple[int, int],
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The two values of a table (class, values of parts), for every class and every low pattern of bits.

        Raises:
            LimitError: the table would be too large.
        """
        if classes << reads > ENTRIES:
            raise LimitError("entries of a gate table", classes << reads, ENTRIES)
        dense = np.empty((classes, *(1 << width(self.parts[j]) for j in parts), 2), np.uint64)
        dense[...] = default
        for key, value in table.items():
            index: list[int | slice] = [key[0]]
            for j, v in zip(parts, key[1:], strict=True):
                part = self.parts[j]
                stopped = part.saturating and v == part.low + part.size - 1
                index.append(slice(v, None) if stopped else code(part, v))
            dense[tuple(index)] = value
        low = np.arange(1 << reads)
        place: tuple[Any, ...] = tuple((low & self.field(j)) >> self.shift[j] for j in parts)
        picked = dense[(slice(None), *place)] if parts else np.repeat(dense[:, None], 1 << reads, 1)
        flat = picked.reshape(classes << reads, 2)
        return flat[:, 0], flat[:, 1]


def _fits(description: Description) -> str | None:
    """Why a cascade cannot be packed into a word; None where it can."""
    if description.class_count > 256 or len(description.classes) > 256:
        return "more than 256 symbols"
    if len(description.outcomes) > 256:
        return "more than 256 outcomes"
    for part in description.parts or ():
        if part.maps:
            return "maps that are not affine"
        if part.saturating and part.low:
            return "a saturating counter below 0"
        if part.modulus is not None and part.counts and part.size != 1 << width(part):
            return f"a rotation of {part.size}"
    return None


def build_bits(description: Description) -> BitMachine:
    """A described cascade as packed bits; its answers are outcomes.

    Raises:
        LimitError: more than 64 bits of state, more than 256 symbols, a component that a word cannot hold, or a table that is too large.
    """
    whole = description.streaming
    reason = _fits(whole)
    if reason is not None or whole.parts is None:
        raise LimitError(f"packed bits, for {reason or 'a language without a cascade'}", 1, 0)
    layout = Layout(whole)
    if layout.bits > 64:
        raise LimitError("bits of state", layout.bits, 64)
    layers = [
        _layer(whole, layout, [k for k, d in enumerate(layout.depth) if d == depth])
        for depth in range(1, max(layout.depth, default=0) + 1)
    ]
    reads = layout.reads(layout.head)
    answers = {key: (outcome, 0) for key, outcome in whole.table.items()}
    output = layout.entries(whole.class_count, reads, whole.reads, answers, (whole.dead, 0))[0].astype(np.uint8)
    if whole.latch is not None:
        output[(np.arange(len(output)) & layout.field(whole.latch)) != 0] = whole.dead
    machine = BitMachine(
        classes=whole.classes.astype(np.uint8),
        class_count=whole.class_count,
        bits=layout.bits,
        tops=layout.tops,
        layers=tuple(layers),
        reads=reads,
        after=False,
        output=output,
        sticky=layout.sticky,
    )
    machine.check()
    return machine


def _layer(description: Description, layout: Layout, members: Sequence[int]) -> Layer:
    """The gates of the parts of one layer."""
    parts, classes = layout.parts, description.class_count
    reads = max(layout.reads(parts[k].reads) for k in members)
    if classes << reads > ENTRIES:
        raise LimitError("entries of a gate table", classes << reads, ENTRIES)
    keep, add = np.full(classes << reads, EVERY, np.uint64), np.zeros(classes << reads, np.uint64)
    own = 0
    for k in members:
        part = parts[k]
        table = {key: (mul, code(part, value)) for key, (mul, value) in part.table.items()}
        muls, adds = layout.entries(classes, reads, part.reads, table, (1, 0))
        own |= layout.field(k)
        keep &= np.where(muls == 1, np.uint64(EVERY), np.uint64(EVERY & ~layout.field(k)))
        add |= adds << np.uint64(layout.shift[k])
    return Layer(reads, own, keep, add)


def build_machine(description: Description) -> BitMachine | ColumnMachine:
    """The cascade's machine: packed bits where it fits into a word of 64, columns of any width otherwise.

    Raises:
        InvariantError: the description has no cascade.
    """
    try:
        return build_bits(description)
    except LimitError:
        return build_columns(description)


def build_automaton(description: Description) -> DfaMachine:
    """The complete automaton by symbols, or by classes where there are more than 256 symbols; its answers are outcomes."""
    classes = description.classes if len(description.classes) <= 256 else np.arange(description.class_count)
    machine = DfaMachine(
        delta=np.ascontiguousarray(description.delta[:, classes]),
        output=description.state_outcome.astype(np.uint8 if len(description.outcomes) <= 256 else np.int32),
        initial=0,
    )
    machine.check()
    return machine
