"""Random cascades, and ones too wide, deep or large for a word, on every engine against the cascade's own interpreter."""

import itertools
import random
import sys
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from ssmc.cascade.ir import HOLD, TOGGLE, Action, Cascade, Component, Images, Output, Readout, overwrite
from ssmc.errors import LimitError
from ssmc.kernels.lanes import run_lanes
from ssmc.kernels.lower import build_bits, build_machine
from ssmc.kernels.machine import BitMachine
from ssmc.kernels.wide import ColumnMachine, build_columns, run_columns
from ssmc.targets.fast import describe

sys.path.insert(0, str(Path(__file__).parents[1] / "targets"))
from random_cascades import automaton, cascades

triton = pytest.importorskip("triton")
from ssmc.kernels.fused import Cut, run_fused  # noqa: E402

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore:Conversion of an array with ndim > 0:DeprecationWarning")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
RUNS = DEVICE == "cuda" or triton.knobs.runtime.interpret
LENGTH = 40


def word(cascade, steps, seed):
    """Symbols of a random walk over live steps (any symbols once the latch is set), and the outputs by the interpreter."""
    rng = random.Random(seed)
    representatives = cascade.automaton.alphabet.representatives
    values, previous = cascade.initial, cascade.readout.outputs[cascade.readout.initial]
    nothing = Output(False, (), cascade.automaton.memberships(-1))
    symbols, outputs, dead = [], [], False
    while len(symbols) < LENGTH:
        latched = cascade.latch is not None and values[cascade.latch]
        choices = range(cascade.automaton.classes) if latched else steps(values)
        if not choices:
            break
        c = rng.choice(choices)
        dead = dead or (cascade.mode == "predict" and c not in previous.legal)
        previous = cascade.output(values, c)
        values = cascade.step(values, c)
        symbols.append(representatives[c])
        outputs.append(nothing if dead else previous)
    return symbols, outputs


def rows(cascade, outputs):
    """Outputs as the rows of a network."""
    classes = cascade.automaton.alphabet.classes
    legal = cascade.mode == "predict"
    return [
        [output.accepting, *output.patterns, *([c in output.legal for c in classes] if legal else [])]
        for output in outputs
    ]


def check(cascade, steps, seed, *, packed=None, fused=RUNS):
    """Every engine on one word; `packed` says whether it must, or must not, fit into a word, `fused` whether to run Triton."""
    described = describe(cascade.automaton, cascade)
    symbols, outputs = word(cascade, steps, seed)
    width = described.outcomes.shape[1]
    expected = torch.tensor(rows(cascade, outputs), dtype=torch.bool).reshape(len(symbols), width)
    text = torch.tensor([symbols], dtype=torch.int32).reshape(1, len(symbols))
    told = torch.from_numpy(described.outcomes)
    columns = build_columns(described)
    assert torch.equal(told[run_columns(columns, text)[0][0].long()], expected)
    cut = len(symbols) // 3
    first, state = run_columns(columns, text[:, :cut])
    second, _ = run_columns(columns, text[:, cut:], state)
    assert torch.equal(told[torch.cat([first, second], 1)[0].long()], expected)
    try:
        machine = build_bits(described)
    except LimitError:
        assert not packed
        assert isinstance(build_machine(described), ColumnMachine)
        return
    assert packed is not False
    assert isinstance(build_machine(described), BitMachine)
    narrow = text.to(torch.uint8)
    assert torch.equal(told[run_lanes(machine, narrow, chunk=7)[0][0].long()], expected)
    if fused and symbols:
        answer = run_fused(machine, narrow.to(DEVICE), cut=Cut(2, 2, 3, 1)).outputs
        assert torch.equal(told[answer[0].cpu().long()], expected)


def check_drawn(drawn, *, fused):
    cascade, steps = drawn
    classes = range(cascade.automaton.classes)
    for seed in range(1 if fused else 2):
        check(cascade, lambda values: [c for c in classes if (values, c) in steps], seed, fused=fused)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cascades())
def test_random_cascades(drawn):
    check_drawn(drawn, fused=False)


@pytest.mark.skipif(not RUNS, reason="neither a GPU nor Triton's interpreter")
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(cascades())
def test_random_cascades_fused(drawn):
    """Few, since the interpreter is slow; no shrinking for the same reason."""
    check_drawn(drawn, fused=True)


def cascade_of(components, classes, *, symbols=None, reads=None, outputs=None, mode="recognise"):
    """A cascade whose readout is random over the last components."""
    rng = random.Random(len(components))
    reads = tuple(range(max(0, len(components) - 2), len(components))) if reads is None else reads
    outputs = outputs or [Output(False, ()), Output(True, ())]
    values = itertools.product(range(classes), *(components[j].values for j in reads))
    table = {key: rng.randrange(len(outputs)) for key in values}
    readout = Readout(reads, MappingProxyType(table), tuple(outputs), 0)
    made = Cascade(automaton(classes, symbols or classes), mode, tuple(components), readout)
    made.check()
    return made


