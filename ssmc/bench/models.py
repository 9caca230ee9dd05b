"""Tokens per second of a model file, after its answers are checked against its automaton."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ssmc.bench import fast
from ssmc.bench.fast import bench_engines, runner_dtype
from ssmc.bench.timing import measure
from ssmc.bench.walks import live_text, live_walk
from ssmc.errors import VerificationError
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.bench.timing import Timing
    from ssmc.nn import Model

SIZES = {"cpu": ((1, 1 << 16), (64, 1024)), "cuda": ((1, 1 << 22), (1024, 4096))}
"""(B, T): one long input, a batch."""


def bench_model(model: Model, automaton: Automaton, device: str) -> dict[str, Any]:
    """Tokens per second of `forward`, of `step` and of the engines of `run` on live input.

    Raises:
        VerificationError: an answer is wrong; nothing is timed then.
    """
    model = model.to(device)
    if not automaton.alphabet.size:
        raise VerificationError("a model without symbols reads nothing")
    with torch.inference_mode():
        wrong = count_errors(model, automaton, device, SIZES[device][0][1])
        if wrong:
            raise VerificationError(f"{wrong:,} wrong answers on a random walk")
        engines = _engines(model, automaton, device)
        rows = [_forward(model, automaton, device, *size) for size in SIZES[device]]
        rows.append(_step(model, automaton, device, SIZES[device][-1][0]))
    return {
        "device": device,
        "dtype": model.config["dtype"],
        "mode": model.config["mode"],
        "errors": 0,
        "runs": rows,
        "engines": engines,
    }


def _engines(model: Model, automaton: Automaton, device: str) -> list[dict[str, Any]]:
    """The engines that answer for the model: none where no certificate says so."""
    compiled = getattr(model, "compiled", None)
    if compiled is None or compiled.doubt(model) is not None:
        return []
    runner = compiled.runner(model)
    text = runner_dtype(runner, live_text(automaton, fast.SIZES[device]))
    return bench_engines(runner, torch.from_numpy(text)[None], device)


def count_errors(model: Model, automaton: Automaton, device: str, length: int) -> int:
    """The number of positions of a live walk at which the model's verdict differs from the automaton's."""
    symbols, states = live_walk(automaton, length)
    if model.config["mode"] == "predict" and DEAD in states:
        stop = states.index(DEAD)  # behind an illegal symbol nothing is promised
        symbols, states = symbols[:stop], states[:stop]
    logits, _ = model(torch.tensor([symbols], dtype=torch.int64, device=device))
    said = (logits[0, :, 0] > 0).cpu().numpy()
    return int((said != np.isin(states, list(automaton.accepting))).sum())


def _tokens(automaton: Automaton, device: str, batch: int, time: int) -> torch.Tensor:
    row = torch.tensor(live_walk(automaton, time)[0], dtype=torch.int64)
    return row.expand(batch, -1).contiguous().to(device)


def _forward(model: Model, automaton: Automaton, device: str, batch: int, time: int) -> dict[str, Any]:
    tokens = _tokens(automaton, device, batch, time)
    timing = measure(lambda: model(tokens), device)
    return _row("forward", batch, time, timing, timing.median)


def _step(model: Model, automaton: Automaton, device: str, batch: int) -> dict[str, Any]:
    tokens, state = _tokens(automaton, device, batch, 1)[:, 0], model.initial_state(batch)
    timing = measure(lambda: model.step(tokens, state), device)
    # the next step waits for what this one says, so its launches count
    return _row("step", batch, 1, timing, timing.alone or timing.median)


def _row(engine: str, batch: int, time: int, timing: Timing, seconds: float) -> dict[str, Any]:
    return {
        "engine": engine,
        "batch": batch,
        "time": time,
        "seconds": timing.to_json(),
        "tokens_per_second": batch * time / seconds,
    }
