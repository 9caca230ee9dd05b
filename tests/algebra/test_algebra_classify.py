from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from slow_twins import automata, automaton_of, slow_monoid, slow_period

from ssmc.algebra.classify import Classification, classify
from ssmc.algebra.classify.hierarchy import missing_futures
from ssmc.algebra.classify.subject import Subject
from ssmc.automaton import DEAD, Automaton


def words_up_to(letters: int, length: int) -> list[tuple[int, ...]]:
    return [word for n in range(length + 1) for word in product(range(letters), repeat=n)]


def language(expression: str, letters: str = "ab") -> Automaton:
    from automata.fa.dfa import DFA
    from automata.fa.nfa import NFA

    return Automaton.from_dfa(DFA.from_nfa(NFA.from_regex(expression, input_symbols=set(letters))))


def reverse(automaton: Automaton) -> Automaton:
    """By subset construction from the accepting states backwards."""
    start = frozenset(automaton.accepting)
    number, order, rows = {start: 0}, [start], []
    for states in order:
        row = []
        for c in range(automaton.classes):
            before = frozenset(q for q in range(automaton.states) if automaton.delta[q][c] in states)
            if before not in number:
                number[before] = len(order)
                order.append(before)
            row.append(number[before])
        rows.append(row)
    return Automaton.from_table(automaton.alphabet, rows, 0, [i for i, s in enumerate(order) if 0 in s])


def holds(result: Classification) -> dict[str, bool]:
    return {m.name: bool(m.holds) for m in result.memberships if m.holds is not None}


IMPLIED = [
    ("finite", "strictly-local"),
    ("finite", "definite"),
    ("finite", "reverse-definite"),
    ("cofinite", "definite"),
    ("definite", "generalised-definite"),
    ("reverse-definite", "generalised-definite"),
    ("generalised-definite", "locally-testable"),
    ("strictly-local", "locally-testable"),
    ("strictly-local", "tier-based-strictly-local"),
    ("tier-based-strictly-local", "tier-based-locally-testable"),
    ("locally-testable", "tier-based-locally-testable"),
    ("tier-based-locally-testable", "tier-based-locally-threshold-testable"),
    ("locally-threshold-testable", "tier-based-locally-threshold-testable"),
    ("tier-based-locally-threshold-testable", "star-free"),
    ("locally-testable", "locally-threshold-testable"),
    ("locally-threshold-testable", "FO2[<,+1]"),
    ("strictly-piecewise", "piecewise-testable"),
    ("level 1/2 (shuffle ideal)", "piecewise-testable"),
    ("piecewise-testable", "R-trivial"),
    ("piecewise-testable", "L-trivial"),
    ("R-trivial", "DA = FO2[<]"),
    ("L-trivial", "DA = FO2[<]"),
    ("DA = FO2[<]", "level 3/2"),
    ("DA = FO2[<]", "FO2[<,+1]"),
    ("FO2[<,+1]", "star-free"),
    ("level 3/2", "star-free"),
    ("star-free", "AC0"),
    ("star-free", "solvable groups"),
]


@settings(max_examples=250, deadline=None)
@given(automata(max_states=5, max_letters=2))
def test_the_classes_fit_together_and_the_evidence_is_true(automaton: Automaton) -> None:
    result = classify(automaton, monoid_limit=400)
    assume(result.monoid_size is not None)
    found = holds(result)
    for smaller, larger in IMPLIED:
        if found.get(smaller):
            assert found.get(larger, True), (smaller, larger)
    # equalities between tests that share no code
    assert found["piecewise-testable"] == found["J-trivial"] == (found["R-trivial"] and found["L-trivial"])
    assert found["DA = FO2[<]"] == (found["level 3/2"] and found["complement of level 3/2"])
    assert found["star-free"] == all(slow_period(x) == 1 for x in slow_monoid(automaton))
    assert found["L-trivial"] == classify(reverse(automaton))["R-trivial"].holds
    for membership in result.memberships:
        evidence = membership.evidence
        assert evidence is not None
        assert evidence.text(automaton)
        for word in evidence.inside if evidence else ():
            assert automaton.accepts([automaton.alphabet.representatives[c] for c in word]), membership
        for word in evidence.outside if evidence else ():
            assert not automaton.accepts([automaton.alphabet.representatives[c] for c in word]), membership
        assert membership.to_json(automaton)["name"] == membership.name


