"""The JSON of every command: the keys that stay, checked against the languages themselves."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ssmc


def test_starfree_yes(ssmc: Ssmc) -> None:
    result = ssmc("check-starfree", "--json", "-e", "(ab|ba)*", "--alphabet", "ab")
    assert result.code == 0
    expected = {
        "schema": "ssmc.starfree/1",
        "verdict": "star-free",
        "states": 3,
        "complete_states": 4,
        "monoid_size": 15,
        "witness": None,
    }
    assert result.data | expected == result.data


@pytest.mark.parametrize(
    ("expression", "alphabet", "period", "word", "monoid_size"),
    [
        ("(aa)*", "a", 2, ["a"], 2),
        ("(aaaa)*", "a", 2, ["a", "a"], 4),
        ("(abab)*", "ab", 2, None, 10),
        ("(aaa)*b", "ab", 3, None, None),
    ],
)
def test_starfree_no(
    ssmc: Ssmc, expression: str, alphabet: str, period: int, word: list[str] | None, monoid_size: int | None
) -> None:
    import re

    result = ssmc("check-starfree", "--json", "-e", expression, "--alphabet", alphabet)
    assert result.code == 1
    data, witness = result.data, result.data["witness"]
    assert data["verdict"] == "not-star-free"
    assert monoid_size is None or data["monoid_size"] == monoid_size
    assert witness["period"] == period == len(witness["orbit"])
    assert word is None or witness["word"] == word
    # the witness shows on strings, by another engine
    parts = ["".join(witness[key]) for key in ("prefix", "word", "suffix")]
    verdicts = [bool(re.fullmatch(expression, parts[0] + parts[1] * k + parts[2])) for k in range(20, 20 + 4 * period)]
    assert verdicts[:-period] == verdicts[period:]
    assert len(set(verdicts)) == 2


def test_starfree_limits(ssmc: Ssmc) -> None:
    small = ssmc("check-starfree", "--json", "d-12", "--monoid-limit", "10")
    assert small.code == 0
    assert small.data["monoid_size"] is None
    assert ssmc("check-starfree", "--json", "d-12").data["monoid_size"] == 820


def test_the_empty_language_and_the_empty_word(ssmc: Ssmc, tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    table: dict[str, Any] = {
        "states": ["q"],
        "input_symbols": ["a", "b"],
        "transitions": {"q": {"a": "q"}},
        "initial_state": "q",
        "final_states": [],
    }
    path.write_text(json.dumps(table))
    data = ssmc("check-starfree", "--json", str(path)).data
    assert (data["states"], data["complete_states"], data["monoid_size"]) == (0, 1, 1)
    for mode in ("recognise", "predict"):
        model = str(tmp_path / f"{mode}.pt")
        compiled = ssmc("compile", "--json", str(path), "--mode", mode, "-o", model)
        assert (compiled.code, compiled.data["layers"], compiled.data["states"]) == (0, 0, 0)
        answers = ssmc("run", "--json", model, "", "ab")
        assert answers.code == 1
        assert [answer["accepted"] for answer in answers.data] == [False, False]
        assert ssmc("verify", "--json", model).data["equivalent"] is True
        if mode == "predict":
            assert answers.data[1]["next"] == [[]]
            assert answers.data[1]["illegal_at"] == 0
        word = ssmc("compile", "--json", "-e", "()", "--alphabet", "ab", "--mode", mode, "-o", model)
        assert word.code == 0
        assert [answer["accepted"] for answer in ssmc("run", "--json", model, "", "a").data] == [True, False]


def test_compile(ssmc: Ssmc, tmp_path: Path) -> None:
    result = ssmc(
        "compile", "--json", "dyck-2-3", "--mode", "predict", "--dtype", "bfloat16", "-o", str(tmp_path / "m.pt")
    )
    assert result.code == 0
    data = result.data
    assert data["schema"] == "ssmc.compile/1"
    assert (data["mode"], data["target"]) == ("predict", "native")
    assert (data["states"], data["alphabet_size"]) == (15, 4)
    for key in ("layers", "blocks", "conv_width", "channels", "hidden_units"):
        assert isinstance(data[key], int)
    assert 0 < data["layers"] <= data["blocks"] <= data["channels"]
    for number, part in enumerate(data["components"]):
        assert {"kind", "states", "layer", "depends_on"} <= set(part)
        assert all(0 <= k < number for k in part["depends_on"])
        assert all(data["components"][k]["layer"] < part["layer"] for k in part["depends_on"])
    assert max(part["layer"] for part in data["components"]) == data["layers"]
    proof = data["proof"]
    assert (proof["lengths"], proof["dtype"]) == ("all", "bfloat16")
    assert proof["product_states"] >= data["states"]
    assert 0 < proof["max_magnitude"] <= 256


def test_compile_refuses_what_is_not_star_free(ssmc: Ssmc, tmp_path: Path) -> None:
    arguments = ["compile", "-e", "b*(ab*ab*)*", "--alphabet", "ab", "-o", str(tmp_path / "m.pt")]
    result = ssmc(*arguments, "--json")
    assert result.code == 1
    assert (result.data["schema"], result.data["type"]) == ("ssmc.error/1", "NotStarFreeError")
    assert (result.data["witness"]["word"], result.data["witness"]["period"]) == (["a"], 2)
    people = ssmc(*arguments)
    assert (people.code, people.out) == (1, "")
    assert "(a)^k" in people.err
    assert list(tmp_path.iterdir()) == []


def test_run_in_recognise_mode(ssmc: Ssmc, pairs: str) -> None:
    result = ssmc("run", "--json", pairs, "abba", "", "aab")
    assert result.code == 1
    assert result.data == [
        {"input": "abba", "accepted": True, "prefix_accepted": [True, False, True, False, True], "next": None},
        {"input": "", "accepted": True, "prefix_accepted": [True], "next": None},
        {"input": "aab", "accepted": False, "prefix_accepted": [True, False, False, False], "next": None},
    ]
    assert ssmc("run", pairs, "abba", "").code == 0
    assert ssmc("run", pairs, "abba", "a").out == "accepted  abba\nrejected  a\n"


def test_run_equals_re_on_every_short_string(ssmc: Ssmc, pairs: str) -> None:
    import re

    strings = ["".join(letters) for n in range(8) for letters in itertools.product("ab", repeat=n)]
    answers = ssmc("run", "--json", pairs, stdin="\n".join(strings) + "\n").data
    assert [answer["input"] for answer in answers] == strings
    for answer in answers:
        prefixes = [answer["input"][:k] for k in range(len(answer["input"]) + 1)]
        assert answer["prefix_accepted"] == [bool(re.fullmatch("(ab|ba)*", prefix)) for prefix in prefixes]
        assert answer["accepted"] == answer["prefix_accepted"][-1]


def test_run_in_predict_mode(ssmc: Ssmc, flip_flop: str) -> None:
    result = ssmc("run", "--json", flip_flop, "w1 i r1", "w0 i r1 i", "r0", "")
    assert result.code == 1
    good, bad, unread, empty = result.data
    assert good["accepted"] is True
    assert good["prefix_accepted"] == [True] * 4
    assert [set(legal) for legal in good["next"]] == [{"w0", "w1", "i"}] + [{"w0", "w1", "i", "r1"}] * 3
    assert "illegal_at" not in good
    assert (bad["accepted"], bad["illegal_at"]) == (False, 2)
    assert len(bad["prefix_accepted"]) == len(bad["next"]) == 3
    assert set(bad["next"][-1]) == {"w0", "w1", "i", "r0"}
    assert (unread["accepted"], unread["illegal_at"], len(unread["next"])) == (False, 0, 1)
    assert (empty["accepted"], empty["prefix_accepted"]) == (True, [True])


def test_run_reads_lines(ssmc: Ssmc, pairs: str) -> None:
    for arguments in ([pairs], [pairs, "-"]):
        result = ssmc("run", *arguments, stdin="ab\n\nba")
        assert (result.code, result.out) == (0, "accepted  ab\naccepted\naccepted  ba\n")
    assert ssmc("run", "--json", pairs, stdin="").data == []
    assert ssmc("run", "--symbols", pairs, "a b").code == 0


def test_verify(ssmc: Ssmc, pairs: str) -> None:
    result = ssmc("verify", "--json", pairs)
    assert result.code == 0
    assert result.data["schema"] == "ssmc.verify/1"
    assert (result.data["equivalent"], result.data["counterexample"]) == (True, None)
    assert (result.data["lengths"], result.data["dtype"]) == ("all", "float32")
    assert result.data["product_states"] >= 3
    assert result.data["max_magnitude"] > 0
    same = ssmc("verify", "--json", pairs, "-e", "(ab|ba)(ab|ba)*|()", "--alphabet", "ab")
    assert (same.code, same.data["equivalent"]) == (0, True)


def test_verify_finds_the_shortest_difference(ssmc: Ssmc, pairs: str) -> None:
    result = ssmc("verify", "--json", pairs, "-e", "(ab)*", "--alphabet", "ab")
    assert result.code == 1
    assert result.data["equivalent"] is False
    assert result.data["counterexample"]["word"] == ["b", "a"]
    assert {"expected", "got"} <= set(result.data["counterexample"])
    assert "'ba'" in ssmc("verify", pairs, "-e", "(ab)*", "--alphabet", "ab").out
    other = ssmc("verify", pairs, "-e", "(ab)*", "--alphabet", "abc")
    assert other.code == 3
    assert ssmc("verify", pairs, pairs, "-e", "a").code == 2


def test_verify_sees_a_changed_weight(ssmc: Ssmc, pairs: str, tmp_path: Path) -> None:
    import torch

    content = torch.load(pairs, weights_only=True)
    content["tensors"]["head.logits.bias"].neg_()
    path = tmp_path / "changed.pt"
    torch.save(content, path)
    result = ssmc("verify", "--json", str(path))
    assert result.code == 1
    assert len(result.data["counterexample"]["word"]) == 1
    assert ssmc("inspect", "--json", str(path)).data["certified"] is False
    assert ssmc("inspect", "--json", pairs).data["certified"] is True
    assert "changed since" in ssmc("inspect", str(path)).out


def test_inspect(ssmc: Ssmc, flip_flop: str) -> None:
    result = ssmc("inspect", "--json", flip_flop)
    assert result.code == 0
    data = result.data
    assert data["schema"] == "ssmc.inspect/1"
    assert (data["mode"], data["dtype"]) == ("predict", "float32")
    assert data["automaton"]["alphabet"]["names"] == ["w0", "w1", "i", "r0", "r1"]
    assert data["certificate"]["lengths"] == "all"
    for name, tensor in data["tensors"].items():
        for axis, size in zip(tensor["axes"], tensor["shape"], strict=True):
            assert axis == "symbols" or len(data["names"][axis]) == size, name
    text = ssmc("inspect", flip_flop).out
    assert "flip-flop" in text
    assert "head.logits.weight" in text


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ""])
def test_every_form_of_the_file_runs(ssmc: Ssmc, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    assert ssmc("compile", "tomita-4", "-o", str(path)).code == 0
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert ssmc("run", str(path), "aabaab").code == 0
    assert ssmc("run", str(path), "abaaa").code == 1
    assert ssmc("verify", str(path)).code == 0
    assert ssmc("inspect", str(path)).code == 0


def test_sources(ssmc: Ssmc, tmp_path: Path) -> None:
    text = tmp_path / "words.txt"
    text.write_text('#: alphabet = ["w0", "w1"]\nw0 w1*\n')
    from_path = ssmc("check-starfree", "--json", str(text))
    assert (from_path.code, from_path.data["states"]) == (0, 2)
    from_stdin = ssmc("check-starfree", "--json", "-", stdin=text.read_text())
    assert from_stdin.data | {"name": ""} == from_path.data | {"name": ""}
    several = ssmc("check-starfree", "--json", str(text), "flip-flop", "parity", "nowhere")
    assert several.code == 3
    assert [line.get("verdict") for line in several.lines] == ["star-free", "star-free", "not-star-free", None]
    assert several.lines[3]["input"] == "nowhere"
    assert ssmc("check-starfree", "flip-flop", "parity").code == 1
    limited = ssmc("check-starfree", "-e", "(a|b)*a(a|b){40}", "-e", "(aa)*", "--alphabet", "ab", "--json")
    assert [line["schema"] for line in limited.lines] == ["ssmc.error/1", "ssmc.starfree/1"]
    assert limited.code == 4


def test_the_header_chooses_the_mode_and_the_option_overrides_it(ssmc: Ssmc, tmp_path: Path) -> None:
    text = tmp_path / "pairs.txt"
    text.write_text('#: alphabet = "ab"\n#: mode = "predict"\n(ab)*\n')
    assert ssmc("compile", "--json", str(text)).data["mode"] == "predict"
    assert ssmc("compile", "--json", str(text), "--mode", "recognise").data["mode"] == "recognise"
    text.write_text('#: alphabet = "ab"\n#: mode = "guess"\n(ab)*\n')
    assert ssmc("compile", str(text)).code == 3


def test_equal_models_give_equal_bytes(ssmc: Ssmc, tmp_path: Path) -> None:
    for suffix in (".pt", ".safetensors"):
        data = []
        for name in ("one", "two"):
            path = tmp_path / f"{name}{suffix}"
            assert ssmc("compile", "flip-flop", "-o", str(path)).code == 0
            data.append(path.read_bytes())
        assert data[0] == data[1]


def test_text_is_read_as_bytes(ssmc: Ssmc, tmp_path: Path) -> None:
    import re

    pattern, model = "[a-zé]+@(x|€)", str(tmp_path / "text.pt")
    data = ssmc("compile", "--json", "-e", pattern, "-o", model).data
    assert (data["level"], data["alphabet_size"]) == ("codepoint", 256)
    assert data["model_states"] > data["states"]
    strings = ["é@€", "ab@x", "ab@", "É@x", "", "a@€x", "a\u20ac"]
    answers = ssmc("run", "--json", model, *strings).data
    assert [answer["accepted"] for answer in answers] == [bool(re.fullmatch(pattern, text)) for text in strings]
    assert [len(answer["prefix_accepted"]) for answer in answers] == [len(text.encode()) + 1 for text in strings]
    assert ssmc("run", model, stdin=b"\xff@x\nab@x\n").out == "rejected  \\xff@x\naccepted  ab@x\n"
    assert ssmc("verify", model, "-e", pattern).code == 0
    refused = ssmc("compile", "--json", "-e", '"([^"]|"")*"')
    assert (refused.code, refused.data["witness"]["word"]) == (1, ['"'])


def test_search_finds_a_match_anywhere(ssmc: Ssmc, tmp_path: Path) -> None:
    model = str(tmp_path / "search.pt")
    options = ["--search", "--syntax", "python", "--alphabet", "abc"]
    assert ssmc("compile", "-e", "ab|ca", *options, "-o", model).code == 0
    assert ssmc("run", model, "ccabcc", "ccbb", "ca").out == "accepted  ccabcc\nrejected  ccbb\naccepted  ca\n"


def test_effort_and_limits(ssmc: Ssmc) -> None:
    holonomy = ssmc("compile", "--json", "dyck-2-3", "--mode", "predict", "--effort", "0")
    searched = ssmc("compile", "--json", "dyck-2-3", "--mode", "predict", "--effort", "1", "--window", "0")
    assert holonomy.code == searched.code == 0
    assert searched.data["layers"] <= holonomy.data["layers"]
    assert {part["kind"] for part in searched.data["components"]} <= {"reset", "counter"}
    assert ssmc("compile", "d-12", "--effort", "4").code == 2
    limited = ssmc("compile", "--json", "dyck-2-3", "--context-limit", "1", "--set-limit", "1")
    assert (limited.code, limited.data["type"]) == (4, "LimitError")
    assert limited.data["option"] in ("--context-limit", "--set-limit")
