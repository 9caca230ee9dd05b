"""Levels, windows, tallies and quotients against their definitions; the search against known depths."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cascade_parts import systems

from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.cascade import check_cascade, decompose
from ssmc.cascade.base import make_base
from ssmc.cascade.closures import Points, draft
from ssmc.cascade.levels import FREE_MOVE, HOLD_MOVE, build
from ssmc.cascade.meter import Meter
from ssmc.cascade.quotients import absorbing_states, find_parts
from ssmc.cascade.refinement import merge
from ssmc.cascade.search import Budget, cover_by_levels, search_greedily, search_layers, search_levels
from ssmc.cascade.strategy import Options
from ssmc.cascade.system import System, members
from ssmc.cascade.tallies import Tally, find_tallies
from ssmc.cascade.windows import find_window
from ssmc.languages import language_of

BUDGET = Budget(beam=2, work=50_000_000, points=500)


def letters(system: System) -> Alphabet:
    return Alphabet.tokens("abc"[: len(system.columns)])


def words(system: System, length: int) -> list[tuple[tuple[int, ...], int]]:
    """All live words up to a length with the states they lead to."""
    layer = [((), 0)]
    out = list(layer)
    for _ in range(length):
        layer = [
            ((*word, x), column[q]) for word, q in layer for x, column in enumerate(system.columns) if column[q] != DEAD
        ]
        out += layer
    return out


def smallest(block: dict[int, int], image: int) -> int:
    """The value of the first of the smallest blocks that contain a set."""
    return min((mask.bit_count(), value) for value, mask in block.items() if not image & ~mask)[1]


@settings(max_examples=50, deadline=None)
@given(systems(), st.integers(0, 2), st.data())
def test_levels_follow_their_blocks(system: System, width: int, data: st.DataObject) -> None:
    base = make_base(system, letters(system), window=find_window(system, width), limit=5000)
    _, points = merge(system, base.contexts)
    resets = np.array(data.draw(st.lists(st.booleans(), min_size=len(points.targets), max_size=len(points.targets))))
    level = build(draft(points, [resets])[0], strict=data.draw(st.booleans()))
    if level is None:
        return
    contexts = points.contexts
    assert level.values == sum(len(block or ()) for block in level.blocks)
    first = level.blocks[0]
    assert level.start == (FREE_MOVE if first is None else smallest(first, 1))
    for c, block in enumerate(level.blocks):
        for x, d in enumerate(contexts.arrows[c]):
            move = level.moves[c][x]
            target = level.blocks[d] if d != DEAD else None
            if target is None:
                assert move == FREE_MOVE
            elif move == HOLD_MOVE:
                assert block is not None
                for value, mask in block.items():
                    image = system.image(mask, x)
                    assert image == 0 or image & ~target[value] == 0
            else:
                assert move == smallest(target, system.image(contexts.fibres[c], x))


@settings(max_examples=50, deadline=None)
@given(systems(monotone=True), st.integers(0, 2))
def test_searches_give_coverings(system: System, width: int) -> None:
    base = make_base(system, letters(system), window=find_window(system, width), limit=5000)
    base_points = Points(system, base.contexts)
    for sequence in (
        *search_levels(base, BUDGET, Meter(BUDGET.work), 6),
        *search_layers(base, BUDGET, Meter(BUDGET.work), 6),
        *search_greedily(base, Meter(BUDGET.work)),
    ):
        covering = cover_by_levels(base, sequence, context_limit=20_000)
        covering.check(system)
        assert base_points.is_exact <= (not sequence.steps)


@settings(max_examples=30, deadline=None)
@given(systems(), st.integers(1, 3))
def test_windows_tell_what_the_last_letters_tell(system: System, width: int) -> None:
    window = find_window(system, width)
    base = make_base(system, letters(system), window=window, limit=20_000)
    fibre_of = dict(zip(base.values, base.contexts.fibres, strict=True))
    by_suffix: dict[tuple[int, ...], set[int]] = {}
    long = [(word, q) for word, q in words(system, width + 3) if len(word) >= width]
    for word, q in long:
        by_suffix.setdefault(word[len(word) - width :], set()).add(q)
    for word, _ in long:
        values = window.initial
        for x in word:
            values = window.step(values, x)
        assert by_suffix[word[len(word) - width :]] <= set(members(fibre_of[values]))
        for older, newer in zip(window.groups[1:], window.groups[:-1], strict=True):
            assert len({(a, b) for a, b in zip(newer, older, strict=True)}) == len(set(newer))


@settings(max_examples=50, deadline=None)
@given(systems())
def test_quotients_are_congruences_that_separate(system: System) -> None:
    for aside in (frozenset(), absorbing_states(system)):
        parts = find_parts(system, aside, Meter(10**6))
        kept = [q for q in range(system.states) if q not in aside]
        for part in parts:
            assert part.system.states < len(kept)
            for x, column in enumerate(system.columns):
                for q in kept:
                    if column[q] != DEAD and column[q] not in aside:
                        assert part.system.columns[x][part.partition[q]] == part.partition[column[q]]
        if parts:
            assert len({tuple(part.partition[q] for part in parts) for q in kept}) == len(kept)


@settings(max_examples=30, deadline=None)
@given(systems(), st.data())
def test_tallies_count(system: System, data: st.DataObject) -> None:
    for tally in find_tallies(system, Meter(10**6), 3):
        assert not tally.raised & tally.cleared
        word = data.draw(st.lists(st.integers(0, len(system.columns) - 1), max_size=12))
        value = 0
        for x in word:
            value = tally.step(value, x)
        last = max((i + 1 for i, x in enumerate(word) if x in tally.cleared), default=0)
        assert value == min(sum(x in tally.raised for x in word[last:]), tally.top)
        assert tally.component(letters(system), len(system.columns)).saturating


def test_a_tally_has_the_least_top() -> None:
    run = System((tuple(min(q + 1, 4) for q in range(5)), (0, 0, 0, 0, 4)))
    best = find_tallies(run, Meter(10**6), 1)[0]
    # at top 3 the run of three is told from longer ones by the class read next
    assert best == Tally(frozenset([0]), frozenset([1]), 3)


def automaton_of(expression: str, **options: str) -> Automaton:
    return language_of(expression, **options).automaton


REACH = [
    ("(a|b|c)*a(a|b|c)*b(a|b|c)*c(a|b|c)*", "abc", 0, 3),
    ("(a|b|c)*abcab(a|b|c)*", "abc", 0, 3),
    ("(a|b|c)*abcab(a|b|c)*", "abc", 3, 2),
    ("a{30}(a|b)*b", "ab", 3, 2),
    ("(a|b)*a{50}(a|b)*", "ab", 3, 2),
    ("c*ac*ac*ac*ac*a(a|c)*b(a|b|c)*", "abc", 0, 2),
    ("(a(b|c)*)?(d(b|c)*)?", "abcd", 0, 2),
]


@pytest.mark.parametrize(("expression", "alphabet", "window", "layers"), REACH)
def test_depths_to_reach(expression: str, alphabet: str, window: int, layers: int) -> None:
    automaton = automaton_of(expression, alphabet=alphabet)
    cascade = decompose(automaton, "predict", Options(window=window))
    assert cascade.depth <= layers
    check_cascade(cascade)
    assert decompose(automaton, "predict", Options(window=window)) == cascade


def dyck(kinds: int, depth: int) -> Automaton:
    """Bounded Dyck language: states are stacks."""
    stacks = [()]
    for length in range(1, depth + 1):
        stacks += list(product(range(kinds), repeat=length))
    number = {stack: i for i, stack in enumerate(stacks)}
    rows = [
        [number.get((*stack, k), DEAD) for k in range(kinds)]
        + [number[stack[:-1]] if stack and stack[-1] == k else DEAD for k in range(kinds)]
        for stack in stacks
    ]
    return Automaton.from_table(Alphabet.tokens("abcdefgh"[: 2 * kinds]), rows, 0, [0])


@pytest.mark.parametrize(("kinds", "depth"), [(2, 3), (2, 4), (3, 3), (2, 6)])
def test_bounded_dyck_takes_two_layers(kinds: int, depth: int) -> None:
    cascade = decompose(dyck(kinds, depth), "predict", Options(window=0))
    assert cascade.depth <= 2
    channels = sum((c.size - 1).bit_length() for c in cascade.components if c.kind == "reset")
    assert channels <= (depth - 1) * (kinds - 1).bit_length()
    check_cascade(cascade)


def test_parts_side_by_side() -> None:
    """Contains three given subsequences of disjoint letters: three chains side by side, no deeper than one of them."""
    automaton = automaton_of(
        "~("
        + "|".join(f"({w})" for w in ("~(S*aS*bS*)", "~(S*cS*dS*)", "~(S*eS*fS*)")).replace("S", "(a|b|c|d|e|f)")
        + ")",
        alphabet="abcdef",
    )
    cascade = decompose(automaton, "predict", Options(window=0))
    assert cascade.depth <= 2
    check_cascade(cascade)
