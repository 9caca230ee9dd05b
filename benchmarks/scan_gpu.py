"""Checks and times every kernel on a GPU, and writes one JSON record.

    python benchmarks/scan_gpu.py --out benchmarks/records/scan_gpu.json [--only check scans backward bits maps stress peers]

Correctness first: a case whose check fails reports no time. Times are medians of event-timed launches while the host
runs ahead behind a sleep kernel, over two sets of inputs in turn. A section stops where its budget of seconds is spent and
names what it left out; the record is written after every case. `--warm` runs every section once in processes side by side,
so that the kernels are in Triton's cache.
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import random
import subprocess
import sys
import time
import traceback

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from benchmarks import scan_inputs
from benchmarks.scan_inputs import SHAPES, TOKENS, bit_machine, copy_ms, driver, inputs, median_ms
from benchmarks.scan_rivals import accelerated, peers
from ssmc.bench.machine import machine
from ssmc.kernels import scan, scan_reference
from ssmc.kernels.chunked import scan_chunked
from ssmc.kernels.dfa import DfaMachine, run_maps, run_walk
from ssmc.kernels.fused import run_fused
from ssmc.kernels.lanes import run_lanes
from ssmc.kernels.launch import launch

SECTIONS = ("check", "scans", "backward", "bits", "maps", "stress", "peers")


def check():
    """Odd shapes against the CPU path: integers bit for bit, real gates within rounding, gradients, 2^31 elements."""
    if not scan_inputs.once and torch.cuda.mem_get_info()[0] > 60e9:
        steps = 2**31 // 16 + 5003  # beyond 2^31 elements: 32-bit offsets would wrap
        a = torch.ones(1, steps, 16, device="cuda")
        b = torch.zeros(1, steps, 16, device="cuda")
        b[:, ::1000] = 1
        h, final = scan(a, b)
        assert torch.equal(final, torch.full_like(final, math.ceil(steps / 1000)))
        assert torch.equal(h[0, ::1000, 5], torch.arange(1.0, math.ceil(steps / 1000) + 1, device="cuda"))
        del a, b, h
        torch.cuda.empty_cache()
        yield "2^31 elements and more", {"exact": True}
    rng = np.random.default_rng(0)
    for width in (1, 6, 33, 64, 139):
        for rows, steps in ((1, 40_003), (3, 4097), (2, 63), (150, 700)):
            a = torch.randint(-1, 2, (rows, steps, width), device="cuda").float()
            a[..., 0] = 1
            b = torch.randint(-3, 4, (rows, steps, width), device="cuda").float()
            first = torch.randint(-3, 4, (rows, width), device="cuda").float()
            exclusive = bool(rng.integers(2))
            h, final = scan(a, b, first, exclusive=exclusive)
            states = scan_chunked(a.double(), b.double(), first.double())
            assert torch.equal(h.double(), states[:, :-1] if exclusive else states[:, 1:]), (rows, steps, width)
            assert torch.equal(final.double(), states[:, -1]), (rows, steps, width)
        yield f"integers, width {width}", {"exact": True}
    for dtype, limit in (
        (torch.float32, 2e-6),
        (torch.bfloat16, 2e-2),
        (torch.float16, 2e-3),
        (torch.float64, 1e-12),
        (torch.complex64, 4e-6),
    ):
        worst = 0.0
        for shape in ((2, 63, 6), (1, 9001, 16), (300, 700, 64), (3, 5000, 33)):
            a = torch.rand(shape, device="cuda").to(dtype) * 0.99
            b = torch.randn(shape, device="cuda", dtype=dtype)
            h, final = scan(a, b, dtype=dtype)
            wide = torch.complex128 if dtype.is_complex else torch.float64
            states = scan_chunked(a.to(wide), b.to(wide), torch.zeros_like(final, dtype=wide))
            error = ((h.to(wide) - states[:, 1:]).abs().max() / states.abs().max()).item()
            assert error <= limit, (dtype, shape, error)
            worst = max(worst, error)
        yield f"real gates, {dtype}", {"worst_error": worst}
    for dtype, limit in (
        (torch.float32, 1e-5),
        (torch.float64, 1e-12),
        (torch.complex64, 1e-5),
        (torch.bfloat16, 3e-2),
    ):
        worst = 0.0
        for shape in ((2, 700, 6), (200, 600, 64), (1, 70000, 16)):
            state = torch.float32 if dtype == torch.bfloat16 else dtype
            wide = torch.complex128 if dtype.is_complex else torch.float64
            for exclusive in (False, True):
                values = torch.rand(shape, device="cuda").to(dtype), torch.randn(shape, device="cuda", dtype=dtype)
                first = torch.randn(shape[0], shape[2], device="cuda", dtype=state)
                weight = torch.randn(shape, device="cuda", dtype=state)
                own = [x.requires_grad_() for x in (*values, first)]
                got = torch.autograd.grad(scan(*own, exclusive=exclusive)[0], own, weight)
                twin = [x.detach().to(wide).cpu().requires_grad_() for x in own]
                want = torch.autograd.grad(scan(*twin, exclusive=exclusive)[0], twin, weight.to(wide).cpu())
                for x, y in zip(got, want, strict=True):
                    error = ((x.to(wide).cpu() - y).abs().max() / y.abs().max()).item()
                    assert error <= limit, (dtype, shape, exclusive, error)
                    worst = max(worst, error)
        yield f"gradients, {dtype}", {"worst_error": worst}
    short = torch.rand(2, 63, 6, device="cuda"), torch.randn(2, 63, 6, device="cuda")
    assert torch.allclose(scan(*short)[0].double(), scan_reference(*short)[0], rtol=1e-5, atol=1e-5)


def scans(copy):
    """Forward at three shapes, two dtypes, three gate patterns, of copy bandwidth."""
    for name, shape in SHAPES.items():
        for dtype in (torch.float32, torch.bfloat16):
            for pattern in ("real", "one", "zo"):
                sets = [
                    (*inputs(shape, dtype, pattern, k), torch.full(shape, float("nan"), dtype=dtype, device="cuda"))
                    for k in (0, 1)
                ]
                first = torch.zeros(shape[0], shape[2], device="cuda")
                final = torch.empty_like(first)

                def call(k, sets=sets, first=first, final=final):
                    a, b, h = sets[k]
                    launch(a, b, first, h, final, exclusive=False)

                call(0)
                a, b, h = sets[0]
                states = scan_chunked(a.double(), b.double(), first.double())[:, 1:]
                error = ((h.double() - states).abs().max() / states.abs().max()).item()
                del states
                if pattern == "zo":
                    assert error == 0, (name, pattern, error)
                assert error < (5e-3 if dtype == torch.bfloat16 else 1e-5), (name, error)
                ms = median_ms(call)
                traffic = 3 * a.numel() * a.element_size()
                share = traffic / ms["median"] / 1e6 / copy["copy_GBps"]
                yield (
                    f"{name} {str(dtype)[6:]} {pattern}",
                    {"shape": shape, "dtype": str(dtype), "gates": pattern, "ms": ms, "of_copy": share, "error": error},
                )


def backward(copy):
    """Forward and backward together through autograd, and accelerated-scan's where it is installed."""
    for name, shape in SHAPES.items():
        for dtype in (torch.float32, torch.bfloat16):
            sets = [[x.requires_grad_() for x in inputs(shape, dtype, "real", k)] for k in (0, 1)]
            weight = torch.randn(shape, device="cuda", dtype=dtype)

            def call(k, sets=sets, weight=weight, dtype=dtype):
                a, b = sets[k]
                torch.autograd.grad(scan(a, b, dtype=dtype)[0], (a, b), weight)

            ms = median_ms(call, 12)
            traffic = 8 * weight.numel() * weight.element_size()  # reads a, b, a, h, grad; writes h, grad a, grad b
            found = {"shape": shape, "dtype": str(dtype), "ms": ms}
            found["of_copy"] = traffic / ms["median"] / 1e6 / copy["copy_GBps"]
            for peer in ("accelerated_scan.scalar", "accelerated_scan.warp") if dtype == torch.float32 else ():
                theirs = accelerated(peer, sets, weight)
                if isinstance(theirs, str):
                    found[peer] = theirs
                else:
                    found[peer] = {"ms": theirs, "ours_times_faster": theirs["median"] / ms["median"]}
            yield f"{name} {str(dtype)[6:]}", found


