"""Seconds of a call, by repetition: the median and the spread."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Timing:
    """Seconds of one call.

    Attributes:
        median: over the repetitions.
        low: the shortest.
        high: the longest.
        repeats: how many there were.
        alone: on a GPU the seconds of a call that nothing is queued before, its launches by the host included; the others leave
            out what the host needs, as in a program that queues its work ahead or replays a graph.
    """

    median: float
    low: float
    high: float
    repeats: int
    alone: float | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return asdict(self)


PATIENCE = 4.0
"""Seconds after which a slow call is neither warmed up nor repeated any more."""
QUEUED = 0.05
"""Seconds up to which calls are queued behind one that sleeps: longer ones hide their launches themselves."""
CLOCK = 2e9
"""Cycles a second of a GPU at most."""


def measure(
    call: Callable[[], object], device: str, *, seconds: float = 1.0, most: int = 50, warm: bool = False
) -> Timing:
    """Times a call after two calls that warm it up; one is enough, and so is one repetition, where a call takes longer than `PATIENCE`.

    Args:
        call: what to time; on a GPU it may return before its kernels end.
        device: `cpu` or `cuda`.
        seconds: repeat until this time is spent, but five times at least while that does not take longer than `PATIENCE`.
        most: the most repetitions.
        warm: the call has run before, so that it needs no other warm-up.
    """
    if not warm and _once(call, device) < PATIENCE:
        call()
    found: list[float] = []
    while not found or (sum(found) < PATIENCE if len(found) < 5 else sum(found) < seconds and len(found) < most):
        found.append(_once(call, device))
    alone = None
    if device == "cuda":
        alone = statistics.median(found)
        if alone < QUEUED:
            found = _queued(call, len(found))
    return Timing(statistics.median(found), min(found), max(found), len(found), alone)


def _once(call: Callable[[], object], device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
        ((begin, end),) = _recorded(call, 1)
        torch.cuda.synchronize()
        return float(begin.elapsed_time(end)) / 1e3
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _queued(call: Callable[[], object], repeats: int) -> list[float]:
    """Calls that the host queues while the device sleeps, so that none waits for its launch."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    host = time.perf_counter() - start
    torch.cuda._sleep(int(1.5 * host * repeats * CLOCK))  # type: ignore[no-untyped-call]
    events = _recorded(call, repeats)
    torch.cuda.synchronize()
    return [float(begin.elapsed_time(end)) / 1e3 for begin, end in events]


def _recorded(call: Callable[[], object], repeats: int) -> list[tuple[torch.cuda.Event, torch.cuda.Event]]:
    events = []
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        begin.record()
        call()
        end.record()
        events.append((begin, end))
    return events
