"""Swaps, one-hot vectors and complex gates on a GPU: exactly what the CPU computes, how fast, and where rotations that round go wrong.

    python benchmarks/groups_gpu.py [--only maps|models|engines|drift]... [--inputs DIR] [--model NAME,TARGET,DTYPE]... [--length N] [--steps N]
                                    [--seconds N] [--small] [--record]
    python benchmarks/groups_gpu.py --prepare DIR [--model NAME,TARGET,DTYPE]... [--length N] [--small]

maps:    scans of random maps of n values on the GPU (n <= 16: nibbles of a word, composed by Triton; beyond: gathers) against those of the CPU.
models:  languages with groups, native-signed, native-pd and native-complex: N symbols through `forward`, every position against the automaton, and
         logits bit for bit those of the CPU; for exact targets all scan states too, bit for bit.
engines: the same symbols through `Model.run` by packed bits and by composed maps, every answer against the automaton; for models in float32 that
         are proved at every length, since for others only the network answers. Triton compiles a kernel for each layout, seconds a language.
drift:   as in groups_models.py, with the scan of the GPU.

--prepare writes, for every model, its file, its symbols and the CPU's answers (digests of logits and states) into a folder, which --inputs reads on
another machine: nothing is then compiled there. Without --inputs the folder is a temporary one, made first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from groups_models import PRACTICAL, measure_drift, problems

from ssmc.automaton import Automaton
from ssmc.bench.machine import machine, machine_line
from ssmc.compile import compile_language, write_model
from ssmc.kernels.map_scan import pack_maps, scan_maps, scan_words
from ssmc.languages import Language, language_of, read_language
from ssmc.nn import Model, load_model
from ssmc.verify import count_errors, live_walk, states_along

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RECORD = Path(__file__).parent / "records" / "groups_gpu.json"
MODELS = (
    ("tomita-6", "native-pd"),
    ("tomita-6", "native-complex"),
    ("S_3", "native-complex"),
    ("S_3", "native-pd"),
    ("A_4", "native-complex"),
    ("A_4", "native-pd"),
    ("S_4", "native-complex"),
    ("S_4", "native-pd"),
    ("A_5", "native-pd"),
    ("S_5", "native-pd"),
    ("T_3", "native-complex"),
    ("T_3", "native-pd"),
    ("T_4", "native-complex"),
    ("T_4", "native-pd"),
    ("base64", "native-complex"),
    ("base64", "native-pd"),
    ("aaaa", "native-complex"),
    ("aaaa", "native-pd"),
    ("tomita-3", "native-pd"),
    ("JSON string", "native-pd"),
    ("CSV record", "native-pd"),
    ("parity", "native-signed"),
    ("tomita-3", "native-signed"),
    ("tomita-5", "native-signed"),
    ("aaaa", "native-signed"),
    ("abab", "native-signed"),
    ("JSON string", "native-signed"),
    ("CSV record", "native-signed"),
    ("base64", "native-signed"),
)
PARTS = ("maps", "models", "engines", "drift")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def seconds_of(run: Callable[[], object], times: int = 5) -> float:
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
        block.register_forward_hook(lambda _module, _input, scanned, own=own: own.append(scanned.states[0].cpu()))
        for block, own in zip(model.blocks, states, strict=True)
    ]
    with torch.inference_mode():
        logits, _ = model(tokens)
    for hook in hooks:
        hook.remove()
    return logits[0].cpu(), [torch.cat(parts) for parts in states]


def digest(tensors: Sequence[torch.Tensor]) -> str:
    """SHA-256 over dtypes, shapes and bytes; -0 counts as 0, to which it is equal."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update((tensor + 0.0).contiguous().view(torch.uint8).numpy().data)
    return found.hexdigest()


