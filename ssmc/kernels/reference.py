"""The naive twin of every scan: one Python loop over time, in float64 (complex128 for complex input)."""

from __future__ import annotations

import torch
from torch import Tensor


def scan_reference(
    a: Tensor, b: Tensor, initial: Tensor | None = None, *, exclusive: bool = False
) -> tuple[Tensor, Tensor]:
    """h_t = a_t * h_{t-1} + b_t, evaluated in the order in which it is written.

    Args:
        a: Gates (B, T, D).
        b: Increments (B, T, D).
        initial: h_{-1} (B, D); zeros when absent.
        exclusive: Return h_{t-1} at position t.

    Returns:
        h (B, T, D) and the last inclusive state (B, D), in float64 or complex128 on the device of `a`.
        Ordinary differentiable torch operations throughout, so that gradients have a twin as well.
    """
    wide = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    a, b = a.to(wide), b.to(wide)
    state = a.new_zeros(a.shape[0], a.shape[2]) if initial is None else initial.to(wide)
    rows = []
    for t in range(a.shape[1]):
        before = state
        state = a[:, t] * state + b[:, t]
        rows.append(before if exclusive else state)
    h = torch.stack(rows, 1) if rows else b.new_zeros(b.shape)
    return h, state
