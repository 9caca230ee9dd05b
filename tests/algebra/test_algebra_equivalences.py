"""What must agree, agrees: skeleton, monoid, tuples, cascades, closure properties, and the shipped grammars."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_twins import automata, automaton_of, slow_monoid, slow_period

from ssmc.algebra import check_index, check_starfree, check_witness
from ssmc.algebra.classify import classify
from ssmc.algebra.monoid import enumerate_monoid
from ssmc.algebra.pairs import search_pairs, search_triples
from ssmc.algebra.parts import counter_parts
from ssmc.algebra.random_automata import random_automaton, random_cascade, random_monotone, random_ordered
from ssmc.automaton import Automaton
from ssmc.cascade import check_cascade, decompose
from ssmc.errors import NotStarFreeError
from ssmc.languages import parse_grammar, read_language, shipped_grammars

LETTERS = ("a", "b")


def letter(name: str) -> Any:
    from automata.fa.dfa import DFA

    return DFA.from_finite_language(language={name}, input_symbols=set(LETTERS))


def union(one: Any, two: Any) -> Any:
    return one.union(two, retain_names=False, minify=True)


def concatenation(one: Any, two: Any) -> Any:
    from automata.fa.dfa import DFA
    from automata.fa.nfa import NFA

    return DFA.from_nfa(NFA.from_dfa(one).concatenate(NFA.from_dfa(two)), retain_names=False, minify=True)


def complement(one: Any) -> Any:
    return one.to_complete().complement(retain_names=False, minify=True)


def star_free_expression(rng: Random, depth: int) -> Any:
    """A random star-free expression: letters, union, concatenation and complement."""
    if depth == 0:
        return letter(rng.choice(LETTERS))
    form = rng.choice(("union", "concatenation", "concatenation", "complement"))
    if form == "complement":
        return complement(star_free_expression(rng, depth - 1))
    one, two = star_free_expression(rng, depth - 1), star_free_expression(rng, depth - 1)
    if len(one.states) * len(two.states) > 200:
        return one
    return union(one, two) if form == "union" else concatenation(one, two)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 4))
def test_star_free_expressions_are_star_free(seed: int, depth: int) -> None:
    automaton = Automaton.from_dfa(star_free_expression(Random(seed), depth), LETTERS)
    report = check_starfree(automaton, monoid_limit=2000)
    assert report.verdict == "star-free"
    assert report.aperiodicity_index is not None
    if report.monoid_size is not None:
        assert check_index(automaton, report.aperiodicity_index, exact=True) == report.monoid_size


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([2, 3]))
def test_star_free_followed_by_a_group_language_is_judged_as_the_monoid_says(seed: int, period: int) -> None:
    rng = Random(seed)
    turning = automaton_of([[(q + 1) % period, (q + rng.randrange(2)) % period] for q in range(period)], [0])
    first = star_free_expression(rng, 2)
    automaton = Automaton.from_dfa(concatenation(first, turning.to_dfa()), LETTERS)
    monoid = enumerate_monoid(automaton, limit=100_000)
    aperiodic = not any(monoid.maps.has_counter(element) for element in monoid.elements)
    report = check_starfree(automaton, monoid_limit=0)
    assert report.verdict == ("star-free" if aperiodic else "not-star-free")
    if report.witness is not None:
        check_witness(automaton, report.witness)


@settings(max_examples=120, deadline=None)
@given(automata(max_states=5, max_letters=2))
def test_the_cascade_of_a_star_free_language_is_proved_and_no_other_has_one(automaton: Automaton) -> None:
    report = check_starfree(automaton, monoid_limit=0)
    if report.verdict == "star-free":
        assert check_cascade(decompose(automaton)) >= 1
    else:
        with pytest.raises(NotStarFreeError) as caught:
            decompose(automaton)
        assert caught.value.witness == report.witness


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
def test_every_test_gives_one_verdict(seed: int) -> None:
    rng = Random(seed)
    automaton = rng.choice(
        (
            lambda: random_automaton(rng, rng.randint(2, 5), 2, 0.3),
            lambda: random_cascade(rng, (2, 2), 2),
            lambda: random_cascade(rng, (2,), 2, (rng.choice((2, 3)),)),
            lambda: random_monotone(rng, 5, 2),
            lambda: random_ordered(rng, 5, 2),
        )
    )()
    aperiodic = all(slow_period(x) == 1 for x in slow_monoid(automaton))
    assert check_starfree(automaton, monoid_limit=0).verdict == ("star-free" if aperiodic else "not-star-free")
    for part in counter_parts(automaton):
        word, rest = search_pairs(part)
        assert not (aperiodic and word is not None)
        assert not (aperiodic and any(search_triples(part, pieces) for pieces in rest))


@pytest.mark.parametrize("path", shipped_grammars(), ids=lambda path: path.stem)
def test_the_shipped_grammars(path: Any) -> None:
    grammar = parse_grammar(path.read_text(encoding="utf-8"), str(path))
    automaton = read_language(path.stem).automaton
    report = check_starfree(automaton)
    assert (report.verdict == "star-free") == grammar.star_free
    if report.witness is not None:
        check_witness(automaton, report.witness)
    else:
        assert report.aperiodicity_index is not None
        assert check_index(automaton, report.aperiodicity_index, exact=True) == report.monoid_size
    result = classify(automaton)
    assert result["star-free"].holds == grammar.star_free
    assert all(membership.holds is not None for membership in result.memberships)
