"""Long words agree with the automaton at every position (the benchmark, at a smaller size)."""

import random

import pytest
import torch

from ssmc.automaton import DEAD
from ssmc.cascade import decompose
from ssmc.errors import InputError, NotStarFreeError
from ssmc.languages import language_of, read_language, shipped_grammars
from ssmc.nn import Model
from ssmc.targets import DTYPES, lower
from ssmc.verify import count_errors, live_walk, with_error
from ssmc.verify.agreement import states_along

torch.set_num_threads(1)

LENGTH = 20_000


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("path", shipped_grammars(), ids=lambda path: path.stem)
@torch.no_grad()
def test_long_words_agree_at_every_position(path, mode):
    automaton = read_language(str(path)).automaton
    try:
        cascade = decompose(automaton, mode)
    except NotStarFreeError:
        return
    rng = random.Random(path.stem + mode)
    words = [live_walk(automaton, LENGTH, rng)]
    if mode == "recognise" and (wrong := with_error(automaton, words[0], rng)) is not None:
        words.append(wrong)
    for dtype in DTYPES:
        weights = lower(cascade, dtype=dtype)
        model = Model.of(weights.config, weights.tensors)
        for word in words:
            logits, _ = model(torch.tensor([word]))
            states = states_along(automaton, word)
            assert count_errors(model, automaton, states, logits[0]) == 0
            assert count_errors(model, automaton, states, -logits[0]) == LENGTH


def test_walks_are_live_and_errors_late():
    automaton = read_language("dyck-2-3").automaton
    rng = random.Random(1)
    word = live_walk(automaton, 500, rng)
    states = states_along(automaton, word)
    assert DEAD not in states
    assert all(states[i] == automaton.run(word[:i]) for i in range(0, 501, 7))
    assert len(set(states.tolist())) == automaton.states
    wrong = with_error(automaton, word, rng)
    dead = int((states_along(automaton, wrong) == DEAD).argmax())
    assert len(wrong) == 500
    assert dead > 250
    assert wrong[: dead - 1] == word[: dead - 1]
    assert automaton.run(wrong[:dead]) == DEAD


def test_languages_without_errors_or_without_long_words():
    everything = language_of("(a|b)*", alphabet="ab").automaton
    assert with_error(everything, live_walk(everything, 50, random.Random(0)), random.Random(0)) is None
    with pytest.raises(InputError, match="finite"):
        live_walk(language_of("ab|ba", alphabet="ab").automaton, 10, random.Random(0))
    # from a dead end there is no way on, so the walk never enters it
    word = live_walk(language_of("a*|a*b", alphabet="ab").automaton, 50, random.Random(0))
    assert set(word) == {0}
