"""The machine line that stands before every measurement."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("torch", "triton", "numpy")


def machine() -> dict[str, Any]:
    """What the measurement ran on: processor, cores this process may use, GPU, and versions."""
    import torch

    found: dict[str, Any] = {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    # with the build: +cpu, +cu130
    return found | {"torch": str(torch.__version__)}


def machine_line(found: dict[str, Any]) -> str:
    """The same in one line."""
    device = found["gpu"] or f"{found['cpu']}, {found['cores']} cores, {found['threads']} threads"
    versions = ", ".join(f"{name} {found[name]}" for name in ("python", *_PACKAGES) if found[name])
    return f"{device}; {found['system']}; {versions}"


def _processor() -> str:
    """The name of the processor."""
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
