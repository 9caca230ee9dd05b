"""The languages of the paper and the bestiary, compiled and scored: the tables of docs/paper.md.

    python benchmarks/paper.py [--grammar NAME]... [--count N] [--long N] [--record]
    python benchmarks/paper.py --families
    python benchmarks/paper.py --page

The first form compiles every shipped grammar in both modes for the first target whose gates suffice, proves it, and evaluates the predicting model on the bins
of the paper and on one string of a million symbols (and near misses of each). The second adds bounded Dyck languages by rule to the record. The third writes the tables of the records into docs/paper.md, those of
benchmarks/records/learned.json too where that is there (benchmarks/learned), and draws the pictures beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "benchmarks" / "records" / "paper.json"
LEARNED = ROOT / "benchmarks" / "records" / "learned.json"
PAGE = ROOT / "docs" / "paper.md"
PICTURES = ROOT / "docs" / "pictures"
FAMILIES = ((1, 12), (2, 3), (2, 4), (4, 5), (8, 4), (8, 10))
"""Kinds of brackets and depths of the Dyck languages by rule."""
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

STAR_FREE = (
    "tomita-1",
    "tomita-2",
    "tomita-4",
    "tomita-7",
    "abcde",
    "ab-d-bc",
    "zeros-two",
    "d-2",
    "d-3",
    "d-4",
    "d-12",
)
OTHERS = ("parity", "aa-even", "aaaa", "abab", "tomita-3", "tomita-5", "tomita-6")
MEMORY = ("flip-flop-bits", "dyck-2-4")
PAPER = (*STAR_FREE, *OTHERS, *MEMORY)
"""The 18 regular languages of Sarrof, Veitsman and Hahn 2024, the flip-flop, and a bounded Dyck language."""
TITLES = {
    "tomita-1": "Tomita 1, `a*`", "tomita-2": "Tomita 2, `(ab)*`", "tomita-4": "Tomita 4, no `aaa`", "tomita-7": "Tomita 7, `b*a*b*a*`",
    "abcde": "`aa*bb*cc*dd*ee*`", "ab-d-bc": "`[ab]*d[bc]*`", "zeros-two": "`[012]*02*`", "d-2": "D_2", "d-3": "D_3", "d-4": "D_4",
    "d-12": "D_12", "parity": "PARITY", "aa-even": "`(aa)*`", "aaaa": "`(aaaa)*`", "abab": "`(abab)*`", "tomita-3": "Tomita 3",
    "tomita-5": "Tomita 5", "tomita-6": "Tomita 6", "flip-flop-bits": "flip-flop, `w r i 0 1`", "dyck-2-4": "Dyck(2, 4)",
}  # fmt: skip
PUBLISHED = (
    ("D_12, Mamba of 1 layer", "93.65 %", "93.35 %"),
    ("D_12, Mamba of 2 layers", "99.9 %", "95.55 %"),
    ("D_12, Mamba of 3 layers", "99.99 %", "99.85 %"),
    ("PARITY, Mamba of 3 layers", "91.15 %", "16.7 %"),
)
"""Strict scores of trained models as the paper gives them, for the bin of the training lengths and the next one: quoted, not measured here."""


def measure(name: str, count: int, long: int) -> dict[str, Any]:
    """One row: what the language is, what it compiles to in both modes, and how the predicting model scores."""
    from ssmc.compile import compile_language
    from ssmc.evaluate import ModelSubject, evaluate
    from ssmc.languages import parse_grammar, read_language, shipped_grammars
    from ssmc.sample.draw import PAPER_BINS, Bin

    (path,) = (path for path in shipped_grammars() if path.stem == name)
    grammar, language = parse_grammar(path.read_text(encoding="utf-8"), str(path)), read_language(name)
    row: dict[str, Any] = {"name": name, "star_free": grammar.star_free}
    row |= {"states": grammar.complete_states, "monoid": grammar.monoid_size, "why": grammar.why}
    for mode in ("predict", "recognise"):
        compiled = compile_language(language, mode=mode, target="auto")
        shape = compiled.weights.shape
        row[mode] = {
            "target": compiled.target.name,
            "gates": compiled.target.gates,
            "layers": shape.layers,
            "channels": shape.channels,
            "units": shape.hidden_units,
            "taps": shape.conv_width,
            "product_states": compiled.certificate.product_states,
            "proof": compiled.certificate.proof,
        }
        if mode == "recognise":
            continue
        subject = ModelSubject(compiled.model, name)
        start = time.process_time()
        scores = [*evaluate(subject, language.automaton, PAPER_BINS, count=count)]
        if long:
            scores += evaluate(subject, language.automaton, (Bin(long, long),), count=1)
        row["scores"] = [score.to_json() for score in scores]
        row["evaluation_seconds"] = round(time.process_time() - start, 2)
    return row


def family(kinds: int, depth: int) -> dict[str, Any]:
    """Dyck(K, m) by rule, in both modes."""
    from ssmc.compile import compile_language
    from ssmc.languages import read_language

    name = f"dyck:{kinds},{depth}"
    row: dict[str, Any] = {"name": name}
    for mode in ("predict", "recognise"):
        start = time.process_time()
        compiled = compile_language(read_language(name), mode=mode)
        parts = [
            part for part in compiled.weights.config["components"] if part["kind"] == "reset" and not part["latch"]
        ]
        row |= {"states": compiled.cascade.automaton.states, "registers": len(parts)}
        row[mode] = {
            "layers": compiled.weights.shape.layers,
            "channels": compiled.weights.shape.channels,
            "proof": compiled.certificate.proof,
            "cases": compiled.certificate.product_states,
            "seconds": round(time.process_time() - start, 1),
        }
    return row


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def percent(score: dict[str, Any]) -> str:
    """A strict score: 100 % only where every word is right."""
    value = score["strict_score"]
    return "100 %" if score["strict"] == score["strings"] else f"{100 * value:.2f} %"


def algebra_table(rows: dict[str, dict[str, Any]], names: Sequence[str]) -> str:
    """What the languages are and what they cost."""
    out = []
    for name in names:
        row = rows[name]
        one, two = row["predict"], row["recognise"]
        out.append(
            [TITLES.get(name, name), "yes" if row["star_free"] else "no", row["states"], row["monoid"], one["gates"]]
            + [f"{shape['layers']} / {shape['channels']}" for shape in (one, two)]
        )
    head = [
        "language",
        "star-free",
        "states",
        "monoid",
        "gates",
        "predict: layers / channels",
        "recognise: layers / channels",
    ]
    return table(head, out)


def score_table(rows: dict[str, dict[str, Any]], names: Sequence[str]) -> str:
    """Strict scores of the compiled models, bin by bin."""
    first = rows[names[0]]["scores"]
    head = ["language"] + [
        f"{s['bin'][0]:,}..{s['bin'][1]:,}" if s["bin"][0] != s["bin"][1] else f"{s['bin'][0]:,}" for s in first
    ]
    out = []
    for name in names:
        scores = rows[name]["scores"]
        told = sum(s["accepted"] + s["rejected"] for s in scores)
        every = sum(s["strings"] + s["negatives"] for s in scores)
        out.append([TITLES.get(name, name), *map(percent, scores), f"{told:,} of {every:,}"])
    return table([*head, "words and near misses told apart"], out)


def bestiary_table(rows: dict[str, dict[str, Any]]) -> str:
    """The other grammars, with why they are there."""
    names = [name for name in rows if name not in PAPER]
    out = []
    for name in names:
        row = rows[name]
        cost = f"{row['predict']['layers']} / {row['recognise']['layers']}"
        out.append(
            [
                f"`{name}`",
                "yes" if row["star_free"] else "no",
                row["states"],
                row["monoid"],
                row["predict"]["gates"],
                cost,
                row["why"],
            ]
        )
    return table(["grammar", "star-free", "states", "monoid", "gates", "layers", "why it is here"], out)


def family_table(rows: Iterable[dict[str, Any]]) -> str:
    """Bounded Dyck languages by rule."""
    out = []
    for row in rows:
        one, two = row["predict"], row["recognise"]
        out.append(
            [f"`{row['name']}`", f"{row['states']:,}", row["registers"]]
            + [f"{shape['layers']} / {shape['channels']}" for shape in (one, two)]
            + [f"{one['proof']}, {one['cases']:,}", f"{one['seconds']} s"]
        )
    head = ["language", "live states", "registers", "predict: layers / channels", "recognise: layers / channels"]
    return table([*head, "proof (predict), states or cases", "processor time (predict)"], out)


def published_table() -> str:
    """The paper's own figures."""
    return table(["trained model", "bin 1", "bin 2"], PUBLISHED)


