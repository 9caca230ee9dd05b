"""The model file: three forms of one thing, equal bytes, nothing left behind, nothing believed."""

import json
import os
import pickle
import stat
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save

from ssmc.errors import InputError, ModelFileError, UsageError
from ssmc.nn import Model, ModelFile, load_model, read_file, save_model

CONFIG = {
    "architecture": "native",
    "dtype": "bfloat16",
    "mode": "recognise",
    "symbols": 3,
    "letters": 2,
    "delay": [0, 2],
    "lags": [1, 2],
    "blocks": [{"units": 2, "channels": 1, "source": [0]}, {"units": 1, "channels": 2, "source": [1, 0, 1]}],
    "head": {"units": 0},
    "outputs": 1,
    "components": [],
}
HEADER = {
    "names": {"letters": ["x in {a}", "x in {b}"]},
    "axes": {"embedding.weight": ["symbols", "letters"]},
    "source": {"name": "n", "text": "``` (a|b)* ```", "syntax": "formal", "level": "symbol"},
    "automaton": {"alphabet": {"kind": "tokens"}, "delta": [[0, -1]], "accepting": [0]},
    "cascade": {"mode": "recognise"},
    "certificate": {"proof": "product", "product_states": 3, "lengths": "all", "sha256": "0" * 64},
    "exactness": {"max_magnitude": 256, "limit": 256},
    "versions": {"ssmc": "0"},
}


def make(seed=0, **changes):
    generator = torch.Generator().manual_seed(seed)
    model = Model(CONFIG)
    tensors = {
        name: torch.randint(-3, 4, p.shape, generator=generator).to(p.dtype) for name, p in model.state_dict().items()
    }
    return ModelFile(config=CONFIG, tensors=tensors, **{**HEADER, **changes})


PATHS = ["m.pt", "m.safetensors", "m"]


def contents(path):
    if path.is_dir():
        return {entry.name: entry.read_bytes() for entry in path.iterdir()}
    return path.read_bytes()


@pytest.mark.parametrize("name", PATHS)
def test_round_trip(tmp_path, name):
    file = make()
    save_model(tmp_path / name, file)
    back = read_file(tmp_path / name)
    assert back.header() == file.header()
    assert set(back.tensors) == set(file.tensors)
    for key, tensor in file.tensors.items():
        assert back.tensors[key].dtype == tensor.dtype
        assert torch.equal(back.tensors[key], tensor)
    model = load_model(tmp_path / name)
    assert not model.training
    assert all(torch.equal(p, file.tensors[key]) for key, p in model.state_dict().items())
    assert back.alphabet == {"kind": "tokens"}


@pytest.mark.parametrize("name", PATHS)
def test_equal_models_give_equal_bytes(tmp_path, name):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    save_model(tmp_path / "one" / name, make())
    # the same contents, made of other objects in another order
    save_model(tmp_path / "middle.pt", make())
    again = read_file(tmp_path / "middle.pt")
    shuffled = ModelFile(
        **{
            **{field: getattr(again, field) for field in HEADER},
            "config": json.loads(json.dumps(CONFIG)),
            "tensors": dict(reversed(again.tensors.items())),
        }
    )
    save_model(tmp_path / "two" / name, shuffled)
    assert contents(tmp_path / "one" / name) == contents(tmp_path / "two" / name)
    save_model(tmp_path / "two" / name, make(seed=1))
    assert contents(tmp_path / "one" / name) != contents(tmp_path / "two" / name)


def test_forms_do_not_need_their_suffix(tmp_path):
    for name in ("m.pt", "m.safetensors"):
        save_model(tmp_path / name, make())
        os.rename(tmp_path / name, tmp_path / "plain")
        assert read_file(tmp_path / "plain").header() == make().header()


def test_pt_is_plain_data(tmp_path):
    save_model(tmp_path / "m.pt", make())
    content = torch.load(tmp_path / "m.pt", weights_only=True)
    assert type(content) is dict
    assert content["format"] == "ssmc.model"
    assert content["version"] == 1
    assert json.loads(json.dumps({k: v for k, v in content.items() if k != "tensors"})) == make().header()


def test_safetensors_has_one_metadata_key(tmp_path):
    save_model(tmp_path / "m.safetensors", make())
    data = (tmp_path / "m.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert list(json.loads(data[8 : 8 + length])["__metadata__"]) == ["ssmc"]


def test_folder_has_a_card(tmp_path):
    save_model(tmp_path / "m", make())
    card = (tmp_path / "m" / "README.md").read_text()
    assert "````\n``` (a|b)* ```\n````" in card
    assert "proved" in card
    save_model(tmp_path / "m", make(certificate=None))
    assert "no proof" in (tmp_path / "m" / "README.md").read_text()
    assert sorted(os.listdir(tmp_path)) == ["m"]


def test_written_files_obey_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        save_model(tmp_path / "m.pt", make())
        save_model(tmp_path / "m", make())
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "m.pt").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o750


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file(tmp_path, name, error, monkeypatch):
    save_model(tmp_path / name, make())
    before = contents(tmp_path / name)
    calls = []

    def fail(source, target):
        calls.append(source)
        raise error

    monkeypatch.setattr(os, "replace", fail)
    # in a folder the second rename fails, when the old folder has been moved aside
    real = os.rename
    monkeypatch.setattr(
        os, "rename", lambda a, b: fail(a, b) if str(b).endswith(name) and ".old" not in str(a) else real(a, b)
    )
    with pytest.raises(InputError if isinstance(error, OSError) else KeyboardInterrupt):
        save_model(tmp_path / name, make(seed=1))
    assert calls
    assert contents(tmp_path / name) == before
    assert os.listdir(tmp_path) == [name]


