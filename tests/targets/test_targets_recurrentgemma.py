"""RecurrentGemma: proved on its own state, loaded by name, equal as one sequence and step by step, and broken by a broken weight."""

import warnings

import pytest
import torch

from ssmc.compile import compile_language, write_model
from ssmc.errors import TargetError, VerificationError
from ssmc.languages import read_language
from ssmc.targets import find_target
from ssmc.verify.agreement import live_walk, states_along
from ssmc.verify.recurrent import build_stock, load_stock
from ssmc.verify.stock import expected_logits, prove_stock

torch.set_num_threads(1)
LANGUAGES = [
    ("flip-flop", "predict"),
    ("flip-flop", "recognise"),
    ("subsequence-abc", "recognise"),
    ("d-3", "predict"),
    ("aa-star", "predict"),
]


def quietly(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


@pytest.mark.parametrize(("name", "mode"), LANGUAGES)
def test_languages_are_proved_and_loaded_by_name(name, mode, tmp_path):
    compiled = compile_language(read_language(name), mode=mode, target="recurrentgemma")
    assert compiled.certificate.lengths == "all"
    write_model(compiled, tmp_path / "model")
    model = load_stock(str(tmp_path / "model"), "bfloat16")
    assert type(model).__name__ == "RecurrentGemmaForCausalLM"
    automaton, vocabulary = compiled.cascade.automaton, compiled.weights.vocabulary
    proof = prove_stock(model, automaton, vocabulary)
    assert proof.dtype == "bfloat16"
    assert proof.product_states == compiled.certificate.product_states <= (proof.cache_states or 0)


def test_the_sequence_and_the_steps_give_the_same_bits():
    import random

    compiled = compile_language(read_language("flip-flop"), mode="predict", target="recurrentgemma")
    automaton, vocabulary, model = compiled.cascade.automaton, compiled.weights.vocabulary, compiled.model
    word = live_walk(automaton, 400, random.Random(1))
    tokens = torch.tensor([[vocabulary.id("bos"), *word]])
    wanted = torch.from_numpy(expected_logits(automaton, vocabulary))[torch.from_numpy(states_along(automaton, word))]
    with torch.inference_mode():
        logits = model(tokens, use_cache=False).logits[0]
        model.config.eos_token_id = None
        generated = model.generate(tokens[:, :5], max_new_tokens=60, do_sample=True)[0]
    assert torch.equal(logits.double(), wanted)
    state = 0
    for symbol in generated[1:].tolist():
        if symbol == vocabulary.id("eos"):
            break
        state = automaton.delta[state][automaton.alphabet.class_of(symbol)]
        assert state >= 0


def test_a_class_of_recurrent_blocks_alone_has_no_cache():
    """Why the emitted model ends in an attention layer that adds nothing."""
    from transformers import RecurrentGemmaConfig, RecurrentGemmaForCausalLM

    config = RecurrentGemmaConfig(
        vocab_size=8, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1, block_types=["recurrent"],
        pad_token_id=0,
    )  # fmt: skip
    model = quietly(lambda: RecurrentGemmaForCausalLM(config).eval())
    with pytest.raises(ValueError, match="attention"):
        model(torch.tensor([[1]]), use_cache=True)


@pytest.mark.parametrize(
    ("tensor", "change"),
    [
        ("model.layers.0.temporal_block.conv_1d.weight", lambda w: w.flip(-1)),
        ("model.layers.0.temporal_block.rg_lru.recurrent_gate_weight", torch.zeros_like),
        ("model.layers.0.temporal_block.linear_x.weight", lambda w: -w),
        ("model.layers.0.temporal_block.linear_out.weight", lambda w: w / 2),
        ("model.layers.0.mlp_block.gate_proj.weight", lambda w: w * 1.25),
        ("lm_head.weight", lambda w: w.roll(1, 0)),
    ],
)
def test_a_changed_weight_is_found(tensor, change):
    compiled = compile_language(read_language("flip-flop"), mode="predict", target="recurrentgemma")
    weights = compiled.weights
    broken = {**weights.tensors, tensor: change(weights.tensors[tensor])}
    with pytest.raises(VerificationError):
        prove_stock(build_stock(weights.config, broken), compiled.cascade.automaton, weights.vocabulary)


def test_counters_are_refused_with_the_reason():
    from ssmc.cascade import decompose

    cascade = decompose(read_language("d-3").automaton, "predict")
    assert any(component.kind == "counter" for component in cascade.components)
    with pytest.raises(TargetError, match=r"sqrt\(1 - gate\^2\)"):
        find_target("recurrentgemma").lower(cascade)
