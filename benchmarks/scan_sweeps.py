"""Times many cuts of the scan and of the fused kernels on a GPU, and writes the best of each case to one JSON record.

    python benchmarks/scan_sweeps.py --out benchmarks/records/scan_sweeps.json [--cases long/float32/forward 16/mixed/256/1 ...]

The candidates are compiled by worker processes into Triton's cache first; then each is
checked and timed, one at a time, until its case's budget of seconds is spent.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import pathlib
import sys
import time
from typing import TYPE_CHECKING

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from benchmarks.scan_inputs import SHAPES, TOKENS, bit_machine, copy_ms, driver, inputs, median_ms
from ssmc.bench.machine import machine
from ssmc.kernels.chunked import scan_chunked
from ssmc.kernels.fused import Cut, run_fused
from ssmc.kernels.lanes import run_lanes
from ssmc.kernels.launch import Plan, launch

if TYPE_CHECKING:
    from ssmc.kernels.machine import BitMachine

FIELDS = ("steps", "groups", "channels", "window", "warps", "stages", "ahead", "registers")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


PLANS: dict[str, tuple[tuple[int, ...], ...]] = {
    "long/float32/forward": (
        (16, 16, 16, 4, 2, 1, 396, 168), (16, 16, 16, 4, 2, 1, 264, 168), (16, 16, 16, 4, 2, 1, 792, 168),
        (16, 8, 16, 2, 1, 1, 396, 168), (16, 8, 16, 4, 1, 1, 396, 168), (16, 8, 16, 2, 1, 1, 792, 168),
        (16, 16, 16, 8, 2, 1, 396, 168), (8, 16, 16, 4, 2, 1, 396, 128),
    ),
    "middle/float32/forward": (
        (16, 8, 64, 2, 4, 1, 0, 168), (16, 8, 64, 4, 4, 1, 0, 168), (16, 4, 64, 2, 2, 1, 0, 168), (16, 8, 32, 2, 2, 1, 0, 168),
        (16, 8, 64, 4, 4, 1, 50, 168), (16, 8, 64, 4, 4, 1, 25, 168), (16, 8, 64, 4, 4, 1, 12, 168), (16, 8, 64, 4, 4, 1, 75, 168),
        (16, 4, 64, 4, 2, 1, 50, 168), (16, 8, 64, 8, 4, 1, 0, 168), (16, 16, 64, 4, 8, 1, 0, 168), (16, 8, 64, 4, 4, 1, 264, 168),
        (8, 8, 64, 2, 4, 1, 0, 128), (16, 16, 32, 4, 4, 1, 0, 168), (8, 8, 64, 2, 4, 1, 0, 96), (16, 8, 64, 2, 4, 1, 0, 0),
    ),
    "rows/float32/forward": (
        (8, 2, 128, 0, 2, 4, 0, 0), (8, 2, 64, 0, 1, 4, 0, 0), (16, 2, 128, 0, 2, 4, 0, 0), (8, 4, 128, 0, 4, 4, 0, 0),
        (16, 2, 64, 0, 1, 4, 0, 0), (8, 2, 128, 0, 2, 6, 0, 0), (16, 1, 128, 0, 1, 4, 0, 0), (8, 2, 64, 0, 1, 6, 0, 0),
        (16, 2, 128, 0, 2, 3, 0, 0), (8, 2, 64, 0, 1, 5, 0, 0), (8, 4, 32, 0, 1, 4, 0, 0), (8, 4, 32, 0, 1, 6, 0, 0),
        (4, 4, 32, 0, 1, 8, 0, 0), (8, 8, 16, 0, 1, 4, 0, 0), (8, 2, 64, 0, 1, 3, 0, 0), (4, 2, 64, 0, 1, 6, 0, 0),
    ),
    "long/bfloat16/forward": (
        (32, 4, 8, 4, 1, 1, 396, 128), (64, 4, 8, 4, 1, 1, 396, 168), (32, 4, 8, 4, 1, 1, 792, 128), (32, 8, 8, 8, 2, 1, 396, 128),
        (32, 4, 8, 4, 1, 1, 396, 112), (48, 4, 8, 4, 1, 1, 396, 168), (32, 4, 8, 8, 1, 1, 396, 128), (32, 4, 8, 4, 1, 1, 264, 128),
    ),
    "middle/bfloat16/forward": (
        (64, 4, 32, 4, 4, 1, 0, 168), (32, 4, 32, 4, 4, 1, 0, 128), (32, 4, 32, 4, 4, 1, 50, 128), (32, 2, 32, 2, 2, 1, 0, 128),
        (32, 2, 16, 2, 1, 1, 0, 128), (32, 2, 16, 4, 1, 1, 0, 128), (32, 2, 16, 4, 1, 1, 50, 128), (32, 4, 16, 4, 2, 1, 0, 128),
        (48, 4, 32, 4, 4, 1, 0, 168), (32, 8, 32, 8, 8, 1, 0, 128), (64, 2, 16, 2, 1, 1, 0, 168),
    ),
    "rows/bfloat16/forward": ((8, 8, 64, 0, 4, 4, 0, 0), (8, 4, 64, 0, 2, 5, 0, 0), (16, 4, 64, 0, 2, 4, 0, 0)),
    "rows/float32/backward": (
        (4, 2, 128, 0, 2, 3, 0, 0), (8, 2, 128, 0, 2, 2, 0, 0), (8, 2, 128, 0, 2, 3, 0, 0), (8, 2, 64, 0, 1, 3, 0, 0),
        (4, 2, 64, 0, 1, 4, 0, 0), (4, 4, 64, 0, 2, 3, 0, 0), (8, 2, 128, 0, 2, 4, 0, 0), (4, 2, 128, 0, 2, 4, 0, 0),
        (4, 4, 128, 0, 4, 3, 0, 0), (8, 2, 64, 0, 1, 4, 0, 0), (4, 4, 64, 0, 2, 4, 0, 0),
    ),
    "long/float32/backward": (
        (8, 16, 16, 4, 2, 1, 0, 0), (8, 16, 16, 4, 2, 1, 0, 168), (8, 16, 16, 4, 2, 1, 0, 128), (8, 8, 16, 4, 1, 1, 0, 168),
        (8, 8, 16, 2, 1, 1, 0, 0), (8, 32, 16, 8, 4, 1, 0, 0),
    ),
    "middle/float32/backward": (
        (8, 8, 64, 4, 4, 1, 0, 0), (8, 8, 64, 2, 4, 1, 0, 128), (8, 4, 64, 2, 2, 1, 0, 168), (8, 8, 64, 2, 4, 1, 0, 168),
    ),
    "long/bfloat16/backward": (
        (16, 16, 8, 16, 4, 1, 0, 0), (32, 8, 8, 8, 2, 1, 0, 168), (32, 4, 8, 4, 1, 1, 0, 168), (16, 8, 8, 8, 2, 1, 0, 128),
    ),
    "middle/bfloat16/backward": (
        (16, 4, 32, 4, 4, 1, 0, 0), (32, 4, 32, 4, 4, 1, 0, 168), (32, 2, 32, 2, 2, 1, 0, 168), (16, 4, 32, 4, 4, 1, 0, 128),
    ),
    "rows/bfloat16/backward": (
        (4, 8, 64, 0, 4, 2, 0, 0), (4, 8, 64, 0, 4, 3, 0, 0), (8, 4, 64, 0, 2, 3, 0, 0), (4, 4, 64, 0, 2, 4, 0, 0),
        (8, 2, 64, 0, 1, 3, 0, 0),
    ),
}  # fmt: skip
"""Plans of the scan, by shape, dtype and direction (FIELDS)."""
CUTS = (
    (128, 2, 528, 8192), (128, 2, 792, 8192), (64, 4, 792, 8192), (128, 2, 1056, 8192), (128, 2, 528, 16384),
    (128, 2, 1056, 16384), (128, 4, 396, 8192), (64, 4, 1056, 8192), (128, 2, 792, 1024), (128, 2, 792, 32768),
)  # fmt: skip
"""Cuts of the fused kernels: threads, parts, chunks, bytes of copied tables."""
DEEP_CUTS = (
    (128, 2, 528, 0), (128, 2, 660, 0), (128, 2, 792, 0), (128, 2, 1056, 0), (128, 2, 660, 4096), (128, 2, 660, 16384),
    (128, 2, 792, 16384), (128, 1, 792, 0), (256, 2, 396, 0), (64, 2, 1320, 0),
)  # fmt: skip
"""The same for more than one layer."""
MACHINES = {
    f"{bits}/{kind}/{symbols}/{layers}": (bits, kind, symbols, layers)
    for bits, kind, symbols, layers in (
        (16, "mixed", 256, 1), (16, "stuck", 256, 1), (32, "mixed", 256, 1), (32, "stuck", 256, 1), (8, "mixed", 256, 1),
        (16, "mixed", 32, 2), (16, "mixed", 32, 4), (16, "stuck", 32, 2), (16, "stuck", 32, 4), (64, "mixed", 256, 1),
        (16, "mixed", 32, 1), (32, "mixed", 32, 2), (24, "mixed", 32, 6), (16, "mixed", 256, 2), (60, "mixed", 32, 2),
    )
}  # fmt: skip


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


def fused(machine: BitMachine, text: torch.Tensor, cut: tuple[int, ...]) -> torch.Tensor | None:
    """A run of the fused kernel."""
    wide = machine.bits > 32
    threads, parts, chunks, room = cut
    how = Cut(threads, max(1, parts // 2) if wide else parts, chunks, max(1, threads // 32), room=room)
    return run_fused(machine, text, cut=how).outputs


def compile_one(job: tuple[str, tuple[int, ...]]) -> str:
    """Compiles one candidate, of the scan on a short input of the same form."""
    case, how = job
    try:
        if case in PLANS:
            name, dtype, direction = case.split("/")
            steps = how[0] * how[1] * (64 if SHAPES[name][0] < 64 else 16)
            sets = tensors(name, DTYPES[dtype], 0, steps)
            run(sets, how, direction == "backward", [sets[0], torch.empty_like(sets[0])])
        else:
            # Triton compiles anew where another size is a multiple of 16, or 1
            text = torch.zeros(1, TOKENS, dtype=torch.uint8, device="cuda")
            fused(bit_machine(*MACHINES[case]), text, how)
        torch.cuda.synchronize()
    except Exception as error:
        return f"{job}: {type(error).__name__} {str(error)[:100]}"
    return ""


def candidates(case: str) -> tuple[tuple[int, ...], ...]:
    """The plans or cuts of a case."""
    return PLANS[case] if case in PLANS else DEEP_CUTS if MACHINES[case][3] > 1 else CUTS


def sweep_bits(case: str, floor: float, budget: float) -> dict[str, object]:
    """The cuts of a machine by time."""
    made = bit_machine(*MACHINES[case])
    texts = [torch.randint(0, MACHINES[case][2], (1, TOKENS), dtype=torch.uint8, device="cuda") for _ in range(2)]
    expected, _ = run_lanes(made, texts[0], chunk=1024)
    rows = []
    start = time.monotonic()
    for cut in candidates(case):
        if time.monotonic() - start > budget:
            break
        try:
            wrong = int((fused(made, texts[0], cut) != expected).sum())
            if wrong:
                print("WRONG", case, cut, wrong, flush=True)
                continue
            ms = median_ms(lambda k, cut=cut: fused(made, texts[k], cut), 12)
        except Exception as error:
            print("failed", case, cut, type(error).__name__, str(error)[:80], flush=True)
            continue
        rows.append({"ms": ms["median"], "low": ms["low"], "of_byte_copy": floor / ms["median"], "cut": list(cut)})
    rows.sort(key=lambda row: row["ms"])
    print(case, f"{len(rows)} of {len(candidates(case))} tried", flush=True)
    for row in rows[:5]:
        print("   ", f"{row['ms']:.4f} ms {row['of_byte_copy']:.1%}", row["cut"], flush=True)
    return {"machine": case, "tried": len(rows), "best": rows}


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
    everything = PLANS[f"{name}/{dtype}/{'backward' if backward else 'forward'}"]
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
    return {"shape": shape, "dtype": dtype, "backward": backward, "tried": len(rows), "best": rows}


def main() -> None:
    """Compiles, then times; writes the record after each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--budget", type=float, default=20, help="seconds of timing a case")
    parser.add_argument("--compile", action="store_true", help="only fill Triton's cache")
    parser.add_argument("--cases", nargs="*", default=[*MACHINES, *PLANS])
    chosen = parser.parse_args()
    if chosen.compile:
        jobs = [(case, how) for case in chosen.cases for how in candidates(case)]
        context = torch.multiprocessing.get_context("spawn")
        start = time.monotonic()
        with concurrent.futures.ProcessPoolExecutor(chosen.workers, mp_context=context) as pool:
            for k, said in enumerate(pool.map(compile_one, jobs)):
                if said or k % 20 == 19:
                    print(f"{k + 1} of {len(jobs)} compiled, {time.monotonic() - start:.0f} s", said, flush=True)
        return
    record = {"schema": "ssmc.scan-sweeps/2", "machine": machine() | {"driver": driver()}}
    record |= copy_ms()
    record["plan_fields"] = FIELDS
    record["cut_fields"] = ["threads", "parts", "chunks", "room"]
    record["scans"], record["bits"] = [], []
    for case in chosen.cases:
        if case in PLANS:
            name, dtype, direction = case.split("/")
            record["scans"].append(sweep(name, dtype, direction == "backward", record["copy_GBps"], chosen.budget))
        else:
            record["bits"].append(sweep_bits(case, record["copy_tokens_ms"]["median"], chosen.budget))
        chosen.out.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
