"""Every shipped grammar in every class that supports it: written as a folder, loaded by its name, every logit of a word compared.

Mamba and Mamba-2 are in test_targets_stock.py. The kernels of flash-linear-attention run in Triton's interpreter where there is no GPU.
"""

import random

import pytest
import torch

from ssmc.cascade.strategy import Options
from ssmc.compile import lower_language, model_automaton, stock_file
from ssmc.errors import GateError, NotStarFreeError
from ssmc.languages import read_language, shipped_grammars
from ssmc.targets import find_target
from ssmc.targets.architectures import ARCHITECTURES
from ssmc.targets.folder import write_stock
from ssmc.verify.flash import quiet
from ssmc.verify.recurrent import need_transformers, placed
from tests.targets.stock_words import wanted, words_of

transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)
TARGETS = [target.name for target in ARCHITECTURES]
STAR_FREE = {path.stem: "star_free = true" in path.read_text() for path in shipped_grammars()}
SIGNED = {"parity", "tomita-5", "abab", "aa-even", "aaaa", "tomita-3"}
"""Languages with groups that are 2-groups without factors that turn."""
LENGTH = 16


def lowered(name, target, mode):
    """The language, its cascade and its weights, not proved."""
    chosen, language = find_target(target), read_language(name)
    chosen.admit(language.automaton, 100_000)
    automaton = model_automaton(language)
    cascade, weights = lower_language(
        language, automaton, chosen, mode, "float32", chosen.search(Options(), mode, "float32")
    )
    return stock_file(language, chosen, cascade, weights), automaton


def check_folder(folder, file, automaton, seed):
    """Loads a folder by its name alone and compares a word."""
    need_transformers(file.config["model_type"])
    write_stock(folder, file)
    with quiet():  # RWKV-6 warns of its own implementation
        model = placed(transformers.AutoModelForCausalLM.from_pretrained(folder)).eval()
    assert type(model).__name__ == file.config["architectures"][0]
    assert type(model).__module__.split(".")[0] in ("transformers", "fla")
    word = words_of(automaton, file.tokens.mode, random.Random(seed), LENGTH)[-1]
    with torch.inference_mode(), quiet():
        tokens = torch.tensor([[file.tokens.id("bos"), *word]], device=model.device)
        logits = model(tokens, use_cache=False).logits[0].cpu()
    assert torch.equal(logits, wanted(automaton, file.tokens, word))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", [name for name, star_free in STAR_FREE.items() if star_free])
def test_star_free_grammars(tmp_path, target, name):
    check_folder(tmp_path / "folder", *lowered(name, target, "predict"), name)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["aa-star", "abcde", "dyck-2-3", "flip-flop", "fourth-from-end"])
def test_recognition(tmp_path, target, name):
    check_folder(tmp_path / "folder", *lowered(name, target, "recognise"), name)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", [name for name, star_free in STAR_FREE.items() if not star_free])
def test_grammars_with_groups(tmp_path, target, name):
    if find_target(target).gates == "signed" and name in SIGNED:
        check_folder(tmp_path / "folder", *lowered(name, target, "recognise"), name)
        return
    with pytest.raises((NotStarFreeError, GateError)) as refused:
        lowered(name, target, "recognise")
    assert refused.value.witness is not None
