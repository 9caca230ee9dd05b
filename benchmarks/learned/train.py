"""Learned beside compiled: the stock Mamba trained from random and from compiled weights, scored by length.

    python benchmarks/learned/train.py [--language NAME]... [--seeds N] [--steps N] [--workers N] [--seconds S] [--device D] [--folders DIR] [--record]

The setting of Sarrof, Veitsman and Hahn 2024: predictive modelling (after each prefix the set of legal next symbols and whether the string may
end), words of length 1 to 50 for training, strict score (every position of a word right) by length; for the flip-flop words of FFL(0.8) of length 512.
`MambaForCausalLM` of the transformers library with 1, 2 and 3 layers, AdamW, a binary cross-entropy on the logit of each next symbol and of the end.
Kinds of models:

* `learned`: random weights, then trained;
* `compiled`: the weights of `ssmc compile --target mamba`, as they are;
* `compiled, then trained`: those weights, trained in the same way;
* `compiled, then trained without decay`: the same with a weight decay of 0.

`--folders DIR` keeps the compiled folders there and takes those that are there already. The scan inside the class is ours (mamba_scan.py), since the class
without kernels of its own loops over time; `--check` compares the two.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
import time
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mamba_scan import fast_scan

from ssmc.errors import SsmcError
from ssmc.evaluate import evaluate
from ssmc.languages import read_language
from ssmc.sample import Machine, Settings, draw_samples, next_sets
from ssmc.sample.draw import Bin
from ssmc.targets.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ssmc.automaton import Automaton

RECORD = Path(__file__).parents[1] / "records" / "learned.json"
LANGUAGES = ("d-12", "tomita-4", "parity", "dyck-2-4", "flip-flop-bits")
BINS = (Bin(1, 50), Bin(51, 100), Bin(101, 150), Bin(500, 500), Bin(2000, 2000))
FLIP_FLOP = "flip-flop-bits"
IGNORE = (Fraction(4, 5), Fraction(49, 50), Fraction(1, 10))
"""The probabilities of i of the flip-flop language: in training and in distribution, and two sparser and denser sets of strings."""
FLIP_FLOP_BIN = Bin(512, 512)


@dataclass(frozen=True)
class Run:
    """One model: a language, where the weights start, and how they are trained."""

    language: str
    kind: str
    layers: int
    seed: int
    steps: int
    rate: float = 1e-3
    decay: float = 0.01
    batch: int = 64
    width: int = 64
    strings: int = 10_000


class Predictions:
    """A causal language model in memory as a subject of `ssmc.evaluate`."""

    predicts = True

    def __init__(self, model: torch.nn.Module, vocabulary: Vocabulary, name: str) -> None:
        self.model, self.vocabulary, self.name = model, vocabulary, name

    def replies(self, tokens: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
        """See `ssmc.evaluate.Subject`."""
        device = next(self.model.parameters()).device
        rows = max(1, (1 << 15) // tokens.shape[1])
        with torch.inference_mode(), fast_scan():
            parts = [outputs(self.model, self.vocabulary, torch.from_numpy(part).to(device))[:, 1:] > 0
                     for part in np.split(tokens, range(rows, len(tokens), rows))]  # fmt: skip
        yield torch.cat(parts).cpu().numpy()


def outputs(model: torch.nn.Module, vocabulary: Vocabulary, tokens: torch.Tensor) -> torch.Tensor:
    """(B, T + 1, 1 + symbols) the logits of the end and of each symbol, after the empty prefix and after each symbol."""
    start = tokens.new_full((len(tokens), 1), vocabulary.id("bos"))
    logits = model(torch.cat([start, tokens], dim=1), use_cache=False).logits
    return logits[..., list(vocabulary.outputs)].float()


def sources(run: Run) -> list[tuple[Bin, Settings]]:
    """The strings to score on; the first are also those of training."""
    if run.language == FLIP_FLOP:
        return [(FLIP_FLOP_BIN, Settings("ffl", ignore=p)) for p in IGNORE]
    return [(interval, Settings("lengths" if interval.high <= 200 else "walk")) for interval in BINS]


def training_data(run: Run, machine: Machine) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Padded words (N, T), what may follow each prefix (N, T + 1, 1 + symbols), and where there is a prefix (N, T + 1)."""
    interval, settings = sources(run)[0]
    count = run.strings if run.language != FLIP_FLOP else run.strings // 5
    words = [sample.symbols for sample in draw_samples(machine, (interval,), count, settings, 1_000 + run.seed)]
    size, longest = machine.automaton.alphabet.size, max(map(len, words))
    tokens = torch.zeros(len(words), longest, dtype=torch.int64)
    labels = torch.zeros(len(words), longest + 1, 1 + size)
    mask = torch.zeros(len(words), longest + 1)
    for i, word in enumerate(words):
        tokens[i, : len(word)] = torch.tensor(word, dtype=torch.int64)
        mask[i, : len(word) + 1] = 1
        for t, following in enumerate(next_sets(machine, word)):
            labels[i, t, 0] = following.end
            labels[i, t, [1 + s for s in following.symbols]] = 1
    return tokens, labels, mask


