"""Pattern sets: processor time to a proved model, its size, the proof again from the file, and its answers against `re`.

    python benchmarks/pattern_sets.py [--only NAME ...] [--mode recognise|predict] [--strings N] [--record]

For each set of pattern_sets.toml the patterns are compiled to one model, which is written, read and proved again; then it answers for strings near the languages of the
patterns (words, mutations of them, pieces of several of them), pattern by pattern, and each answer is compared with Python's `re`. One run each, since a run takes long.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import torch

from ssmc.answer import answers
from ssmc.automaton import DEAD, Automaton
from ssmc.bench.machine import machine, machine_line
from ssmc.compile import compile_language, write_model
from ssmc.languages import read_pattern_set
from ssmc.nn.formats import read_file
from ssmc.verify import prove, specification

HERE = Path(__file__).parent
RECORD = HERE / "records" / "pattern_sets.json"
CHARACTERS = 'aeorst09 _-.:/@[]"éüß\u0660\n'


def distances(automaton: Automaton) -> list[int]:
    """For each state the symbols to the nearest word."""
    found = [0 if q in automaton.accepting else automaton.states for q in range(automaton.states)]
    changed = True
    while changed:
        changed = False
        for q, row in enumerate(automaton.delta):
            best = 1 + min((found[r] for r in row if r != DEAD), default=automaton.states)
            if best < found[q]:
                found[q], changed = best, True
    return found


def word_of(automaton: Automaton, distance: list[int], rng: random.Random, longest: int = 20) -> bytes:
    """A random walk over live states of a byte automaton that turns to the nearest word now and then, and for good after `longest` bytes."""
    symbols: dict[int, list[int]] = {}
    for symbol, c in enumerate(automaton.alphabet.classes):
        symbols.setdefault(c, []).append(symbol)
    state, out = 0, bytearray()
    homing = rng.random() < 0.5
    while state not in automaton.accepting or (len(out) < longest and rng.random() < 0.8):
        ways = [(distance[r], c, r) for c, r in enumerate(automaton.delta[state]) if r != DEAD]
        if not ways:
            break
        near = [way for way in ways if way[0] == min(ways)[0]]
        _, c, state = rng.choice(near if homing or len(out) >= longest else ways)
        homing ^= rng.random() < 0.1
        plain = [s for s in symbols[c] if 0x20 <= s < 0x7F]
        out.append(rng.choice(plain or symbols[c]))
    return bytes(out)


def strings_near(members: list[Automaton], rng: random.Random, count: int) -> list[bytes]:
    """Strings near the languages of some byte automata."""
    found = [b"", b"\n"]
    far = [distances(member) for member in members]
    while len(found) < count:
        chosen = [rng.randrange(len(members)) for _ in range(rng.choice([1, 1, 2]))]
        words = [word_of(members[i], far[i], rng) for i in chosen]
        text = (b" " * rng.randint(0, 1)).join(words)
        for _ in range(rng.choice([0, 0, 1, 2])):
            at, extra = rng.randrange(len(text) + 1), rng.choice(CHARACTERS).encode() * rng.randint(0, 1)
            text = text[:at] + extra + text[at + rng.randint(0, 1) :]
        found.append(text)
    return found


def compare(compiled: Any, read: Any, *, search: bool, count: int, rng: random.Random) -> dict[str, int]:
    """Answers of a model and of `re`, string by string and pattern by pattern."""
    whole = compiled.cascade.automaton
    members = [whole.pattern(i) for i in range(whole.pattern_count)]
    binary = read.level == "byte"
    matchers = [re.compile(p.encode("latin-1") if binary else p) for p in read.patterns]
    pairs = wrong = held = 0
    texts = strings_near(members, rng, count)
    for text, answer in zip(texts, answers(compiled.model, [list(t) for t in texts], predict=False), strict=True):
        try:
            string: Any = text if binary else text.decode()
        except UnicodeDecodeError:
            string = None
        for matcher, said in zip(matchers, answer.patterns[-1].tolist(), strict=False):
            meant = string is not None and (matcher.search if search else matcher.fullmatch)(string) is not None
            pairs, wrong, held = pairs + 1, wrong + (said != meant), held + meant
    return {"pairs": pairs, "held": held, "differences": wrong}


def measure(one: dict[str, Any], mode: str, strings: int) -> dict[str, Any]:
    """One row."""
    practical = tomllib.loads((HERE / "practical.toml").read_text(encoding="utf-8"))["expression"]
    known = {expression["name"]: expression["pattern"] for expression in practical}
    patterns = one.get("patterns") or [known[name] for name in one["practical"]]
    search = one.get("search", False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.txt"
        path.write_text("".join(f"{pattern}\n" for pattern in patterns), encoding="utf-8")
        start = time.process_time()
        read = read_pattern_set(str(path), search=search, alphabet=one.get("alphabet"))
        compiled = compile_language(read, mode=mode)  # type: ignore[arg-type]
        seconds = time.process_time() - start
        model = Path(folder) / "set.pt"
        write_model(compiled, model)
        size = model.stat().st_size
        start = time.process_time()
        file = read_file(model)
        automaton, cascade = specification(file)
        again = prove(file.build(), automaton, cascade)
        verify = time.process_time() - start
    made = compiled.to_json()
    if again.sha256 != compiled.certificate.sha256:
        raise SystemExit(f"{one['name']}: the file holds another model")
    row = {"name": one["name"], "mode": mode, "patterns": len(patterns), "seconds": seconds, "verify_s": verify}
    row |= {key: made[key] for key in ("layers", "channels", "hidden_units", "conv_width", "states", "pattern_states")}
    row |= {"components": len(made["components"]), "file_bytes": size}
    row |= {"proof": made["proof"]["proof"], "product_states": made["proof"]["product_states"]}
    return row | compare(compiled, read, search=search, count=strings, rng=random.Random(0))


def main() -> None:
    """Measures, prints and, if asked, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--mode", default="recognise")
    parser.add_argument("--strings", type=int, default=200)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = machine()
    print(machine_line(found))
    sets = tomllib.loads((HERE / "pattern_sets.toml").read_text(encoding="utf-8"))["set"]
    rows = []
    if arguments.only and arguments.record:
        rows = [row for row in json.loads(RECORD.read_text())["rows"] if row["name"] not in arguments.only]
    for one in sets:
        if not arguments.only or one["name"] in arguments.only:
            row = measure(one, arguments.mode, arguments.strings)
            rows.append(row)
            print(json.dumps(row), flush=True)
            if arguments.record:
                rows.sort(key=lambda row: [one["name"] for one in sets].index(row["name"]))
                RECORD.write_text(json.dumps({"machine": found, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
