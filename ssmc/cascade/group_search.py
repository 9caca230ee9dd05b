"""Beam search over permutation-reset covers: sequences of levels that hold or overwrite and levels that permute or overwrite."""

from __future__ import annotations

from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ssmc.algebra.graph import strong_components
from ssmc.automaton import DEAD
from ssmc.cascade.covering import STALE, Covering, number_contexts
from ssmc.cascade.levels import FREE_MOVE, build
from ssmc.cascade.refinement import merge
from ssmc.cascade.search import Sequence, find_drafts, refine_within, reset_candidates
from ssmc.cascade.turns import Turning, find_turning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ssmc.algebra.language_groups import Gates
    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.base import Base
    from ssmc.cascade.closures import Draft, Points
    from ssmc.cascade.coordinates import Coordinates
    from ssmc.cascade.covering import Shape
    from ssmc.cascade.meter import Meter
    from ssmc.cascade.refinement import AnyLevel, Refinement
    from ssmc.cascade.search import Budget

_Name = tuple[int, tuple[tuple[int, ...], ...], tuple[tuple["Permutation", ...], ...]]
"""A context: base context, one value a level by step, and the group element of each level (empty where it has none)."""
_WIDEST = 12
"""The most levels side by side in one layer."""


def layers_of(step: Refinement) -> int:
    """The layers that the levels of a refinement take."""
    return max(level.cleared.layers if isinstance(level, Turning) else 1 for level in step.levels)


def search_turnings(base: Base, gates: Gates, budget: Budget, meter: Meter, depth: int) -> Iterator[Sequence]:
    """The sequences of the fewest layers, at most `depth`, that the beam finds within its budget, best first.

    Args:
        base: contexts over a system.
        gates: what the components may do.
        budget: how much may be kept.
        meter: how much may be tried.
        depth: the most layers.
    """
    _, points = merge(base.system, base.contexts)
    found: list[dict[object, Sequence]] = [{} for _ in range(depth + 1)]
    found[0][points.contexts] = Sequence(points, ())
    for layers in range(depth + 1):
        beam = sorted(found[layers].values(), key=lambda s: s.score)
        done = [sequence for sequence in beam if sequence.points.is_exact]
        if done or layers == depth or meter.is_empty:
            yield from done
            return
        for sequence in beam[: 2 * budget.beam]:
            if meter.is_empty:
                break
            for step in _steps(sequence.points, gates, budget, meter, depth - layers):
                following = Sequence(step.points, (*sequence.steps, step))
                place, key = found[layers + layers_of(step)], step.points.contexts
                if key not in place or following.score < place[key].score:
                    place[key] = following


def _steps(points: Points, gates: Gates, budget: Budget, meter: Meter, left: int) -> Iterator[Refinement]:
    """What may come next, in at most so many layers: one level, or several of one layer side by side."""
    turnings = _turnings(points, gates, meter, left)
    sketches = sorted(find_drafts(points, meter, last=left == 1), key=lambda sketch: sketch.score)
    singles: list[AnyLevel] = [*turnings]
    for sketch, strict in product(sketches[: 2 * budget.beam], (True, False)):
        built = build(sketch, strict=strict)
        if built is not None:
            singles.append(built)
    for level in singles:
        step = refine_within((level,), budget, meter)
        if step is not None:
            yield step
    step = None
    for levels in _side_by_side([turning for turning in turnings if turning.cleared.layers == 1], sketches):
        wider = refine_within(levels, budget, meter)
        if wider is None:
            break
        step = wider
    if step is not None and len(step.levels) > 1:
        yield step


def _turnings(points: Points, gates: Gates, meter: Meter, left: int) -> list[Turning]:
    """Levels that permute, of at most so many layers."""
    found: dict[object, Turning] = {}
    floor = meter.left // 2
    seen: set[bytes] = set()
    for resets, refined in _choices(points):
        marks = np.packbits(np.r_[resets & (points.targets != DEAD), refined]).tobytes()
        if marks in seen:
            continue
        seen.add(marks)
        level = find_turning(points, resets, refined, gates, meter)
        if level is not None and level.cleared.layers <= left:
            found.setdefault((level.moves, level.initial), level)
        if meter.left < floor:
            break
    return list(found.values())


