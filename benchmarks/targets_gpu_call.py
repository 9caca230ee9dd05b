"""One call on a GPU machine that measures all stock models: what was not measured before comes first, and every row is written as it comes.

    python benchmarks/targets_gpu_call.py FOLDER --out FILE [--seconds N] [--device DEVICE] [--scale N] [--done FILE]

FOLDER holds `models.tar.xz` (the folders of `benchmarks/stock_models.py`), the wheels of flash-linear-attention, fla-core and einops, and the source
distributions of mamba_ssm and causal_conv1d. The CUDA kernels are built while transformers' own forward, which must not see them, and
flash-linear-attention's kernels are measured in processes of their own; then those with the built kernels run. Processes still running when the time is over
are ended. `--scale` divides all lengths, to try the script.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from gpu_kernels import unpack

from ssmc.bench.machine import machine, machine_line

LENGTH, LONG = 1 << 16, 1 << 20
FLA = ("gla", "hgrn2", "rwkv6", "deltanet", "gated-deltanet")
DTYPES = ("float32", "bfloat16")
BY_LOOP = (
    ("d-12", "d-3", "d-4", "dyck-2-3", "dyck-2-4", "order-preserving-4", "subsequence-abc", "order-preserving-5"),
    ("abcde", "flip-flop", "ab-ba-star", "dyck-2-3", "order-preserving-4"),
)
"""Languages in predict and recognise mode on which transformers' own forward of Mamba was not measured before."""


@dataclass
class Job:
    """One process: its tasks in order, the jobs that must have ended before it starts, and whether it sees the built kernels."""

    name: str
    tasks: list[dict[str, Any]]
    after: tuple[str, ...] = ()
    built: bool = False
    first: bool = True
    process: subprocess.Popen[bytes] | None = None


