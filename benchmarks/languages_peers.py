"""Other libraries on the practical expressions: how many they read, whether they are right on the examples, processor time to a minimal DFA.

    python benchmarks/languages_peers.py [--seconds N] [--record]

Compared where installed: interegular, greenery (both of Python), libmata (C++ with Python bindings), automata-lib's regex parser. An
expression counts as wrong when an example of practical.toml gets the wrong verdict.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import time
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssmc.bench.machine import machine, machine_line
from ssmc.languages import language_of

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
RECORD = HERE / "records" / "languages_peers.json"


class Timeout(Exception):
    """The time for one expression is over."""


def stop(*_: object) -> None:
    """Ends one expression."""
    raise Timeout


def ssmc() -> tuple[Callable[[str], Any], Callable[[Any, str], bool]]:
    """This package."""
    language_of(r"(?i)\w\d\s")  # the character tables
    return lambda p: language_of(p).automaton, lambda a, w: a.accepts(a.alphabet.encode(w))


def interegular() -> tuple[Callable[[str], Any], Callable[[Any, str], bool]]:
    """interegular: Python syntax, with lookahead."""
    module = import_module("interegular")
    return lambda p: module.parse_pattern(p).to_fsm().reduce(), lambda m, w: m.accepts(w)


def greenery() -> tuple[Callable[[str], Any], Callable[[Any, str], bool]]:
    """greenery: set operations on patterns."""
    module = import_module("greenery")
    return lambda p: module.parse(p).to_fsm().reduce(), lambda m, w: m.accepts(w)


def libmata() -> tuple[Callable[[str], Any], Callable[[Any, str], bool]]:
    """libmata: RE2's parser, NFAs over bytes."""
    nfa, parser = import_module("libmata.nfa.nfa"), import_module("libmata.parser")
    return lambda p: nfa.minimize(parser.from_regex(p)), lambda m, w: m.is_in_lang(list(w.encode()))


def automata_lib() -> tuple[Callable[[str], Any], Callable[[Any, str], bool]]:
    """automata-lib's own regular expressions."""
    dfa, nfa = import_module("automata.fa.dfa").DFA, import_module("automata.fa.nfa").NFA
    return lambda p: dfa.from_nfa(nfa.from_regex(p)).minify(), lambda m, w: m.accepts_input(w)


def measure(name: str, peer: Callable[[], Any], expressions: list[dict[str, Any]], seconds: int) -> dict[str, Any]:
    """One row: counts and times of a library."""
    try:
        build, accepts = peer()
    except ImportError:
        return {"name": name, "installed": False}
    times: list[float] = []
    row: dict[str, Any] = {"name": name, "installed": True, "refused": 0, "wrong": [], "too_slow": []}
    for expression in expressions:
        signal.alarm(seconds)
        start = time.process_time()
        try:
            machine_ = build(expression["pattern"])
            times.append(time.process_time() - start)
            right = all(accepts(machine_, w) for w in expression["accepts"])
            right = right and not any(accepts(machine_, w) for w in expression["rejects"])
        except Timeout:
            row["too_slow"].append(expression["name"])
            continue
        except BaseException as error:  # every library has its own errors, RecursionError among them
            if isinstance(error, KeyboardInterrupt):
                raise
            row["refused"] += 1
            continue
        finally:
            signal.alarm(0)
        if not right:
            row["wrong"].append(expression["name"])
    return row | {"read": len(times), "median_s": statistics.median(times), "max_s": max(times)}


def main() -> None:
    """Measures, prints and, if asked, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="for each expression")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    signal.signal(signal.SIGALRM, stop)
    found = machine()
    print(machine_line(found))
    expressions = tomllib.loads((HERE / "practical.toml").read_text(encoding="utf-8"))["expression"]
    peers = {
        "ssmc": ssmc,
        "interegular": interegular,
        "greenery": greenery,
        "libmata": libmata,
        "automata-lib": automata_lib,
    }
    rows = []
    for name, peer in peers.items():
        row = measure(name, peer, expressions, arguments.seconds)
        rows.append(row)
        if not row["installed"]:
            print(f"{name:<13} not installed")
            continue
        print(
            f"{name:<13} {row['read']} of {len(expressions)} read, {row['refused']} refused, {len(row['wrong'])} wrong, "
            f"{len(row['too_slow'])} over {arguments.seconds} s; median {row['median_s'] * 1e3:.2f} ms, max {row['max_s']:.2f} s",
            flush=True,
        )
    if arguments.record:
        RECORD.write_text(json.dumps({"machine": found, "rows": rows}, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {RECORD}")


if __name__ == "__main__":
    main()
