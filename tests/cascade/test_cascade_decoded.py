"""Holonomy by decoded sets, and the check of a cascade component by component, against the whole product, on random automata."""

from __future__ import annotations

import random
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ssmc.algebra.random_automata import random_cascade, random_monotone, random_ordered
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.cascade import check_cascade, decompose
from ssmc.cascade.assemble import assemble
from ssmc.cascade.base import make_base
from ssmc.cascade.check import _expected, _whole, is_large
from ssmc.cascade.decoded import cover_by_sets
from ssmc.cascade.holonomy import PeriodicError, find_holonomy
from ssmc.cascade.ir import overwrite
from ssmc.cascade.mealy import mealy_machine
from ssmc.cascade.modular import check_modular
from ssmc.cascade.strategy import Options
from ssmc.cascade.windows import find_window
from ssmc.errors import LimitError, VerificationError
from ssmc.nn import Model
from ssmc.targets import lower
from ssmc.verify import prove

if TYPE_CHECKING:
    from ssmc.cascade.ir import Cascade, Mode

GENERATORS = (
    random_ordered,
    random_monotone,
    lambda rng, states, letters: random_cascade(rng, [2] * max(1, states // 3), letters),
)
DRAWN = st.tuples(st.sampled_from(GENERATORS), st.integers(2, 9), st.integers(1, 3), st.integers(0, 2**30))
MODES = st.sampled_from(["predict", "recognise"])


def drawn(choice: tuple) -> Automaton:
    generator, states, letters, seed = choice
    return generator(random.Random(seed), states, letters)


def both_ways(states: int) -> Automaton:
    """A counter that saturates at both ends: one letter up, one letter down."""
    rows = [[min(q + 1, states - 1), max(q - 1, 0)] for q in range(states)]
    return Automaton.from_table(Alphabet.tokens(["u", "d"]), rows, 0, [states - 1])


@settings(max_examples=150, deadline=None)
@given(DRAWN, MODES, st.integers(0, 1))
def test_components_of_decoded_sets_compute_the_language(choice: tuple, mode: Mode, width: int) -> None:
    automaton = drawn(choice)
    if not automaton.states:
        return
    machine = mealy_machine(automaton, mode, sink=False)
    base = make_base(machine.system, automaton.alphabet, window=find_window(machine.system, width), limit=5_000)
    try:
        holonomy = find_holonomy(machine.system, base.contexts)
    except PeriodicError:
        return
    if not holonomy.levels:
        return
    reduced = cover_by_sets(base, holonomy)
    assert len(reduced.components) == len(base.components) + holonomy.levels
    # each level reads the one above it alone
    levels = range(len(base.components) + 1, len(reduced.components))
    assert all(reduced.components[k].depends_on == (k - 1,) for k in levels)
    cascade = assemble(automaton, mode, machine, reduced)
    whole = _whole(cascade, _expected(cascade), 10**6, 10**6)
    assert whole > 0
    assert check_modular(cascade, _expected(cascade)) > 0


def changed(cascade: Cascade, rng: random.Random) -> Cascade:
    """One entry of one table overwrites with another value, or the readout gives another outcome."""
    k = rng.randrange(len(cascade.components) + 1)
    if k == len(cascade.components):
        key = rng.choice(sorted(cascade.readout.table))
        table = {**cascade.readout.table, key: rng.randrange(len(cascade.readout.outputs))}
        return replace(cascade, readout=replace(cascade.readout, table=MappingProxyType(table)))
    component = cascade.components[k]
    key = rng.choice(sorted(component.table))
    value = component.low + rng.randrange(component.size)
    component = replace(component, table=MappingProxyType({**component.table, key: overwrite(value)}))
    return replace(cascade, components=(*cascade.components[:k], component, *cascade.components[k + 1 :]))


def verdict(check) -> bool:
    try:
        check()
    except LimitError:
        assume(False)
    except VerificationError:
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(DRAWN, MODES, st.integers(0, 2**30))
def test_parts_and_the_whole_agree_on_changed_cascades(choice: tuple, mode: Mode, seed: int) -> None:
    automaton = drawn(choice)
    rng = random.Random(seed)
    cascade = decompose(automaton, mode, Options(effort=rng.randrange(2)))
    if not cascade.components or any(component.kind == "window" for component in cascade.components):
        return
    for _ in range(8):
        other = changed(cascade, rng)
        expected = _expected(other)
        whole = verdict(lambda other=other, expected=expected: _whole(other, expected, 10**6, 10**6))
        parts = verdict(lambda other=other, expected=expected: check_modular(other, expected))
        assert parts == whole


@pytest.mark.parametrize("mode", ["predict", "recognise"])
@pytest.mark.parametrize("states", [18, 40])
def test_counters_that_saturate_at_both_ends(states: int, mode: Mode) -> None:
    """Their holonomy has 2^(n-1) chains of tiles and n (n + 1) / 2 sets."""
    automaton = both_ways(states)
    cascade = decompose(automaton, mode)
    assert cascade.depth <= states - 1
    assert check_cascade(cascade) == states**2
    assert is_large(cascade)
    weights = lower(cascade)
    certificate = prove(Model.of(weights.config, weights.tensors), automaton, cascade)
    assert certificate.proof == "compositional"
    values, state, rng = cascade.initial, 0, random.Random(states)
    for _ in range(2000):
        x = rng.randrange(2)
        output = cascade.output(values, x)
        values, state = cascade.step(values, x), automaton.delta[state][x]
        assert output.accepting == (state in automaton.accepting)


def test_a_change_of_a_large_cascade_is_found() -> None:
    cascade = decompose(both_ways(24))
    rng = random.Random(1)
    for _ in range(10):
        other = changed(cascade, rng)
        differs = False
        values, state = other.initial, 0
        for _ in range(5000):
            x = rng.randrange(2)
            try:
                output, values = other.output(values, x), other.step(values, x)
            except Exception:
                differs = True
                break
            state = automaton_step(cascade.automaton, state, x)
            if output.accepting != (state in cascade.automaton.accepting):
                differs = True
                break
        if differs:
            with pytest.raises((VerificationError, LimitError)):
                check_cascade(other, limit=50_000)


def automaton_step(automaton: Automaton, state: int, x: int) -> int:
    return DEAD if state == DEAD else automaton.delta[state][x]
