"""A cascade as plain tables over packed bits, the naive twin of the fast path, and the tables its kernels gather from.

The whole state of a cascade is one word of at most 64 bits. Reading a symbol of class x, layer k looks up two words
(keep, add) by x and the lowest `reads` bits of the state *before* the symbol, and the state becomes (state & keep) + add,
where + is addition in every field without carries between fields. A field of one bit holds, sets, resets or toggles: + is
then exclusive or, and these are the affine maps of GF(2). A wider field is a counter modulo 2^width, exact as long as
the true count stays within a range of that size. Where the highest bit of a field is *sticky*, + keeps it once it is
set: a counter that saturates, its lower bits meaning nothing from then on. Maps compose as (k1, a1) then (k2, a2) = (k1 & k2, (a1 & k2) + a2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ssmc.errors import InputError, InvariantError, LimitError

Words = NDArray[np.uint64]
TABLE_LIMIT = 1 << 20
"""Entries that a joint table may have; beyond it the composed maps of the automaton are the engine."""


def add_fields(x: Words, y: Words, tops: int, sticky: int = 0) -> Words:
    """The sum x + y in every field; `tops` has the highest bit of each field set, `sticky` those that stay set."""
    top = np.uint64(tops)
    total: Words = (((x & ~top) + (y & ~top)) ^ ((x ^ y) & top)) | ((x | y) & np.uint64(sticky))
    return total


@dataclass(frozen=True, eq=False)
class Layer:
    """Gates of one layer: entry (class << reads) | (state & (2^reads - 1)) of `keep` and `add`.

    Attributes:
        reads: how many low bits of the state the tables are indexed by.
        own: the bits that this layer writes; outside of them keep is all ones and add is zero.
        keep: uint64 (classes << reads).
        add: uint64 (classes << reads).
    """

    reads: int
    own: int
    keep: Words
    add: Words


@dataclass(frozen=True, eq=False)
class BitMachine:
    """A cascade of layers over one word of state, and the output after each symbol.

    Attributes:
        classes: uint8 (symbols): the class of each symbol.
        class_count: number of classes.
        bits: bits of state in use.
        tops: the highest bit of each field; bits outside of every field are set as well.
        layers: in order; layer k reads bits of earlier layers only.
        reads: low bits of the state that the output is looked up by.
        after: whether the output is a function of the state after the symbol alone (entry = low bits of that state)
            rather than of the class and the state before it (entry as in `Layer`).
        output: uint8 table.
        sticky: the highest bits of fields that saturate.
    """

    classes: NDArray[np.uint8]
    class_count: int
    bits: int
    tops: int
    layers: tuple[Layer, ...]
    reads: int
    after: bool
    output: NDArray[np.uint8]
    sticky: int = 0

    def check(self) -> None:
        """Checks shapes, ranges and the order of layers.

        Raises:
            InvariantError: a table is malformed, or a layer reads a bit that is not below it.
        """
        if not 0 <= self.bits <= 64 or self.classes.dtype != np.uint8 or self.output.dtype != np.uint8:
            raise InvariantError("bit machine: at most 64 bits of state, uint8 classes and outputs")
        if len(self.classes) == 0 or int(self.classes.max()) >= self.class_count:
            raise InvariantError("bit machine: a class out of range")
        if len(self.output) != (1 if self.after else self.class_count) << self.reads:
            raise InvariantError("bit machine: the output table has the wrong size")
        if self.sticky & ~self.tops:
            raise InvariantError("bit machine: a sticky bit that is not the highest of its field")
        written = 0
        for k, layer in enumerate(self.layers):
            if layer.keep.shape != layer.add.shape or len(layer.keep) != self.class_count << layer.reads:
                raise InvariantError(f"bit machine: the tables of layer {k} have the wrong size")
            if ((1 << layer.reads) - 1) & ~written & ((1 << self.bits) - 1) or layer.own & written:
                raise InvariantError(f"bit machine: layer {k} reads or writes another layer's bits")
            rest = np.uint64(~layer.own & 0xFFFFFFFFFFFFFFFF)
            if np.any(layer.keep & rest != rest) or np.any(layer.add & rest):
                raise InvariantError(f"bit machine: layer {k} writes outside of its own bits")
            written |= layer.own

    def joint(self, depth: int) -> Layer:
        """The gates of layers 0..depth-1 as one table, indexed by the most bits that any of them reads.

        Raises:
            LimitError: the table would have more than `TABLE_LIMIT` entries.
        """
        layers = self.layers[:depth]
        reads = max((layer.reads for layer in layers), default=0)
        size = self.class_count << reads
        if size > TABLE_LIMIT:
            raise LimitError("entries of a joint gate table", size, TABLE_LIMIT)
        low = np.arange(size, dtype=np.int64)
        keep, add = np.full(size, 0xFFFFFFFFFFFFFFFF, np.uint64), np.zeros(size, np.uint64)
        own = 0
        for layer in layers:
            index = ((low >> reads) << layer.reads) | (low & ((1 << layer.reads) - 1))
            keep &= layer.keep[index]
            add |= layer.add[index]
            own |= layer.own
        return Layer(reads, own, keep, add)

    @cached_property
    def simple(self) -> bool:
        """Whether every field is one bit that does not stick, so that + is exclusive or."""
        every = (1 << self.bits) - 1
        return self.tops & every == every and not self.sticky

    def encode(self, tokens: NDArray[np.integer]) -> NDArray[np.uint8]:
        """The classes of some symbols.

        Raises:
            InputError: a symbol is outside of the alphabet.
        """
        if tokens.size and (int(tokens.min()) < 0 or int(tokens.max()) >= len(self.classes)):
            raise InputError(f"a symbol is outside of 0..{len(self.classes) - 1}")
        classes: NDArray[np.uint8] = self.classes[tokens]
        return classes


def run_naive(machine: BitMachine, tokens: NDArray[np.integer], state: int = 0) -> tuple[NDArray[np.uint8], int]:
    """The output after each symbol of one string and the last state: one Python loop, the twin of every engine."""
    classes = machine.encode(tokens).tolist()
    tables = [(layer.reads, layer.keep.tolist(), layer.add.tolist()) for layer in machine.layers]
    output = machine.output.tolist()
    outputs = []
    tops, word = machine.tops & 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF
    low = (1 << machine.reads) - 1
    for c in classes:
        keep, add = word, 0
        for reads, keeps, adds in tables:
            entry = (c << reads) | (state & ((1 << reads) - 1))
            keep &= keeps[entry]
            add |= adds[entry]
        before, kept = state, state & keep
        state = (((kept & ~tops) + (add & ~tops)) ^ ((kept ^ add) & tops)) & word | ((kept | add) & machine.sticky)
        outputs.append(output[state & low] if machine.after else output[(c << machine.reads) | (before & low)])
    return np.array(outputs, np.uint8), state
