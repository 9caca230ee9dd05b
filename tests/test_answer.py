"""What a model says about strings equals what its automaton says, whatever the batches and chunks."""

from __future__ import annotations

import random

import pytest

import ssmc.answer
from ssmc.answer import Answer, answers
from ssmc.automaton import DEAD, Automaton
from ssmc.cascade.decompose import decompose
from ssmc.languages import language_of
from ssmc.nn import Model
from ssmc.targets import lower


@pytest.fixture(scope="module")
def automaton() -> Automaton:
    return language_of("a(bc|cb)*a?", alphabet="abc").automaton


@pytest.fixture(scope="module", params=["recognise", "predict"])
def model(request: pytest.FixtureRequest, automaton: Automaton) -> Model:
    weights = lower(decompose(automaton, request.param))
    return Model.of(weights.config, weights.tensors)


def expected(
    automaton: Automaton, string: list[int], *, predict: bool
) -> tuple[list[bool], int | None, list[list[int]]]:
    """The verdicts of the prefixes, the first illegal symbol and the legal sets, by the automaton alone."""
    states = [automaton.run(string[:k]) for k in range(len(string) + 1)]
    stop = None
    if predict and DEAD in states:
        stop = states.index(DEAD) - 1
        states = states[: stop + 1]
    classes = automaton.alphabet.classes
    legal = [[s for s, c in enumerate(classes) if q != DEAD and automaton.delta[q][c] != DEAD] for q in states]
    return [q in automaton.accepting for q in states], stop, legal


def strings(count: int, seed: int) -> list[list[int]]:
    """Words of the language with some errors, of very different lengths, the empty word included."""
    rng = random.Random(seed)
    out: list[list[int]] = [[]]
    for _ in range(count):
        word = [0]
        for _ in range(rng.choice([0, 1, 3, 40])):
            word += rng.choice([[1, 2], [2, 1]])
        if rng.random() < 0.5:
            word[rng.randrange(len(word))] = rng.randrange(3)
        out.append(word)
    return out


@pytest.mark.parametrize("at_once", [1, 7, 64, 1 << 16])
def test_answers_are_those_of_the_automaton(
    model: Model, automaton: Automaton, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssmc.answer, "TOKENS_AT_ONCE", at_once)
    predict = model.config["mode"] == "predict"
    asked = strings(60, at_once)
    said = list(answers(model, asked, predict=predict))
    assert len(said) == len(asked)
    verdicts = set()
    for answer, string in zip(said, asked, strict=True):
        accepted, stop, legal = expected(automaton, string, predict=predict)
        assert answer.prefix_accepted.tolist() == accepted
        assert answer.illegal_at == stop
        assert answer.accepted == automaton.accepts(string)
        verdicts.add(answer.accepted)
        if predict:
            assert answer.legal is not None
            assert [[s for s, yes in enumerate(row) if yes] for row in answer.legal] == legal
        else:
            assert answer.legal is None
    assert verdicts == {False, True}


def test_no_strings_no_answers(model: Model) -> None:
    assert list(answers(model, [], predict=model.config["mode"] == "predict")) == []


def test_batches_stay_within_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssmc.answer, "TOKENS_AT_ONCE", 50)
    asked = strings(200, 1)
    batches = list(ssmc.answer._batches(asked))
    assert [string for batch in batches for string in batch] == asked
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= 50
    assert max(map(len, batches)) > 1


def test_an_answer_is_no_when_a_symbol_is_illegal() -> None:
    import numpy as np

    yes = np.array([True])
    assert Answer(yes, None, yes[:, None], None).accepted
    assert not Answer(yes, None, yes[:, None], 0).accepted