def bits(copy):
    """The fused kernel over 2^26 bytes, and over many strings: every output compared with the lanes of torch operations."""
    floor = copy["copy_tokens_ms"]["median"]
    kinds = [(d, kind, 256, 1) for d in (8, 16, 32) for kind in ("mixed", "stuck", "toggle")]
    deep = [(16, kind, 32, depth) for depth in (1, 2, 4) for kind in ("mixed", "stuck")]
    cases = [*kinds, *deep, (32, "mixed", 16, 1), (32, "mixed", 32, 2), (64, "mixed", 256, 1)]
    cases += [(10**6, 64), (10**6, 61), (6_400_000, 10), (1000, 64_000)]
    if scan_inputs.once:
        random.shuffle(cases)  # several processes then compile different kernels
    for case in cases:
        machine_of = case if len(case) == 4 else (16, "mixed", 256, 1)
        shape = (1, TOKENS) if len(case) == 4 else case
        made = bit_machine(*machine_of)
        texts = [torch.randint(0, machine_of[2], shape, dtype=torch.uint8, device="cuda") for _ in range(2)]
        wrong = 0
        if not scan_inputs.once:
            expected, _ = run_lanes(made, texts[0], chunk=min(1024, shape[1]))
            wrong = int((run_fused(made, texts[0], final=False).outputs != expected).sum())
            del expected
        assert wrong == 0, (case, wrong)
        ms = median_ms(lambda k, made=made, texts=texts: run_fused(made, texts[k], final=False))
        share = floor * (texts[0].numel() / TOKENS) / ms["median"]
        row = {"bits": machine_of[0], "tables": machine_of[1], "symbols": machine_of[2], "layers": machine_of[3]}
        row |= {"strings": shape[0], "length": shape[1], "ms": ms, "wrong": wrong, "of_byte_copy": share}
        name = f"{machine_of[0]} bits, {machine_of[1]}, {machine_of[2]} symbols, {machine_of[3]} layers"
        yield name if shape[0] == 1 else f"{name}, {shape[0]} strings of {shape[1]}", row


