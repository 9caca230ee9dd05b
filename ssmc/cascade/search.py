"""Beam search for short sequences of identity-reset levels over a context automaton."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.covering import STALE, Covering
from ssmc.cascade.levels import FREE_MOVE, Draft, Points, Refinement, build, draft, merge, refine
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ssmc.cascade.base import Base
    from ssmc.cascade.system import System

_ALL_SUBSETS = 6
"""Up to this number of classes every subset of them is tried as the resetting letters."""


@dataclass(frozen=True)
class Budget:
    """How much a search may do; counted in work, not in seconds, so that results are reproducible.

    Attributes:
        beam: partial sequences kept a level.
        work: bit operations that the closures may take.
        points: the greatest number of points (c, q) of a context automaton.
    """

    beam: int
    work: int
    points: int


@dataclass(frozen=True)
class Sequence:
    """A sequence of refinements, each of the contexts of the one before."""

    points: Points
    steps: tuple[Refinement, ...]

    @property
    def score(self) -> tuple[float, int, int]:
        """How much is still unknown: largest and mean fibre, number of contexts, number of values."""
        sizes = self.points.fibre_sizes
        values = sum(len(block or ()) for step in self.steps for block in step.level.blocks)
        return float(sizes.max() + 2 * (sizes - 1).mean()), len(sizes), values


def search_levels(base: Base, budget: Budget, depth: int) -> Iterator[Sequence]:
    """The sequences of the fewest levels, at most `depth`, that the beam finds within its budget, best first."""
    _, points = merge(base.system, base.contexts)
    beam = [Sequence(points, ())]
    work = budget.work
    for level in range(depth + 1):
        done = [sequence for sequence in beam if sequence.points.is_exact]
        if done or level == depth or work < 0:
            yield from done
            return
        found: dict[object, Sequence] = {}
        for sequence in beam:
            sketches, spent = _drafts(sequence.points, work // len(beam), last=level + 1 == depth)
            work -= spent
            for sketch in sketches[: 2 * budget.beam]:
                for strict in (True, False):
                    built = build(sketch, strict=strict)
                    if built is None:
                        continue
                    step = refine(built)
                    if len(step.points.number) <= budget.points:
                        following = Sequence(step.points, (*sequence.steps, step))
                        key = step.points.contexts
                        if key not in found or following.score < found[key].score:
                            found[key] = following
        beam = sorted(found.values(), key=lambda s: s.score)[: budget.beam]
        if not beam:
            return


def _drafts(points: Points, work: int, *, last: bool) -> tuple[list[Draft], int]:
    """Drafts of the next level, best first, and the work that they took. A last level must reset wherever the image is one state, no more and no less."""
    drafts = []
    seen: set[bytes] = set()
    spent = 0
    for resets in [points.image_sizes == 1] if last else _candidates(points):
        key = np.packbits(resets).tobytes()
        if key in seen:
            continue
        seen.add(key)
        sketch = draft(points, resets)
        spent += sketch.work
        drafts.append(sketch)
        if spent > work:
            break
    return sorted(drafts, key=lambda sketch: sketch.score), spent


def _candidates(points: Points) -> Iterator[NDArray[np.bool_]]:
    """Sets of resetting arrows: by letters, by what the arrows do to the fibres, and both."""
    live = points.targets != DEAD
    constant = points.image_sizes == 1
    target_sizes = np.where(live, points.fibre_sizes[points.targets], 0)
    own_sizes = np.repeat(points.fibre_sizes, points.width)
    into = points.image_sizes < target_sizes
    shrink = points.image_sizes < own_sizes
    letters = np.tile(np.arange(points.width), len(points.fibre_sizes))
    structural = [constant, into, shrink, into | shrink, constant & into, _leaving(points)]
    yield from structural
    for subset in _letter_subsets(points.width):
        chosen = np.isin(letters, subset)
        yield chosen
        yield chosen | constant


def _letter_subsets(width: int) -> Iterator[tuple[int, ...]]:
    if width <= _ALL_SUBSETS:
        for size in range(1, width + 1):
            yield from combinations(range(width), size)
        return
    everything = tuple(range(width))
    for x in everything:
        yield (x,)
    yield everything
    for x in everything:
        yield tuple(y for y in everything if y != x)
    if width <= 16:
        yield from combinations(everything, 2)


def _leaving(points: Points) -> NDArray[np.bool_]:
    """The arrows that leave their strongly connected component of the context automaton."""
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(points.fibre_sizes)))
    source = np.repeat(np.arange(len(points.fibre_sizes)), points.width)
    live = points.targets != DEAD
    graph.add_edges_from(zip(source[live].tolist(), points.targets[live].tolist(), strict=True))
    component = np.zeros(len(points.fibre_sizes), dtype=np.int64)
    for i, members in enumerate(nx.strongly_connected_components(graph)):
        component[list(members)] = i
    leaving: NDArray[np.bool_] = live & (component[source] != component[points.targets])
    return leaving


def cover_by_levels(base: Base, sequence: Sequence, *, context_limit: int) -> Covering:
    """The covering of a finished sequence, its contexts told apart again by base values and coordinates.

    Raises:
        LimitError: it has more than `context_limit` contexts.
    """
    system: System = base.system
    merged, _ = merge(system, base.contexts)
    levels = [step.level for step in sequence.steps]

    def follow(context: int, values: tuple[int, ...], x: int) -> tuple[int, tuple[int, ...]]:
        """The base context and the coordinates after class x."""
        after = []
        place = merged[context]
        for step, value in zip(sequence.steps, values, strict=True):
            after.append(step.level.after(place, value, x)[1])
            place = step.merged[place, value]
        return base.contexts.arrows[context][x], tuple(after)

    first = tuple(level.initial if level.blocks[0] is not None else FREE_MOVE for level in levels)
    number = {(0, first): 0}
    names = [(0, first)]
    states = [0]
    arrows = []
    for place, (context, values) in enumerate(names):
        row = []
        for x, column in enumerate(system.columns):
            r = column[states[place]]
            if r == DEAD:
                row.append(DEAD)
                continue
            name = follow(context, values, x)
            d = number.setdefault(name, len(number))
            if d == len(names):
                if d >= context_limit:
                    raise LimitError("contexts of the covering", d + 1, context_limit, "--context-limit")
                names.append(name)
                states.append(r)
            row.append(d)
        arrows.append(tuple(row))
    coordinates = [tuple(STALE if v == FREE_MOVE else v for v in values) for _, values in names]
    return Covering(
        base.components,
        tuple(states),
        tuple(arrows),
        tuple(base.values[context] for context, _ in names),
        tuple(coordinates),
        tuple(f"level {k + 1}" for k in range(len(levels))),
    )
