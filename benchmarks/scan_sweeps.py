"""Times many cuts of the scan and of the fused kernels on a GPU, and writes the best of each case to one JSON record.

    python benchmarks/scan_sweeps.py --out benchmarks/records/scan_sweeps.json [--only scans backward bits] [--workers 14]

The candidates are compiled by worker processes into Triton's cache first, on short inputs of the same form; then each is
checked and timed, one at a time, until its case's budget of seconds is spent.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from benchmarks.scan_gpu import SHAPES, copy_ms, driver, inputs, median_ms
from ssmc.bench.machine import machine
from ssmc.kernels.chunked import scan_chunked
from ssmc.kernels.launch import Plan, launch

FIELDS = ("steps", "groups", "channels", "window", "warps", "stages", "ahead", "registers")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def candidates(name: str, dtype: str, backward: bool) -> list[tuple[int, ...]]:
    """The plans tried at a shape."""
    if name == "rows":
        cuts = (
            (8, 2, 128, 2, 4), (8, 2, 128, 2, 5), (8, 2, 64, 1, 4), (8, 4, 64, 2, 3), (4, 2, 128, 2, 4), (4, 2, 128, 2, 6),
            (16, 2, 64, 1, 3), (8, 1, 128, 1, 4), (4, 4, 64, 2, 5), (8, 8, 64, 4, 4), (8, 4, 32, 1, 4), (4, 8, 64, 4, 3),
        )  # fmt: skip
        return [(steps, groups, channels, 0, warps, stages, 0, 0) for steps, groups, channels, warps, stages in cuts]
    single = dtype == "float32"
    lanes = 4 if single else 1  # words of a row that a thread holds: 16 bytes a load, or 4
    if backward:
        tries = (
            ((8, 4, 0), (8, 2, 168), (4, 4, 0), (16, 2, 255))
            if single
            else ((16, 4, 0), (32, 4, 168), (16, 4, 128), (32, 2, 168))
        )
    elif single:
        tries = ((16, 2, 168), (16, 4, 168), (16, 1, 168), (8, 2, 128), (8, 4, 128), (8, 4, 96))
    else:
        tries = ((64, 2, 168), (64, 4, 168), (32, 4, 128), (32, 4, 112), (32, 2, 128), (32, 8, 128), (32, 4, 96))
    width = SHAPES[name][2] // (1 if single else 2)
    found = []
    for channels in (width,) if width <= 16 or backward else (width, width // 2):
        windows = (4, 8, 16) if name == "long" and not backward else (4, 8)
        aheads = (0,) if backward else (396,) if name == "long" else (0, 396) if channels == width else (0,)
        for (steps, warps, registers), window, ahead in itertools.product(tries, windows, aheads):
            groups = lanes * 32 * warps // channels
            if groups >= 2 and window <= max(4, groups):
                found.append((steps, groups, channels, window, warps, 1, ahead, registers))
    return found


def tensors(name: str, dtype: torch.dtype, seed: int, steps: int | None = None) -> list[torch.Tensor]:
    """Gates, increments, poisoned states, h_{-1}, and room for the last state."""
    rows, full, width = SHAPES[name]
    shape = (rows, steps or full, width)
    a, b = inputs(shape, dtype, "real", seed)
    first = torch.zeros(rows, width, device="cuda")
    return [a, b, torch.full_like(a, float("nan")), first, torch.empty_like(first)]


def run(sets: list[torch.Tensor], plan: tuple[int, ...], backward: bool, extra: list[torch.Tensor]) -> None:
    """One launch: forward, or the backward scan with `a` as the gradient's gates."""
    a, b, h, first, final = sets
    if backward:
        launch(a, b, first, h, final, exclusive=False, past=extra[0], begin=first, grad_a=extra[1], how=Plan(*plan))
    else:
        launch(a, b, first, h, final, exclusive=False, how=Plan(*plan))


