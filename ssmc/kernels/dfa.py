"""The automaton itself as a table, its naive twin, and its engines: a walk on a CPU, composed maps anywhere.

Composing the maps of an arbitrary automaton costs n operations where hold and reset cost a constant; with n <= 16 states
a map is 16 nibbles of one word. This is the rival of the packed bits, and the engine for what does not fit them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ssmc.errors import InputError, InvariantError
from ssmc.kernels.walking import compiled_walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CHUNK = 256
"""Symbols that one lane of the map kernels walks."""
COMPILE = 1 << 17
"""Symbols that are walked by a Python loop rather than wait for the compiler."""


@dataclass(frozen=True, eq=False)
class DfaMachine:
    """A complete automaton by symbols.

    Attributes:
        delta: int32 (states, symbols): the next state.
        output: uint8 or int32 (states,): the output after a symbol that leads there.
        initial: the state before any symbol.
    """

    delta: NDArray[np.int32]
    output: NDArray[np.integer]
    initial: int = 0

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.delta)

    def check(self) -> None:
        """Checks shapes and ranges.

        Raises:
            InvariantError: a table is malformed.
        """
        states, symbols = self.delta.shape
        answers = self.output.dtype in (np.uint8, np.int32) and self.output.shape == (states,)
        if self.delta.dtype != np.int32 or not answers:
            raise InvariantError("automaton table: delta int32 (states, symbols), output uint8 or int32 (states,)")
        inside = self.delta.size == 0 or (0 <= int(self.delta.min()) and int(self.delta.max()) < states)
        if not states or not symbols or not inside or not 0 <= self.initial < states:
            raise InvariantError("automaton table: a state out of range")


def run_dfa_naive(machine: DfaMachine, tokens: NDArray[np.integer], state: int) -> tuple[NDArray[Any], int]:
    """The output after each symbol of one string and the last state: one Python loop."""
    rows = machine.delta.tolist()
    states = []
    for x in tokens.tolist():
        state = rows[state][x]
        states.append(state)
    return machine.output[np.array(states, np.int64)], state


@cache
def compile_walk() -> bool:
    """Compiles the walk, once, which takes a second or two; False where numba is not installed."""
    walk = compiled_walk()
    if walk is None:
        return False
    machine = DfaMachine(np.zeros((1, 2), np.int32), np.zeros(1, np.uint8))
    _walk(walk, machine, np.zeros((1, 1), np.uint8), np.zeros(1, np.int64))
    _READY.append(True)
    return True


_READY: list[bool] = []
"""Not empty once the walk is compiled."""


def _walk(
    walk: Callable[..., Any], machine: DfaMachine, tokens: NDArray[Any], states: NDArray[np.int64]
) -> NDArray[Any]:
    symbols = machine.delta.shape[1]
    shift = max(1, (symbols - 1).bit_length())
    # rows where they begin: no shift on the way; unsigned, since numba checks signed indices for being negative
    delta = np.zeros((machine.states, 1 << shift), np.uint32)
    delta[:, :symbols] = machine.delta.astype(delta.dtype) << shift
    outs = np.empty(tokens.shape, machine.output.dtype)
    text = tokens if tokens.dtype == np.uint8 else tokens.astype(np.int32, copy=False)
    walk(delta.reshape(-1), machine.output, shift, machine.states, text, states, np.zeros(16, np.int64), outs)
    return outs


def run_walk(machine: DfaMachine, tokens: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Outputs (B, T) and last states (B,) of integer tokens on a CPU: a table walk, compiled by numba where it is installed and it pays.

    Raises:
        InputError: A symbol is outside of the alphabet.
    """
    symbols = machine.delta.shape[1]
    if tokens.numel() and not (tokens.dtype == torch.uint8 and symbols >= 256) and int(tokens.max()) >= symbols:
        raise InputError(f"a symbol is outside of 0..{symbols - 1}")
    entering = np.full(len(tokens), machine.initial, np.int64) if states is None else states.numpy().astype(np.int64)
    text = tokens.contiguous().numpy()
    walk = compiled_walk() if _READY or text.size >= COMPILE else None
    if walk is not None:
        compile_walk()
        return torch.from_numpy(_walk(walk, machine, text, entering)), torch.from_numpy(entering)
    outs = np.empty(text.shape, machine.output.dtype)
    for row in range(len(outs)):
        outs[row], entering[row] = run_dfa_naive(machine, text[row], int(entering[row]))
    return torch.from_numpy(outs), torch.from_numpy(entering)


