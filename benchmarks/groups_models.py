"""Languages with groups, compiled and proved: depths and gates, long words, random automata, and where rotations that round go wrong.

    python benchmarks/groups_models.py [--only models|random|drift] [--length N] [--count N] [--steps N] [--record]

models: every language and word problem below, for every native target whose gates suffice: layers, components, CPU time of compiling (proof
        included), and a random walk of N symbols through `forward` and through the engines of the fast path, every position compared with the
        automaton (a target that rounds gets no more symbols than it is proved for).
random: automata with 3 to 8 states over 2 or 3 letters, transitions drawn uniformly, compiled with `--target auto` and proved.
drift:  rotations of n values turned by one at every symbol, float32, through the scan of this machine: the length up to which they are proved, and
        the first position at which the nearest root of unity is the wrong one.
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

import torch

from ssmc.algebra.random_automata import random_automaton
from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.bench.machine import machine, machine_line
from ssmc.compile import compile_language
from ssmc.errors import GateError, LimitError, NotStarFreeError, SsmcError
from ssmc.kernels import scan
from ssmc.kernels.engine import Runner
from ssmc.kernels.saying import Machines
from ssmc.languages import Language, language_of, read_language
from ssmc.nn import Model
from ssmc.targets.fast import describe
from ssmc.targets.gates import points
from ssmc.targets.roots import RootErrors, root, safe_length
from ssmc.verify import count_errors, live_walk, states_along

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ssmc.compile import CompiledModel

RECORD = Path(__file__).parent / "records" / "groups_models.json"
TARGETS = ("native", "native-signed", "native-complex", "native-pd")

PAPER = ("parity", "aa-even", "tomita-5", "aaaa", "abab", "tomita-3", "tomita-6")
"""The languages that are not star-free of Sarrof, Veitsman and Hahn 2024, table of section 5, by grammar."""
PRACTICAL = {
    "JSON string": r'"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"',
    "CSV record": r'([^",\r\n]*|"([^"]|"")*")(,([^",\r\n]*|"([^"]|"")*"))*',
    "digit groups": r"[0-9]{1,3}(,[0-9]{3})*",
    "base64": r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    "even hex": r"([0-9a-fA-F]{2})*",
}
"""Expressions in the notation of Python's re."""


def word_problem(degree: int, generators: Sequence[tuple[int, ...]]) -> Automaton:
    """The words over generators of a permutation group whose product is the identity: states are the group's elements."""
    elements = [tuple(range(degree))]
    number = {elements[0]: 0}
    for element in elements:
        for generator in generators:
            product = tuple(generator[i] for i in element)
            if product not in number:
                number[product] = len(elements)
                elements.append(product)
    rows = [[number[tuple(g[i] for i in element)] for g in generators] for element in elements]
    return Automaton.from_table(Alphabet.tokens([f"g{i}" for i in range(len(generators))]), rows, 0, [0])


def action(degree: int, generators: Sequence[tuple[int, ...]]) -> Automaton:
    """The words over maps that take point 0 to itself: the transition monoid is the one that the maps generate."""
    rows = [[generator[point] for generator in generators] for point in range(degree)]
    return Automaton.from_table(Alphabet.tokens([f"g{i}" for i in range(len(generators))]), rows, 0, [0])


def exchange(degree: int) -> tuple[int, ...]:
    """(0 1)."""
    return (1, 0, *range(2, degree))


def cycle(degree: int) -> tuple[int, ...]:
    """(0 1 ... degree-1)."""
    return (*range(1, degree), 0)


def collapse(degree: int) -> tuple[int, ...]:
    """1 to 0, all else to itself."""
    return (0, 0, *range(2, degree))


def problems() -> dict[str, Automaton]:
    """Word problems of groups, and full transformation monoids on their points."""
    three = (1, 2, 0)
    return {
        "S_3": word_problem(3, [exchange(3), cycle(3)]),
        "A_4": word_problem(4, [(*three, 3), (0, 2, 3, 1)]),
        "S_4": word_problem(4, [exchange(4), cycle(4)]),
        "A_5": word_problem(5, [(*three, 3, 4), cycle(5)]),
        "S_5": word_problem(5, [exchange(5), cycle(5)]),
        "T_3": action(3, [exchange(3), cycle(3), collapse(3)]),
        "T_4": action(4, [exchange(4), cycle(4), collapse(4)]),
    }


def languages() -> Iterator[tuple[str, Language]]:
    """All of them, with the group of languages that each belongs to."""
    for name in PAPER:
        yield "paper", read_language(name)
    for name, expression in PRACTICAL.items():
        yield "practical", language_of(expression, name=name, syntax="python")
    for name, automaton in problems().items():
        yield "word problem", Language(automaton, name, "", "automaton")


def compiled_on(language: Language, target: str) -> tuple[CompiledModel, float] | None:
    """The proved model and the CPU seconds it took; None where the gates do not suffice, or groups are too large to tell (`LimitError`)."""
    start = time.process_time()
    try:
        compiled = compile_language(language, target=target)
    except (NotStarFreeError, GateError):
        return None
    except LimitError as error:
        print(f"{language.name}, {target}: {error}", flush=True)
        return None
    return compiled, time.process_time() - start


