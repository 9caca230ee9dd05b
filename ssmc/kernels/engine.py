"""One door to the fast path: a machine of packed bits and its automaton, and the engine that suits the device.

On a CPU the automaton's table walk wins everywhere (one dependent load a symbol). On a GPU the packed bits and the
composed maps are both timed once, on the first long input, and the faster one is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from ssmc.errors import InputError, UsageError
from ssmc.kernels.dfa import run_maps, run_walk
from ssmc.kernels.lanes import run_lanes

if TYPE_CHECKING:
    from torch import Tensor

    from ssmc.kernels.dfa import DfaMachine
    from ssmc.kernels.machine import BitMachine

Engine = Literal["auto", "walk", "maps", "bits", "lanes"]
PROBE = 1 << 20
"""Symbols of a probe; shorter inputs take the packed bits where they exist."""


class Run(NamedTuple):
    """Outputs (B, T) uint8, the state (B,) to go on from with the same engine, and that engine's name."""

    outputs: Tensor
    states: Tensor
    engine: str


@dataclass
class Runner:
    """Runs uint8 symbols through whichever engine is asked for.

    Attributes:
        automaton: The complete table; always there.
        bits: The packed cascade, where there is one.
    """

    automaton: DfaMachine
    bits: BitMachine | None = None
    _fastest: dict[torch.device, str] = field(default_factory=dict)

    def run(self, tokens: Tensor, states: Tensor | None = None, *, engine: Engine = "auto") -> Run:
        """The outputs of strings (B, T), and where they left off: any cutting into pieces gives the same bytes.

        Args:
            tokens: uint8 symbols, on a CPU or a GPU.
            states: Where an earlier piece left off, from the same engine.
            engine: walk (CPU), maps and bits (GPU; bits also under Triton's interpreter), lanes (torch operations).

        Raises:
            UsageError: The engine does not run there.
            InputError: A symbol is outside of the alphabet.
        """
        chosen = self.choose(tokens, engine)
        symbols = self.automaton.delta.shape[1]
        if tokens.numel() and symbols < 256 and int(tokens.max()) >= symbols:
            raise InputError(f"a symbol is outside of 0..{symbols - 1}")
        if tokens.shape[1] == 0:
            first = torch.full((len(tokens),), self.automaton.initial if chosen in ("walk", "maps") else 0)
            return Run(tokens.clone(), first if states is None else states.clone(), chosen)
        return Run(*self._run(chosen, tokens, states), chosen)

    def choose(self, tokens: Tensor, engine: Engine = "auto") -> str:
        """The engine that `run` takes.

        Raises:
            UsageError: The engine does not run there.
        """
        if engine != "auto":
            if engine in ("bits", "lanes") and self.bits is None:
                raise UsageError("this language has no packed-bit machine; take the engine maps or walk")
            if engine == "walk" and tokens.is_cuda:
                raise UsageError("the engine walk runs on a CPU")
            return engine
        if not tokens.is_cuda:
            return "walk"
        if self.bits is None:
            return "maps"
        if tokens.numel() < PROBE:
            return "bits"
        if tokens.device not in self._fastest:
            self._fastest[tokens.device] = min(("bits", "maps"), key=lambda name: self._time(name, tokens))
        return self._fastest[tokens.device]

    def _time(self, name: str, tokens: Tensor) -> float:
        probe = tokens.reshape(-1)[: PROBE * 16].reshape(1, -1)
        best = float("inf")
        for _ in range(3):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            start.record(torch.cuda.current_stream(tokens.device))
            self._run(name, probe, None)
            end.record(torch.cuda.current_stream(tokens.device))
            end.synchronize()
            best = min(best, start.elapsed_time(end))
        return best

    def _run(self, name: str, tokens: Tensor, states: Tensor | None) -> tuple[Tensor, Tensor]:
        if name == "walk":
            return run_walk(self.automaton, tokens, states)
        if name == "maps":
            return run_maps(self.automaton, tokens, states)
        if self.bits is None:
            raise UsageError("this language has no packed-bit machine")
        if name == "lanes":
            return run_lanes(self.bits, tokens, states)
        from ssmc.kernels.fused import run_fused

        answer = run_fused(self.bits, tokens, states)
        if answer.outputs is None:
            raise UsageError("no outputs were asked for")
        return answer.outputs, answer.states
