"""The scan as torch operators with a fake implementation and a gradient, dispatched by device."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ssmc.errors import InputError
from ssmc.kernels.chunked import scan_chunked

if TYPE_CHECKING:
    from collections.abc import Callable

STATE: dict[torch.dtype, torch.dtype] = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.float32: torch.float32,
    torch.float64: torch.float64,
    torch.complex64: torch.complex64,
    torch.complex128: torch.complex128,
}
"""The dtype of the recurrent state for each dtype of gates and increments."""


def _forward(a: Tensor, b: Tensor, initial: Tensor, exclusive: bool, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    state = initial.dtype
    if a.shape[1] == 0 or a.numel() == 0:
        return torch.empty_like(b, dtype=dtype), initial.clone()
    if a.is_cuda and a.dtype != torch.complex128:
        from ssmc.kernels.launch import launch

        h, final = torch.empty_like(b, dtype=dtype), torch.empty_like(initial)
        launch(a, b, initial, h, final, exclusive=exclusive)
        return h, final
    states = scan_chunked(a.to(state), b.to(state), initial)
    h = states[:, :-1] if exclusive else states[:, 1:]
    return h.to(dtype, copy=True).contiguous(), states[:, -1].clone()


def _backward(
    grad_h: Tensor, grad_final: Tensor, a: Tensor, initial: Tensor, h: Tensor, exclusive: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of a and b, and g_0.

    With g_t the gradient of h_t: g_t = grad_h_t + a_{t+1} g_{t+1}, the same scan run backwards in time (grad_final
    enters at the end); grad_b = g, grad_a_t = g_t h_{t-1}, grad_initial = a_0 g_0 (a and h conjugated if complex). In the exclusive form grad_h
    arrives one step late, and its entry 0 belongs to the initial state.
    """
    state = initial.dtype
    if a.shape[1] == 0 or a.numel() == 0:
        return torch.zeros_like(a), torch.zeros_like(a), grad_final.clone()
    if a.is_cuda and a.dtype != torch.complex128:
        from ssmc.kernels.launch import launch

        grad_a, grad_b, enters = torch.empty_like(a), torch.empty_like(a), torch.empty_like(initial)
        launch(a, grad_h, grad_final, grad_b, enters, exclusive=exclusive, past=h, begin=initial, grad_a=grad_a)
        return grad_a, grad_b, enters
    wide = a.to(state).conj().resolve_conj()
    arriving = grad_h.to(state)
    gates = torch.cat([torch.ones_like(wide[:, :1]), wide[:, 1:].flip(1)], 1)
    if exclusive:
        increments = torch.cat([torch.zeros_like(arriving[:, :1]), arriving[:, 1:].flip(1)], 1)
        before = h.to(state)
    else:
        increments = arriving.flip(1)
        before = torch.cat([initial[:, None], h[:, :-1].to(state)], 1)
    grad = scan_chunked(gates, increments, grad_final.to(state))[:, 1:].flip(1)
    return (grad * before.conj()).to(a.dtype), grad.to(a.dtype).clone(), grad[:, 0].clone()


_scan: Callable[..., Any] = torch.library.custom_op(
    "ssmc::scan",
    _forward,
    mutates_args=(),
    schema="(Tensor a, Tensor b, Tensor initial, bool exclusive, ScalarType dtype) -> (Tensor, Tensor)",
)
_scan_backward: Callable[..., Any] = torch.library.custom_op(
    "ssmc::scan_backward",
    _backward,
    mutates_args=(),
    schema="(Tensor grad_h, Tensor grad_final, Tensor a, Tensor initial, Tensor h, bool exclusive)"
    " -> (Tensor, Tensor, Tensor)",
)


