"""Checks and times every kernel on a GPU, and writes one JSON record.

    python benchmarks/scan_gpu.py --out benchmarks/records/scan_gpu.json [--only check scans backward bits maps stress peers]

Correctness first: a section whose check fails reports no time. Times are medians of event-timed launches while the host
runs ahead behind a sleep kernel, over two sets of inputs in turn.
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import subprocess
import sys
import traceback

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from ssmc.bench.machine import machine
from ssmc.bench.peers import PEERS, prepared
from ssmc.kernels import scan, scan_reference
from ssmc.kernels.chunked import scan_chunked
from ssmc.kernels.dfa import DfaMachine, run_maps, run_walk
from ssmc.kernels.fused import run_fused
from ssmc.kernels.lanes import run_lanes
from ssmc.kernels.launch import launch
from ssmc.kernels.machine import BitMachine, Layer

SHAPES = {"long": (1, 2**22, 16), "rows": (64, 4096, 256), "middle": (8, 65536, 64)}
TOKENS = 2**26
EVERY = 2**64 - 1


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
    """Median milliseconds of call(k), k alternating between two sets."""
    for k in (0, 1):
        call(k)
    torch.cuda.synchronize()
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(repeats)]
    torch.cuda._sleep(20_000_000)
    for k, (begin, end) in enumerate(events):
        begin.record()
        call(k % 2)
        end.record()
    torch.cuda.synchronize()
    times = sorted(begin.elapsed_time(end) for begin, end in events)
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


def check():
    """Fuzzed shapes against the naive loop and the CPU path: integers bit for bit, real gates within rounding."""
    rng = np.random.default_rng(0)
    done = 0
    for _ in range(24):
        rows, steps, width = int(rng.integers(1, 5)), int(rng.integers(1, 3000)), int(rng.integers(1, 140))
        a = torch.randint(-1, 2, (rows, steps, width), device="cuda").float()
        a[..., 0] = 1
        b = torch.randint(-3, 4, (rows, steps, width), device="cuda").float()
        first = torch.randint(-3, 4, (rows, width), device="cuda").float()
        for exclusive in (False, True):
            h, final = scan(a, b, first, exclusive=exclusive)
            states = scan_chunked(a.double().cpu(), b.double().cpu(), first.double().cpu())
            assert torch.equal(h.double().cpu(), states[:, :-1] if exclusive else states[:, 1:])
            assert torch.equal(final.double().cpu(), states[:, -1])
            done += 1
    for dtype, limit in (
        (torch.float32, 2e-6),
        (torch.bfloat16, 2e-2),
        (torch.float16, 2e-3),
        (torch.float64, 1e-12),
        (torch.complex64, 4e-6),
    ):
        for shape in ((2, 63, 6), (1, 9001, 16), (300, 700, 64), (3, 5000, 33)):
            a = torch.rand(shape, device="cuda").to(dtype) * 0.99
            b = torch.randn(shape, device="cuda").to(dtype)
            h, final = scan(a, b, dtype=dtype)
            wide = torch.complex128 if dtype.is_complex else torch.float64
            states = scan_chunked(a.to(wide), b.to(wide), torch.zeros_like(final, dtype=wide))
            scale = states.abs().max()
            assert (h.to(wide) - states[:, 1:]).abs().max() <= limit * scale, (dtype, shape)
            done += 1
    for shape in ((2, 700, 5), (200, 600, 64), (1, 70000, 16)):
        for exclusive in (False, True):
            a, b = (torch.rand(shape, device="cuda", requires_grad=True) for _ in range(2))
            first = torch.rand(shape[0], shape[2], device="cuda", requires_grad=True)
            weight = torch.randn(shape, device="cuda")
            got = torch.autograd.grad((scan(a, b, first, exclusive=exclusive)[0] * weight).sum(), (a, b, first))
            wide = [x.detach().double().cpu().requires_grad_() for x in (a, b, first)]
            want = torch.autograd.grad((scan(*wide, exclusive=exclusive)[0] * weight.double().cpu()).sum(), wide)
            for x, y in zip(got, want, strict=True):
                assert (x.double().cpu() - y).abs().max() <= 1e-5 * y.abs().max(), (shape, exclusive)
            done += 1
    short = torch.rand(2, 63, 6, device="cuda"), torch.randn(2, 63, 6, device="cuda")
    assert torch.allclose(scan(*short)[0].double(), scan_reference(*short)[0], rtol=1e-5, atol=1e-5)
    if torch.cuda.mem_get_info()[0] > 60e9:
        steps = 2**31 // 16 + 5003  # beyond 2^31 elements: 32-bit offsets would wrap
        a = torch.ones(1, steps, 16, device="cuda")
        b = torch.zeros(1, steps, 16, device="cuda")
        b[:, ::1000] = 1
        h, final = scan(a, b)
        assert torch.equal(final, torch.full_like(final, math.ceil(steps / 1000)))
        assert torch.equal(h[0, ::1000, 5], torch.arange(1.0, math.ceil(steps / 1000) + 1, device="cuda"))
        done += 1
    return {"checks": done}


def scans(copy):
    """Forward at three shapes, two dtypes, three gate patterns, of copy bandwidth."""
    rows = []
    for name, shape in SHAPES.items():
        for dtype in (torch.float32, torch.bfloat16):
            for pattern in ("real", "one", "zo") if dtype == torch.float32 else ("real",):
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
                row = {"shape": name, "dtype": str(dtype), "gates": pattern, "ms": ms, "error": error,
                       "of_copy": traffic / ms["median"] / 1e6 / copy["copy_GBps"]}  # fmt: skip
                rows.append(row)
                print(
                    f"scan {name} {dtype} {pattern}: {ms['median']:.4f} ms, {row['of_copy']:.1%} of copy, error {error:.1e}",
                    flush=True,
                )
    return rows


def backward(copy):
    """Forward and backward together through autograd."""
    rows = []
    for name, shape in SHAPES.items():
        sets = [[x.requires_grad_() for x in inputs(shape, torch.float32, "real", k)] for k in (0, 1)]
        weight = torch.randn(shape, device="cuda")

        def call(k, sets=sets, weight=weight):
            a, b = sets[k]
            torch.autograd.grad(scan(a, b)[0], (a, b), weight)

        ms = median_ms(call, 12)
        traffic = 8 * weight.numel() * 4  # reads a, b, a, h, grad; writes h, grad a, grad b
        rows.append({"shape": name, "ms": ms, "of_copy": traffic / ms["median"] / 1e6 / copy["copy_GBps"]})
        print(f"forward+backward {name}: {ms['median']:.4f} ms, {rows[-1]['of_copy']:.1%} of copy", flush=True)
    return rows


def bit_machine(bits, kind, symbols=256, depth=1):
    """Random tables. mixed: a tenth of the entries set, reset or toggle; toggle: nothing ever resets."""
    rng = np.random.default_rng(0)
    layers, below, each = [], 0, bits // depth
    for d in range(depth):
        reads = 0 if d == 0 else min(3, below)
        size = symbols << reads
        keep, add = np.full(size, EVERY, np.uint64), np.zeros(size, np.uint64)
        for c in range(each):
            bit = np.uint64(1 << (below + c))
            chance = rng.random(size)
            if kind == "mixed":
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


def bits(copy):
    """The fused kernel over 2^26 bytes: every output compared with the lanes of torch operations."""
    rows = []
    kinds = [(d, kind, 256, 1) for d in (8, 16, 32) for kind in ("mixed", "toggle")]
    for case in [*kinds, (32, "mixed", 16, 1), (64, "mixed", 256, 1), (16, "mixed", 32, 2), (16, "mixed", 32, 4)]:
        made = bit_machine(*case)
        texts = [torch.randint(0, case[2], (1, TOKENS), dtype=torch.uint8, device="cuda") for _ in range(2)]
        expected, _ = run_lanes(made, texts[0], chunk=1024)
        wrong = int((run_fused(made, texts[0]).outputs != expected).sum())
        assert wrong == 0, (case, wrong)
        ms = median_ms(lambda k, made=made, texts=texts: run_fused(made, texts[k]))
        floor = copy["copy_tokens_ms"]["median"]
        rows.append({"bits": case[0], "tables": case[1], "symbols": case[2], "layers": case[3], "ms": ms, "wrong": wrong,
                     "tokens_per_second": TOKENS / ms["median"] * 1e3, "of_byte_copy": floor / ms["median"]})  # fmt: skip
        print(f"bits {case}: {ms['median']:.4f} ms, {floor / ms['median']:.1%} of the byte copy, 0 wrong", flush=True)
    made = bit_machine(16, "mixed")
    texts = [torch.randint(0, 256, (10**6, 64), dtype=torch.uint8, device="cuda") for _ in range(2)]
    expected, _ = run_lanes(made, texts[0], chunk=64)
    assert torch.equal(run_fused(made, texts[0]).outputs, expected)
    ms = median_ms(lambda k: run_fused(made, texts[k], final=False))
    share = copy["copy_tokens_ms"]["median"] * (64e6 / TOKENS) / ms["median"]
    rows.append({"strings": 10**6, "length": 64, "bits": 16, "ms": ms, "of_byte_copy": share})
    print(f"bits, 10^6 strings of 64: {ms['median']:.4f} ms, {share:.1%} of the byte copy", flush=True)
    return rows


def maps(copy):
    """The rival: an arbitrary automaton's maps composed."""
    rows = []
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
        rows.append(
            {
                "states": states,
                "symbols": symbols,
                "ms": ms,
                "of_byte_copy": copy["copy_tokens_ms"]["median"] / ms["median"],
            }
        )
        print(f"maps n={states}, {symbols} symbols: {ms['median']:.4f} ms", flush=True)
    return rows


