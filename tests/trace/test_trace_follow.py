"""Traces against the automaton and against the network's own gates; the maps against words whose meaning is known."""

import random

import numpy as np
import pytest
import torch

from ssmc.cascade import decompose
from ssmc.cascade.strategy import Options
from ssmc.errors import VerificationError
from ssmc.languages import read_language, shipped_grammars
from ssmc.nn import Model
from ssmc.sample import Machine, Settings, draw_samples
from ssmc.sample.draw import Bin
from ssmc.targets import lower
from ssmc.trace import follow, output_reach, reach_of
from ssmc.trace.reach import gate_products

torch.set_num_threads(1)
NAMES = [
    path.stem for path in shipped_grammars() if "\nstar_free = true\n" in path.read_text() and path.stem != "aa-star"
]


def compiled(name, mode, **options):
    cascade = decompose(read_language(name).automaton, mode, Options(**options))
    weights = lower(cascade)
    return Model.of(weights.config, weights.tensors), cascade


def strings(automaton, mode):
    """Words, and in recognise mode near misses and random strings."""
    machine = Machine.of(automaton)
    out = [s.symbols for s in draw_samples(machine, (Bin(1, 14),), 3, Settings(), 1)]
    if mode == "recognise":
        rng = random.Random(2)
        out += [s.symbols for s in draw_samples(machine, (Bin(1, 14),), 2, Settings(negatives=True), 1)]
        out += [tuple(rng.randrange(automaton.alphabet.size) for _ in range(8)) for _ in range(2)]
    return out


@pytest.mark.parametrize("mode", ["predict", "recognise"])
@pytest.mark.parametrize("name", NAMES)
def test_writers_are_what_the_gates_say(name, mode):
    model, cascade = compiled(name, mode, window=2 if name == "aacc" else 0)
    automaton = cascade.automaton
    for symbols in strings(automaton, mode):
        trace = follow(model, cascade, symbols)
        assert len(trace.steps) == len(symbols) + 1
        live = next((t for t, step in enumerate(trace.steps) if step.state < 0), len(trace.steps))
        for t, step in enumerate(trace.steps):
            assert step.state == automaton.run(symbols[:t])
            assert step.accepting == automaton.accepts(symbols[:t])
        for k, component in enumerate(cascade.components):
            if component.kind == "window":
                continue
            products = gate_products(model, list(symbols), k)
            for t in range(1, live):
                assert tuple(products[t - 1].nonzero()[0] + 1) == trace.steps[t].writers[k]
                assert set(products[t - 1]) <= {0, 1}


def test_a_read_of_the_flip_flop_comes_from_the_last_write():
    model, cascade = compiled("flip-flop-bits", "predict")
    text = "w1i0i1r1w0i1r0i0r0"
    trace = follow(model, cascade, cascade.automaton.alphabet.encode(text))
    reach = output_reach(trace)
    for t, symbol in enumerate(text, 1):
        if symbol == "r":
            write = text.rindex("w", 0, t) + 1
            assert reach[t].nonzero()[0].tolist() == [write, write + 1, t]
    assert trace.steps[8].legal == (0, 1, 2)
    assert trace.steps[7].legal == (4,)


def test_windows_show_their_symbol():
    model, cascade = compiled("tomita-4", "recognise")
    trace = follow(model, cascade, cascade.automaton.alphabet.encode("abaab"))
    lags = [lag for lag in trace.lags if lag is not None]
    assert lags == [1, 2]
    for t, step in enumerate(trace.steps):
        for k, lag in enumerate(trace.lags):
            if lag is None:
                continue
            shown = trace.value(k, step.values[k])
            if t < lag:
                assert (shown.split()[0], step.writers[k]) == ("start", ())
            else:
                assert shown == "abaab"[t - lag]
                assert step.writers[k] == (t - lag + 1,)
                assert reach_of(trace)[k][t].nonzero()[0].tolist() == [t - lag + 1]


def test_a_trace_stops_at_an_illegal_symbol():
    model, cascade = compiled("tomita-2", "predict")
    trace = follow(model, cascade, [0, 1, 1, 0])
    assert trace.illegal_at == 2
    assert [step.state for step in trace.steps] == [0, 1, 0]


def test_the_reach_follows_every_path():
    """A reset that reads counters is reached by the symbols that those counters carry when it is written."""
    model, cascade = compiled("dyck-2-3", "predict", window=0)
    trace = follow(model, cascade, cascade.automaton.alphabet.encode("([[]])[]"))
    reach = reach_of(trace)
    for k, component in enumerate(cascade.components):
        for t, step in enumerate(trace.steps):
            expected = set(step.writers[k])
            for r in step.writers[k]:
                for j in component.depends_on:
                    expected |= set(reach[j][r - 1].nonzero()[0].tolist())
            assert set(reach[k][t].nonzero()[0].tolist()) == expected
    assert output_reach(trace).max() <= 1
    assert np.array_equal(np.triu(output_reach(trace), 1), np.zeros((9, 9)))


def test_a_network_that_is_not_its_cascade_is_noticed():
    model, cascade = compiled("d-3", "predict")
    with torch.no_grad():
        model.blocks[0].increment.weight.mul_(2)
    with pytest.raises(VerificationError, match="after symbol 1 the network's state"):
        follow(model, cascade, [0, 1])
