"""Lower bounds against slow twins: all words for zero layers, last occurrences tracked one by one for one layer; and against what the search finds."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import TYPE_CHECKING

import pytest

from ssmc.algebra.random_automata import random_automaton, random_cascade, random_ordered
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.cascade import decompose
from ssmc.cascade.bounds import find_tie, one_layer_suffices
from ssmc.cascade.check import expected_output
from ssmc.cascade.counters import find_counters
from ssmc.cascade.system import System
from ssmc.errors import NotStarFreeError
from ssmc.languages import language_of

if TYPE_CHECKING:
    from ssmc.cascade.ir import Mode


def some_automata(count: int, seed: int = 5) -> list[Automaton]:
    rng = Random(seed)
    makers = [
        lambda: random_automaton(rng, rng.randint(2, 5), 2, 0.3),
        lambda: random_ordered(rng, rng.randint(2, 6), 2),
        lambda: random_cascade(rng, (2, 2), 2),
    ]
    found = [makers[i % 3]() for i in range(count)]
    return [automaton for automaton in found if automaton.states > 1]


def run(automaton: Automaton, word: tuple[int, ...]) -> int:
    state = 0
    for x in word:
        state = DEAD if state == DEAD else automaton.delta[state][x]
    return state


def slow_ties(automaton: Automaton, mode: Mode, width: int, length: int) -> bool:
    """Whether two words up to a length with the same last width + 1 symbols ask for different outputs."""
    known: dict[tuple[int, ...], object] = {}
    for n in range(width + 1, length + 1):
        for word in product(range(automaton.classes), repeat=n):
            state = run(automaton, word)
            if state == DEAD and mode == "predict":
                continue
            output = expected_output(automaton, mode, state)
            if known.setdefault(word[n - width - 1 :], output) != output:
                return True
    return False


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("width", [0, 1, 2])
def test_ties_are_those_of_all_short_words(mode: Mode, width: int) -> None:
    answers = set()
    for automaton in some_automata(60):
        tie = find_tie(automaton, mode, width)
        # a shortest word to a state has fewer letters than there are states with the sink
        assert (tie is not None) == slow_ties(automaton, mode, width, automaton.states + width + 1)
        answers.add(tie is None)
        if tie is not None:
            one, other = (expected_output(automaton, mode, run(automaton, word)) for word in tie)
            assert one != other
            assert tie.one[-width - 1 :] == tie.other[-width - 1 :]
    assert answers == {True, False}


def slow_one_layer(automaton: Automaton, width: int) -> bool:
    """The product with the order of last occurrences of blocks, explored state by state."""
    counters = find_counters(System.of(automaton))
    start: tuple[int, tuple[int, ...], tuple[tuple[tuple[int, ...], int], ...]] = (0, (), ())
    seen = {start}
    known: dict[object, object] = {}
    todo = [start]
    for state, window, order in todo:
        values = tuple(counter.values[state] for counter in counters)
        for x, r in enumerate(automaton.delta[state]):
            if r == DEAD:
                continue
            output = expected_output(automaton, "predict", r)
            if known.setdefault((window, order, values, x), output) != output:
                return False
            block = (window, x)
            after = (
                r,
                (*window, x)[-width:] if width else (),
                (*(other for other in order if other != block), block),
            )
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return True


@pytest.mark.parametrize("width", [0, 1])
def test_one_layer_is_decided_as_by_exploring_orders(width: int) -> None:
    answers = [(one_layer_suffices(a, width), slow_one_layer(a, width)) for a in some_automata(90, 11)]
    assert all(quick == slow for quick, slow in answers)
    assert {slow for _, slow in answers} == {True, False}


def test_the_search_is_never_below_the_bounds() -> None:
    for automaton in some_automata(40, 23):
        try:
            cascade = decompose(automaton, "predict")
        except NotStarFreeError:
            continue
        if find_tie(automaton, "predict", 3) is not None:
            assert cascade.depth >= 1
        used = max((c.size for c in cascade.components if c.kind == "window"), default=0)
        if cascade.depth <= 1 and not used and not any(c.saturating for c in cascade.components):
            assert one_layer_suffices(automaton)


@pytest.mark.parametrize(
    ("expression", "width", "zero", "one"),
    [
        ("(a|b)*", 0, True, True),
        ("a*b*", 0, True, True),
        ("(a|b)*a(a|b)", 1, True, True),
        ("(a|b)*a(a|b)", 0, False, True),
        ("(a(ab)*b)*", 1, False, True),
        ("(a|b)*ab(a|b)*", 0, False, False),
        ("(a|b)*ab(a|b)*", 1, False, True),
        ("b*ab*ab*ab*", 0, False, True),
    ],
)
def test_known_languages(expression: str, width: int, zero: bool, one: bool) -> None:
    automaton = language_of(expression, alphabet="ab").automaton
    assert (find_tie(automaton, "predict", width) is None) == zero
    assert one_layer_suffices(automaton, width) == one


def test_a_limit_gives_no_answer() -> None:
    automaton = Automaton.from_table(Alphabet.tokens("ab"), [[1, 0], [1, 2], [2, 2]], 0, [2])
    assert one_layer_suffices(automaton, 0, limit=2) is None
