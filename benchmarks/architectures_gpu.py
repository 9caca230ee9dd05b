"""The classes of flash-linear-attention, and RecurrentGemma, on a GPU: proofs on their recurrent kernels, long inputs through their chunk kernels.

    python benchmarks/architectures_gpu.py [--length N] [--seconds N] [--out FILE]

For each language, mode and dtype: the product exploration of `ssmc verify` with the model on the device, so the library's compiled recurrent kernel is
what is stepped; then a word of `--length` symbols through the full-sequence forward (of more than 64 symbols that is the chunk kernel), every logit
compared with what the language asks for; then shorter ones with every weight multiplied by an independent 1 +- 1e-5 or 1%, where the signs are compared.
Every Triton kernel runs in the first of its launch configurations that compiles, so that no time goes into choosing one. Each
target (`--target` for one alone) has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from gpu_kernels import first_configuration

from ssmc.bench.machine import machine, machine_line
from ssmc.cascade import decompose
from ssmc.cascade.strategy import Options
from ssmc.compile import model_automaton
from ssmc.errors import SsmcError
from ssmc.languages import read_language
from ssmc.targets import find_target
from ssmc.targets.architectures import ARCHITECTURES
from ssmc.targets.weights import LOGIT
from ssmc.verify.agreement import live_walk, states_along
from ssmc.verify.recurrent import build_stock
from ssmc.verify.stock import expected_logits, prove_stock

RECORD = Path(__file__).parent / "records" / "architectures_gpu.json"
STAR_FREE = (("flip-flop", "predict"), ("dyck-2-3", "predict"), ("subsequence-abc", "recognise"))
GROUPS = (("parity", "predict"), ("tomita-5", "recognise"), ("abab", "recognise"))
DTYPES = ("float32", "bfloat16")
NOISE = (1e-5, 0.01)
LENGTHS = {"recurrentgemma": 1 << 14}
"""Where the forward is a loop over positions, or its mask is square."""


def forward(model: Any, automaton: Any, vocabulary: Any, length: int) -> dict[str, Any]:
    """One long word through the full-sequence forward."""
    rng = random.Random(length)
    predict = vocabulary.mode == "predict"
    word = (
        live_walk(automaton, length, rng)
        if predict
        else [rng.randrange(automaton.alphabet.size) for _ in range(length)]
    )
    device = model.device
    tokens = torch.tensor([[vocabulary.id("bos"), *word]], device=device)
    after = torch.as_tensor(states_along(automaton, word), device=device)
    with torch.inference_mode():
        model(tokens[:, :128], use_cache=False)
        started = time.perf_counter()
        logits = model(tokens, use_cache=False).logits[0]
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - started
        wanted = torch.from_numpy(expected_logits(automaton, vocabulary)).to(device, logits.dtype)[after]
        return {
            "symbols": len(word),
            "wrong_positions": int((logits != wanted).any(-1).sum()),
            "wrong_signs": int(((logits > 0) != (wanted > 0)).any(-1).sum()),
            "largest_difference": furthest
            if (furthest := float((logits - wanted).float().abs().max())) < math.inf
            else None,
            "seconds": round(seconds, 3),
        }


def noisy(model: Any, share: float) -> Any:
    """The model with every weight multiplied by an independent 1 +- share."""
    generator = torch.Generator(device=model.device).manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1 + share * (2 * torch.rand(weight.shape, generator=generator, device=model.device) - 1))
    return model


def rows(name: str, length: int, seconds: float, device: str) -> list[dict[str, Any]]:
    """Every measurement of a target, as far as the time goes."""
    target, out, start = find_target(name), [], time.monotonic()
    for grammar, mode in (*STAR_FREE, *(GROUPS if target.gates == "signed" else ())):
        automaton = model_automaton(read_language(grammar))
        for dtype in DTYPES:
            if time.monotonic() - start > seconds:
                out.append({"target": name, "language": grammar, "dtype": dtype, "left_out": "time"})
                continue
            row: dict[str, Any] = {"target": name, "language": grammar, "mode": mode, "dtype": dtype}
            try:
                weights = target.lower(decompose(automaton, mode, target.search(Options(), mode, dtype)), dtype)
                row |= {"blocks": weights.shape.blocks, "width": weights.config["hidden_size"]}
                model = build_stock(weights.config, weights.tensors).to(device)
                row |= {"class": type(model).__name__, "mode_of_kernel": getattr(model.config, "attn_mode", None)}
                if target.library != "transformers":
                    certificate = prove_stock(model, automaton, weights.vocabulary, bitwise_limit=0)
                    row |= {"product_states": certificate.product_states, "library": certificate.library}
                row |= forward(model, automaton, weights.vocabulary, length)
                for share in NOISE:
                    found = forward(noisy(model, share), automaton, weights.vocabulary, min(length, 8192))
                    row[f"noise {share}"] = {
                        key: found[key] for key in ("symbols", "wrong_signs", "largest_difference")
                    }
            except (SsmcError, RuntimeError, ValueError, TypeError, AssertionError) as error:
                row["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            print(json.dumps(row), flush=True)
            out.append(row)
    return out


def together(options: argparse.Namespace) -> None:
    """Every target in a process of its own, side by side on the device; writes the record."""
    with tempfile.TemporaryDirectory() as folder:
        names = options.only or [target.name for target in ARCHITECTURES]
        parts = {name: Path(folder) / f"{name}.json" for name in names}
        common = ["--seconds", str(options.seconds), "--device", options.device]
        running = []
        for name, part in parts.items():
            length = str(min(options.length, LENGTHS.get(name, options.length)))
            command = [sys.executable, __file__, "--target", name, "--length", length, "--out", str(part), *common]
            running.append(subprocess.Popen(command))
        for process in running:
            process.wait()
        found = [json.loads(part.read_text()) for part in parts.values() if part.exists()]
    lines = ",\n".join("  " + json.dumps(row) for part in found for row in part["rows"])
    head = json.dumps({key: found[0][key] for key in ("machine", "versions")})[1:-1]
    options.out.write_text(f'{{{head},\n "logit": {LOGIT},\n "rows": [\n{lines}\n]}}\n')


def main() -> None:
    """Measures one target, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=[target.name for target in ARCHITECTURES])
    parser.add_argument("--only", nargs="*", help="these targets, side by side")
    parser.add_argument("--length", type=int, default=1 << 16)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=RECORD)
    options = parser.parse_args()
    if options.target is None:
        together(options)
        return
    print(machine_line(machine()), flush=True)
    if options.device == "cuda":
        first_configuration()
    found = rows(options.target, options.length, options.seconds, options.device)
    body = {
        "machine": machine(),
        "versions": {name: version(name) for name in ("transformers", "flash-linear-attention")},
        "rows": found,
    }
    options.out.write_text(json.dumps(body))


if __name__ == "__main__":
    main()
