"""Languages with groups: every cascade is the automaton's equal, and uses only what the gates allow."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from itertools import pairwise
from math import factorial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ssmc.algebra.groups import group_of
from ssmc.algebra.language_groups import GATES, Gates, language_groups
from ssmc.algebra.permutations import Permutation, closure, factor, then
from ssmc.automaton import Alphabet, Automaton
from ssmc.cascade import Cascade, check_cascade, decompose
from ssmc.cascade.base import make_base
from ssmc.cascade.covering import recolour, settle
from ssmc.cascade.group_holonomy import cover_by_group_holonomy
from ssmc.cascade.holonomy import PeriodicError, find_holonomy
from ssmc.cascade.reduce import reduce_covering
from ssmc.cascade.strategy import Options
from ssmc.cascade.system import System
from ssmc.cascade.tiling import count_permuted, find_tiling
from ssmc.errors import GateError, LimitError, NotStarFreeError
from ssmc.languages import language_of, read_language

if TYPE_CHECKING:
    from ssmc.cascade.ir import Mode

KINDS = {
    "non-negative": {"reset", "counter", "window"},
    "signed": {"reset", "counter", "window", "swap"},
    "complex": {"reset", "counter", "window", "swap", "rotation"},
    "pd": {"reset", "counter", "window", "swap", "rotation", "permutation"},
}


def table(columns: list[list[int]], accepting: set[int]) -> Automaton:
    rows = list(zip(*columns, strict=True))
    return Automaton.from_table(Alphabet.tokens("abc"[: len(columns)]), rows, 0, accepting)


def word_problem(*generators: Permutation) -> Automaton:
    """The words over generators of a group whose product is 1."""
    identity = tuple(range(len(generators[0])))
    elements = [identity, *sorted(closure(generators, identity) - {identity})]
    place = {element: i for i, element in enumerate(elements)}
    return table([[place[then(element, g)] for element in elements] for g in generators], {0})


def transformations(n: int) -> Automaton:
    """All maps on n points, by a cycle, a swap and a merge."""
    return table([[*range(1, n), 0], [1, 0, *range(2, n)], [0, 0, *range(2, n)]], {0})


def proved(automaton: Automaton, gates: Gates, mode: Mode = "recognise", effort: int = 1) -> Cascade:
    cascade = decompose(automaton, mode, Options(gates=gates, effort=effort))
    check_cascade(cascade)
    assert {component.kind for component in cascade.components} <= KINDS[gates]
    assert Cascade.from_json(cascade.to_json()) == cascade
    return cascade


@st.composite
def automata(draw: st.DrawFn) -> Automaton:
    n = draw(st.integers(2, 6))
    entry = st.integers(-1, n - 1) if draw(st.booleans()) else st.integers(0, n - 1)
    columns = [
        list(draw(st.permutations(range(n)))) if draw(st.booleans()) else [draw(entry) for _ in range(n)]
        for _ in range(draw(st.integers(1, 3)))
    ]
    return table(columns, draw(st.sets(st.integers(0, n - 1), min_size=1)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(automata(), st.sampled_from(["recognise", "predict"]), st.sampled_from([0, 1]))
def test_every_language_decomposes_with_the_gates_it_needs(automaton: Automaton, mode: Mode, effort: int) -> None:
    weakest = language_groups(automaton).gates
    assert weakest is not None
    for gates in GATES:
        if GATES.index(gates) >= GATES.index(weakest):
            with nullcontext() if gates == "pd" else suppress(LimitError):
                proved(automaton, gates, mode, effort)
        else:
            with pytest.raises(NotStarFreeError if gates == "non-negative" else GateError):
                decompose(automaton, mode, Options(gates=gates))


@settings(max_examples=40, deadline=None)
@given(automata(), st.sampled_from(GATES), st.booleans())
def test_the_holonomy_covering_follows_the_system(automaton: Automaton, gates: Gates, clear: bool) -> None:
    assume(automaton.states > 0)
    system = System.of(automaton, sink=True)
    base = make_base(system, automaton.alphabet, limit=10_000)
    try:
        covering = cover_by_group_holonomy(base, gates, clear=clear, context_limit=2_000)
    except PeriodicError:
        assert gates != "pd"
        return
    except LimitError:
        return
    covering.check(system)
    recoloured = recolour(covering)
    recoloured.check(system)
    # with stale coordinates at 0 the joint states are the contexts
    reduced = reduce_covering(settle(recoloured), joint_limit=len(covering.states) + 1)
    assert reduced is not None
    assert {component.kind for component in reduced.components} <= KINDS[gates]


@settings(max_examples=60, deadline=None)
@given(automata())
def test_a_system_without_groups_is_found_by_both_tests(automaton: Automaton) -> None:
    assume(automaton.states > 0)
    system = System.of(automaton)
    contexts = make_base(system, automaton.alphabet, limit=10_000).contexts
    aperiodic = not find_tiling(system, contexts).generators
    assert (not count_permuted(system, contexts)) == aperiodic == (not language_groups(automaton).groups)
    if aperiodic:
        find_holonomy(system, contexts)
    else:
        with pytest.raises(PeriodicError):
            find_holonomy(system, contexts)


@pytest.mark.parametrize(
    ("grammar", "gates", "most"),
    [
        ("parity", "signed", 1),
        ("aa-even", "signed", 1),
        ("tomita-5", "signed", 1),
        ("aaaa", "signed", 2),
        ("aaaa", "complex", 1),
        ("abab", "signed", 1),
        ("tomita-3", "signed", 2),
        ("tomita-6", "complex", 1),
        ("tomita-6", "pd", 1),
        ("symmetric-3", "complex", 2),
        ("transformations-3", "complex", 3),
        ("transformations-3", "pd", 1),
        ("transformations-4", "pd", 1),
    ],
)
@pytest.mark.parametrize("mode", ["recognise", "predict"])
def test_layers_of_known_languages(grammar: str, gates: Gates, most: int, mode: Mode) -> None:
    assert proved(read_language(grammar).automaton, gates, mode).depth <= most


@pytest.mark.parametrize(
    ("generators", "gates", "layers"),
    [
        # solvable: one layer an abelian factor of the derived series
        ([(1, 0, 2), (1, 2, 0)], "complex", 2),
        ([(1, 2, 0, 3), (0, 2, 3, 1)], "complex", 2),
        ([(1, 0, 2, 3), (1, 2, 3, 0)], "complex", 3),
        ([(1, 2, 3, 0), (0, 3, 2, 1)], "signed", 2),
        ([(1, 2, 3, 0, 5, 6, 7, 4), (4, 7, 6, 5, 2, 1, 0, 3)], "signed", 2),
        ([(1, 2, 3, 4, 0), (1, 2, 0, 3, 4)], "pd", 1),
        ([(1, 2, 3, 4, 0), (1, 0, 2, 3, 4)], "pd", 1),
    ],
)
def test_word_problems(generators: list[Permutation], gates: Gates, layers: int) -> None:
    automaton = word_problem(*generators)
    assert language_groups(automaton).gates == (gates if gates == "signed" or layers > 1 else "pd")
    assert proved(automaton, gates).depth == layers


@pytest.mark.parametrize("n", [3, 4, 5])
def test_the_levels_of_all_maps(n: int) -> None:
    # SgpDec's decomposition of the full transformation semigroup T_n: (n, S_n), (n-1, S_(n-1)), ..., (2, S_2)
    automaton = transformations(n)
    tiling = find_tiling(System.of(automaton), make_base(System.of(automaton), automaton.alphabet, limit=100).contexts)
    found = {}
    for node, tiles in tiling.tiles.items():
        group = group_of(tiling.generators[tiling.class_of[node]])
        assert group is not None
        found[tiling.heights[node]] = (len(tiles), group.order)
    assert found == {h: (h + 1, factorial(h + 1)) for h in range(1, n)}


def test_the_refusal_names_witness_gate_and_target() -> None:
    automaton = read_language("tomita-6").automaton
    with pytest.raises(GateError, match=r"k mod 3.*C3 needs a p-th root of unity.*native-pd") as caught:
        decompose(automaton, "recognise", Options(gates="signed"))
    assert caught.value.needed == "complex"
    with pytest.raises(NotStarFreeError, match=r"k mod 2.*C2 needs a -1 gate.*native-signed"):
        decompose(read_language("parity").automaton)


@pytest.mark.parametrize(
    ("expression", "layers"),
    [
        (r'"([^"\\]|\\.)*"', 2),
        (r'"([^"]|"")*"(,"([^"]|"")*")*', 1),
        (r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", 2),
        (r"([0-9a-fA-F]{2})*", 1),
    ],
)
def test_expressions_over_bytes(expression: str, layers: int) -> None:
    language = language_of(expression, syntax="python", alphabet="bytes")
    assert language_groups(language.automaton).gates == "signed"
    assert proved(language.automaton, "signed", "predict").depth <= layers


@pytest.mark.parametrize(
    "generators",
    [
        [(1, 0, 2), (1, 2, 0)],
        [(1, 2, 0, 3), (0, 2, 3, 1)],
        [(1, 0, 2, 3), (1, 2, 3, 0)],
        [(1, 2, 3, 0), (0, 3, 2, 1)],
        [(1, 2, 3, 0, 5, 6, 7, 4), (4, 7, 6, 5, 2, 1, 0, 3)],
        [(1, 2, 3, 4, 5, 6, 0), (0, 2, 4, 6, 1, 3, 5)],
        [(1, 2, 3, 4, 0), (0, 2, 4, 1, 3)],
        [(1, 2, 0, 3, 4), (0, 1, 2, 4, 3)],
    ],
    ids=["S3", "A4", "S4", "D4", "Q8", "C7:C3", "C5:C4", "C6"],
)
def test_the_components_of_a_word_problem_are_its_composition_factors(generators: list[Permutation]) -> None:
    combinatorics = pytest.importorskip("sympy.combinatorics")
    group = combinatorics.PermutationGroup([combinatorics.Permutation(list(g)) for g in generators])
    orders = [part.order() for part in group.composition_series()]
    factors = sorted(a // b for a, b in pairwise(orders))
    cascade = proved(word_problem(*generators), "complex")
    sizes = [component.size for component in cascade.components]
    assert sorted(p for size in sizes for p, e in factor(size).items() for _ in range(e)) == factors
    assert cascade.depth == len(group.derived_series()) - 1
