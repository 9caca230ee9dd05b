"""Modular counters: consistent, complete (against sympy's Smith normal form), and kept by their components; counters that symbols clear."""

from __future__ import annotations

from math import prod
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.cascade.cleared import Cleared, cleared_stacks
from ssmc.cascade.ir import HOLD, Component
from ssmc.cascade.meter import Meter
from ssmc.cascade.parallel import base_of_components
from ssmc.cascade.system import System
from ssmc.cascade.tiling import count_permuted
from ssmc.cascade.torsion import ModularCounter, find_modular_counters, modular_components
from ssmc.cascade.windows import Window
from ssmc.languages import language_of, read_language


@st.composite
def automata(draw: st.DrawFn) -> Automaton:
    """Partial automata with few letters, many of them with closed walks of several lengths."""
    n = draw(st.integers(1, 7))
    k = draw(st.integers(1, 3))
    if draw(st.booleans()):
        rows = [[draw(st.integers(-1, n - 1)) for _ in range(k)] for _ in range(n)]
    else:
        steps = [draw(st.integers(0, n - 1)) for _ in range(k)]
        rows = [[(q + s) % n if draw(st.integers(0, 3)) else DEAD for s in steps] for q in range(n)]
    return Automaton.from_table(Alphabet.tokens("abc"[:k]), rows, 0, draw(st.sets(st.integers(0, n - 1), min_size=1)))


def values(system: System, counter: ModularCounter) -> list[int]:
    """The value of the counter in every state; every transition must agree."""
    found = {0: 0}
    queue = [0]
    for q in queue:
        for x, column in enumerate(system.columns):
            r = column[q]
            if r != DEAD:
                after = (found[q] + counter.increments[x]) % counter.modulus
                if r not in found:
                    found[r] = after
                    queue.append(r)
                assert found[r] == after
    return [found[q] for q in range(system.states)]


@settings(max_examples=150, deadline=None)
@given(automata())
def test_modular_counters_are_the_torsion(automaton: Automaton) -> None:
    assume(automaton.states > 0)
    system = System.of(automaton)
    counters = find_modular_counters(system)
    rows = [values(system, counter) for counter in counters]
    assert all(any(row) for row in rows)
    sympy = pytest.importorskip("sympy")
    normal_forms = pytest.importorskip("sympy.matrices.normalforms")
    # generators: states and letters; relations: q + x = r, and state 0 is 0
    n, width = system.states, len(system.columns)
    relations = [[int(i == 0) for i in range(n + width)]]
    for x, column in enumerate(system.columns):
        for q, r in enumerate(column):
            if r == DEAD:
                continue
            row = [0] * (n + width)
            row[q] += 1
            row[n + x] += 1
            row[r] -= 1
            relations.append(row)
    diagonal = normal_forms.smith_normal_form(sympy.Matrix(relations), domain=sympy.ZZ).diagonal()
    torsion = prod(abs(int(d)) for d in diagonal if d)
    assert prod(counter.modulus for counter in counters) == torsion
    # together they take every value of the product, as letters generate it
    letters = [tuple(c.increments[x] for c in counters) for x in range(width)]
    reached = {(0,) * len(counters)}
    queue = list(reached)
    for value in queue:
        for letter in letters:
            after = tuple((v + s) % c.modulus for v, s, c in zip(value, letter, counters, strict=True))
            if after not in reached:
                reached.add(after)
                queue.append(after)
    assert len(reached) == torsion


def test_known_torsion() -> None:
    def moduli(text: str, alphabet: str) -> list[int]:
        automaton = language_of(text, alphabet=alphabet).automaton
        return [counter.modulus for counter in find_modular_counters(System.of(automaton))]

    assert moduli("(aa)*", "a") == [2]
    assert moduli("(aaaa)*", "a") == [4]
    assert moduli("(abab)*", "ab") == [2]
    assert moduli("(aaaaaa)*", "a") == [2, 3]
    assert moduli("(aaab|abbb)*", "ab") == [8]  # 3a + b = a + 3b = 0
    assert moduli("(ab)*", "ab") == []
    tomita = find_modular_counters(System.of(read_language("tomita-5").automaton))
    assert {counter.increments for counter in tomita} == {(0, 1), (1, 0)}


@settings(max_examples=60, deadline=None)
@given(automata(), st.booleans())
def test_components_keep_modular_counters(automaton: Automaton, signed: bool) -> None:
    assume(automaton.states > 0)
    system = System.of(automaton)
    for counter in find_modular_counters(system):
        components = modular_components(counter, automaton.alphabet, signed=signed)
        power_of_two = counter.modulus & (counter.modulus - 1) == 0
        assert {c.kind for c in components} == (
            {"swap"} if counter.modulus == 2 or (signed and power_of_two) else {"rotation"}
        )
        base = base_of_components(system, components, limit=10_000)
        row = values(system, counter)
        for fibre, digits in zip(base.contexts.fibres, base.values, strict=True):
            value = digits[0] if len(digits) == 1 else sum(d << i for i, d in enumerate(digits))
            assert {row[q] for q in range(system.states) if fibre >> q & 1} == {value}


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.booleans(), st.booleans(), st.integers(0, 10**6))
def test_a_cleared_counter_counts(modulus: int, signed: bool, wide: bool, seed: int) -> None:
    rng = Random(seed)
    window = Window(((1, 2, 2),)) if wide else Window(())
    pairs = [(g, x) for g in range(3 if wide else 1) for x in range(3)]
    raised = frozenset(rng.sample(pairs, rng.randint(1, len(pairs))))
    cleared = frozenset(rng.sample(pairs, rng.randint(0, 2)))
    counter = Cleared(modulus, raised, cleared, window, 3, "c")
    stack: list[Component] = list(window.components(0))
    stack += counter.components(window=0, first=len(stack), signed=signed)
    state, expected, before = [0] * len(stack), 0, 0
    for _ in range(60):
        x = rng.randrange(3)
        if (before, x) in cleared:
            expected = 0
        elif (before, x) in raised:
            expected = (expected + 1) % modulus
        before = window.groups[0][x] if wide else 0
        actions = [c.table.get((x, *(state[j] for j in c.depends_on)), HOLD) for c in stack]
        state = [c.apply(action, value) for c, action, value in zip(stack, actions, state, strict=True)]
        own = state[1:] if wide else state
        assert (own[0] if len(own) == 1 else sum(d << i for i, d in enumerate(own))) == expected


@pytest.mark.parametrize(
    ("expression", "moduli"), [(r'"([^"\\]|\\.)*"', (2,)), (r"((a|b)(a|b)(a|b)c)*", (3,)), (r"(b|ab*ab*)*", (2,))]
)
def test_stacks_leave_no_group(expression: str, moduli: tuple[int, ...]) -> None:
    automaton = language_of(expression, syntax="python", alphabet="bytes").automaton
    system = System.of(automaton)
    found = list(cleared_stacks(system, automaton.alphabet, (), moduli, Meter(10_000_000), signed=True))
    assert found
    for stack in found:
        base = base_of_components(system, stack, limit=10_000)
        assert count_permuted(system, base.contexts) == 0


def test_two_counters_together() -> None:
    # Tomita 5 counts both letters modulo 2: neither count alone is enough
    automaton = read_language("tomita-5").automaton
    system = System.of(automaton)
    stacks = list(cleared_stacks(system, automaton.alphabet, (), (2,), Meter(10_000_000), signed=True))
    assert stacks
    assert {sum(c.kind == "swap" for c in stack) for stack in stacks} == {2}