class Models:
    """The folders, as tasks."""

    def __init__(self, folder: Path, scale: int) -> None:
        self.folders = {path.name: path for path in sorted(folder.iterdir())}
        self.scale = scale

    def task(self, name: str, what: str = "forward", dtype: str = "float32", length: int = LENGTH) -> dict[str, Any]:
        """One run."""
        return {
            "folder": str(self.folders[name]),
            "what": what,
            "dtype": dtype,
            "length": max(1, length // self.scale),
        }

    def of(self, target: str, mode: str = "") -> list[str]:
        """The folders of a target: those in predict mode first, few blocks first."""
        names = [name for name in self.folders if name.startswith(f"{target}-") and f"-{mode}" in name]
        blocks = {name: json.loads((self.folders[name] / "ssmc.json").read_text())["shape"]["blocks"] for name in names}
        return sorted(names, key=lambda name: ("-recognise" in name, blocks[name], name))


def jobs(models: Models) -> list[Job]:
    """What is measured, in the order of its need."""
    predict, recognise = BY_LOOP
    missing = [f"mamba-{name}-predict" for name in predict] + [f"mamba-{name}-recognise" for name in recognise]
    rest = [name for name in models.of("mamba") if name not in missing]
    loop = [models.task(name) for name in (*missing, *rest)] + [models.task(name, dtype="bfloat16") for name in models.of("mamba")]  # fmt: skip
    found = [Job(f"own-mamba-{i}", loop[i::3]) for i in range(3)]
    found[0].tasks[:0] = [models.task(f"mamba-{name}-predict", "generate") for name in ("flip-flop", "dyck-2-3")]
    found.append(Job("own-recurrentgemma", gemma(models)))
    found += [Job(f"fla-{target}", flash(models, target)) for target in FLA]
    found += [Job(f"kernels-mamba2-{dtype}", ssd(models, dtype), ("build",), built=True) for dtype in DTYPES]
    found.append(Job("kernels-library", library(models), ("build",), built=True))
    # those with many heads last: transformers' chunked form needs memory for each
    wide = sorted(models.of("mamba2"), key=lambda name: "-d-12-" in name)
    own = [models.task(name, dtype=dtype) for name in wide for dtype in DTYPES]
    own[:0] = [models.task(f"mamba2-{name}-predict", "generate") for name in ("flip-flop", "dyck-2-3")]
    found.append(Job("own-mamba2", own, tuple(f"fla-{target}" for target in FLA)))
    tuned = [models.task(f"mamba2-{name}-predict", dtype=dtype) for name in ("flip-flop", "dyck-2-3", "tomita-4") for dtype in DTYPES]  # fmt: skip
    found.append(
        Job("tuned-mamba2", tuned, tuple(f"kernels-mamba2-{dtype}" for dtype in DTYPES), built=True, first=False)
    )
    return found


def left(found: list[Job], done: Path | None) -> list[Job]:
    """The jobs that need no built kernels, without the runs of an earlier call; RecurrentGemma gets a second process once Mamba-2 has left the memory."""
    if done is None:
        return found
    rows = [json.loads(line) for line in done.read_text().splitlines()]
    known = {
        tuple(row.get(key) for key in ("model", "what", "dtype", "symbols")) for row in rows if not row.get("kernels")
    }
    found = [job for job in found if job.name.startswith("own")]
    for job in found:
        keys = [(Path(task["folder"]).name, task["what"], task["dtype"], task["length"]) for task in job.tasks]
        job.tasks = [
            task for task, key in zip(job.tasks, keys, strict=True) if key not in known and key[1] != "generate"
        ]
        job.after = ()
    slow = next(job for job in found if job.name == "own-recurrentgemma")
    busy = any(job.name == "own-mamba2" and job.tasks for job in found)
    found.append(Job("own-recurrentgemma-2", slow.tasks[1::2], ("own-mamba2",) if busy else ()))
    slow.tasks = slow.tasks[::2]
    return [job for job in found if job.tasks]


def gemma(models: Models) -> list[dict[str, Any]]:
    """RecurrentGemma: one symbol less, so that its square mask needs no padding; a loop over positions."""
    chosen = [f"recurrentgemma-{name}" for name in ("flip-flop-predict", "dyck-2-3-predict", "subsequence-abc-recognise")]  # fmt: skip
    tasks = [models.task(chosen[0], "generate")]
    tasks += [models.task(name, dtype=dtype, length=LENGTH - 1) for name in chosen for dtype in DTYPES]
    for dtype in DTYPES:
        tasks += [models.task(name, dtype=dtype, length=LENGTH - 1) for name in models.of("recurrentgemma") if name not in chosen]  # fmt: skip
    return tasks


def flash(models: Models, target: str) -> list[dict[str, Any]]:
    """A class of flash-linear-attention: generation, a long input, then every language."""
    every = models.of(target)
    pairs = [(name, dtype) for name in every for dtype in DTYPES if target != "deltanet" or name.endswith(dtype)]
    first = [(name, dtype) for name, dtype in pairs if f"{target}-flip-flop-predict" in name]
    tasks = [models.task(name, "generate", dtype) for name, dtype in first]
    tasks += [models.task(name, dtype=dtype, length=LONG) for name, dtype in first]
    tasks += [models.task(name, dtype=dtype) for name, dtype in pairs]
    longer = [(name, dtype) for name, dtype in pairs if any(f"-{part}" in name for part in ("dyck-2-3-predict", "parity-predict", "d-12-predict"))]  # fmt: skip
    tasks += [models.task(name, "generate", dtype) for name, dtype in longer[:2]]
    return tasks + [models.task(name, dtype=dtype, length=LONG) for name, dtype in longer]


def ssd(models: Models, dtype: str) -> list[dict[str, Any]]:
    """Mamba-2 by the Triton kernels of mamba_ssm through transformers."""
    every = models.of("mamba2")
    long = [f"mamba2-{name}-predict" for name in ("flip-flop", "dyck-2-3", "d-4", "tomita-4", "fourth-from-end")]
    tasks = [models.task(name, dtype=dtype) for name in every[:1]]
    tasks += [models.task(f"mamba2-{name}-predict", "generate", dtype) for name in ("flip-flop", "dyck-2-3")]
    tasks += [models.task(name, dtype=dtype) for name in every[1:]]
    tasks += [models.task(name, dtype=dtype, length=LONG) for name in long]
    noise = ("flip-flop-predict", "dyck-2-3-predict", "ab-ba-star-recognise")
    return tasks + [models.task(f"mamba2-{name}", "noise", dtype) for name in noise]


def library(models: Models) -> list[dict[str, Any]]:
    """mamba_ssm's own class, generation with its kernels, and Mamba by its kernels through transformers."""
    chosen = [f"{target}-{name}" for name in ("flip-flop-predict", "dyck-2-3-predict", "d-12-predict", "dyck-2-3-recognise") for target in ("mamba", "mamba2")]  # fmt: skip
    tasks = [models.task(name, "library", dtype) for name in chosen for dtype in DTYPES]
    tasks += [models.task(f"mamba-{name}-predict", "generate", dtype) for name in ("flip-flop", "dyck-2-3") for dtype in DTYPES]  # fmt: skip
    names = [name for target in ("mamba", "mamba2") for name in models.of(target)]
    tasks += [models.task(name, "library") for name in names if name not in chosen]
    return tasks + [models.task(name, dtype=dtype) for name in models.of("mamba") for dtype in DTYPES]


def check(folder: Path, device: str, *, build: bool) -> None:
    """Looks whether all that the measurements need is there.

    Raises:
        SystemExit: something is not; with its name.
    """
    import torch
    import transformers
    from torch.utils.cpp_extension import CUDA_HOME

    needed = ("models.tar.xz", "flash_linear_attention-*.whl", "fla_core-*.whl", "einops-*.whl")
    needed += ("mamba_ssm-*.tar.gz", "causal_conv1d-*.tar.gz") if build else ()
    missing = [name for name in needed if not any(folder.glob(name))]
    if device == "cuda":
        missing += [] if torch.cuda.is_available() else ["a GPU"]
        missing += [] if CUDA_HOME else ["nvcc"]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}")
    print(f"{machine_line(machine())}, transformers {transformers.__version__}, {CUDA_HOME}", flush=True)


