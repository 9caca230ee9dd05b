"""The engines of the fast path against their naive twins: lanes, the fused kernel, the walk, the composed maps."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ssmc.errors import InvariantError
from ssmc.kernels.bit_outputs import settle_outputs
from ssmc.kernels.dfa import DfaMachine, run_dfa_naive, run_maps, run_walk
from ssmc.kernels.lanes import run_lanes
from ssmc.kernels.machine import BitMachine, add_fields, run_naive

sys.path.insert(0, str(Path(__file__).parent))
from random_machines import random_machine

triton = pytest.importorskip("triton")
from ssmc.kernels.bit_tables import never_reset  # noqa: E402
from ssmc.kernels.fused import Cut, run_fused  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:Conversion of an array with ndim > 0:DeprecationWarning")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
RUNS = DEVICE == "cuda" or triton.knobs.runtime.interpret
MACHINES = {
    "one layer": ((1, 1, 1),),
    "two layers": ((1, 1), (1, 1, 1)),
    "counters": ((1, 2, 3), (2, 1)),
    "wide": ((1,) * 20, (1,) * 44),
}


def twin(machine: BitMachine, text: np.ndarray, states: np.ndarray) -> tuple[torch.Tensor, list[int]]:
    rows = [run_naive(machine, row, int(state)) for row, state in zip(text, states, strict=True)]
    return torch.from_numpy(np.stack([row[0] for row in rows])), [row[1] for row in rows]


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("rows", "length"), [(1, 1), (1, 400), (4, 37)])
def test_lanes(name: str, after: bool, rows: int, length: int) -> None:
    rng = np.random.default_rng(rows * length + after)
    machine = random_machine(rng, MACHINES[name], after=after)
    text = rng.integers(0, 20, (rows, length)).astype(np.uint8)
    states = rng.integers(0, 2 ** min(machine.bits, 31), rows)
    expected, last = twin(machine, text, states)
    outputs, ends = run_lanes(machine, torch.from_numpy(text), torch.from_numpy(states))
    assert torch.equal(outputs, expected)
    assert [x & (2**64 - 1) for x in ends.tolist()] == last


@pytest.mark.skipif(not RUNS, reason="neither a GPU nor Triton's interpreter")
@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(("rows", "length", "after", "given"), [(1, 150, True, True), (3, 64, False, False), (4, 37, True, True), (14, 5, False, True)])  # fmt: skip
def test_fused(name: str, rows: int, length: int, after: bool, given: bool) -> None:
    rng = np.random.default_rng(rows * length)
    machine = random_machine(rng, MACHINES[name], after=after)
    text = rng.integers(0, 20, (rows, length)).astype(np.uint8)
    states = rng.integers(0, 2 ** min(machine.bits, 31), rows) if given else np.zeros(rows, np.int64)
    expected, last = twin(machine, text, states)
    entering = torch.from_numpy(states).to(DEVICE) if given else None
    parts = 2 if name == "one layer" else 1
    answer = run_fused(machine, torch.from_numpy(text).to(DEVICE), entering, cut=Cut(2, parts, 3, 1))
    assert torch.equal(answer.outputs.cpu(), expected)
    assert [x & ((1 << machine.bits) - 1) for x in answer.states.tolist()] == last


NEVER = {
    "bits that never reset": (((1, 1),), (0.0,), False),
    "layers that never reset": (((1,), (1, 2), (1,)), (0.0,), False),
    "some fields, apart": (((1, 2, 1, 3, 1, 1, 3, 1),), (0.0, 0.6, 0.6), False),
    "some fields that saturate": (((3, 2, 4, 1, 3),), (0.0, 0.7), True),
    "more than fits into a narrow entry": (((5, 4, 6, 7, 4),), (0.0,), False),
    "every bit of a word": (((8, 8, 8, 8),), (0.0,), False),
    "wide": (((9, 8, 7, 8, 9),), (0.0, 0.0, 0.0, 0.5), True),
    "a layer that never resets below some that do": (((1, 2), (1, 1), (1, 2)), (0.0, 0.0, 0.4, 0.4, 0.4, 0.4), False),
    "layers that reset below one that never does": (((1, 2), (1, 1), (2,), (1,)), (*(0.6,) * 5, 0.0), False),
    "two layers that never reset, above and below others": (
        ((1,), (1, 1), (2,), (1,), (1,)),
        (0.5, 0.0, 0.0, 0.6, 0.6, 0.0),
        False,
    ),
    "a layer between that seldom resets": (((1,), (1, 1), (1,), (2,)), (0.0, 0.02, 0.02, 0.4, 0.4), False),
}
"""Widths of fields, how often each resets, and whether they saturate."""


@pytest.mark.skipif(not RUNS, reason="neither a GPU nor Triton's interpreter")
@pytest.mark.parametrize("name", NEVER)
@pytest.mark.parametrize("seed", range(4))
def test_what_never_forgets_passes_through_all_chunks(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = seed % 2
    widths, resets, sticky = NEVER[name]
    machine = random_machine(rng, widths, after=True, resets=resets, sticky=sticky, shown=12)
    text = rng.integers(0, 20, (1, 32 * 7 + 20)).astype(np.uint8)
    states = rng.integers(0, 2 ** min(machine.bits, 31), 1) if given else np.zeros(1, np.int64)
    expected, last = twin(machine, text, states)
    entering = torch.from_numpy(states).to(DEVICE) if given else None
    answer = run_fused(machine, torch.from_numpy(text).to(DEVICE), entering, cut=Cut(2, 1, 2, 1))
    assert torch.equal(answer.outputs.cpu(), expected)
    assert [x & ((1 << machine.bits) - 1) for x in answer.states.tolist()] == last


@pytest.mark.parametrize("name", NEVER)
def test_sums_are_the_maps_of_fields_that_no_symbol_resets(name: str) -> None:
    widths, resets, sticky = NEVER[name]
    machine = random_machine(np.random.default_rng(5), widths, after=True, resets=resets, sticky=sticky)
    narrow, places = never_reset(machine, 64)
    kept = int(np.bitwise_and.reduce(machine.layers[0].keep)) & machine.layers[0].own
    assert places.mask == kept if kept.bit_count() <= 32 else places.mask & ~kept == 0
    for entry, add in zip(narrow.tolist(), machine.layers[0].add.tolist(), strict=True):
        spread = sum((entry & mask) << shift for mask, shift in zip(places.masks, places.shifts, strict=True))
        assert spread == add & places.mask


@pytest.mark.skipif(not RUNS, reason="neither a GPU nor Triton's interpreter")
@pytest.mark.parametrize(
    ("symbols", "classes", "widths"), [(3, 3, ((1, 1), (1,))), (20, 5, ((1, 2),)), (200, 5, ((2, 1), (5, 5)))]
)
def test_bytes_outside_of_the_alphabet_read_no_other_memory(
    symbols: int, classes: int, widths: tuple[tuple[int, ...], ...]
) -> None:
    """The interpreter's accesses are checked (conftest.py); callers refuse such bytes."""
    rng = np.random.default_rng(symbols)
    machine = random_machine(rng, widths, after=False, symbols=symbols, classes=classes)
    text = rng.integers(0, 256, (1, 150)).astype(np.uint8)
    answer = run_fused(machine, torch.from_numpy(text).to(DEVICE), cut=Cut(2, 1, 3, 1))
    first = int((text[0] >= symbols).argmax())
    expected = twin(machine, text[:, :first], np.zeros(1))[0] if first else torch.empty(1, 0, dtype=torch.uint8)
    assert torch.equal(answer.outputs[:, :first].cpu(), expected)


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("seed", range(3))
def test_outputs_of_the_state_after_a_symbol_are_found(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, MACHINES[name], after=True, shown=6)
    last = machine.joint(len(machine.layers))
    reads = max(last.reads, machine.reads)
    index = np.arange(machine.class_count << reads)
    entry = (index >> reads << last.reads) | (index & ((1 << last.reads) - 1))
    state = (index & ((1 << reads) - 1)).astype(np.uint64)
    after = add_fields(state & last.keep[entry], last.add[entry], machine.tops)
    output = machine.output[(after & np.uint64((1 << machine.reads) - 1)).astype(np.int64)]
    before = dataclasses.replace(machine, after=False, reads=reads, output=output)
    found = settle_outputs(before)
    assert found.after is (machine.class_count << machine.bits <= 1 << 16)
    assert found.reads <= (machine.reads if found.after else reads)
    text = rng.integers(0, 20, (1, 300)).astype(np.uint8)
    assert torch.equal(twin(found, text, np.zeros(1))[0], twin(machine, text, np.zeros(1))[0])