def signature(name: str, k: int, word: tuple[int, ...]) -> object:
    if name == "definite":
        return word[len(word) - k :] if len(word) >= k else word
    if name == "reverse-definite":
        return word[:k]
    if name == "locally-testable":
        if len(word) < k:
            return word
        factors = frozenset(word[i : i + k] for i in range(len(word) - k + 1))
        return word[: k - 1], word[len(word) - k + 1 :], factors
    subwords = {()}
    for c in word:
        subwords |= {(*w, c) for w in subwords if len(w) < k}
    return frozenset(subwords)


def consistent(automaton: Automaton, name: str, k: int, words: list[tuple[int, ...]]) -> bool:
    answer: dict[object, bool] = {}
    return all(answer.setdefault(signature(name, k, w), automaton.accepts(w)) == automaton.accepts(w) for w in words)


ORDERED = ("definite", "reverse-definite", "locally-testable", "piecewise-testable")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_orders_are_least(seed: int) -> None:
    from random import Random

    rng = Random(seed)
    rows = [[rng.choice([q, min(q + 1, 4), min(q + 2, 4), rng.randrange(5)]) for _ in "ab"] for q in range(5)]
    automaton = automaton_of(rows, [q for q in range(5) if rng.random() < 0.5])
    assume(automaton.classes == 2)
    result = classify(automaton)
    words = words_up_to(2, 8)
    for name in ORDERED:
        membership = result[name]
        if membership.holds and membership.order is not None:
            assert consistent(automaton, name, membership.order, words)
            if membership.order > 0 and not (name == "locally-testable" and membership.order == 1):
                evidence = membership.evidence
                assert evidence is not None
                longer = [*words, *evidence.inside, *evidence.outside]
                assert not consistent(automaton, name, membership.order - 1, longer) or membership.order == 1
        if membership.holds is False and name != "locally-testable":
            pumped = words_up_to(2, 10)
            assert not consistent(automaton, name, 1, pumped)


@settings(max_examples=120, deadline=None)
@given(automata(max_states=4, max_letters=2))
def test_strictly_local_is_suffix_substitution(automaton: Automaton) -> None:
    membership = classify(automaton)["strictly-local"]
    assume(automaton.classes > 0)
    words = words_up_to(automaton.classes, 7)
    inside = [w for w in words if automaton.accepts(w)]

    def closed(k: int) -> bool:
        ends: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
        starts: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
        for word in inside:
            for i in range(len(word) - k + 2):
                middle = word[i : i + k - 1]
                starts.setdefault(middle, set()).add(word[:i])
                ends.setdefault(middle, set()).add(word[i + k - 1 :])
        return all(automaton.accepts((*u, *m, *v)) for m, heads in starts.items() for u in heads for v in ends[m])

    if membership.holds:
        assert membership.order is not None
        assert closed(membership.order)
        assert membership.order == 1 or len(words) > 500 or not closed(membership.order - 1) or automaton.states > 3
    else:
        assert not closed(1)