def bin_title(score: dict[str, Any]) -> str:
    """A range of lengths, one length, or a source of the flip-flop."""
    low, high = score["bin"]
    if "ignore" in score:
        return f"FFL({score['ignore']}), {high:,}"
    return f"{low:,}..{high:,}" if low != high else f"{low:,}"


def learned_table(rows: Sequence[dict[str, Any]]) -> str:
    """Learned, compiled and compiled-then-trained models: the mean strict score over seeds with the least and the greatest."""
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["language"], row["kind"], row["layers"]), []).append(row)
    longest = max(rows, key=lambda row: len(row["scores"]))["scores"]
    out = []
    for (language, kind, layers), members in groups.items():
        cells = []
        for place in range(len(longest)):
            values = [100 * r["scores"][place]["strict_score"] for r in members if place < len(r["scores"])]
            mean = f"{sum(values) / len(values):.1f} %" if values else ""
            apart = len(values) > 1 and min(values) != max(values)
            cells.append(mean + (f" [{min(values):.1f} .. {max(values):.1f}]" if apart else ""))
        out.append([TITLES.get(language, language), kind, layers, len(members), *cells])
    return table(["language", "model", "layers", "seeds", *map(bin_title, longest)], out)


def learned_setting(record: dict[str, Any]) -> str:
    """How the models of the tables were trained, from the record."""
    from ssmc.bench.machine import machine_line

    rows = [row for row in record["rows"] if row["kind"] == "learned"]
    sizes = ", ".join(sorted({f"{row['strings']:,}" for row in rows}))
    steps, batches, widths = (
        ", ".join(sorted({f"{row[key]:,}" for row in rows})) for key in ("steps", "batch", "width")
    )
    return (
        f"Steps of AdamW: {steps}; batch {batches}; width {widths}; training strings {sizes}; strict scores over "
        f"{', '.join(sorted({str(s['strings']) for row in rows for s in row['scores']}))} strings of each kind. {machine_line(record['machine'])}.\n"
    )


