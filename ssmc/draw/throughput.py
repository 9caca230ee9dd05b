"""Throughput against length, both on logarithmic axes, under the line that a copy sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssmc.draw.canvas import INK, PALE, PALETTE
from ssmc.draw.plots import MARKERS, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Sequence[tuple[float, float]]


def draw_throughput(panels: Sequence[tuple[str, str, Mapping[str, Points], Points]], title: str) -> Any:
    """A panel for each measurement: its title, what is counted, the curves by name, and the limit.

    Args:
        panels: of each panel the title, the label of its vertical axis, the points (T, rate) of each curve, and those of the limit.
        title: of the picture.

    Raises:
        UsageError: matplotlib is not installed.
    """
    figure = new_figure(5.4 * len(panels), 3.9)
    for column, (name, label, curves, limit) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), 1 + column)
        axes.plot(*zip(*limit, strict=True), color=INK, linestyle="--", linewidth=1.2, label="limit: a copy")
        for number, (engine, points) in enumerate(curves.items()):
            axes.plot(
                *zip(*points, strict=True),
                label=engine,
                color=PALETTE[number % len(PALETTE)],
                marker=MARKERS[number % len(MARKERS)],
                markersize=5,
                linewidth=1.6,
            )
        axes.set(xscale="log", yscale="log", xlabel="T, the length of one string", ylabel=label)
        axes.set_xscale("log", base=2)
        axes.set_title(name, fontsize=10, color=INK)
        axes.grid(visible=True, color=PALE, alpha=0.25, lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="best")
    figure.suptitle(title.replace("; ", "\n", 1), fontsize=8, color=PALE)
    return figure
