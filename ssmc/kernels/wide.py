"""Cascades of any width, depth and alphabet in torch operations on any device: one column of values (B, T) a component.

A component's map holds or overwrites, then adds. Over a stretch of time its value is what the last overwriting wrote (a
running maximum of positions finds it), plus the additions since (a difference of running sums): no loop over time, no
packing, and no limit on bits, on symbols or on what a table reads. A saturating counter only adds upwards, so its value
is the unbounded sum, cut off; a rotation's is the sum modulo its size. Arbitrary maps on a column are composed by doubling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ssmc.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ssmc.kernels.description import Description, Key

DENSE = 1 << 22
"""Entries of a table that is stored in full; a larger one is stored as sorted keys."""
WIDEST = 1 << 40
"""The most keys of one stage of a sparse table."""
STRETCH = {"cpu": 1 << 16, "cuda": 1 << 22}
"""Symbols (B * T) of one stretch: bounds the memory of a long input."""


@dataclass(frozen=True, eq=False)
class Stage:
    """A step of a lookup: an identifier and the values of some columns become an entry number.

    Attributes:
        reads: the columns.
        lows: the least value of each.
        tops: the greatest value of each.
        strides: what one step of the identifier, then of each column, adds to the key.
        keys: int64, ascending: the keys that have an entry, and after them comes the entry of all others; None where keys
            are the entries.
    """

    reads: tuple[int, ...]
    lows: tuple[int, ...]
    tops: tuple[int, ...]
    strides: tuple[int, ...]
    keys: NDArray[np.int64] | None


@dataclass(frozen=True, eq=False)
class Table:
    """A function of the class and the values of some columns.

    Attributes:
        stages: lookups; the identifier of the first is the class, that of a later one the entry found before it.
        values: int32 (entries, width).
    """

    stages: tuple[Stage, ...]
    values: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Column:
    """A component: its table of actions.

    Attributes:
        gates: by class and earlier columns: (mul, add), or where `maps` the images of all values.
        top: where a saturating counter stops; None for any other component.
        modulus: what values are taken modulo, if anything.
        counts: whether it ever adds.
        constant: whether it overwrites at every symbol.
        maps: whether actions are arbitrary maps.
    """

    gates: Table
    top: int | None
    modulus: int | None
    counts: bool
    constant: bool
    maps: bool


@dataclass(frozen=True, eq=False)
class ColumnMachine:
    """A cascade as columns.

    Attributes:
        classes: int32 (symbols): the class of each symbol.
        columns: dependencies first.
        output: the answer to a symbol, by its class and the columns before it.
        latch: the column under which every answer is `dead`.
        dead: that answer.
    """

    classes: NDArray[np.int32]
    columns: tuple[Column, ...]
    output: Table
    latch: int | None
    dead: int


def build_table(
    description: Description, reads: Sequence[int], table: Mapping[Key, Sequence[int]], default: Sequence[int]
) -> Table:
    """The table (class, values of `reads`) -> integers, `default` elsewhere."""
    parts = description.parts or ()
    groups: list[list[int]] = [[]]
    size = description.class_count
    for j in reads:
        if size * parts[j].size > WIDEST:
            groups.append([])
            size = len(table) + 1
        groups[-1].append(j)
        size *= parts[j].size
    numbers = np.array([key[0] for key in table], np.int64)
    columns = {j: np.array([key[1 + place] for key in table], np.int64) for place, j in enumerate(reads)}
    values = np.array([*table.values(), default], np.int64).reshape(len(table) + 1, -1).astype(np.int32)
    stages = []
    for place, group in enumerate(groups):
        sizes = [parts[j].size for j in group]
        strides = [int(np.prod(sizes[k:], dtype=np.int64)) for k in range(len(sizes) + 1)]
        lows = tuple(parts[j].low for j in group)
        keys = numbers * strides[0]
        for j, low, stride in zip(group, lows, strides[1:], strict=True):
            keys += (columns[j] - low) * stride
        tops = tuple(parts[j].low + parts[j].size - 1 for j in group)
        total = description.class_count * strides[0]
        if len(groups) == 1 and total <= DENSE:
            dense = np.empty((total, values.shape[1]), np.int32)
            dense[:] = values[-1]
            dense[keys] = values[:-1]
            return Table((Stage(tuple(group), lows, tops, tuple(strides), None),), dense)
        known, numbers = np.unique(keys, return_inverse=True)
        stages.append(Stage(tuple(group), lows, tops, tuple(strides), known))
        if place == len(groups) - 1:
            last = np.empty((len(known) + 1, values.shape[1]), np.int32)
            last[numbers] = values[:-1]
            last[-1] = values[-1]
            values = last
    return Table(tuple(stages), values)


def build_columns(description: Description) -> ColumnMachine:
    """The columns of a described cascade; its answers are outcomes.

    Raises:
        InvariantError: it has no cascade.
    """
    whole = description.streaming
    if whole.parts is None:
        raise InvariantError("a language without a cascade has no columns")
    columns = []
    for part in whole.parts:
        constant = not part.maps and bool(part.table) and all(mul == 0 for mul, _ in part.table.values())
        columns.append(
            Column(
                gates=build_table(whole, part.reads, part.table, (0, 0) if constant else part.hold),
                top=part.low + part.size - 1 if part.saturating else None,
                modulus=part.modulus,
                counts=part.counts,
                constant=constant,
                maps=part.maps,
            )
        )
    output = build_table(whole, whole.reads, {key: (x,) for key, x in whole.table.items()}, (whole.dead,))
    return ColumnMachine(whole.classes, tuple(columns), output, whole.latch, whole.dead)


class Lookup:
    """A table on one device."""

    def __init__(self, table: Table, device: torch.device) -> None:
        self.stages = [
            (stage, None if stage.keys is None else torch.from_numpy(stage.keys).to(device)) for stage in table.stages
        ]
        self.values = [torch.from_numpy(np.ascontiguousarray(column)).to(device) for column in table.values.T]

    def entries(self, classes: Tensor, columns: Sequence[Tensor]) -> Tensor:
        """The flat entry numbers for classes (B, T) and columns (B, T)."""
        number = classes
        for stage, keys in self.stages:
            number = number if keys is None else number.long()
            key = number if stage.strides[0] == 1 else number * stage.strides[0]
            for j, low, top, stride in zip(stage.reads, stage.lows, stage.tops, stage.strides[1:], strict=True):
                # only a counter leaves its range, and only after the first error
                value = columns[j].clamp(low, top) if columns[j].dtype == torch.int64 else columns[j]
                key = torch.add(key, value - low if low else value, alpha=stride)
            number = key
            if keys is not None:
                place = torch.searchsorted(keys, key)
                known = keys[place.clamp(max=max(0, len(keys) - 1))] == key if len(keys) else place < 0
                number = torch.where(known, place, len(keys))
        return number.reshape(-1)

    def value(self, entries: Tensor, place: int, shape: torch.Size) -> Tensor:
        """One of the values of each entry, int32 in the given shape."""
        return self.values[place].index_select(0, entries).view(shape)


_LOOKUPS: WeakKeyDictionary[ColumnMachine, dict[torch.device, list[Lookup]]] = WeakKeyDictionary()


def _lookups(machine: ColumnMachine, device: torch.device) -> list[Lookup]:
    kept = _LOOKUPS.setdefault(machine, {})
    if device not in kept:
        tables = [*(column.gates for column in machine.columns), machine.output]
        kept[device] = [Lookup(table, device) for table in tables]
    return kept[device]


def run_columns(machine: ColumnMachine, tokens: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Answers (B, T) int32 and last states (B, columns) int64 of integer tokens (B, T) below the number of symbols.

    Args:
        machine: The tables.
        tokens: Symbols of any integer type.
        states: What an earlier piece of the strings returned; the start when absent.
    """
    rows, length = tokens.shape
    device = tokens.device
    state = torch.zeros(rows, len(machine.columns), dtype=torch.int64, device=device)
    state = state if states is None else states
    classes = torch.from_numpy(machine.classes).to(device)
    step = max(1, STRETCH["cuda" if tokens.is_cuda else "cpu"] // max(1, rows))
    parts = [torch.empty(rows, 0, dtype=torch.int32, device=device)]
    for start in range(0, length if rows else 0, step):
        piece = tokens[:, start : start + step]
        answer, state = _stretch(machine, classes.index_select(0, piece.reshape(-1).int()).view(piece.shape), state)
        parts.append(answer)
    return parts[1] if len(parts) == 2 else torch.cat(parts, 1).view(rows, length), state


def _stretch(machine: ColumnMachine, classes: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    lookups = _lookups(machine, classes.device)
    before: list[Tensor] = []
    last = []
    for k, (column, gates) in enumerate(zip(machine.columns, lookups, strict=False)):
        entries = gates.entries(classes, before)
        value, end = _scan(column, gates, entries, classes.shape, state[:, k])
        before.append(value)
        last.append(end)
    output = lookups[-1]
    answer = output.value(output.entries(classes, before), 0, classes.shape)
    if machine.latch is not None:
        answer = answer.masked_fill(before[machine.latch] != 0, machine.dead)
    return answer, torch.stack(last, 1) if last else state


def _scan(column: Column, gates: Lookup, entries: Tensor, shape: torch.Size, initial: Tensor) -> tuple[Tensor, Tensor]:
    """The values (B, T) before each symbol and those (B,) after the last one, which are int64."""
    if column.maps:
        return _compose(gates, entries, shape, initial)
    add = gates.value(entries, 1, shape)
    if column.constant:
        return torch.cat([initial[:, None].int(), add[:, :-1]], 1), add[:, -1].long()
    holds = gates.value(entries, 0, shape)
    place = torch.arange(1, shape[1] + 1, dtype=torch.int32, device=add.device)
    since = torch.cummax((1 - holds) * place, 1).values.long()
    if not column.counts:
        after = torch.cat([initial[:, None].int(), add], 1).gather(1, since)
        return torch.cat([initial[:, None].int(), after[:, :-1]], 1), after[:, -1].long()
    total = torch.cumsum(add * holds, 1)
    after = torch.cat([initial[:, None], add - total], 1).gather(1, since) + total
    if column.top is not None:
        after = after.clamp(max=column.top)
    if column.modulus is not None:
        after = after.remainder(column.modulus)
    return torch.cat([initial[:, None], after[:, :-1]], 1), after[:, -1]


def _compose(gates: Lookup, entries: Tensor, shape: torch.Size, initial: Tensor) -> tuple[Tensor, Tensor]:
    """As `_scan` for a column of arbitrary maps: prefixes of 1, 2, 4 ... symbols are composed."""
    maps = torch.stack([gates.value(entries, place, shape) for place in range(len(gates.values))], 2)
    reach = 1
    while reach < shape[1]:
        later = maps[:, reach:].gather(2, maps[:, :-reach].long())
        maps = torch.cat([maps[:, :reach], later], 1)
        reach *= 2
    after = maps.gather(2, initial[:, None, None].expand(-1, shape[1], 1))[..., 0]
    return torch.cat([initial[:, None].int(), after[:, :-1]], 1), after[:, -1].long()
