"""A cascade as tables over packed bits, and its automaton as a table: what the fast path of `ssmc.kernels` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import LimitError, TargetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade, Component
    from ssmc.kernels.dfa import DfaMachine
    from ssmc.kernels.machine import BitMachine

ENTRIES = 1 << 20


def _width(component: Component) -> int:
    return (component.size - 1).bit_length()


class _Layout:
    """Where each component's field lies: what lower layers read first, so that every reader reads a prefix."""

    def __init__(self, cascade: Cascade) -> None:
        components = cascade.components
        self.components = components
        self.depth: list[int] = []
        for component in components:
            self.depth.append(1 + max((self.depth[j] for j in component.depends_on), default=0))
        latch = cascade.latch
        self.head = tuple(sorted({*cascade.readout.depends_on, *(() if latch is None else (latch,))}))
        first_reader = [max(self.depth, default=0) + 2] * len(components)
        for k, component in enumerate(components):
            for j in component.depends_on:
                first_reader[j] = min(first_reader[j], self.depth[k])
        for j in self.head:
            first_reader[j] = min(first_reader[j], max(self.depth, default=0) + 1)
        order = sorted(range(len(components)), key=lambda k: (first_reader[k], self.depth[k], k))
        self.shift = [0] * len(components)
        self.bits = 0
        for k in order:
            self.shift[k] = self.bits
            self.bits += _width(components[k])
        self.tops = ((1 << 64) - 1) & ~((1 << self.bits) - 1)
        for k, component in enumerate(components):
            field = ((1 << _width(component)) - 1) << self.shift[k]
            top = (1 << _width(component) >> 1) << self.shift[k]
            self.tops |= top if component.kind == "counter" else field

    def reads(self, parts: tuple[int, ...]) -> int:
        """Low bits that hold the fields of some components."""
        return max((self.shift[j] + _width(self.components[j]) for j in parts), default=0)

    def field(self, k: int) -> int:
        """The bits of component k."""
        return ((1 << _width(self.components[k])) - 1) << self.shift[k]

    def code(self, k: int, value: int) -> int:
        """A value of component k in its field: counters modulo the field's size."""
        return (value << self.shift[k]) & self.field(k)

    def entries(
        self, classes: int, reads: int, parts: tuple[int, ...], table: Any, default: tuple[int, ...]
    ) -> NDArray[np.int64]:
        """The values of a table (class, values of parts) -> integers, for every class and every low pattern of bits.

        Raises:
            LimitError: the table would be too large.
        """
        if classes << reads > ENTRIES:
            raise LimitError("entries of a gate table", classes << reads, ENTRIES)
        sizes = [1 << _width(self.components[j]) for j in parts]
        dense = np.empty((classes, *sizes, len(default)), np.int64)
        dense[...] = default
        for key, value in table.items():
            codes = tuple(self.code(j, v) >> self.shift[j] for j, v in zip(parts, key[1:], strict=True))
            dense[(key[0], *codes)] = value
        low = np.arange(1 << reads)
        index: tuple[Any, ...] = tuple((low & self.field(j)) >> self.shift[j] for j in parts)
        picked = dense[(slice(None), *index)] if parts else np.repeat(dense[:, None], 1 << reads, 1)
        return picked.reshape(classes << reads, len(default))


def lower_bits(cascade: Cascade) -> BitMachine:
    """The cascade of a language (recognise mode) over packed bits; the output is 1 after a word of the language.

    Raises:
        TargetError: the cascade is one of predict mode, or counts with saturation.
        LimitError: more than 64 bits of state, or a table that is too large. The automaton's table is then the way.
    """
    from ssmc.kernels.machine import BitMachine, Layer

    if cascade.mode != "recognise":
        raise TargetError("the fast path answers membership: compile in recognise mode")
    if any(component.saturating for component in cascade.components):
        raise TargetError("the fast path has no saturating counters")
    layout = _Layout(cascade)
    if layout.bits > 64:
        raise LimitError("bits of state", layout.bits, 64)
    classes = cascade.automaton.classes
    layers = []
    for depth in range(1, max(layout.depth, default=0) + 1):
        members = [k for k, d in enumerate(layout.depth) if d == depth]
        reads = max((layout.reads(cascade.components[k].depends_on) for k in members), default=0)
        keep = np.full(classes << reads, 0xFFFFFFFFFFFFFFFF, np.uint64)
        add = np.zeros(classes << reads, np.uint64)
        own = 0
        for k in members:
            component = cascade.components[k]
            table = {
                key: (action.mul, layout.code(k, action.add) >> layout.shift[k])
                for key, action in component.affine.items()
            }
            actions = layout.entries(classes, reads, component.depends_on, table, (1, 0))
            field = layout.field(k)
            own |= field
            keep &= np.where(actions[:, 0] == 1, np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(~field & 0xFFFFFFFFFFFFFFFF))
            add |= actions[:, 1].astype(np.uint64) << np.uint64(layout.shift[k])
        layers.append(Layer(reads, own, keep, add))
    accepts = {
        key: (int(cascade.readout.outputs[outcome].accepting),) for key, outcome in cascade.readout.table.items()
    }
    reads = layout.reads(layout.head)
    output = layout.entries(classes, reads, cascade.readout.depends_on, accepts, (0,))[:, 0].astype(np.uint8)
    if cascade.latch is not None:
        output[(np.arange(len(output)) & layout.field(cascade.latch)) != 0] = 0
    machine = BitMachine(
        classes=symbol_classes(cascade.automaton),
        class_count=classes,
        bits=layout.bits,
        tops=layout.tops,
        layers=tuple(layers),
        reads=reads,
        after=False,
        output=output,
    )
    machine.check()
    return machine


def symbol_classes(automaton: Automaton) -> NDArray[np.uint8]:
    """The class of each symbol of the alphabet.

    Raises:
        LimitError: more than 256 symbols or classes.
    """
    size = automaton.alphabet.size
    if size > 256:
        raise LimitError("symbols of the fast path", size, 256)
    return np.array([automaton.alphabet.class_of(x) for x in range(size)], np.uint8)


def lower_automaton(automaton: Automaton) -> DfaMachine:
    """The complete automaton (a sink for what is undefined) by symbols; the output is 1 in accepting states.

    Raises:
        LimitError: more than 256 symbols.
    """
    from ssmc.kernels.dfa import DfaMachine

    sink = automaton.states
    classes = symbol_classes(automaton)
    table = np.full((sink + 1, automaton.classes), sink, np.int32)
    for q, row in enumerate(automaton.delta):
        for c, r in enumerate(row):
            if r >= 0:
                table[q, c] = r
    accepting = np.array([q in automaton.accepting for q in range(sink + 1)], np.uint8)
    machine = DfaMachine(np.ascontiguousarray(table[:, classes]), accepting, 0)
    machine.check()
    return machine
