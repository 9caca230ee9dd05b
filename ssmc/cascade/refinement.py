"""Levels side by side over one context automaton, of whatever kind, and the contexts that they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ssmc.automaton import DEAD
from ssmc.cascade.closures import Points
from ssmc.cascade.levels import HOLD_MOVE, Level
from ssmc.cascade.system import Contexts, System, explore_contexts
from ssmc.errors import LimitError
from ssmc.minimize import coarsest_partition

if TYPE_CHECKING:
    from ssmc.cascade.system import Mask


class AnyLevel(Protocol):
    """One level, whatever its arrows do to its value."""

    @property
    def points(self) -> Points:
        """The context automaton that the level refines."""

    @property
    def blocks(self) -> tuple[dict[int, Mask] | None, ...]:
        """For each context value -> block, or None where the level does not refine."""

    @property
    def values(self) -> int:
        """The number of blocks of all contexts that are refined."""

    @property
    def start(self) -> int:
        """The value at the initial context, `FREE_MOVE` if that is not refined."""

    def after(self, context: int, value: int, x: int) -> tuple[int, int]:
        """The next context and value; the value is `FREE_MOVE` where it is stale."""


@dataclass(frozen=True)
class Refinement:
    """Levels side by side over one context automaton, and the contexts that they lead to, bisimilar ones merged.

    Attributes:
        levels: the levels.
        points: the merged contexts.
        merged: (context, one value a level) -> merged context.
    """

    levels: tuple[AnyLevel, ...]
    points: Points
    merged: dict[tuple[int, tuple[int, ...]], int]

    @property
    def initial(self) -> tuple[int, ...]:
        """The values at the initial context."""
        return tuple(level.start for level in self.levels)

    def after(self, context: int, values: tuple[int, ...], x: int) -> tuple[int, ...]:
        """The values after class x."""
        return tuple(level.after(context, value, x)[1] for level, value in zip(self.levels, values, strict=True))


def refine(levels: tuple[AnyLevel, ...], *, limit: int) -> Refinement | None:
    """The reachable contexts after some levels of one context automaton, merged where fibres and all futures agree.

    None where there are more than `limit` points before merging.
    """
    points = levels[0].points
    arrows = points.contexts.arrows
    start = tuple(level.start for level in levels)

    def step(name: tuple[int, tuple[int, ...]], x: int, _: int) -> tuple[int, tuple[int, ...]]:
        context, values = name
        after = tuple([level.after(context, value, x)[1] for level, value in zip(levels, values, strict=True)])
        return arrows[context][x], after

    resets = [level for level in levels if isinstance(level, Level)]
    moves = [list(zip(*rows, strict=True)) for rows in zip(*(level.moves for level in resets), strict=True)]

    def step_resets(name: tuple[int, tuple[int, ...]], x: int, _: int) -> tuple[int, tuple[int, ...]]:
        """The same where every level holds or overwrites, faster."""
        context, values = name
        after = moves[context][x]
        if HOLD_MOVE in after:
            after = tuple([v if move == HOLD_MOVE else move for v, move in zip(values, after, strict=True)])
        return arrows[context][x], after

    try:
        contexts, names = explore_contexts(
            points.system, (0, start), step_resets if len(resets) == len(levels) else step, limit=limit
        )
    except LimitError:
        return None
    merged, after = merge(points.system, contexts)
    return Refinement(levels, after, dict(zip(names, merged, strict=True)))


def merge(system: System, contexts: Contexts) -> tuple[list[int], Points]:
    """Merges bisimilar contexts: the merged number of each, and the merged automaton."""
    blocks = coarsest_partition(contexts.arrows, contexts.fibres)
    number: dict[int, int] = {}
    merged = [number.setdefault(block, len(number)) for block in blocks]
    first = [merged.index(i) for i in range(len(number))]
    arrows = tuple(tuple(merged[d] if d != DEAD else DEAD for d in contexts.arrows[c]) for c in first)
    return merged, Points(system, Contexts(tuple(contexts.fibres[c] for c in first), arrows))
