"""The automaton type: canonical form against automata-lib's minimisation, and its speed."""

from time import monotonic

import pytest
from automata.fa.dfa import DFA
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.errors import InvariantError, SymbolError
from ssmc.minimize import coarsest_partition


@st.composite
def tables(draw):
    n = draw(st.integers(1, 9))
    k = draw(st.integers(1, 3))
    table = draw(st.lists(st.lists(st.integers(DEAD, n - 1), min_size=k, max_size=k), min_size=n, max_size=n))
    return table, draw(st.integers(0, n - 1)), draw(st.frozensets(st.integers(0, n - 1)))


def library(table, initial, final):
    names = "abc"[: len(table[0])]
    return DFA(
        states=set(range(len(table))), input_symbols=set(names), initial_state=initial, final_states=set(final),
        transitions={q: {s: r for s, r in zip(names, row, strict=True) if r != DEAD} for q, row in enumerate(table)},
        allow_partial=True,
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(tables())
def test_canonical_form(case):
    table, initial, final = case
    automaton = Automaton.from_table(Alphabet.tokens("abc"[: len(table[0])]), table, initial, final)
    automaton.check()
    dfa = library(table, initial, final)
    smallest = dfa.to_complete().minify()  # which trims when it allows partial transitions
    count = automaton.states if smallest.allow_partial else automaton.complete_states
    assert len(smallest.states) == count or not smallest.final_states
    assert automaton.to_dfa() == dfa
    assert Automaton.from_dfa(dfa, sorted(dfa.input_symbols)) == automaton
    assert Automaton.from_json(automaton.to_json()) == automaton


def slow_partition(delta, output):
    """Moore's rounds over everything, the slow twin of `coarsest_partition`."""
    label = list(output)
    while True:
        keys = [(label[q], *(label[r] if r != DEAD else None for r in row)) for q, row in enumerate(delta)]
        refined = [keys.index(key) for key in keys]
        if len(set(refined)) == len(set(label)):
            return refined
        label = refined


@settings(max_examples=200, deadline=None)
@given(tables())
def test_partition_against_its_slow_twin(case):
    table, _, final = case
    output = [q in final for q in range(len(table))]
    fast, slow = coarsest_partition(table, output), slow_partition(table, output)
    assert len(set(zip(fast, slow, strict=True))) == len(set(fast)) == len(set(slow))


@pytest.mark.parametrize("shape", ["chain", "random", "doubled"])
def test_ten_thousand_states_are_quick(shape):
    import random

    rng = random.Random(7)
    n, k = 10_000, 60
    if shape == "chain":  # every state accepts: refinement takes n rounds
        table = [[q + 1 if q + 1 < n else DEAD] * k for q in range(n)]
        final = range(n)
        expected = n
    elif shape == "random":
        table = [[rng.randrange(n) for _ in range(k)] for _ in range(n)]
        final = [q for q in range(n) if rng.random() < 0.5]
        expected = None
    else:  # q and q + n/2 are equivalent
        half = n // 2
        table = [[rng.randrange(half) + half * rng.randrange(2) for _ in range(k)] for _ in range(half)]
        table += [[(r + half) % n for r in row] for row in table]
        final = [q for q in range(n) if q % half % 2]
        expected = half
    start = monotonic()
    automaton = Automaton.from_table(Alphabet.tokens([f"s{i}" for i in range(k)]), table, 0, final)
    assert monotonic() - start < 10
    assert expected is None or automaton.states == expected


def test_empty_language():
    automaton = Automaton.from_table(Alphabet.tokens("ab"), [[0, 0]], 0, [])
    automaton.check()
    assert (automaton.states, automaton.complete_states, automaton.classes) == (0, 1, 1)
    assert automaton.to_dfa() == library([[0, 0]], 0, [])


def test_alphabets():
    assert Alphabet.tokens(["w0", "i"]).encode("w0 i") == [0, 1]
    with pytest.raises(SymbolError, match="symbol 2"):
        Alphabet.tokens("ab").encode("ax")
    with pytest.raises(SymbolError):
        Alphabet.tokens("ab").class_of(2)
    with pytest.raises(InvariantError):
        Alphabet("tokens", ("a", "a"), (0,), (0,)).check()
    text = Alphabet.of_runs("codepoints", (), [0, 97, 98], [0, 1, 0])
    assert (text.class_of(97), text.class_of(0x10FFFF), text.representatives) == (1, 0, (0, 97))