def tables(record: dict[str, Any], learned: dict[str, Any] | None) -> dict[str, str]:
    """Every table of the page, by name."""
    rows = {row["name"]: row for row in record["rows"]}
    out = {
        "languages": algebra_table(rows, PAPER),
        "scores": score_table(rows, PAPER),
        "bestiary": bestiary_table(rows),
        "published": published_table(),
        "families": family_table(record["families"]),
    }
    if learned:
        flip = [row for row in learned["rows"] if "ignore" in row["scores"][0]]
        out["learned"] = learned_table([row for row in learned["rows"] if row not in flip])
        out["flipflop"] = learned_table(flip)
        out["setting"] = learned_setting(learned)
    return out


def page(text: str) -> str:
    """The page with the tables of the records."""
    learned = json.loads(LEARNED.read_text(encoding="utf-8")) if LEARNED.exists() else None
    made = tables(json.loads(RECORD.read_text(encoding="utf-8")), learned)
    return TABLE.sub(lambda match: match[1] + made.get(match[2], "") + match[3], text)


def write_record(record: dict[str, Any]) -> None:
    """One line for each row."""
    rows, families = (",\n".join("  " + json.dumps(row) for row in record[key]) for key in ("rows", "families"))
    head = ", ".join(f'"{key}": {json.dumps(record[key])}' for key in ("machine", "count", "long"))
    RECORD.write_text(f'{{{head},\n "families": [\n{families}\n],\n "rows": [\n{rows}\n]}}\n', encoding="utf-8")


def draw(folder: Path) -> None:
    """The pictures of the page: two strings traced through their models."""
    from ssmc.cli import main as ssmc

    for name, source, string in (
        ("flip-flop", "flip-flop-bits", "w1i0i1r1w0i1r0"),
        ("dyck", "dyck:2,3", "([[]])[(())]"),
    ):
        model = folder / f"{name}.pt"
        files = [str(folder / f"{name}-{what}.svg") for what in ("states", "reach")]
        for args in (
            ["compile", source, "--mode", "predict", "-o", str(model)],
            ["trace", str(model), string, "--picture", files[0], "--map", files[1]],
        ):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
                ssmc(args)
        model.unlink()


def main() -> None:
    """Measures and records, or writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grammar", action="append")
    parser.add_argument("--count", type=int, default=200, help="words of each bin")
    parser.add_argument("--long", type=int, default=1_000_000, help="length of the long string; 0 for none")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--families", action="store_true", help="add bounded Dyck languages by rule to the record")
    parser.add_argument("--page", action="store_true", help="write the tables into docs/paper.md and draw its pictures")
    options = parser.parse_args()
    if options.page:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        PICTURES.mkdir(exist_ok=True)
        draw(PICTURES)
        return
    if options.families:
        record = json.loads(RECORD.read_text(encoding="utf-8"))
        write_record(record | {"families": [family(*pair) for pair in FAMILIES]})
        return
    import torch

    from ssmc.bench.machine import machine, machine_line
    from ssmc.languages import shipped_grammars

    torch.set_num_threads(1)
    found = machine()
    print(machine_line(found), flush=True)
    rows = []
    for name in options.grammar or [path.stem for path in shipped_grammars()]:
        row = measure(name, options.count, options.long)
        rows.append(row)
        scores = " ".join(percent(score) for score in row["scores"])
        print(f"{name}: {row['predict']['target']}, {row['predict']['layers']} layers, {scores}", flush=True)
    wrong = [
        row["name"]
        for row in rows
        if any(s["strict"] != s["strings"] or s["rejected"] != s["negatives"] for s in row["scores"])
    ]
    print(f"{len(rows)} languages, wrong somewhere: {', '.join(wrong) or 'none'}")
    if options.record:
        families = [family(*pair) for pair in FAMILIES]
        found = {"machine": found, "count": options.count, "long": options.long, "families": families}
        write_record(found | {"rows": rows})
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
