"""Random patterns of the whole supported syntax against Python's `re`: pairs of a pattern and a string, with no disagreement allowed.

    python benchmarks/languages_differential.py [--pairs N] [--seed S] [--record]

Each pattern is translated and compared with `re.fullmatch` or `re.search` on short strings over its letters, on words of its language, on
mutations of these, on random text beyond ASCII, on newlines and the empty string. A quarter of the patterns is also encoded to UTF-8 and
compared on the encoded strings. Patterns that `re` refuses must be refused. Strings on which `re` itself needs longer than a second are
left out and counted.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import statistics
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from ssmc.bench.machine import machine, machine_line
from ssmc.errors import LimitError, RegexSyntaxError
from ssmc.languages import language_of, to_bytes

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "languages"))
from patterns_at_random import Generator  # noqa: E402

RECORD = HERE / "records" / "languages_differential.json"


class Timeout(Exception):
    """`re` takes too long."""


def stop(*_: object) -> None:
    """Ends a match."""
    raise Timeout


def matched(pattern: re.Pattern[str], word: str, search: bool) -> bool | None:
    """What `re` says; None when it takes longer than a second."""
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        return bool(pattern.search(word) if search else pattern.fullmatch(word))
    except Timeout:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def encodable(word: str) -> bool:
    """Whether the string has a UTF-8 encoding."""
    return not any("\ud800" <= ch <= "\udfff" for ch in word)


def main() -> None:
    """Compares, prints and, if asked, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    signal.signal(signal.SIGALRM, stop)
    warnings.simplefilter("ignore")
    found = machine()
    print(machine_line(found))
    source = random.Random(arguments.seed)
    count: Counter[str] = Counter()
    times: list[float] = []
    disagreements: list[dict[str, Any]] = []
    language_of(r"(?i)\w\d\s")  # the character tables
    began = time.perf_counter()
    while count["pairs"] < arguments.pairs:
        generator = Generator(source)
        pattern = generator.pattern(depth=source.choice([1, 2, 3]))
        search = (
            source.random() < 0.3 and "(?a:" not in pattern
        )  # re.search looks for the first character without that flag
        if not pattern:
            continue
        try:
            compiled = re.compile(pattern)
        except re.error:
            count["refused by both"] += 1
            try:
                language_of(pattern)
                disagreements.append({"pattern": pattern, "word": None, "re": "refused"})
            except RegexSyntaxError:
                pass
            continue
        start = time.process_time()
        try:
            automaton = language_of(pattern, search=search).automaton
        except LimitError:
            count["over a limit"] += 1
            continue
        times.append(time.process_time() - start)
        binary = to_bytes(automaton) if source.random() < 0.25 else None
        count["patterns"] += 1
        count["searches"] += search
        count["encoded"] += binary is not None
        for word in generator.strings(automaton):
            expected = matched(compiled, word, search)
            if expected is None:
                count["re too slow"] += 1
                continue
            count["pairs"] += 1
            count["matching"] += expected
            got = automaton.accepts(map(ord, word))
            if got == expected and binary is not None and encodable(word):
                got = binary.accepts(word.encode())
            if got != expected:
                disagreements.append({"pattern": pattern, "word": word, "search": search, "re": expected})
                print("DISAGREE", disagreements[-1])
    times.sort()
    result = {
        "machine": found,
        "seed": arguments.seed,
        **count,
        "disagreements": disagreements,
        "median_s": statistics.median(times),
        "p99_s": times[len(times) * 99 // 100],
        "max_s": times[-1],
        "wall_s": round(time.perf_counter() - began, 1),
    }
    shown = ", ".join(f"{value:,} {key}" for key, value in count.items())
    print(f"{shown}; {len(disagreements)} disagreements")
    print(
        f"processor time to the minimal DFA: median {result['median_s'] * 1e3:.2f} ms, 99 % under {result['p99_s'] * 1e3:.1f} ms"
    )
    if arguments.record:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(result, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
        print(f"wrote {RECORD}")
    sys.exit(bool(disagreements))


if __name__ == "__main__":
    main()
