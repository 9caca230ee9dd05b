"""Every engine says the same of the same symbols, however they are cut; what one cannot do it says in a line."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch

from ssmc.cascade import decompose
from ssmc.errors import InputError, UsageError, VerificationError
from ssmc.kernels.description import Description
from ssmc.kernels.dfa import DfaMachine, compile_walk, compose_maps, run_dfa_naive, run_walk
from ssmc.kernels.engine import ENGINES, Runner, pack, run_bits, run_last
from ssmc.kernels.saying import Machines
from ssmc.kernels.walking import PIECE
from ssmc.languages import language_of, read_language
from ssmc.targets.fast import describe

torch.set_num_threads(1)
triton = pytest.importorskip("triton")
pytestmark = pytest.mark.filterwarnings("ignore:Conversion of an array with ndim > 0:DeprecationWarning")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
RUNS = DEVICE == "cuda" or triton.knobs.runtime.interpret


@cache
def described(source: str, *, predict: bool) -> Description:
    automaton = read_language(source).automaton
    return describe(automaton, decompose(automaton, "predict" if predict else "recognise"))


def machines(source: str, *, predict: bool = False) -> Machines:
    return Machines(described(source, predict=predict))


def random_text(symbols: int, rows: int, length: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(rows * length).integers(0, symbols, (rows, length)))


@pytest.mark.parametrize("source", ["dyck-2-3", "fourth-from-end", "flip-flop"])
@pytest.mark.parametrize("predict", [False, True])
@pytest.mark.parametrize("said", ["outcomes", "accept", "states"])
def test_engines_agree_and_any_cutting_gives_the_same(source: str, predict: bool, said: str) -> None:
    runner = Runner(machines(source, predict=predict))
    text = random_text(len(runner.machines.description.classes), 3, 200).to(torch.uint8)
    text[0, :100] = text[0, 0]
    whole = runner.run(text, engine="walk", said=said)  # type: ignore[arg-type]
    assert whole.engine == "walk"
    for engine in ("walk", "maps", "bits"):
        again = runner.run(text, engine=engine, said=said)  # type: ignore[arg-type]
        assert torch.equal(again.outputs, whole.outputs), engine
        assert again.outputs.dtype == torch.uint8
        pieces, states = [], None
        for first, end in ((0, 1), (1, 1), (1, 77), (77, 200)):
            run = runner.run(text[:, first:end], states, engine=engine, said=said)  # type: ignore[arg-type]
            pieces.append(run.outputs)
            states = run.states
        assert torch.equal(torch.cat(pieces, 1), whole.outputs), engine
        assert torch.equal(states, again.states), engine


@pytest.mark.parametrize(("source", "latched"), [("order-preserving-5", False), ("fourth-from-end", False), ("flip-flop", True), ("dyck-2-3", True)])  # fmt: skip
def test_only_what_may_become_illegal_is_latched(source: str, latched: bool) -> None:
    made = described(source, predict=True)
    assert (made.streaming.latch is not None) is latched
    assert (made.delta[: made.sink] == made.sink).any() == latched


@pytest.mark.skipif(not RUNS, reason="neither a GPU nor Triton's interpreter")
@pytest.mark.parametrize(("rows", "length"), [(1, 1), (1, 37), (1, 64), (2, 32), (3, 21)])
def test_the_fused_kernel_packs_answers_and_keeps_the_last(rows: int, length: int) -> None:
    made = machines("fourth-from-end")
    text = random_text(2, rows, length).to(torch.uint8)
    expected, _ = run_walk(made.automaton("accept"), text)
    machine = made.bits("accept")
    packed, states = run_bits(machine, text.to(DEVICE), None)
    assert torch.equal(packed.cpu(), pack(expected))
    assert np.array_equal(np.unpackbits(packed.cpu().numpy(), 1, count=length, bitorder="little"), expected.numpy())
    last, again = run_last(machine, text.to(DEVICE), None)
    assert torch.equal(last.cpu(), expected[:, -1])
    assert torch.equal(states, again)


@pytest.mark.cuda
@pytest.mark.skipif(DEVICE == "cpu", reason="needs a CUDA device")
@pytest.mark.parametrize("source", ["dyck-2-3", "one-a", "order-preserving-5", "d-12"])
@pytest.mark.parametrize("predict", [False, True])
@pytest.mark.parametrize(("rows", "length"), [(1, 100_003), (300, 77)])
def test_engines_on_a_gpu_are_the_walk(source: str, predict: bool, rows: int, length: int) -> None:
    runner = Runner(machines(source, predict=predict))
    symbols = len(runner.machines.description.classes)
    text = random_text(symbols, rows, length).to(torch.uint8)
    text[0, : length // 2] = torch.arange(length // 2) % symbols
    for said in ("outcomes", "accept", "states"):
        expected = runner.run(text, engine="walk", said=said).outputs  # type: ignore[arg-type]
        for engine in ("maps", "bits", "auto"):
            whole = runner.run(text.cuda(), engine=engine, said=said)  # type: ignore[arg-type]
            assert torch.equal(whole.outputs.cpu(), expected), (engine, said)
            chosen = whole.engine
            first = runner.run(text[:, :33].cuda(), engine=chosen, said=said)  # type: ignore[arg-type]
            rest = runner.run(text[:, 33:].cuda(), first.states, engine=chosen, said=said)  # type: ignore[arg-type]
            assert torch.equal(torch.cat([first.outputs, rest.outputs], 1).cpu(), expected), (chosen, said)
    for form in ("bits", "last"):
        want = runner.run(text, engine="walk", said="accept", form=form).outputs  # type: ignore[arg-type]
        got = runner.run(text.cuda(), engine="bits", said="accept", form=form).outputs  # type: ignore[arg-type]
        assert torch.equal(got.cpu(), want)


def test_more_symbols_than_bytes() -> None:
    """An alphabet of 300 names: engines read classes, symbols are of any integer type."""
    names = [f"w{k}" for k in range(300)]
    automaton = language_of("(w0 w299 | w7)*", alphabet=",".join(names)).automaton
    runner = Runner(Machines(describe(automaton, decompose(automaton, "recognise"))))
    rng = np.random.default_rng(0)
    text = np.concatenate([[0, 299] if rng.random() < 0.5 else [7] for _ in range(200)])[:200]
    text = np.stack([text, np.roll(text, 1), rng.integers(0, 300, 200)])
    expected = [[automaton.accepts(row[: t + 1]) for t in range(200)] for row in text.tolist()]
    for dtype in (torch.int16, torch.int64):
        for engine in ("walk", "maps", "bits"):
            run = runner.run(torch.from_numpy(text).to(dtype), engine=engine, said="accept")  # type: ignore[arg-type]
            assert run.outputs.bool().tolist() == expected, engine


def test_auto_measures_once_for_each_kind_of_input(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner(machines("dyck-2-3"))
    text = random_text(4, 2, 3000).to(torch.uint8)
    assert runner.run(text[:, :9]).engine == "walk"
    assert not runner._fastest
    assert runner.run(text).engine in ENGINES[1:]
    times = runner.measure(text)
    assert set(times) == {"walk", "maps", "bits"}
    assert runner.choose(text) == min(times, key=times.__getitem__)
    assert runner.measure(text.clone()) is times
    assert runner.measure(text[:, :3]) is not times
    monkeypatch.setattr(runner, "measure", lambda tokens, said: {"walk": 2.0, "bits": 1.0})
    assert runner.run(text).engine == "bits"


def test_engines_that_disagree_are_not_raced() -> None:
    made = machines("dyck-2-3")
    wrong = made.columns("outcomes")
    made._kept["columns", "outcomes"] = dataclasses.replace(wrong, dead=1 - wrong.dead)
    with pytest.raises(VerificationError, match="different answers"):
        Runner(made).run(random_text(4, 1, 5000))


def test_what_cannot_be_done_is_said() -> None:
    runner = Runner(machines("dyck-2-3"))
    text = random_text(4, 1, 5)
    with pytest.raises(InputError, match=r"symbol 4 is outside of 0\.\.3"):
        runner.run(text * 0 + 4, engine="bits")
    with pytest.raises(InputError, match="symbol -1"):
        runner.run(text * 0 - 1, engine="maps")
    with pytest.raises(InputError, match="must be integers"):
        runner.run(text.float())
    with pytest.raises(UsageError, match="needs a network"):
        runner.run(text, engine="network")
    with pytest.raises(UsageError, match="unknown engine 'lanes'"):
        runner.run(text, engine="lanes")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="needs a cascade"):
        Runner(Machines(describe(read_language("parity").automaton))).run(text % 2, engine="bits")
    assert "runs on a CPU" in str(runner.refusal("walk", cuda=True))


@pytest.mark.parametrize(("states", "symbols", "compiled"), [(2, 3, False), (300, 4, False), (21, 300, False), (16, 300, True)])  # fmt: skip
def test_walk_and_maps_of_any_size(states: int, symbols: int, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if compiled and not compile_walk():
        pytest.skip("numba is not installed")
    monkeypatch.setattr("ssmc.kernels.dfa._READY", [True] if compiled else [])
    rng = np.random.default_rng(states)
    output = np.arange(states, dtype=np.int32)[::-1].copy()
    machine = DfaMachine(rng.integers(0, states, (states, symbols)).astype(np.int32), output)
    machine.check()
    for rows, length in ((1, 700), (21, 9), (2, 0), (0, 3)):
        text = rng.integers(0, symbols, (rows, length)).astype(np.int32)
        entering = rng.integers(0, states, rows)
        expected = [run_dfa_naive(machine, row, int(state)) for row, state in zip(text, entering, strict=True)]
        for run in (run_walk, compose_maps):
            outputs, last = run(machine, torch.from_numpy(text), torch.from_numpy(entering))
            assert outputs.dtype == torch.int32
            assert outputs.tolist() == [row[0].tolist() for row in expected]
            assert last.tolist() == [row[1] for row in expected]


def test_guesses_never_change_a_long_walk() -> None:
    """Blocks whose guesses hold, fail to be made, or turn out wrong, against the composed maps."""
    if not compile_walk():
        pytest.skip("numba is not installed")
    rng = np.random.default_rng(0)
    reset = np.array([[1, 0, 0], [1, 0, 1], [2, 2, 2]], np.int32)  # letter 2 holds: no guess through a long run of it
    swap = np.array([[1, 0, 2], [0, 1, 2], [2, 2, 2]], np.int32)  # letter 2 leads to the sink, which every guess hides
    for delta, weights in (
        (reset, (0.5, 0.4, 0.1)),
        (reset, (0, 0, 1)),
        (swap, (0.5, 0.5, 0)),
        (swap, (0.5, 0.499995, 0.000005)),
    ):
        machine = DfaMachine(delta, np.array([3, 1, 2], np.uint8))
        text = torch.from_numpy(rng.choice(3, (1, 4 * 8 * PIECE + 11), p=weights).astype(np.uint8))
        text[0, 8 * PIECE + 5 : 9 * PIECE + 5] = 2 if delta is reset else 1
        outputs, last = run_walk(machine, text)
        expected, end = compose_maps(machine, text)
        assert torch.equal(outputs, expected)
        assert last.tolist() == end.tolist()
