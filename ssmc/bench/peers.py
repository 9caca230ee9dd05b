"""Other public scans of h_t = a_t * h_{t-1} + b_t, where they are installed, behind one signature."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    Peer = Callable[[Tensor, Tensor], Callable[[], Tensor]]


def _compose(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return left[0] * right[0], left[1] * right[0] + right[1]


def associative_scan(a: Tensor, b: Tensor) -> Callable[[], Tensor]:
    """torch.associative_scan, compiled on a GPU; (B, T, D) as it is."""
    module = importlib.import_module("torch._higher_order_ops.associative_scan")

    def states(x: Tensor, y: Tensor) -> Any:
        return module.associative_scan(_compose, (x, y), dim=1)[1]

    if not a.is_cuda:
        # compiling for a CPU takes a C++ compiler and pointwise mode a GPU
        return lambda: module.associative_scan(_compose, (a, b), dim=1, combine_mode="generic")[1]
    compiled: Any = torch.compile(states)
    return lambda: compiled(a, b)


def accelerated_scan(a: Tensor, b: Tensor) -> Callable[[], Tensor]:
    """accelerated-scan's Triton kernel; its own layout (B, D, T), the transposition not charged."""
    module = importlib.import_module("accelerated_scan.scalar")
    x, y = a.transpose(1, 2).contiguous(), b.transpose(1, 2).contiguous()
    return lambda: module.scan(x, y).transpose(1, 2)


def fused_recurrent_hgrn(a: Tensor, b: Tensor) -> Callable[[], Tensor]:
    """flash-linear-attention's fused_recurrent_hgrn (its chunked form races on gates near 1); gates as logarithms."""
    module = importlib.import_module("fla.ops.hgrn")
    logs = a.log()
    return lambda: module.fused_recurrent_hgrn(b, logs)[0]


def selective_scan(a: Tensor, b: Tensor) -> Callable[[], Tensor]:
    """mamba_ssm's selective_scan_fn with one state a channel: gate and input share dt, so a = exp(-dt), b = dt u."""
    module = importlib.import_module("mamba_ssm.ops.selective_scan_interface")
    delta = -a.log().transpose(1, 2).contiguous()
    u = (b.transpose(1, 2) / delta).contiguous()
    rate = -torch.ones(a.shape[2], 1, device=a.device)
    one = torch.ones(a.shape[0], 1, a.shape[1], device=a.device)
    return lambda: module.selective_scan_fn(u, delta, rate, one, one).transpose(1, 2)


PEERS: dict[str, Peer] = {
    "torch.associative_scan": associative_scan,
    "accelerated-scan": accelerated_scan,
    "fla fused_recurrent_hgrn": fused_recurrent_hgrn,
    "mamba_ssm selective_scan": selective_scan,
}
"""Peers by name."""
NO_SCAN = {"transformers Mamba": "no scan of its own: mamba_ssm's, or a Python loop over time"}
"""Peers that are not raced, and why."""
GPU_ONLY = frozenset(PEERS) - {"torch.associative_scan"}
LOOPS = {"fla fused_recurrent_hgrn": 1 << 16}
"""Peers that walk through time one step after another, and the steps after which they are stopped: their time grows with T as it is (minutes at 2^22 steps)."""


def prepared(name: str, a: Tensor, b: Tensor) -> tuple[Callable[[], Tensor], Tensor] | str:
    """A call that scans (a, b), and what it gave when it ran once, or the reason why it does not run here."""
    if not a.is_cuda and name in GPU_ONLY:
        return "needs a GPU"
    try:
        call = PEERS[name](a, b)
        found = call()
    except ImportError as error:
        return f"not installed: {error.name}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:120]
    return call, found