def _choices(points: Points) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Arrows that reset, and contexts that are refined: first holonomy's choice, by which a level always exists.

    Consider the arrows whose image is the whole fibre of the next context. Where no such arrow leads into a strongly connected component of them, what enters it
    has an image that is a proper part, and inside it arrows permute the states. All such components are refined, all other arrows reset.
    """
    count = len(points.fibre_sizes)
    live = points.targets != DEAD
    onto = live & (points.image_sizes == np.where(live, points.fibre_sizes[points.targets], 0))
    source = np.repeat(np.arange(count), points.width)
    beside = [
        points.targets[c * points.width :][: points.width][onto[c * points.width :][: points.width]]
        for c in range(count)
    ]
    component = np.zeros(count, dtype=np.int64)
    for i, members in enumerate(strong_components(count, lambda c: beside[c].tolist())):
        component[list(members)] = i
    crossing = onto & (component[source] != component[points.targets])
    entered = np.isin(component, component[points.targets[crossing]])
    yield ~(onto & ~crossing), ~entered
    everywhere = np.ones(count, dtype=np.bool_)
    for resets in reset_candidates(points):
        yield resets, everywhere


def _side_by_side(turnings: list[Turning], sketches: list[Draft]) -> Iterator[tuple[AnyLevel, ...]]:
    """Growing tuples of levels: each time what separates most pairs that were still together; of equals what permutes."""
    choices: list[Turning | Draft] = [*turnings, *sketches]
    levels: list[AnyLevel] = []
    together = np.ones_like(choices[0].together)
    while len(levels) < _WIDEST:
        gains = [int(np.count_nonzero(together & ~choice.together)) for choice in choices]
        best = max(range(len(choices)), key=lambda i: (gains[i], -i))
        if not gains[best]:
            return
        chosen = choices[best]
        together = together & chosen.together
        built = chosen if isinstance(chosen, Turning) else build(chosen, strict=False)
        if built is not None:
            levels.append(built)
            yield tuple(levels)


def cover_by_turnings(base: Base, sequence: Sequence, *, clear: bool, context_limit: int) -> Covering:
    """The covering of a finished sequence, its contexts told apart by base values, labels and group elements.

    Args:
        base: contexts over a system.
        sequence: levels that leave no two states together.
        clear: whether what overwrites a label overwrites the group element as well, or that is held (`coordinates`).
        context_limit: the largest number of contexts.

    Raises:
        LimitError: it has more than `context_limit` contexts.
    """
    return _Cover(base, sequence, clear=clear).build(context_limit)


class _Cover:
    def __init__(self, base: Base, sequence: Sequence, *, clear: bool) -> None:
        self.base, self.steps = base, sequence.steps
        self.merged, _ = merge(base.system, base.contexts)
        self.own = [
            [level.coordinates(clear=clear) if isinstance(level, Turning) else None for level in step.levels]
            for step in self.steps
        ]
        self.known: dict[object, tuple[tuple[int, ...], tuple[Permutation, ...]]] = {}

    def follow(self, name: _Name, x: int) -> _Name:
        """The context after class x."""
        context, rows, elements = name
        place = self.merged[context]
        after, moved = [], []
        for k, (step, values, before) in enumerate(zip(self.steps, rows, elements, strict=True)):
            key = (k, place, values, before, x)
            known = self.known.get(key)
            if known is None:
                following = step.after(place, values, x)
                turned = tuple(
                    _moved(level, own, place, x, label, element)
                    for level, own, label, element in zip(step.levels, self.own[k], following, before, strict=True)
                )
                known = self.known[key] = (following, turned)
            after.append(known[0])
            moved.append(known[1])
            place = step.merged[place, values]
        return self.base.contexts.arrows[context][x], tuple(after), tuple(moved)

    def row(self, name: _Name) -> tuple[int, ...]:
        """The coordinates of a context."""
        _, rows, elements = name
        out: list[int] = []
        for kept, values, before in zip(self.own, rows, elements, strict=True):
            for own, value, element in zip(kept, values, before, strict=True):
                label = None if value == FREE_MOVE else value
                if own is None:
                    out.append(STALE if label is None else label)
                else:
                    out += own.row(element, label)
        return tuple(out)

    def build(self, context_limit: int) -> Covering:
        """All contexts that words lead to."""
        values = tuple(step.initial for step in self.steps)
        elements = tuple(
            tuple(_first(own, value) for own, value in zip(kept, initial, strict=True))
            for kept, initial in zip(self.own, values, strict=True)
        )
        first = (0, values, elements)
        names, states, arrows = number_contexts(
            self.base.system, first, self.follow, limit=context_limit, what="contexts of the covering"
        )
        shapes: dict[int, Shape] = {}
        labels: list[str] = []
        for k, own in enumerate(own for kept in self.own for own in kept):
            for shape in (None,) if own is None else own.shapes:
                if shape is not None:
                    shapes[len(labels)] = shape
                labels.append(f"level {k + 1}" if shape is None else f"level {k + 1} group")
        return Covering(
            self.base.components,
            states,
            arrows,
            tuple(self.base.values[context] for context, _, _ in names),
            tuple(self.row(name) for name in names),
            tuple(labels),
            MappingProxyType(shapes),
        )


def _first(own: Coordinates | None, label: int) -> Permutation:
    """The group element of a level at first."""
    if own is None:
        return ()
    return own.overwritten(own.identity, None) if label == FREE_MOVE else own.identity


def _moved(
    level: AnyLevel, own: Coordinates | None, place: int, x: int, label: int, element: Permutation
) -> Permutation:
    """The group element of a level after class x, which leads to a label."""
    if own is None or not isinstance(level, Turning):
        return element
    move = level.moves[place][x]
    if isinstance(move, int):
        return own.overwritten(element, None if move == FREE_MOVE else move)
    return own.turned(element, move, label)
