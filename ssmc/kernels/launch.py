"""Chooses and launches the Triton scan for a shape: rows walked in order, or tiles with look-back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ssmc.errors import InputError
from ssmc.kernels.scans import scan_rows, scan_tiles
from ssmc.kernels.tiles import clear

NARROW: dict[torch.dtype, Any] = {torch.bfloat16: tl.bfloat16, torch.float16: tl.float16}


CLEARED = 1024
"""Slots that one program clears."""
REST = 8
"""Steps a thread of the launch over what is left behind whole tiles: few, since compiling takes long where there are many."""
NARROW_PAIR = (64, 16, 32, 396, 168)
WIDE_PAIR = (64, 32, 128, 0, 168)
BACKWARD_PAIR = (16, 32, 128, 0, 0)
"""Look-back over pairs of channels, few or many a row, or backward: steps a thread, most words, threads, tiles ahead, registers."""


@dataclass(frozen=True)
class Plan:
    """How one launch is cut: R steps a thread, NG groups, BD words of channels, W tiles a look-back window.

    Attributes:
        window: 0 walks whole rows instead of looking back.
        stages: pipeline depth of the row walk.
        ahead: how many tiles ahead a tile is fetched into the L2 cache (0: not at all).
        registers: the most registers a thread may use (0: the compiler's choice).
    """

    steps: int
    groups: int
    channels: int
    window: int
    warps: int
    stages: int = 1
    ahead: int = 0
    registers: int = 0

    @property
    def tile(self) -> int:
        """Steps of time in one tile."""
        return self.steps * self.groups


@dataclass(frozen=True)
class Words:
    """The tensors of a scan as words (planes.py): what one word is, and the dtypes inside."""

    kind: str
    view: torch.dtype | None
    half: Any
    one: int

    @property
    def channels(self) -> int:
        """Channels in a word."""
        return 2 if self.kind == "pair" else 1


def words(a: Tensor, b: Tensor, h: Tensor) -> Words:
    """Two 16-bit channels a word where all three tensors allow it, one complex number a word, or one channel."""
    if a.dtype == torch.complex64:
        return Words("complex", torch.int64, tl.float32, 0x3F800000)
    if a.dtype in NARROW and a.dtype == b.dtype == h.dtype and a.shape[2] % 2 == 0:
        one = 0x3F80 if a.dtype == torch.bfloat16 else 0x3C00
        return Words("pair", torch.int32, NARROW[a.dtype], one << 16 | one)
    return Words("real", None, tl.float32, 1)


def plan(
    rows: int, steps: int, width: int, kind: str, state: torch.dtype, *, backward: bool = False, processors: int = 132
) -> Plan:
    """The plan for (B, T, words): whole rows where they fill the device or time is short, look-back otherwise.

    The numbers are the best of sweeps on one H100 (benchmarks/records); other shapes take those of their neighbours.
    """
    room = triton.next_power_of_2(width)
    light = state == torch.float32 and kind == "real" and not backward
    channels = min(64, room)
    many = rows * triton.cdiv(width, channels) >= 3 * processors // 4
    if many or steps <= 512:
        if kind == "pair":
            return Plan(4 if backward else 8, max(2, 512 // channels), channels, 0, 4, 2 if backward else 4)
        if light:
            return Plan(8, max(2, 128 // channels), channels, 0, 1, 4)
        return Plan(4, max(2, 256 // channels), channels, 0, 2, 3)
    if kind == "pair":
        each, most, threads, ahead, registers = BACKWARD_PAIR if backward else NARROW_PAIR if room <= 16 else WIDE_PAIR
        channels = min(most, room)
        groups = max(2, threads // channels)
        return Plan(each, groups, channels, max(4, groups), threads // 32, 1, ahead, registers)
    threads = 64 if channels <= 16 else 128
    groups = max(2, 4 * threads // channels)
    window = max(4, threads // channels)
    if not light:
        return Plan(8, groups, channels, window, threads // 32)
    ahead = 396 if channels <= 16 else 96 // (rows * triton.cdiv(width, channels))
    return Plan(16, groups, channels, window, threads // 32, 1, ahead, 168)


def launch(
    a: Tensor,
    b: Tensor,
    initial: Tensor,
    h: Tensor,
    final: Tensor,
    *,
    exclusive: bool,
    past: Tensor | None = None,
    begin: Tensor | None = None,
    grad_a: Tensor | None = None,
    how: Plan | None = None,
) -> None:
    """Scans into `h` and `final`; with `past` (the states h), `begin` (h_{-1}) and `grad_a`, the backward scan.

    All tensors contiguous on one device: a, b, h (B, T, D), T > 0; initial and final (B, D) in the dtype of the state.
    """
    form = words(a, b, h)
    rows, steps, width = a.shape[0], a.shape[1], a.shape[2] // form.channels
    float64 = final.dtype == torch.float64
    backward = grad_a is not None
    how = how or plan(rows, steps, width, form.kind, final.dtype, backward=backward)
    if how.window and how.window * how.channels < 32 * how.warps:
        # several threads would poll one word, and not see it change at the same time
        raise InputError(f"a window of {how.window} tiles by {how.channels} channels is less than {how.warps} warps")
    tensors: tuple[Tensor | None, ...] = (
        a,
        b,
        initial,
        h,
        final,
        past if backward else h,
        begin if backward else initial,
        grad_a if backward else h,
    )
    if form.view is not None:
        wide = (torch.view_as_real(x) if x is not None and x.is_complex() else x for x in tensors)
        tensors = tuple(
            x if k in (2, 4, 6) else x.reshape(-1).view(form.view)  # type: ignore[union-attr]
            for k, x in enumerate(wide)
        )
    blocks = triton.cdiv(width, how.channels)
    fixed = {
        "D": width, "KIND": form.kind, "HALF": form.half, "TYPE": tl.float64 if float64 else tl.float32,
        "REVERSE": backward, "EXCLUSIVE": exclusive, "BACKWARD": backward, "R": how.steps, "NG": how.groups,
        "BD": how.channels, "FULL": width % how.channels == 0, "PTX": a.is_cuda, "num_warps": how.warps,
    }  # fmt: skip
    if how.registers and a.is_cuda:
        fixed["maxnreg"] = how.registers
    whole = steps - steps % how.tile
    with torch.cuda.device(a.device if a.is_cuda else -1):
        if whole:
            if how.window == 0:
                grid = (rows * blocks,)
                scan_rows[grid](*tensors, steps, 0, whole, form.one, blocks, **fixed, WHOLE=True, STAGES=how.stages)
            else:
                tiles = whole // how.tile
                word, storage = (tl.int64, torch.int64) if float64 else (tl.int32, torch.int32)
                planes = 1 if form.kind == "real" else 2
                size = rows * blocks * how.channels * planes * (2 * tiles + 3 * triton.cdiv(tiles, how.window))
                slots = torch.empty(size, dtype=storage, device=a.device)
                early = a.is_cuda and torch.cuda.get_device_capability(a.device) >= (9, 0)
                clear[(triton.cdiv(size, CLEARED),)](slots, size, CLEARED, early)
                runs = 32 * how.warps if how.channels == width else how.tile
                unit = a.element_size() * form.channels
                run = how.tile * how.channels * unit // runs
                # the prefetch takes addresses and sizes that are multiples of 16: of rows, tiles, lines and blocks alike
                line = width if how.channels < width else how.tile * width // runs
                aligned = how.channels <= width and not any(
                    size * unit % 16
                    for size in (steps * width, how.tile * width, line, how.channels if blocks > 1 else 0)
                )
                aligned &= run % 16 == 0 and a.data_ptr() % 16 == 0 and b.data_ptr() % 16 == 0
                ahead = how.ahead if a.is_cuda and not backward and aligned else 0
                scan_tiles[(rows * blocks * tiles,)](
                    *tensors, slots, steps, 0, whole, form.one, blocks, rows * blocks, tiles, **fixed, WORD=word,
                    W=how.window, WHOLE=True, AHEAD=ahead, RUNS=runs, PDL=early, **({"launch_pdl": True} if early else {}),
                    ASM=f"cp.async.bulk.prefetch.L2.global [$1], {run}; mov.u32 $0, 0;",
                )  # fmt: skip
        if whole < steps:
            if whole:
                tensors = (*tensors[:2], tensors[4], *tensors[3:])
            fixed["R"] = min(how.steps, REST)
            scan_rows[(rows * blocks,)](
                *tensors, steps, whole, steps - whole, form.one, blocks, **fixed, WHOLE=False, STAGES=1
            )
