"""Permutation-reset levels, their coordinates and the search over them, against definitions, on random systems with groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_cascade_groups import KINDS, automata, table, transformations

from ssmc.algebra.language_groups import GATES, Gates, language_groups
from ssmc.algebra.permutations import closure, then
from ssmc.automaton import DEAD, Automaton
from ssmc.cascade import check_cascade, decompose
from ssmc.cascade.assemble import assemble
from ssmc.cascade.base import make_base
from ssmc.cascade.coordinates import Coordinates, find_coordinates
from ssmc.cascade.covering import STALE, recolour
from ssmc.cascade.group_search import cover_by_turnings, layers_of, search_turnings
from ssmc.cascade.holonomy import PeriodicError
from ssmc.cascade.labels import number_labels
from ssmc.cascade.levels import FREE_MOVE
from ssmc.cascade.mealy import mealy_machine
from ssmc.cascade.meter import Meter
from ssmc.cascade.reduce import reduce_covering
from ssmc.cascade.refinement import merge
from ssmc.cascade.search import Budget
from ssmc.cascade.strategy import Options
from ssmc.cascade.system import Contexts, System
from ssmc.cascade.tiling import find_tiling
from ssmc.cascade.turns import find_turning
from ssmc.cascade.windows import find_window
from ssmc.errors import LimitError
from ssmc.languages import language_of

if TYPE_CHECKING:
    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.base import Base

BUDGET = Budget(beam=2, work=0, points=800)


def base_of(automaton: Automaton, width: int) -> tuple[System, Base]:
    """The trimmed automaton as a Mealy machine, and its contexts over a window."""
    system = mealy_machine(automaton, "recognise", sink=False).system
    return system, make_base(system, automaton.alphabet, window=find_window(system, width), limit=5_000)


@settings(max_examples=150, deadline=None)
@given(automata(), st.integers(0, 1), st.sampled_from(["signed", "complex", "pd"]), st.data())
def test_a_turning_follows_its_blocks(automaton: Automaton, width: int, gates: Gates, data: st.DataObject) -> None:
    assume(automaton.states > 1)
    system, base = base_of(automaton, width)
    _, points = merge(system, base.contexts)
    flags = [
        np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
        for count in (len(points.targets), len(points.fibre_sizes))
    ]
    level = find_turning(points, flags[0], flags[1], gates, Meter(10**9))
    if level is None:
        return
    fibres = points.contexts.fibres
    assert any(block is not None and set(block.values()) != {fibres[c]} for c, block in enumerate(level.blocks))
    for c, block in enumerate(level.blocks):
        if block is not None:
            assert flags[1][c]
            union = 0
            for label, mask in block.items():
                assert 0 <= label < level.size
                assert mask & ~fibres[c] == 0
                union |= mask
            assert len(block) > 0
            assert union & ~fibres[c] == 0
        for x, d in enumerate(points.contexts.arrows[c]):
            move = level.moves[c][x]
            target = level.blocks[d] if d != DEAD else None
            if target is None:
                assert move == FREE_MOVE
            elif isinstance(move, int):
                assert system.image(fibres[c], x) & ~target[move] == 0
            else:
                assert sorted(move) == list(range(level.size))
                assert block is not None
                for label, mask in block.items():
                    image = system.image(mask, x)
                    assert image == 0 or image & ~target[move[label]] == 0
    first = level.blocks[0]
    assert first is None or first[level.initial] & 1
    kinds = {shape[0] for shape in level.cleared.shapes if shape is not None}
    assert kinds <= KINDS[gates]


@settings(max_examples=100, deadline=None)
@given(automata(), st.integers(0, 1), st.booleans())
def test_sequences_are_cascades_equal_to_the_automaton(automaton: Automaton, width: int, clear: bool) -> None:
    assume(automaton.states > 1)
    gates = language_groups(automaton).gates
    assume(gates != "non-negative")
    assert gates is not None
    system, base = base_of(automaton, width)
    machine = mealy_machine(automaton, "recognise", sink=False)
    for sequence in search_turnings(base, gates, BUDGET, Meter(2_000_000), 12):
        try:
            covering = cover_by_turnings(base, sequence, clear=clear, context_limit=2_000)
            covering.check(system)
            covering = recolour(covering)
            covering.check(system)
            reduced = reduce_covering(covering, joint_limit=4_000)
        except (LimitError, PeriodicError):
            continue
        assert reduced is not None
        assert {component.kind for component in reduced.components} <= KINDS[gates]
        cascade = assemble(automaton, "recognise", machine, reduced)
        check_cascade(cascade)
        assert sum(map(layers_of, sequence.steps)) <= 12


def test_a_sequence_always_ends() -> None:
    # the first choice of a level is always possible, so only a limit may end a search; all maps of a few points are the hardest case
    for n, layers in ((2, 1), (3, 3), (4, 6)):
        _, base = base_of(transformations(n), 0)
        found = list(search_turnings(base, "complex", BUDGET, Meter(10**9), 12))
        assert found
        assert sum(map(layers_of, found[0].steps)) == layers


PERMUTATIONS = st.integers(2, 5).flatmap(lambda n: st.lists(st.permutations(range(n)), min_size=1, max_size=3))


def moves_of(coordinates: Coordinates, generators: list[Permutation]) -> dict[str, set[tuple[object, ...]]]:
    """All states of a permutation-reset component that moves lead to: (element, label), closed under permutations and resets."""
    size = len(generators[0])
    first = (coordinates.identity, 0)
    seen = {first}
    queue = [first]
    rows: dict[str, set[tuple[object, ...]]] = {"states": set(), "steps": set()}
    for element, label in queue:
        row = coordinates.row(element, label)
        rows["states"].add((row, label))
        following = [
            (("turn", g), (coordinates.turned(element, generator, generator[label]), generator[label]))
            for g, generator in enumerate(generators)
        ]
        following += [(("reset", i), (coordinates.overwritten(element, i), i)) for i in range(size)]
        for letter, state in following:
            rows["steps"].add((letter, row, coordinates.row(*state)))
            if state not in seen:
                seen.add(state)
                queue.append(state)
    return rows


@settings(max_examples=150, deadline=None)
@given(PERMUTATIONS, st.booleans(), st.sampled_from(GATES))
def test_coordinates_are_components(lists: list[list[int]], clear: bool, gates: Gates) -> None:
    generators = [tuple(generator) for generator in lists]
    size = len(generators[0])
    elements = closure(generators, tuple(range(size)))
    try:
        coordinates = find_coordinates(generators, gates, 0, clear=clear)
    except PeriodicError:
        # five points have groups that are not solvable, the other limits are those of the gates
        assert gates != "pd"
        assert gates in ("non-negative", "signed") or len(elements) >= 60
        return
    rows = moves_of(coordinates, generators)
    assert set(coordinates.row(coordinates.identity, 0)) <= {0, STALE}
    labels: dict[object, int] = {}
    for row, label in rows["states"]:
        # the coordinates tell the label
        assert isinstance(label, int)
        assert labels.setdefault(row, label) == label
    for k, shape in enumerate(coordinates.shapes):
        kind, modulus = shape or ("reset", 0)
        assert kind in KINDS[gates]
        held: dict[object, set[object]] = {}
        for letter, before, after in rows["steps"]:
            assert isinstance(before, tuple)
            assert isinstance(after, tuple)
            if after[k] != STALE:
                held.setdefault((letter, before[:k]), set()).add((before[k], after[k]))
        for pairs in held.values():
            # one action of the kind serves all: hold, overwrite, add, or a map
            same = all(u == v for u, v in pairs) or len({v for _, v in pairs}) == 1
            known = all(u != STALE for u, _ in pairs)
            if kind in ("swap", "rotation"):
                assert same or (known and len({(v - u) % modulus for u, v in pairs}) == 1)  # type: ignore[operator]
            elif kind == "permutation":
                assert same or (known and len({u for u, _ in pairs}) == len(pairs))
            else:
                assert same


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_labels_are_those_of_the_blocks(seed: int, apart: bool) -> None:
    rng = np.random.default_rng(seed)
    contexts, letters, most = int(rng.integers(1, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 5))
    blocks: list[dict[int, int]] = []
    for _ in range(contexts):
        first = sum(map(len, blocks))
        blocks.append({first + i: 1 << i for i in range(int(rng.integers(1, most + 1)))})
    moves = {}
    for c, own in enumerate(blocks):
        for x in range(letters):
            there = rng.permutation(list(blocks[int(rng.integers(contexts))])).tolist()
            moves[c, x] = dict(zip(own, there, strict=False)) if len(there) >= len(own) else {}
    labels = number_labels(blocks, moves, apart=apart)
    if labels is None:
        return
    for own in blocks:
        assert len({labels.numbers[v] for v in own}) == len(own)
    for arrow, move in moves.items():
        assert sorted(labels.turns[arrow]) == list(range(labels.size))
        assert all(labels.turns[arrow][labels.numbers[v]] == labels.numbers[w] for v, w in move.items())


def levels_of(maps: list[list[int]]) -> list[list[tuple[int, int]]]:
    """(tiles, order of the holonomy group) of the classes at each height, the highest first, of maps of 1..n in the notation of GAP."""
    system = System(tuple(tuple(image - 1 for image in images) for images in maps))
    tiling = find_tiling(system, Contexts(((1 << len(maps[0])) - 1,), ((0,) * len(maps),)))
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for node, tiles in tiling.tiles.items():
        number = tiling.class_of[node]
        turns = tiling.generators.get(number, ())
        found.setdefault(tiling.heights[node], {})[number] = (len(tiles), len(closure(turns, tuple(range(len(tiles))))))
    return [sorted(classes.values()) for _, classes in sorted(found.items(), reverse=True)]


IDEMPOTENTS = [[b if i == a else i for i in range(1, 5)] for a in range(1, 5) for b in range(1, 5) if a != b]
"""Generators of all singular maps of four points."""
PUBLISHED = {
    # SgpDec, tst/holonomy.tst: DisplayHolonomyComponents
    "tst/holonomy, eight maps": (
        [
            [1, 1, 3, 4, 5, 6],
            [2, 2, 3, 4, 5, 6],
            [3, 2, 3, 4, 5, 6],
            [1, 2, 3, 3, 5, 5],
            [1, 2, 4, 4, 6, 6],
            [1, 2, 3, 4, 3, 4],
            [1, 2, 5, 6, 5, 6],
            [1, 2, 3, 4, 5, 2],
        ],
        [[(5, 1)], [(4, 1)], [(3, 1), (4, 1)], [(3, 1), (4, 2)], [(2, 1), (3, 3)], [(2, 2)]],
    ),
    # SgpDec, doc/doc-0.6/holonomy.xml: Display of HolonomyDecomposition
    "manual, two maps": (
        [[2, 1, 3, 5, 4, 3], [6, 3, 1, 6, 5, 4]],
        [[(2, 1)], [(2, 2), (3, 1)], [(3, 2)], [(3, 6)], [(2, 2)]],
    ),
    "manual, SingularSemigroup(4)": (IDEMPOTENTS, [[(4, 1)], [(3, 6)], [(2, 2)]]),
    "manual, BEX": (
        [[1, 2, 1, 1], [4, 4, 4, 3], [3, 3, 4, 4], [4, 4, 1, 2], [2, 1, 4, 4]],
        [[(2, 1)], [(3, 2)], [(2, 2)], [(2, 2)], [(2, 2)]],
    ),
    # SgpDec, doc/doc-0.6/holonomy.xml: GroupComponentsOnDepth; tst/holonomy.tst has the points (3, 2) for three points
    "manual, FullTransformationSemigroup(4)": (
        [[2, 3, 4, 1], [2, 1, 3, 4], [1, 1, 3, 4]],
        [[(4, 24)], [(3, 6)], [(2, 2)]],
    ),
    "tst/holonomy, FullTransformationSemigroup(3)": ([[2, 3, 1], [2, 1, 3], [1, 1, 3]], [[(3, 6)], [(2, 2)]]),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_levels_that_sgpdec_publishes(name: str) -> None:
    maps, levels = PUBLISHED[name]
    assert levels_of(maps) == levels


def test_the_components_of_becks() -> None:
    # SgpDec's bestiary, tst/holonomy.tst: 2 | (3,S3) (4,C3) | (3,C3) (2,C2) | (2,C2) | 2. Five levels as here; of components side by side SgpDec
    # puts (3,S3) and (2,C2) one level higher, for it counts from the top
    maps = [
        [1, 2, 3, 1, 1, 1],
        [4, 4, 4, 5, 4, 6],
        [4, 4, 4, 5, 6, 4],
        [4, 4, 4, 4, 5, 5],
        [4, 4, 4, 1, 2, 3],
        [2, 3, 1, 4, 4, 4],
    ]
    found = levels_of(maps)
    assert len(found) == 5
    assert sorted(one for level in found for one in level) == [(2, 1), (2, 1), (2, 2), (2, 2), (3, 3), (3, 6), (4, 3)]


@pytest.mark.parametrize(
    ("expression", "recognise", "predict"),
    [
        (r'"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"', (2, 2), (1, 1)),
        (r'([^",\r\n]*|"([^"]|"")*")(,([^",\r\n]*|"([^"]|"")*"))*', (2, 2), (1, 1)),
    ],
    ids=["JSON", "CSV"],
)
def test_quoted_strings(expression: str, recognise: tuple[int, int], predict: tuple[int, int]) -> None:
    automaton = language_of(expression, syntax="python", alphabet="bytes").automaton
    for mode, most in (("recognise", recognise), ("predict", predict)):
        cascade = decompose(automaton, mode, Options(gates="signed"))  # type: ignore[arg-type]
        check_cascade(cascade)
        assert (cascade.depth, len([c for c in cascade.components if c.kind != "window"])) <= most


@pytest.mark.parametrize(
    "columns",
    [
        [[2, 2, 3, 4, 2], [2, 0, 3, 0, 3]],
        [[3, 1, 1, 2, 3], [0, 3, 3, 3, 1], [2, 2, 0, 2, 0]],
        [[1, 1, 2, 4, 4, 1], [3, 2, 0, 3, 1, 3]],
    ],
)
def test_the_search_beats_holonomy_and_does_not_depend_on_the_run(columns: list[list[int]]) -> None:
    automaton = table(columns, {0, 1, 3})
    gates = language_groups(automaton).gates
    assert gates in ("signed", "complex")
    first = decompose(automaton, "recognise", Options(gates=gates))
    assert first == decompose(automaton, "recognise", Options(gates=gates))
    check_cascade(first)
    assert first.depth < decompose(automaton, "recognise", Options(gates=gates, effort=0)).depth


def test_the_group_on_an_orbit_is_its_own() -> None:
    # two orbits, S_3 and C_2: the digits of the two share the swap
    coordinates = find_coordinates([(1, 2, 0, 3, 4), (1, 0, 2, 4, 3)], "complex", 0, clear=True)
    assert coordinates.shapes == (None, ("swap", 2), ("rotation", 3))
    assert coordinates.layers == 2
    element = coordinates.overwritten((), 3)
    assert coordinates.row(element, 3) == (1, 0, STALE)
    assert coordinates.turned(element, (1, 0, 2, 4, 3), 4) == then(element, (1, 0))
