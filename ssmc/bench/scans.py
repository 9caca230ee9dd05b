"""The scan of this machine against the reference loop and against the bandwidth of a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ssmc.bench.peers import LOOPS, NO_SCAN, PEERS, prepared
from ssmc.bench.timing import measure
from ssmc.errors import VerificationError
from ssmc.kernels import scan, scan_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str], None]

SHAPES = {
    "cpu": ((1, 1 << 17, 16), (16, 4096, 64), (256, 512, 16)),
    "cuda": ((1, 1 << 22, 16), (64, 4096, 256), (8, 65536, 64)),
}
"""(B, T, D): one long sequence, a training batch, many rows."""
CURVE = {"cpu": tuple(1 << k for k in range(8, 19, 2)), "cuda": tuple(1 << k for k in range(8, 23, 2))}
"""T of the curve of throughput."""
REFERENCE_STEPS = 512
"""The loop takes this number of steps; its speed does not depend on T."""


def gates(shape: tuple[int, int, int], device: str, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Gates in {0, 1}, increments in {-1, 0, 1}: the scan of these is exact in every order while no run of ones passes 2^24."""
    generator = torch.Generator(device).manual_seed(seed)
    a = torch.randint(0, 2, shape, generator=generator, device=device).float()
    return a, torch.randint(-1, 2, shape, generator=generator, device=device).float()


def check_scan(device: str) -> None:
    """Compares the scan with the reference loop, bit for bit, at odd sizes.

    Raises:
        VerificationError: they differ.
    """
    for shape in ((1, 1, 1), (3, 63, 5), (2, 500, 17), (1, 4099, 3)):
        a, b = gates(shape, device, seed=sum(shape))
        for exclusive in (False, True):
            got, expected = scan(a, b, exclusive=exclusive), scan_reference(a, b, exclusive=exclusive)
            if not all(torch.equal(x.double(), y) for x, y in zip(got, expected, strict=True)):
                raise VerificationError(f"the scan differs from the reference loop at {shape}, exclusive={exclusive}")


def copy_bandwidth(device: str) -> dict[str, Any]:
    """Bytes per second that a copy reads and writes."""
    source = torch.ones(1 << (28 if device == "cuda" else 24), device=device)
    target = torch.empty_like(source)
    timing = measure(lambda: target.copy_(source), device)
    size = 2 * source.numel() * source.element_size()
    return {"bytes": size, "seconds": timing.to_json(), "bytes_per_second": size / timing.median}


def silent(_: str) -> None:
    """Says nothing of what is measured next."""


def bench_scans(device: str, tell: Tell = silent) -> dict[str, Any]:
    """Correctness, then the copy, then each shape, then the peers.

    Args:
        device: `cpu` or `cuda`.
        tell: hears what is measured next; compiling peers for a GPU takes minutes.

    Raises:
        VerificationError: the scan is wrong here; nothing is timed then.
    """
    tell("the scan against the reference loop")
    check_scan(device)
    copy = copy_bandwidth(device)
    rows = []
    for shape in SHAPES[device]:
        tell(f"the scan of {shape}")
        rows.append(_bench(shape, device, copy))
    raced = list(zip(SHAPES[device], rows, strict=True))[: None if device == "cuda" else 1]
    peers = []
    for shape, row in raced:
        for name in PEERS:
            tell(f"{name} of {shape}")
            peers.append(_peer(name, shape, row, device))
    peers += [{"peer": name, "shape": list(SHAPES[device][0]), "absent": why} for name, why in NO_SCAN.items()]
    return {"device": device, "copy": copy, "scans": rows, "peers": peers}


def scan_curve(device: str) -> list[dict[str, Any]]:
    """Elements per second of the scan of one sequence of 16 channels, and the limit that a copy sets, against its length.

    Raises:
        VerificationError: the scan is wrong here; nothing is timed then.
    """
    check_scan(device)
    copied = copy_bandwidth(device)["bytes_per_second"]
    rows = []
    for time in CURVE[device]:
        a, b = gates((1, time, 16), device)
        timing = measure(lambda a=a, b=b: scan(a, b), device, seconds=0.25)  # type: ignore[misc]
        rows.append(
            {"time": time, "elements_per_second": a.numel() / timing.median, "limit": copied / (3 * a.element_size())}
        )
    return rows


def _peer(name: str, shape: tuple[int, int, int], ours: dict[str, Any], device: str) -> dict[str, Any]:
    """Another project's scan of real gates at a shape: its time and error, or why it does not run here.

    A loop over time is timed on its first steps, and compared by the time a step.
    """
    generator = torch.Generator(device).manual_seed(0)
    a = torch.rand(shape, generator=generator, device=device) * 0.1 + 0.9
    b = torch.randn(shape, generator=generator, device=device)
    steps = min(shape[1], LOOPS.get(name, shape[1]))
    a, b = a[:, :steps].contiguous(), b[:, :steps].contiguous()
    ready = prepared(name, a, b)
    if isinstance(ready, str):
        return {"peer": name, "shape": list(shape), "absent": ready}
    call, found = ready
    expected = scan(a, b)[0]
    error = float((found - expected).abs().max() / expected.abs().max())
    timing = measure(call, device, warm=True)
    return {
        "peer": name,
        "shape": list(shape),
        "steps": steps,
        "seconds": timing.to_json(),
        "error": error,
        "ours_times_faster": timing.median / steps * shape[1] / ours["seconds"]["median"],
    }


def _bench(shape: tuple[int, int, int], device: str, copy: dict[str, Any]) -> dict[str, Any]:
    a, b = gates(shape, device)
    timing = measure(lambda: scan(a, b), device)
    steps = min(REFERENCE_STEPS, shape[1])
    short = a[:, :steps].contiguous(), b[:, :steps].contiguous()
    loop = measure(lambda: scan_reference(*short), device)
    traffic = 3 * a.numel() * a.element_size()  # reads a and b, writes h
    elements, loop_elements = a.numel() / timing.median, short[0].numel() / loop.median
    return {
        "shape": list(shape),
        "dtype": "float32",
        "seconds": timing.to_json(),
        "elements_per_second": elements,
        "of_copy": traffic / timing.median / copy["bytes_per_second"],
        "reference_elements_per_second": loop_elements,
        "against_reference": elements / loop_elements,
    }