def component(components, kind, size, reads, classes, actions, seed, **settings):
    rng = random.Random(seed)
    keys = itertools.product(range(classes), *(components[j].values for j in reads))
    table = MappingProxyType({key: rng.choice(actions) for key in keys})
    return Component(f"c{seed}", kind, size, reads, table, **settings)


def resets(size):
    return [HOLD, HOLD, HOLD, *map(overwrite, range(size))]


def everywhere(cascade):
    return lambda values: range(cascade.automaton.classes)


def test_more_bits_than_a_word():
    parts = []
    for k in range(70):
        parts.append(component(parts, "reset", 2, (k - 1,) if k % 7 else (), 3, resets(2), k))
    cascade = cascade_of(parts, 3, reads=(3, 69))
    check(cascade, everywhere(cascade), 1, packed=False)


def test_a_deep_chain():
    parts = []
    for k in range(30):
        parts.append(component(parts, "reset", 2, (k - 1,) if k else (), 2, resets(2), k))
    cascade = cascade_of(parts[:12], 2)
    check(cascade, everywhere(cascade), 2)
    cascade = cascade_of(parts, 2)
    check(cascade, everywhere(cascade), 3)


@pytest.mark.parametrize("symbols", [256, 257, 700])
def test_many_symbols(symbols):
    parts = [component([], "reset", 5, (), symbols, resets(5), 0)]
    cascade = cascade_of(parts, symbols, reads=(0,))
    check(cascade, everywhere(cascade), 4, packed=symbols == 256)


@pytest.mark.parametrize("count", [200, 300])
def test_many_outcomes(count):
    classes = 9
    subsets = [tuple(c for c in range(classes) if k >> c & 1) for k in range(512 - count, 512)]
    parts = [component([], "reset", 60, (), classes, resets(60), 0)]
    cascade = cascade_of(
        parts, classes, reads=(0,), outputs=[Output(False, s) for s in reversed(subsets)], mode="predict"
    )
    check(cascade, everywhere(cascade), 5, packed=False if count > 256 else None)


def test_a_sparse_table_of_more_columns_than_a_key_has_bits():
    """A component that reads 50 others, by a table of the keys that a walk meets."""
    parts = [component([], "reset", 2, (), 2, resets(2), k) for k in range(50)]
    reads = tuple(range(50))
    rng = random.Random(0)
    values, table = (0,) * 50, {}
    for _ in range(400):
        c = rng.randrange(2)
        table.setdefault((c, *values), rng.choice(resets(2)))
        values = tuple(p.apply(p.table[(c,)], v) for p, v in zip(parts, values, strict=True))
    met = {key[1:]: [key[0]] for key in table}
    for key in table:
        met[key[1:]] = sorted({*met[key[1:]], key[0]})
    parts.append(Component("wide", "reset", 2, reads, MappingProxyType(table)))
    cascade = cascade_of(parts, 2, reads=(50,))
    for seed in range(3):
        check(cascade, lambda values: met.get(values[:50], ()), seed, packed=False)


@pytest.mark.parametrize("top", [1, 2, 4, 5, 7, 11])
def test_tallies_are_bits(top):
    actions = [HOLD, Action(1, 1), Action(1, 1), Action(1, 2), Action(1, top + 3), overwrite(0), overwrite(top)]
    parts = [component([], "counter", top + 1, (), 9, actions, top, saturating=True)]
    parts.append(component(parts, "reset", 3, (0,), 9, resets(3), 1))
    cascade = cascade_of(parts, 9)
    check(cascade, everywhere(cascade), top, packed=True)


@pytest.mark.parametrize(("kind", "size", "packed"), [("swap", 2, True), ("rotation", 4, True), ("rotation", 5, False), ("permutation", 4, False)])  # fmt: skip
def test_groups(kind, size, packed):
    actions = {
        "swap": [HOLD, TOGGLE, overwrite(1)],
        "rotation": [HOLD, overwrite(size - 1), *(Action(1, k) for k in range(size))],
        "permutation": [
            HOLD,
            overwrite(2),
            *(Images(p) for p in itertools.islice(itertools.permutations(range(size)), 9)),
        ],
    }[kind]
    parts = [component([], kind, size, (), 5, actions, 1)]
    parts.append(component(parts, kind, size, (0,), 5, actions, 2))
    cascade = cascade_of(parts, 5)
    check(cascade, everywhere(cascade), 6, packed=packed)


def test_long_strings_cross_stretches(monkeypatch):
    """Columns carry their values over stretches of any length, rows side by side."""
    monkeypatch.setattr("ssmc.kernels.wide.STRETCH", {"cpu": 13, "cuda": 13})
    actions = [HOLD, Action(1, 1), overwrite(0)]
    parts = [component([], "counter", 4, (), 4, actions, 0, saturating=True)]
    parts.append(component(parts, "reset", 3, (0,), 4, resets(3), 1))
    cascade = cascade_of(parts, 4)
    machine = build_columns(describe(cascade.automaton, cascade))
    text = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (3, 100)))
    together, states = run_columns(machine, text)
    for row in range(3):
        alone, last = run_columns(machine, text[row : row + 1])
        assert torch.equal(alone[0], together[row])
        assert torch.equal(last[0], states[row])
