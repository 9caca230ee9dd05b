"""Every cascade is right on every input: random automata, known languages, both modes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssmc.algebra import check_starfree
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.cascade import Cascade, check_cascade, decompose
from ssmc.cascade.check import expected_output
from ssmc.errors import InvariantError, NotStarFreeError, VerificationError


def table_automaton(rows: list[list[int]], accepting: set[int]) -> Automaton:
    return Automaton.from_table(Alphabet.tokens("abcd"[: len(rows[0])]), rows, 0, accepting)


def nested(depth: int) -> Automaton:
    return table_automaton([[i + 1 if i < depth else DEAD, i - 1] for i in range(depth + 1)], {0})


@st.composite
def automata(draw: st.DrawFn) -> Automaton:
    """Any small partial DFA, biased towards order-preserving and partially ordered maps, which are aperiodic."""
    n = draw(st.integers(1, 6))
    k = draw(st.integers(1, 3))
    kind = draw(st.sampled_from(["any", "upward", "monotone"]))
    entry = st.integers(-1, n - 1)
    if kind == "monotone":
        columns = [sorted(draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))) for _ in range(k)]
        rows = [[columns[x][q] if draw(st.integers(0, 4)) else DEAD for x in range(k)] for q in range(n)]
    elif kind == "upward":
        rows = [[draw(st.one_of(st.just(DEAD), st.integers(q, n - 1))) for _ in range(k)] for q in range(n)]
    else:
        rows = [[draw(entry) for _ in range(k)] for _ in range(n)]
    accepting = draw(st.sets(st.integers(0, n - 1)))
    return table_automaton(rows, accepting)


def run(cascade: Cascade, word: list[int]) -> list[bool]:
    """The accepting bit of every prefix, from the interpreter."""
    values = cascade.initial
    bits = [cascade.readout.outputs[cascade.readout.initial].accepting]
    for symbol in word:
        x = cascade.automaton.alphabet.class_of(symbol)
        bits.append(cascade.output(values, x).accepting)
        values = cascade.step(values, x)
    return bits


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(automata(), st.sampled_from(["recognise", "predict"]), st.data())
def test_random_automata(automaton: Automaton, mode: str, data: st.DataObject) -> None:
    if check_starfree(automaton).verdict == "not-star-free":
        with pytest.raises(NotStarFreeError):
            decompose(automaton, mode)
        return
    cascade = decompose(automaton, mode)
    assert check_cascade(cascade) >= max(automaton.states, 1)
    assert Cascade.from_json(cascade.to_json()) == cascade
    if mode == "recognise":
        word = data.draw(st.lists(st.integers(0, automaton.alphabet.size - 1), max_size=12))
        assert run(cascade, word) == [automaton.accepts(word[:i]) for i in range(len(word) + 1)]


@pytest.mark.parametrize(("depth", "layers"), [(1, 0), (2, 1), (4, 1), (12, 1)], ids=["D_1", "D_2", "D_4", "D_12"])
def test_nesting_takes_one_counter(depth: int, layers: int) -> None:
    cascade = decompose(nested(depth), "predict")
    assert cascade.depth == layers
    assert [component.kind for component in cascade.components] == ["counter"] * layers


def test_empty_language_and_empty_word() -> None:
    empty = table_automaton([[0, 0]], set())
    word = table_automaton([[DEAD, DEAD]], {0})
    silent = Automaton.from_table(Alphabet.tokens([]), [[]], 0, [0])
    for mode in ("recognise", "predict"):
        assert decompose(silent, mode).components == ()
        assert check_cascade(decompose(silent, mode)) == 1
        assert decompose(empty, mode).components == ()
        assert check_cascade(decompose(empty, mode)) == 1
        assert check_cascade(decompose(word, mode)) >= 1


def test_parity_is_refused_with_its_witness() -> None:
    parity = table_automaton([[1, 0], [0, 1]], {0})
    with pytest.raises(NotStarFreeError) as caught:
        decompose(parity)
    assert caught.value.witness.period == 2


def mutations(cascade: Cascade) -> list[dict]:
    """The cascade's JSON with one table entry changed, for every entry and every other action."""
    out = []
    for k, component in enumerate(cascade.components):
        for i in range(len(component.table)):
            actions = [[0, v] for v in component.values] + (
                [[1, 0]] if component.kind == "reset" else [[1, -1], [1, 1]]
            )
            for action in actions:
                data = cascade.to_json()
                if data["components"][k]["table"][i][1] != action:
                    data["components"][k]["table"][i][1] = action
                    out.append(data)
    for i in range(len(cascade.readout.table)):
        for outcome in range(len(cascade.readout.outputs)):
            data = cascade.to_json()
            if data["readout"]["table"][i][1] != outcome:
                data["readout"]["table"][i][1] = outcome
                out.append(data)
    return out


def reference_agrees(cascade: Cascade, length: int) -> bool:
    """Whether interpreter and automaton agree on every word up to a length (a slow twin of `check_cascade`)."""
    automaton = cascade.automaton
    todo = [(0, cascade.initial)]
    for _ in range(length):
        after = []
        for state, values in todo:
            for x in range(automaton.classes):
                r = DEAD if state == DEAD else automaton.delta[state][x]
                if r == DEAD and cascade.mode == "predict":
                    continue
                try:
                    if cascade.output(values, x) != expected_output(automaton, cascade.mode, r):
                        return False
                    after.append((r, cascade.step(values, x)))
                except InvariantError:
                    return False
        todo = after
    return True


@pytest.mark.parametrize("mode", ["recognise", "predict"])
def test_check_catches_every_mutation_that_words_show(mode: str) -> None:
    automaton = table_automaton([[1, 0, DEAD], [1, 2, 0], [1, 2, 2]], {2})
    cascade = decompose(automaton, mode)
    changed = mutations(cascade)
    assert len(changed) > 20
    caught = 0
    for data in changed:
        try:
            mutant = Cascade.from_json(data)
        except InvariantError:
            caught += 1
            continue
        try:
            check_cascade(mutant)
            assert reference_agrees(mutant, 6)
        except VerificationError:
            caught += 1
            assert not reference_agrees(mutant, 6)
    assert caught > 0.8 * len(changed)
