"""Megabytes a second of membership on one CPU core: the table walk against re, re2 and hyperscan, on the same bytes.

python benchmarks/scan_cpu.py --out benchmarks/records/scan_cpu.json

One language over bytes, `(ab|ba)*` and three more; the input is one word of it. Every engine answers the same question,
whether the whole input is in the language, and must say yes before it is timed. The walk also writes an answer for every
prefix, which none of the others does.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pathlib
import re
import statistics
import sys
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from ssmc.bench.machine import machine
from ssmc.kernels.dfa import DfaMachine, run_walk
from ssmc.kernels.lanes import run_lanes
from ssmc.targets.fast import lower_automaton, lower_bits

SIZE = 1 << 24
CASES = {
    "(ab|ba)*": ("ab", b"abba" * (SIZE // 4)),
    "a*b(a|b)*": ("ab", b"a" * (SIZE // 2) + b"b" * (SIZE // 2)),
    "(a|b|c)*abc(a|b|c)*": ("abc", b"acbacb" * (SIZE // 6) + b"abc"),
    "(aa*bb*)*": ("ab", b"aabbb" * (SIZE // 5)),
}


def median_rate(call, size):
    """Megabytes a second, median of five after one to warm up."""
    call()
    found = []
    for _ in range(5):
        begin = time.perf_counter()
        call()
        found.append(time.perf_counter() - begin)
    return size / statistics.median(found) / 1e6


def bytes_machine(table, alphabet):
    """The automaton over all bytes: what is outside of the alphabet leads to the sink."""
    sink = table.states - 1
    delta = np.full((table.states, 256), sink, np.int32)
    for k, letter in enumerate(alphabet):
        delta[:, ord(letter)] = table.delta[:, k]
    return DfaMachine(delta, table.output, table.initial)


def rivals(expression, text):
    """Calls that answer the same question, by engine."""
    pattern = re.compile(expression.encode())
    found = {"re": lambda: pattern.fullmatch(text) is not None}
    try:
        re2 = importlib.import_module("re2")
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.never_capture = True
        second = re2.compile(expression.encode(), options)
        found["re2"] = lambda: second.fullmatch(text) is not None
    except ImportError:
        pass
    try:
        hyperscan = importlib.import_module("hyperscan")
        database = hyperscan.Database()
        flags = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
        database.compile(expressions=[rb"\A(?:%s)\z" % expression.encode()], flags=[flags])

        def scan():
            hits = []
            database.scan(text, match_event_handler=lambda *hit: hits.append(hit) and None)
            return bool(hits)

        found["hyperscan"] = scan
    except Exception as error:
        sys.stderr.write(f"hyperscan: {error}\n")
    return found


def main() -> None:
    """Prints a table and writes the record."""
    from ssmc.cascade import decompose
    from ssmc.languages import language_of

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    record = {"schema": "ssmc.scan-cpu/1", "machine": machine(), "bytes": SIZE, "cases": {}}
    for expression, (alphabet, text) in CASES.items():
        automaton = language_of(expression, alphabet=alphabet).automaton
        table = bytes_machine(lower_automaton(automaton), alphabet)
        tokens = torch.from_numpy(np.frombuffer(text, np.uint8).copy())[None]
        rates = {}
        for name, call in rivals(expression, text).items():
            try:
                right = call()
            except Exception as error:
                rates[name] = f"{type(error).__name__}: {error}"[:80]
                continue
            rates[name] = median_rate(call, len(text)) if right else "says no"
        outputs, _ = run_walk(table, tokens)
        if not bool(outputs[0, -1]):
            raise SystemExit(f"{expression}: the walk says no")
        rates["ssmc walk, every prefix"] = median_rate(lambda t=table, x=tokens: run_walk(t, x), len(text))
        bits = lower_bits(decompose(automaton, "recognise"))
        letters = torch.from_numpy(
            np.searchsorted(np.frombuffer(alphabet.encode(), np.uint8), tokens[:, : 1 << 22].numpy()).astype(np.uint8)
        )
        if not torch.equal(run_lanes(bits, letters)[0], outputs[:, : 1 << 22]):
            raise SystemExit(f"{expression}: the lanes differ")
        rates["ssmc lanes, every prefix"] = median_rate(lambda m=bits, x=letters: run_lanes(m, x), letters.numel())
        record["cases"][expression] = rates
        print(expression, {k: round(v) if isinstance(v, float) else v for k, v in rates.items()}, flush=True)
    chosen.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
