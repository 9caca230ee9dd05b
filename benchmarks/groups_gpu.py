"""Swaps, one-hot vectors and complex gates on a GPU: exactly what the CPU computes, how fast, and where rotations that round go wrong.

    python benchmarks/groups_gpu.py [--only maps|models|drift] [--model NAME,TARGET,DTYPE]... [--no-engines] [--length N] [--steps N] [--small]
                                    [--record]

maps:   scans of random maps of n values on the GPU (n <= 16: nibbles of a word, composed by Triton; beyond: gathers) against those of the CPU.
models: languages with groups, native-signed, native-pd and native-complex, float32 and bfloat16: N symbols through `forward` on both devices, every
        position against the automaton, logits bit for bit, and for exact targets all scan states bit for bit; the engines of the fast path on
        the same symbols against the automaton (Triton compiles a kernel for each layout, seconds a language: --no-engines leaves them out).
drift:  as in groups_models.py, with the scan of the GPU.
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
from groups_models import measure_drift, problems

from ssmc.bench.machine import machine, machine_line
from ssmc.compile import compile_language
from ssmc.kernels.engine import Runner
from ssmc.kernels.map_scan import pack_maps, scan_maps, scan_words
from ssmc.kernels.saying import Machines
from ssmc.languages import Language, read_language
from ssmc.nn import Model
from ssmc.targets.fast import describe
from ssmc.verify import count_errors, live_walk, states_along

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RECORD = Path(__file__).parent / "records" / "groups_gpu.json"
MODELS = (
    ("parity", "native-signed"),
    ("tomita-5", "native-signed"),
    ("aaaa", "native-signed"),
    ("abab", "native-signed"),
    ("tomita-3", "native-signed"),
    ("tomita-3", "native-pd"),
    ("aaaa", "native-complex"),
    ("tomita-6", "native-pd"),
    ("tomita-6", "native-complex"),
    ("S_3", "native-complex"),
    ("S_4", "native-complex"),
    ("S_4", "native-pd"),
    ("A_5", "native-pd"),
    ("T_4", "native-pd"),
)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def seconds_of(run: Any, times: int = 5) -> float:
    """The median of the seconds of some runs, after one that is not counted."""
    found = []
    for i in range(times + 1):
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        found += [time.perf_counter() - start] if i else []
    return sorted(found)[times // 2]


def measure_maps(size: int, rows: int, steps: int) -> dict[str, Any]:
    """Random maps on both devices."""
    generator = torch.Generator().manual_seed(size)
    maps = torch.randint(size, (rows, steps, size), generator=generator)
    # mostly permutations, so that values are not forgotten at once
    turned = torch.rand(rows, steps, size, generator=generator).argsort(-1)
    maps = torch.where(torch.rand(rows, steps, 1, generator=generator) < 1e-4, maps, turned)
    initial = torch.randint(size, (rows,), generator=generator)
    before, final = scan_maps(maps, initial)
    device_maps, device_initial = maps.to(DEVICE), initial.to(DEVICE)
    got, last = scan_maps(device_maps, device_initial)
    row = {
        "values": size,
        "rows": rows,
        "steps": steps,
        "equal": torch.equal(got.cpu(), before) and torch.equal(last.cpu(), final),
        "seconds": seconds_of(lambda: scan_maps(device_maps, device_initial)),
    }
    if size <= 16 and DEVICE == "cuda":
        words = pack_maps(device_maps)
        row["seconds_packed"] = seconds_of(lambda: scan_words(words, device_initial))
    return row


def forward(model: Model, tokens: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits (T, O) and the states of each block before each symbol, on the CPU."""
    states: list[list[torch.Tensor]] = [[] for _ in model.blocks]
    hooks = [
        block.register_forward_hook(lambda _module, _input, scanned, own=own: own.append(scanned.states[0]))
        for block, own in zip(model.blocks, states, strict=True)
    ]
    with torch.inference_mode():
        logits, _ = model(tokens)
    for hook in hooks:
        hook.remove()
    return logits[0].cpu(), [torch.cat(parts).cpu() for parts in states]


