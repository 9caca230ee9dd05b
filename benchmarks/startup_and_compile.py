"""Start-up and compile times, each of a whole process on one core.

    python benchmarks/startup_and_compile.py [--repeat N] [--record]

    help            ssmc --help                                   goal: under 0.3 s
    check-starfree  ssmc check-starfree GRAMMAR                   goal: under 1 s
    compile         ssmc compile GRAMMAR --mode MODE -o FILE      goal: under 2 s more than `python -c 'import torch'`

The time of a compilation is the wall time of its process less the median of importing torch alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ssmc.bench.machine import machine, machine_line
from ssmc.languages import parse_grammar, shipped_grammars

RECORD = Path(__file__).parent / "records" / "startup_and_compile.json"
SSMC = [sys.executable, "-c", "from ssmc.cli import main; main()"]
GOALS = {"help": 0.3, "check-starfree": 1.0, "compile": 2.0}


def timed(command: list[str], code: int = 0) -> float:
    """Wall seconds of a process that must end with `code`."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != code:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode} instead of {code}: {done.stderr}")
    return seconds


def row(kind: str, name: str, seconds: list[float], base: float = 0.0) -> dict[str, Any]:
    """One line of the table."""
    net = sorted(s - base for s in seconds)
    return {
        "kind": kind,
        "name": name,
        "median_s": round(statistics.median(net), 3),
        "min_s": round(net[0], 3),
        "max_s": round(net[-1], 3),
        "goal_s": GOALS.get(kind),
    }


def show(line: dict[str, Any]) -> None:
    """Prints one line of the table."""
    late = line["goal_s"] is not None and line["median_s"] >= line["goal_s"]
    goal = "" if line["goal_s"] is None else f"  (goal {line['goal_s']:g} s{', MISSED' if late else ''})"
    spread = f"{line['min_s']:.3f} .. {line['max_s']:.3f}"
    print(f"{line['kind']:<15} {line['name']:<32} {line['median_s']:.3f} s  [{spread}]{goal}", flush=True)


def main() -> None:
    """Measures, prints and, if asked, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = machine()
    print(machine_line(found))
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
    torch = [timed([sys.executable, "-c", "import torch"]) for _ in repeat]
    add(row("import torch", "", torch))
    with tempfile.TemporaryDirectory() as folder:
        for name, grammar in grammars.items():
            for mode in ("recognise", "predict") if grammar.star_free else ():
                command = [*SSMC, "compile", name, "--mode", mode, "-o", f"{folder}/model.pt"]
                add(row("compile", f"{name} {mode}", [timed(command) for _ in repeat], statistics.median(torch)))
    missed = [line for line in rows if line["goal_s"] is not None and line["median_s"] >= line["goal_s"]]
    print(f"{len(missed)} of {sum(line['goal_s'] is not None for line in rows)} goals missed")
    if arguments.record:
        RECORD.write_text(json.dumps({"machine": found, "repeat": arguments.repeat, "rows": rows}, indent=1) + "\n")
        print(f"wrote {RECORD}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
