"""One door to the fast path: the machines of a language, the network beside them, and the engine that is faster here.

| engine | on a CPU | on a GPU |
| --- | --- | --- |
| walk | the automaton's table, one dependent load a symbol (dfa.py) | not there |
| maps | the automaton's maps composed, in torch operations (dfa.py) | the same in Triton (maps.py) |
| bits | the cascade by columns of torch operations (wide.py) | packed bits in Triton (fused.py); columns beyond a word |
| network | the trained or compiled network itself | the same |

`auto` runs each of them on a part of the first input of its kind (device, number and length of strings, what is asked for), compares
their answers, and keeps the fastest. Inputs of a few thousand symbols are not worth it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, cast, get_args

import torch

from ssmc.errors import InputError, UsageError, VerificationError
from ssmc.kernels.dfa import compile_walk, compose_maps, run_maps, run_walk
from ssmc.kernels.lanes import run_lanes
from ssmc.kernels.machine import BitMachine
from ssmc.kernels.wide import ColumnMachine, run_columns

if TYPE_CHECKING:
    from torch import Tensor

    from ssmc.kernels.saying import Machines, Said

Engine = Literal["auto", "walk", "maps", "bits", "network"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
Form = Literal["numbers", "bits", "last"]
"""A number a symbol (B, T), numbers 0 and 1 as eight bits a byte (B, ceil(T / 8)), or the last number alone (B,)."""
PROBE = {"cpu": 1 << 15, "cuda": 1 << 24}
"""Symbols that an engine is timed on."""
NETWORK_PROBE = {"cpu": 1 << 13, "cuda": 1 << 18}
"""The same for the network, which is slower."""
SMALL = 1 << 12
"""Symbols up to which measuring costs more than it gains: the walk on a CPU, packed bits on a GPU."""
COMPILE = 1 << 16
"""Symbols from which on compiling the walk is worth its second."""
MAPS = 64
"""States of an automaton beyond which its maps are not composed on a CPU unless asked for: each costs a walk."""


class Run(NamedTuple):
    """Numbers in some form, uint8 where they fit and int32 otherwise, the states to go on from with the same engine, and that engine's name."""

    outputs: Tensor
    states: Any
    engine: str


class Network(Protocol):
    """A network that says outcomes, or whether prefixes are words."""

    def __call__(self, tokens: Tensor, states: Any, said: Said) -> tuple[Tensor, Any]:
        """Numbers (B, T) of tokens (B, T) and of what an earlier piece returned, and what to go on from."""


