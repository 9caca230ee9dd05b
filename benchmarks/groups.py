"""Languages with groups: which groups, which gates, and how deep the cascade is with each class of gates.

    python benchmarks/groups.py [--count N] [--record]

Every language below is decomposed with every class of gates that suffices, in both modes, and its cascade is compared with the automaton by exploring their
product. Then N random automata, 3 to 8 states over 2 or 3 letters, transitions drawn uniformly: each with the weakest gates and with column-one-hot
matrices (the former for one in ten: some cascades have ten layers and take ten seconds). Times are CPU seconds of the decomposition, its check included; `--record` writes benchmarks/records/groups.json.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssmc.algebra.language_groups import GATES, language_groups
from ssmc.algebra.permutations import Permutation, closure, then
from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.bench.machine import machine, machine_line
from ssmc.cascade import check_cascade
from ssmc.cascade.cost import cost_of
from ssmc.cascade.strategy import Options
from ssmc.compile import decompose_language, model_automaton
from ssmc.errors import LimitError
from ssmc.languages import Language, language_of, read_language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.algebra.language_groups import Gates
    from ssmc.cascade.ir import Mode

RECORD = Path(__file__).parent / "records" / "groups.json"
GRAMMARS = ("parity", "aa-even", "tomita-3", "tomita-5", "tomita-6", "aaaa", "abab", "symmetric-3")
EXPRESSIONS = {
    "JSON string": r'"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"',
    "quoted, escapes": r'"([^"\\]|\\.)*"',
    "CSV, doubled quotes": r'([^",\r\n]*|"([^"]|"")*")(,([^",\r\n]*|"([^"]|"")*"))*',
    "digit groups": r"\d{1,3}(,\d{3})*",
    "base64": r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    "even hex": r"([0-9a-fA-F]{2})*",
}
WORD_PROBLEMS: dict[str, list[Permutation]] = {
    "S_3": [(1, 0, 2), (1, 2, 0)],
    "A_4": [(1, 2, 0, 3), (0, 2, 3, 1)],
    "S_4": [(1, 0, 2, 3), (1, 2, 3, 0)],
    "D_4": [(1, 2, 3, 0), (0, 3, 2, 1)],
    "Q_8": [(1, 2, 3, 0, 5, 6, 7, 4), (4, 7, 6, 5, 2, 1, 0, 3)],
    "A_5": [(1, 2, 3, 4, 0), (1, 2, 0, 3, 4)],
    "S_5": [(1, 2, 3, 4, 0), (1, 0, 2, 3, 4)],
}


def table(name: str, columns: list[list[int]]) -> Language:
    """The words over maps of points that take point 0 to itself."""
    rows = list(zip(*columns, strict=True))
    automaton = Automaton.from_table(Alphabet.tokens("abc"[: len(columns)]), rows, 0, {0})
    return Language(automaton, name, name, "table")


def word_problem(name: str, generators: list[Permutation]) -> Language:
    """The words over generators of a group whose product is 1."""
    identity = tuple(range(len(generators[0])))
    elements = [identity, *sorted(closure(generators, identity) - {identity})]
    place = {element: i for i, element in enumerate(elements)}
    return table(name, [[place[then(element, g)] for element in elements] for g in generators])


def languages() -> Iterator[Language]:
    """All languages of the table."""
    yield from (read_language(name) for name in GRAMMARS)
    for level, alphabet in (("bytes", "bytes"), ("text", None)):
        for name, expression in EXPRESSIONS.items():
            yield language_of(expression, name=f"{name} ({level})", alphabet=alphabet, syntax="python")
    yield from (word_problem(f"word problem of {name}", generators) for name, generators in WORD_PROBLEMS.items())
    for n in (3, 4):
        yield table(f"T_{n} on {n} points", [[*range(1, n), 0], [1, 0, *range(2, n)], [0, 0, *range(2, n)]])


def decomposed(language: Language, gates: Gates, mode: Mode) -> dict[str, Any]:
    """What came out for one class of gates."""
    start = time.process_time()
    try:
        cascade = decompose_language(language, model_automaton(language), mode, Options(gates=gates))
        states = check_cascade(cascade)
    except LimitError as error:
        return {"gates": gates, "mode": mode, "limit": str(error), "seconds": round(time.process_time() - start, 2)}
    kinds = Counter(component.kind for component in cascade.components)
    return {
        "gates": gates,
        "mode": mode,
        "layers": cascade.depth,
        "channels": cost_of(cascade.components, cascade.readout).channels,
        "components": dict(sorted(kinds.items())),
        "product_states": states,
        "seconds": round(time.process_time() - start, 2),
    }


def survey() -> list[dict[str, Any]]:
    """Every language with every class of gates that suffices."""
    rows = []
    for language in languages():
        groups = language_groups(language.automaton)
        able = GATES[GATES.index(groups.at_least) :] if groups.groups else ("non-negative", "pd")
        modes: tuple[Mode, ...] = ("recognise", "predict")
        found = [decomposed(language, gates, mode) for gates in able for mode in modes]
        names = [group.name for group in groups.groups]
        states = model_automaton(language).states
        rows.append(
            {"language": language.name, "states": states, "groups": names, "weakest": groups.gates, "found": found}
        )
        depths = ", ".join(f"{one['gates']} {one['mode'][:4]} {one.get('layers', '-')}" for one in found)
        print(f"{language.name:24s} {states:4d} states  {', '.join(names) or '-':12s} {depths}", flush=True)
    return rows


def sample(count: int) -> dict[str, Any]:
    """Random automata with the weakest gates and with column-one-hot matrices."""
    rng = random.Random(20)
    times: dict[str, list[float]] = {}
    endings: Counter[str] = Counter()
    layers: Counter[str] = Counter()
    sums: dict[str, list[tuple[int, int]]] = {}
    for place in range(count):
        n, k = rng.randint(3, 8), rng.randint(2, 3)
        rows = [[rng.randrange(n) for _ in range(k)] for _ in range(n)]
        final = set(rng.sample(range(n), rng.randint(1, n - 1)))
        automaton = Automaton.from_table(Alphabet.tokens("abc"[:k]), rows, 0, final)
        weakest = language_groups(automaton).at_least
        tried: dict[str, Gates] = {"pd": "pd"} if place % 10 else {"pd": "pd", "weakest": weakest}
        for label, gates in tried.items():
            one = decomposed(Language(automaton, "random", "random", "table"), gates, "recognise")
            times.setdefault(label, []).append(one["seconds"])
            name = "pd" if label == "pd" else f"weakest ({gates})"
            endings[f"{name}: {'limit' if 'limit' in one else 'equal'}"] += 1
            layers[f"{name}: {one.get('layers', 'limit')}"] += 1
            if "layers" in one:
                sums.setdefault(name, []).append((one["layers"], one["channels"]))
    spread = {
        label: {
            "median": statistics.median(values),
            "p95": sorted(values)[int(0.95 * len(values))],
            "max": max(values),
        }
        for label, values in times.items()
    }
    return {
        "count": count,
        "endings": dict(sorted(endings.items())),
        "layers": dict(sorted(layers.items())),
        "mean": {
            name: {"layers": statistics.mean(a for a, _ in own), "channels": statistics.mean(b for _, b in own)}
            for name, own in sorted(sums.items())
        },
        "seconds": spread,
    }


def main() -> None:
    """Prints what it finds as it goes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    print(machine_line(machine()))
    record = {"machine": machine(), "languages": survey(), "random": sample(given.count)}
    print(json.dumps(record["random"], indent=1))
    if given.record:
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
