"""Proves the corpus on the targets beside Mamba, and writes what each model is and what its proof took.

    python benchmarks/architectures.py [--target NAME]... [--mode MODE] [--limit N] [--seconds N] [--out FILE]

For each language whose groups the target can do: blocks, width and parameters of the emitted model, product states of the proof on the class's own
recurrent cache, and the processor seconds of the proof. Where there is no GPU the kernels of flash-linear-attention run in Triton's interpreter, so
`--limit` bounds the product states there; what exceeds it is named.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from ssmc.bench.machine import machine, machine_line
from ssmc.cascade import decompose
from ssmc.cascade.strategy import Options
from ssmc.compile import model_automaton
from ssmc.errors import LimitError, NotStarFreeError, SsmcError, TargetError
from ssmc.languages import read_language, shipped_grammars
from ssmc.targets import find_target
from ssmc.targets.architectures import ARCHITECTURES
from ssmc.verify.recurrent import build_stock
from ssmc.verify.stock import STATE_LIMIT, prove_stock

RECORD = Path(__file__).parent / "records" / "architectures.json"


def row(name: str, path: Path, mode: str, limit: int) -> dict[str, Any] | None:
    """One language on one target; None where the target lacks the gates."""
    target, automaton = find_target(name), model_automaton(read_language(str(path)))
    made: dict[str, Any] = {"target": name, "language": path.stem, "mode": mode, "states": automaton.states}
    try:
        search = target.search(Options(), mode, "float32")
        target.admit(automaton, search.set_limit)
        weights = target.lower(decompose(automaton, mode, search))
        made |= {"layers": weights.shape.layers, "blocks": weights.shape.blocks, "width": weights.config["hidden_size"]}
        made["parameters"] = sum(tensor.numel() for tensor in weights.tensors.values())
        model = build_stock(weights.config, weights.tensors)
        started = time.process_time()
        proof = prove_stock(model, automaton, weights.vocabulary, limit=limit, bitwise_limit=0)
        made |= {"product_states": proof.product_states, "largest_sum": proof.max_magnitude}
        made |= {"seconds": round(time.process_time() - started, 1), "class": proof.library}
    except (NotStarFreeError, TargetError):
        return None
    except LimitError as error:
        made["left_out"] = str(error)
    except SsmcError as error:
        made["error"] = f"{type(error).__name__}: {error}"
    return made


def main() -> None:
    """Goes through the targets and the corpus until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="append", choices=[target.name for target in ARCHITECTURES])
    parser.add_argument("--mode", default="predict", choices=("predict", "recognise"))
    parser.add_argument("--limit", type=int, default=STATE_LIMIT)
    parser.add_argument("--seconds", type=float, default=1e9, help="processor seconds for each target")
    parser.add_argument("--out", type=Path, default=RECORD)
    options = parser.parse_args()
    torch.set_num_threads(1)
    versions = {name: version(name) for name in ("transformers", "flash-linear-attention")}
    rows: list[dict[str, Any]] = []
    print(machine_line(machine()), flush=True)
    for name in options.target or [target.name for target in ARCHITECTURES]:
        started = time.process_time()
        for path in sorted(shipped_grammars()):
            if time.process_time() - started > options.seconds:
                rows.append({"target": name, "language": path.stem, "left_out": "time"})
                continue
            if (made := row(name, path, options.mode, options.limit)) is not None:
                print(json.dumps(made), flush=True)
                rows.append(made)
    lines = ",\n".join("  " + json.dumps(made) for made in rows)
    head = json.dumps({"machine": machine(), "versions": versions})[1:-1]
    options.out.write_text(f'{{{head},\n "rows": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
