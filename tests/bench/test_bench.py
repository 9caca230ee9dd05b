"""The measurements check what they measure first, count right, and walk where the language lives."""

from __future__ import annotations

import pytest
import torch

import ssmc.bench.models
import ssmc.bench.scans
from ssmc.bench.machine import machine, machine_line
from ssmc.bench.models import bench_model, count_errors, live_walk
from ssmc.bench.scans import bench_scans, check_scan
from ssmc.bench.timing import measure
from ssmc.cascade import decompose
from ssmc.errors import VerificationError
from ssmc.languages import language_of
from ssmc.minimize import DEAD
from ssmc.nn import Model
from ssmc.targets import lower

AUTOMATON = language_of("(ab|ba)*", alphabet="ab").automaton


def model_of(mode: str) -> Model:
    weights = lower(decompose(AUTOMATON, mode))  # type: ignore[arg-type]
    return Model.of(weights.config, weights.tensors)


def test_a_walk_stays_alive() -> None:
    symbols, states = live_walk(AUTOMATON, 500)
    assert [AUTOMATON.run(symbols[:k]) for k in range(1, 501)] == states
    assert DEAD not in states
    assert {0, 1} == set(symbols)
    assert live_walk(AUTOMATON, 500, seed=1)[0] != symbols
    finite = language_of("ab", alphabet="ab").automaton
    assert live_walk(finite, 4)[1] == [1, 2, DEAD, DEAD]


@pytest.mark.parametrize("mode", ["recognise", "predict"])
def test_a_wrong_model_is_not_timed(mode: str) -> None:
    model = model_of(mode)
    assert count_errors(model, AUTOMATON, "cpu", 300) == 0
    with torch.no_grad():
        model.head.logits.bias.neg_()
    assert count_errors(model, AUTOMATON, "cpu", 300) > 0
    with pytest.raises(VerificationError, match="wrong answers"):
        bench_model(model, AUTOMATON, "cpu")


def test_a_model_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssmc.bench.models, "SIZES", {"cpu": ((1, 64), (4, 16))})
    data = bench_model(model_of("predict"), AUTOMATON, "cpu")
    assert [(row["engine"], row["batch"], row["time"]) for row in data["runs"]] == [
        ("forward", 1, 64),
        ("forward", 4, 16),
        ("step", 4, 1),
    ]
    for row in data["runs"]:
        assert row["tokens_per_second"] == pytest.approx(row["batch"] * row["time"] / row["seconds"]["median"])


def test_scans_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssmc.bench.scans, "SHAPES", {"cpu": ((2, 64, 3),)})
    data = bench_scans("cpu")
    (row,) = data["scans"]
    assert row["shape"] == [2, 64, 3]
    assert row["elements_per_second"] == pytest.approx(2 * 64 * 3 / row["seconds"]["median"])
    assert row["of_copy"] > 0
    assert data["copy"]["bytes_per_second"] > 1e6


def test_a_wrong_scan_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ssmc.bench.scans.scan
    check_scan("cpu")
    monkeypatch.setattr(ssmc.bench.scans, "scan", lambda a, b, exclusive=False: right(a, b + 1e-3, exclusive=exclusive))
    with pytest.raises(VerificationError, match="reference loop"):
        bench_scans("cpu")


def test_timings_are_ordered_and_repeated() -> None:
    calls: list[int] = []
    timing = measure(lambda: calls.append(1), "cpu", seconds=0, most=9)
    assert timing.repeats == 5
    assert len(calls) == 7
    assert 0 <= timing.low <= timing.median <= timing.high


def test_the_machine_line_names_device_and_versions() -> None:
    found = machine()
    line = machine_line(found)
    assert "\n" not in line
    assert f"torch {found['torch']}" in line
    assert machine_line(found | {"gpu": "H100"}).startswith("H100; ")