def test_bad_places(tmp_path):
    with pytest.raises(UsageError, match="suffix"):
        save_model(tmp_path / "m.bin", make())
    with pytest.raises(InputError, match="cannot be written"):
        save_model(tmp_path / "no" / "m.pt", make())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="other things"):
        save_model(tmp_path / "mine", make())
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="other things"):
        save_model(tmp_path / "file", make())


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def damage(tmp_path):
    """(name, bytes) of files that must be refused."""
    trap = str(tmp_path / "trap")
    save_model(tmp_path / "m.pt", make())
    save_model(tmp_path / "m.safetensors", make())
    pt, st = (tmp_path / "m.pt").read_bytes(), (tmp_path / "m.safetensors").read_bytes()
    good = make()

    def write(content):
        torch.save(content, tmp_path / "x.pt")
        return (tmp_path / "x.pt").read_bytes()

    def changed(**changes):
        return write({**good.header(), "tensors": dict(good.tensors), **changes})

    def tensors(**changes):
        return changed(tensors={**good.tensors, **changes})

    def config(**changes):
        return changed(config={**CONFIG, **changes})

    yield "empty", b""
    yield "noise", bytes(range(256)) * 40
    yield "text", b"(ab|ba)*\n"
    yield "hostile pickle", pickle.dumps(Hostile(trap))
    yield "hostile archive", write({"tensors": Hostile(trap)})
    yield "hostile inside", write({**good.header(), "tensors": {**good.tensors, "initial_logits": Hostile(trap)}})
    for part in (0.01, 0.3, 0.9, 0.999):
        yield f"truncated pt {part}", pt[: int(len(pt) * part)]
        yield f"truncated safetensors {part}", st[: int(len(st) * part)]
    yield "zip of text", zipped(tmp_path)
    yield "list", write([1, 2])
    yield "no tensors", write(good.header())
    yield "other format", changed(format="tracr")
    yield "later version", changed(version=2)
    yield "no version", write({k: v for k, v in {**good.header(), "tensors": {}}.items() if k != "version"})
    yield "unknown key", changed(extra=1)
    yield "wrong type", changed(cascade=[1])
    yield "no alphabet", changed(automaton={"delta": [], "accepting": []})
    yield "no source text", changed(source={"name": "n"})
    yield "tensor missing", changed(tensors={k: v for k, v in good.tensors.items() if k != "initial_logits"})
    yield "tensor unknown", tensors(other=torch.zeros(1))
    yield "wrong shape", tensors(initial_logits=torch.zeros(2, dtype=torch.bfloat16))
    yield "wrong dtype", tensors(initial_logits=torch.zeros(1))
    yield "not a tensor", tensors(initial_logits=[1.0])
    yield "sparse", tensors(initial_logits=torch.zeros(1, dtype=torch.bfloat16).to_sparse())
    yield "huge", config(symbols=10**13)
    yield (
        "huge and stretched",
        write(
            {
                **good.header(),
                "config": {**CONFIG, "symbols": 10**13},
                "tensors": {
                    **good.tensors,
                    "embedding.weight": torch.zeros(1, 2, dtype=torch.bfloat16).expand(10**13, 2),
                },
            }
        ),
    )
    yield "negative size", config(symbols=-3)
    yield "size of another type", config(symbols=3.0)
    yield "dtype unknown", config(dtype="float8")
    yield "no blocks", changed(config={k: v for k, v in CONFIG.items() if k != "blocks"})
    yield "blocks of another type", config(blocks=7)
    yield "metadata of another tool", save({"a": torch.zeros(1)}, {"format": "pt"})
    yield "no metadata", save({"a": torch.zeros(1)})
    yield "metadata is no JSON", save({"a": torch.zeros(1)}, {"ssmc": "{"})
    yield "metadata is a list", save({"a": torch.zeros(1)}, {"ssmc": "[]"})
    yield "metadata is deep", save({"a": torch.zeros(1)}, {"ssmc": "[" * 100_000})


def zipped(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("data.pkl", "hello")
    return (tmp_path / "z.zip").read_bytes()


def test_damaged_files_are_refused_in_one_line(tmp_path):
    for name, data in damage(tmp_path):
        path = tmp_path / "bad.pt"
        path.write_bytes(data)
        with pytest.raises(ModelFileError) as caught:
            read_file(path)
        assert "\n" not in str(caught.value), name
        assert str(path) in str(caught.value), name
        assert not (tmp_path / "trap").exists(), name
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"delay": [0, 9]},
        {"delay": [-1, 0]},
        {"delay": ["a", "b"]},
        {"lags": [1]},
        {"blocks": [{"units": 2, "channels": 1, "source": [5]}, {"units": 1, "channels": 2, "source": [1, 0, 1]}]},
    ],
)
def test_a_configuration_without_a_model_is_refused(tmp_path, change):
    file = make()
    save_model(tmp_path / "m.pt", ModelFile(**{**vars(file), "config": {**CONFIG, **change}}))
    with pytest.raises(ModelFileError) as caught:
        load_model(tmp_path / "m.pt")
    assert "\n" not in str(caught.value)


def test_missing_and_unreadable(tmp_path):
    with pytest.raises(ModelFileError, match="No such file"):
        read_file(tmp_path / "m.pt")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelFileError, match="No such file"):
        read_file(tmp_path / "folder")
    (tmp_path / "folder" / "config.json").write_bytes(b"\xff")
    with pytest.raises(ModelFileError, match="damaged"):
        read_file(tmp_path / "folder")