def _fake(_a: Tensor, b: Tensor, initial: Tensor, _exclusive: bool, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    return torch.empty_like(b, dtype=dtype), torch.empty_like(initial)


def _fake_backward(
    _grad_h: Tensor, _grad_final: Tensor, a: Tensor, initial: Tensor, _h: Tensor, _exclusive: bool
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(a), torch.empty_like(a), torch.empty_like(initial)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    a, _, initial, exclusive, _ = inputs
    ctx.save_for_backward(a, initial, output[0])
    ctx.exclusive = exclusive


def _gradients(ctx: Any, grad_h: Tensor, grad_final: Tensor) -> tuple[Tensor | None, ...]:
    a, initial, h = ctx.saved_tensors
    ga, gb, enters = _scan_backward(grad_h.contiguous(), grad_final.contiguous(), a, initial, h, ctx.exclusive)
    if not ctx.needs_input_grad[2]:
        return ga, gb, None, None, None
    first = enters
    if a.shape[1]:
        first = a[:, 0].conj() * enters
        if ctx.exclusive:
            first = first + grad_h[:, 0]
    return ga, gb, first.to(initial.dtype), None, None


_scan.register_fake(_fake)  # type: ignore[attr-defined]
_scan_backward.register_fake(_fake_backward)  # type: ignore[attr-defined]
_scan.register_autograd(_gradients, setup_context=_keep)  # type: ignore[attr-defined]


def scan(
    a: Tensor,
    b: Tensor,
    initial: Tensor | None = None,
    *,
    exclusive: bool = False,
    dtype: torch.dtype | None = None,
    cu_seqlens: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """h_t = a_t * h_{t-1} + b_t along time; Triton on a GPU, chunks of tensor operations on a CPU.

    The state is float32 for float32, bfloat16 and float16 input and float64 for
    float64; complex input has a state of its own dtype. Where every product and sum
    is exactly representable (0/1 gates, integers), the result is that of the naive loop bit for bit on every path.

    Args:
        a: Gates (B, T, D).
        b: Increments (B, T, D).
        initial: h_{-1} (B, D); zeros when absent.
        exclusive: Return h_{t-1} at position t.
        dtype: The dtype in which h is stored; that of the state when absent.
        cu_seqlens: Offsets (N + 1,) of N sequences that lie end to end along time in one row (B = 1), from 0 to T;
            none may be empty. The initial and the last states are then (N, D). They are checked where they can be read
            without stopping anything: not while a graph is captured or compiled.

    Returns:
        h (B, T, D), and the last inclusive state (B, D) in the dtype of the state.

    Products of gates over a segment must stay finite, as in any parallel scan; those of gates in [-1, 1] always do.

    Raises:
        InputError: On shapes, dtypes or devices that do not belong together.
    """
    if a.dim() != 3 or a.shape != b.shape:
        raise InputError(f"scan needs gates and increments of one shape (B, T, D), not {(*a.shape,)} and {(*b.shape,)}")
    kind = torch.promote_types(a.dtype, b.dtype)
    if kind not in STATE:
        raise InputError(f"scan does not support {kind}")
    state = STATE[kind]
    if cu_seqlens is not None:
        return _scan_sequences(a.to(kind), b.to(kind), initial, cu_seqlens, exclusive, dtype or state)
    if initial is None:
        initial = torch.zeros(a.shape[0], a.shape[2], dtype=state, device=a.device)
    elif initial.shape != (a.shape[0], a.shape[2]):
        raise InputError(f"the initial state must be {(a.shape[0], a.shape[2])}, not {(*initial.shape,)}")
    if not a.device == b.device == initial.device:
        raise InputError(f"scan needs one device, not {a.device}, {b.device} and {initial.device}")
    h, final = _scan(
        a.to(kind).contiguous(), b.to(kind).contiguous(), initial.to(state).contiguous(), exclusive, dtype or state
    )
    return h, final


def _rises(offsets: Tensor, end: int) -> bool:
    """Whether offsets rise strictly from 0 to `end`; true where they have no values yet (compiled or captured)."""
    if torch.compiler.is_compiling() or type(offsets) is not Tensor:
        return True
    if offsets.is_cuda and torch.cuda.is_current_stream_capturing():
        return True
    cut = offsets.tolist()
    return cut[0] == 0 and cut[-1] == end and all(x < y for x, y in itertools.pairwise(cut))


def _scan_sequences(
    a: Tensor, b: Tensor, initial: Tensor | None, offsets: Tensor, exclusive: bool, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Sequences end to end: a first gate of zero forgets the one before, and its increment carries the initial state.

    Raises:
        InputError: On offsets that are no cut of the row into sequences.
    """
    state = STATE[a.dtype]
    if a.shape[0] != 1 or offsets.dim() != 1 or len(offsets) < 2 or not _rises(offsets, a.shape[1]):
        raise InputError("cu_seqlens must rise strictly from 0 to T, with one row of gates")
    count, width = len(offsets) - 1, a.shape[2]
    if initial is None:
        initial = torch.zeros(count, width, dtype=state, device=a.device)
    elif initial.shape != (count, width):
        raise InputError(f"the initial states must be {(count, width)}, not {(*initial.shape,)}")
    starts = offsets[:-1].to(device=a.device, dtype=torch.int64)
    initial = initial.to(state)
    entering = (a[0, starts].to(state) * initial).to(b.dtype)
    gates = a.index_fill(1, starts, 0)
    increments = b.index_add(1, starts, entering[None])
    h, _ = scan(gates, increments, dtype=state)
    final = h[0, offsets[1:].to(starts) - 1]
    if exclusive:
        h = torch.cat([h[:, :1], h[:, :-1]], 1).index_copy(1, starts, initial[None])
    return h.to(dtype), final
