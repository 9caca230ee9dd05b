"""Identity-reset levels over a context automaton: choose the arrows that reset, the rest hold.

Fix a set R of arrows (context, class) that overwrite. What the value then can tell is the last arrow of R that was taken (or that none was), so the blocks
are the closures under the other arrows, which hold (`closures.py`), of the images F_c·x of the arrows in R and of the initial state (DESIGN 5.3, *Search*).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.closures import Points, draft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.cascade.closures import Draft
    from ssmc.cascade.system import Mask

HOLD_MOVE = -1
FREE_MOVE = -2
_ROUNDS = 6


@dataclass(frozen=True)
class Level:
    """One level: its blocks and what each arrow does to its value.

    Attributes:
        points: the context automaton that the level refines.
        blocks: for each context value -> block, or None where the level does not refine.
        moves: `moves[c][x]`: the value that the arrow sets, `HOLD_MOVE`, or `FREE_MOVE` where the next context is not refined.
        initial: the value at the initial context (0 if that is not refined).
    """

    points: Points
    blocks: tuple[dict[int, Mask] | None, ...]
    moves: tuple[tuple[int, ...], ...]
    initial: int

    def after(self, context: int, value: int, x: int) -> tuple[int, int]:
        """The next context and value; the value is `FREE_MOVE` where it is stale."""
        move = self.moves[context][x]
        return self.points.contexts.arrows[context][x], value if move == HOLD_MOVE else move


def build(sketch: Draft, *, strict: bool) -> Level | None:
    """The level of a draft, or None if it tells nothing. Arrows whose image lies in one block anyway are added to the resets.

    Args:
        sketch: the choice of resetting arrows.
        strict: refine a context only where every block is a proper part of its fibre.
    """
    points, resets, families = sketch.points, sketch.resets, sketch.families
    for _ in range(_ROUNDS):
        blocks = _blocks(points, families, strict=strict)
        if all(block is None for block in blocks):
            return None
        inside = _inside_one_block(points, blocks, resets)
        if not inside.any():
            break
        resets = resets | inside
        families = draft(points, [resets])[0].families
    else:
        blocks = _blocks(points, families, strict=strict)
    return _level(points, blocks, resets)


def _blocks(points: Points, families: NDArray[np.bool_], *, strict: bool) -> list[dict[int, Mask] | None]:
    blocks: list[dict[int, Mask]] = [{} for _ in points.contexts.fibres]
    names = list(points.number)
    rows, values = np.nonzero(families)
    for row, i in zip(rows.tolist(), values.tolist(), strict=True):
        c, q = names[row]
        blocks[c][i] = blocks[c].get(i, 0) | 1 << q
    test = all if strict else any
    return [
        block if fibre & (fibre - 1) and test(mask != fibre for mask in block.values()) else None
        for block, fibre in zip(blocks, points.contexts.fibres, strict=True)
    ]


def _fitting(block: dict[int, Mask], image: Mask) -> int | None:
    """The smallest block that contains a set."""
    fits = [(mask.bit_count(), i) for i, mask in block.items() if image & ~mask == 0]
    return min(fits)[1] if fits else None


def _inside_one_block(
    points: Points, blocks: list[dict[int, Mask] | None], resets: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The holding arrows whose image lies in one block of a refined context: they may as well reset."""
    found = np.zeros_like(resets)
    for arrow in np.flatnonzero(~resets & (points.targets != DEAD)).tolist():
        block = blocks[points.targets[arrow]]
        if block is not None and _fitting(block, points.images[arrow]) is not None:
            found[arrow] = True
    return found


def _level(points: Points, blocks: list[dict[int, Mask] | None], resets: NDArray[np.bool_]) -> Level | None:
    moves = []
    for c, row in enumerate(points.contexts.arrows):
        moves_of = []
        for x, d in enumerate(row):
            block = blocks[d] if d != DEAD else None
            arrow = c * points.width + x
            if block is None:
                moves_of.append(FREE_MOVE)
            elif resets[arrow] or blocks[c] is None:
                value = _fitting(block, points.images[arrow])
                if value is None:
                    return None
                moves_of.append(value)
            else:
                moves_of.append(HOLD_MOVE)
        moves.append(tuple(moves_of))
    first = blocks[0]
    initial = 0 if first is None else _fitting(first, 1)
    return None if initial is None else Level(points, tuple(blocks), tuple(moves), initial)
