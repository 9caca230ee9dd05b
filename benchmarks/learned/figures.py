"""One picture a language from benchmarks/records/learned.json: strict score against length, learned beside compiled; mean, least and greatest over seeds.

python benchmarks/learned/figures.py [--folder docs/pictures]
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from train import RECORD

from ssmc.draw.plots import draw_curves, new_figure, write_figure

KINDS = ("compiled", "compiled, then trained without decay", "compiled, then trained", "learned")


def label(kind: str, layers: int) -> str:
    """What a line or a dot stands for."""
    return f"{kind}, {layers} layer{'s' * (layers > 1)}" if kind == "learned" else kind


def curves(rows: list[dict[str, Any]]) -> dict[str, list[tuple[float, list[float]]]]:
    """For each kind of model and number of layers the strict scores of all seeds, by the greatest length of the bin."""
    found: dict[tuple[int, int, str], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        curve = found[KINDS.index(row["kind"]), row["layers"], label(row["kind"], row["layers"])]
        for score in row["scores"]:
            curve[score["bin"][1]].append(score["strict_score"])
    return {name: sorted(curve.items()) for (_, _, name), curve in sorted(found.items())}


def draw_sets(title: str, rows: list[dict[str, Any]]) -> Any:
    """The flip-flop: every model on each set of strings, all of one length; a dot a seed."""
    figure = new_figure(6.4, 3.4)
    axes = figure.add_subplot()
    sets = sorted({score["ignore"] for row in rows for score in row["scores"]})
    names = sorted({(KINDS.index(row["kind"]), row["layers"], row["kind"]) for row in rows})
    for place, (_, layers, kind) in enumerate(names):
        for row in rows:
            if (row["kind"], row["layers"]) == (kind, layers):
                for score in row["scores"]:
                    offset = 0.09 * (place - (len(names) - 1) / 2)
                    axes.plot(sets.index(score["ignore"]) + offset, score["strict_score"], "o", color=f"C{place}",
                              markersize=6, alpha=0.7)  # fmt: skip
        axes.plot([], [], "o", color=f"C{place}", label=label(kind, layers))
    axes.set(ylim=(-0.04, 1.06), ylabel="strings with every position right")
    axes.set_xticks(range(len(sets)), [f"FFL({p})" for p in sets])
    axes.set_title(title, fontsize=11)
    axes.grid(visible=True, axis="y", alpha=0.25, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def main() -> None:
    """Writes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[2] / "docs" / "pictures")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    languages: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in json.loads(RECORD.read_text(encoding="utf-8"))["rows"]:
        languages[row["language"]].append(row)
    for language, rows in languages.items():
        if "ignore" in rows[0]["scores"][0]:
            figure = draw_sets(f"{language}: 512 symbols, trained on FFL(0.8)", rows)
        else:
            found = curves(rows)
            means = {name: [(x, sum(ys) / len(ys)) for x, ys in curve] for name, curve in found.items()}
            bands = {name: [(x, min(ys), max(ys)) for x, ys in curve] for name, curve in found.items()}
            y_label = "strings with every position right"
            shades = [(1, 50, "trained")]
            figure = draw_curves(means, language, "length (up to)", y_label, shades=shades, bands=bands)
        write_figure(figure, options.folder / f"learned-{language}.svg")


if __name__ == "__main__":
    main()
