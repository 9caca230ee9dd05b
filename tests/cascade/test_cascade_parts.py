"""Counters, holonomy structure and coverings against their definitions."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import DEAD
from ssmc.cascade.base import Base
from ssmc.cascade.coder import Coder
from ssmc.cascade.counters import find_counters
from ssmc.cascade.covering import STALE, Covering, recolour, settle
from ssmc.cascade.holonomy import cover_by_holonomy, find_holonomy
from ssmc.cascade.reduce import reduce_covering
from ssmc.cascade.system import Contexts, System, explore_contexts, members
from ssmc.errors import InvariantError, LimitError


@st.composite
def systems(draw: st.DrawFn, *, monotone: bool = False) -> System:
    """A small system in which every state is reachable (states renumbered in order of discovery)."""
    n = draw(st.integers(1, 6))
    k = draw(st.integers(1, 3))
    columns = []
    for _ in range(k):
        column = draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
        if monotone:
            column.sort()
        columns.append([r if draw(st.integers(0, 3)) else DEAD for r in column])
    number = {0: 0}
    order = [0]
    for q in order:
        for column in columns:
            if column[q] != DEAD and column[q] not in number:
                number[column[q]] = len(order)
                order.append(column[q])
    return System(tuple(tuple(number[c[q]] if c[q] != DEAD else DEAD for q in order) for c in columns))


def rank_of_relations(system: System) -> tuple[int, int]:
    """(number of letters in use, rank of the relation lattice), by numpy over all edges instead of a spanning tree's walks."""
    used = [x for x, column in enumerate(system.columns) if any(r != DEAD for r in column)]
    rows = [
        [(y == x) for y in used] + [(q == r0) - (r == r0) for r0 in range(1, system.states)]
        for x in used
        for q, r in enumerate(system.columns[x])
        if r != DEAD
    ]
    if not rows:
        return len(used), len(used)
    matrix = np.array(rows, dtype=float)
    nullity = matrix.shape[1] - np.linalg.matrix_rank(matrix)
    return len(used), len(used) - nullity


@settings(max_examples=200, deadline=None)
@given(systems())
def test_counters_are_consistent_and_complete(system: System) -> None:
    counters = find_counters(system)
    for counter in counters:
        assert counter.values[0] == 0
        assert any(counter.increments)
        for x, q in product(range(len(system.columns)), range(system.states)):
            r = system.columns[x][q]
            if r != DEAD:
                assert counter.values[r] - counter.values[q] == counter.increments[x]
    letters, rank = rank_of_relations(system)
    assert len(counters) == letters - rank
    if counters:
        assert np.linalg.matrix_rank(np.array([c.increments for c in counters], dtype=float)) == len(counters)


@settings(max_examples=150, deadline=None)
@given(systems(monotone=True))
def test_holonomy_structure(system: System) -> None:
    whole = (1 << system.states) - 1
    contexts = Contexts((whole,), (tuple(0 if any(r != DEAD for r in c) else DEAD for c in system.columns),))
    holonomy = find_holonomy(system, contexts)
    for (c, known), tiles in holonomy.tiles.items():
        union = 0
        for tile in tiles.values():
            assert tile & ~known == 0
            assert tile != known
            assert not any(tile & ~other == 0 for other in tiles.values() if other != tile)
            assert holonomy.heights[c, tile] < holonomy.heights[c, known]
            assert holonomy.ranks[c, tile] < holonomy.ranks[c, known] <= holonomy.heights[c, known]
            union |= tile
        assert union == known
        for x in range(len(system.columns)):
            image = system.image(known, x)
            if image:
                assert holonomy.heights[c, image] <= holonomy.heights[c, known]
                assert holonomy.ranks[c, image] <= holonomy.ranks[c, known]
            if image and holonomy.ranks[c, image] == holonomy.ranks[c, known]:
                # one level refines both, so the arrow holds
                assert image.bit_count() == known.bit_count()
                for label, tile in tiles.items():
                    assert not system.image(tile, x) & ~holonomy.tiles[c, image][label]
    covering = cover_by_holonomy(Base(system, contexts, (), ((),)), find_holonomy(system, contexts))
    covering.check(system)
    recolour(covering).check(system)


def test_contexts_of_a_step_function() -> None:
    system = System(((1, 2, DEAD), (DEAD, 0, 1)))
    contexts, names = explore_contexts(system, 0, lambda _c, _x, r: r % 2, limit=10)
    assert names == [0, 1]
    assert [list(members(f)) for f in contexts.fibres] == [[0, 2], [1]]
    assert contexts.arrows == ((1, 1), (0, 0))


