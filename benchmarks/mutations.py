"""Mutation of weights: how many single changes the two checks catch, and that the rest change nothing.

    python benchmarks/mutations.py [--groups] [--count N] [--record]

For every star-free grammar and mode (with --groups: every other grammar and mode, and each native target whose gates suffice), N models with one weight changed (by +1, by -1, in sign, or to zero; tensors chosen alike, then the entry).
A mutant is caught by soundness (`Weights.check`: the change breaks a property over all feature vectors), by exploration (a shortest word is
found on which it answers wrongly), or it is proved equivalent: then the change touches only combinations that no input reaches.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssmc.bench.machine import machine, machine_line
from ssmc.cascade import decompose
from ssmc.cascade.strategy import Options
from ssmc.errors import GateError, NotStarFreeError, VerificationError
from ssmc.languages import read_language, shipped_grammars
from ssmc.nn import Model
from ssmc.targets import Weights, lower
from ssmc.verify import Counterexample, explore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Mode

RECORDS = Path(__file__).parent / "records"
GATES = {"native-signed": "signed", "native-complex": "complex", "native-pd": "pd"}
"""The targets for languages that are not star-free, and their gates."""
MODES: tuple[Mode, ...] = ("recognise", "predict")


def mutants(weights: Weights, count: int, seed: int) -> Iterator[tuple[str, Weights]]:
    """Weights with one entry changed, and the name of its tensor."""
    rng = random.Random(seed)
    names = [name for name, tensor in weights.tensors.items() if tensor.numel()]
    made = 0
    while made < count:
        name = rng.choice(names)
        tensor = weights.tensors[name].clone()
        flat = tensor.view(-1)
        place = rng.randrange(len(flat))
        before = flat[place].item()
        flat[place] = rng.choice([before + 1, before - 1, -before, 0.0])
        if flat[place].item() != before:
            made += 1
            yield name, Weights(weights.config, {**weights.tensors, name: tensor}, weights.names, weights.axes)


def fate(mutant: Weights, automaton: Automaton) -> str:
    """What becomes of a mutant."""
    try:
        mutant.check()
    except VerificationError:
        return "soundness"
    found = explore(Model.of(mutant.config, mutant.tensors), automaton)
    return "exploration" if isinstance(found, Counterexample) else "equivalent"


def models(automaton: Automaton, *, groups: bool) -> Iterator[tuple[str, Mode, Weights]]:
    """The targets and modes in which a language is lowered, and the weights."""
    try:
        decompose(automaton)
        targets = {} if groups else {"native": "non-negative"}
    except NotStarFreeError:
        targets = GATES if groups else {}
    for target, gates in targets.items():
        for mode in MODES:
            with suppress(GateError):
                options = Options(gates=gates)  # type: ignore[arg-type]
                yield target, mode, lower(decompose(automaton, mode, options), target)  # type: ignore[misc]


def main() -> None:
    """Runs the measurement and prints a line for each grammar and mode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", action="store_true", help="the grammars that are not star-free")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = machine()
    print(machine_line(found), flush=True)
    rows: list[dict[str, Any]] = []
    for path in shipped_grammars():
        automaton = read_language(str(path)).automaton
        for target, mode, weights in models(automaton, groups=options.groups):
            fates: Counter[str] = Counter()
            survivors: Counter[str] = Counter()
            for name, mutant in mutants(weights, options.count, options.seed):
                end = fate(mutant, automaton)
                fates[end] += 1
                survivors[name] += end == "equivalent"
            row: dict[str, Any] = {"grammar": path.stem, **({"target": target} if options.groups else {}), "mode": mode}
            row["mutants"] = options.count
            row |= {key: fates[key] for key in ("soundness", "exploration", "equivalent")}
            rows.append({**row, "equivalent_in": dict(+survivors)})
            print(" ".join(f"{key}={value}" for key, value in rows[-1].items()), flush=True)
    total = {key: sum(row[key] for row in rows) for key in ("mutants", "soundness", "exploration", "equivalent")}
    print(f"{total}: {1 - total['equivalent'] / total['mutants']:.2%} caught, the others proved equivalent")
    if options.record:
        lines = ",\n".join("  " + json.dumps(row) for row in rows)
        RECORDS.mkdir(exist_ok=True)
        (RECORDS / f"mutations{'-groups' * options.groups}.json").write_text(
            f'{{"machine": {json.dumps(found)},\n "seed": {options.seed}, "total": {json.dumps(total)},\n "rows": [\n{lines}\n]}}\n'
        )
    sys.exit(not rows)


if __name__ == "__main__":
    main()
