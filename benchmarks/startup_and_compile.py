"""Start-up and compile times, each of a whole process on one core.

    python benchmarks/startup_and_compile.py [--repeat N] [--record]

    help            ssmc --help                                   goal: under 0.3 s
    check-starfree  ssmc check-starfree GRAMMAR                   goal: under 1 s
    compile         ssmc compile GRAMMAR --mode MODE -o FILE      goal: under 2 s more than `python -c 'import torch'`

The time of a compilation is that of its process less that of importing torch alone, run just before it. Wall time and processor time (user and system) are
recorded; the goals are compared with processor time, which is what the wall time is where nothing else runs on the core.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from ssmc.bench.machine import machine, machine_line
from ssmc.languages import parse_grammar, shipped_grammars

RECORD = Path(__file__).parent / "records" / "startup_and_compile.json"
SSMC = [sys.executable, "-c", "from ssmc.cli import main; main()"]
GOALS = {"help": 0.3, "check-starfree": 1.0, "compile": 2.0}


class Seconds(NamedTuple):
    """What a process took."""

    wall: float
    processor: float


def timed(command: list[str], code: int = 0) -> Seconds:
    """The times of a process that must end with `code`."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != code:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode} instead of {code}: {done.stderr}")
    return Seconds(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def row(kind: str, name: str, found: list[Seconds]) -> dict[str, Any]:
    """One line of the table."""
    line: dict[str, Any] = {"kind": kind, "name": name, "goal_s": GOALS.get(kind)}
    for what, column in zip(Seconds._fields, zip(*found, strict=True), strict=True):
        line[f"{what}_s"] = {
            "median": round(statistics.median(column), 3),
            "min": round(min(column), 3),
            "max": round(max(column), 3),
        }
    return line


def beyond_torch(command: list[str]) -> Seconds:
    """What a process takes beyond importing torch."""
    base = timed([sys.executable, "-c", "import torch"])
    return Seconds(*(whole - part for whole, part in zip(timed(command), base, strict=True)))


def missed(line: dict[str, Any]) -> bool:
    """Whether the goal was not reached."""
    return line["goal_s"] is not None and line["processor_s"]["median"] >= line["goal_s"]


def show(line: dict[str, Any]) -> None:
    """Prints one line of the table."""
    goal = "" if line["goal_s"] is None else f"  (goal {line['goal_s']:g} s{', MISSED' if missed(line) else ''})"
    times = "  ".join(
        f"{what} {line[f'{what}_s']['median']:.3f} s [{line[f'{what}_s']['min']:.3f} .. {line[f'{what}_s']['max']:.3f}]"
        for what in Seconds._fields
    )
    print(f"{line['kind']:<15} {line['name']:<28} {times}{goal}", flush=True)


def main() -> None:
    """Measures, prints and, if asked, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = machine() | {"load": round(os.getloadavg()[0], 2)}
    print(f"{machine_line(found)}; load {found['load']}")
    repeat = range(arguments.repeat)
    rows = []

    def add(line: dict[str, Any]) -> None:
        rows.append(line)
        show(line)

    grammars = {path.stem: parse_grammar(path.read_text(encoding="utf-8"), str(path)) for path in shipped_grammars()}
    timed([*SSMC, "--help"])  # fills the caches of the file system and of compiled modules
    add(row("help", "", [timed([*SSMC, "--help"]) for _ in repeat]))
    for name, grammar in grammars.items():
        command = [*SSMC, "check-starfree", name]
        add(row("check-starfree", name, [timed(command, code=not grammar.star_free) for _ in repeat]))
    add(row("import torch", "", [timed([sys.executable, "-c", "import torch"]) for _ in repeat]))
    with tempfile.TemporaryDirectory() as folder:
        for name, grammar in grammars.items():
            for mode in ("recognise", "predict") if grammar.star_free else ():
                command = [*SSMC, "compile", name, "--mode", mode, "-o", f"{folder}/model.pt"]
                add(row("compile", f"{name} {mode}", [beyond_torch(command) for _ in repeat]))
    late = sum(map(missed, rows))
    print(f"{late} of {sum(line['goal_s'] is not None for line in rows)} goals missed")
    if arguments.record:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps({"machine": found, "repeat": arguments.repeat, "rows": rows}, indent=1) + "\n")
        print(f"wrote {RECORD}")
    sys.exit(bool(late))


if __name__ == "__main__":
    main()