def walk(compiled: CompiledModel, length: int, seed: str) -> dict[str, Any]:
    """A long word through the network and every engine that takes it; errors at any position."""
    automaton, cascade, weights = compiled.cascade.automaton, compiled.cascade, compiled.weights
    length = min(length, compiled.certificate.up_to or length)
    word = live_walk(automaton, length, random.Random(seed))
    path = states_along(automaton, word)
    model = Model.of(weights.config, weights.tensors)
    start = time.process_time()
    with torch.inference_mode():
        logits, _ = model(torch.tensor([word]))
    row = {
        "symbols": length,
        "forward_errors": count_errors(model, automaton, path, logits[0]),
        "forward_symbols_per_cpu_second": round(length / (time.process_time() - start)),
    }
    accepting = torch.tensor([q in automaton.accepting for q in range(automaton.states)])
    wanted = accepting[torch.from_numpy(path[1:])]
    runner = Runner(Machines(describe(automaton, cascade)))
    tokens = torch.tensor([word], dtype=torch.uint8)
    for engine in ("walk", "bits", *(("maps",) if automaton.states <= 16 else ())):
        answers = runner.run(tokens, engine=engine, said="accept").outputs[0]
        row[f"{engine}_errors"] = int((answers.bool() != wanted).sum())
    return row


def measure_models(length: int) -> Iterator[dict[str, Any]]:
    """A row for each language and target."""
    for group, language in languages():
        for target in TARGETS:
            found = compiled_on(language, target)
            if found is None:
                continue
            compiled, seconds = found
            data = compiled.to_json()
            kinds = Counter(f"{part['kind']}({part['states']})" for part in data["components"])
            yield {
                "group": group,
                "language": language.name,
                "states": data["model_states"],
                "target": target,
                "layers": data["layers"],
                "channels": data["channels"],
                "units": data["hidden_units"],
                "components": ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
                "proof": data["proof"]["proof"],
                "product_states": data["proof"]["product_states"],
                "lengths": data["proof"]["lengths"],
                "cpu_seconds": round(seconds, 3),
                **walk(compiled, length, f"{language.name} {target}"),
            }


def measure_random(count: int, seed: int) -> dict[str, Any]:
    """Random automata with `--target auto`."""
    rng = random.Random(seed)
    seconds: list[float] = []
    chosen: Counter[str] = Counter()
    failures: list[str] = []
    for i in range(count):
        automaton = random_automaton(rng, rng.randint(3, 8), rng.randint(2, 3))
        language = Language(automaton, f"random {i}", "", "automaton")
        start = time.process_time()
        try:
            compiled = compile_language(language, target="auto")
        except SsmcError as error:
            failures.append(f"{i}: {type(error).__name__}: {error}")
            continue
        seconds.append(time.process_time() - start)
        chosen[compiled.weights.config["architecture"]] += 1
    seconds.sort()
    return {
        "automata": count,
        "seed": seed,
        "proved": len(seconds),
        "failures": failures,
        "targets": dict(sorted(chosen.items())),
        "cpu_seconds": {
            "median": round(statistics.median(seconds), 4),
            "p90": round(seconds[int(0.9 * len(seconds))], 4),
            "largest": round(seconds[-1], 3),
        },
    }


def measure_drift(order: int, steps: int, device: str) -> dict[str, Any]:
    """A rotation turned by one `steps` times, in stretches of a scan: the first position read wrong, if there is one."""
    numbers = points(order)
    apart = max(abs(complex(*point) - root(value, order)) for value, point in enumerate(numbers))
    table = torch.tensor([complex(*point) for point in numbers], dtype=torch.complex64, device=device)
    stretch = 1 << (18 if device == "cpu" else 24)
    gates = table[1].expand(1, stretch, 1).contiguous()
    increments = torch.zeros_like(gates)
    state = table[:1, None].clone()
    first, done = None, 0
    while first is None and done < steps:
        states, state = scan(gates, increments, state)
        near = (states[0].real * table.real + states[0].imag * table.imag).argmax(-1)
        wanted = (torch.arange(1, stretch + 1, device=device) + done) % order
        wrong = (near != wanted).nonzero()
        first = done + 1 + int(wrong[0]) if len(wrong) else None
        done += stretch
    return {
        "values": order,
        "proved_length": safe_length(RootErrors(order, apart, apart)),
        "symbols": done,
        "first_error": first,
    }


def main() -> None:
    """Runs the measurements and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["models", "random", "drift"])
    parser.add_argument("--length", type=int, default=1_000_000)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=40_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = machine()
    print(machine_line(found), flush=True)
    wanted = [options.only] if options.only else ["models", "random", "drift"]
    record: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    bad = False
    if "models" in wanted:
        rows = []
        for row in measure_models(options.length):
            rows.append(row)
            print(" ".join(f"{key}={value}" for key, value in row.items()), flush=True)
        bad |= any(value for row in rows for key, value in row.items() if key.endswith("_errors"))
        record["models"] = {"machine": found, "rows": rows}
    if "random" in wanted:
        drawn = measure_random(options.count, options.seed)
        print(json.dumps(drawn), flush=True)
        bad |= bool(drawn["failures"])
        record["random"] = {"machine": found, **drawn}
    if "drift" in wanted:
        rows = []
        for order in (3, 5, 6, 7, 9, 11, 16, 31, 64):
            rows.append(measure_drift(order, options.steps, "cpu"))
            print(json.dumps(rows[-1]), flush=True)
        bad |= any(row["first_error"] is not None and row["first_error"] <= row["proved_length"] for row in rows)
        record["drift"] = {"machine": found, "rows": rows}
    if options.record:
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(bad)


if __name__ == "__main__":
    main()
