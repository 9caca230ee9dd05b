"""The scan on a CPU: chunks of time run side by side, so that a long sequence becomes wide tensor operations.

Three phases, as every parallel scan: compose each chunk to one map, scan the maps (the same function again, so the
depth is logarithmic in T), replay each chunk from its true entering state. On gates and increments whose products and
sums are exact the order cannot matter, so the result equals the naive loop bit for bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 64
"""Steps in a chunk: long enough that composing is rare, short enough that a level has thousands of chunks."""
WIDE = 8192
"""Rows (B * D) from which one step over all rows is as wide as an operation needs to be, and chunks do not pay."""


def _walk(a: Tensor, b: Tensor, state: Tensor, out: Tensor) -> None:
    """Writes the inclusive states of (..., T, D) into `out`, one step at a time; `state` (..., D) enters."""
    for t in range(a.shape[-2]):
        state = torch.addcmul(b[..., t, :], a[..., t, :], state, out=out[..., t, :])


def _states(a: Tensor, b: Tensor, initial: Tensor, out: Tensor) -> None:
    """Writes all inclusive states (B, T, D) into `out`."""
    rows, steps, width = a.shape
    if steps <= 2 * CHUNK or rows * width >= WIDE:
        _walk(a, b, initial, out)
        return
    count = steps // CHUNK
    whole = count * CHUNK
    split = (rows, count, CHUNK, width)
    gates, increments = a[:, :whole].reshape(split), b[:, :whole].reshape(split)
    gate, increment = gates[:, :, 0].clone(), increments[:, :, 0].clone()
    for t in range(1, CHUNK):
        torch.addcmul(increments[:, :, t], gates[:, :, t], increment, out=increment)
        gate *= gates[:, :, t]
    entering = torch.empty(rows, count + 1, width, dtype=a.dtype, device=a.device)
    entering[:, 0] = initial
    _states(gate, increment, initial, entering[:, 1:])
    states = out[:, :whole].view(split)
    _walk(gates, increments, entering[:, :-1], states)
    _walk(a[:, whole:], b[:, whole:], entering[:, -1], out[:, whole:])


def scan_chunked(a: Tensor, b: Tensor, initial: Tensor) -> Tensor:
    """The states h (B, T + 1, D) of h_t = a_t * h_{t-1} + b_t, entry 0 being `initial` (B, D).

    Args:
        a: Gates (B, T, D) in the dtype of the state.
        b: Increments (B, T, D), likewise.
        initial: h_{-1} (B, D), likewise.

    Returns:
        T + 1 states: [:, 1:] is the inclusive scan, [:, :-1] the exclusive one, [:, -1] the last state.
    """
    rows, steps, width = a.shape
    h = torch.empty(rows, steps + 1, width, dtype=a.dtype, device=a.device)
    h[:, 0] = initial
    _states(a, b, initial, h[:, 1:])
    return h