@settings(max_examples=120, deadline=None)
@given(automata(max_states=5, max_letters=2))
def test_futures_shuffles_and_forbidden_subwords(automaton: Automaton) -> None:
    table = Subject(automaton, 100).complete
    n = table.states
    words = words_up_to(automaton.classes, 2 * n if automaton.classes < 2 else 7)
    accepted = [{w for w in words if table.run(w, q) in table.accepting} for q in range(n)]
    missing = missing_futures(table)
    for p, q in product(range(n), repeat=2):
        if accepted[p] - accepted[q]:
            assert p * n + q in missing
        elif p * n + q in missing:
            assert n > 3
    result = classify(automaton)
    up = all(
        automaton.accepts((*w[:i], c, *w[i:]))
        for w in accepted[0]
        for i in range(len(w) + 1)
        for c in range(automaton.classes)
    )
    down = all(automaton.accepts((*w[:i], *w[i + 1 :])) for w in accepted[0] for i in range(len(w)))
    if result["level 1/2 (shuffle ideal)"].holds:
        assert up
    if result["strictly-piecewise"].holds:
        assert down
        order = result["strictly-piecewise"].order
        assert order is not None
        allowed = {v for v in words_up_to(automaton.classes, order) if automaton.accepts(v)}
        for word in words:
            parts = {()}
            for c in word:
                parts |= {(*v, c) for v in parts if len(v) < order}
            assert automaton.accepts(word) == (parts <= allowed)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(ab)*", {"strictly-local": 2, "locally-testable": 2, "DA = FO2[<]": False, "R-trivial": False}),
        ("(a|b)*a(a|b)(a|b)", {"definite": 3, "reverse-definite": False, "L-trivial": True}),
        ("a(a|b)*", {"reverse-definite": 1, "R-trivial": True, "L-trivial": False, "generalised-definite": True}),
        ("(a|b)*a(a|b)*b(a|b)*", {"piecewise-testable": 2, "level 1/2 (shuffle ideal)": True}),
        ("b*a*", {"strictly-piecewise": 2, "strictly-local": 2}),
        ("b*ab*", {"locally-testable": False, "locally-threshold-testable": True, "tier-based-strictly-local": 2}),
        ("(b*ab*ab*)*|b*", {"star-free": False, "commutative": True, "group language": True, "AC0": False}),
        ("(aa)*", {"star-free": False, "AC0": True}),
        ("(ab|ba)*", {"star-free": True, "FO2[<,+1]": False, "locally-threshold-testable": False}),
        ("ab|ba", {"finite": 2, "commutative": True}),
    ],
)
def test_known_places(expression: str, expected: dict[str, bool | int]) -> None:
    result = classify(language(expression))
    for name, value in expected.items():
        membership = result[name]
        if isinstance(value, bool):
            assert membership.holds is value, name
        else:
            assert (membership.holds, membership.order) == (True, value), name


@pytest.mark.parametrize(
    ("automaton", "level"),
    [
        (automaton_of([[0, 0]], [0]), "0"),
        (automaton_of([[0, 0]], []), "0"),
        (language("(a|b)*a(a|b)*"), "1/2"),
        (language("b*a*"), "1 (the complement of level 1/2)"),
        (language("ab"), "1"),
        (language("a(a|b)*"), "3/2 (with its complement: FO2)"),
        (language("(ab)*"), "2 (the complement of level 3/2)"),
        (language("(a|b)*aa(a|b)*"), "3/2"),
        (language("(aa)*"), "none: not star-free"),
    ],
)
def test_levels_of_the_hierarchy(automaton: Automaton, level: str) -> None:
    assert classify(automaton).level == level


def permutations(*generators: list[int]) -> Automaton:
    return automaton_of(list(zip(*generators, strict=True)), [0])


@pytest.mark.parametrize(
    ("automaton", "gates", "text"),
    [
        (language("(ab)*"), "non-negative", "a non-negative diagonal suffices"),
        (language("(aa)*"), "signed", "needs a -1 gate"),
        (language("(aaaa)*"), "signed", "needs a -1 gate"),
        (language("(aaa)*"), "complex", "needs a p-th root of unity as a gate, p = 3"),
        (permutations([1, 2, 0], [1, 0, 2]), "complex", "needs a non-abelian group (S3)"),
        (permutations([1, 2, 3, 0], [2, 1, 0, 3]), "signed", "needs a non-abelian group (D4)"),
        (permutations([1, 2, 3, 4, 0], [1, 0, 2, 3, 4]), "permutation", "not solvable (S5)"),
    ],
)
def test_what_a_model_needs(automaton: Automaton, gates: str, text: str) -> None:
    need = classify(automaton).need
    assert need is not None
    assert need.gates == gates
    assert text in need.text


