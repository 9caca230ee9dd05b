"""Heat maps: what is known at each symbol, and how far each symbol reaches."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from ssmc.draw.canvas import ACCENT, INK, PALE
from ssmc.draw.plots import new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

COLOURS = "tab20"
"""The colour map of values: neighbours differ, light ones in between so that black text stays readable."""
TICKS = 60
"""Columns up to which every one is labelled."""


class Row(NamedTuple):
    """One line of a grid.

    Attributes:
        name: its label.
        values: a number for each column, which chooses the colour; None leaves the cell white.
        texts: what is written into each cell.
        marks: whether each cell is framed: something was written there.
    """

    name: str
    values: Sequence[int | None]
    texts: Sequence[str]
    marks: Sequence[bool]


def draw_grid(rows: Sequence[Row], columns: Sequence[str], title: str, note: str = "") -> Any:
    """A line for each row, a cell for each symbol, one colour for each value of a row.

    Raises:
        UsageError: matplotlib is not installed.
    """
    import matplotlib as mpl
    from matplotlib.patches import Rectangle

    widest = max((len(text) for row in rows for text in row.texts), default=1)
    cell = min(1.1, 0.28 + 0.075 * widest)
    figure = new_figure(min(40.0, 1.6 + cell * len(columns)), 1.1 + 0.36 * len(rows))
    axes = figure.add_subplot()
    colours = mpl.colormaps[COLOURS]
    for y, row in enumerate(rows):
        order = {v: i for i, v in enumerate(sorted({v for v in row.values if v is not None}))}
        for x, (value, text) in enumerate(zip(row.values, row.texts, strict=True)):
            if value is not None:
                # odd entries of the map are its light shades
                face = colours((2 * order[value] + 1 + y) % 20 | 1)
                axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor="white", linewidth=0.8))
            axes.text(x, y, text, ha="center", va="center", fontsize=8, color=INK)
    for y, row in enumerate(rows):
        for x, mark in enumerate(row.marks):
            if mark:
                frame = Rectangle((x - 0.46, y - 0.42), 0.92, 0.84, fill=False, edgecolor=ACCENT, linewidth=1.6)
                axes.add_patch(frame)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=9)
    axes.set_xticks(range(len(columns)), columns, fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=11, color=INK)
    if note:
        axes.set_xlabel(note, fontsize=8, color=PALE)
    return figure


def draw_maps(maps: Mapping[str, NDArray[np.float64]], columns: Sequence[str], title: str) -> Any:
    """A square heat map for each matrix, side by side: rows are places of the output, columns of the input.

    Args:
        maps: for each title a matrix (T, T) with entries from 0 to 1.
        columns: the T symbols.
        title: of the picture.

    Raises:
        UsageError: matplotlib is not installed.
    """
    across = min(3, max(1, len(maps)))
    down = ceil(len(maps) / across) or 1
    side = min(9.0, 1.3 + 0.16 * len(columns))
    figure = new_figure(1.0 + side * across, 0.8 + (side + 0.3) * down)
    figure.suptitle(title, fontsize=11, color=INK)
    grid = figure.subplots(down, across, squeeze=False).flatten()
    image = None
    for axes, (name, matrix) in zip(grid, maps.items(), strict=False):
        image = axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="equal")
        axes.set_title(name, fontsize=9, color=INK)
        if len(columns) <= TICKS:
            axes.set_xticks(range(len(columns)), columns, fontsize=7)
            axes.set_yticks(range(len(columns)), columns, fontsize=7)
        axes.tick_params(length=0)
        axes.set_xlabel("symbol read", fontsize=8, color=PALE)
        axes.set_ylabel("after symbol", fontsize=8, color=PALE)
    for axes in grid[len(maps) :]:
        axes.set_visible(False)
    if image is not None:
        figure.colorbar(image, ax=list(grid[: len(maps)]), fraction=0.025, label="weight")
    return figure
