"""The automaton itself as a table, its naive twin, and its engines: a walk on a CPU, composed maps on a GPU.

Composing the maps of an arbitrary automaton costs n operations where hold and reset cost a constant; with n <= 16 states
a map is 16 nibbles of one word. This is the rival of the packed bits, and the engine for what does not fit them.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ssmc.errors import InputError, InvariantError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CHUNK = 256
"""Symbols that one lane of the map kernels walks."""


@dataclass(frozen=True, eq=False)
class DfaMachine:
    """A complete automaton by symbols.

    Attributes:
        delta: int32 (states, symbols): the next state.
        output: uint8 (states,): the output after a symbol that leads there.
        initial: the state before any symbol.
    """

    delta: NDArray[np.int32]
    output: NDArray[np.uint8]
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
        if self.delta.dtype != np.int32 or self.output.dtype != np.uint8 or self.output.shape != (states,):
            raise InvariantError("automaton table: delta int32 (states, symbols), output uint8 (states,)")
        inside = self.delta.size == 0 or (0 <= int(self.delta.min()) and int(self.delta.max()) < states)
        if not states or not symbols or not inside or not 0 <= self.initial < states:
            raise InvariantError("automaton table: a state out of range")


def run_dfa_naive(machine: DfaMachine, tokens: NDArray[np.integer], state: int) -> tuple[NDArray[np.uint8], int]:
    """The output after each symbol of one string and the last state: one Python loop."""
    rows = machine.delta.tolist()
    states = []
    for x in tokens.tolist():
        state = rows[state][x]
        states.append(state)
    return machine.output[np.array(states, np.int64)], state


@cache
def _compiled() -> Callable[..., Any] | None:
    """The walk compiled by numba, or None where numba is not installed."""
    try:
        numba = importlib.import_module("numba")
    except ImportError:
        return None

    def walk(delta: Any, output: Any, shift: int, tokens: Any, states: Any, out: Any) -> None:
        rows, length = tokens.shape
        for row in range(rows):
            state = states[row] << shift
            text, answers = tokens[row], out[row]
            for t in range(length):
                state = delta[state | text[t]]
                answers[t] = output[state >> shift]
            states[row] = state >> shift

    compiled: Callable[..., Any] = numba.njit(cache=False, nogil=True, boundscheck=False)(walk)
    return compiled


def run_walk(machine: DfaMachine, tokens: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Outputs (B, T) uint8 and last states (B,) of uint8 tokens on a CPU: a table walk, compiled where numba is.

    Raises:
        InputError: A symbol is outside of the alphabet.
    """
    symbols = machine.delta.shape[1]
    if tokens.numel() and symbols < 256 and int(tokens.max()) >= symbols:
        raise InputError(f"a symbol is outside of 0..{symbols - 1}")
    entering = np.full(len(tokens), machine.initial, np.int64) if states is None else states.numpy().astype(np.int64)
    walk = _compiled()
    if walk is None:
        outs = np.empty(tuple(tokens.shape), np.uint8)
        for row in range(len(outs)):
            outs[row], entering[row] = run_dfa_naive(machine, tokens[row].numpy(), int(entering[row]))
        return torch.from_numpy(outs), torch.from_numpy(entering)
    shift = max(1, (symbols - 1).bit_length())
    delta = np.zeros((machine.states, 1 << shift), np.int64 if machine.states << shift > 1 << 15 else np.uint16)
    delta[:, :symbols] = machine.delta.astype(np.int64) << shift  # rows where they begin: no shift on the way
    outs = np.empty(tuple(tokens.shape), np.uint8)
    walk(delta.reshape(-1), machine.output, shift, tokens.numpy(), entering, outs)
    return torch.from_numpy(outs), torch.from_numpy(entering)


def run_maps(machine: DfaMachine, tokens: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Outputs (B, T) uint8 and last states (B,) of uint8 tokens on a GPU: maps of chunks, their scan, a replay.

    Args:
        machine: The table; any number of states.
        tokens: Symbols (B, T), T > 0.
        states: The state (B,) that enters each string.
    """
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