def test_above_the_monoid_limit_the_tests_on_the_automaton_remain() -> None:
    n = 8
    rows = [[min(q + 1, n - 1), max(q - 1, 0), *(q + (q == c) for c in range(n - 1))] for q in range(n)]
    result = classify(automaton_of(rows, [0]), monoid_limit=100)
    assert result.monoid_size is None
    assert result["star-free"].holds is True
    assert result["R-trivial"].holds is False
    assert (result["DA = FO2[<]"].holds, result["DA = FO2[<]"].reason) == (None, "the monoid is above its limit")
    assert result.need is not None
    assert result.need.gates == "non-negative"


def test_above_the_limit_one_counter_still_tells_something() -> None:
    need = classify(permutations([1, 2, 3, 4, 0], [1, 0, 2, 3, 4]), monoid_limit=10).need
    assert need is not None
    assert (need.gates, need.text) == ("beyond", "needs at least a p-th root of unity as a gate, p = 5")


def test_a_tier() -> None:
    # c may stand anywhere; a and b alternate on their tier, beginning with a
    automaton = automaton_of([[1, DEAD, 0], [DEAD, 0, 1]], [0])
    result = classify(automaton)
    assert result["strictly-local"].holds is False
    assert (result["tier-based-strictly-local"].holds, result["tier-based-strictly-local"].order) == (True, 2)
    assert result["locally-testable"].holds is False
    assert (result["tier-based-locally-testable"].holds, result["tier-based-locally-testable"].order) == (True, 2)
    everything = classify(automaton_of([[0, 0]], [0]))
    assert everything["tier-based-locally-testable"].holds is True


def test_a_chain_of_dead_ends_has_no_longest_word() -> None:
    assert (
        classify(automaton_of([[1], [2], [DEAD]], [0, 2])).to_json(automaton_of([[1], [2], [DEAD]], [0, 2]))["classes"][
            0
        ]["order"]
        == 2
    )


@settings(max_examples=200, deadline=None)
@given(automata(max_states=4, max_letters=2))
def test_the_equations_hold_for_all_elements(automaton: Automaton) -> None:
    """The defining equations of the algebraic classes, tried on every choice of elements of the syntactic semigroup."""
    monoid = slow_monoid(automaton)
    assume(len(monoid) <= 25)

    def then(*factors: tuple[int, ...]) -> tuple[int, ...]:
        result = monoid[0]
        for factor in factors:
            result = tuple(factor[q] for q in result)
        return result

    sink = automaton.states
    letters = [(*(sink if r == DEAD else r for r in column), sink) for column in automaton.columns]
    semigroup = {then(m, x) for m in monoid for x in letters}
    idempotents = [e for e in semigroup if then(e, e) == e]

    def omega(x: tuple[int, ...]) -> tuple[int, ...]:
        power = x
        while then(power, power) != power:
            power = then(power, x)
        return power

    def in_da(elements: set[tuple[int, ...]]) -> bool:
        return all(then(w := omega(then(x, y)), x, w) == w for x in elements for y in elements)

    local = {e: {then(e, s, e) for s in semigroup} for e in idempotents}
    found = holds(classify(automaton))
    assert found["definite"] == all(then(s, e) == e for e in idempotents for s in semigroup)
    assert found["reverse-definite"] == all(then(e, s) == e for e in idempotents for s in semigroup)
    assert found["generalised-definite"] == all(inner == {e} for e, inner in local.items())
    assert found["locally-testable"] == all(
        then(x, x) == x and then(x, y) == then(y, x) for inner in local.values() for x in inner for y in inner
    )
    assert found["FO2[<,+1]"] == all(in_da(inner) for inner in local.values())
    assert found["DA = FO2[<]"] == in_da(set(monoid))
    across = {(e, f): {then(e, s, f) for s in semigroup} for e in idempotents for f in idempotents}
    symmetric = all(
        then(x, y, z) == then(z, y, x)
        for e in idempotents
        for f in idempotents
        for x in across[e, f]
        for y in across[f, e]
        for z in across[e, f]
    )
    assert found["locally-threshold-testable"] == (symmetric and found["star-free"])
    lengths = [set(letters)]
    while len(lengths) < 40:
        lengths.append({then(m, x) for m in lengths[-1] for x in letters})
    groups = [
        any(slow_period(x) > 1 and then(omega(x), x) in level and omega(x) in level for x in level) for level in lengths
    ]
    assert found["AC0"] == (not any(groups))
