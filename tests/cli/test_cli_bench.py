"""`ssmc bench`: a table for people, JSON with a schema, never a time for wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from ssmc.bench import fast, models, scans
from ssmc.kernels import scan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ssmc


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "SIZES", {"cpu": ((1, 64), (4, 16))})
    monkeypatch.setattr(scans, "SHAPES", {"cpu": ((2, 64, 3),)})
    monkeypatch.setattr(scans, "CURVE", {"cpu": (64, 128)})
    monkeypatch.setattr(fast, "SIZES", {"cpu": 3000})
    monkeypatch.setattr(fast, "NETWORK_SIZES", {"cpu": 300})
    monkeypatch.setattr(fast, "CURVE", {"cpu": (64, 256)})
    monkeypatch.setattr(fast, "SECONDS", 0)
    monkeypatch.setattr(fast, "GRAMMARS", ("flip-flop",))


def test_scans(ssmc: Ssmc) -> None:
    result = ssmc("bench", "--device", "cpu", "--json")
    assert result.code == 0
    assert result.data["schema"] == "ssmc.bench/1"
    assert result.data["scans"][0]["shape"] == [2, 64, 3]
    told = ssmc("bench", "--device", "cpu")
    assert "measuring the engines of flip-flop" in told.err
    assert "measuring" not in result.err
    lines = told.out.splitlines()
    assert f"torch {torch.__version__}" in lines[0]
    peers = ["torch.associative_scan:", "accelerated-scan:", "fla", "mamba_ssm", "transformers"]
    assert [line.split()[0] for line in lines[1:]] == ["copy", "scan", *peers, *["flip-flop"] * 4]
    assert [row["engine"] for row in result.data["models"]] == ["walk", "maps", "bits", "network"]


def test_a_model(ssmc: Ssmc, flip_flop: str) -> None:
    result = ssmc("bench", flip_flop, "--device", "cpu", "--json")
    assert result.code == 0
    assert (result.data["schema"], result.data["errors"], len(result.data["runs"])) == ("ssmc.bench/1", 0, 3)
    assert "tokens/s" in ssmc("bench", flip_flop, "--device", "cpu").out
    assert [row["engine"] for row in result.data["engines"]] == ["walk", "maps", "bits", "network"]


def test_a_plot(ssmc: Ssmc, flip_flop: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for model, name in (((), "all.png"), ((flip_flop,), "one.svg")):
        path = tmp_path / name
        result = ssmc("bench", *model, "--device", "cpu", "--plot", str(path), "--json")
        assert result.code == 0, result
        assert {row["engine"] for row in result.data["curve"]} == {"copy", "walk", "maps", "bits", "network"}
        assert path.stat().st_size > 5000
    assert "limit: a copy" in path.read_text()
    refused = ssmc("bench", "--plot", str(tmp_path / "x.gif"))
    assert (refused.code, refused.out) == (2, "")


def test_a_wrong_engine_ends_with_5(ssmc: Ssmc, flip_flop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = fast.Runner.run

    def wrong(self, tokens, *rest, engine="auto", **settings):
        run = right(self, tokens, *rest, engine=engine, **settings)
        return run._replace(outputs=1 - run.outputs) if engine == "bits" else run

    monkeypatch.setattr(fast.Runner, "run", wrong)
    for arguments in ((), (flip_flop,)):
        result = ssmc("bench", *arguments, "--device", "cpu")
        assert result.code == 5
        assert "symbols/s" not in result.out
        assert "engine bits" in result.err


def test_a_wrong_scan_ends_with_5(ssmc: Ssmc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "scan", lambda a, b, exclusive=False: scan(a, b + 1, exclusive=exclusive))
    result = ssmc("bench", "--device", "cpu")
    assert result.code == 5
    assert "elements/s" not in result.out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_device(ssmc: Ssmc) -> None:
    assert ssmc("bench", "--device", "cuda").code == 2
    assert "no CUDA device" in ssmc("bench").err
