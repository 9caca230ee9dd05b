"""The groups of a language from its skeleton, against the groups of the enumerated monoid."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.algebra import check_starfree
from ssmc.algebra.green import green_classes
from ssmc.algebra.language_groups import language_groups
from ssmc.algebra.monoid import enumerate_monoid
from ssmc.algebra.needs import need_of
from ssmc.algebra.permutations import closure, then
from ssmc.automaton import Alphabet, Automaton
from ssmc.languages import language_of


def table(columns: list[list[int]], accepting: set[int]) -> Automaton:
    rows = list(zip(*columns, strict=True))
    return Automaton.from_table(Alphabet.tokens("abc"[: len(columns)]), rows, 0, accepting)


@st.composite
def automata(draw: st.DrawFn) -> Automaton:
    n = draw(st.integers(2, 5))
    entry = st.integers(-1, n - 1) if draw(st.booleans()) else st.integers(0, n - 1)
    columns = [
        list(draw(st.permutations(range(n)))) if draw(st.booleans()) else [draw(entry) for _ in range(n)]
        for _ in range(draw(st.integers(1, 3)))
    ]
    return table(columns, draw(st.sets(st.integers(0, n - 1), min_size=1)))


@settings(max_examples=120, deadline=None)
@given(automata())
def test_the_monoid_asks_for_the_same_gates(automaton: Automaton) -> None:
    found = language_groups(automaton)
    assert found.complete
    monoid = green_classes(enumerate_monoid(automaton))
    groups = [d.group for d in monoid.d_classes if d.group is not None and d.group.order > 1]
    assert found.need.gates == need_of(groups).gates
    assert found.solvable == all(group.solvable for group in groups)
    # every prime of one side divides an order of the other
    assert {p for g in found.groups for p in g.primes} == {p for g in groups for p in g.primes}
    assert (not found.groups) == (check_starfree(automaton, monoid_limit=0).verdict == "star-free")


@pytest.mark.parametrize(
    ("columns", "names", "gates"),
    [
        ([[1, 0]], ["C2"], "signed"),
        ([[1, 2, 0]], ["C3"], "complex"),
        ([[1, 2, 3, 0]], ["C4"], "signed"),
        ([[1, 2, 0], [1, 0, 2]], ["S3"], "complex"),
        ([[1, 2, 3, 0], [1, 0, 2, 3]], ["S4"], "complex"),
        ([[1, 2, 3, 4, 0], [1, 2, 0, 3, 4]], ["A5"], "pd"),
        ([[1, 2, 3, 4, 0], [1, 0, 2, 3, 4]], ["S5"], "pd"),
        # the holonomy groups of the full transformation monoid T_n are S_n, S_(n-1), ..., S_2
        ([[1, 2, 0], [1, 0, 2], [0, 0, 2]], ["C2", "S3"], "complex"),
        ([[1, 2, 3, 0], [1, 0, 2, 3], [0, 0, 2, 3]], ["C2", "S3", "S4"], "complex"),
        ([[1, 2, 3, 4, 0], [1, 0, 2, 3, 4], [0, 0, 2, 3, 4]], ["C2", "S3", "S4", "S5"], "pd"),
    ],
)
def test_known_groups(columns: list[list[int]], names: list[str], gates: str) -> None:
    found = language_groups(table(columns, {0}))
    assert [group.name for group in found.groups] == names
    assert found.gates == gates


def test_the_word_problem_of_a_group_has_that_group() -> None:
    # 60 states: A_5 on its own elements
    five, three = (1, 2, 3, 4, 0), (1, 2, 0, 3, 4)
    elements = sorted(closure([five, three], tuple(range(5))))
    elements.remove(tuple(range(5)))
    elements.insert(0, tuple(range(5)))
    place = {element: i for i, element in enumerate(elements)}
    found = language_groups(table([[place[then(e, g)] for e in elements] for g in (five, three)], {0}))
    assert [(group.name, group.order) for group in found.groups] == [("A5", 60)]
    assert found.gates == "pd"


def test_limits_are_told() -> None:
    automaton = table([[1, 2, 3, 4, 0], [1, 0, 2, 3, 4], [0, 0, 2, 3, 4]], {0})
    found = language_groups(automaton, set_limit=1)
    assert not found.complete
    assert (found.gates, found.at_least) == ("pd", "pd")  # S5 alone settles it
    rest = language_groups(table([[1, 2, 0], [1, 0, 2], [0, 0, 2]], {0}), set_limit=1)
    assert (rest.gates, rest.at_least, rest.solvable) == (None, "complex", None)
    assert "perhaps more" in rest.describe()[0]
    assert "pd gates do every" in rest.describe()[1]


def test_text_has_parities() -> None:
    found = language_groups(language_of(r'"([^"\\]|\\.)*"').automaton)
    assert found.describe() == ("groups: C2 (solvable)", "weakest gates: signed (needs a -1 gate)")