@pytest.mark.parametrize("seed", range(20))
def test_outputs_stay_what_they_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(
        rng, MACHINES["counters" if seed % 2 else "two layers"], after=False, classes=2, shown=seed % 4
    )
    settled = settle_outputs(machine)
    told: dict[int, int] = {}
    alike = True
    words = [0]
    for word in words:
        for symbol in np.unique(machine.classes, return_index=True)[1]:
            outputs, after = run_naive(machine, np.array([symbol]), word)
            alike &= told.setdefault(after, int(outputs[0])) == outputs[0]
            words += [] if after in words else [after]
    assert settled.after is bool(alike)
    text = rng.integers(0, 20, (1, 600)).astype(np.uint8)
    assert torch.equal(twin(settled, text, np.zeros(1))[0], twin(machine, text, np.zeros(1))[0])


@pytest.mark.cuda
@pytest.mark.skipif(DEVICE != "cuda", reason="needs a CUDA device")
@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(("rows", "length"), [(1, 400_003), (7000, 64), (7000, 61), (900, 10)])
def test_the_cut_that_ships(name: str, rows: int, length: int) -> None:
    rng = np.random.default_rng(length)
    machine = random_machine(rng, MACHINES[name], after=bool(length % 2))
    text = torch.from_numpy(rng.integers(0, 20, (rows, length)).astype(np.uint8))
    states = torch.from_numpy(rng.integers(0, 2 ** min(machine.bits, 31), rows))
    expected, last = run_lanes(machine, text, states)
    answer = run_fused(machine, text.to(DEVICE), states.to(DEVICE))
    assert torch.equal(answer.outputs.cpu(), expected)
    assert torch.equal(
        answer.states.cpu().long() & ((1 << min(machine.bits, 63)) - 1 if machine.bits < 64 else -1), last
    )