def initial_model(run: Run, vocabulary: Vocabulary, folder: Path | None) -> torch.nn.Module:
    """The stock class with random or with compiled weights."""
    from transformers import AutoModelForCausalLM, MambaConfig, MambaForCausalLM

    if folder is not None:
        return AutoModelForCausalLM.from_pretrained(folder)
    torch.manual_seed(run.seed)
    return MambaForCausalLM(
        MambaConfig(
            vocab_size=vocabulary.size, hidden_size=run.width, num_hidden_layers=run.layers, **vocabulary.config()
        )
    )


def train(run: Run, model: torch.nn.Module, vocabulary: Vocabulary, machine: Machine, device: str) -> float:
    """Trains in place; the mean loss of the last hundred steps."""
    tokens, labels, mask = (part.to(device) for part in training_data(run, machine))
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.rate, weight_decay=run.decay)
    warm = max(1, run.steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / warm) * (1 - max(0, step - warm) / max(1, run.steps))
    )
    generator = torch.Generator().manual_seed(run.seed)
    batch = run.batch if run.language != FLIP_FLOP else run.batch // 4
    losses = []
    model.train()
    with fast_scan():
        for _ in range(run.steps):
            chosen = torch.randint(len(tokens), (batch,), generator=generator).to(device)
            logits = outputs(model, vocabulary, tokens[chosen])
            part = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels[chosen], reduction="none")
            loss = (part.mean(-1) * mask[chosen]).sum() / mask[chosen].sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
    model.eval()
    return float(torch.stack(losses[-100:]).mean()) if losses else float("nan")


