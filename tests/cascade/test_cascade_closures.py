"""Closures of many choices at once against closures computed one point at a time."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cascade_parts import systems

from ssmc.automaton import DEAD, Alphabet
from ssmc.cascade.base import make_base
from ssmc.cascade.closures import Points, draft
from ssmc.cascade.system import System, members
from ssmc.cascade.windows import find_window


def closures_one_by_one(points: Points, resets: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    """The largest closures under holding arrows of the images of resetting arrows and of the initial point."""
    system, contexts = points.system, points.contexts
    seeds = [(0, 1)]
    for c, row in enumerate(contexts.arrows):
        for x, d in enumerate(row):
            if d != DEAD and resets[c * points.width + x]:
                seeds.append((d, system.image(contexts.fibres[c], x)))
    found = set()
    for c, mask in seeds:
        family = {(c, q) for q in members(mask)}
        todo = list(family)
        for p, q in todo:
            for x, d in enumerate(contexts.arrows[p]):
                r = system.columns[x][q]
                if r != DEAD and not resets[p * points.width + x] and (d, r) not in family:
                    family.add((d, r))
                    todo.append((d, r))
        found.add(frozenset(family))
    return {family for family in found if not any(family < other for other in found)}


@settings(max_examples=60, deadline=None)
@given(systems(), st.integers(0, 2), st.integers(0, 2**32))
def test_closures_are_those_of_their_seeds(system: System, width: int, seed: int) -> None:
    rng = Random(seed)
    alphabet = Alphabet.tokens("abc"[: len(system.columns)])
    _, points = make_base(system, alphabet, window=find_window(system, width), limit=5000).merged
    share = rng.random()
    choices = [np.array([rng.random() < share for _ in points.targets]) for _ in range(rng.randint(1, 70))]
    names = list(points.number)
    for sketch, resets in zip(draft(points, choices), choices, strict=True):
        expected = closures_one_by_one(points, resets)
        families = [frozenset(names[i] for i in np.flatnonzero(column)) for column in sketch.families.T]
        assert len(families) == len(set(families))
        assert set(families) == expected
        sizes = [sum(c == d for d, _ in family) for family in expected for c in range(len(points.fibre_sizes))]
        met = [size for size in sizes if size]
        assert sketch.score == (max(met) + 2 * (sum(met) - len(met)) / len(met), len(expected))
        first, second = points.pairs
        for i, j, together in zip(first, second, sketch.together, strict=True):
            assert together == any({names[i], names[j]} <= family for family in expected)
