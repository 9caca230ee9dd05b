"""Counts against enumeration, unranking as a bijection, and what uniformity follows from it."""

import random
from collections import Counter
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import Alphabet, Automaton
from ssmc.errors import InputError, LimitError
from ssmc.languages import read_language
from ssmc.sample import Machine, WordCounts, dyck_weights
from ssmc.sample.walk import Walks


@st.composite
def machines(draw):
    """The machines of random automata over up to three symbols that are not empty."""
    letters, states = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    cell = st.integers(-1, states - 1)
    table = draw(st.lists(st.lists(cell, min_size=letters, max_size=letters), min_size=states, max_size=states))
    final = draw(st.sets(st.integers(0, states - 1), min_size=1))
    automaton = Automaton.from_table(Alphabet.tokens("abc"[:letters]), table, 0, {0} | final)
    return Machine.of(automaton)


def words(machine, length):
    """Every word of a length, by trying all strings."""
    automaton = machine.automaton
    strings = product(range(automaton.alphabet.size), repeat=length)
    return [list(word) for word in strings if automaton.accepts(word)]


@settings(max_examples=60, deadline=None)
@given(machines(), st.integers(0, 6))
def test_unranking_is_a_bijection_in_alphabet_order(machine, length):
    counts = WordCounts(machine)
    every = words(machine, length)
    assert counts.count(length) == len(every)
    assert [counts.unrank(length, index) for index in range(len(every))] == every
    assert [counts.rank(word) for word in every] == list(range(len(every)))
    with pytest.raises(InputError, match="none has number"):
        counts.unrank(length, len(every))


@settings(max_examples=60, deadline=None)
@given(machines(), st.integers(0, 5), st.booleans())
def test_walks_reach_every_word_and_nothing_else(machine, length, prefixes):
    automaton = machine.automaton
    strings = product(range(automaton.alphabet.size), repeat=length)
    expected = {w for w in strings if (automaton.run(w) >= 0 if prefixes else automaton.accepts(w))}
    walks = Walks(machine, prefixes)
    assert walks.exists(length) == bool(expected)
    if not expected:
        with pytest.raises(InputError, match="no"):
            walks.draw(length, random.Random(0))
        return
    assert {tuple(walks.draw(length, random.Random(seed))) for seed in range(60)} <= expected


def test_the_states_of_a_walk_repeat():
    machine = Machine.of(read_language("abcde").automaton)
    walks = Walks(Machine.of(read_language("parity").automaton))
    assert walks.exists(10**9)
    assert len(walks.seen) < 4
    lengths = [length for length in range(40) if Walks(machine).exists(length)]
    assert lengths == list(range(5, 40))
    plain = WordCounts(Machine.of(read_language("aaaa").automaton))
    cycle = Walks(plain.machine)
    assert [cycle.exists(n) for n in range(30)] == [plain.count(n) > 0 for n in range(30)]


def test_large_counts_are_exact():
    # balanced words of one bracket at most 2 deep, 2n long: 2^(n-1); of any depth: Catalan numbers
    assert WordCounts(Machine.of(read_language("d-2").automaton)).count(400) == 2**199
    catalan = [1, 1, 2, 5, 14, 42, 132, 429, 1430, 4862, 16796, 58786, 208012]
    deep = WordCounts(Machine.of(read_language("d-12").automaton))
    assert [deep.count(2 * n) for n in range(13)] == catalan
    assert not deep.count(7)
    with pytest.raises(LimitError, match="walk"):
        deep.count(1_000_000)


def path_probability(kinds, depth, word):
    """The probability that the source of Hewitt et al. makes a word, step by step as they define it."""
    stack, p = [], Fraction(1)
    for symbol in [*word, None]:
        options = {}
        if len(stack) < depth:
            options |= {kind: Fraction(1, kinds) for kind in range(kinds)}
        if stack:
            options[stack[-1] + kinds] = Fraction(1)
        else:
            options[None] = Fraction(1)
        p *= options[symbol] / sum(options.values())
        if symbol is not None:
            stack.append(symbol) if symbol < kinds else stack.pop()
    return p


@pytest.mark.parametrize(("name", "depth"), [("dyck-2-3", 3), ("d-2", 2)])
def test_the_dyck_source_conditioned_on_length(name, depth):
    machine = Machine.of(read_language(name).automaton)
    kinds = machine.automaton.alphabet.size // 2
    counts = WordCounts(machine, *dyck_weights(machine, range(kinds)))
    for length in (2, 4):
        every = words(machine, length)
        p = [path_probability(kinds, depth, word) for word in every]
        total = counts.count(length)
        drawn = Counter(tuple(counts.unrank(length, index)) for index in range(total))
        assert [Fraction(drawn[tuple(word)], total) for word in every] == [q / sum(p) for q in p]
    assert not counts.count(5)
