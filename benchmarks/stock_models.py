"""Folders of stock models for the measurements on a GPU: all grammars that a target supports, lowered here and not proved.

    python benchmarks/stock_models.py OUT [--target NAME]... [--grammar NAME]... [--mode MODE]...

A folder is named TARGET-GRAMMAR-MODE. In predict mode finite languages are left out: they have no long words. DeltaNet gets folders in float32 and in
bfloat16, since its chunk kernel refuses float32; the others are loaded in every dtype from one.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

from ssmc.cascade.strategy import Options
from ssmc.compile import lower_language, model_automaton, stock_file
from ssmc.errors import GateError, InputError, NotStarFreeError, SsmcError
from ssmc.languages import read_language, shipped_grammars
from ssmc.targets import TARGETS, find_target
from ssmc.targets.folder import write_stock
from ssmc.targets.stock import StockWeights
from ssmc.verify.agreement import live_walk

SPLIT = ("deltanet",)
"""Targets whose configuration depends on the dtype."""


def write(name: str, target_name: str, mode: str, dtype: str, out: Path) -> str:
    """One folder; what was written, or why nothing was."""
    target, language = find_target(target_name), read_language(name)
    automaton = model_automaton(language)
    if mode == "predict":
        live_walk(automaton, 1, random.Random(0))
    target.admit(language.automaton, 100_000)
    search = target.search(Options(), mode, dtype)  # type: ignore[arg-type]
    cascade, weights = lower_language(language, automaton, target, mode, dtype, search)  # type: ignore[arg-type]
    if not isinstance(weights, StockWeights):
        raise TypeError(f"{target_name} emits no stock weights")
    folder = out / f"{target_name}-{name}-{mode}{'-' + dtype if target_name in SPLIT else ''}"
    write_stock(folder, stock_file(language, target, cascade, weights))
    size = sum(path.stat().st_size for path in folder.iterdir())
    return f"{folder.name}: {weights.shape.blocks} blocks, width {weights.config['hidden_size']}, {size:,} bytes"


def main() -> None:
    """Writes the folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--target", action="append", choices=[name for name, t in TARGETS.items() if t.form == "stock"])
    parser.add_argument("--grammar", action="append")
    parser.add_argument("--mode", action="append", choices=("predict", "recognise"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    targets = options.target or [name for name, target in TARGETS.items() if target.form == "stock"]
    for target in targets:
        for name in options.grammar or [path.stem for path in shipped_grammars()]:
            for mode in options.mode or ("predict", "recognise"):
                for dtype in ("float32", "bfloat16") if target in SPLIT else ("float32",):
                    start = time.process_time()
                    try:
                        done = write(name, target, mode, dtype, options.out)
                    except (NotStarFreeError, GateError, InputError) as error:
                        done = f"{target}-{name}-{mode}: none: {str(error)[:100]}"
                    except SsmcError as error:
                        done = f"{target}-{name}-{mode}: FAILS: {type(error).__name__} {str(error)[:200]}"
                    print(f"{done} ({time.process_time() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
