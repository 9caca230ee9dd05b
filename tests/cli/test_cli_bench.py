"""`ssmc bench`: a table for people, JSON with a schema, never a time for wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from ssmc.bench import models, scans
from ssmc.kernels import scan

if TYPE_CHECKING:
    from tests.cli.conftest import Ssmc


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "SIZES", {"cpu": ((1, 64), (4, 16))})
    monkeypatch.setattr(scans, "SHAPES", {"cpu": ((2, 64, 3),)})


def test_scans(ssmc: Ssmc) -> None:
    result = ssmc("bench", "--device", "cpu", "--json")
    assert result.code == 0
    assert result.data["schema"] == "ssmc.bench/1"
    assert result.data["scans"][0]["shape"] == [2, 64, 3]
    lines = ssmc("bench", "--device", "cpu").out.splitlines()
    assert f"torch {torch.__version__}" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["copy", "scan"]


def test_a_model(ssmc: Ssmc, flip_flop: str) -> None:
    result = ssmc("bench", flip_flop, "--device", "cpu", "--json")
    assert result.code == 0
    assert (result.data["schema"], result.data["errors"], len(result.data["runs"])) == ("ssmc.bench/1", 0, 3)
    assert "tokens/s" in ssmc("bench", flip_flop, "--device", "cpu").out


def test_a_wrong_scan_ends_with_5(ssmc: Ssmc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "scan", lambda a, b, exclusive=False: scan(a, b + 1, exclusive=exclusive))
    result = ssmc("bench", "--device", "cpu")
    assert result.code == 5
    assert "elements/s" not in result.out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_device(ssmc: Ssmc) -> None:
    assert ssmc("bench", "--device", "cuda").code == 2
    assert "no CUDA device" in ssmc("bench").err
