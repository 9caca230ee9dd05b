"""The product of a cascade's interpreter with its automaton, explored many states at a time; `check_cascade` is its slow twin."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.ir import HOLD
from ssmc.cascade.lettered import Lettered
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import AnyAction, Cascade, Component, Key, Output

    Integers = NDArray[np.int64]

_BATCH = 1 << 18
"""Product states times classes that are stepped at a time."""
_BITS = 62
_NOTHING = -1
"""What a lookup gives where a table has no entry."""
_OUTSIDE = -(1 << 62)
"""The value after an action that would leave the range of values."""


@dataclass(frozen=True)
class _Table:
    """A table as sorted codes of (class, values read), and the number of the label of each."""

    reads: tuple[int, ...]
    lows: tuple[int, ...]
    sizes: tuple[int, ...]
    codes: Integers
    labels: Integers

    @staticmethod
    def of(table: Mapping[Key, int], reads: Sequence[int], components: Sequence[Component]) -> _Table:
        """The table of a component or of the readout, labels numbered."""
        lows, sizes = [components[j].low for j in reads], [components[j].size for j in reads]
        keys = np.array(list(table), dtype=np.int64).reshape(len(table), 1 + len(reads))
        code = keys[:, 0]
        for place, (low, size) in enumerate(zip(lows, sizes, strict=True), 1):
            code = code * size + (keys[:, place] - low)
        order = np.argsort(code)
        labels = np.fromiter(table.values(), dtype=np.int64, count=len(table))
        return _Table(tuple(reads), tuple(lows), tuple(sizes), code[order], labels[order])

    def fits(self, classes: int) -> bool:
        """Whether codes are below 2^62."""
        return (classes * prod(self.sizes)).bit_length() <= _BITS

    def look_up(self, classes: Integers, values: Integers) -> Integers:
        """(N,): the labels for classes (N,) and values (N, K), `_NOTHING` where there is no entry."""
        code = classes
        for j, low, size in zip(self.reads, self.lows, self.sizes, strict=True):
            code = code * size + (values[:, j] - low)
        if not len(self.codes):
            return np.full(len(code), _NOTHING, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.codes, code), len(self.codes) - 1)
        return np.where(self.codes[place] == code, self.labels[place], _NOTHING)


@dataclass(frozen=True)
class _Steps:
    """A table that sees the class and some values through a letter, as two tables."""

    letters: _Table
    rows: _Table

    @staticmethod
    def of(table: Lettered[int], reads: Sequence[int], components: Sequence[Component]) -> _Steps:
        """The table of a component or of the readout, labels numbered."""
        letters = _Table.of(table.letters, reads[: table.width], components)
        return _Steps(letters, _Table.of(table.by_letter, reads[table.width :], components))

    def fits(self, classes: int) -> bool:
        """Whether codes are below 2^62."""
        return self.letters.fits(classes) and self.rows.fits(1 + int(self.letters.labels.max(initial=0)))

    def look_up(self, classes: Integers, values: Integers) -> Integers:
        """(N,): the labels for classes (N,) and values (N, K), `_NOTHING` where there is no entry."""
        letter = self.letters.look_up(classes, values)
        return np.where(letter == _NOTHING, _NOTHING, self.rows.look_up(letter.clip(0), values))


def _table_of(table: Mapping[Key, int], reads: Sequence[int], components: Sequence[Component]) -> _Table | _Steps:
    if isinstance(table, Lettered):
        return _Steps.of(table, reads, components)
    return _Table.of(table, reads, components)


def product_states(cascade: Cascade, expected: Sequence[Output], *, limit: int) -> int | None:
    """The number of product states if every one answers as expected, or None where something is wrong or numbers are too large.

    Args:
        cascade: a checked cascade.
        expected: the output asked for after a prefix that leads to each state; the last one is that of `DEAD`.
        limit: the most product states.

    Raises:
        LimitError: there are more.
    """
    product = _Product(cascade, expected)
    return product.run(limit) if product.fits else None


class _Product:
    """The working state of one exploration."""

    def __init__(self, cascade: Cascade, expected: Sequence[Output]) -> None:
        self.cascade = cascade
        automaton, components = cascade.automaton, cascade.components
        self.classes = automaton.classes
        self.tables: list[_Table | _Steps] = []
        self.actions: list[Integers] = []
        for component in components:
            table, after = _actions(component)
            self.tables.append(_table_of(table, component.depends_on, components))
            self.actions.append(after)
        readout = cascade.readout
        self.readout = _table_of(readout.table, readout.depends_on, components)
        number = {output: i for i, output in enumerate(readout.outputs)}
        # an output that is asked for and does not exist is no label
        self.expected = np.array([number.get(output, -2) for output in expected], dtype=np.int64)
        self.after = np.array([*automaton.delta, (DEAD,) * self.classes], dtype=np.int64)
        self.after = self.after.reshape(automaton.states + 1, self.classes)
        self.lows = np.array([component.low for component in components], dtype=np.int64)
        self.sizes = [automaton.states + 1, *(component.size for component in components)]
        self.fits = prod(self.sizes).bit_length() <= _BITS
        self.fits &= all(table.fits(self.classes) for table in (*self.tables, self.readout))

    def run(self, limit: int) -> int | None:
        """Level by level."""
        cascade = self.cascade
        start = 0 if cascade.automaton.states else DEAD
        if cascade.readout.initial != self.expected[start]:
            return None
        frontier = np.array([[start, *cascade.initial]], dtype=np.int64)
        seen = self.encode(frontier)
        stride = max(1, _BATCH // max(1, self.classes))
        while len(frontier) and not (cascade.mode == "predict" and start == DEAD):
            parts = []
            for first in range(0, len(frontier), stride):
                part = self.advance(frontier[first : first + stride])
                if part is None:
                    return None
                parts.append(part)
            fresh = np.setdiff1d(np.unique(np.concatenate(parts)), seen, assume_unique=True)
            seen = np.union1d(seen, fresh)
            if len(seen) > limit:
                raise LimitError("product states of the cascade", len(seen), limit, "--context-limit")
            frontier = self.decode(fresh)
        return len(seen)

    def advance(self, rows: Integers) -> Integers | None:
        """The codes of what follows some product states, or None where an answer is wrong or a table lacks an entry."""
        cascade = self.cascade
        before = np.repeat(rows, self.classes, axis=0)
        classes = np.tile(np.arange(self.classes), len(rows))
        states = self.after[before[:, 0], classes]
        if cascade.mode == "predict":
            live = states != DEAD
            before, classes, states = before[live], classes[live], states[live]
        values = before[:, 1:]
        moved = np.concatenate([states[:, None], values], axis=1)
        latch = cascade.latch
        running = np.ones(len(values), dtype=bool) if latch is None else values[:, latch] == 0
        if (self.expected[states[~running]] != self.expected[DEAD]).any():
            return None
        classes, values = classes[running], values[running]
        if (self.readout.look_up(classes, values) != self.expected[states[running]]).any():
            return None
        if latch is not None:
            # the step that sets the latch freezes the rest
            label = self.tables[latch].look_up(classes, values)
            if (label == _NOTHING).any():
                return None
            after = self.actions[latch][label, values[:, latch]]
            where = np.flatnonzero(running)
            moved[where, 1 + latch] = after
            running[where] = after == 0
            classes, values = classes[after == 0], values[after == 0]
        for k, (table, actions) in enumerate(zip(self.tables, self.actions, strict=True)):
            label = table.look_up(classes, values)
            after = actions[label, values[:, k] - self.lows[k]]
            if (label == _NOTHING).any() or (after == _OUTSIDE).any():
                return None
            moved[running, 1 + k] = after
        return np.unique(self.encode(moved))

    def encode(self, rows: Integers) -> Integers:
        """(N,): the code of each product state."""
        code = rows[:, 0] + 1
        for k, size in enumerate(self.sizes[1:]):
            code = code * size + (rows[:, 1 + k] - self.lows[k])
        return code

    def decode(self, codes: Integers) -> Integers:
        """The rows with the given codes."""
        columns = []
        for k in range(len(self.sizes) - 2, -1, -1):
            columns.append(codes % self.sizes[1 + k] + self.lows[k])
            codes = codes // self.sizes[1 + k]
        columns.append(codes - 1)
        return np.stack(columns[::-1], axis=1)


def _actions(component: Component) -> tuple[Mapping[Key, int], Integers]:
    """The table with its actions numbered, and the value after each action from each value (`_OUTSIDE` where it leaves the range)."""
    number: dict[AnyAction, int] = {}
    table: Mapping[Key, int]
    if isinstance(component.table, Lettered):
        table = component.table.relabelled(lambda action: number.setdefault(action, len(number)))
    else:
        table = {key: number.setdefault(action, len(number)) for key, action in component.table.items()}
    rows = [[_apply(component, action, value) for value in component.values] for action in number or (HOLD,)]
    return table, np.array(rows, dtype=np.int64)


def _apply(component: Component, action: AnyAction, value: int) -> int:
    try:
        return component.apply(action, value)
    except InvariantError:
        return _OUTSIDE
