"""Launches the fused kernel of packed bits: tables on the device, strings as one flat stream, a padded tail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
import triton
from torch import Tensor

from ssmc.errors import InputError
from ssmc.kernels.bit_chunks import deepen_chunks, reduce_chunks, run_chunks
from ssmc.kernels.bit_tables import Places, Tables, tables_of

if TYPE_CHECKING:
    from ssmc.kernels.machine import BitMachine

Output = Literal["bytes", "bits", "none"]
STAGED_LIMIT = 46 * 1024
"""Bytes of tables that a program keeps in shared memory (of 48 KiB, some of which Triton needs)."""
SHARED_MEMORY = 227 * 1024
"""Bytes of a multiprocessor (of an H100)."""
PROCESSORS = 132
"""Multiprocessors (of an H100)."""
LONGEST = 1 << 30
"""Strings of this length and more are run one by one."""


class Answer(NamedTuple):
    """What a run returns: outputs in the shape of the tokens (None if not asked for) and the states (B,) at the end."""

    outputs: Tensor | None
    states: Tensor


@dataclass(frozen=True)
class Cut:
    """How a launch is cut: threads a program, 16 * parts tokens a thread and tile, most chunks (one program each).

    `room`: bytes of shared memory that copies of the tables may fill.
    """

    threads: int = 128
    parts: int = 2
    chunks: int = 792
    warps: int = 4
    registers: int = 0
    room: int = 16384

    @classmethod
    def of(cls, tables: Tables) -> Cut:
        """The best of a sweep (benchmarks/records/scan_sweeps.json).

        Copies of the tables pay for one layer alone: with more, each launch stages them, and there are no more chunks than run at once where
        tables fill the shared memory.
        """
        depth = len(tables.reads)
        if depth == 1:
            return cls(64, 2, 792, 2) if tables.wide else cls(chunks=1056)
        cut = cls(parts=1 if tables.wide else 2, chunks=660 if depth <= 4 else 528, room=0)
        held = SHARED_MEMORY // (cut.copies(tables) * tables.bytes + 2048)
        return replace(cut, chunks=min(cut.chunks, PROCESSORS * held))

    def copies(self, tables: Tables) -> int:
        """How many copies of the tables a program keeps in shared memory: up to 16, within `room` bytes; 0 if one is too large."""
        if tables.bytes > STAGED_LIMIT:
            return 0
        if tables.bytes <= 128:  # a bank for each word
            return 1
        return 1 << min(4, max(0, (self.room // tables.bytes).bit_length() - 1))

    @property
    def tile(self) -> int:
        """Tokens a tile."""
        return self.threads * self.parts * 16


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
    cut = cut or Cut.of(tables)
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
        "HALF": tables.half, "TOPS": tables.tops, "SYMBOLS": tables.symbols, "STRINGS": strings,
        "STARTS": states is not None and not single, "NG": cut.threads, "PARTS": cut.parts,
        "ENTRIES": tables.gates.numel(), "COPIES": cut.copies(tables) if tokens.is_cuda else 0, "ASM": tokens.is_cuda, "num_warps": cut.warps,
    }  # fmt: skip
    sums = (tables.places if single else Places()).constants()
    if cut.registers and tokens.is_cuda:
        fixed["maxnreg"] = cut.registers
    told = "truth" if tables.truth is not None else "after" if machine.after else "before"
    listed = output != "none" and tables.truth is None
    staged = listed and tokens.is_cuda and cut.copies(tables) * tables.bytes + len(tables.output) <= STAGED_LIMIT
    says = {
        "TOLD": told,
        "OUT_READS": machine.reads,
        "OUT_ROW": 1 if machine.after else tables.row,
        "OUT_WORDS": len(tables.output) // 4,
        "OUT_COPIES": 1 if staged else 0,
        "OUT": output,
        "FINAL": final,
    }

    def run(text: Tensor, out: Tensor, entering: Tensor, first: int, amount: int) -> None:
        tiles = triton.cdiv(amount, tile)
        each = triton.cdiv(tiles, cut.chunks)
        chunks = triton.cdiv(tiles, each)
        maps = torch.empty(4, depth, chunks, dtype=tables.word, device=device)
        window = triton.next_power_of_2(chunks)
        # the launches that follow one another begin before the one before ends, and wait for it where they need its maps
        early = chunks > 1 and tokens.is_cuda and torch.cuda.get_device_capability(device) >= (9, 0)
        after: dict[str, object] = {"PDL": early, "launch_pdl": True} if early else {"PDL": False}
        if chunks > 1:
            done = torch.empty(chunks, dtype=torch.int32, device=device)
            found = maps[0], maps[1], maps[2:], done, each, tiles, length
            data = text, tables.classes, tables.gates
            reduce_chunks[(chunks,)](*data, tables.sums, starts, *found, **fixed, **sums, DEPTH=depth, PDL=early)
            for layer in range(1, depth):
                deepen_chunks[(chunks,)](
                    *data, entering, starts, *found, **fixed, **after, LAYER=layer, DEPTH=depth, CHUNKS=window
                )
        run_chunks[(chunks,)](
            text, tables.classes, tables.gates, tables.output, entering, starts, out, finals, end, maps[0], maps[1], first,
            amount, each, tiles, length, tables.truth or 0, **fixed, **says, **after, DEPTH=depth, CHUNKS=window,
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