def maps(copy):
    """The rival: an arbitrary automaton's maps composed."""
    rng = np.random.default_rng(0)
    for states, symbols in ((2, 256), (4, 256), (16, 256), (16, 4), (40, 256)):
        made = DfaMachine(
            rng.integers(0, states, (states, symbols)).astype(np.int32), rng.integers(0, 2, states).astype(np.uint8)
        )
        text = torch.randint(0, symbols, (1, TOKENS), dtype=torch.uint8, device="cuda")
        got, _ = run_maps(made, text)
        part = text[:, : 2**20].cpu()
        assert torch.equal(got[:, : 2**20].cpu(), run_walk(made, part)[0]), (states, symbols)
        ms = median_ms(lambda _, made=made, text=text: run_maps(made, text), 8)
        yield (
            f"{states} states, {symbols} symbols",
            {
                "states": states,
                "symbols": symbols,
                "ms": ms,
                "of_byte_copy": copy["copy_tokens_ms"]["median"] / ms["median"],
            },
        )


def stress():
    """200 runs beside matrix products on another stream, graph replay, and two streams at once: not one bit differs."""
    a, b = inputs((1, 2**20, 16), torch.float32, "zo")
    x, y = inputs((8, 2**15, 64), torch.bfloat16, "zo")
    weight = torch.randint(-1, 2, a.shape, device="cuda").float()
    toggle, deep = bit_machine(16, "toggle"), bit_machine(16, "mixed", 32, 2)
    text = torch.randint(0, 32, (1, 2**22 + 77), dtype=torch.uint8, device="cuda")
    table = DfaMachine(
        np.random.default_rng(1).integers(0, 16, (16, 32)).astype(np.int32), np.arange(16, dtype=np.uint8)
    )

    def gradients():
        leaves = a.detach().requires_grad_(), b.detach().requires_grad_()
        return torch.autograd.grad(scan(*leaves)[0], leaves, weight)

    runs = {
        "float32": lambda: scan(a, b)[0],
        "bfloat16": lambda: scan(x, y, dtype=torch.bfloat16)[0],
        "bits": lambda: run_fused(toggle, text).outputs,
        "bits, two layers": lambda: run_fused(deep, text).outputs,
        "maps": lambda: run_maps(table, text)[0],
        "gradient of gates": lambda: gradients()[0],
        "gradient of increments": lambda: gradients()[1],
    }
    expected = {
        "float32": scan_chunked(a.double(), b.double(), a.new_zeros(1, 16).double())[:, 1:].float(),
        "bits": run_lanes(toggle, text)[0],
        "bits, two layers": run_lanes(deep, text)[0],
        "maps": run_walk(table, text.cpu())[0].cuda(),
    }
    expected = {name: expected[name] if name in expected else call().clone() for name, call in runs.items()}
    noise = torch.randn(4096, 4096, device="cuda", dtype=torch.bfloat16)
    other, second, third = torch.cuda.Stream(), torch.cuda.Stream(), torch.cuda.Stream()
    wrong, count = dict.fromkeys(runs, 0), 1 if scan_inputs.once else 200
    torch.cuda.synchronize()
    for _ in range(count):
        with torch.cuda.stream(other):
            noise @ noise
        answers = []
        for stream in (second, third, torch.cuda.current_stream()):
            with torch.cuda.stream(stream):
                answers.append({name: call() for name, call in runs.items()})
        torch.cuda.synchronize()
        for answer in answers:
            for name, value in answer.items():
                wrong[name] += int(not torch.equal(value, expected[name]))
    yield "beside matrix products, on three streams", {"runs": 3 * count, "wrong": dict(wrong)}
    captured = {name: runs[name] for name in runs if "gradient" not in name and name != "maps"}
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        held = {name: call() for name, call in captured.items()}
    for k in range(count):
        for value in held.values():
            value.zero_()
        with torch.cuda.stream(other):
            noise @ noise
        graph.replay()
        if k % 2:
            graph.replay()
        torch.cuda.synchronize()
        for name, value in held.items():
            wrong[name] += int(not torch.equal(value, expected[name]))
    yield "graph replay", {"replays": count, "wrong": wrong}
    assert not any(wrong.values()), wrong


