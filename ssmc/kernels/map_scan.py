"""Scans of column-one-hot maps: the state is one of n values (a one-hot vector), every step a map of the values to themselves.

Composing two such maps is a gather, so the scan over time is exact on every path: chunks of gathers (any n, any device), or on a GPU maps of
at most 16 values as nibbles of one word. `scan_matrices` is the same recurrence h_t = P_t h_{t-1} with real matrices, differentiable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ssmc.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 64
"""Steps that are composed one after the other; chunks run side by side."""
NIBBLES = 16
"""Values up to which a map fits into one 64-bit word."""


def scan_maps_reference(maps: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """The naive twin of `scan_maps`: one Python loop over lists."""
    before, final = [], []
    for rows, start in zip(maps.tolist(), initial.tolist(), strict=True):
        value, values = start, []
        for images in rows:
            values.append(value)
            value = images[value]
        before.append(values)
        final.append(value)
    shape = maps.shape[:2]
    return torch.tensor(before, dtype=torch.int64).reshape(shape), torch.tensor(final, dtype=torch.int64)


def scan_maps(maps: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """The values before each step, and the last value, of v_t = maps_t[v_{t-1}].

    Args:
        maps: (B, T, n) int64: entry v is the value after v; all in 0..n-1.
        initial: (B,) int64.

    Returns:
        (B, T) int64: the value before each step; (B,) int64: the value after the last.

    Raises:
        InputError: on shapes that do not belong together.
    """
    if maps.dim() != 3 or initial.shape != maps.shape[:1]:
        raise InputError(f"maps (B, T, n) and values (B,), not {(*maps.shape,)} and {(*initial.shape,)}")
    rows, steps, size = maps.shape
    if rows == 0 or steps == 0:
        return maps.new_empty(rows, steps), initial.clone()
    if maps.is_cuda and size <= NIBBLES:
        return scan_words(pack_maps(maps), initial)
    before = torch.empty(rows, steps, dtype=maps.dtype, device=maps.device)
    return before, _chunks(maps, initial, before)


def _walk(maps: Tensor, values: Tensor, before: Tensor) -> Tensor:
    """Writes the value before each step of (..., T, n) into `before` (..., T); the value after the last."""
    for t in range(maps.shape[-2]):
        before[..., t] = values
        values = maps[..., t, :].gather(-1, values.unsqueeze(-1)).squeeze(-1)
    return values


def _chunks(maps: Tensor, initial: Tensor, before: Tensor) -> Tensor:
    rows, steps, size = maps.shape
    if steps <= 2 * CHUNK:
        return _walk(maps, initial, before)
    count = steps // CHUNK
    whole = count * CHUNK
    parts = maps[:, :whole].reshape(rows, count, CHUNK, size)
    composed = parts[:, :, 0]
    for t in range(1, CHUNK):
        composed = parts[:, :, t].gather(-1, composed)
    entering = torch.empty(rows, count, dtype=maps.dtype, device=maps.device)
    middle = _chunks(composed, initial, entering)
    _walk(parts, entering, before[:, :whole].view(rows, count, CHUNK))
    return _walk(maps[:, whole:], middle, before[:, whole:])


def pack_maps(maps: Tensor) -> Tensor:
    """(..., n) -> (...): maps of at most 16 values as nibbles of int64 words; nibbles beyond n are 0.

    Raises:
        InputError: more than 16 values.
    """
    size = maps.shape[-1]
    if size > NIBBLES:
        raise InputError(f"a word holds a map of {NIBBLES} values, not {size}")
    return (maps << (4 * torch.arange(size, device=maps.device))).sum(-1)


def scan_words(words: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """`scan_maps` of packed maps (B, T), composed by Triton; T > 0."""
    from ssmc.kernels.maps import scan_nibbles

    last = words[:, -1].clone()
    before: Tensor = scan_nibbles(words.clone(), initial).to(torch.int64)  # type: ignore[no-untyped-call]
    return before, (last >> (4 * before[:, -1])) & 15


def scan_matrices(matrices: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """The states before each step, and the last one, of h_t = P_t h_{t-1}, in differentiable operations.

    On column-one-hot matrices and one-hot states nothing rounds, and the result is that of `scan_maps`.

    Args:
        matrices: (B, T, n, n): column v is what value v becomes.
        initial: (B, n).

    Returns:
        (B, T, n) and (B, n).
    """
    rows, steps, size = matrices.shape[:3]
    if steps <= 2 * CHUNK:
        return _steps(matrices, initial)
    count = steps // CHUNK
    whole = count * CHUNK
    parts = matrices[:, :whole].reshape(rows, count, CHUNK, size, size)
    composed = parts[:, :, 0]
    for t in range(1, CHUNK):
        composed = parts[:, :, t] @ composed
    entering, middle = scan_matrices(composed, initial)
    states, _ = _steps(parts, entering)
    rest, final = _steps(matrices[:, whole:], middle)
    return torch.cat([states.reshape(rows, whole, size), rest], 1), final


def _steps(matrices: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """One step after the other: (..., T, n, n) and (..., n) -> (..., T, n) and (..., n)."""
    before = []
    for t in range(matrices.shape[-3]):
        before.append(state)
        state = (matrices[..., t, :, :] @ state.unsqueeze(-1)).squeeze(-1)
    if not before:
        return matrices.new_empty(matrices.shape[:-1]), state
    return torch.stack(before, -2), state