@pytest.mark.skipif(not RUNS, reason="neither a GPU nor Triton's interpreter")
@pytest.mark.parametrize("name", ["one layer", "two layers"])
def test_a_bit_a_token(name: str) -> None:
    rng = np.random.default_rng(9)
    machine = random_machine(rng, MACHINES[name], after=True)
    machine = dataclasses.replace(machine, output=machine.output & 1)
    text = rng.integers(0, 20, (1, 100)).astype(np.uint8)
    expected = twin(machine, text, np.zeros(1))[0][0]
    words = run_fused(machine, torch.from_numpy(text).to(DEVICE), output="bits", cut=Cut(2, 1, 3, 1)).outputs
    bits = (words.cpu().int()[:, None] >> torch.arange(16)) & 1
    assert torch.equal(bits.reshape(-1)[:100].to(torch.uint8), expected)


@pytest.mark.parametrize(("states", "symbols"), [(2, 3), (16, 5), (7, 256), (21, 4)])
def test_walk_and_maps(states: int, symbols: int) -> None:
    rng = np.random.default_rng(states)
    machine = DfaMachine(
        rng.integers(0, states, (states, symbols)).astype(np.int32), rng.integers(0, 256, states).astype(np.uint8)
    )
    machine.check()
    for rows, length in ((1, 300), (2, 3)):
        text = rng.integers(0, symbols, (rows, length)).astype(np.uint8)
        entering = rng.integers(0, states, rows)
        expected = [run_dfa_naive(machine, row, int(state)) for row, state in zip(text, entering, strict=True)]
        outputs, last = run_walk(machine, torch.from_numpy(text), torch.from_numpy(entering))
        assert np.array_equal(outputs.numpy(), np.stack([row[0] for row in expected]))
        assert last.tolist() == [row[1] for row in expected]
        if RUNS and (DEVICE == "cuda" or rows == 1):
            device = torch.from_numpy(text).to(DEVICE), torch.from_numpy(entering).to(DEVICE)
            again, end = run_maps(machine, *device)
            assert torch.equal(again.cpu(), outputs)
            assert end.tolist() == last.tolist()


def test_a_layer_that_reads_itself_is_refused() -> None:
    machine = random_machine(np.random.default_rng(0), ((1,), (1,)), after=True)
    first, second = machine.layers
    bad = dataclasses.replace(machine, layers=(second, first))
    with pytest.raises(InvariantError, match="another layer"):
        bad.check()
