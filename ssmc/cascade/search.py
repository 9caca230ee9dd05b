"""Beam search for short sequences of identity-reset levels over a context automaton."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.covering import STALE, Covering, number_contexts
from ssmc.cascade.levels import FREE_MOVE, Draft, Level, Points, build, draft
from ssmc.cascade.meter import STEP, Meter
from ssmc.cascade.refinement import AnyLevel, Refinement, merge, refine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ssmc.cascade.base import Base
    from ssmc.cascade.system import System

_GREEDY_DRAFTS = 4
_GREEDY_POINTS = 20_000
"""Drafts looked at, and the greatest number of points, in a level of the fallback."""
_WIDEST = 12
"""The most levels side by side in one layer."""
_ALL_SUBSETS = 6
"""Up to this number of classes every subset of them is tried as the resetting letters."""


@dataclass(frozen=True)
class Budget:
    """How much a search may do.

    Attributes:
        beam: partial sequences kept a level.
        work: elementary operations for one system, all searches together.
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
        values = sum(len(block or ()) for step in self.steps for level in step.levels for block in level.blocks)
        return float(sizes.max() + 2 * (sizes - 1).mean()), len(sizes), values


def search_levels(base: Base, budget: Budget, meter: Meter, depth: int) -> Iterator[Sequence]:
    """The sequences of the fewest levels, at most `depth`, that the beam finds within its budget, best first."""
    _, points = merge(base.system, base.contexts)
    beam = [Sequence(points, ())]
    for level in range(depth + 1):
        done = [sequence for sequence in beam if sequence.points.is_exact]
        if done or level == depth or meter.is_empty:
            yield from done
            return
        found: dict[object, Sequence] = {}
        for sequence in beam:
            sketches = find_drafts(sequence.points, meter, last=level + 1 == depth)
            sketches.sort(key=lambda sketch: sketch.score)
            for sketch in sketches[: 2 * budget.beam]:
                for strict in (True, False):
                    built = build(sketch, strict=strict)
                    step = None if built is None else refine_within((built,), budget, meter)
                    if step is not None:
                        following = Sequence(step.points, (*sequence.steps, step))
                        key = step.points.contexts
                        if key not in found or following.score < found[key].score:
                            found[key] = following
        beam = sorted(found.values(), key=lambda s: s.score)[: budget.beam]
        if not beam:
            return


def search_greedily(base: Base, work: int) -> Iterator[Sequence]:
    """One sequence of as many levels as it takes: the fallback where nothing else was found. `work` bounds the drafts of one level."""
    _, points = merge(base.system, base.contexts)
    sequence = Sequence(points, ())
    while not sequence.points.is_exact:
        sketches = sorted(find_drafts(sequence.points, Meter(work), last=False), key=lambda sketch: sketch.score)
        best: Sequence | None = None
        for sketch, strict in product(sketches[:_GREEDY_DRAFTS], (True, False)):
            built = build(sketch, strict=strict)
            step = None if built is None else refine((built,), limit=_GREEDY_POINTS)
            if step is not None:
                following = Sequence(step.points, (*sequence.steps, step))
                if best is None or following.score < best.score:
                    best = following
        if best is None or best.score >= sequence.score:
            return
        sequence = best
    yield sequence


def search_layers(base: Base, budget: Budget, meter: Meter, depth: int) -> Iterator[Sequence]:
    """One sequence of layers, each of several levels side by side: greedily those that separate most pairs of states."""
    _, points = merge(base.system, base.contexts)
    sequence = Sequence(points, ())
    for layer in range(depth + 1):
        if sequence.points.is_exact:
            yield sequence
            return
        if layer == depth or meter.is_empty:
            return
        sketches = find_drafts(sequence.points, meter, last=layer + 1 == depth)
        step: Refinement | None = None
        for levels in _layer(sketches):
            wider = refine_within(levels, budget, meter)
            if wider is None:
                break
            step = wider
        if step is None:
            return
        sequence = Sequence(step.points, (*sequence.steps, step))


def _layer(sketches: list[Draft]) -> Iterator[tuple[Level, ...]]:
    """Growing tuples of levels: each time the draft that separates most pairs that were still together."""
    levels: list[Level] = []
    together = np.ones_like(sketches[0].together)
    while len(levels) < _WIDEST:
        gains = [int(np.count_nonzero(together & ~sketch.together)) for sketch in sketches]
        best = max(range(len(sketches)), key=lambda i: (gains[i], -sketches[i].families.shape[1]))
        if not gains[best]:
            return
        together = together & sketches[best].together
        built = build(sketches[best], strict=False)
        if built is not None:
            levels.append(built)
            yield tuple(levels)


def refine_within(levels: tuple[AnyLevel, ...], budget: Budget, meter: Meter) -> Refinement | None:
    """The contexts after some levels side by side, paid for; None where they have too many points for the budget."""
    step = refine(levels, limit=budget.points)
    points = levels[0].points
    met = budget.points if step is None else len(step.merged)
    meter.spend(STEP * (met + len(points.number)) * points.width)
    return step


def find_drafts(points: Points, meter: Meter, *, last: bool) -> list[Draft]:
    """Drafts of the next level. A last level must reset wherever the image is one state, no more and no less."""
    drafts: list[Draft] = []
    seen: set[bytes] = set()
    floor = meter.left // 2
    for resets in [points.image_sizes == 1] if last else reset_candidates(points):
        key = np.packbits(resets).tobytes()
        if key in seen:
            continue
        seen.add(key)
        sketch = draft(points, resets)
        meter.spend(sketch.work)
        drafts.append(sketch)
        if meter.left < floor:
            break
    return drafts


def reset_candidates(points: Points) -> Iterator[NDArray[np.bool_]]:
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

    def follow(context: int, rows: tuple[tuple[int, ...], ...], x: int) -> tuple[int, tuple[tuple[int, ...], ...]]:
        """The base context and the coordinates, layer by layer, after class x."""
        after = []
        place = merged[context]
        for step, values in zip(sequence.steps, rows, strict=True):
            after.append(step.after(place, values, x))
            place = step.merged[place, values]
        return base.contexts.arrows[context][x], tuple(after)

    first = tuple(step.initial for step in sequence.steps)
    names, states, arrows = number_contexts(
        system, (0, first), lambda name, x: follow(*name, x), limit=context_limit, what="contexts of the covering"
    )
    coordinates = [tuple(STALE if v == FREE_MOVE else v for values in rows for v in values) for _, rows in names]
    return Covering(
        base.components,
        states,
        arrows,
        tuple(base.values[context] for context, _ in names),
        tuple(coordinates),
        tuple(f"level {k + 1}" for k in range(len(coordinates[0]))),
    )