def test_contexts_that_must_know_the_state() -> None:
    system = System(((1, 2, DEAD), (DEAD, 0, 1)))
    contexts, _ = explore_contexts(system, 0, lambda _c, _x, r: r, limit=10, single=True)
    assert sorted(contexts.fibres) == [1, 2, 4]
    with pytest.raises(LimitError, match="states of a context"):
        explore_contexts(system, 0, lambda _c, _x, r: r % 2, limit=10, single=True)


def test_ranks_of_saturating_counters() -> None:
    # order-preserving maps: the tiles of sets of one size are numbered by what they leave out, so sizes are enough
    system = System(((1, 2, 3, 4, 4), (0, 0, 1, 2, 3), (0, 0, 2, 2, 4), (1, 1, 3, 3, 3)))
    holonomy = find_holonomy(system, Contexts(((1 << 5) - 1,), ((0,) * 4,)))
    assert holonomy.levels <= 4 < holonomy.height


def test_covering_check_refuses_ambiguous_coordinates() -> None:
    system = System(((1, 0),))
    good = Covering((), (0, 1), ((1,), (0,)), ((), ()), ((0,), (1,)), ("level 1",))
    good.check(system)
    for coordinates in (((0,), (0,)), ((0,), (STALE,))):
        with pytest.raises(InvariantError):
            Covering((), (0, 1), ((1,), (0,)), ((), ()), coordinates, ("level 1",)).check(system)


def test_set_limit() -> None:
    system = System(tuple(tuple(min(max(q + d, 0), 9) for q in range(10)) for d in (1, -1)))
    contexts = Contexts(((1 << 10) - 1,), ((0, 0),))
    with pytest.raises(LimitError, match="--set-limit"):
        find_holonomy(system, contexts, set_limit=20)


@given(st.integers(1, 80), st.integers(1, 30), st.integers(0, 2**32))
def test_codes_are_equal_where_rows_are(width: int, count: int, seed: int) -> None:
    rng = Random(seed)
    bound = rng.choice([2, 5, 1000])
    table = np.array([[rng.randrange(-3, bound) for _ in range(width)] for _ in range(count)])
    table[rng.randrange(count)] = table[0]
    coder, codes = Coder.of(list(table.T))
    rows = [tuple(row) for row in table.tolist()]
    assert all((codes[i] == codes[j]) == (rows[i] == rows[j]) for i in range(count) for j in range(count))
    assert np.array_equal(coder.encode(list(table.T)), codes)


@settings(max_examples=60, deadline=None)
@given(systems(monotone=True))
def test_settled_coverings_have_one_joint_state_a_context(system: System) -> None:
    whole = (1 << system.states) - 1
    contexts = Contexts((whole,), (tuple(0 if any(r != DEAD for r in c) else DEAD for c in system.columns),))
    covering = settle(recolour(cover_by_holonomy(Base(system, contexts, (), ((),)), find_holonomy(system, contexts))))
    covering.check(system)
    reduced = reduce_covering(covering)
    assert reduced is not None
    assert len(reduced.joint.contexts) == len(covering.states)
    states = np.array(covering.states)[reduced.joint.contexts]
    assert len(np.unique(reduced.joint.values, axis=0)) == len(covering.states)
    assert set(states.tolist()) == set(range(system.states))


@settings(max_examples=60, deadline=None)
@given(systems(monotone=True))
def test_joint_states_are_those_that_the_components_reach(system: System) -> None:
    whole = (1 << system.states) - 1
    contexts = Contexts((whole,), (tuple(0 if any(r != DEAD for r in c) else DEAD for c in system.columns),))
    covering = recolour(cover_by_holonomy(Base(system, contexts, (), ((),)), find_holonomy(system, contexts)))
    reduced = reduce_covering(covering)
    assert reduced is not None
    met = {(0, (0,) * len(reduced.components))}
    todo = list(met)
    for context, values in todo:
        for x, after in enumerate(covering.arrows[context]):
            if after != DEAD:
                moved = [
                    part.apply(part.table[x, *(values[j] for j in part.depends_on)], value)
                    for part, value in zip(reduced.components, values, strict=True)
                ]
                name = after, tuple(moved)
                if name not in met:
                    met.add(name)
                    todo.append(name)
    found = zip(reduced.joint.contexts.tolist(), map(tuple, reduced.joint.values.tolist()), strict=True)
    assert list(found) == sorted(met)
