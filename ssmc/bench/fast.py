"""Symbols per second of the fast path: packed bits and composed maps on a GPU, the table walk on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ssmc.bench.timing import measure
from ssmc.errors import VerificationError
from ssmc.kernels.dfa import run_walk

if TYPE_CHECKING:
    from ssmc.kernels.engine import Runner

SIZES = {"cpu": 1 << 22, "cuda": 1 << 26}
"""Symbols of the input, one string."""
CHECKED = 1 << 20
"""Symbols whose outputs are compared between engines."""


def bench_fast(runner: Runner, text: torch.Tensor, device: str) -> dict[str, Any]:
    """Every engine that runs on the device, after all agree with the table walk, against a copy of the bytes.

    Args:
        runner: The machines.
        text: uint8 symbols (1, T) on a CPU; repeated up to the size of the measurement.
        device: `cpu` or `cuda`.

    Raises:
        VerificationError: An engine's answers are wrong; nothing is timed then.
    """
    size = SIZES[device]
    text = text.repeat(1, -(-size // text.shape[1]))[:, :size].contiguous()
    expected, _ = run_walk(runner.automaton, text[:, :CHECKED].contiguous())
    engines = ["walk"] if device == "cpu" else ["maps", *(["bits"] if runner.bits is not None else [])]
    tokens = text.to(device)
    for engine in engines:
        got = runner.run(tokens[:, :CHECKED].contiguous(), engine=engine).outputs.cpu()  # type: ignore[arg-type]
        wrong = int((got != expected).sum())
        if wrong:
            raise VerificationError(f"the engine {engine} gives {wrong:,} wrong outputs")
    target = torch.empty_like(tokens)
    copy = measure(lambda: target.copy_(tokens), device)
    rows = []
    for engine in engines:
        timing = measure(lambda engine=engine: runner.run(tokens, engine=engine), device)  # type: ignore[misc]
        rows.append(
            {
                "engine": engine,
                "seconds": timing.to_json(),
                "tokens_per_second": size / timing.median,
                "of_byte_copy": copy.median / timing.median,
            }
        )
    return {"tokens": size, "copy": copy.to_json(), "engines": rows, "auto": runner.choose(tokens)}
