"""The tables of a machine of packed bits as the kernels gather from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from ssmc.kernels.machine import BitMachine

DIRECT_LIMIT = 4096
"""Entries that the tables by symbol may have."""


@dataclass(frozen=True)
class Places:
    """The fields of layer 0 that no symbol resets, and the table of what each symbol adds to them, side by side.

    Attributes:
        mask: the fields in the state; 0 if there are none.
        size: bytes of an entry.
        tops: as the kernels' TOPS (fields.py), of the fields side by side.
        masks: runs of fields that are neighbours in the state as well, in an entry.
        shifts: of each run, the shift to where it lies in the state.
        words: 4-byte words of the table.
    """

    mask: int = 0
    size: int = 1
    tops: int | tuple[int, int] = -1
    masks: tuple[int, ...] = ()
    shifts: tuple[int, ...] = ()
    words: int = 1

    def constants(self) -> dict[str, object]:
        """The constants of `reduce_chunks`."""
        return {
            "SUMS": self.mask, "SUM_SIZE": self.size, "SUM_TOPS": self.tops, "MASKS": self.masks, "SHIFTS": self.shifts,
            "SUM_WORDS": self.words,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a machine on one device.

    Attributes:
        classes: uint8 (256,): the class of each symbol.
        gates: entries of the joint tables of layers 0..d, one after the other.
        output: uint8: for each value of the low bits of the state a row of symbols or classes (before the symbol) or one output
            (after it); filled up to whole words.
        truth: where the output is a bit that the lowest five bits of the state after the symbol tell: for each value of them that bit.
        reads: for each d, how many low bits of the state the table is indexed by; each value has a row of symbols or classes.
        offsets: for each d, the first entry.
        sizes: for each d, the number of entries.
        owns: for each layer, the bits that it writes.
        known: for each d, the bits that layers 0..d write.
        half: bits of keep and of add in an entry.
        wide: whether a state takes 64 bits.
        tops: as the kernels' TOPS (fields.py).
        symbols: rows of tables that are indexed by symbols, a power of two; 0 where they are indexed by classes.
        sums: what each symbol adds to the fields that no symbol resets, in layer 0.
        places: of `sums`.
    """

    classes: Tensor
    gates: Tensor
    output: Tensor
    truth: int | None
    reads: tuple[int, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    owns: tuple[int, ...]
    known: tuple[int, ...]
    half: int
    wide: bool
    tops: int | tuple[int, int]
    symbols: int
    sums: Tensor
    places: Places

    @property
    def row(self) -> int:
        """Symbols or classes a row."""
        return self.sizes[0] >> self.reads[0]

    @property
    def bytes(self) -> int:
        """Of the gates."""
        return self.gates.numel() * self.gates.element_size()

    @property
    def word(self) -> torch.dtype:
        """The dtype of a state."""
        return torch.int64 if self.wide else torch.int32


def signed(value: int, bits: int) -> int:
    """The value of a word of `bits` bits as a signed integer."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def kernel_tops(tops: int, sticky: int, bits: int, width: int) -> int | tuple[int, int]:
    """The tops of fields as the kernels take them (fields.py), in words of `width` bits of which `bits` are in use."""
    every = (1 << bits) - 1
    if sticky:
        return signed(tops | ~every, width), signed(sticky, width)
    return -1 if tops & every == every else signed(tops | ~every, width)


def never_reset(machine: BitMachine, width: int) -> tuple[np.ndarray[Any, Any], Places]:
    """What each class adds to the fields of layer 0 that no class resets, side by side, and where they lie.

    The map of a stretch in these fields is a sum, in whatever order. No more than 32 bits of them are taken.
    """
    none = np.zeros(machine.class_count, np.uint8), Places()
    if not machine.layers or machine.layers[0].reads:
        return none
    layer = machine.layers[0]
    kept = int(np.bitwise_and.reduce(layer.keep)) & layer.own
    ends = [k for k in range(machine.bits) if machine.tops >> k & 1]
    runs: list[tuple[int, int, int]] = []  # lowest bit, number of bits, where they go
    tops = sticky = mask = total = 0
    for low, high in ((last + 1, top) for last, top in pairwise([-1, *ends])):
        size = high - low + 1
        field = ((1 << size) - 1) << low
        if kept & field != field or total + size > 32:
            continue
        if runs and sum(runs[-1][:2]) == low:
            runs[-1] = runs[-1][0], runs[-1][1] + size, runs[-1][2]
        else:
            runs.append((low, size, total))
        tops |= 1 << (total + size - 1)
        sticky |= (machine.sticky >> high & 1) << (total + size - 1)
        mask |= field
        total += size
    if not total:
        return none
    size = 1 if total <= 8 else 2 if total <= 16 else 4
    adds = np.zeros(machine.class_count, np.uint64)
    for low, bits, place in runs:
        adds |= (layer.add >> np.uint64(low) & np.uint64((1 << bits) - 1)) << np.uint64(place)
    narrow = adds.astype({1: np.uint8, 2: np.uint16, 4: np.uint32}[size]).view(
        {1: np.uint8, 2: np.int16, 4: np.int32}[size]
    )
    masks = tuple(signed(((1 << bits) - 1) << place, width) for _, bits, place in runs)
    shifts = tuple(low - place for low, _, place in runs)
    return narrow, Places(signed(mask, width), size, kernel_tops(tops, sticky, total, 32), masks, shifts)


def build_tables(machine: BitMachine, device: torch.device) -> Tables:
    """Joint gate tables for each depth, entries as narrow as the state allows: less memory a gather."""
    depth = max(1, len(machine.layers))
    joint = [machine.joint(d + 1) for d in range(depth)]
    half = next(h for h in (16, 32, 64) if machine.bits <= h)
    wide = half == 64
    # tables by symbol spare the look-up of its class, if they stay small
    widest = max(layer.reads for layer in joint)
    rows = 1 << (len(machine.classes) - 1).bit_length()
    direct = rows << widest <= max(DIRECT_LIMIT, machine.class_count << widest)
    # a byte outside of the alphabet reads some entry, never memory beyond the table; callers refuse such bytes
    symbols = np.pad(machine.classes, (0, 256 - len(machine.classes))).astype(np.int64)
    row = symbols[:rows] if direct else np.arange(machine.class_count)

    def spread(table: np.ndarray[Any, Any], reads: int) -> np.ndarray[Any, Any]:
        """A table by class and low bits as one of rows of symbols or classes."""
        listed: np.ndarray[Any, Any] = table[((row[None, :] << reads) | np.arange(1 << reads)[:, None]).reshape(-1)]
        return listed

    output = machine.output if machine.after else spread(machine.output, machine.reads)
    truth = None
    if machine.after and machine.reads <= 5 and (machine.output <= 1).all():
        truth = signed(sum(int(machine.output[k % (1 << machine.reads)]) << k for k in range(32)), 32)
    parts: list[np.ndarray[Any, Any]] = []
    offsets = []
    for layer in joint:
        keep, add = spread(layer.keep, layer.reads), spread(layer.add, layer.reads)
        offsets.append(sum(part.size for part in parts))
        if wide:
            parts.append(np.concatenate([keep, add]).view(np.int64))
        else:
            mask = np.uint64((1 << half) - 1)
            entry = (keep & mask) | ((add & mask) << np.uint64(half))
            parts.append(entry.astype({16: np.uint32, 32: np.uint64}[half]).view(f"i{half // 4}"))
    width = 64 if wide else 32
    below = [sum(part.own for part in machine.layers[: d + 1]) for d in range(depth)]
    own = [part.own for part in machine.layers] or [0]
    narrow, places = never_reset(machine, width)
    sums = spread(narrow, 0).tobytes()
    sums += bytes(-len(sums) % 4)
    return Tables(
        classes=torch.from_numpy(symbols.astype(np.uint8)).to(device),
        gates=torch.from_numpy(np.concatenate(parts)).to(device),
        output=torch.from_numpy(np.pad(output, (0, -len(output) % 4))).to(device),
        truth=truth,
        reads=tuple(layer.reads for layer in joint),
        offsets=tuple(offsets),
        sizes=tuple(len(row) << layer.reads for layer in joint),
        owns=tuple(signed(x, width) for x in own),
        known=tuple(signed(x, width) for x in below),
        half=half,
        wide=wide,
        tops=kernel_tops(machine.tops, machine.sticky, machine.bits, width),
        symbols=rows if direct else 0,
        sums=torch.frombuffer(bytearray(sums), dtype=torch.from_numpy(narrow).dtype).to(device),
        places=replace(places, words=len(sums) // 4),
    )


_TABLES: WeakKeyDictionary[BitMachine, dict[torch.device, Tables]] = WeakKeyDictionary()


def tables_of(machine: BitMachine, device: torch.device) -> Tables:
    """The tables on a device, built once."""
    kept = _TABLES.setdefault(machine, {})
    if device not in kept:
        kept[device] = build_tables(machine, device)
    return kept[device]