def assemble(sources: Path, built: Path) -> None:
    """The Python parts beside the extensions that were built. Without `selective_scan_cuda` mamba_ssm cannot be imported, though its Triton kernels do not need it."""
    for package, extension in (("mamba_ssm", "selective_scan_cuda"), ("causal_conv1d", "causal_conv1d_cuda")):
        there = any(built.glob(f"{extension}*.so"))
        if not there:
            print(f"no {extension}", flush=True)
        if there or package == "mamba_ssm":
            (source,) = sources.glob(f"{package}-*")
            shutil.copytree(source / package, built / package)
        if not there and package == "mamba_ssm":
            (built / f"{extension}.py").touch()


def main() -> None:
    """Runs everything side by side until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=330)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--done", type=Path, help="rows of an earlier call, whose runs are left out")
    options = parser.parse_args()
    start, here = time.monotonic(), Path(__file__).parent
    check(options.folder, options.device, build=options.done is None)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        site, built, sources = place / "site", place / "built", place / "sources"
        for path in (site, built, sources, place / "models"):
            path.mkdir()
        unpack(options.folder, site, sources)
        with tarfile.open(options.folder / "models.tar.xz") as archive:
            archive.extractall(place / "models", filter="data")
        models = Models(place / "models" / "models", options.scale)
        path = os.pathsep.join([str(here.parent), str(site)])
        common = {**os.environ, "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
        common |= {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", "HF_HUB_OFFLINE": "1", "PYTHONPATH": path}
        running: dict[str, subprocess.Popen[bytes]] = {}
        if options.device == "cuda" and options.done is None:
            # for one architecture, with all processors
            environment = {**common, "TORCH_CUDA_ARCH_LIST": "9.0", "MAX_JOBS": "8"}
            for extension, prefix in (("causal_conv1d_cuda", "causal_conv1d"), ("selective_scan_cuda", "mamba_ssm")):
                (source,) = sources.glob(f"{prefix}-*")
                command = [sys.executable, str(here / "gpu_kernels.py"), extension, str(source), str(built)]
                running[f"build-{extension}"] = subprocess.Popen(command, env=environment, start_new_session=True)
        waiting, over = left(jobs(models), options.done), set() if options.done is None else {"build"}
        while (waiting or running) and time.monotonic() - start < options.seconds:
            for done in [key for key, process in running.items() if process.poll() is not None]:
                print(f"{time.monotonic() - start:.0f} s: {done} ended with {running.pop(done).returncode}", flush=True)
                over.add(done)
            if "build" not in over and not any(key.startswith("build-") for key in running):
                over.add("build")
                assemble(sources, built)
            for job in [job for job in waiting if over.issuperset(job.after)]:
                waiting.remove(job)
                tasks = place / f"{job.name}.json"
                tasks.write_text(json.dumps(job.tasks))
                rest = options.seconds - (time.monotonic() - start) - 5
                command = [
                    sys.executable,
                    str(here / "targets_gpu.py"),
                    "--tasks",
                    str(tasks),
                    "--out",
                    str(options.out),
                ]
                command += ["--seconds", str(rest), "--device", options.device, *(["--first"] if job.first else [])]
                environment = {**common, "PYTHONPATH": os.pathsep.join([path, str(built)]) if job.built else path}
                print(f"{time.monotonic() - start:.0f} s: {job.name} starts, {len(job.tasks)} tasks", flush=True)
                running[job.name] = subprocess.Popen(command, env=environment, start_new_session=True)
            time.sleep(0.5)
        for name, process in running.items():
            if process.poll() is None:
                print(f"{time.monotonic() - start:.0f} s: {name} is ended", flush=True)
                os.killpg(process.pid, 9)
        for process in running.values():
            process.wait()


if __name__ == "__main__":
    main()