def prepare(chosen: Sequence[tuple[str, str, str]], length: int, folder: Path) -> None:
    """Writes the models, their symbols and what the CPU answers, one entry of answers.json for each."""
    groups = problems()
    words: dict[str, list[int]] = {}
    rows = []
    for name, target, dtype in chosen:
        if name in PRACTICAL:
            language = language_of(PRACTICAL[name], name=name, syntax="python")
        else:
            language = Language(groups[name], name, "", "automaton") if name in groups else read_language(name)
        compiled = compile_language(language, target=target, dtype=dtype)
        automaton, proved = compiled.cascade.automaton, compiled.certificate.up_to
        symbols = min(length, proved or length)
        file = f"{name} {target} {dtype}.pt".replace(" ", "-")
        write_model(compiled, folder / file)
        if name not in words:
            words[name] = live_walk(automaton, length, random.Random(name))
            torch.save(torch.tensor(words[name], dtype=torch.uint8), folder / _tokens(name))
        word = words[name][:symbols]
        model = load_model(folder / file)
        logits, states = forward(model, torch.tensor([word]))
        rows.append(
            {
                "language": name,
                "target": target,
                "dtype": dtype,
                "file": file,
                "lengths": compiled.certificate.lengths,
                "proved_length": proved,
                "layers": compiled.weights.shape.layers,
                "channels": compiled.weights.shape.channels,
                "symbols": symbols,
                "cpu_errors": count_errors(model, automaton, states_along(automaton, word), logits),
                "logits": digest([logits]),
                "states": digest(states) if compiled.certificate.lengths == "all" else None,
                "states_compared": sum(part.numel() for part in states),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    (folder / "answers.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")


def open_input(folder: Path, row: dict[str, Any]) -> tuple[Model, Automaton, torch.Tensor]:
    """The model on the device, its automaton and its symbols (1, T) on the device."""
    model = load_model(folder / row["file"])
    if model.compiled is None:
        raise SystemExit(f"{row['file']} carries no automaton")
    tokens = torch.load(folder / _tokens(row["language"]), weights_only=True)[None, : row["symbols"]]
    return model.to(DEVICE), Automaton.from_json(dict(model.compiled.automaton)), tokens.to(DEVICE)


def _tokens(language: str) -> str:
    return f"{language.replace(' ', '-')}.tokens.pt"


def measure_model(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    """`forward` on the device against the automaton and the answers of the CPU."""
    model, automaton, tokens = open_input(folder, row)
    path = states_along(automaton, tokens[0].tolist())
    logits, states = forward(model, tokens)
    found = {key: value for key, value in row.items() if key not in ("file", "logits", "states")}
    found["errors"] = count_errors(model.cpu(), automaton, path, logits)
    found["logits_equal"] = digest([logits]) == row["logits"]
    found["states_equal"] = digest(states) == row["states"] if row["states"] else None
    model = model.to(DEVICE)
    with torch.inference_mode():
        found["forward_symbols_per_second"] = round(tokens.shape[1] / seconds_of(lambda: model(tokens), 3))
    return found


def measure_engines(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    """The engines of the fast path on the device against the automaton."""
    model, automaton, tokens = open_input(folder, row)
    found: dict[str, Any] = {key: row[key] for key in ("language", "target", "symbols")}
    path = states_along(automaton, tokens[0].tolist())
    wanted = torch.tensor([q in automaton.accepting for q in range(automaton.states)])[torch.from_numpy(path[1:])]
    for engine in ("bits", "maps"):
        answers = model.run(tokens, engine=engine).outputs[0]
        found[f"{engine}_errors"] = int((answers.cpu().bool() != wanted).sum())
        seconds = seconds_of(lambda engine=engine: model.run(tokens, engine=engine), 3)
        found[f"{engine}_symbols_per_second"] = round(tokens.shape[1] / seconds)
    return found


def is_bad(part: str, row: dict[str, Any]) -> bool:
    """Whether a row has anything wrong."""
    if part == "maps":
        return not row["equal"]
    if part == "models":
        return bool(row["errors"] or row["cpu_errors"] or not row["logits_equal"] or row["states_equal"] is False)
    if part == "engines":
        return bool(row["bits_errors"] or row["maps_errors"])
    return (row["first_error"] or row["proved_length"] + 1) <= row["proved_length"]


def measure(part: str, folder: Path | None, length: int, steps: int) -> Iterator[dict[str, Any]]:
    """The rows of one part."""
    if part == "maps":
        for size, rows in [(2, 1), (3, 1), (5, 64), (8, 1), (16, 1), (16, 64), (17, 1), (24, 4), (60, 1)]:
            yield measure_maps(size, rows, min(length, 16_000_000 // (size * rows)))
    elif part == "drift":
        for order in (3, 5, 6, 7, 9, 11, 16, 31, 64):
            yield measure_drift(order, steps, DEVICE)
    elif folder is not None:
        answers = json.loads((folder / "answers.json").read_text())
        for row in answers["rows"]:
            if part == "models":
                yield measure_model(folder, row) | {"cpu": machine_line(answers["machine"])}
            elif row["dtype"] == "float32" and row["lengths"] == "all":
                yield measure_engines(folder, row)


def main() -> None:
    """Runs the measurements and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--inputs", type=Path, metavar="DIR")
    parser.add_argument("--prepare", type=Path, metavar="DIR")
    parser.add_argument("--model", action="append", metavar="NAME,TARGET,DTYPE")
    parser.add_argument("--length", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=400_000_000)
    parser.add_argument("--seconds", type=float, help="no further row is begun after so many seconds")
    parser.add_argument("--small", action="store_true", help="a short run, to see that everything works")
    parser.add_argument(
        "--record", action="store_true", help=f"add to {RECORD.name}, whose rows of other inputs are kept"
    )
    options = parser.parse_args()
    started = time.monotonic()
    length, steps = (2_000, 300_000) if options.small else (options.length, options.steps)
    every = [(*model, dtype) for dtype in ("float32", "bfloat16") for model in MODELS]
    chosen = [tuple(model.split(",")) for model in options.model] if options.model else every
    found = machine()
    print(machine_line(found), flush=True)
    if options.prepare:
        options.prepare.mkdir(parents=True, exist_ok=True)
        prepare(chosen, length, options.prepare)
        return
    record: dict[str, Any] = {"machine": found} | {part: [] for part in PARTS}
    if options.record and RECORD.exists():
        record |= json.loads(RECORD.read_text()) | {"machine": found}
    parts = options.only or list(PARTS)
    bad = late = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.inputs
        if folder is None and {"models", "engines"} & set(parts):
            folder = Path(temporary)
            prepare(chosen, length, folder)
        for part in parts:
            names = {"maps": ("values", "rows"), "drift": ("values",)}.get(part, ("language", "target", "dtype"))
            rows = measure(part, folder, length, steps)
            while not (late := options.seconds is not None and time.monotonic() - started > options.seconds):
                row = next(rows, None)
                if row is None:
                    break
                row["seconds_since_start"] = round(time.monotonic() - started, 1)
                print(json.dumps({part: row}), flush=True)
                bad += is_bad(part, row)
                kept = [old for old in record[part] if any(old.get(name) != row.get(name) for name in names)]
                record[part] = [*kept, row]
                if options.record:
                    RECORD.write_text(json.dumps(record, indent=1) + "\n")
            if late:
                print(f"{part}: stopped after {options.seconds} seconds", flush=True)
    print(f"{bad} bad rows")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