def compile_one(job: tuple[str, str, bool, tuple[int, ...]]) -> str:
    """Compiles one candidate, on a short input of the same form."""
    name, dtype, backward, plan = job
    try:
        steps = plan[0] * plan[1] * (64 if SHAPES[name][0] < 64 else 16)
        sets = tensors(name, DTYPES[dtype], 0, steps)
        run(sets, plan, backward, [sets[0], torch.empty_like(sets[0])])
        torch.cuda.synchronize()
    except Exception as error:
        return f"{job}: {type(error).__name__} {str(error)[:100]}"
    return ""


def sweep(name: str, dtype: str, backward: bool, copy: float, budget: float) -> dict[str, object]:
    """The candidates of a case by time."""
    shape, kind = SHAPES[name], DTYPES[dtype]
    sets = [tensors(name, kind, k) for k in (0, 1)]
    extra = [[torch.randn_like(x[0]), torch.empty_like(x[0])] for x in sets] if backward else [[], []]
    if backward:
        x = sets[0]
        wide = [y.flip(1) for y in (x[0], x[1])]
        gates = torch.cat([torch.ones_like(wide[0][:, :1]), wide[0][:, :-1]], 1)
        expected = scan_chunked(gates.float(), wide[1].float(), x[3])[:, 1:].flip(1)
    else:
        expected = scan_chunked(sets[0][0].float(), sets[0][1].float(), sets[0][3])[:, 1:]
    scale = expected.abs().max()
    traffic = (5 if backward else 3) * sets[0][0].numel() * sets[0][0].element_size()
    rows = []
    start = time.monotonic()
    everything = candidates(name, dtype, backward)
    for plan in everything:
        if time.monotonic() - start > budget:
            break
        try:
            sets[0][2].fill_(float("nan"))
            run(sets[0], plan, backward, extra[0])
            error = ((sets[0][2].float() - expected).abs().max() / scale).item()
            if not error < (1e-2 if dtype == "bfloat16" else 1e-5):
                print("WRONG", name, dtype, plan, error, flush=True)
                continue
            ms = median_ms(lambda k, plan=plan: run(sets[k], plan, backward, extra[k]), 12)
        except Exception as error:
            print("failed", name, dtype, plan, type(error).__name__, str(error)[:80], flush=True)
            continue
        rows.append({"ms": ms["median"], "low": ms["low"], "of_copy": traffic / ms["median"] / 1e6 / copy,
                     "error": error, "plan": list(plan)})  # fmt: skip
    rows.sort(key=lambda row: row["ms"])
    print(name, dtype, "backward" if backward else "forward", f"{len(rows)} of {len(everything)} tried", flush=True)
    for row in rows[:4]:
        print("   ", f"{row['ms']:.4f} ms {row['of_copy']:.1%}", row["plan"], flush=True)
    return {
        "shape": shape,
        "dtype": dtype,
        "backward": backward,
        "tried": len(rows),
        "best": rows[:12],
        "all": [(round(r["ms"], 4), r["plan"]) for r in rows],
    }


def main() -> None:
    """Compiles, then times; writes the record after each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--budget", type=float, default=20, help="seconds of timing a case")
    parser.add_argument("--compile", action="store_true", help="only fill Triton's cache")
    parser.add_argument(
        "--cases", nargs="*", default=[f"{n}/{d}/{w}" for w in ("forward", "backward") for d in DTYPES for n in SHAPES]
    )
    chosen = parser.parse_args()
    cases = [(n, d, w == "backward") for n, d, w in (case.split("/") for case in chosen.cases)]
    if chosen.compile:
        jobs = [(n, d, w, plan) for n, d, w in cases for plan in candidates(n, d, w)]
        context = torch.multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(chosen.workers, mp_context=context) as pool:
            for said in pool.map(compile_one, jobs):
                if said:
                    print(said, flush=True)
        print(len(jobs), "compiled", flush=True)
        return
    record = {"schema": "ssmc.scan-sweeps/2", "machine": machine() | {"driver": driver()}}
    record |= copy_ms()
    record["plan_fields"] = FIELDS
    record["scans"] = []
    for n, d, w in cases:
        record["scans"].append(sweep(n, d, w, record["copy_GBps"], chosen.budget))
        chosen.out.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