@dataclass
class Runner:
    """Runs symbols through whichever engine is asked for.

    Attributes:
        machines: The language's tables.
        network: The network, where there is one.
    """

    machines: Machines
    network: Network | None = None
    _fastest: dict[tuple[object, ...], dict[str, float]] = field(default_factory=dict)

    def run(
        self,
        tokens: Tensor,
        states: Any = None,
        *,
        engine: Engine = "auto",
        said: Said = "outcomes",
        form: Form = "numbers",
        checked: bool = False,
    ) -> Run:
        """What is said after each symbol of strings (B, T): any cutting into pieces gives the same numbers.

        Args:
            tokens: Symbols of any integer type, on a CPU or a GPU.
            states: Where an earlier piece left off; only with the engine that it came from.
            engine: One of `ENGINES`.
            said: What is asked for.
            form: How; bits are for `accept`, the last number for strings that are not empty.
            checked: Whether the symbols are known to be in the alphabet.

        Raises:
            UsageError: The engine does not run there, or cannot say that.
            InputError: A symbol is outside of the alphabet.
            VerificationError: Two engines disagree.
        """
        if not checked:
            self._check(tokens)
        chosen = self.choose(tokens, engine, said)
        if form != "numbers" and chosen == "bits" and tokens.is_cuda and tokens.numel():
            machine = self.machines.bits(said)
            if isinstance(machine, BitMachine):
                run = run_last if form == "last" else run_bits
                return Run(*run(machine, self.machines.letters(tokens), states), chosen)
        numbers, last = self._run(chosen, tokens, states, said)
        return Run(pack(numbers) if form == "bits" else numbers[:, -1] if form == "last" else numbers, last, chosen)

    def choose(self, tokens: Tensor, engine: Engine = "auto", said: Said = "outcomes") -> str:
        """The engine that `run` takes.

        Raises:
            UsageError: The engine does not run there, or cannot say that.
            VerificationError: Two engines disagree.
        """
        if engine == "auto":
            if tokens.numel() < SMALL:
                return "walk" if not tokens.is_cuda else "maps" if self.machines.description.parts is None else "bits"
            times = self.measure(tokens, said)
            return min(times, key=times.__getitem__)
        reason = self.refusal(engine, said, cuda=tokens.is_cuda)
        if reason is not None:
            raise UsageError(reason)
        return engine

    def refusal(self, engine: str, said: Said = "outcomes", *, cuda: bool) -> str | None:
        """Why an engine cannot answer; None where it can."""
        if engine not in ENGINES:
            return f"unknown engine {engine!r}; the engines are {', '.join(ENGINES)}"
        if engine == "walk" and cuda:
            return "the engine walk runs on a CPU; on a GPU take bits or maps"
        if engine == "bits" and self.machines.description.parts is None:
            return "the engine bits needs a cascade, and this language has none; take maps or walk"
        if engine == "network" and self.network is None:
            return "the engine network needs a network, and there is none; take bits, maps or walk"
        if engine == "network" and said == "states":
            return "the network does not tell the automaton's state; take bits, maps or walk"
        return None

    def measure(self, tokens: Tensor, said: Said = "outcomes") -> dict[str, float]:
        """Seconds a symbol of each engine on inputs like this one; kept after the first of its kind.

        Raises:
            VerificationError: Two engines disagree.
        """
        rows, length = tokens.shape
        key = (tokens.device, rows.bit_length() // 2, length.bit_length() // 2, tokens.dtype, said)
        if key not in self._fastest:
            self._fastest[key] = self._measure(tokens, said)
        return self._fastest[key]

    def _measure(self, tokens: Tensor, said: Said) -> dict[str, float]:
        device = "cuda" if tokens.is_cuda else "cpu"
        if device == "cpu" and tokens.numel() >= COMPILE:
            compile_walk()
        answers: dict[str, Tensor] = {}
        times: dict[str, float] = {}
        for engine in ENGINES[1:]:
            slow = engine == "maps" and device == "cpu" and self.machines.states > MAPS
            if slow or self.refusal(engine, said, cuda=tokens.is_cuda) is not None:
                continue
            size = (NETWORK_PROBE if engine == "network" else PROBE)[device]
            rows = max(1, min(len(tokens), size))
            probe = tokens[:rows, : max(1, size // rows)].contiguous()
            answers[engine] = self._run(engine, probe, None, said)[0]
            times[engine] = min(self._time(engine, probe, said) for _ in range(2)) / max(1, probe.numel())
        first, *others = answers
        for other in others:
            rows = min(len(answers[first]), len(answers[other]))
            length = min(answers[first].shape[1], answers[other].shape[1])
            left, right = (answers[name][:rows, :length] for name in (first, other))
            if not torch.equal(left, right):
                raise VerificationError(f"the engines {first} and {other} give different answers")
        return times

    def _time(self, engine: str, probe: Tensor, said: Said) -> float:
        begin = self._now(probe)
        self._run(engine, probe, None, said)
        return self._now(probe) - begin

    @staticmethod
    def _now(probe: Tensor) -> float:
        if probe.is_cuda:
            torch.cuda.synchronize(probe.device)
        return time.perf_counter()

    def _check(self, tokens: Tensor) -> None:
        if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool or tokens.dim() != 2:
            raise InputError(f"tokens must be integers (B, T), not {tokens.dtype} {tuple(tokens.shape)}")
        symbols = len(self.machines.description.classes)
        if tokens.numel() and not (tokens.dtype == torch.uint8 and symbols >= 256):
            low, high = (int(x) for x in tokens.aminmax())
            if low < 0 or high >= symbols:
                raise InputError(f"symbol {low if low < 0 else high} is outside of 0..{symbols - 1}")

    def _run(self, engine: str, tokens: Tensor, states: Any, said: Said) -> tuple[Tensor, Any]:
        if engine == "network":
            if self.network is None:
                raise UsageError("there is no network beside the machines")
            numbers, last = self.network(tokens, states, said)
            return self._narrow(numbers.to(tokens.device), said), last
        if engine == "bits":
            machine = self.machines.bits(said) if tokens.is_cuda else self.machines.columns(said)
            if isinstance(machine, ColumnMachine):
                numbers, last = run_columns(machine, tokens, states)
                return self._narrow(numbers, said), last
            if machine is None:
                raise UsageError("there is no cascade to run as bits")
            return run_packed(machine, self.machines.letters(tokens), states)
        letters = self.machines.letters(tokens)
        run = run_walk if engine == "walk" else run_maps if tokens.is_cuda else compose_maps
        return run(self.machines.automaton(said), letters, states)

    def _narrow(self, numbers: Tensor, said: Said) -> Tensor:
        small = int(self.machines.numbers(said).max(initial=0)) < 256
        return numbers.to(torch.uint8 if small else torch.int32)


def pack(answers: Tensor) -> Tensor:
    """Numbers (B, T), 0 or 1, as bytes (B, ceil(T / 8)): position t is bit t % 8 of byte t // 8."""
    rows, length = answers.shape
    padded = torch.zeros(rows, -(-length // 8) * 8, dtype=torch.uint8, device=answers.device)
    padded[:, :length] = answers
    weights = torch.tensor([1 << k for k in range(8)], dtype=torch.uint8, device=answers.device)
    return (padded.view(rows, -1, 8) * weights).sum(2, dtype=torch.uint8)


def run_bits(machine: BitMachine, letters: Tensor, states: Tensor | None) -> tuple[Tensor, Tensor]:
    """Packed bits by the fused kernel, a bit a symbol as `pack` has them: an eighth of the bytes to write."""
    from ssmc.kernels.fused import run_fused

    rows, length = letters.shape
    if rows > 1 and length % 16:
        answer = run_fused(machine, letters.contiguous(), states)
        return pack(cast("Tensor", answer.outputs)), answer.states
    answer = run_fused(machine, letters.contiguous(), states, output="bits")
    packed = cast("Tensor", answer.outputs).view(torch.uint8).reshape(rows, -1)[:, : -(-length // 8)]
    if length % 8:
        packed[:, -1] &= (1 << length % 8) - 1
    return packed, answer.states


def run_last(machine: BitMachine, letters: Tensor, states: Tensor | None) -> tuple[Tensor, Tensor]:
    """Packed bits by the fused kernel, the number after the last symbol alone: nothing is written on the way."""
    from ssmc.kernels.fused import run_fused

    if letters.shape[1] > 1:
        states = run_fused(machine, letters[:, :-1].contiguous(), states, output="none").states
    answer = run_fused(machine, letters[:, -1:].contiguous(), states)
    return cast("Tensor", answer.outputs)[:, 0], answer.states


def run_packed(machine: BitMachine, letters: Tensor, states: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Packed bits by the fused kernel on a GPU, by lanes elsewhere; outputs (B, T) uint8 and the states (B,)."""
    if not letters.is_cuda or not letters.numel():
        return run_lanes(machine, letters, states)
    from ssmc.kernels.fused import run_fused

    answer = run_fused(machine, letters.contiguous(), states)
    return cast("Tensor", answer.outputs), answer.states
