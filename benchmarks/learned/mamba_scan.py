"""The scan of this package in the stock Mamba of the transformers library, for training: without CUDA kernels of its own that class loops over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from ssmc.kernels import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

from contextlib import contextmanager


def selective_scan(
    hidden_states: torch.Tensor,
    dt: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor | None = None,
    z: torch.Tensor | None = None,
    delta_bias: torch.Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    **_: Any,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """`transformers.models.mamba.modeling_mamba.mamba_selective_scan`, its loop over time replaced.

    Args:
        hidden_states: (batch, channels, time).
        dt: (batch, channels, time) step sizes before bias and softplus.
        A: (channels, state).
        B: (batch, state, time).
        C: (batch, state, time).
        D: (channels,) skip connection.
        z: (batch, channels, time) gate.
        delta_bias: (channels,).
        delta_softplus: whether softplus is applied to the step sizes.
        return_last_state: whether the last state, (batch, channels, state), is returned too.

    Returns:
        (batch, channels, time) outputs.
    """
    batch, channels, time = hidden_states.shape
    if delta_bias is not None:
        dt = dt + delta_bias[..., None]
    if delta_softplus:
        dt = F.softplus(dt)
    step, x = dt.transpose(1, 2)[..., None], hidden_states.transpose(1, 2)[..., None]
    gates = torch.exp(A * step).reshape(batch, time, -1)
    increments = (step * B.transpose(1, 2)[:, :, None, :] * x).reshape(batch, time, -1)
    states, last = scan(gates.contiguous(), increments.contiguous())
    outputs = torch.einsum("btcn,bnt->bct", states.view(batch, time, channels, -1), C)
    if D is not None:
        outputs = outputs + hidden_states * D[None, :, None]
    if z is not None:
        outputs = outputs * F.silu(z)
    return (outputs, last.view(batch, channels, -1)) if return_last_state else outputs


@contextmanager
def fast_scan() -> Iterator[None]:
    """Inside, the stock class uses `selective_scan`."""
    from transformers.models.mamba import modeling_mamba

    stock = modeling_mamba.mamba_selective_scan
    modeling_mamba.mamba_selective_scan = selective_scan
    try:
        yield
    finally:
        modeling_mamba.mamba_selective_scan = stock
