"""Beam search for short sequences of identity-reset levels over a context automaton."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from ssmc.algebra.graph import strong_components
from ssmc.automaton import DEAD
from ssmc.cascade.closures import in_parts
from ssmc.cascade.covering import STALE, Covering, number_contexts
from ssmc.cascade.levels import FREE_MOVE, Level, build
from ssmc.cascade.meter import STEP
from ssmc.cascade.refinement import AnyLevel, Refinement, refine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ssmc.cascade.base import Base
    from ssmc.cascade.closures import Draft, Points
    from ssmc.cascade.meter import Meter
    from ssmc.cascade.system import System

_GREEDY_DRAFTS = 4
"""Drafts looked at in a level of the fallback."""
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


_GREEDY = Budget(beam=1, work=0, points=20_000)
"""What the contexts of a level of the fallback may be."""


@dataclass(frozen=True)
class Sequence:
    """A sequence of refinements, each of the contexts of the one before."""

    points: Points
    steps: tuple[Refinement, ...]

    @property
    def score(self) -> tuple[float, int, int]:
        """How much is still unknown: largest and mean fibre, number of contexts, number of values."""
        sizes = self.points.fibre_sizes
        values = sum(level.values for step in self.steps for level in step.levels)
        return float(sizes.max() + 2 * (sizes - 1).mean()), len(sizes), values


def search_levels(base: Base, budget: Budget, meter: Meter, depth: int) -> Iterator[Sequence]:
    """The sequences of the fewest levels, at most `depth`, that the beam finds within its budget, best first."""
    _, points = base.merged
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
                    built = _build(sketch, meter, strict=strict)
                    step = None if built is None else refine_within((built,), budget, meter)
                    if step is not None:
                        following = Sequence(step.points, (*sequence.steps, step))
                        key = step.points.contexts
                        if key not in found or following.score < found[key].score:
                            found[key] = following
        beam = sorted(found.values(), key=lambda s: s.score)[: budget.beam]
        if not beam:
            return


def search_greedily(base: Base, meter: Meter) -> Iterator[Sequence]:
    """One sequence of as many levels as it takes, however little the meter leaves for each: the fallback where nothing else was found."""
    _, points = base.merged
    sequence = Sequence(points, ())
    while not sequence.points.is_exact:
        with meter.share(4) as quarter:
            sketches = sorted(find_drafts(sequence.points, quarter, last=False), key=lambda sketch: sketch.score)
        best: Sequence | None = None
        for sketch, strict in product(sketches[:_GREEDY_DRAFTS], (True, False)):
            built = _build(sketch, meter, strict=strict)
            step = None if built is None else refine_within((built,), _GREEDY, meter)
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
    _, points = base.merged
    sequence = Sequence(points, ())
    for layer in range(depth + 1):
        if sequence.points.is_exact:
            yield sequence
            return
        if layer == depth or meter.is_empty:
            return
        sketches = find_drafts(sequence.points, meter, last=layer + 1 == depth)
        step = _widest(_layer(sketches, meter), budget, meter)
        if step is None:
            return
        sequence = Sequence(step.points, (*sequence.steps, step))


def _layer(sketches: list[Draft], meter: Meter) -> tuple[Level, ...]:
    """Levels for one layer: each time the draft that separates most pairs that were still together."""
    levels: list[Level] = []
    apart = np.stack([~sketch.together for sketch in sketches])
    while len(levels) < _WIDEST:
        gains = np.count_nonzero(apart, axis=1).tolist()
        best = max(range(len(sketches)), key=lambda i: (gains[i], -len(sketches[i].kept)))
        if not gains[best]:
            break
        apart = apart[:, ~apart[best]]
        built = _build(sketches[best], meter, strict=False)
        if built is not None:
            levels.append(built)
    return tuple(levels)


def _widest(levels: tuple[Level, ...], budget: Budget, meter: Meter) -> Refinement | None:
    """The contexts after as many of some levels, the first first, as the budget has room for."""
    best: Refinement | None = None
    low, high = 1, len(levels)
    count = high
    while low <= high:
        step = refine_within(levels[:count], budget, meter)
        if step is None:
            high = count - 1
        else:
            best, low = step, count + 1
        count = (low + high) // 2
    return best


def _build(sketch: Draft, meter: Meter, *, strict: bool) -> Level | None:
    meter.spend(STEP // 2 * len(sketch.resets))
    return build(sketch, strict=strict)


def refine_within(levels: tuple[AnyLevel, ...], budget: Budget, meter: Meter) -> Refinement | None:
    """The contexts after some levels side by side, paid for; None where they have too many points for the budget."""
    step = refine(levels, limit=budget.points)
    points = levels[0].points
    met = budget.points if step is None else len(step.merged)
    meter.spend(STEP * (met + len(points.contexts.fibres)) * points.width)
    return step


def find_drafts(points: Points, meter: Meter, *, last: bool) -> list[Draft]:
    """Drafts of the next level. A last level must reset wherever the image is one state, no more and no less."""
    if last in points.drafts:
        return list(points.drafts[last])
    distinct: dict[bytes, NDArray[np.bool_]] = {}
    for resets in [points.image_sizes == 1] if last else reset_candidates(points):
        distinct.setdefault(np.packbits(resets).tobytes(), resets)
    floor = meter.left // 2
    drafts: list[Draft] = []
    for part in in_parts(points, list(distinct.values())):
        if drafts and meter.left < floor:
            return drafts
        meter.spend(sum(sketch.work for sketch in part))
        drafts += part
    points.drafts[last] = drafts
    return list(drafts)


def reset_candidates(points: Points) -> Iterator[NDArray[np.bool_]]:
    """Sets of resetting arrows: by letters, by what the arrows do to the fibres, and both."""
    live = points.targets != DEAD
    constant = points.image_sizes == 1
    target_sizes = np.where(live, points.fibre_sizes[points.targets], 0)
    own_sizes = np.repeat(points.fibre_sizes, points.width)
    into = points.image_sizes < target_sizes
    shrink = points.image_sizes < own_sizes
    structural = [constant, into, shrink, into | shrink, constant & into, _leaving(points)]
    yield from structural
    for subset in _letter_subsets(points.width):
        chosen = np.tile(np.isin(np.arange(points.width), subset), len(points.fibre_sizes))
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
    heads = [[d for d in row if d != DEAD] for row in points.contexts.arrows]
    component = np.zeros(len(heads), dtype=np.int64)
    for i, members in enumerate(strong_components(len(heads), heads.__getitem__)):
        component[members] = i
    source = np.repeat(np.arange(len(heads)), points.width)
    leaving: NDArray[np.bool_] = (points.targets != DEAD) & (component[source] != component[points.targets])
    return leaving


def cover_by_levels(base: Base, sequence: Sequence, *, context_limit: int) -> Covering:
    """The covering of a finished sequence, its contexts told apart again by base values and coordinates.

    Raises:
        LimitError: it has more than `context_limit` contexts.
    """
    system: System = base.system
    merged, _ = base.merged

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
