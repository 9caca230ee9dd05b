"""Stock models on a GPU: every logit at every position of long inputs, by transformers' own forward and by the libraries' kernels.

    python benchmarks/targets_gpu.py FOLDER... [--length N] [--dtype DTYPE]... [--seconds N] [--noise] [--out FILE]

FOLDER is the folder of a stock model, loaded by name through `AutoModelForCausalLM`. The input is a random walk over live states in predict mode
(as long as the language allows), random symbols in recognise mode, behind a start token. Counted are the positions at which any logit is not bitwise what
the language asks for. Which kernels ran follows from what is importable: with `mamba_ssm` and `causal_conv1d` transformers uses theirs. `--noise`
multiplies every weight by an independent 1 +- 1% and counts the logits of the wrong sign. `--out` appends the rows as JSON lines; `--collect`
makes the record of such files.
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

from ssmc.automaton import Automaton
from ssmc.bench.machine import machine, machine_line
from ssmc.errors import InputError
from ssmc.targets.folder import StockFile, read_stock
from ssmc.verify.agreement import live_walk, states_along
from ssmc.verify.recurrent import load_stock
from ssmc.verify.stock import expected_logits

if TYPE_CHECKING:
    import numpy as np

RECORD = Path(__file__).parent / "records" / "targets_gpu.json"
CHUNK = 1 << 14


def word_of(automaton: Automaton, mode: str, length: int, seed: str) -> list[int]:
    """A long input; of a finite language in predict mode none."""
    rng = random.Random(seed)
    if mode == "recognise":
        return [rng.randrange(automaton.alphabet.size) for _ in range(length)]
    try:
        return live_walk(automaton, length, rng)
    except InputError:
        return []


def kernels() -> list[str]:
    """The optimised kernels that are loaded."""
    names = ("selective_scan_cuda", "causal_conv1d_cuda", "mamba_ssm.ops.triton.ssd_combined", "fla")
    return [name for name in names if name in sys.modules]


def compare(file: StockFile, logits: torch.Tensor, states: np.ndarray, dtype: torch.dtype) -> dict[str, Any]:
    """Positions with a wrong logit, wrong signs, and the largest difference, of logits (T, tokens)."""
    automaton = Automaton.from_json(dict(file.automaton))
    table = torch.from_numpy(expected_logits(automaton, file.tokens)).to(dtype).to(logits.device)
    after = torch.from_numpy(states).to(logits.device)
    wrong = signs = 0
    furthest = 0.0
    for first in range(0, len(logits), CHUNK):
        part = slice(first, first + CHUNK)
        wanted, got = table[after[part]], logits[part]
        wrong += int((got != wanted).any(-1).sum())
        signs += int(((got > 0) != (wanted > 0)).any(-1).sum())
        furthest = max(furthest, float((got.float() - wanted.float()).abs().max()))
    return {"wrong_positions": wrong, "wrong_signs": signs, "largest_difference": furthest}


def measure(folder: Path, dtype: str, length: int, device: str, noise: bool) -> dict[str, Any]:
    """One run of one model."""
    file = read_stock(folder)
    automaton = Automaton.from_json(dict(file.automaton))
    model = load_stock(str(folder), dtype).to(device)
    if noise:
        generator = torch.Generator(device=device).manual_seed(1)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1 + 0.01 * (2 * torch.rand(weight.shape, generator=generator, device=device) - 1))
    word = word_of(automaton, file.tokens.mode, length, folder.name)
    tokens = torch.tensor([[file.tokens.id("bos"), *word]], device=device)
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    with torch.inference_mode():
        logits = model(tokens, use_cache=False).logits[0]
    if device == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    found = compare(file, logits, states_along(automaton, word), getattr(torch, dtype))
    return {
        "model": folder.name,
        "class": type(model).__name__,
        "mode": file.tokens.mode,
        "dtype": dtype,
        "noise": 0.01 if noise else 0.0,
        "blocks": file.shape["blocks"],
        "width": file.config["hidden_size"],
        "kernels": kernels(),
        "symbols": len(word),
        "seconds": round(seconds, 3),
        **found,
    }


def collect(parts: list[Path]) -> None:
    """Makes the record of files of rows."""
    rows = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    head = next(row for row in rows if "machine" in row)
    lines = ",\n".join("  " + json.dumps(row) for row in rows if "model" in row)
    RECORD.write_text(f'{{"machine": {json.dumps(head["machine"])},\n "versions": {json.dumps(head["versions"])},\n "rows": [\n{lines}\n]}}\n')  # fmt: skip


def main() -> None:
    """Runs the folders in order until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--length", type=int, default=1 << 16)
    parser.add_argument("--dtype", action="append", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--noise", action="store_true")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--collect", nargs="*", type=Path)
    options = parser.parse_args()
    if options.collect:
        collect(options.collect)
        return
    import transformers

    out = options.out.open("a") if options.out else None
    found = machine()
    print(machine_line(found), flush=True)
    if out:
        out.write(json.dumps({"machine": found, "versions": {"transformers": transformers.__version__}}) + "\n")
    start, bad, runs = time.monotonic(), 0, 0
    for folder in options.folders:
        for dtype in options.dtype or ["float32"]:
            if time.monotonic() - start > options.seconds:
                print(f"time is over before {folder.name} {dtype}", flush=True)
                continue
            try:
                row = measure(folder, dtype, options.length, options.device, options.noise)
            except (RuntimeError, torch.OutOfMemoryError) as error:
                text = " ".join(str(error).split())[:200]
                row = {"model": folder.name, "dtype": dtype, "error": f"{type(error).__name__}: {text}"}
                if options.device == "cuda":
                    torch.cuda.empty_cache()
            runs += 1
            bad += bool(row.get("wrong_positions", 1)) and not options.noise
            print(" ".join(f"{key}={value}" for key, value in row.items()), flush=True)
            if out:
                out.write(json.dumps(row) + "\n")
                out.flush()
    print(f"{runs} runs, {bad} with a wrong logit or an error")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
