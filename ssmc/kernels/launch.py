"""Chooses and launches the Triton scan for a shape: rows walked in order, or tiles with look-back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ssmc.kernels.scans import scan_rows, scan_tiles

TYPES: dict[torch.dtype, Any] = {torch.float32: tl.float32, torch.float64: tl.float64}
WORDS: dict[torch.dtype, tuple[Any, torch.dtype]] = {
    torch.float32: (tl.int32, torch.int32),
    torch.float64: (tl.int64, torch.int64),
}


@dataclass(frozen=True)
class Plan:
    """How one launch is cut: R steps a thread, NG groups, BD channels, W tiles a look-back window (0: whole rows)."""

    steps: int
    groups: int
    channels: int
    window: int
    warps: int
    stages: int = 1

    @property
    def tile(self) -> int:
        """Steps of time in one tile."""
        return self.steps * self.groups


def plan(batch: int, steps: int, width: int, dtype: torch.dtype, *, processors: int = 132) -> Plan:
    """The plan for (B, T, D): whole rows where they fill the device or time is short, look-back otherwise."""
    channels = min(64, triton.next_power_of_2(width))
    groups = max(1, 512 // channels)
    rows = batch * triton.cdiv(width, channels)
    deep = 16 if dtype == torch.float32 else 8
    if steps <= 2 * deep * groups or rows >= 2 * processors:
        return Plan(deep, groups, channels, 0, 4, 3)
    return Plan(deep, groups, channels, groups, 4)


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
    rows, steps, width = a.shape
    kind = final.dtype
    how = how or plan(rows, steps, width, kind)
    blocks = triton.cdiv(width, how.channels)
    backward = grad_a is not None
    tensors = (
        a,
        b,
        initial,
        h,
        final,
        past if backward else h,
        begin if backward else initial,
        grad_a if backward else h,
    )
    flags = {"TYPE": TYPES[kind], "REVERSE": backward, "EXCLUSIVE": exclusive, "BACKWARD": backward}
    cut = {"R": how.steps, "NG": how.groups, "BD": how.channels, "num_warps": how.warps}
    with torch.cuda.device(a.device if a.is_cuda else -1):
        if how.window == 0:
            scan_rows[(rows * blocks,)](*tensors, steps, width, blocks, **flags, **cut, STAGES=how.stages)
            return
        tiles = triton.cdiv(steps, how.tile)
        word, storage = WORDS[kind]
        slots = torch.full((3 * rows * blocks * tiles * how.channels,), -1, dtype=storage, device=a.device)
        scan_tiles[(rows * blocks * tiles,)](
            *tensors, slots, steps, width, blocks, rows * blocks, tiles, **flags, WORD=word, **cut, W=how.window
        )
