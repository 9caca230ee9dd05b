from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from slow_twins import automata, automaton_of, slow_monoid, slow_period

from ssmc.algebra.green import green_classes
from ssmc.algebra.monoid import TransitionMonoid, enumerate_monoid
from ssmc.automaton import DEAD, Automaton
from ssmc.errors import LimitError, UsageError


def full_transformations(n: int) -> Automaton:
    turn = [(q + 1) % n for q in range(n)]
    swap = [1, 0, *range(2, n)]
    merge = [0, 0, *range(2, n)]
    return automaton_of(list(zip(turn, swap, merge, strict=True)), [0])


def as_tuple(monoid: TransitionMonoid, element: int, sink: int) -> tuple[int, ...]:
    return (*monoid.maps.unpack(monoid.elements[element]), sink)


@settings(max_examples=200, deadline=None)
@given(automata(max_states=4))
def test_elements_words_products_and_cayley_graphs(automaton: Automaton) -> None:
    monoid = enumerate_monoid(automaton)
    slow = slow_monoid(automaton)
    n, k = automaton.states, automaton.classes
    elements = [as_tuple(monoid, i, n) for i in range(monoid.size)]
    assert sorted(elements) == sorted(slow)
    assert elements[0] == tuple(range(n + 1))
    words = [monoid.word(i) for i in range(monoid.size)]
    assert words == sorted(words, key=lambda w: (len(w), w))
    number = {element: i for i, element in enumerate(elements)}
    for i, word in enumerate(words):
        assert monoid.element_of(word) == i
        for x in range(k):
            letter = elements[monoid.generators[x]]
            assert monoid.right[i * k + x] == number[tuple(letter[q] for q in elements[i])]
            assert monoid.left[x][i] == number[tuple(elements[i][q] for q in letter)]
            assert monoid.product(i, monoid.generators[x]) == monoid.right[i * k + x]
    assert set(monoid.idempotents) == {i for i, e in enumerate(elements) if tuple(e[q] for q in e) == e}
    zeros = [
        z
        for z, e in enumerate(elements)
        if all(tuple(e[q] for q in m) == e == tuple(m[q] for q in e) for m in elements)
    ]
    assert [monoid.zero] == (zeros or [None])
    for i in range(min(monoid.size, 10)):
        assert monoid.power(i) in monoid.idempotents


@settings(max_examples=150, deadline=None)
@given(automata(max_states=5))
def test_the_aperiodicity_index(automaton: Automaton) -> None:
    def index(element: tuple[int, ...]) -> int:
        powers = [tuple(range(len(element)))]
        while True:
            following = tuple(element[q] for q in powers[-1])
            if following == powers[-1]:
                return len(powers) - 1
            powers.append(following)

    slow = slow_monoid(automaton)
    expected = max(index(x) for x in slow) if all(slow_period(x) == 1 for x in slow) else None
    assert enumerate_monoid(automaton).aperiodicity_index == expected


@settings(max_examples=150, deadline=None)
@given(automata(max_states=4))
def test_green_classes_are_those_of_the_ideals(automaton: Automaton) -> None:
    monoid = enumerate_monoid(automaton, limit=1000)
    if monoid.size > 150:
        return
    green = green_classes(monoid)
    everything = range(monoid.size)
    right = [frozenset(monoid.product(i, j) for j in everything) for i in everything]
    left = [frozenset(monoid.product(j, i) for j in everything) for i in everything]
    both = [frozenset(monoid.product(j, k) for k in right[i] for j in everything) for i in everything]
    for labels, ideals in ((green.r_class, right), (green.l_class, left), (green.d_class, both)):
        assert len(set(zip(labels, ideals, strict=True))) == len(set(labels)) == len(set(ideals))
    for d in green.d_classes:
        cells = {green.cell(i) for i in d.elements}
        assert len(cells) == len(d.rows) * len(d.columns)
        assert len(d.elements) == len(cells) * d.cell_size
        assert d.regular == any(monoid.product(i, i) == i for i in d.elements)
        assert d.group is None or d.group.order == d.cell_size
    assert green.h_count == len(set(zip(green.r_class, green.l_class, strict=True)))
    ideal = {green.d_class[i]: both[i] for i in everything}
    for d, below in enumerate(green.order):
        lower = {e for e in ideal if ideal[e] < ideal[d]}
        assert set(below) == {e for e in lower if not any(ideal[e] < ideal[f] for f in lower)}