def said(row):
    """What a case found, in a few words."""
    words = []
    for key in ("ms", "of_copy", "of_byte_copy", "ours_times_faster", "error", "absent", "wrong"):
        value = row.get(key)
        if isinstance(value, dict) and "median" in value:
            words.append(f"{value['median']:.4f} ms")
        elif value is not None:
            words.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    words += [
        f"{key} {row[key]['ours_times_faster']:.2f}"
        for key in row
        if isinstance(row[key], dict) and "ours_times_faster" in row[key]
    ]
    return ", ".join(words) or "holds"


def main() -> None:
    """Runs the sections, and keeps what is there even where one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*", default=SECTIONS)
    parser.add_argument("--budget", type=float, default=60, help="seconds a section")
    parser.add_argument("--warm", action="store_true", help="fill Triton's cache and stop")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.warm:
        run = [
            sys.executable,
            __file__,
            "--out",
            str(chosen.out) + ".warm",
            "--once",
            "--budget",
            str(chosen.budget),
            "--only",
        ]
        for child in [subprocess.Popen([*run, name], stdout=subprocess.DEVNULL) for name in chosen.only]:
            child.wait()
        return
    scan_inputs.once = chosen.once
    record = {"schema": "ssmc.scan-gpu/2", "machine": machine() | {"driver": driver()}}
    print(json.dumps(record["machine"]), flush=True)
    record |= copy_ms()
    print(f"copy {record['copy_GBps']:.0f} GB/s, tokens {record['copy_tokens_ms']['median']:.4f} ms", flush=True)
    sections = {"check": check, "scans": lambda: scans(record), "backward": lambda: backward(record),
                "bits": lambda: bits(record), "maps": lambda: maps(record), "stress": stress, "peers": peers}  # fmt: skip
    for name in chosen.only:
        rows = record[name] = {}
        begin = time.monotonic()
        try:
            for case, row in sections[name]():
                rows[case] = row
                print(f"{name}: {case}: {said(row)}", flush=True)
                chosen.out.write_text(json.dumps(record, indent=1) + "\n")
                if time.monotonic() - begin > chosen.budget:
                    rows["budget"] = f"spent after {case}"
                    break
        except Exception as error:
            rows["failed"] = f"{type(error).__name__}: {error}"[:500]
            traceback.print_exc()
        rows["seconds"] = round(time.monotonic() - begin, 1)
        print(f"{name}: {rows['seconds']} s", flush=True)
        chosen.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