def measure_models(chosen: Sequence[tuple[str, str, str]], length: int, *, engines: bool) -> Iterator[dict[str, Any]]:
    """A row for each language, target and dtype."""
    groups = problems()
    words: dict[str, list[int]] = {}
    for name, target, dtype in chosen:
        language = Language(groups[name], name, "", "automaton") if name in groups else read_language(name)
        compiled = compile_language(language, target=target, dtype=dtype)
        automaton, weights = compiled.cascade.automaton, compiled.weights
        symbols = min(length, compiled.certificate.up_to or length)
        if len(words.get(name, ())) != symbols:
            words[name] = live_walk(automaton, symbols, random.Random(name))
        word = words[name]
        path = states_along(automaton, word)
        tokens = torch.tensor([word])
        here, states = forward(Model.of(weights.config, weights.tensors), tokens)
        model = Model.of(weights.config, weights.tensors).to(DEVICE)
        there, device_states = forward(model, tokens.to(DEVICE))
        row: dict[str, Any] = {
            "language": name,
            "target": target,
            "dtype": dtype,
            "lengths": compiled.certificate.lengths,
            "symbols": symbols,
            "errors": count_errors(model.cpu(), automaton, path, there),
            "logits_equal": torch.equal(here, there),
            "states_equal": all(torch.equal(a, b) for a, b in zip(states, device_states, strict=True)),
            "states_compared": sum(part.numel() for part in states),
        }
        model = model.to(DEVICE)
        device_tokens = tokens.to(DEVICE)
        with torch.inference_mode():
            row["forward_symbols_per_second"] = round(symbols / seconds_of(lambda m=model, t=device_tokens: m(t), 3))
        if engines and dtype == "float32":
            row |= fast(compiled.cascade, word, path)
        yield row


def fast(cascade: Any, word: list[int], path: Any) -> dict[str, Any]:
    """The engines of the fast path on the same symbols."""
    automaton = cascade.automaton
    accepting = torch.tensor([q in automaton.accepting for q in range(automaton.states)])
    wanted = accepting[torch.from_numpy(path[1:])]
    runner = Runner(Machines(describe(automaton, cascade)))
    tokens = torch.tensor([word], dtype=torch.uint8, device=DEVICE)
    row: dict[str, Any] = {}
    for engine in ("bits", "maps"):
        answers = runner.run(tokens, engine=engine, said="accept").outputs[0]
        row[f"{engine}_errors"] = int((answers.cpu().bool() != wanted).sum())
        seconds = seconds_of(lambda e=engine: runner.run(tokens, engine=e, said="accept"))
        row[f"{engine}_symbols_per_second"] = round(len(word) / seconds)
    return row


def main() -> None:
    """Runs the measurements and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["maps", "models", "drift"])
    parser.add_argument("--model", action="append", metavar="NAME,TARGET,DTYPE")
    parser.add_argument("--no-engines", action="store_true")
    parser.add_argument("--length", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=400_000_000)
    parser.add_argument("--small", action="store_true", help="a short run, to see that everything works")
    parser.add_argument(
        "--record", action="store_true", help=f"add to {RECORD.name}, whose rows of other inputs are kept"
    )
    options = parser.parse_args()
    length, steps = (2_000, 300_000) if options.small else (options.length, options.steps)
    found = machine()
    print(machine_line(found), flush=True)
    record: dict[str, Any] = {"machine": found, "maps": [], "models": [], "drift": []}
    if options.record and RECORD.exists():
        record = json.loads(RECORD.read_text()) | {"machine": found}
    wanted = [options.only] if options.only else ["maps", "models", "drift"]

    def keep(part: str, row: dict[str, Any], *names: str) -> None:
        """Replaces the row of the same input, and writes what there is so far."""
        print(json.dumps(row), flush=True)
        record[part] = [old for old in record[part] if any(old[name] != row[name] for name in names)] + [row]
        if options.record:
            RECORD.write_text(json.dumps(record, indent=1) + "\n")

    if "maps" in wanted:
        for size, rows in [(2, 1), (3, 1), (5, 64), (8, 1), (16, 1), (16, 64), (17, 1), (24, 4), (60, 1)]:
            keep("maps", measure_maps(size, rows, min(length, 16_000_000 // (size * rows))), "values", "rows")
    if "models" in wanted:
        every = [(*model, dtype) for model in MODELS for dtype in ("float32", "bfloat16")]
        chosen = [tuple(model.split(",")) for model in options.model] if options.model else every
        for row in measure_models(chosen, length, engines=not options.no_engines):
            keep("models", row, "language", "target", "dtype")
    if "drift" in wanted:
        for order in (3, 5, 6, 7, 9, 11, 16, 31, 64):
            keep("drift", measure_drift(order, steps, DEVICE), "values")
    bad = [row for row in record["maps"] if not row["equal"]]
    for row in record["models"]:
        exact = row["lengths"] == "all"
        wrong = row["errors"] or not row["logits_equal"] or (exact and not row["states_equal"])
        bad += [row] if wrong or row.get("bits_errors") or row.get("maps_errors") else []
    bad += [row for row in record["drift"] if (row["first_error"] or row["proved_length"] + 1) <= row["proved_length"]]
    print(f"{len(bad)} bad rows")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