def stress():
    """200 runs beside matrix products on another stream, graph replay, and two streams at once: not one bit differs."""
    a, b = inputs((1, 2**20, 16), torch.float32, "zo")
    expected = scan(a, b)[0]
    made = bit_machine(16, "toggle")
    deep = bit_machine(16, "mixed", 32, 2)
    text = torch.randint(0, 32, (1, 2**22 + 77), dtype=torch.uint8, device="cuda")
    wanted, wanted_deep = run_fused(made, text).outputs, run_fused(deep, text).outputs
    noise = torch.randn(4096, 4096, device="cuda", dtype=torch.bfloat16)
    other, second = torch.cuda.Stream(), torch.cuda.Stream()
    wrong = 0
    for _ in range(200):
        with torch.cuda.stream(other):
            noise @ noise
        with torch.cuda.stream(second):
            beside = scan(a, b)[0]
        wrong += int(not torch.equal(scan(a, b)[0], expected))
        wrong += int(not torch.equal(run_fused(made, text).outputs, wanted))
        wrong += int(not torch.equal(run_fused(deep, text).outputs, wanted_deep))
        second.synchronize()
        wrong += int(not torch.equal(beside, expected))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        h = scan(a, b)[0]
        out = run_fused(deep, text).outputs
    for _ in range(50):
        h.zero_()
        out.zero_()
        graph.replay()
        torch.cuda.synchronize()
        wrong += int(not torch.equal(h, expected)) + int(not torch.equal(out, wanted_deep))
    assert wrong == 0, wrong
    return {"runs": 850, "replays": 100, "wrong": wrong}


