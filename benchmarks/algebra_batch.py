"""`ssmc check-starfree --jobs N FILES...` over many DFA files in one call.

    python benchmarks/algebra_batch.py [--files N] [--jobs N] [--record]

The files are drawn with a fixed seed: partially ordered automata, cascades of resets with and without a cyclic component, and random partial
automata, of 3 to 600 states drawn and 4, 16 or 64 letters. The call is timed with `--monoid-limit 0` (verdicts only) and with 5,000.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from ssmc.algebra.random_automata import random_automaton, random_cascade, random_ordered
from ssmc.automaton import DEAD
from ssmc.bench.machine import machine, machine_line

if TYPE_CHECKING:
    from ssmc.automaton import Automaton

RECORD = Path(__file__).parent / "records" / "algebra_batch.json"


def draw(rng: Random, number: int) -> Automaton:
    """One automaton of the batch."""
    letters = rng.choice((4, 16, 64))
    states = rng.choice((200, 400, 600)) if number % 50 == 0 else rng.choice((3, 5, 8, 12, 20, 30))
    if number % 4 < 2:
        return random_ordered(rng, states, letters)
    if number % 4 == 2:
        return random_cascade(rng, (2,) * rng.randint(1, 4), min(letters, 16), rng.choice(((), (2,), (3,), (5,))))
    return random_automaton(rng, min(states, 30), letters, 0.9)


def data_of(automaton: Automaton) -> dict[str, Any]:
    """The shape of automata-lib's constructor."""
    name, number = automaton.alphabet.name, automaton.alphabet.class_of
    symbols = range(automaton.alphabet.size)
    return {
        "states": [str(q) for q in range(max(automaton.states, 1))],
        "input_symbols": [name(s) for s in symbols],
        "transitions": {
            str(q): {name(s): str(row[number(s)]) for s in symbols if row[number(s)] != DEAD}
            for q, row in enumerate(automaton.delta)
        },
        "initial_state": "0",
        "final_states": [str(q) for q in sorted(automaton.accepting)],
    }


def main() -> None:
    """Measures, prints and, if asked, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1470)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    found = machine()
    print(machine_line(found))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rng = Random(1470)
        paths, transitions = [], 0
        for number in range(arguments.files):
            data = data_of(draw(rng, number))
            transitions += sum(len(row) for row in data["transitions"].values())
            path = Path(folder) / f"{number:04}.json"
            path.write_text(json.dumps(data))
            paths.append(str(path))
        print(f"{len(paths):,} files, {transitions:,} transitions")
        for limit in (0, 5000):
            command = [sys.executable, "-c", "from ssmc.cli import main; main()", "check-starfree", "--json"]
            command += ["--jobs", str(arguments.jobs), "--monoid-limit", str(limit), *paths]
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - start
            answers = [json.loads(line) for line in done.stdout.splitlines()]
            verdicts = Counter(answer["verdict"] for answer in answers)
            counted = [answer["monoid_size"] for answer in answers if answer["monoid_size"] is not None]
            row = {
                "monoid_limit": limit,
                "seconds": seconds,
                "answers": len(answers),
                "verdicts": dict(verdicts),
                "states": max(answer["states"] for answer in answers),
                "monoids_counted": len(counted),
                "largest_monoid": max(counted, default=None),
            }
            rows.append(row)
            print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if arguments.record:
        record = {"machine": found, "jobs": arguments.jobs, "transitions": transitions, "rows": rows}
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
