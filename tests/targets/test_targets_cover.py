"""Covers against brute force: disjoint over the whole space, right on every key, small where smallness is known."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.targets.cover import Term, cover, merge


@st.composite
def functions(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    keys = list(itertools.product(*map(range, sizes)))
    labels = draw(st.integers(1, 3))
    table = {}
    for key in keys:
        label = draw(st.integers(-1, labels - 1))
        if label >= 0:
            table[key] = label
    return sizes, table


def check(sizes, table, default, terms):
    for key in itertools.product(*map(range, sizes)):
        inside = [term.label for term in terms if term.contains(key)]
        assert len(inside) <= 1
        if key in table:
            assert inside == ([] if table[key] == default else [table[key]])
    for one, two in itertools.combinations(terms, 2):
        assert not one.meets(two)


@given(functions(), st.integers(0, 2))
@settings(max_examples=150, deadline=None)
def test_covers_are_disjoint_and_right(function, default):
    sizes, table = function
    found = cover(sizes, table, default)
    assert found.default == default
    check(sizes, table, default, found.terms)
    if table:
        free = cover(sizes, table)
        check(sizes, table, free.default, free.terms)


@given(functions())
@settings(max_examples=60, deadline=None)
def test_the_same_function_gives_the_same_cover(function):
    sizes, table = function
    again = dict(reversed(table.items()))
    assert cover(sizes, table, 0) == cover(sizes, again, 0)


def least(sizes, table, default):
    """The fewest disjoint terms, by exhaustive search (tiny functions only)."""
    keys = list(itertools.product(*map(range, sizes)))
    place = {key: i for i, key in enumerate(keys)}
    need = sum(1 << place[key] for key, label in table.items() if label != default)
    boxes = []
    for masks in itertools.product(*(range(1, 1 << n) for n in sizes)):
        inside = [key for key in keys if all(m >> v & 1 for m, v in zip(masks, key, strict=True))]
        labels = {table[key] for key in inside if key in table}
        if len(labels) == 1 and default not in labels:
            boxes.append(sum(1 << place[key] for key in inside))

    def search(covered, bound):
        left = need & ~covered
        if not left:
            return 0
        if bound == 0:
            return None
        low = left & -left
        for box in boxes:
            if box & low and not box & covered and search(covered | box, bound - 1) is not None:
                return 1
        return None

    return next(count for count in range(len(keys) + 1) if search(0, count) is not None)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_near_the_optimum_on_tiny_functions(data):
    sizes = [3, 2, 2]
    table = {}
    for key in itertools.product(*map(range, sizes)):
        label = data.draw(st.sampled_from([None, 0, 0, 1]))
        if label is not None:
            table[key] = label
    assert len(cover(sizes, table, 0).terms) <= least(sizes, table, 0) + 1


def test_terms_that_differ_in_one_variable_are_merged():
    terms = [Term(1, (0b01, 0b01)), Term(1, (0b01, 0b10)), Term(1, (0b10, 0b11)), Term(2, (0b100, 0b11))]
    assert merge(terms) == [Term(1, (0b11, 0b11)), Term(2, (0b100, 0b11))]


def test_known_covers():
    # a counter's ends: two terms, whatever its range
    ends = {(x, v): int((x, v) in ((0, 99), (1, 0))) for x in range(2) for v in range(100)}
    assert len(cover([2, 100], ends, 0).terms) == 2
    # a don't-care may take the value that saves a term, but is never covered twice
    assert cover([2, 2], {(0, 0): 0, (0, 1): 1, (1, 0): 1}, 0).terms in (
        (Term(1, (0b01, 0b10)), Term(1, (0b10, 0b11))),
        (Term(1, (0b10, 0b01)), Term(1, (0b11, 0b10))),
        (Term(1, (0b01, 0b10)), Term(1, (0b10, 0b01))),
    )
    # no variable at all
    assert cover([], {(): 1}, 0).terms == (Term(1, ()),)
    assert cover([3], {}, 0).terms == ()
    with pytest.raises(ValueError, match="default"):
        cover([3], {})


def test_sixty_classes_are_quick():
    table = {
        (x, u, v, w): (x * 7 + (u if x % 3 else v) * 3) % 5 if (x + w) % 4 else 0
        for x in range(60)
        for u in range(5)
        for v in range(4)
        for w in range(2)
    }
    start = time.process_time()
    terms = cover([60, 5, 4, 2], table, 0).terms
    assert time.process_time() - start < 2
    check([60, 5, 4, 2], table, 0, terms)
