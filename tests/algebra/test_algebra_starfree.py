from __future__ import annotations

import sys
import time
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from slow_twins import automata, automaton_of, slow_monoid, slow_period

from ssmc.algebra import check_index, check_starfree, check_witness
from ssmc.algebra.shortest import shortest_turn
from ssmc.algebra.witness import build_witness
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.errors import LimitError, VerificationError

EVEN = automaton_of([[1], [0]], [0])
FOUR = automaton_of([[1], [2], [3], [0]], [0])
THREE = automaton_of([[1, 2], [2, 0], [0, 1]], [0])
# star-free, but the pairs of some component of the pair graph form a cycle
OPEN_TO_PAIRS = automaton_of(
    [[1, -1, -1, -1], [2, -1, -1, -1], [3, 0, 3, 2], [-1, 2, 4, -1], [1, -1, 1, -1]], [2, 3, 4]
)


def exact_period(automaton: Automaton, prefix, word, suffix, steps: int) -> int:
    pattern = [automaton.accepts((*prefix, *word * k, *suffix)) for k in range(steps)]
    return next(d for d in range(1, steps) if pattern[d:] == pattern[:-d])


@settings(max_examples=400, deadline=None)
@given(automata())
def test_the_skeleton_agrees_with_the_monoid(automaton: Automaton) -> None:
    report = check_starfree(automaton)
    monoid = slow_monoid(automaton)
    assert report.monoid_size == len(monoid)
    assert report.verdict == ("star-free" if all(slow_period(x) == 1 for x in monoid) else "not-star-free")
    assert (report.witness is not None) == (report.verdict == "not-star-free")


@settings(max_examples=300, deadline=None)
@given(automata())
def test_witnesses_are_right_and_shortest(automaton: Automaton) -> None:
    witness = check_starfree(automaton, monoid_limit=0).witness
    if witness is None:
        return
    check_witness(automaton, witness)
    assert exact_period(automaton, witness.prefix, witness.word, witness.suffix, 5 * witness.period) == witness.period
    assert witness.shortest
    for length in range(1, min(len(witness.word), 6)):
        for word in product(range(automaton.classes), repeat=length):
            other = build_witness(automaton, word)
            assert other is None or len(other.word) >= len(witness.word)


@pytest.mark.parametrize(
    ("automaton", "word", "period"),
    [(EVEN, "a", 2), (FOUR, "aa", 2), (THREE, "a", 3)],
)
def test_known_witnesses(automaton: Automaton, word: str, period: int) -> None:
    report = check_starfree(automaton)
    data = report.to_json(automaton)
    assert data["verdict"] == "not-star-free"
    assert ("".join(data["witness"]["word"]), data["witness"]["period"]) == (word, period)
    assert len(data["witness"]["orbit"]) == period


def test_the_witness_is_described_in_one_line() -> None:
    witness = check_starfree(EVEN).witness
    assert witness is not None
    assert witness.describe(EVEN) == "(a)^k is in the language exactly when k mod 2 is 0"


def test_the_empty_language() -> None:
    empty = automaton_of([[0, 0]], [])
    data = check_starfree(empty).to_json(empty)
    assert data["verdict"] == "star-free"
    assert (data["states"], data["complete_states"], data["monoid_size"]) == (0, 1, 1)


def test_all_words_and_the_empty_word() -> None:
    assert check_starfree(automaton_of([[0, 0]], [0])).monoid_size == 1
    assert check_starfree(automaton_of([[DEAD, DEAD]], [0])).monoid_size == 2


def test_above_its_limit_the_monoid_is_not_counted() -> None:
    assert check_starfree(FOUR, monoid_limit=4).monoid_size == 4
    assert check_starfree(FOUR, monoid_limit=3).monoid_size is None


def cyclic(states: int) -> Automaton:
    """A cycle of the given length and a letter that merges two neighbours: group Z_n, and many image sets."""
    return automaton_of([[(q + 1) % states, 0 if q == 1 else q] for q in range(states)], [0])


@pytest.mark.parametrize("states", [255, 256, 257, 300])
def test_more_states_than_a_byte_has_values(states: int) -> None:
    chain = automaton_of([[q + 1 if q < states - 1 else DEAD] for q in range(states)], [states - 1])
    report = check_starfree(chain)
    assert (report.verdict, report.monoid_size) == ("star-free", states + 1)
    ring = automaton_of([[(q + 1) % states] for q in range(states)], [0])
    report = check_starfree(ring)
    assert (report.verdict, report.monoid_size) == ("not-star-free", states)
    assert report.witness is not None
    check_witness(ring, report.witness)


