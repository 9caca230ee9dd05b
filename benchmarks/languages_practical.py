"""The practical expressions of practical.toml: time to the minimal DFA, its size, and whether the language is star-free.

    python benchmarks/languages_practical.py [--repeat N] [--layers SECONDS] [--record]

The goal is under 1 s for each expression and under 50 ms for the median. A time is the median processor time of N runs in one process, after a first run
that computes the character tables of Python's `re` (shown apart). With `--layers` each star-free language is also compiled to a proved model of its
UTF-8 bytes (predict mode, effort 1) in at most so many seconds of processor time; where the classes of the pattern are Unicode's, the same is done
for the pattern under `re.ASCII`. The table is printed as Markdown.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import statistics
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from ssmc.algebra import check_starfree
from ssmc.bench.machine import machine, machine_line
from ssmc.compile import compile_language
from ssmc.errors import LimitError
from ssmc.languages import language_of

HERE = Path(__file__).parent
RECORD = HERE / "records" / "languages_practical.json"
GOAL_EACH, GOAL_MEDIAN = 1.0, 0.05


class Timeout(Exception):
    """The time for one model is over."""


def layers_of(pattern: str, seconds: int) -> dict[str, Any]:
    """Byte states, scan layers, components and units of the proved model of a pattern (predict mode, effort 1), or why there is none."""

    def stop(*_: object) -> None:
        raise Timeout

    before = signal.signal(signal.SIGPROF, stop)
    row: dict[str, Any] = {}
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        made = compile_language(language_of(pattern), mode="predict").to_json()
        row["byte_states"] = made["model_states"]
        row["layers"] = made["layers"]
        row |= {key: made[key] for key in ("channels", "hidden_units")} | {"proof": made["proof"]["proof"]}
    except (Timeout, LimitError, MemoryError) as reason:
        row |= {"layers": None, "layers_missing": str(reason) or f"not within {seconds} s"}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return row | {"layers_s": time.process_time() - start}


def under_ascii(pattern: str) -> str:
    """The pattern under the flag `re.ASCII`."""
    flags = re.match(r"\(\?([aiLmsux]+)\)", pattern)
    return f"(?a{flags[1]}){pattern[flags.end() :]}" if flags else f"(?a){pattern}"


def measure(expression: dict[str, Any], repeat: int, layers: int) -> dict[str, Any]:
    """One row: size, verdict and times of an expression."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        language = language_of(expression["pattern"])
        times.append(time.process_time() - start)
    automaton = language.automaton
    for key, expected in (("accepts", True), ("rejects", False)):
        for word in expression[key]:
            if automaton.accepts(automaton.alphabet.encode(word)) != expected:
                sys.exit(f"{expression['name']}: {word!r} should be in {key}")
    start = time.process_time()
    report = check_starfree(automaton)
    row = {
        "name": expression["name"],
        "median_s": statistics.median(times),
        "max_s": max(times),
        "states": automaton.states,
        "classes": automaton.classes,
        "verdict": report.verdict,
        "verdict_s": time.process_time() - start,
    }
    if report.witness is not None:
        shown = report.to_json(automaton)["witness"]
        row |= {"word": "".join(shown["word"]), "period": shown["period"]}
    elif layers:
        row |= layers_of(expression["pattern"], layers)
        ascii_only = under_ascii(expression["pattern"])
        if language_of(ascii_only).automaton != automaton:
            row["ascii"] = layers_of(ascii_only, layers)
        print(row["name"], row["layers"], row.get("ascii", {}).get("layers"), file=sys.stderr, flush=True)
    return row


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table of the rows."""
    lines = [
        "| expression | states | classes | star-free | layers | s | layers, `re.ASCII` | s | ms |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        verdict = "yes" if row["verdict"] == "star-free" else row["verdict"]
        if "word" in row:
            word = row["word"].replace("|", "\\|")
            verdict = f"no: `{word}` counts modulo {row['period']}"
        shown = " | ".join(layers_shown(part) for part in (row, row.get("ascii", {})))
        lines.append(
            f"| {row['name']} | {row['states']} | {row['classes']} | {verdict} | {shown} | {row['median_s'] * 1e3:.2f} |"
        )
    return "\n".join(lines)


def layers_shown(part: dict[str, Any]) -> str:
    """Layers and seconds; `limit` where a limit of the compiler or the time was reached first, nothing where no model was sought."""
    if "layers" not in part:
        return " | "
    return "limit | " if part["layers"] is None else f"{part['layers']} | {part['layers_s']:.1f}"


def main() -> None:
    """Measures, prints and, if asked, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--layers", type=int, default=0, help="seconds for each model")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    found = machine()
    print(machine_line(found))
    start = time.process_time()
    language_of(r"(?i)\w\d\s[a-z]")
    tables = time.process_time() - start
    expressions = tomllib.loads((HERE / "practical.toml").read_text(encoding="utf-8"))["expression"]
    rows = [measure(expression, arguments.repeat, arguments.layers) for expression in expressions]
    print(markdown(rows))
    median = statistics.median(row["median_s"] for row in rows)
    slowest = max(rows, key=lambda row: row["median_s"])
    starfree = sum(row["verdict"] == "star-free" for row in rows)
    print(
        f"\n{len(rows)} expressions, {starfree} star-free; median {median * 1e3:.2f} ms, slowest {slowest['name']} "
        f"{slowest['median_s'] * 1e3:.1f} ms; character tables {tables * 1e3:.0f} ms once"
    )
    if arguments.record:
        RECORD.parent.mkdir(exist_ok=True)
        record = {"machine": found, "repeat": arguments.repeat, "tables_s": tables, "median_s": median, "rows": rows}
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"wrote {RECORD}")
    sys.exit(median >= GOAL_MEDIAN or slowest["median_s"] >= GOAL_EACH)


if __name__ == "__main__":
    main()
