"""Depth and time over random corpora of subregular languages and of partially ordered automata, and of three named languages.

    python benchmarks/depth_corpus.py [--count N] [--ordered N] [--seed S] [--record]

The subregular languages (strictly local, locally (threshold) testable, piecewise testable, tier-based, mixed) are Boolean combinations of 'contains this factor (t times)' and 'contains this subsequence' for random words, some on a tier of
the letters, over 4, 16 or 64 letters, with 3 to 100 states. A partially ordered automaton has transitions that never go down, drawn evenly from the
states above or from the next four, over 2 to 4 letters. Predict and recognise mode in turn; default effort and window. *Height* is that of the
holonomy decomposition of the trimmed automaton without contexts; in recognise mode a cascade may be one layer deeper, which tells that a transition was
undefined. Seconds are processor time on one thread for `decompose`, the interpreter's proof,
lowering and the proof of the model together.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssmc.algebra.random_automata import random_ordered
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.bench.machine import machine, machine_line
from ssmc.cascade import check_cascade, decompose
from ssmc.cascade.base import make_base
from ssmc.cascade.holonomy import find_holonomy
from ssmc.cascade.system import System
from ssmc.errors import LimitError, SsmcError
from ssmc.languages import language_of
from ssmc.nn import Model
from ssmc.targets import lower
from ssmc.verify import prove

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    Machine = tuple[Hashable, Callable[[Hashable, int], Hashable], Callable[[Hashable], bool]]
    """Initial state, step, acceptance."""

RECORD = Path(__file__).parent / "records" / "depth_corpus.json"
CLASSES = ("SL", "coSL", "TSL", "SP", "coSP", "LT", "TLT", "LTT", "TLTT", "PT", "PLT", "SF")
LIMIT = 5_000


def contains_factor(word: list[int], tier: set[int] | None, times: int) -> Machine:
    """Strings with at least `times` (overlapping) occurrences of a factor, letters off the tier skipped."""

    def step(state: Hashable, x: int) -> Hashable:
        seen, matched = state
        if seen == times or (tier is not None and x not in tier):
            return state
        text = [*word[:matched], x]
        longest = next(n for n in range(min(len(word), len(text)), -1, -1) if word[:n] == text[len(text) - n :])
        if longest == len(word):
            seen += 1
            longest = next(n for n in range(len(word) - 1, -1, -1) if word[:n] == text[len(text) - n :])
        return (seen, 0 if seen == times else longest)

    return (0, 0), step, lambda state: state[0] == times


def contains_subsequence(word: list[int]) -> Machine:
    """Strings with the word as a scattered subsequence."""
    return 0, lambda n, x: n + 1 if n < len(word) and word[n] == x else n, lambda n: n == len(word)


def build(machines: list[Machine], accept: Callable[[tuple[bool, ...]], bool], letters: int) -> Automaton | None:
    """The minimal automaton of a Boolean combination, or None if the product is too large."""
    start = tuple(initial for initial, _, _ in machines)
    number = {start: 0}
    order = [start]
    rows = []
    for states in order:
        row = []
        for x in range(letters):
            after = tuple(step(state, x) for (_, step, _), state in zip(machines, states, strict=True))
            if number.setdefault(after, len(number)) == len(order):
                order.append(after)
            row.append(number[after])
        rows.append(row)
        if len(order) > LIMIT:
            return None
    final = [
        i
        for i, states in enumerate(order)
        if accept(tuple(test(state) for (_, _, test), state in zip(machines, states, strict=True)))
    ]
    return Automaton.from_table(Alphabet.tokens([f"s{i}" for i in range(letters)]), rows, 0, final)


def draw(rng: random.Random) -> tuple[str, Automaton]:
    """A random language of a random class."""
    while True:
        letters, kind = rng.choice([4, 16, 64]), rng.choice(CLASSES)
        length = rng.choice([2, 3, 4] if "LTT" in kind else [2, 4, 6])
        tier = set(rng.sample(range(letters), rng.choice([letters // 2, letters * 3 // 4]))) if kind[0] == "T" else None
        usable = sorted(tier) if tier else list(range(letters))
        count = rng.choice([1, 1, 2, 3, 4, 5]) if "S" in kind and kind != "SF" else rng.randint(2, 4)
        machines = []
        for _ in range(count):
            word = [rng.choice(usable) for _ in range(3 if kind == "SF" else length)]
            scattered = kind in ("SP", "coSP", "PT") or (kind in ("PLT", "SF") and rng.random() < 0.5)
            times = rng.choice([2, 3]) if "LTT" in kind else 1
            machines.append(contains_subsequence(word) if scattered else contains_factor(word, tier, times))
        if kind in ("SL", "TSL", "SP"):
            accept: Callable[[tuple[bool, ...]], bool] = lambda found: not any(found)  # noqa: E731
        elif kind in ("coSL", "coSP"):
            accept = any
        else:
            table = {found: rng.random() < 0.5 for found in product((False, True), repeat=count)}
            accept = table.__getitem__
        automaton = build(machines, accept, letters)
        if automaton is not None and 3 <= automaton.states <= 100:
            return f"{kind}-{length}-{letters}", automaton


def measure(automaton: Automaton, mode: str) -> dict[str, object]:
    """Height, layers, size and time of one language, or the error."""
    system = System.of(automaton)
    base = make_base(system, automaton.alphabet, limit=1_000_000)
    row: dict[str, object] = {"states": automaton.states, "classes": automaton.classes, "mode": mode}
    with suppress(LimitError):
        row["height"] = find_holonomy(system, base.contexts).height
    begin = time.process_time()
    try:
        cascade = decompose(automaton, mode)
        check_cascade(cascade)
        weights = lower(cascade)
        certificate = prove(Model.of(weights.config, weights.tensors), automaton, cascade)
    except SsmcError as error:
        row["error"] = f"{type(error).__name__}: {error}"
    else:
        row |= {
            "layers": cascade.depth,
            "product_states": certificate.product_states,
            "components": len(cascade.components),
        }
    row["seconds"] = round(time.process_time() - begin, 3)
    return row


def draw_ordered(rng: random.Random) -> tuple[str, Automaton]:
    """A random partially ordered automaton of 10 to 20 states."""
    while True:
        states, letters = rng.randint(10, 22), rng.randint(2, 4)
        if rng.random() < 0.5:
            automaton = random_ordered(rng, states, letters)
        else:
            rows = [
                [rng.randrange(q, states) if rng.random() < 0.8 else DEAD for _ in range(letters)]
                for q in range(states)
            ]
            final = [q for q in range(states) if rng.random() < 0.4]
            automaton = Automaton.from_table(Alphabet.tokens([f"s{i}" for i in range(letters)]), rows, 0, final)
        if 10 <= automaton.states <= 20:
            return f"ordered-{letters}", automaton


def named() -> Iterator[tuple[str, Automaton]]:
    """Languages that a holonomy decomposition takes long for."""
    for expression in ("a{30}.*b", ".*a{50}.*"):
        yield expression, language_of(f"(?s){expression}", alphabet="bytes").automaton
    rows = [[q + 1 if q < 20 else DEAD, q - 1 if q else DEAD] for q in range(21)]
    yield "Dyck(1,20)", Automaton.from_table(Alphabet.tokens(["(", ")"]), rows, 0, [0])


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Depth against height, and the distribution of the seconds."""
    done = [row for row in rows if "error" not in row]
    failed = len(rows) - len(done)
    # of a few the height is beyond the limits of the holonomy
    done = [row for row in done if "height" in row]
    seconds = sorted(row["seconds"] for row in rows)
    return {
        "count": len(rows),
        "failed": failed,
        "with_height": len(done),
        "deeper_than_height": sum(row["layers"] > row["height"] + (row["mode"] == "recognise") for row in done),
        "layers_over_height": round(sum(row["layers"] for row in done) / sum(row["height"] for row in done), 3),
        "mean_ratio": round(statistics.mean(row["layers"] / row["height"] for row in done), 3),
        "mean_ratio_predict": round(
            statistics.mean(row["layers"] / row["height"] for row in done if row["mode"] == "predict"), 3
        ),
        "seconds_median": statistics.median(seconds),
        "seconds_95th": seconds[int(0.95 * len(seconds))],
        "seconds_worst": seconds[-1],
        "beyond_2_seconds": sum(second > 2 for second in seconds),
        "beyond_10_seconds": sum(second > 10 for second in seconds),
    }


def main() -> None:
    """Measures and prints; one JSON line a language, then a summary for each corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150, help="languages of the subregular classes")
    parser.add_argument("--ordered", type=int, default=60, help="partially ordered automata")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    options = parser.parse_args()

    import torch

    torch.set_num_threads(1)
    found = machine()
    print(machine_line(found))
    corpora: dict[str, Any] = {"named": list(named())}
    for corpus, count, source in (("subregular", options.count, draw), ("ordered", options.ordered, draw_ordered)):
        rng = random.Random(options.seed)
        corpora[corpus] = [source(rng) for _ in range(count)]
    record: dict[str, Any] = {"machine": found, "seed": options.seed, "summary": {}, "rows": {}}
    measure(corpora["named"][2][1], "predict")  # the first proof loads what later ones use
    for corpus, languages in corpora.items():
        rows = []
        for i, (name, automaton) in enumerate(languages):
            rows.append({"name": name, **measure(automaton, ("predict", "recognise")[i % 2])})
            print(json.dumps(rows[-1]), flush=True)
        if rows:
            record["summary"][corpus], record["rows"][corpus] = summarise(rows), rows
            print(json.dumps({corpus: record["summary"][corpus]}), flush=True)
    if options.record:
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
