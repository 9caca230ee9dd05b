"""Star-freeness: the verdict of `check_starfree` against enumeration of the monoid, here and by libsemigroups (C++).

    python benchmarks/algebra_verdicts.py [--seconds S] [--repeat N] [--record]

Every automaton is decided by `check_starfree(monoid_limit=0)`, its transition monoid counted by `monoid_size` and by libsemigroups' Froidure-Pin algorithm
(where the package libsemigroups-pybind11 is installed), each within S seconds. An enumeration that does not end shows how far it got; then no
verdict can be had from it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from ssmc.algebra import check_starfree
from ssmc.algebra.maps import monoid_size
from ssmc.algebra.random_automata import random_automaton, random_cascade, random_monotone, random_ordered
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.bench.machine import machine, machine_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECORD = Path(__file__).parent / "records" / "algebra_verdicts.json"
ELEMENTS = 20_000_000


def of_columns(*columns: list[int]) -> Automaton:
    """The automaton whose letters are the given maps."""
    names = [f"x{c}" for c in range(len(columns))]
    return Automaton.from_table(Alphabet.tokens(names), list(zip(*columns, strict=True)), 0, [0])


def full(n: int) -> Automaton:
    """All maps of n points to themselves."""
    return of_columns([(q + 1) % n for q in range(n)], [1, 0, *range(2, n)], [0, 0, *range(2, n)])


def order_preserving(n: int) -> Automaton:
    """All order-preserving maps of a chain of n points: (2n - 1 over n) elements."""
    up = [[q + (q == c) for q in range(n)] for c in range(n - 1)]
    return of_columns([min(q + 1, n - 1) for q in range(n)], [max(q - 1, 0) for q in range(n)], *up)


def largest(rng: Random, sizes: tuple[int, ...], periods: tuple[int, ...] = ()) -> Automaton:
    """The largest minimal automaton among some random cascades; most collapse."""
    return max((random_cascade(rng, sizes, 4, periods) for _ in range(10)), key=lambda automaton: automaton.states)


def cases() -> Iterator[tuple[str, Automaton]]:
    """The automata by name."""
    rng = Random(20240701)
    for n in (5, 6, 7, 8):
        yield f"full transformations T_{n}", full(n)
    for n in (5, 10, 20, 50, 100, 200):
        yield f"order-preserving O_{n}", order_preserving(n)
    for n in (5, 10, 20, 50, 100, 200):
        yield f"random, {n} states drawn", random_automaton(rng, n, 3)
    for n in (10, 50, 200):
        yield f"random partial, {n} states drawn", random_automaton(rng, n, 3, 0.3)
    for n in (5, 10, 20, 60, 200):
        yield f"random partially ordered, {n} states drawn", random_ordered(rng, n, 4)
    for n in (10, 20, 50, 100, 200):
        yield f"random monotone, {n} states drawn", random_monotone(rng, n, 6)
    for sizes in ((2, 2, 2), (2, 2, 2, 2), (2, 2, 2, 2, 2), (3, 3, 3), (2,) * 6, (2,) * 7, (3, 3, 3, 3)):
        yield f"random cascade of resets {'x'.join(map(str, sizes))}", largest(rng, sizes)
    for sizes, period in (((2, 2, 2), 2), ((2, 2, 2), 3), ((2, 2, 2, 2), 5), ((2, 2, 2, 2), 7), ((2,) * 5, 3)):
        yield f"cascade of resets {'x'.join(map(str, sizes))} and Z_{period}", largest(rng, sizes, (period,))


def timed(call: Callable[[], Any], repeat: int) -> tuple[Any, dict[str, float]]:
    """The result with the median and the extremes of the seconds; they end with a call that takes the sum above a second."""
    seconds = []
    result = None
    for _ in range(repeat):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > 1:
            break
    return result, {"median": statistics.median(seconds), "low": min(seconds), "high": max(seconds)}


def by_libsemigroups(lib: Any, automaton: Automaton, seconds: float) -> tuple[int, bool]:
    """Elements found, and whether these are all."""
    sink = automaton.states
    columns = [[sink if r == DEAD else r for r in column] + [sink] for column in automaton.columns]
    semigroup = lib.FroidurePin(*(lib.Transf(column) for column in [list(range(sink + 1)), *columns]))
    semigroup.run_for(timedelta(seconds=seconds))
    return semigroup.current_size(), semigroup.finished()


def libsemigroups() -> Any:
    """The package, told to be quiet, or None."""
    try:
        import libsemigroups_pybind11 as lib
    except ImportError:
        return None
    lib.ReportGuard(False)
    return lib


def main() -> None:
    """Measures, prints and, if asked, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="budget of each method on each automaton")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    found = machine()
    print(machine_line(found))
    head = f"{'automaton':<46}{'states':>7}{'verdict':>16}{'sets':>8}{'ms':>10}{'plain monoid':>16}{'ms':>10}{'libsemigroups':>16}{'ms':>10}"
    print(head)
    rows = []
    lib, limit = libsemigroups(), arguments.seconds
    for name, automaton in cases():
        report, verdict = timed(lambda a=automaton: check_starfree(a, monoid_limit=0, seconds=limit), arguments.repeat)
        count, plain = timed(lambda a=automaton: monoid_size(a, ELEMENTS, time.monotonic() + limit), arguments.repeat)
        row = {
            "automaton": name,
            "states": automaton.states,
            "letters": automaton.classes,
            "verdict": report.verdict,
            "image_sets": report.sets,
            "verdict_s": verdict,
            "plain": {"elements": count.reached, "finished": count.size is not None, "seconds": plain},
            "libsemigroups": None,
        }
        if lib is not None:
            (elements, finished), taken = timed(lambda a=automaton: by_libsemigroups(lib, a, limit), arguments.repeat)
            row["libsemigroups"] = {"elements": elements, "finished": finished, "seconds": taken}
        rows.append(row)
        shown = f"{name:<46}{automaton.states:>7}{report.verdict:>16}{report.sets:>8,}{1e3 * verdict['median']:>10.2f}"
        for other in (row["plain"], row["libsemigroups"]):
            if other is None:
                shown += f"{'-':>16}{'-':>10}"
            else:
                size = f"{'' if other['finished'] else '> '}{other['elements']:,}"
                shown += f"{size:>16}{1e3 * other['seconds']['median']:>10.1f}"
        print(shown, flush=True)
    slower = [
        row["automaton"]
        for row in rows
        if row["verdict_s"]["low"] > 1e-3
        and any(
            other and other["finished"] and other["seconds"]["low"] < row["verdict_s"]["low"]
            for other in (row["plain"], row["libsemigroups"])
        )
    ]
    print("slower than an enumeration, beyond 1 ms:", ", ".join(slower) or "none")
    if arguments.record:
        RECORD.write_text(json.dumps({"machine": found, "seconds": limit, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
