"""Length generalisation: long words through `forward`, every position compared with the automaton.

    python benchmarks/length.py [--length N] [--device cpu|cuda] [--grammar NAME]... [--record]

For every star-free grammar, mode and dtype: in predict mode a random walk over live states; in recognise mode such a walk, and one with a single
random error at a random place in its second half and random symbols after it (a language without illegal symbols has none). The count is
of positions at which any logit is not exactly +-128 as the language asks for. With --device cuda the scan states of every block, computed
by the Triton kernel, are also compared bit for bit with those of the CPU, at every position up to the first error.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssmc.automaton import DEAD
from ssmc.bench.machine import machine, machine_line
from ssmc.cascade import decompose
from ssmc.errors import NotStarFreeError
from ssmc.languages import read_language, shipped_grammars
from ssmc.nn import Model
from ssmc.targets import DTYPES, lower
from ssmc.verify import count_errors, live_walk, prove, states_along, with_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Mode

RECORD = Path(__file__).parent / "records"
MODES: tuple[Mode, ...] = ("recognise", "predict")


def words(automaton: Automaton, mode: str, length: int, seed: str) -> dict[str, list[int]]:
    """The inputs of a language and mode, by kind."""
    rng = random.Random(seed)
    walk = live_walk(automaton, length, rng)
    if mode == "predict":
        return {"walk": walk}
    wrong = with_error(automaton, walk, rng)
    return {"walk": walk} if wrong is None else {"walk": walk, "error": wrong}


def run(model: Model, word: list[int], device: str) -> tuple[torch.Tensor, list[torch.Tensor], float]:
    """Logits (T, O), the states of each block before each symbol (T, D) on the CPU, and the seconds of `forward`."""
    model = model.to(device)
    states: list[list[torch.Tensor]] = [[] for _ in model.blocks]
    hooks = [
        block.register_forward_hook(lambda _module, _input, scanned, own=own: own.append(scanned.states[0]))
        for block, own in zip(model.blocks, states, strict=True)
    ]
    tokens = torch.tensor([word], device=device)
    start = time.perf_counter()
    with torch.inference_mode():
        logits, _ = model(tokens)
    if device == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    for hook in hooks:
        hook.remove()
    return logits[0], [torch.cat(parts).cpu() for parts in states], seconds


def measure(automaton: Automaton, mode: Mode, length: int, device: str, seed: str) -> Iterator[dict[str, Any]]:
    """One row for each dtype and input."""
    cascade = decompose(automaton, mode)
    inputs = {
        kind: (word, states_along(automaton, word)) for kind, word in words(automaton, mode, length, seed).items()
    }
    for dtype in DTYPES:
        weights = lower(cascade, dtype=dtype)
        proof = prove(Model.of(weights.config, weights.tensors), automaton, cascade)
        for kind, (word, path) in inputs.items():
            model = Model.of(weights.config, weights.tensors)
            logits, states, seconds = run(model, word, device)
            row: dict[str, Any] = {"mode": mode, "dtype": dtype, "input": kind, "symbols": len(word)}
            row["live"] = int((path[:-1] != DEAD).sum())
            row["errors"] = count_errors(model, automaton, path, logits)
            row["proof"] = proof.proof
            row["tokens_per_second"] = round(len(word) / seconds)
            if device == "cuda":
                there, here, _ = run(Model.of(weights.config, weights.tensors), word, "cpu")
                live = [(a[: row["live"]], b[: row["live"]]) for a, b in zip(states, here, strict=True)]
                row["logits_equal_cpu"] = torch.equal(there, logits.cpu())
                row["states_equal_cpu"] = all(torch.equal(a, b) for a, b in live)
                row["states_compared"] = sum(a.numel() for a, _ in live)
            yield row


def main() -> None:
    """Runs the measurement and prints a line for each input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=1_000_000)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--grammar", action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--record", action="store_true", help="write benchmarks/records/length.json (length-cuda.json)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = machine()
    print(machine_line(found), flush=True)
    rows: list[dict[str, Any]] = []
    for path in shipped_grammars():
        if options.grammar and path.stem not in options.grammar:
            continue
        automaton = read_language(str(path)).automaton
        for mode in MODES:
            try:
                for row in measure(
                    automaton, mode, options.length, options.device, f"{options.seed} {path.stem} {mode}"
                ):
                    rows.append({"grammar": path.stem, **row})
                    print(" ".join(f"{key}={value}" for key, value in rows[-1].items()), flush=True)
            except NotStarFreeError:
                break
    bad = [
        row
        for row in rows
        if row["errors"] or not row.get("states_equal_cpu", True) or not row.get("logits_equal_cpu", True)
    ]
    total = sum(row["symbols"] for row in rows)
    print(f"{len(rows)} inputs, {total:,} symbols, {sum(row['errors'] for row in rows)} errors, {len(bad)} bad rows")
    if options.record:
        name = "length.json" if options.device == "cpu" else "length-cuda.json"
        lines = ",\n".join("  " + json.dumps(row) for row in rows)
        RECORD.mkdir(exist_ok=True)
        (RECORD / name).write_text(
            f'{{"machine": {json.dumps(found)},\n "device": "{options.device}", "seed": {options.seed},\n "rows": [\n{lines}\n]}}\n'
        )
    sys.exit(bool(bad) or not rows)


if __name__ == "__main__":
    main()
