"""The names and shapes of mamba_ssm's own classes, which differ from transformers' in one name; and those classes themselves where they can run."""

import random

import pytest
import torch

from ssmc.languages import read_language
from ssmc.targets import find_target, lower
from tests.targets.stock_words import CLASSES, wanted, words_of


def layout(config):
    """The state dict of `MambaLMHeadModel` (mamba_ssm 2.3.2) by name, from the modules that its source makes."""
    width, inner, states = config["hidden_size"], config["expand"] * config["hidden_size"], config["state_size"]
    found = {
        "backbone.embedding.weight": (config["vocab_size"], width),
        "backbone.norm_f.weight": (width,),
        "lm_head.weight": (config["vocab_size"], width),
    }
    for i in range(config["num_hidden_layers"]):
        if config["model_type"] == "mamba":
            rank = config["time_step_rank"]
            mixer = {
                "A_log": (inner, states),
                "D": (inner,),
                "in_proj.weight": (2 * inner, width),
                "conv1d.weight": (inner, 1, config["conv_kernel"]),
                "conv1d.bias": (inner,),
                "x_proj.weight": (rank + 2 * states, inner),
                "dt_proj.weight": (inner, rank),
                "dt_proj.bias": (inner,),
                "out_proj.weight": (width, inner),
            }
        else:
            heads, mixed = inner // config["head_dim"], inner + 2 * config["n_groups"] * states
            mixer = {
                "A_log": (heads,),
                "D": (heads,),
                "dt_bias": (heads,),
                "in_proj.weight": (inner + mixed + heads, width),
                "conv1d.weight": (mixed, 1, config["conv_kernel"]),
                "conv1d.bias": (mixed,),
                "norm.weight": (inner,),
                "out_proj.weight": (width, inner),
            }
        found[f"backbone.layers.{i}.norm.weight"] = (width,)
        found |= {f"backbone.layers.{i}.mixer.{name}": shape for name, shape in mixer.items()}
    return found


def lowered(name, target, mode):
    from ssmc.cascade import decompose
    from ssmc.cascade.strategy import Options

    automaton = read_language(name).automaton
    return automaton, lower(decompose(automaton, mode, find_target(target).search(Options(), mode, "float32")), target)


@pytest.mark.parametrize("target", CLASSES)
@pytest.mark.parametrize(
    ("name", "mode"), [("d-4", "predict"), ("dyck-2-3", "recognise"), ("fourth-from-end", "predict")]
)
def test_one_name_differs(target, name, mode):
    _, weights = lowered(name, target, mode)
    tensors = dict(weights.tensors)
    tensors["backbone.embedding.weight"] = tensors.pop("backbone.embeddings.weight")
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == layout(weights.config)
    # it pads the vocabulary to a multiple of 8, and its convolution asks for strides that are
    assert weights.config["vocab_size"] % 8 == 0
    assert tensors["backbone.layers.0.mixer.in_proj.weight"].shape[0] % 8 == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="its kernels need a GPU")
@pytest.mark.parametrize("target", CLASSES)
def test_the_own_class_answers_exactly(target):
    pytest.importorskip("mamba_ssm")
    from mamba_ssm.models.config_mamba import MambaConfig
    from mamba_ssm.models.mixer_seq_simple import MambaLMHeadModel

    automaton, weights = lowered("dyck-2-3", target, "recognise")
    config = weights.config
    layer = {"layer": "Mamba1", "dt_rank": config.get("time_step_rank")}
    if target == "mamba2":
        layer = {"layer": "Mamba2", "headdim": config["head_dim"], "ngroups": config["n_groups"]}
    layer |= {"d_state": config["state_size"], "d_conv": config["conv_kernel"], "expand": config["expand"]}
    sizes = {
        "d_model": config["hidden_size"],
        "n_layer": config["num_hidden_layers"],
        "vocab_size": config["vocab_size"],
    }
    model = MambaLMHeadModel(MambaConfig(**sizes, ssm_cfg=layer, tie_embeddings=False), device="cuda")
    tensors = dict(weights.tensors)
    tensors["backbone.embedding.weight"] = tensors.pop("backbone.embeddings.weight")
    model.load_state_dict(tensors)
    for word in words_of(automaton, "recognise", random.Random(1), 600):
        tokens = torch.tensor([[weights.vocabulary.id("bos"), *word]], device="cuda")
        with torch.inference_mode():
            logits = model(tokens).logits[0].cpu()
        assert torch.equal(logits, wanted(automaton, weights.vocabulary, word))
