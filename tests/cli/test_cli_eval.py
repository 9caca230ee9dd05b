"""`ssmc eval`: model files, functions, folders; table, JSON, plot, refusals."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ssmc


def test_the_choices_are_those_of_the_packages() -> None:
    from ssmc.cli.eval import BACKENDS, METHODS
    from ssmc.evaluate.subject import BACKENDS as KNOWN
    from ssmc.sample import METHODS as METHODS_KNOWN

    assert (BACKENDS, METHODS) == (KNOWN, METHODS_KNOWN)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    from ssmc.compile import compile_language, write_model
    from ssmc.languages import read_language

    path = tmp_path_factory.mktemp("eval") / "d-3.pt"
    write_model(compile_language(read_language("d-3"), mode="predict"), path)
    return str(path)


def test_a_model_file(ssmc: Ssmc, model: str, tmp_path: Path) -> None:
    plot = tmp_path / "curve.svg"
    result = ssmc("eval", model, "-n", "4", "--length", "2..10", "--length", "50..60", "--plot", str(plot))
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].endswith("next symbols and end")
    assert [line.split() for line in lines[2:]] == [
        ["2..10", "4", "100.00%", "100.0000%", "8/8"],
        ["50..60", "4", "100.00%", "100.0000%", "8/8"],
    ]
    first = plot.read_bytes()
    assert b"every position of a word" in first
    ssmc("eval", model, "-n", "4", "--length", "2..10", "--length", "50..60", "--plot", str(plot))
    assert plot.read_bytes() == first


def test_json(ssmc: Ssmc, model: str) -> None:
    data = ssmc("eval", model, "-n", "3", "--length", "6", "--json", "--backend", "step").data
    assert (data["schema"], data["predicts"]) == ("ssmc.eval/1", True)
    assert data["bins"] == [
        {
            "bin": [6, 6], "method": "lengths", "strings": 3, "strict": 3, "strict_score": 1.0, "positions": 18, "right": 18,
            "position_score": 1.0, "accepted": 3, "negatives": 3, "rejected": 3, "recognition_score": 1.0,
        }
    ]  # fmt: skip
    # every engine that stands for the network says the same
    for backend in ("auto", "bits", "maps", "walk"):
        again = ssmc("eval", model, "-n", "3", "--length", "6", "--json", "--backend", backend).data
        assert again == data
    # held against a deeper language the model is wrong where it forbids the fourth level
    other = ssmc("eval", model, "d-12", "-n", "30", "--length", "20..40", "--json").data["bins"][0]
    assert other["strict"] < 30
    assert other["right"] < other["positions"]


def test_a_function(ssmc: Ssmc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "learned.py").write_text(
        "def parity(strings):\n    return [[s[:t + 1].count('a') % 2 == 0 for t in range(len(s))] for s in strings]\n"
        "def anything(strings):\n    return [[{'a', 'b', '$'} for _ in s] for s in strings]\nnumber = 3\n"
    )
    monkeypatch.chdir(tmp_path)  # a module of the present folder is found
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    data = ssmc("eval", "learned:parity", "parity", "--mode", "recognise", "-n", "5", "--json").data
    assert [row["strict_score"] for row in data["bins"]] == [1, 1, 1]
    wrong = ssmc("eval", "learned:anything", "tomita-4", "-n", "5", "--length", "30", "--json").data["bins"][0]
    assert wrong["rejected"] == 0
    assert wrong["strict"] < 5
    for args, code, message in (
        (("learned:nothing", "parity"), 3, "AttributeError"),
        (("learned:number", "parity"), 3, "no function"),
        (("absent.module:f", "parity"), 3, "ModuleNotFoundError"),
        (("learned:parity",), 2, "does not say its language"),
        (("learned:parity", "parity"), 3, "not a set"),
    ):
        result = ssmc("eval", *args)
        assert (result.code, message in result.err) == (code, True), result.err


def test_a_compiled_folder_of_transformers(ssmc: Ssmc, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    for mode, what in (("predict", "next symbols and end"), ("recognise", "verdict of every prefix")):
        folder = str(tmp_path / mode)
        assert ssmc("compile", "tomita-4", "--target", "mamba", "--mode", mode, "-o", folder).code == 0
        result = ssmc("eval", folder, "-n", "4", "--length", "20..30")
        assert (result.code, what in result.out) == (0, True)
        assert result.out.splitlines()[-1].split() == ["20..30", "4", "100.00%", "100.0000%", "8/8"]
        assert ssmc("trace", folder, "ab").code == 2


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--plot", "x.gif"), 2, "gif"),
        (("--device", "cuda:99"), 2, "CUDA"),
        (("--device", "toaster"), 2, "no such device"),
        (("--ignore", "0.5"), 2, "ffl"),
        (("--length", "7"), 3, "no string"),
        (("tomita-4", "-e", "a"), 2, "not both"),
        (("flip-flop",), 3, "alphabet"),
    ],
)
def test_refusals(ssmc: Ssmc, model: str, args: tuple[str, ...], code: int, message: str) -> None:
    result = ssmc("eval", model, *args)
    assert result.code == code
    assert message in result.err
