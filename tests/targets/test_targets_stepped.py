"""Stepping a stock model block by block against its slow twins: the class's whole step on the same states, and on every bit of its cache."""

import random
from dataclasses import replace

import pytest
import torch

from ssmc.compile import compile_language
from ssmc.errors import LimitError, SsmcError
from ssmc.languages import read_language
from ssmc.verify import DifferenceError
from ssmc.verify import stock as stock_proof
from ssmc.verify.recurrent import adapt, build_stock
from ssmc.verify.stepped import Bitwise, Whole
from ssmc.verify.stock import prove_stock

pytest.importorskip("transformers")
TARGETS = ("mamba", "mamba2")
LANGUAGES = [("flip-flop", "predict"), ("subsequence-abc", "recognise"), ("fourth-from-end", "predict"), ("d-2", "recognise"), ("dyck-2-3", "predict")]  # fmt: skip
MUTATED = [("flip-flop", "predict"), ("ab-ba-star", "recognise"), ("d-3", "predict")]


def outcome(monkeypatch, model, automaton, vocabulary, stepped=None, limit=3_000):
    """The certificate, or the kind of the failure; with the model stepped in another way than the proof does."""
    with monkeypatch.context() as patch:
        if stepped is not None:
            patch.setattr(stock_proof, "quotient", stepped)
        try:
            return prove_stock(model, automaton, vocabulary, limit=limit, bitwise_limit=0)
        except SsmcError as failure:
            return failure


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("name", "mode"), LANGUAGES)
def test_block_by_block_and_whole_steps_find_the_same(monkeypatch, name, mode, target):
    """The same product states, sums and scans in every dtype of the target; more states, and no other answer, where every bit counts."""
    compiled = compile_language(read_language(name), mode=mode, target=target)
    automaton, vocabulary = compiled.cascade.automaton, compiled.weights.vocabulary
    for dtype in (torch.float32, torch.bfloat16):
        model = build_stock(compiled.weights.config, compiled.weights.tensors).to(dtype)
        found, whole, bits = (
            outcome(monkeypatch, model, automaton, vocabulary, way, 20_000) for way in (None, Whole, Bitwise)
        )
        assert found == whole
        assert found == replace(bits, product_states=found.product_states)
        assert found.product_states <= bits.product_states


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["flip-flop", "dyck-2-3"])
def test_every_step_gives_the_logits_and_the_memory_of_the_class(name, target):
    """Along random words, whose pairs of input and memory come again: looked up or not, the bits are those of the class's own step."""
    compiled = compile_language(read_language(name), mode="predict", target=target)
    automaton, rng = compiled.cascade.automaton, random.Random(1)
    words = []
    for _ in range(8):
        word, state = [], 0
        while len(word) < 30:
            live = [
                s for s in range(automaton.alphabet.size) if automaton.delta[state][automaton.alphabet.class_of(s)] >= 0
            ]
            word.append(rng.choice(live))
            state = automaton.delta[state][automaton.alphabet.class_of(word[-1])]
        words.append(word)
    words = torch.tensor(words)
    own = adapt(compiled.model)
    blockwise = stock_proof.quotient(adapt(compiled.model))
    with torch.no_grad():
        (logits, state), (looked_up, numbers) = own.start(words[:, 0]), blockwise.start(words[:, 0])
        for t in range(1, 30):
            assert torch.equal(logits, looked_up)
            for i in range(numbers[0].shape[1]):
                kept = blockwise.recall(i, numbers[0][:, i])
                seen, exact = (own.visible_of(i, *memory) for memory in (kept, state[2 * i : 2 * i + 2]))
                assert all(torch.equal(one, two) for one, two in zip(seen, exact, strict=True))
            (logits, state), (looked_up, numbers) = own.step(words[:, t], state), blockwise.step(words[:, t], numbers)
    assert all(0 < len(results) < 30 * 8 for results in blockwise.results)
    assert all("forward" not in vars(mixer) for mixer in blockwise.mixers)


def mutants(tensors, count, seed):
    """Tensors with one entry changed: tensors chosen alike, then an entry, half of the time one that is not 0."""
    rng = random.Random(seed)
    names = sorted(tensors)
    while count:
        name = rng.choice(names)
        tensor = tensors[name].clone()
        flat = tensor.view(-1)
        places = flat.nonzero().view(-1).tolist()
        place = rng.choice(places) if places and rng.random() < 0.5 else rng.randrange(len(flat))
        before = flat[place].item()
        flat[place] = rng.choice([before + 1, before - 1, -before, 0.0, 2 * before, before + 128, before - 128])
        if flat[place].item() != before:
            count -= 1
            yield name, {**tensors, name: tensor}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("name", "mode"), MUTATED)
def test_every_mutant_meets_the_fate_that_whole_steps_give_it(monkeypatch, name, mode, target):
    """One weight changed: what the exploration of all bits by whole steps catches, this proof catches; and what one proves, so does the other."""
    compiled = compile_language(read_language(name), mode=mode, target=target)
    automaton, vocabulary = compiled.cascade.automaton, compiled.weights.vocabulary
    fates = {"caught": 0, "proved": 0}
    for changed, tensors in mutants(compiled.weights.tensors, 24, name):
        model = build_stock(compiled.weights.config, tensors)
        found, whole, bits = (outcome(monkeypatch, model, automaton, vocabulary, way) for way in (None, Whole, Bitwise))
        if isinstance(bits, LimitError) or isinstance(whole, LimitError):
            # a mutant that counts for ever: nothing but that may be said of it
            assert isinstance(found, SsmcError), changed
            continue
        assert isinstance(found, SsmcError) == isinstance(bits, SsmcError), changed
        assert type(found) is type(whole), changed
        if isinstance(whole, DifferenceError):
            assert len(found.counterexample.word) == len(whole.counterexample.word), changed
        fates["caught" if isinstance(found, SsmcError) else "proved"] += 1
    assert fates["caught"] >= 6
    assert fates["proved"] >= 2