def peers():
    """Each installed peer at each shape, on the same numbers."""
    rows = []
    for name, shape in SHAPES.items():
        a, b = inputs(shape, torch.float32, "real")
        ours = median_ms(lambda _, a=a, b=b: scan(a, b), 12)
        expected = scan(a, b)[0]
        for peer in PEERS:
            call, why = prepared(peer, a, b)
            if call is None:
                rows.append({"peer": peer, "shape": name, "absent": why})
                continue
            error = ((call() - expected).abs().max() / expected.abs().max()).item()
            ms = median_ms(lambda _, call=call: call(), 6)
            rows.append(
                {
                    "peer": peer,
                    "shape": name,
                    "ms": ms,
                    "error": error,
                    "ours_times_faster": ms["median"] / ours["median"],
                }
            )
            print(
                f"{peer} {name}: {ms['median']:.4f} ms, ours {ms['median'] / ours['median']:.2f} times faster",
                flush=True,
            )
    return rows


def main() -> None:
    """Runs the sections and writes the record even where one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*", default=["check", "scans", "backward", "bits", "maps", "stress", "peers"])
    chosen = parser.parse_args()
    record = {"schema": "ssmc.scan-gpu/1", "machine": machine() | {"driver": driver()}}
    print(json.dumps(record["machine"]), flush=True)
    record |= copy_ms()
    print(f"copy {record['copy_GBps']:.0f} GB/s, tokens {record['copy_tokens_ms']['median']:.4f} ms", flush=True)
    sections = {"check": check, "scans": lambda: scans(record), "backward": lambda: backward(record),
                "bits": lambda: bits(record), "maps": lambda: maps(record), "stress": stress, "peers": peers}  # fmt: skip
    for name in chosen.only:
        try:
            record[name] = sections[name]()
            print(name, "done", flush=True)
        except Exception as error:
            record[name] = {"failed": f"{type(error).__name__}: {error}"[:500]}
            traceback.print_exc()
        chosen.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
