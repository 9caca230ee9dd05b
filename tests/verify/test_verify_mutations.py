"""A changed weight is caught, or provably changes nothing."""

import itertools
import random

import pytest
import torch

from ssmc.automaton import DEAD
from ssmc.cascade import decompose
from ssmc.errors import LimitError, VerificationError
from ssmc.languages import language_of, read_language
from ssmc.nn import Model
from ssmc.targets import lower
from ssmc.verify import Counterexample, DifferenceError, explore, prove

torch.set_num_threads(1)

GRAMMARS = ["flip-flop", "dyck-2-3", "d-4", "tomita-7", "abcde", "fourth-from-end"]


def compiled(name, mode, dtype="float32"):
    automaton = read_language(name).automaton
    cascade = decompose(automaton, mode)
    weights = lower(cascade, dtype=dtype)
    return automaton, cascade, weights


def mutants(weights, count, seed):
    """`count` models with one weight changed by 1, in sign or to zero, over all tensors alike."""
    rng = random.Random(seed)
    sizes = {name: tensor.numel() for name, tensor in weights.tensors.items() if tensor.numel()}
    made = 0
    while made < count:
        name = rng.choice(list(sizes))
        place = rng.randrange(sizes[name])
        tensor = weights.tensors[name].clone()
        flat = tensor.view(-1)
        before = flat[place].item()
        after = rng.choice([before + 1, before - 1, -before, 0.0])
        flat[place] = after
        # in a short mantissa 128 + 1 may be 128
        if flat[place].item() != before:
            made += 1
            yield (
                f"{name}[{place}]: {before:g} -> {after:g}",
                Model.of(weights.config, {**weights.tensors, name: tensor}),
            )


def expected(automaton, mode, word):
    """Logits of every prefix by the automaton alone; in predict mode up to the first illegal symbol."""
    rows = []
    for n in range(len(word) + 1):
        q = automaton.run(word[:n])
        if mode == "predict" and q == DEAD:
            break
        bits = [q in automaton.accepting]
        if mode == "predict":
            bits += [automaton.delta[q][c] != DEAD for c in automaton.alphabet.classes]
        rows.append([128.0 if bit else -128.0 for bit in bits])
    return rows


@torch.no_grad()
def said(model, word):
    rows, state = [model.initial_logits.tolist()], model.initial_state(1)
    for symbol in word:
        logits, state = model.step(torch.tensor([symbol]), state)
        rows.append(logits[0].tolist())
    return rows


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("name", GRAMMARS)
def test_mutants_are_caught_or_equal(name, mode):
    automaton, cascade, weights = compiled(name, mode)
    caught, survivors = 0, []
    for label, model in mutants(weights, 60, seed=len(name)):
        try:
            prove(model, automaton, cascade, limit=5_000)
            survivors.append((label, model))
        except VerificationError:
            caught += 1
    # a survivor was proved equivalent; the words say so too
    rng = random.Random(0)
    for label, model in survivors:
        for _ in range(30):
            word = walk(automaton, rng, 40, errors=mode == "recognise")
            want = expected(automaton, mode, word)
            assert said(model, word)[: len(want)] == want, label
    assert caught >= 0.9 * 60, [label for label, _ in survivors]


def walk(automaton, rng, length, *, errors):
    """A random walk over live states, perhaps with one wrong symbol."""
    word, q = [], 0
    classes = automaton.alphabet.classes
    for _ in range(length):
        if errors and rng.random() < 0.03:
            word.append(rng.randrange(len(classes)))
            break
        if not automaton.live_classes[q]:
            break
        c = rng.choice(automaton.live_classes[q])
        word.append(rng.choice([s for s, own in enumerate(classes) if own == c]))
        q = automaton.delta[q][c]
    return word + [rng.randrange(len(classes)) for _ in range(5)] if errors else word


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("name", ["flip-flop", "d-2", "tomita-7", "ab-d-bc"])
def test_counterexamples_are_right_and_shortest(name, mode):
    automaton, _, weights = compiled(name, mode)
    shown = 0
    for label, model in mutants(weights, 25, seed=7):
        try:
            found = explore(model, automaton, length=12)
        except LimitError:
            continue
        if not isinstance(found, Counterexample):
            continue
        shown += 1
        word = automaton.alphabet.encode_names(found.word)
        want, got = expected(automaton, mode, word), said(model, word)
        assert len(want) == len(word) + 1
        assert want[-1] != got[-1], label
        if len(word) <= 4:
            # nothing shorter differs
            for n in range(len(word)):
                for other in itertools.product(range(automaton.alphabet.size), repeat=n):
                    rows = expected(automaton, mode, list(other))
                    assert said(model, list(other))[: len(rows)] == rows, label
    assert shown >= 10


def test_both_proofs_refuse_the_same_mutants():
    automaton, cascade, weights = compiled("dyck-2-3", "recognise")
    disagreements = 0
    for label, model in mutants(weights, 60, seed=3):
        verdicts = []
        for proof in ("product", "compositional"):
            try:
                prove(model, automaton, cascade, proof=proof, limit=5_000)
                verdicts.append(True)
            except VerificationError:
                verdicts.append(False)
        # the compositional proof shows the tables, which is more than the language: it may refuse more, never less
        assert verdicts[0] or not verdicts[1], label
        disagreements += verdicts[0] != verdicts[1]
    assert disagreements <= 3


def test_a_damaged_model_is_explained_by_a_word():
    automaton, cascade, weights = compiled("d-2", "predict")
    tensors = {**weights.tensors, "head.logits.bias": -weights.tensors["head.logits.bias"]}
    with pytest.raises(DifferenceError) as caught:
        prove(Model.of(weights.config, tensors), automaton, cascade)
    found = caught.value.counterexample
    assert caught.value.word == found.word
    assert found.to_json()["word"] == list(found.word)
    assert found.expected.startswith(("accept", "reject"))


def test_another_language_gives_the_shortest_difference():
    _, _, weights = compiled("d-2", "recognise")
    model = Model.of(weights.config, weights.tensors)
    other = read_language("d-3").automaton
    with pytest.raises(DifferenceError) as caught:
        prove(model, other)
    assert caught.value.word == ("a", "a", "a", "b", "b", "b")
    # classes may be cut otherwise in the other automaton
    other = language_of("(a|b)*", alphabet="ab").automaton
    with pytest.raises(DifferenceError) as caught:
        prove(model, other)
    assert caught.value.word == ("a",)
    assert (caught.value.counterexample.expected, caught.value.counterexample.got) == ("accept", "reject")
