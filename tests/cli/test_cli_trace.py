"""`ssmc trace`: table, JSON, pictures, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ssmc


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    from ssmc.compile import compile_language, write_model
    from ssmc.languages import read_language

    path = tmp_path_factory.mktemp("trace") / "flip-flop.pt"
    write_model(compile_language(read_language("flip-flop"), mode="predict"), path)
    return str(path)


def test_the_table(ssmc: Ssmc, model: str) -> None:
    result = ssmc("trace", model, "w1 i r1 w0")
    assert result.code == 0
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["state", "r1", "answer"]
    assert lines[1] == ["0", "0", "0", "word,", "next", "w0", "w1", "i"]
    # the writer stays until the next write
    assert [line[4] for line in lines[2:6]] == ["←1", "←1", "←1", "←4"]
    assert lines[3] == ["2", "i", "2", "2", "←1", "word,", "next", "w0", "w1", "i", "r1"]


def test_json(ssmc: Ssmc, model: str) -> None:
    data = ssmc("trace", model, "w1 i r0", "--json").data
    assert (data["schema"], data["mode"], data["illegal_at"]) == ("ssmc.trace/1", "predict", 2)
    assert data["components"] == [{"symbol": "r1", "name": "level 1", "kind": "reset", "layer": 1}]
    assert [step["symbol"] for step in data["steps"]] == [None, "w1", "i"]
    assert data["steps"][2] == {
        "place": 2, "symbol": "i", "state": 2, "accepted": True, "next": ["w0", "w1", "i", "r1"], "values": [2],
        "names": ["2"], "written_by": [[1]], "reach": {"1": 0.5, "2": 0.5},
    }  # fmt: skip


def test_pictures(ssmc: Ssmc, model: str, tmp_path: Path) -> None:
    states, reach = tmp_path / "states.svg", tmp_path / "reach.svg"
    args = ("trace", model, "w1 i r1 w0", "--picture", str(states), "--map", str(reach))
    assert ssmc(*args).code == 0
    first = states.read_bytes(), reach.read_bytes()
    assert b"r1 (layer 1)" in first[0]
    assert b"output" in first[1]
    ssmc(*args)
    assert (states.read_bytes(), reach.read_bytes()) == first
    for form, start in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        path = tmp_path / f"states.{form}"
        ssmc("trace", model, "w1", "--picture", str(path))
        assert path.read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("w2",), 3, "not in the alphabet"),
        (("w1", "--picture", "x.txt"), 2, "txt"),
        (("w1 i i i i", "--limit", "3"), 4, "--limit"),
    ],
)
def test_refusals(ssmc: Ssmc, model: str, args: tuple[str, ...], code: int, message: str) -> None:
    result = ssmc("trace", model, *args)
    assert (result.code, message in result.err) == (code, True), result.err


def test_an_illegal_symbol_ends_the_trace(ssmc: Ssmc, model: str) -> None:
    result = ssmc("trace", model, "w1 r0 i")
    assert result.code == 0
    assert "symbol 2, r0, is illegal" in result.err
    assert len(result.out.splitlines()) == 1 + 2 + 1
