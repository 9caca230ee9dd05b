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
    """

    median: float
    low: float
    high: float
    repeats: int

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return asdict(self)


PATIENCE = 4.0
"""Seconds after which a slow call is neither warmed up nor repeated any more."""


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
    return Timing(statistics.median(found), min(found), max(found), len(found))


def _once(call: Callable[[], object], device: str) -> float:
    if device == "cuda":
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        return float(begin.elapsed_time(end)) / 1e3
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
