"""The classes of flash-linear-attention: proved on their own caches by their own kernels, in Triton's interpreter where there is no GPU."""

import pytest
import torch

from ssmc.cascade import decompose
from ssmc.cascade.strategy import Options
from ssmc.compile import compile_language, write_model
from ssmc.errors import NotStarFreeError, TargetError, VerificationError
from ssmc.languages import read_language
from ssmc.targets import find_target
from ssmc.verify.agreement import live_walk, states_along
from ssmc.verify.flash import quiet
from ssmc.verify.recurrent import build_stock, load_stock
from ssmc.verify.stock import expected_logits, prove_stock

torch.set_num_threads(1)
STAR_FREE = ("gla", "hgrn2", "rwkv6", "deltanet")
SIGNED = ("deltanet", "gated-deltanet")


@pytest.mark.parametrize("target", STAR_FREE)
def test_one_register_is_proved(target):
    compiled = compile_language(read_language("first-a"), mode="predict", target=target)
    assert compiled.certificate.lengths == "all"
    assert compiled.certificate.library.startswith("flash-linear-attention ")


def test_a_toggle_is_proved():
    compiled = compile_language(read_language("parity"), mode="predict", target="gated-deltanet")
    assert [component.kind for component in compiled.cascade.components] == ["swap"]
    assert compiled.model.config.allow_neg_eigval
    assert (compiled.certificate.lengths, compiled.certificate.product_states) == ("all", 4)


def test_a_folder_is_loaded_by_name_and_proved(tmp_path):
    compiled = compile_language(read_language("parity"), mode="predict", target="deltanet", dtype="bfloat16")
    write_model(compiled, tmp_path / "model")
    model = load_stock(str(tmp_path / "model"))
    assert type(model).__name__ == "DeltaNetForCausalLM"
    automaton, vocabulary = compiled.cascade.automaton, compiled.weights.vocabulary
    proof = prove_stock(model, automaton, vocabulary, bitwise_limit=0)
    assert (proof.product_states, proof.dtype) == (compiled.certificate.product_states, "bfloat16")


def test_without_negative_eigenvalues_the_toggle_is_none():
    compiled = compile_language(read_language("parity"), mode="predict", target="deltanet")
    config = {**compiled.weights.config, "allow_neg_eigval": False}
    with pytest.raises(VerificationError):
        prove_stock(
            build_stock(config, compiled.weights.tensors), compiled.cascade.automaton, compiled.weights.vocabulary
        )


@pytest.mark.parametrize("target", [*STAR_FREE, "gated-deltanet"])
def test_a_sequence_gives_the_dictated_logits(target):
    import random

    language = read_language("contains-ab")
    chosen = find_target(target)
    cascade = decompose(language.automaton, "predict", chosen.search(Options(), "predict", "float32"))
    weights = chosen.lower(cascade)
    model = build_stock(weights.config, weights.tensors)
    word = live_walk(language.automaton, 20, random.Random(3))
    tokens = torch.tensor([[weights.vocabulary.id("bos"), *word]])
    states = torch.from_numpy(states_along(language.automaton, word))
    with torch.inference_mode(), quiet():
        logits = model(tokens.to(model.device), use_cache=False).logits[0].cpu()
    assert torch.equal(
        logits.double(), torch.from_numpy(expected_logits(language.automaton, weights.vocabulary))[states]
    )


@pytest.mark.parametrize("target", ["gla", "hgrn2", "rwkv6"])
def test_gates_from_0_to_1_have_no_toggle(target):
    language = read_language("parity")
    with pytest.raises(NotStarFreeError):
        compile_language(language, target=target)
    cascade = decompose(language.automaton, "predict", Options(gates="signed"))
    with pytest.raises(TargetError, match="no component of kind 'swap': its gates are not negative"):
        find_target(target).lower(cascade)


@pytest.mark.parametrize("target", SIGNED)
def test_rotations_are_refused(target):
    language = read_language("tomita-6")
    cascade = decompose(language.automaton, "recognise", Options(gates="complex"))
    with pytest.raises(TargetError, match="its gates are real"):
        find_target(target).lower(cascade)


@pytest.mark.parametrize(
    ("target", "tensor", "change"),
    [
        ("rwkv6", "model.layers.0.attn.w_proj.linear.lora.2.weight", torch.zeros_like),
        ("rwkv6", "model.layers.0.attn.v_proj.linear.weight", lambda w: -w),
        ("deltanet", "model.layers.0.attn.b_proj.weight", lambda w: w / 64),
        ("deltanet", "model.layers.0.attn.k_conv1d.weight", lambda w: w.flip(-1)),
    ],
)
def test_a_changed_weight_is_found(target, tensor, change):
    language = read_language("first-a")
    chosen = find_target(target)
    cascade = decompose(language.automaton, "predict", chosen.search(Options(), "predict", "float32"))
    weights = chosen.lower(cascade)
    model = build_stock(weights.config, {**weights.tensors, tensor: change(weights.tensors[tensor])})
    with pytest.raises(VerificationError):
        prove_stock(model, language.automaton, weights.vocabulary, bitwise_limit=0)
