"""Identity-reset levels over a context automaton: choose the arrows that reset, the rest hold.

Fix a set R of arrows (context, class) that overwrite. What the value then can tell is the last arrow of R that was taken (or that none was), so the blocks
are the closures under the other arrows, which hold (`closures.py`), of the images F_c·x of the arrows in R and of the initial state (DESIGN 5.3, *Search*).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.closures import draft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.cascade.closures import Draft, Points
    from ssmc.cascade.system import Mask

HOLD_MOVE = -1
FREE_MOVE = -2
_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Level:
    """One level: its blocks and what each arrow does to its value.

    Attributes:
        sketch: the closures that are the blocks.
        refined: (contexts,) which contexts the level refines.
        moves: `moves[c][x]`: the value that the arrow sets, `HOLD_MOVE`, or `FREE_MOVE` where the next context is not refined.
        start: the value at the initial context, `FREE_MOVE` if that is not refined.
    """

    sketch: Draft
    refined: NDArray[np.bool_]
    moves: tuple[tuple[int, ...], ...]
    start: int

    @property
    def points(self) -> Points:
        """The context automaton that the level refines."""
        return self.sketch.points

    @cached_property
    def blocks(self) -> tuple[dict[int, Mask] | None, ...]:
        """For each context value -> block, or None where the level does not refine."""
        blocks: list[dict[int, Mask]] = [{} for _ in self.refined]
        names = list(self.points.number)
        rows, values = np.nonzero(self.sketch.families)
        for row, i in zip(rows.tolist(), values.tolist(), strict=True):
            c, q = names[row]
            blocks[c][i] = blocks[c].get(i, 0) | 1 << q
        return tuple(block if refined else None for block, refined in zip(blocks, self.refined.tolist(), strict=True))

    @cached_property
    def values(self) -> int:
        """The number of blocks of all contexts that are refined."""
        return int(np.count_nonzero(self.sketch.counts[self.refined]))

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
    points = sketch.points
    live = points.targets != DEAD
    for last in [False] * _ROUNDS + [True]:
        refined = _refined(sketch, strict=strict)
        if not refined.any():
            return None
        # a holding arrow whose image lies in one block of a refined context may as well reset
        one: NDArray[np.bool_] = np.any(sketch.around, axis=1)
        inside = ~sketch.resets & live & refined[points.targets] & one[points.seed_of_arrow]
        if last or not inside.any():
            break
        sketch = draft(points, [sketch.resets | inside])[0]
    return _level(sketch, refined)


def _refined(sketch: Draft, *, strict: bool) -> NDArray[np.bool_]:
    """(contexts,) where the blocks of a draft tell something."""
    sizes = sketch.points.fibre_sizes
    full = sketch.counts == sizes[:, None]
    told = ~np.any(full, axis=1) if strict else np.any((sketch.counts > 0) & ~full, axis=1)
    refined: NDArray[np.bool_] = (sizes > 1) & told
    return refined


def _level(sketch: Draft, refined: NDArray[np.bool_]) -> Level | None:
    """What the arrows do; None if no block contains the image of an arrow that has to reset, or the initial state."""
    points = sketch.points
    into = (points.targets != DEAD) & refined[points.targets]
    sets = into & (sketch.resets | ~np.repeat(refined, points.width))
    arrows = np.flatnonzero(sets)
    values = sketch.smallest_around(points.seed_of_arrow[arrows], points.targets[arrows])
    first = int(sketch.smallest_around(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))[0])
    if (values < 0).any() or (refined[0] and first < 0):
        return None
    moves = np.where(into, HOLD_MOVE, FREE_MOVE)
    moves[arrows] = values
    rows = tuple(map(tuple, moves.reshape(-1, points.width).tolist()))
    return Level(sketch, refined, rows, first if refined[0] else FREE_MOVE)