def compose_maps(machine: DfaMachine, tokens: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Outputs (B, T) and last states (B,) in torch operations on any device: maps of chunks side by side, their scan, a replay.

    Args:
        machine: The table; every state costs a walk.
        tokens: Symbols (B, T) of any integer type.
        states: The state (B,) that enters each string.
    """
    rows, length = tokens.shape
    device, count, symbols = tokens.device, machine.states, machine.delta.shape[1]
    entering = torch.full((rows,), machine.initial, dtype=torch.int64, device=device)
    entering = entering if states is None else states.long()
    output = torch.from_numpy(machine.output).to(device)
    if not length or not rows:
        return output.new_empty(rows, length), entering.clone()
    chunk = max(16, min(1024, int((length * rows * count) ** 0.5) // 8))
    chunks = -(-length // chunk)
    hold = np.arange(count, dtype=np.int32)[:, None]
    delta = torch.from_numpy(np.concatenate([machine.delta, hold], 1).T.reshape(-1).copy()).to(device)
    padded = torch.full((rows, chunks * chunk), symbols * count, dtype=torch.int32, device=device)
    padded[:, :length] = tokens.int() * count
    steps = padded.view(rows, chunks, chunk).permute(2, 0, 1).contiguous()
    maps = torch.arange(count, dtype=torch.int32, device=device).expand(rows, chunks, count)
    for step in steps:
        maps = delta.index_select(0, (maps + step[..., None]).reshape(-1)).view(maps.shape)
    reach = 1
    prefix = maps.long()
    while reach < chunks:
        prefix = torch.cat([prefix[:, :reach], prefix[:, reach:].gather(2, prefix[:, :-reach])], 1)
        reach *= 2
    ends = prefix.gather(2, entering[:, None, None].expand(-1, chunks, 1))[..., 0]
    state = torch.cat([entering[:, None], ends[:, :-1]], 1).int()
    visited = torch.empty(chunk, rows, chunks, dtype=torch.int32, device=device)
    for t, step in enumerate(steps):
        state = delta.index_select(0, (state + step).reshape(-1)).view(state.shape)
        visited[t] = state
    flat = visited.permute(1, 2, 0).reshape(rows, -1)[:, :length].reshape(-1)
    return output.index_select(0, flat).view(rows, length), ends[:, -1].clone()


def run_maps(machine: DfaMachine, tokens: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Outputs (B, T) and last states (B,) of tokens on a GPU: maps of chunks, their scan, a replay.

    Args:
        machine: The table; any number of states.
        tokens: Symbols (B, T); bytes go through the Triton kernels, wider ones through torch operations.
        states: The state (B,) that enters each string.
    """
    if tokens.dtype != torch.uint8 or not tokens.numel():
        return compose_maps(machine, tokens, states)
    if machine.output.dtype != np.uint8:
        outs = torch.zeros(tokens.shape, dtype=torch.int32, device=tokens.device)
        for shift in range(0, max(1, int(machine.output.max()).bit_length()), 8):
            part = replace(machine, output=(machine.output >> shift & 255).astype(np.uint8))
            some, last = run_maps(part, tokens, states)
            outs |= some.int() << shift
        return outs, last
    from ssmc.kernels import maps

    rows, length = tokens.shape
    device = tokens.device
    entering = torch.full((rows,), machine.initial, dtype=torch.int32, device=device)
    if states is not None:
        entering = states.to(torch.int32)
    count = -(-length // CHUNK)
    text = tokens
    symbols = machine.delta.shape[1]
    delta = np.concatenate([machine.delta, np.arange(machine.states, dtype=np.int32)[:, None]], 1)
    if count * CHUNK != length or tokens.data_ptr() % 16 or not tokens.is_contiguous():
        if symbols > 255:
            whole = length - length % CHUNK
            if whole and tokens[:, :whole].shape != tokens.shape:
                left, middle = run_maps(machine, tokens[:, :whole].contiguous(), entering)
                right, last = run_maps(machine, tokens[:, whole:], middle)
                return torch.cat([left, right], 1), last
            return _steps(machine, tokens, entering)
        text = torch.full((rows, count * CHUNK), symbols, dtype=torch.uint8, device=device)
        text[:, :length] = tokens
    table = np.ascontiguousarray(delta.T.astype(np.int32))
    table = np.concatenate([table, np.zeros((max(0, 256 - len(table)), machine.states), np.int32)])[:256]
    answer: tuple[Tensor, Tensor] = maps.run(machine, table, text, entering, length)  # type: ignore[no-untyped-call]
    return answer


def _steps(machine: DfaMachine, tokens: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """A few symbols of every string, one operation a step."""
    delta = torch.from_numpy(machine.delta).to(tokens.device)
    output = torch.from_numpy(machine.output).to(tokens.device)
    outs = torch.empty_like(tokens)
    state = states.long()
    for t in range(tokens.shape[1]):
        state = delta[state, tokens[:, t].long()].long()
        outs[:, t] = output[state]
    return outs, state.to(torch.int32)