def perform(run: Run, folders: str, device: str, count: int) -> dict[str, Any]:
    """Makes, trains and scores one model."""
    torch.set_num_threads(1)
    begin = time.perf_counter()
    automaton: Automaton = read_language(run.language).automaton
    machine = Machine.of(automaton)
    vocabulary = Vocabulary.of(automaton.alphabet, "predict", ())
    folder = None if run.kind == "learned" else Path(folders) / run.language
    model = initial_model(run, vocabulary, folder).to(device)
    row: dict[str, Any] = asdict(run)
    row |= {"layers": model.config.num_hidden_layers, "parameters": sum(p.numel() for p in model.parameters())}
    if run.steps:
        row["loss"] = train(run, model, vocabulary, machine, device)
    subject = Predictions(model.eval(), vocabulary, run.language)
    row["scores"] = []
    for interval, settings in sources(run):
        words = max(1, count // 10) if interval.high > 200 else count
        for score in evaluate(subject, automaton, (interval,), count=words, negatives=0, settings=settings, seed=7):
            row["scores"].append(score.to_json() | ({"ignore": float(settings.ignore)} if settings.ignore else {}))
    row["seconds"] = round(time.perf_counter() - begin, 1)
    return row


def compile_folders(languages: tuple[str, ...], folders: Path) -> tuple[str, ...]:
    """Compiles what is not there yet; the languages that the target takes."""
    from ssmc.compile import compile_language, write_model

    folders.mkdir(parents=True, exist_ok=True)
    done = []
    for name in languages:
        if not (folders / name / "config.json").exists():
            try:
                write_model(compile_language(read_language(name), mode="predict", target="mamba"), folders / name)
            except SsmcError as error:
                print(f"{name}: {error}", flush=True)
                continue
        done.append(name)
    return tuple(done)


def check_scan(device: str) -> float:
    """The largest difference of logits between the stock loop and our scan, on random weights."""
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(vocab_size=8, hidden_size=32, num_hidden_layers=2)).to(device).eval()
    tokens = torch.randint(8, (3, 70), device=device)
    with torch.inference_mode():
        stock = model(tokens, use_cache=False).logits
        with fast_scan():
            ours = model(tokens, use_cache=False).logits
    return float((stock - ours).abs().max())


def runs(options: argparse.Namespace, compiled: tuple[str, ...]) -> list[Run]:
    """What to do, the most telling first: one seed of everything, then the others."""
    out = []
    for seed in range(options.seeds):
        for name in options.language:
            out += [Run(name, "learned", layers, seed, options.steps) for layers in (1, 2, 3)]
            if name in compiled:
                out += [Run(name, "compiled", 0, seed, 0)] if not seed else []
                out.append(Run(name, "compiled, then trained", 0, seed, options.steps))
                out += [Run(name, "compiled, then trained without decay", 0, 0, options.steps, decay=0)] * (not seed)
    return out


def main() -> None:
    """Trains, scores, prints one line a model, and records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", action="append", help=f"a shipped grammar; default: {', '.join(LANGUAGES)}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3_000)
    parser.add_argument("--words", type=int, default=500, help="words of each bin; a tenth of that for the long ones")
    parser.add_argument("--workers", type=int, default=1, help="models at a time, each in a process of its own")
    parser.add_argument("--seconds", type=float, default=1e6, help="stop waiting for models after this time")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--folders", type=Path)
    parser.add_argument("--record", type=Path, nargs="?", const=RECORD)
    options = parser.parse_args()
    options.language = tuple(options.language or LANGUAGES)

    from ssmc.bench.machine import machine, machine_line

    found = machine()
    print(machine_line(found), flush=True)
    print(f"our scan in the stock class: largest difference of logits {check_scan(options.device):.2e}", flush=True)
    deadline = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as scratch:
        folders = options.folders or Path(scratch)
        todo = runs(options, compile_folders(options.language, folders))
        work = partial(perform, folders=str(folders), device=options.device, count=options.words)
        rows: list[dict[str, Any]] = []
        with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
            pending = [pool.apply_async(work, (run,)) for run in todo]
            for run, result in zip(todo, pending, strict=True):
                try:
                    row = result.get(timeout=max(0.1, deadline - time.monotonic()))
                except multiprocessing.TimeoutError:
                    print(f"{run.language}, {run.kind}, seed {run.seed}: not done in time", flush=True)
                    continue
                rows.append(row)
                scores = " ".join(f"{100 * score['strict_score']:.1f}" for score in row["scores"])
                loss = f"loss {row['loss']:.1e}, " if "loss" in row else ""
                print(f"{run.language}, {run.kind}, {row['layers']} layers, seed {run.seed}: {loss}{scores} "
                      f"({row['seconds']:.0f} s)", flush=True)  # fmt: skip
                if options.record:
                    record = {"machine": found, "steps": options.steps, "rows": rows}
                    options.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            pool.terminate()


if __name__ == "__main__":
    random.seed(0)
    main()
