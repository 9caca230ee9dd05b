"""Stock models on a GPU: every logit at every position of long inputs, by transformers' own forward and by the libraries' kernels; generation.

    python benchmarks/targets_gpu.py FOLDER... [--what WHAT] [--length N] [--dtype DTYPE]... [--seconds N] [--out FILE]
    python benchmarks/targets_gpu.py --tasks FILE [--out FILE]
    python benchmarks/targets_gpu.py --collect FILE...

FOLDER is the folder of a stock model (`benchmarks/stock_models.py` makes them), loaded by name through `AutoModelForCausalLM`. What is done:

* `forward`: a random walk over live states in predict mode, random symbols in recognise mode, behind a start token. Counted are the
  positions at which any logit is not bitwise what the language asks for. Which kernels ran follows from what is importable: with `mamba_ssm` and
  `causal_conv1d` transformers uses theirs.
* `noise`: the same with every weight multiplied by an independent 1 +- 1%; the logits of the wrong sign count.
* `library`: the same forward by `MambaLMHeadModel` of mamba_ssm, which gets the state dict with one name changed.
* `generate`: `generate(do_sample=True)`; counted are the strings that leave the language.

`--out` appends the rows as JSON lines, each as soon as it is there; `--tasks` reads them as a list of objects with `folder`, `what`, `dtype` and `length`;
`--collect` makes the record of such files.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from ssmc.automaton import DEAD, Automaton
from ssmc.bench.machine import machine, machine_line
from ssmc.errors import InputError, SsmcError
from ssmc.targets.folder import StockFile, read_stock
from ssmc.verify.agreement import live_walk, states_along
from ssmc.verify.recurrent import load_stock
from ssmc.verify.stock import expected_logits

if TYPE_CHECKING:
    import numpy as np

RECORD = Path(__file__).parent / "records" / "targets_gpu.json"
CHUNK = 1 << 14
KERNELS = ("selective_scan_cuda", "causal_conv1d_cuda", "mamba_ssm.ops.triton.ssd_combined", "fla")
STRINGS, NEW_TOKENS = 32, 64


def word_of(automaton: Automaton, mode: str, length: int, seed: str) -> list[int]:
    """A long input; of a finite language in predict mode none."""
    rng = random.Random(seed)
    if mode == "recognise":
        return [rng.randrange(automaton.alphabet.size) for _ in range(length)]
    try:
        return live_walk(automaton, length, rng)
    except InputError:
        return []


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
        furthest = max(furthest, float((got.float() - wanted.float()).abs().nan_to_num(math.inf).max()))
    return {
        "wrong_positions": wrong,
        "wrong_signs": signs,
        "largest_difference": furthest if furthest < math.inf else None,
    }


def own_class(file: StockFile, dtype: str) -> Any:
    """`MambaLMHeadModel` of mamba_ssm with the weights of a folder."""
    from mamba_ssm.models.config_mamba import MambaConfig
    from mamba_ssm.models.mixer_seq_simple import MambaLMHeadModel

    config = file.config
    if config["model_type"] == "mamba":
        layer = {"layer": "Mamba1", "dt_rank": config["time_step_rank"]}
    else:
        layer = {"layer": "Mamba2", "headdim": config["head_dim"], "ngroups": config["n_groups"], "chunk_size": config["chunk_size"]}  # fmt: skip
    layer |= {"d_state": config["state_size"], "d_conv": config["conv_kernel"], "expand": config["expand"]}
    made = MambaConfig(
        d_model=config["hidden_size"],
        n_layer=config["num_hidden_layers"],
        vocab_size=config["vocab_size"],
        ssm_cfg=layer,
        tie_embeddings=False,
    )
    model = MambaLMHeadModel(made, dtype=getattr(torch, dtype))
    tensors = dict(file.tensors)
    tensors["backbone.embedding.weight"] = tensors.pop("backbone.embeddings.weight")
    model.load_state_dict(tensors, strict=True)
    return model.eval()


def forward(model: Any, file: StockFile, dtype: str, length: int, seed: str, **keywords: Any) -> dict[str, Any]:
    """One long input through the full-sequence forward."""
    automaton = Automaton.from_json(dict(file.automaton))
    word = word_of(automaton, file.tokens.mode, length, seed)
    device = next(model.parameters()).device
    tokens = torch.tensor([[file.tokens.id("bos"), *word]], device=device)
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    with torch.inference_mode():
        logits = model(tokens, **keywords).logits[0]
    if device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    found = compare(file, logits, states_along(automaton, word), getattr(torch, dtype))
    return {"symbols": len(word), "seconds": round(seconds, 3), **found}


def noisy(model: Any, share: float) -> Any:
    """The model with every weight multiplied by an independent 1 +- share."""
    generator = torch.Generator(device=model.device).manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1 + share * (2 * torch.rand(weight.shape, generator=generator, device=model.device) - 1))
    return model


def generate(model: Any, file: StockFile) -> dict[str, Any]:
    """Strings by `generate(do_sample=True)`, read by the automaton."""
    automaton, tokens = Automaton.from_json(dict(file.automaton)), file.tokens
    start = torch.full((STRINGS, 1), tokens.id("bos"), device=model.device)
    torch.manual_seed(0)
    strings = model.generate(
        start, attention_mask=torch.ones_like(start), do_sample=True, max_new_tokens=NEW_TOKENS
    ).tolist()
    illegal = ended = count = 0
    for string in strings:
        state, over = 0, False
        for token in string[1:]:
            if over:
                right = token == tokens.id("pad")
            elif token == tokens.id("eos"):
                right, over, ended = state in automaton.accepting, True, ended + 1
            else:
                right = token < automaton.alphabet.size
                state = automaton.delta[state][automaton.alphabet.class_of(token)] if right else DEAD
                right, count = state != DEAD, count + 1
            if not right:
                illegal += 1
                break
    return {"strings": STRINGS, "symbols": count, "ended": ended, "wrong_strings": illegal}


def measure(folder: Path, what: str, dtype: str, length: int, device: str) -> dict[str, Any]:
    """One run of one model."""
    file = read_stock(folder)
    model = (own_class(file, dtype) if what == "library" else load_stock(str(folder), dtype)).to(device)
    if what == "noise":
        noisy(model, 0.01)
    if what == "generate":
        found = generate(model, file)
    else:
        found = forward(model, file, dtype, length, folder.name, **({} if what == "library" else {"use_cache": False}))
    return {
        "model": folder.name,
        "what": what,
        "class": f"{type(model).__module__.partition('.')[0]} {type(model).__name__}",
        "mode": file.tokens.mode,
        "dtype": dtype,
        "noise": 0.01 if what == "noise" else 0.0,
        "blocks": file.shape["blocks"],
        "width": file.config["hidden_size"],
        "kernels": [name for name in KERNELS if name in sys.modules],
        **found,
    }


def attempt(folder: Path, what: str, dtype: str, length: int, device: str) -> dict[str, Any]:
    """One run; where the device has too little memory, one of a quarter of the length, and so on."""
    try:
        return measure(folder, what, dtype, length, device)
    except torch.OutOfMemoryError as error:
        row = {"model": folder.name, "what": what, "dtype": dtype, "symbols": length, "error": _text(error)}
    except (RuntimeError, ValueError, TypeError, AttributeError, ImportError, AssertionError, SsmcError) as error:
        return {"model": folder.name, "what": what, "dtype": dtype, "error": _text(error)}
    if device == "cuda":
        torch.cuda.empty_cache()
    return row if length <= 4096 else {**attempt(folder, what, dtype, length // 4, device), "out_of_memory_at": length}


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def versions() -> dict[str, str]:
    """Of the libraries that are there."""
    found = {}
    for name in ("transformers", "flash-linear-attention"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for name in ("mamba_ssm", "causal_conv1d"):
        if name in sys.modules:
            found[name] = getattr(sys.modules[name], "__version__", "")
    return found


def run(tasks: list[dict[str, Any]], seconds: float, device: str, out: Path | None) -> int:
    """The tasks in order until the time is over; the number of rows with a wrong logit or an error."""
    start, bad = time.monotonic(), 0
    for number, task in enumerate(tasks):
        if time.monotonic() - start > seconds:
            print(f"time is over, {len(tasks) - number} tasks before the end", flush=True)
            break
        row = attempt(Path(task["folder"]), task["what"], task["dtype"], task["length"], device)
        right = row.get("wrong_positions", row.get("wrong_strings", 1)) == 0
        bad += not right and task["what"] != "noise"
        line = json.dumps(row)
        print(line, flush=True)
        if out:
            # one write, so that processes may share the file
            with out.open("a") as file:
                file.write(line + "\n")
        if device == "cuda":
            torch.cuda.empty_cache()
    if out:
        with out.open("a") as file:
            file.write(json.dumps({"machine": machine(), "versions": versions()}) + "\n")
    return bad


def collect(parts: list[Path]) -> None:
    """Makes the record of files of rows; a later row takes the place of an earlier one of the same run."""
    rows = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
    head: dict[str, Any] = {"machine": None, "versions": {}}
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        if "machine" in row:
            head = {"machine": row["machine"], "versions": {**head["versions"], **row["versions"]}}
        else:
            # the length is what was asked for, so runs of several lengths are kept
            key = (*(row.get(name) for name in ("model", "what", "dtype", "class")), tuple(row.get("kernels", ())))
            kept[*key, row.get("symbols")] = row
    lines = ",\n".join("  " + json.dumps(row) for row in kept.values())
    RECORD.write_text(f'{{"machine": {json.dumps(head["machine"])},\n "versions": {json.dumps(head["versions"])},\n "rows": [\n{lines}\n]}}\n')  # fmt: skip


def main() -> None:
    """Runs the folders in order until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--what", choices=("forward", "noise", "library", "generate"), default="forward")
    parser.add_argument("--length", type=int, default=1 << 16)
    parser.add_argument("--dtype", action="append", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--first", action="store_true", help="Triton's first configuration instead of the fastest")
    parser.add_argument("--tasks", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--collect", nargs="*", type=Path)
    options = parser.parse_args()
    if options.collect:
        collect(options.collect)
        return
    if options.first:
        from gpu_kernels import first_configuration

        first_configuration()
    print(machine_line(machine()), flush=True)
    dtypes = options.dtype or ["float32"]
    tasks = (
        json.loads(options.tasks.read_text())
        if options.tasks
        else [
            {"folder": str(folder), "what": options.what, "dtype": dtype, "length": options.length}
            for folder in options.folders
            for dtype in dtypes
        ]
    )
    bad = run(tasks, options.seconds, options.device, options.out)
    print(f"{bad} with a wrong logit, a wrong string or an error")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
