"""The measurements check what they measure first, count right, and walk where the language lives."""

from __future__ import annotations

import pytest
import torch

import ssmc.bench.fast
import ssmc.bench.models
import ssmc.bench.scans
import ssmc.bench.timing
from ssmc.bench.machine import machine, machine_line
from ssmc.bench.models import bench_model, count_errors
from ssmc.bench.scans import bench_scans, check_scan
from ssmc.bench.timing import measure
from ssmc.bench.walks import live_text, live_walk
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


@pytest.mark.parametrize("source", ["(ab|ba)*", "a*b(a|b)*", "ab", "(a|b)*aab(a|b)*"])
@pytest.mark.parametrize("length", [0, 5, 20_000])
def test_a_long_text_stays_alive(source: str, length: int) -> None:
    automaton = language_of(source, alphabet="ab").automaton
    text = live_text(automaton, length).tolist()
    assert len(text) == length
    state, states = 0, []
    for x in text:
        state = automaton.run([x]) if not states else automaton.delta[state][automaton.alphabet.class_of(x)]
        states.append(state)
        if state == DEAD:
            break
    assert (DEAD in states) == (source == "ab" and length > 2)


@pytest.fixture
def small_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SIZES", {"cpu": 5000}), ("NETWORK_SIZES", {"cpu": 500}), ("CURVE", {"cpu": (64, 256)})):
        monkeypatch.setattr(ssmc.bench.fast, name, value)
    monkeypatch.setattr(ssmc.bench.fast, "SECONDS", 0)


@pytest.mark.usefixtures("small_engines")
def test_engines_are_measured_against_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssmc.bench.fast, "GRAMMARS", ("ab-ba-star", "parity"))
    rows = ssmc.bench.fast.bench_languages("cpu")
    assert [(row["model"], row["engine"], row["time"]) for row in rows] == [
        *(("ab-ba-star", engine, 5000) for engine in ("walk", "maps", "bits")),
        ("ab-ba-star", "network", 500),
        ("parity", "walk", 5000),
        ("parity", "maps", 5000),
    ]
    for row in rows:
        assert row["tokens_per_second"] == pytest.approx(row["time"] / row["seconds"]["median"])
        assert row["of_byte_copy"] > 0
    assert sum(row["fastest"] for row in rows) == 2
    runner = ssmc.bench.fast.runner_of(AUTOMATON, "cpu")
    curve = ssmc.bench.fast.bench_curve(runner, AUTOMATON, "cpu")
    assert [(row["engine"], row["time"]) for row in curve] == [
        (engine, time) for time in (64, 256) for engine in ("copy", "walk", "maps", "bits", "network")
    ]


@pytest.mark.usefixtures("small_engines")
@pytest.mark.parametrize("engine", ["walk", "maps", "bits", "network"])
def test_a_wrong_engine_is_not_timed(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong answer far into the text, on the path that the engine alone takes."""
    runner = ssmc.bench.fast.runner_of(AUTOMATON, "cpu")
    right = runner._run

    def wrong(name: str, *rest: object) -> object:
        outputs, states = right(name, *rest)  # type: ignore[arg-type]
        if name == engine:
            outputs = outputs.clone()
            outputs[0, 400] ^= 1
        return outputs, states

    monkeypatch.setattr(runner, "_run", wrong)
    timed: list[object] = []
    monkeypatch.setattr(ssmc.bench.fast, "measure", lambda *call, **settings: timed.append(call))
    with pytest.raises(VerificationError, match=f"the engine {engine} gives 1 wrong"):
        ssmc.bench.fast.bench_engines(runner, torch.from_numpy(live_text(AUTOMATON, 5000).astype("uint8"))[None], "cpu")
    assert not timed


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
    told = {peer["peer"]: peer for peer in data["peers"]}
    assert told["torch.associative_scan"]["error"] < 1e-5
    assert "absent" in told["transformers Mamba"]


def test_a_loop_over_time_is_timed_on_its_first_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssmc.bench.scans, "SHAPES", {"cpu": ((2, 64, 3),)})
    monkeypatch.setattr(ssmc.bench.scans, "LOOPS", {"torch.associative_scan": 16})
    data = bench_scans("cpu")
    (row,), told = data["scans"], data["peers"][0]
    assert told["steps"] == 16
    assert told["error"] < 1e-5
    assert told["ours_times_faster"] == pytest.approx(4 * told["seconds"]["median"] / row["seconds"]["median"])


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


def test_a_slow_call_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssmc.bench.timing, "PATIENCE", 0)
    calls: list[int] = []
    assert measure(lambda: calls.append(1), "cpu").repeats == 1
    assert len(calls) == 2


def test_the_machine_line_names_device_and_versions() -> None:
    found = machine()
    line = machine_line(found)
    assert "\n" not in line
    assert f"torch {found['torch']}" in line
    assert machine_line(found | {"gpu": "H100"}).startswith("H100; ")
