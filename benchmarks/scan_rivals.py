"""The rivals of the scan on a GPU: installed peers, accelerated-scan's own gradients, and CUB's DeviceScan built by nvcc."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from benchmarks.scan_inputs import SHAPES, inputs, median_ms
from ssmc.bench.peers import PEERS, prepared
from ssmc.kernels import scan

# extensions are built anew: a build that was stopped half-way leaves a lock that the next one waits for
os.environ.setdefault("TORCH_EXTENSIONS_DIR", tempfile.mkdtemp())


def accelerated(module, sets, weight):
    """Forward and backward of one of accelerated-scan's kernels in its own layout, or why it does not run."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            theirs = __import__(module, fromlist=["scan"]).scan
            turned = [[x.detach().transpose(1, 2).contiguous().requires_grad_() for x in pair] for pair in sets]
            back = weight.transpose(1, 2).contiguous()
            return median_ms(lambda k: torch.autograd.grad(theirs(*turned[k]), turned[k], back), 12)
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:100]


def cub():
    """CUB's DeviceScan compiled by nvcc, as a call on flat tensors, or the reason why not."""
    compiler = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    source = pathlib.Path(__file__).with_name("cub_scan.cu")
    library = pathlib.Path(tempfile.gettempdir()) / "ssmc_cub_scan.so"
    try:
        if not library.exists():
            made = library.with_suffix(f".{time.time_ns()}")
            subprocess.run([compiler, "-O3", "-arch=sm_90", "-shared", "-Xcompiler", "-fPIC", str(source), "-o", str(made)],
                           check=True, capture_output=True, text=True)  # fmt: skip
            made.rename(library)
        function = ctypes.CDLL(str(library)).scan
    except (OSError, subprocess.CalledProcessError) as error:
        return f"{type(error).__name__}: {getattr(error, 'stderr', error)}"[:300]

    def call(a, b, h, room):
        size = ctypes.c_size_t(room.numel() if room is not None else 0)
        pointers = (ctypes.c_void_p(x.data_ptr()) for x in (a, b, h))
        temp = ctypes.c_void_p(room.data_ptr() if room is not None else 0)
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        status = function(*pointers, ctypes.c_size_t(a.numel()), temp, ctypes.byref(size), stream)
        assert status == 0, status
        return size.value

    return call


RIVALS = (
    "accelerated-scan warp",
    "accelerated-scan",
    "torch.associative_scan",
    "mamba_ssm selective_scan",
    "fla fused_recurrent_hgrn",
)
"""Peers, the quick ones first."""


def peers():
    """Each installed peer at each shape, on the same numbers, and CUB's DeviceScan over one sequence of the same bytes."""
    assert set(PEERS) < set(RIVALS)
    a, b = inputs(SHAPES["long"], torch.float32, "real")
    yield "CUB DeviceScan", against_cub(a, b, median_ms(lambda _: scan(a, b), 12))
    for peer in RIVALS:
        for name in ("rows", "middle", "long"):
            a, b = inputs(SHAPES[name], torch.float32, "real")
            expected = scan(a, b)[0]
            with contextlib.redirect_stdout(sys.stderr):
                ready = prepared(peer, a, b) if peer in PEERS else warp(a, b)
            row = {"peer": peer, "shape": SHAPES[name]}
            if isinstance(ready, str):
                yield f"{peer} {name}", row | {"absent": ready}
                continue
            call, found = ready
            error = ((found - expected).abs().max() / expected.abs().max()).item()
            ms, ours = median_ms(lambda _, call=call: call(), 12), median_ms(lambda _, a=a, b=b: scan(a, b), 12)
            yield (
                f"{peer} {name}",
                row | {"ms": ms, "ours": ours, "error": error, "ours_times_faster": ms["median"] / ours["median"]},
            )


def against_cub(a, b, ours):
    """CUB over one sequence of the same bytes."""
    call = cub()
    if isinstance(call, str):
        return {"absent": call}
    h = torch.empty_like(b)
    room = torch.empty(call(a, b, h, None), dtype=torch.uint8, device="cuda")
    ms = median_ms(lambda _: call(a, b, h, room), 12)
    part = 2**20
    wide = scan(a.view(1, -1, 1)[:, :part].double(), b.view(1, -1, 1)[:, :part].double())[0].view(-1)
    error = ((h.view(-1)[:part] - wide).abs().max() / wide.abs().max()).item()
    return {"ms": ms, "error": error, "ours_times_faster": ms["median"] / ours["median"]}


def warp(a, b):
    """accelerated-scan's CUDA kernel in its own layout, or the reason why it does not run."""
    try:
        module = __import__("accelerated_scan.warp", fromlist=["scan"])
        x, y = a.transpose(1, 2).contiguous(), b.transpose(1, 2).contiguous()
        found = module.scan(x, y).transpose(1, 2)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:100]
    return lambda: module.scan(x, y).transpose(1, 2), found
