"""The folders of stock models: tokenizer, generation, model card, the command line, damage."""

import json
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import load_file, save_file

from ssmc.automaton import DEAD
from ssmc.cli import main
from ssmc.compile import compile_language, write_model
from ssmc.errors import InputError, UsageError
from ssmc.languages import language_of, read_language
from ssmc.targets.folder import read_stock
from ssmc.verify.recurrent import need_transformers
from tests.targets.stock_words import CLASSES, check_forward, compiled_folder

transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize("target", CLASSES)
def test_generated_strings_are_words(tmp_path, target):
    compiled, folder = compiled_folder(tmp_path, "flip-flop", target, "predict")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    torch.manual_seed(0)
    automaton, ended = compiled.cascade.automaton, 0
    strings = model.generate(do_sample=True, num_return_sequences=24, max_new_tokens=20)
    for row, text in zip(strings.tolist(), tokenizer.batch_decode(strings, skip_special_tokens=True), strict=True):
        state = 0
        for symbol in automaton.alphabet.encode(text, spaced=True):
            state = automaton.delta[state][automaton.alphabet.class_of(symbol)]
            assert state != DEAD, text
        if tokenizer.eos_token_id in row:
            ended += 1
            assert state in automaton.accepting
    assert ended
    logits = model(**tokenizer("w1 i", return_tensors="pt")).logits[0, -1]
    chances = torch.softmax(logits / 2, -1)
    assert chances[tokenizer.convert_tokens_to_ids("r0")] == 0
    assert chances[tokenizer.convert_tokens_to_ids("r1")] > 0


def test_text_is_read_byte_by_byte(tmp_path):
    language = language_of("<s>[äb]+", name="tag")
    compiled = compile_language(language, mode="predict", target="mamba")
    write_model(compiled, tmp_path / "tag")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "tag")
    tokens = tokenizer("<s>äb").input_ids
    # the text of a special token is text
    assert tokens == [tokenizer.bos_token_id, *b"<s>", *"äb".encode()]
    assert tokenizer.decode(tokens, skip_special_tokens=True) == "<s>äb"
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "tag")
    check_forward(model, compiled.cascade.automaton, compiled.weights.vocabulary, [list("<s>äbä".encode())])


def test_a_symbol_outside_the_alphabet_is_an_error(tmp_path):
    _, folder = compiled_folder(tmp_path, "tomita-1", "mamba", "predict")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with pytest.raises(Exception, match="UNK"):
        tokenizer("z")


def run(capsys, *words):
    """The exit code and the stdout of a command."""
    with pytest.raises(SystemExit) as done:
        main(list(words))
    return done.value.code or 0, capsys.readouterr().out


def test_folders_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    compile_it = ("compile", "flip-flop", "--mode", "predict", "--target", "mamba", "-o", "ff")
    assert run(capsys, *compile_it)[0] == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "ff").iterdir()}
    assert run(capsys, *compile_it)[0] == 0
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "ff").iterdir()}
    code, out = run(capsys, "verify", "ff", "--dtype", "bfloat16", "--json")
    data = json.loads(out)
    assert (code, data["equivalent"], data["product_states"], data["cache_states"]) == (0, True, 9, 126)
    assert data["dtype"] == "bfloat16"
    assert run(capsys, "verify", "ff", "tomita-1")[0] == 3
    code, out = run(capsys, "run", "ff", "w1 i r1", "w0 i r1", "")
    assert (code, out.splitlines()[0]) == (1, "accepted  w1 i r1")
    assert "symbol 3 is illegal; legal: w0 w1 i r0" in out
    shown = json.loads(run(capsys, "inspect", "ff", "--json")[1])
    assert (shown["target"], shown["certified"], shown["mode"]) == ("mamba", True, "predict")
    assert "level 1 := 1 when x in {w0}" in run(capsys, "inspect", "ff")[1]
    assert run(capsys, "compile", "flip-flop", "--target", "mamba", "-o", "ff.pt")[0] == 2
    assert run(capsys, "bench", "ff")[0] == 2


def test_a_changed_folder_is_not_believed(tmp_path, capsys):
    _, folder = compiled_folder(tmp_path, "flip-flop", "mamba", "predict")
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"][3] = tensors["lm_head.weight"][2]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    code, out = run(capsys, "verify", str(folder), "--json")
    assert (code, json.loads(out)["equivalent"]) == (1, False)
    assert json.loads(run(capsys, "inspect", str(folder), "--json")[1])["certified"] is False


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ssmc.json", b"{}"),
        ("ssmc.json", b'{"format": "ssmc.stock", "version": 99}'),
        ("ssmc.json", b"[" * 10_000),
        ("model.safetensors", b"nothing"),
        ("config.json", b"not JSON"),
    ],
)
def test_damaged_folders_are_one_line(tmp_path, name, content, capsys):
    _, folder = compiled_folder(tmp_path, "aa-star", "mamba", "predict")
    (folder / name).write_bytes(content)
    assert run(capsys, "inspect", str(folder))[0] == 3
    with pytest.raises(InputError):
        read_stock(folder)


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    compiled = compile_language(read_language("aa-star"), mode="predict", target="mamba")
    with pytest.raises(InputError, match="other things"):
        write_model(compiled, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="folder"):
        write_model(compiled, tmp_path / "model.pt")


def test_the_card_tells_the_proof(tmp_path):
    compiled, folder = compiled_folder(tmp_path, "flip-flop", "mamba2", "predict")
    card = (folder / "README.md").read_text()
    for part in (
        "Mamba2ForCausalLM",
        "i*(w0(i|r0)*|w1(i|r1)*)*",
        compiled.certificate.sha256,
        "ssmc verify DIR",
        "9 reachable states",
    ):
        assert part in card


def test_a_library_that_takes_the_name_of_the_class(tmp_path, capsys):
    if find_spec("fla") is None:
        pytest.skip("flash-linear-attention is not installed")
    need_transformers("gla")  # on import the library registers classes of its own as `mamba` and `mamba2`
    folder = str(tmp_path / "folder")
    assert run(capsys, "compile", "tomita-1", "--mode", "predict", "--target", "mamba", "-o", folder)[0] == 0
    assert run(capsys, "verify", folder)[0] == 0
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert type(model).__module__.startswith("transformers.")


def test_who_counts_and_who_resets(tmp_path, capsys):
    """The report and the card say how counting is done; bracket languages by rule are decomposed where there is no counter."""
    for target, mode, counts in (
        ("mamba", "predict", True),
        ("mamba", "recognise", False),
        ("mamba2", "predict", False),
    ):
        folder = str(tmp_path / f"{target}-{mode}")
        assert run(capsys, "compile", "dyck:1,6", "--mode", mode, "--target", target, "-o", folder)[0] == 0
        file = read_stock(folder)
        kinds = {component["kind"] for component in file.cascade["components"]}
        assert ("counter" in kinds) == counts
        assert ("resets do what a counter would: " in file.note) == (not counts)
        assert file.note in (tmp_path / f"{target}-{mode}" / "README.md").read_text()
        code, out = run(capsys, "compile", "dyck:1,6", "--mode", mode, "--target", target)
        assert (code, file.note in out) == (0, True)
    assert run(capsys, "compile", "dyck:8,10", "--mode", "predict", "--target", "mamba2")[0] == 4
