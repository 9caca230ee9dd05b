"""What the GPU benchmarks share: shapes, inputs, machines of packed bits, and the way to time a call."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from ssmc.kernels.machine import BitMachine, Layer

SHAPES = {"long": (1, 2**22, 16), "rows": (64, 4096, 256), "middle": (8, 65536, 64)}
TOKENS = 2**26
EVERY = 2**64 - 1
once = False  # --warm: every call once, nothing timed


def driver() -> str | None:
    """The driver's version."""
    try:
        return subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True, text=True, check=True,
        ).stdout.split()[0]  # fmt: skip
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def median_ms(call, repeats=24):
    """Median milliseconds of call(k), k alternating between two sets; fewer repetitions of slow calls."""
    for k in (0, 1):
        call(k)
    torch.cuda.synchronize()
    if once:
        return {"median": 1.0, "low": 1.0, "high": 1.0}
    begin = time.perf_counter()
    call(0)
    torch.cuda.synchronize()
    taken = time.perf_counter() - begin
    repeats = max(3, min(repeats, int(1 / max(taken, 1e-9))))
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(repeats)]
    torch.cuda._sleep(20_000_000)
    for k, (start, end) in enumerate(events):
        start.record()
        call(k % 2)
        end.record()
    torch.cuda.synchronize()
    times = sorted(start.elapsed_time(end) for start, end in events)
    return {"median": times[repeats // 2], "low": times[0], "high": times[-1]}


def inputs(shape, dtype, pattern, seed=0):
    """Gates of a pattern: real U(0.9, 1), one, or zero-one with a reset every 64 steps or so."""
    g = torch.Generator("cuda").manual_seed(seed)
    u = torch.rand(shape, device="cuda", generator=g)
    if pattern == "real":
        a, b = u * 0.1 + 0.9, torch.randn(shape, device="cuda", generator=g)
    elif pattern == "one":
        a, b = torch.ones_like(u), torch.randn(shape, device="cuda", generator=g)
    else:
        a, b = (u > 1 / 64).float(), torch.randint(-1, 2, shape, device="cuda", generator=g).float()
    return a.to(dtype), b.to(dtype)


def copy_ms():
    """A copy of 1 GiB, and of the tokens."""
    x, y = torch.empty(2, 2**28, device="cuda").unbind()
    big = median_ms(lambda _: y.copy_(x))
    small = torch.empty(4, TOKENS, dtype=torch.uint8, device="cuda")
    tokens = median_ms(lambda k: small[2 * k].copy_(small[2 * k + 1]))
    return {"copy_1GiB_ms": big, "copy_GBps": 2 * 2**30 / big["median"] / 1e6, "copy_tokens_ms": tokens}


def bit_machine(bits, kind, symbols=256, depth=1):
    """Random tables.

    mixed: a tenth of the entries set, reset or toggle; stuck: likewise, but bit 0 only toggles, so that no stretch ever
    forgets what came before; toggle: nothing ever resets.
    """
    rng = np.random.default_rng(0)
    layers, below, each = [], 0, bits // depth
    for d in range(depth):
        reads = 0 if d == 0 else min(3, below)
        size = symbols << reads
        keep, add = np.full(size, EVERY, np.uint64), np.zeros(size, np.uint64)
        for c in range(each):
            bit = np.uint64(1 << (below + c))
            chance = rng.random(size)
            if kind == "mixed" or (kind == "stuck" and below + c):
                resets = chance < 0.1 * 2 / 3
                keep[resets] &= ~bit
                add[(resets & (rng.random(size) < 0.5)) | (~resets & (chance < 0.1))] |= bit
            else:
                add[chance < 0.1] |= bit
        layers.append(Layer(reads, ((1 << each) - 1) << below, keep, add))
        below += each
    reads = min(5, below)
    made = BitMachine(
        np.arange(symbols, dtype=np.uint8), symbols, below, EVERY, tuple(layers), reads, True,
        rng.integers(0, 2, 1 << reads).astype(np.uint8),
    )  # fmt: skip
    made.check()
    return made
