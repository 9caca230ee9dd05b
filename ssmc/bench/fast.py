"""Symbols per second of each engine of the fast path, after all agree, against a copy of the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ssmc.bench.scans import silent
from ssmc.bench.timing import measure
from ssmc.bench.walks import live_text
from ssmc.errors import NotStarFreeError, VerificationError
from ssmc.kernels.dfa import run_dfa_naive
from ssmc.kernels.engine import ENGINES, Runner
from ssmc.kernels.saying import Machines
from ssmc.nn.running import NetworkEngine

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.bench.scans import Tell

SIZES = {"cpu": 1 << 20, "cuda": 1 << 26}
"""Symbols of the one string that engines run on."""
NETWORK_SIZES = {"cpu": 1 << 14, "cuda": 1 << 22}
"""The same for the network."""
NAIVE = 1 << 12
"""Symbols that the fast engines are compared with a Python loop on."""
SECONDS = 0.25
"""What one engine's repetitions may take."""
CURVE = {"cpu": tuple(1 << k for k in range(10, 23, 2)), "cuda": tuple(1 << k for k in range(12, 28, 2))}
"""Lengths of the curve of throughput."""
GRAMMARS = ("flip-flop", "ab-ba-star", "fourth-from-end", "dyck-2-4", "order-preserving-5", "parity")
"""What the table of models is about: a reset, a counter, a window, brackets, three layers, and a group."""


def engines_of(runner: Runner, device: str) -> list[str]:
    """The engines that run on a device."""
    return [engine for engine in ENGINES[1:] if runner.refusal(engine, "accept", cuda=device == "cuda") is None]


def check_engines(runner: Runner, text: torch.Tensor, device: str) -> None:
    """Compares every engine with the automaton's own loop, and with each other on the whole text.

    Args:
        runner: The engines.
        text: Symbols (1, T) on a CPU.
        device: `cpu` or `cuda`.

    Raises:
        VerificationError: An engine's answers are wrong.
    """
    machines = runner.machines
    table = machines.automaton("accept")
    letters = machines.letters(text[:, :NAIVE]).numpy()[0]
    naive, _ = run_dfa_naive(table, letters, table.initial)
    walked = runner.run(text, engine="walk", said="accept").outputs
    wrong = int((walked[0, : len(naive)].numpy() != naive).sum())
    if wrong:
        raise VerificationError(f"the engine walk gives {wrong:,} wrong answers")
    tokens = text.to(device)
    for engine in engines_of(runner, device):
        some = tokens[:, : NETWORK_SIZES[device]] if engine == "network" else tokens
        got = runner.run(some, engine=engine, said="accept").outputs.cpu()  # type: ignore[arg-type]
        wrong = int((got != walked[:, : got.shape[1]]).sum())
        if wrong:
            raise VerificationError(f"the engine {engine} gives {wrong:,} wrong answers")


def byte_copy(size: int, device: str) -> float:
    """Seconds that a copy of so many bytes takes: what no engine can beat that reads and writes a byte a symbol."""
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return measure(lambda: target.copy_(source), device, seconds=SECONDS).median


def bench_engines(runner: Runner, text: torch.Tensor, device: str) -> list[dict[str, Any]]:
    """A row for each engine, after `check_engines`.

    Raises:
        VerificationError: An engine's answers are wrong; nothing is timed then.
    """
    check_engines(runner, text, device)
    tokens = text.to(device)
    rows = []
    for engine in engines_of(runner, device):
        some = tokens[:, : NETWORK_SIZES[device]].contiguous() if engine == "network" else tokens
        rows.append(_row(runner, some, engine, device))
    best = max(rows, key=lambda row: float(row["tokens_per_second"]))
    return [row | {"fastest": row is best} for row in rows]


def _row(runner: Runner, tokens: torch.Tensor, engine: Any, device: str) -> dict[str, Any]:
    size = tokens.shape[1]
    timing = measure(lambda: runner.run(tokens, engine=engine, said="accept", checked=True), device, seconds=SECONDS)
    return {
        "engine": engine,
        "time": size,
        "seconds": timing.to_json(),
        "tokens_per_second": size / timing.median,
        "of_byte_copy": byte_copy(size, device) / timing.median,
    }


def runner_of(automaton: Automaton, device: str) -> Runner:
    """The engines of a language in recognise mode, its network among them where it is star-free."""
    from ssmc.cascade import decompose
    from ssmc.nn import Model
    from ssmc.targets import lower
    from ssmc.targets.fast import describe

    try:
        cascade = decompose(automaton, "recognise")
    except NotStarFreeError:
        return Runner(Machines(describe(automaton)))
    described = describe(automaton, cascade)
    weights = lower(cascade)
    return Runner(
        Machines(described), NetworkEngine(Model.of(weights.config, weights.tensors).to(device).eval(), described)
    )


def bench_languages(device: str, tell: Tell = silent) -> list[dict[str, Any]]:
    """The engines on `GRAMMARS`, which come with ssmc; `tell` hears which one is next.

    Raises:
        VerificationError: An engine's answers are wrong; nothing is timed then.
    """
    from ssmc.languages import read_language

    rows = []
    for name in GRAMMARS:
        tell(f"the engines of {name}")
        automaton = read_language(name).automaton
        runner = runner_of(automaton, device)
        text = torch.from_numpy(live_text(automaton, SIZES[device]).astype(np.uint8))[None]
        rows += [{"model": name} | row for row in bench_engines(runner, text, device)]
    return rows


def bench_curve(runner: Runner, automaton: Automaton, device: str) -> list[dict[str, Any]]:
    """Throughput of each engine, and of a copy of the bytes, against the length of the string.

    Raises:
        VerificationError: An engine's answers are wrong; nothing is timed then.
    """
    longest = CURVE[device][-1]
    text = torch.from_numpy(runner_dtype(runner, live_text(automaton, longest)))[None]
    check_engines(runner, text[:, : SIZES[device]], device)
    tokens = text.to(device)
    rows = []
    for size in CURVE[device]:
        some = tokens[:, :size].contiguous()
        rows.append({"engine": "copy", "time": size, "tokens_per_second": size / byte_copy(size, device)})
        for engine in engines_of(runner, device):
            if engine != "network" or size <= NETWORK_SIZES[device]:
                row = _row(runner, some, engine, device)
                rows.append({key: row[key] for key in ("engine", "time", "tokens_per_second")})
    return rows


def runner_dtype(runner: Runner, symbols: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The symbols as bytes where the alphabet allows it."""
    return symbols.astype(np.uint8 if len(runner.machines.description.classes) <= 256 else np.int32)
