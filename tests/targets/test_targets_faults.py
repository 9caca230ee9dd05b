"""Faults in the folder of a stock model: `ssmc verify` finds them, with the exit code of their kind."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from ssmc.cli import main
from ssmc.targets.folder import read_stock
from tests.targets.stock_words import compiled_folder

transformers = pytest.importorskip("transformers")
DIFFERENT, INVALID, UNPROVED = 1, 3, 5


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder of Mamba and one of Mamba-2."""
    place = tmp_path_factory.mktemp("whole")
    return {target: compiled_folder(place, "flip-flop", target, "predict")[1] for target in ("mamba", "mamba2")}


def edited(name, **changes):
    def fault(folder):
        data = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**data, **changes}))

    return fault


def changed(change):
    def fault(folder):
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})

    return fault


def missing(name):
    return lambda folder: (folder / name).unlink()


def cut(name, size):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def renamed_symbols(folder):
    """Two symbols of the tokenizer change places, so every string is read as another one."""
    data = json.loads((folder / "tokenizer.json").read_text())
    data["model"]["vocab"] |= {"w0": 1, "w1": 0}
    (folder / "tokenizer.json").write_text(json.dumps(data))


def code_of(*words):
    with pytest.raises(SystemExit) as done:
        main(list(words))
    return done.value.code or 0


FAULTS = {
    "epsilon of the norm": (edited("config.json", layer_norm_epsilon=1e-3), UNPROVED),
    "another end token": (edited("config.json", eos_token_id=0), UNPROVED),
    "another end token in generation": (edited("generation_config.json", eos_token_id=0), UNPROVED),
    "another start token": (edited("tokenizer_config.json", bos_token="w0"), UNPROVED),
    "padding on the right": (edited("tokenizer_config.json", padding_side="right"), UNPROVED),
    "symbols renamed": (renamed_symbols, UNPROVED),
    "another width": (edited("config.json", hidden_size=64), INVALID),
    "a width that is no number": (edited("config.json", hidden_size="big"), INVALID),
    "a vocabulary of none": (edited("config.json", vocab_size=0), INVALID),
    "another class": (edited("config.json", model_type="llama"), INVALID),
    "an unknown class": (edited("config.json", model_type="gpt17"), INVALID),
    "a block more": (edited("config.json", num_hidden_layers=3), INVALID),
    "an unknown target": (edited("ssmc.json", target="mamba3"), INVALID),
    "no source": (edited("ssmc.json", source={}), INVALID),
    "no shape": (edited("ssmc.json", shape={}), INVALID),
    "no automaton": (edited("ssmc.json", automaton={}), INVALID),
    "no vocabulary": (edited("ssmc.json", vocabulary={}), INVALID),
    "names that are no lists": (edited("ssmc.json", names={"residual": 5}), INVALID),
    **{f"no {name}": (missing(name), INVALID) for name in ("config.json", "model.safetensors", "ssmc.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json")},
    **{f"half of {name}": (cut(name, 150), INVALID) for name in ("config.json", "model.safetensors", "ssmc.json", "tokenizer.json", "tokenizer_config.json")},
    "a tensor less": (changed(lambda t: t.pop("lm_head.weight")), INVALID),
    "a tensor more": (changed(lambda t: t.update(extra=torch.zeros(2))), INVALID),
    "a tensor of another shape": (changed(lambda t: t.update({"lm_head.weight": torch.zeros(8, 17)})), INVALID),
    "the head upside down": (changed(lambda t: t["lm_head.weight"].neg_()), DIFFERENT),
    "not a number": (changed(lambda t: t["lm_head.weight"].fill_(float("nan"))), DIFFERENT),
    "an ulp in the last norm": (changed(lambda t: t["backbone.norm_f.weight"].mul_(1 + 2**-22)), DIFFERENT),
    "another start": (changed(lambda t: t["backbone.embeddings.weight"][5].copy_(t["backbone.embeddings.weight"][0])), DIFFERENT),
    "a bias": (changed(lambda t: t["backbone.layers.0.mixer.conv1d.bias"].add_(1)), UNPROVED),
}  # fmt: skip


@pytest.mark.parametrize("target", ["mamba", "mamba2"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(folders, tmp_path, capsys, target, fault):
    folder = tmp_path / "folder"
    shutil.copytree(folders[target], folder)
    break_it, code = FAULTS[fault]
    break_it(folder)
    assert code_of("verify", str(folder)) == code
    said = capsys.readouterr()
    if code == DIFFERENT:
        assert "different" in said.out
    else:
        assert len(said.err.strip().splitlines()) == 1
        assert not said.out


def test_weights_of_another_language(tmp_path, capsys):
    """Folders of the same shape, whose weights are swapped."""
    one, two = (compiled_folder(tmp_path, name, "mamba", "predict")[1] for name in ("first-a", "zeros-two"))
    shapes = [{name: tensor.shape for name, tensor in read_stock(folder).tensors.items()} for folder in (one, two)]
    assert shapes[0] == shapes[1]
    shutil.copy(two / "model.safetensors", one / "model.safetensors")
    assert code_of("verify", str(one)) == DIFFERENT
    assert "after" in capsys.readouterr().out


def test_the_folder_itself_is_proved_in_every_dtype(folders, capsys):
    for target, dtypes in (("mamba", ("float32", "bfloat16", "float16")), ("mamba2", ("float32", "bfloat16"))):
        for dtype in dtypes:
            assert code_of("verify", str(folders[target]), "--dtype", dtype) == 0
    assert code_of("verify", str(folders["mamba2"]), "--dtype", "float16") in (DIFFERENT, UNPROVED)
    capsys.readouterr()