def test_the_full_transformation_monoid() -> None:
    green = green_classes(enumerate_monoid(full_transformations(5)))
    shape = [(d.group.name if d.group else None, len(d.rows), len(d.columns)) for d in green.d_classes]
    # Stirling numbers of the second kind by binomial coefficients
    assert shape == [("S5", 1, 1), ("S4", 10, 5), ("S3", 25, 10), ("C2", 15, 10), ("1", 1, 5)]
    assert green.order == ((1,), (2,), (3,), (4,), ())


def test_limits_on_elements_and_memory() -> None:
    automaton = full_transformations(5)
    assert enumerate_monoid(automaton, limit=3125).size == 3125
    with pytest.raises(LimitError, match="elements of the transition monoid: reached 3,124, limit 3,124"):
        enumerate_monoid(automaton, limit=3124)
    with pytest.raises(LimitError, match="bytes of the transition monoid"):
        enumerate_monoid(automaton, memory_limit=10_000)


def test_a_monoid_on_more_states_than_a_byte_has_values() -> None:
    n = 300
    window = automaton_of([[q + 1 if q < n - 1 else DEAD, q if q % 2 else DEAD] for q in range(n)], [n - 1])
    monoid = enumerate_monoid(window)
    assert {as_tuple(monoid, i, window.states) for i in range(monoid.size)} == set(slow_monoid(window))


def test_both_engines_give_the_same_value() -> None:
    pytest.importorskip("libsemigroups_pybind11")
    from ssmc.algebra.libsemigroups import enumerate_by_libsemigroups

    for automaton in (full_transformations(4), automaton_of([[1, DEAD], [DEAD, 0]], [0]), automaton_of([[0, 0]], [0])):
        one, other = enumerate_by_libsemigroups(automaton), enumerate_monoid(automaton)
        assert (one.elements, one.index, one.prefix) == (other.elements, other.index, other.prefix)
        assert (one.last, one.right) == (other.last, other.right)
    with pytest.raises(LimitError, match="elements of the transition monoid"):
        enumerate_by_libsemigroups(full_transformations(5), limit=3124)


def test_a_missing_engine_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from ssmc.algebra.libsemigroups import enumerate_by_libsemigroups

    monkeypatch.setitem(sys.modules, "libsemigroups_pybind11", None)
    with pytest.raises(UsageError, match="libsemigroups-pybind11"):
        enumerate_by_libsemigroups(full_transformations(3))


def test_libsemigroups_finds_the_same_monoid() -> None:
    lib = pytest.importorskip("libsemigroups_pybind11")
    from random import Random

    from ssmc.algebra.random_automata import random_automaton

    lib.ReportGuard(False)
    rng = Random(7)
    for _ in range(20):
        automaton = random_automaton(rng, rng.randint(3, 6), rng.randint(2, 3), rng.choice([0.0, 0.3]))
        n = automaton.states
        columns = [[n if r == DEAD else r for r in column] + [n] for column in automaton.columns]
        other = lib.FroidurePin(*(lib.Transf(column) for column in (list(range(n + 1)), *columns)))
        monoid = enumerate_monoid(automaton)
        assert monoid.size == other.size()
        assert len(monoid.idempotents) == other.number_of_idempotents()
        green = green_classes(monoid)
        assert green.r_count == lib.Gabow(other.right_cayley_graph()).number_of_components()
        assert green.l_count == lib.Gabow(other.left_cayley_graph()).number_of_components()
