"""Curves and heat maps, drawn by matplotlib (the extra `plot`), without its global state."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssmc.draw.canvas import INK, PALE, PALETTE
from ssmc.draw.render import write_whole
from ssmc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMATS = ("svg", "png", "pdf")
DPI = 130
MARKERS = "os^Dv*PX"


def new_figure(width: float, height: float) -> Any:
    """An empty figure of a size in inches.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("a plot needs matplotlib: pip install 'ssm-compiler[plot]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def draw_curves(
    series: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    x_label: str,
    y_label: str,
    *,
    shades: Sequence[tuple[float, float, str]] = (),
    bands: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
) -> Any:
    """Accuracies against length: a line for each series, lengths on a logarithmic axis, the part near 1 not cut off.

    Args:
        series: for each name its points (x, y), 0 <= y <= 1.
        title: of the picture.
        x_label: of the axis.
        y_label: of the axis.
        shades: ranges of x to be shaded, each with a word (`trained`).
        bands: for a name the least and the greatest y at each x, shaded in its colour.

    Raises:
        UsageError: matplotlib is not installed.
    """
    figure = new_figure(6.4, 3.8)
    axes = figure.add_subplot()
    for low, high, word in shades:
        axes.axvspan(low, high, color=PALE, alpha=0.15, lw=0)
        axes.text((low * high) ** 0.5, 0.02, word, ha="center", va="bottom", color=PALE, fontsize=8)
    for number, (name, points) in enumerate(series.items()):
        # lines that lie on each other stay visible: the first are the widest
        axes.plot(
            *zip(*points, strict=True),
            label=name,
            color=PALETTE[number % len(PALETTE)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=7 - min(number, 4),
            linewidth=max(1.0, 3.2 - 0.6 * number),
        )
        if bands and name in bands:
            axes.fill_between(*zip(*bands[name], strict=True), color=PALETTE[number % len(PALETTE)], alpha=0.18, lw=0)
    axes.set(xscale="log", ylim=(-0.04, 1.06), xlabel=x_label, ylabel=y_label)
    axes.set_title(title, fontsize=11, color=INK)
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
    axes.grid(visible=True, color=PALE, alpha=0.25, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="best")
    return figure


def figure_bytes(figure: Any, form: str) -> bytes:
    """The figure in a format of `FORMATS`; equal figures give equal bytes.

    Raises:
        UsageError: the format is unknown.
    """
    if form not in FORMATS:
        raise UsageError(f"cannot plot to .{form}: the formats are {', '.join(FORMATS)}")
    import matplotlib as mpl

    stream = io.BytesIO()
    stamp: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form, {})
    with mpl.rc_context({"svg.hashsalt": "ssmc", "svg.fonttype": "none"}):
        figure.savefig(stream, format=form, dpi=DPI, metadata=stamp)
    return stream.getvalue()


def write_figure(figure: Any, path: str | Path) -> None:
    """Writes the figure in the format of the path's extension; the file appears whole or not at all.

    Raises:
        UsageError: the format is unknown.
        OSError: the file cannot be written.
    """
    path = Path(path)
    write_whole(path, figure_bytes(figure, path.suffix.removeprefix(".").lower()))


def check_plot(path: str | Path) -> None:
    """Refuses a path that no figure can be written to, before any work is done.

    Raises:
        UsageError: the format is unknown, or matplotlib is not installed.
    """
    form = Path(path).suffix.removeprefix(".").lower()
    if form not in FORMATS:
        raise UsageError(f"cannot plot to .{form}: the formats are {', '.join(FORMATS)}")
    new_figure(1, 1)
