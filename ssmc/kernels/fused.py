"""Launches the fused kernel of packed bits: tables on the device, strings as one flat stream, a padded tail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
import triton
from torch import Tensor

from ssmc.errors import InputError
from ssmc.kernels.bit_chunks import deepen_chunks, reduce_chunks, run_chunks

if TYPE_CHECKING:
    from ssmc.kernels.machine import BitMachine

Output = Literal["bytes", "bits", "none"]
DIRECT_LIMIT = 4096
"""Entries that the tables by symbol may have."""
LONGEST = 1 << 30
"""Strings of this length and more are run one by one."""


class Answer(NamedTuple):
    """What a run returns: outputs in the shape of the tokens (None if not asked for) and the states (B,) at the end."""

    outputs: Tensor | None
    states: Tensor


@dataclass(frozen=True)
class Cut:
    """How a launch is cut: threads a program, 16 * parts tokens a thread and tile, most chunks (one program each)."""

    threads: int = 128
    parts: int = 2
    chunks: int = 792
    warps: int = 4
    registers: int = 0

    @property
    def tile(self) -> int:
        """Tokens a tile."""
        return self.threads * self.parts * 16


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a machine as the kernel gathers from them, on one device."""

    classes: Tensor
    gates: Tensor
    output: Tensor
    reads: tuple[int, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    owns: tuple[int, ...]
    known: tuple[int, ...]
    half: int
    wide: bool
    tops: int | tuple[int, int]
    direct: bool

    @property
    def word(self) -> torch.dtype:
        """The dtype of a state."""
        return torch.int64 if self.wide else torch.int32


def signed(value: int, bits: int) -> int:
    """The value of a word of `bits` bits as a signed integer."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def build_tables(machine: BitMachine, device: torch.device) -> Tables:
    """Joint gate tables for each depth, entries as narrow as the state allows: fewer cache lines a gather."""
    depth = max(1, len(machine.layers))
    joint = [machine.joint(d + 1) for d in range(depth)]
    half = next(h for h in (8, 16, 32, 64) if machine.bits <= h)
    wide = half == 64
    # tables by symbol spare the look-up of its class, if what a text touches of them stays in the first-level cache
    widest = max(layer.reads for layer in joint)
    direct = widest <= 8 and len(machine.classes) << widest <= DIRECT_LIMIT
    # a byte outside of the alphabet reads some entry, never memory beyond the table; callers refuse such bytes
    symbols = np.pad(machine.classes, (0, 256 - len(machine.classes))).astype(np.int64)

    def spread(table: np.ndarray[Any, Any], reads: int) -> np.ndarray[Any, Any]:
        """A table by class as one by symbol."""
        return table[((symbols[:, None] << reads) | np.arange(1 << reads)).reshape(-1)] if direct else table

    output = machine.output if machine.after else spread(machine.output, machine.reads)
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
            parts.append(entry.astype({8: np.uint16, 16: np.uint32, 32: np.uint64}[half]).view(f"i{half // 4}"))
    width = 64 if wide else 32
    sums = [sum(part.own for part in machine.layers[: d + 1]) for d in range(depth)]
    own = [part.own for part in machine.layers] or [0]
    every = (1 << machine.bits) - 1
    tops: int | tuple[int, int] = -1 if machine.simple else signed(machine.tops | ~every, width)
    if machine.sticky:
        tops = (signed(machine.tops | ~every, width), signed(machine.sticky, width))
    return Tables(
        classes=torch.from_numpy(symbols.astype(np.uint8)).to(device),
        gates=torch.from_numpy(np.concatenate(parts)).to(device),
        output=torch.from_numpy(np.ascontiguousarray(output)).to(device),
        reads=tuple(layer.reads for layer in joint),
        offsets=tuple(offsets),
        sizes=tuple(256 << layer.reads if direct else layer.keep.size for layer in joint),
        owns=tuple(signed(x, width) for x in own),
        known=tuple(signed(x, width) for x in sums),
        half=half,
        wide=wide,
        tops=tops,
        direct=direct,
    )


_TABLES: WeakKeyDictionary[BitMachine, dict[torch.device, Tables]] = WeakKeyDictionary()


def tables_of(machine: BitMachine, device: torch.device) -> Tables:
    """The tables on a device, built once."""
    kept = _TABLES.setdefault(machine, {})
    if device not in kept:
        kept[device] = build_tables(machine, device)
    return kept[device]


def run_fused(
    machine: BitMachine,
    tokens: Tensor,
    states: Tensor | None = None,
    *,
    output: Output = "bytes",
    final: bool = True,
    cut: Cut | None = None,
) -> Answer:
    """Runs uint8 tokens (B, T), T > 0, whose values are below the number of symbols, through the fused kernel.

    Args:
        machine: The tables.
        tokens: Symbols (B, T), contiguous; not checked (`Runner` does).
        states: State (B,) that enters each string; zero when absent.
        output: A byte a token, a bit a token (16 a word of int16, for the whole stream) or none.
        final: Whether the states at the end are wanted where B > 1 (they cost a test a token).
        cut: Sizes; chosen when absent.

    Raises:
        InputError: If the tokens are not uint8.
    """
    if tokens.dtype != torch.uint8:
        raise InputError(f"the fused kernel reads uint8 tokens, not {tokens.dtype}")
    tables = tables_of(machine, tokens.device)
    cut = cut or Cut(parts=1 if tables.wide else 2, chunks=528 if tables.half > 16 or len(tables.reads) > 1 else 792)
    rows, length = tokens.shape
    if rows > 1 and length >= LONGEST:
        return _one_by_one(machine, tokens, states, output, cut)
    count = rows * length
    flat = tokens.reshape(-1)
    if flat.data_ptr() % 16:
        flat = flat.clone()
    single = rows == 1
    final = final and not single
    tile = cut.tile
    whole = count - count % tile
    device = tokens.device
    starts = torch.zeros(1, dtype=tables.word, device=device) if states is None else states.to(tables.word)
    end = torch.empty(1, dtype=tables.word, device=device)
    finals = torch.empty(rows, dtype=tables.word, device=device) if final else end
    padded = triton.cdiv(count, 16) * 16
    outputs = torch.empty(padded // 8 if output == "bits" else padded, dtype=torch.uint8, device=device)
    word = torch.int16 if output == "bits" else torch.int32
    depth = len(tables.reads)
    per = 16 * cut.parts
    strings = "none" if single else "aligned" if length % per == 0 else "long" if length > per else "short"
    fixed = {
        "READS": tables.reads, "OFFSETS": tables.offsets, "SIZES": tables.sizes, "OWNS": tables.owns, "KNOWN": tables.known,
        "HALF": tables.half, "TOPS": tables.tops, "DIRECT": tables.direct, "STRINGS": strings,
        "STARTS": states is not None and not single, "NG": cut.threads, "PARTS": cut.parts, "ASM": tokens.is_cuda,
        "num_warps": cut.warps,
    }  # fmt: skip
    if cut.registers and tokens.is_cuda:
        fixed["maxnreg"] = cut.registers
    literal = machine.after and machine.reads <= 5 and bool((machine.output <= 1).all())
    truth = sum(int(machine.output[k % (1 << machine.reads)]) << k for k in range(32)) if literal else 0
    says = {"OUT_READS": machine.reads, "AFTER": machine.after, "OUT": output, "FINAL": final, "LITERAL": literal}

    def run(text: Tensor, out: Tensor, entering: Tensor, first: int, amount: int) -> None:
        tiles = triton.cdiv(amount, tile)
        each = triton.cdiv(tiles, cut.chunks)
        chunks = triton.cdiv(tiles, each)
        maps = torch.empty(2, depth, chunks, dtype=tables.word, device=device)
        window = triton.next_power_of_2(chunks)
        if chunks > 1:
            done = torch.empty(chunks, dtype=torch.int32, device=device)
            data = text, tables.classes, tables.gates
            reduce_chunks[(chunks,)](*data, starts, maps[0], maps[1], done, each, tiles, length, **fixed, DEPTH=depth)
            for layer in range(1, depth):
                deepen_chunks[(chunks,)](
                    *data,
                    entering,
                    starts,
                    maps[0],
                    maps[1],
                    done,
                    each,
                    tiles,
                    length,
                    **fixed,
                    LAYER=layer,
                    CHUNKS=window,
                )
        run_chunks[(chunks,)](
            text, tables.classes, tables.gates, tables.output, entering, starts, out, finals, end, maps[0], maps[1], first,
            amount, each, tiles, length, signed(truth, 32), **fixed, **says, DEPTH=depth, CHUNKS=window,
            WHOLE=amount % tile == 0,
        )  # fmt: skip

    with torch.cuda.device(device if tokens.is_cuda else -1):
        if whole:
            out = outputs[: whole // 8] if output == "bits" else outputs[:whole]
            run(flat[:whole].view(torch.int32), out.view(word), starts[:1], 0, whole)
        if whole < count:
            rest = torch.zeros(tile, dtype=torch.uint8, device=device)
            rest[: count - whole] = flat[whole:]
            out = outputs[whole // 8 if output == "bits" else whole :]
            run(rest.view(torch.int32), out.view(word), end.clone() if whole else starts[:1], whole, count - whole)
    shaped = (
        None if output == "none" else outputs.view(word) if output == "bits" else outputs[:count].view(rows, length)
    )
    return Answer(shaped, finals if final or single else finals[:0])


def _one_by_one(machine: BitMachine, tokens: Tensor, states: Tensor | None, output: Output, cut: Cut) -> Answer:
    """A run of each string on its own.

    Raises:
        InputError: If a bit a token is asked for: the strings would not begin at whole words.
    """
    if output == "bits":
        raise InputError("a bit a token is given for one string, or for strings below 2^30 tokens")
    answers = [
        run_fused(machine, tokens[k : k + 1], None if states is None else states[k : k + 1], output=output, cut=cut)
        for k in range(len(tokens))
    ]
    outputs = [answer.outputs for answer in answers if answer.outputs is not None]
    return Answer(torch.cat(outputs) if outputs else None, torch.cat([answer.states for answer in answers]))
