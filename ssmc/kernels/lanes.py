"""The packed-bit machine in torch operations on any device: chunks of time run side by side as lanes.

Pass p composes the maps of layer p in every lane, scans them over the lanes and so knows that layer's states; the last
pass replays all layers. The same passes as the fused kernel, by wide operations instead of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from ssmc.kernels.machine import BitMachine, Layer


def _add(x: Tensor, y: Tensor, tops: int, sticky: int) -> Tensor:
    if tops == -1 and not sticky:
        return x ^ y
    return (((x & ~tops) + (y & ~tops)) ^ ((x ^ y) & tops)) | ((x | y) & sticky)


def _signed(word: int) -> int:
    return ((word & 0xFFFFFFFFFFFFFFFF) ^ (1 << 63)) - (1 << 63)


def _with_identity(layer: Layer, device: torch.device) -> tuple[Tensor, Tensor]:
    """Gates with one more class, which holds everything: what pads a string."""
    size = 1 << layer.reads
    keep = np.concatenate([layer.keep, np.full(size, 0xFFFFFFFFFFFFFFFF, np.uint64)]).view(np.int64)
    add = np.concatenate([layer.add, np.zeros(size, np.uint64)]).view(np.int64)
    return torch.from_numpy(keep).to(device), torch.from_numpy(add).to(device)


def run_lanes(
    machine: BitMachine, tokens: Tensor, states: Tensor | None = None, *, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    """Outputs (B, T) uint8 and last states (B,) int64 for uint8 tokens (B, T) below the number of symbols.

    Args:
        machine: The tables.
        tokens: Symbols (B, T).
        states: State (B,) int64 that enters each string; zero when absent.
        chunk: Steps in a lane; about the square root of T when absent, so that lanes are many and steps few.
    """
    rows, length = tokens.shape
    device = tokens.device
    entering = torch.zeros(rows, dtype=torch.int64, device=device) if states is None else states.to(torch.int64)
    if length == 0 or rows == 0:
        return tokens.clone(), entering.clone()
    chunk = chunk or max(16, min(1024, int((length * rows) ** 0.5) // 4))
    count = -(-length // chunk)
    classes = torch.from_numpy(machine.classes).to(device)[tokens.long()]
    padded = torch.full((rows, count * chunk), machine.class_count, dtype=torch.int64, device=device)
    padded[:, :length] = classes
    steps = padded.view(rows, count, chunk).permute(2, 0, 1).contiguous()
    every = (1 << machine.bits) - 1
    tops, sticky = _signed(machine.tops | ~every), _signed(machine.sticky)
    known = torch.zeros(rows, count, dtype=torch.int64, device=device)
    depth = max(1, len(machine.layers))
    for d in range(depth):
        layer = machine.joint(d + 1)
        own = _signed(machine.layers[d].own if machine.layers else 0)
        keep_of, add_of = _with_identity(layer, device)
        low = (1 << layer.reads) - 1
        keep, add = torch.full_like(known, -1), known
        for t in range(chunk):
            entry = (steps[t] << layer.reads) | (add & low)
            k = keep_of[entry]
            add = _add(add & k, add_of[entry], tops, sticky)
            keep = keep & k
        keep, add = keep & own, add & own
        add[:, 0] = _add(entering & keep[:, 0] & own, add[:, 0], tops, sticky)
        keep[:, 0] = 0
        reach = 1
        while reach < count:
            k, a = keep.clone(), add.clone()
            a[:, reach:] = _add(add[:, :-reach] & keep[:, reach:], add[:, reach:], tops, sticky)
            k[:, reach:] = keep[:, :-reach] & keep[:, reach:]
            keep, add = k, a
            reach *= 2
        known = known | torch.cat([(entering & own)[:, None], add[:, :-1]], 1)
    outputs = torch.empty(chunk, rows, count, dtype=torch.uint8, device=device)
    table = torch.from_numpy(np.ascontiguousarray(machine.output)).to(device)
    seen = (1 << machine.reads) - 1
    if not machine.after:
        table = torch.cat([table, table.new_zeros(1 << machine.reads)])
    state = known
    for t in range(chunk):
        if not machine.after:
            outputs[t] = table[(steps[t] << machine.reads) | (state & seen)]
        entry = (steps[t] << layer.reads) | (state & low)
        state = _add(state & keep_of[entry], add_of[entry], tops, sticky)
        if machine.after:
            outputs[t] = table[state & seen]
    out = outputs.permute(1, 2, 0).reshape(rows, count * chunk)[:, :length].contiguous()
    return out, state[:, -1].clone()
