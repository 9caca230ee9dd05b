"""Scores against strings judged one by one; subjects that are right, wrong in a known way, or broken."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.cascade import decompose
from ssmc.errors import InputError, UsageError
from ssmc.evaluate import CallableSubject, ModelSubject, evaluate
from ssmc.evaluate.causal_lm import CausalLanguageModel, is_causal_language_model
from ssmc.evaluate.reference import answers, walk_states
from ssmc.evaluate.score import judge
from ssmc.languages import read_language
from ssmc.nn import Model
from ssmc.sample import Machine, Settings, draw_samples
from ssmc.sample.draw import Bin
from ssmc.targets import lower

torch.set_num_threads(1)


def automaton_of(name):
    return read_language(name).automaton


def model_of(name, mode):
    weights = lower(decompose(automaton_of(name), mode))
    return Model.of(weights.config, weights.tensors)


def oracle(automaton, *, predicts, wrong_at=()):
    """A function that answers from the automaton, but wrongly after the symbols at the given places."""
    names = automaton.alphabet.names

    def sets(strings):
        out = []
        for string in strings:
            row = []
            for t in range(len(string)):
                state = automaton.run(automaton.alphabet.encode_names(string[: t + 1]))
                legal = {names[s] for s in range(len(names)) if state >= 0 and automaton.delta[state][s] >= 0}
                if state in automaton.accepting:
                    legal.add("$")
                row.append(legal if predicts else state in automaton.accepting)
                if t in wrong_at:
                    row[-1] = legal ^ {"$"} if predicts else not row[-1]
            out.append(row)
        return out

    return CallableSubject(sets, automaton.alphabet, "oracle", predicts=predicts)


@pytest.mark.parametrize("mode", ["predict", "recognise"])
@pytest.mark.parametrize("name", ["tomita-4", "dyck-2-3", "flip-flop-bits", "d-3", "abcde"])
@pytest.mark.parametrize("backend", ["forward", "step"])
def test_a_compiled_model_is_right_everywhere(name, mode, backend):
    subject = ModelSubject(model_of(name, mode), name, backend=backend)
    for score in evaluate(subject, automaton_of(name), (Bin(2, 12), Bin(20, 40)), count=8):
        assert (score.strings, score.strict, score.accepted) == (8, 8, 8)
        assert score.right == score.positions
        assert score.negatives == score.rejected == 8
        assert score.to_json()["recognition_score"] == 1


def test_stretches_of_time_do_not_matter(monkeypatch):
    import ssmc.evaluate.subject as module

    monkeypatch.setattr(module, "TOKENS", 64)
    for mode in ("predict", "recognise"):
        subject = ModelSubject(model_of("dyck-2-3", mode), "d")
        (score,) = evaluate(subject, automaton_of("dyck-2-3"), (Bin(400, 420),), count=3)
        assert (score.strict, score.accepted, score.rejected) == (3, 3, 3)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 9)), st.booleans(), st.integers(0, 99))
def test_wrong_answers_are_counted_where_they_are(wrong_at, predicts, seed):
    automaton = automaton_of("tomita-4")
    subject = oracle(automaton, predicts=predicts, wrong_at=wrong_at)
    (score,) = evaluate(subject, automaton, (Bin(5, 8),), count=4, negatives=0, seed=seed)
    words = [s.symbols for s in draw_samples(Machine.of(automaton), (Bin(5, 8),), 4, Settings(), seed)]
    wrong = [sum(t in wrong_at for t in range(len(word))) for word in words]
    assert score.positions - score.right == sum(wrong)
    assert score.strict == wrong.count(0)
    assert score.accepted == sum(len(word) - 1 not in wrong_at for word in words)


def test_a_symbol_that_was_not_announced_rejects_the_string():
    automaton = automaton_of("tomita-2")

    def deaf(strings):
        return [[{"a", "$"} if t % 2 else {"a"} for t in range(len(string))] for string in strings]

    subject = CallableSubject(deaf, automaton.alphabet, "deaf", predicts=True)
    verdicts = judge(subject, automaton, [(0, 1), (0, 1, 0, 1), (0,), (1, 0)])
    assert [v.accepted for v in verdicts] == [False, False, False, False]
    assert [v.right for v in verdicts] == [1, 2, 0, 0]


def test_expected_answers_are_the_automaton():
    automaton = automaton_of("flip-flop")
    table = answers(automaton, predicts=True)
    states = walk_states(automaton, np.array([[0, 3, 4, 0]]))[0]
    assert states.tolist() == [0, automaton.run([0]), automaton.run([0, 3]), -1, -1]
    assert table[states[1]].tolist() == [True, True, True, True, True, False]
    assert not table[-1].any()


def test_broken_functions():
    automaton = automaton_of("tomita-2")

    def subject(function, *, predicts=True):
        return CallableSubject(function, automaton.alphabet, "f", predicts=predicts)

    def failing(strings):
        raise ValueError("no weights")

    cases = [
        (failing, True, "f: ValueError: no weights"),
        (lambda strings: [], True, "one list for each string"),
        (lambda strings: [[set()] for _ in strings], True, "one entry for each symbol"),
        (lambda strings: [[{"z"}] * len(s) for s in strings], True, "something else than symbols"),
        (lambda strings: [["a"] * len(s) for s in strings], True, "not a set"),
        (lambda strings: [[1] * len(s) for s in strings], False, "not True or False"),
    ]
    for function, predicts, message in cases:
        with pytest.raises(InputError, match=message):
            judge(subject(function, predicts=predicts), automaton, [(0, 1)])
    with pytest.raises(UsageError, match="backend"):
        ModelSubject(model_of("tomita-2", "predict"), "m", backend="quantum")


def test_a_folder_of_transformers(tmp_path):
    """A stock Mamba with random weights: its answers are its logits, symbol by symbol, in one piece or through its cache."""
    transformers = pytest.importorskip("transformers")
    import ssmc.evaluate.causal_lm as module

    automaton = automaton_of("dyck-2-3")
    torch.manual_seed(0)
    config = transformers.MambaConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=2, state_size=4, bos_token_id=5, pad_token_id=6, eos_token_id=4
    )
    transformers.MambaForCausalLM(config).save_pretrained(tmp_path)
    assert is_causal_language_model(str(tmp_path))
    assert not is_causal_language_model(str(tmp_path / "nowhere"))
    subject = CausalLanguageModel(str(tmp_path), automaton.alphabet)
    tokens = np.array([[0, 1, 2, 3, 0, 2, 1], [3, 2, 0, 0, 1, 1, 1]])
    with torch.no_grad():
        logits = subject.model(torch.tensor([[5, *row] for row in tokens.tolist()])).logits[:, 1:, [4, 0, 1, 2, 3]]
    assert subject.predicts
    whole = np.concatenate(list(subject.replies(tokens)), 1)
    assert np.array_equal(whole, logits.numpy() > 0)
    assert 0 < whole.sum() < whole.size
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WHOLE", 6)
        assert np.array_equal(np.concatenate(list(subject.replies(tokens)), 1), whole)
    (score,) = evaluate(subject, automaton, (Bin(4, 6),), count=3)
    assert score.strict < 3
    with pytest.raises(InputError, match="too few"):
        CausalLanguageModel(str(tmp_path), read_language("abcde").automaton.alphabet.tokens(list("abcdefghi")))
