"""Megabytes a second of membership on one CPU core: the engines of ssmc against re, re2 and hyperscan, on the same bytes.

python benchmarks/scan_cpu.py --out benchmarks/records/scan_cpu.json

One long word of each of four languages over bytes, and a million strings of 64 bytes, half of them with a wrong byte. Every engine answers
the same question, whether a whole string is in the language, and must answer right before it is timed. Those of ssmc also write an answer for
every prefix, which none of the others does. Times are of the process, so that other work on the machine does not count.
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
from ssmc.bench.fast import runner_of
from ssmc.bench.machine import machine
from ssmc.kernels.dfa import compile_walk
from ssmc.languages import language_of

SIZE = 1 << 24
STRINGS, LENGTH = 1_000_000, 64
SLOW = {"network": 1 << 16, "maps": 1 << 22, "bits": 1 << 22}
"""Symbols that the slower engines are timed on."""
LONG = {
    "(ab|ba)*": b"abba" * (SIZE // 4),
    "a*b(a|b)*": b"a" * (SIZE // 2) + b"b" * (SIZE // 2),
    "(a|b|c)*abc(a|b|c)*": b"acbacb" * (SIZE // 6) + b"abc",
    "(aa*bb*)*": b"aabbb" * (SIZE // 5),
}
SHORT = ("(ab|ba)*", "(a|b|c)*abc(a|b|c)*")


def rate(call, size, repeats=5):
    """Megabytes a second of process time: the median of some calls after one to warm up, the least and the most."""
    call()
    found = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        found.append(size / (time.process_time() - begin) / 1e6)
    return {"median": statistics.median(found), "low": min(found), "high": max(found)}


def rivals(expression):
    """For each library a function from a string of bytes to whether it is in the language."""
    pattern = re.compile(expression.encode())
    found = {"re": lambda text: pattern.fullmatch(text) is not None}
    try:
        re2 = importlib.import_module("re2")
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.never_capture = True
        second = re2.compile(expression.encode(), options)
        found["re2"] = lambda text: second.fullmatch(text) is not None
    except ImportError:
        pass
    try:
        hyperscan = importlib.import_module("hyperscan")
        database = hyperscan.Database()
        flags = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
        database.compile(expressions=[rb"\A(?:%s)\z" % expression.encode()], flags=[flags])

        def scan(text):
            hits = []
            database.scan(text, match_event_handler=lambda *hit: hits.append(hit) and None)
            return bool(hits)

        found["hyperscan"] = scan
    except Exception as error:
        sys.stderr.write(f"hyperscan: {error}\n")
    return found


def runner(expression):
    """The engines of ssmc, over bytes."""
    return runner_of(language_of(expression, alphabet="bytes").automaton, "cpu")


def long_word(expression, text):
    """Rates on one word."""
    rates = {}
    for name, call in rivals(expression).items():
        try:
            right = call(text)
        except Exception as error:
            rates[name] = f"{type(error).__name__}: {error}"[:80]
            continue
        rates[name] = rate(lambda call=call: call(text), len(text)) if right else "says no"
    engines = runner(expression)
    tokens = torch.from_numpy(np.frombuffer(text, np.uint8).copy())[None]
    walked = engines.run(tokens, engine="walk", said="accept").outputs
    if not bool(walked[0, -1]):
        raise SystemExit(f"{expression}: the walk says no")
    for name in ("walk", "bits", "maps", "network"):
        some = tokens[:, : SLOW.get(name, SIZE)].contiguous()
        if not torch.equal(engines.run(some, engine=name, said="accept").outputs, walked[:, : some.shape[1]]):
            raise SystemExit(f"{expression}: the engine {name} differs")
        rates[f"ssmc {name}, every prefix"] = rate(
            lambda name=name, some=some: engines.run(some, engine=name, said="accept"), some.numel()
        )
    return rates


def short_strings(expression):
    """A million strings of 64 bytes, every other one with a byte that is no letter."""
    rng = np.random.default_rng(0)
    if expression == SHORT[0]:
        first = rng.integers(0, 2, (STRINGS, LENGTH // 2), dtype=np.uint8)
        text = np.stack([first, 1 - first], 2).reshape(STRINGS, LENGTH) + ord("a")
    else:
        text = rng.integers(0, 3, (STRINGS, LENGTH), dtype=np.uint8) + ord("a")
        text[:, :3] = np.frombuffer(b"abc", np.uint8)
    text = text.astype(np.uint8)
    text[np.arange(0, STRINGS, 2), rng.integers(0, LENGTH, STRINGS // 2)] = ord("x")
    return text


def many(expression):
    """Rates on many short strings."""
    text = short_strings(expression)
    strings = [bytes(row) for row in text]
    expected = [k % 2 == 1 for k in range(STRINGS)]
    rates = {}
    for name, call in rivals(expression).items():
        if [call(string) for string in strings] != expected:
            raise SystemExit(f"{expression}: {name} is wrong")
        rates[name] = rate(lambda call=call: [call(string) for string in strings], text.size, 3)
    engines, tokens = runner(expression), torch.from_numpy(text)
    for name in ("walk", "bits", "maps"):
        some = tokens[: SLOW.get(name, text.size) // LENGTH].contiguous()
        said = engines.run(some, engine=name, said="accept").outputs[:, -1].bool().tolist()
        if said != expected[: len(said)]:
            raise SystemExit(f"{expression}: the engine {name} is wrong")
        rates[f"ssmc {name}, every prefix"] = rate(
            lambda name=name, some=some: engines.run(some, engine=name, said="accept"), some.numel()
        )
    return rates


def main() -> None:
    """Prints a table and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    record = {
        "schema": "ssmc.scan-cpu/2",
        "machine": machine(),
        "numba": compile_walk(),
        "unit": "MB/s of process time",
    }
    record |= {"bytes": SIZE, "cases": {}, "strings": STRINGS, "length": LENGTH, "many": {}}
    for part, cases in (("cases", LONG), ("many", dict.fromkeys(SHORT))):
        for expression, text in cases.items():
            rates = many(expression) if text is None else long_word(expression, text)
            record[part][expression] = rates
            shown = {k: v if isinstance(v, str) else round(v["median"], 1) for k, v in rates.items()}
            print(part, expression, shown, flush=True)
    chosen.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