def test_a_budget_of_sets_ends_in_unknown() -> None:
    report = check_starfree(OPEN_TO_PAIRS, set_limit=1, monoid_limit=0)
    assert (report.verdict, report.witness, report.limit) == ("unknown", None, "image sets")
    assert report.sets >= 1
    assert check_starfree(OPEN_TO_PAIRS, monoid_limit=0).verdict == "star-free"


def test_the_checker_refuses_wrong_witnesses() -> None:
    witness = check_starfree(FOUR).witness
    assert witness is not None
    assert check_witness(FOUR, witness) == (True, False)
    for wrong in (
        replace(witness, period=4, orbit=(0, 1, 2, 3), word=(0,)),
        replace(witness, orbit=(0, 0)),
        replace(witness, orbit=(0, 4)),
        replace(witness, orbit=(1, 3)),
        replace(witness, word=(0,)),
        replace(witness, orbit=(0, 2, 1)),
    ):
        with pytest.raises(VerificationError):
            check_witness(FOUR, wrong)
    two = automaton_of([[1, 2], [0, 2], [DEAD, 0]], [0])
    found = check_starfree(two).witness
    assert found is not None
    with pytest.raises(VerificationError, match="apart"):
        check_witness(two, replace(found, suffix=(1, 1, 1)))


def test_bytes_show_printable_symbols() -> None:
    classes = [0 if 48 <= b < 58 else 1 for b in range(256)]
    alphabet = Alphabet.of_classes("bytes", (), classes)
    automaton = Automaton.from_table(alphabet, [[0, 1], [1, 0]], 0, [0])
    data = check_starfree(automaton).to_json(automaton)
    assert data["witness"]["word"] == ["0"]
    assert data["witness"]["suffix"] == []


@settings(max_examples=200, deadline=None)
@given(automata(max_states=5))
def test_the_index_of_a_star_free_language_is_checked(automaton: Automaton) -> None:
    report = check_starfree(automaton)
    if report.verdict != "star-free":
        assert report.aperiodicity_index is None
        with pytest.raises(VerificationError):
            check_index(automaton, automaton.complete_states, exact=False)
        return
    assert report.aperiodicity_index is not None
    assert report.index_exact
    assert check_index(automaton, report.aperiodicity_index, exact=True) == report.monoid_size
    bound = check_starfree(automaton, monoid_limit=0)
    assert bound.aperiodicity_index is not None
    assert not bound.index_exact
    assert bound.aperiodicity_index >= report.aperiodicity_index
    check_index(automaton, bound.aperiodicity_index, exact=False)


def test_wrong_indices_are_refused() -> None:
    chain = automaton_of([[1], [2], [3], [DEAD]], [3])
    assert check_starfree(chain).aperiodicity_index == 4
    with pytest.raises(VerificationError, match=r"x\^3 different from x\^4"):
        check_index(chain, 3, exact=True)
    with pytest.raises(VerificationError, match=r"every element x has x\^4 = x\^5"):
        check_index(chain, 5, exact=True)
    with pytest.raises(LimitError):
        check_index(chain, 4, exact=True, limit=3)


@settings(max_examples=150, deadline=None)
@given(automata(max_states=5))
def test_a_shortest_turn_of_an_orbit(automaton: Automaton) -> None:
    witness = check_starfree(automaton, monoid_limit=0).witness
    if witness is None:
        return
    word = shortest_turn(automaton, witness.orbit, time.monotonic() + 60)
    assert word is not None
    assert len(word) == len(witness.word)
    turned = [automaton_after(automaton, q, word) for q in witness.orbit]
    places = [witness.orbit.index(q) for q in turned]
    assert {(p - i) % witness.period for i, p in enumerate(places)} == {places[0]} != {0}


def automaton_after(automaton: Automaton, state: int, word: list[int]) -> int:
    for c in word:
        state = automaton.delta[state][c]
    return state


def test_a_witness_of_a_large_automaton_is_short_without_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    # a and b alternate around a ring: the shortest word with a prime cycle is (ab)^2, of period 3
    rows = [[(q + 1) % 12 if q % 2 == 0 else DEAD, (q + 1) % 12 if q % 2 else DEAD] for q in range(12)]
    ring = automaton_of(rows, [0])
    proved = check_starfree(ring, monoid_limit=0).witness
    monkeypatch.setattr(sys.modules["ssmc.algebra.starfree"], "_WITNESS_ELEMENTS", 2)
    monkeypatch.setattr(sys.modules["ssmc.algebra.starfree"], "_FIRST_ELEMENTS", 2)
    found = check_starfree(ring, monoid_limit=0).witness
    assert proved is not None
    assert found is not None
    check_witness(ring, found)
    assert (proved.shortest, found.shortest) == (True, False)
    assert len(found.word) >= len(proved.word)
