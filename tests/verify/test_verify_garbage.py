"""Recognise mode after the first error: a million brackets, random text, counters out of range; still rejected, gates still 0 or 1."""

import pytest
import torch

from ssmc.cascade import decompose
from ssmc.languages import read_language
from ssmc.nn import Model
from ssmc.nn import model as module
from ssmc.targets import DTYPES, lower

torch.set_num_threads(1)

MILLION = 1_000_000


def compiled(name, dtype):
    automaton = read_language(name).automaton
    weights = lower(decompose(automaton, "recognise"), dtype=dtype)
    return automaton, weights, Model.of(weights.config, weights.tensors)


def watch(model):
    """Records what the gates and states of every block were, as sets of numbers and a flag."""
    seen = {"gates": set(), "finite": True, "integral": True}

    def hook(_module, _input, scanned):
        seen["gates"] |= set(scanned.gate.unique().tolist())
        seen["finite"] &= bool(torch.isfinite(scanned.states).all() and torch.isfinite(scanned.final).all())
        seen["integral"] &= bool((scanned.increment == scanned.increment.round()).all())

    for block in model.blocks:
        block.register_forward_hook(hook)
    return seen


def inputs(automaton, length):
    """A row each: only closing, only opening, random text; the last two reach an error early too."""
    opening = next(s for s, c in enumerate(automaton.alphabet.classes) if automaton.delta[0][c] >= 0)
    closing = next(s for s, c in enumerate(automaton.alphabet.classes) if automaton.delta[0][c] < 0)
    noise = torch.randint(automaton.alphabet.size, (length,), generator=torch.Generator().manual_seed(5))
    noise[0] = closing
    return torch.stack([torch.full((length,), closing), torch.full((length,), opening), noise])


def first_error(automaton, row):
    """The number of symbols read when the state becomes undefined."""
    state = 0
    for i, symbol in enumerate(row.tolist()):
        state = automaton.delta[state][automaton.alphabet.classes[symbol]]
        if state < 0:
            return i + 1
    raise AssertionError("no error")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["dyck-2-3", "d-12"])
@torch.inference_mode()
def test_a_million_brackets_are_rejected(name, dtype, monkeypatch):
    automaton, _, model = compiled(name, dtype)
    tokens = inputs(automaton, MILLION if name == "dyck-2-3" else MILLION // 10)
    errors = [first_error(automaton, row) for row in tokens]
    seen = watch(model)
    logits, final = model(tokens)
    for row, error in enumerate(errors):
        assert (logits[row, error - 1 :] == -128).all()
    assert seen["gates"] <= {0.0, 1.0}
    assert seen["finite"]
    assert seen["integral"]
    # one stretch of everything, and stretches of another size with the state carried by the caller
    monkeypatch.setitem(module.CHUNK, "cpu", 1 << 22)
    whole, _ = model(tokens[:1])
    assert torch.equal(whole, logits[:1])
    state, at = None, 0
    for part in tokens[1:2].split(99_991, 1):
        out, state = model(part, state)
        assert torch.equal(out, logits[1:2, at : at + part.shape[1]])
        at += part.shape[1]
    # on the way to 2^24 everything is exact, so the states agree as well
    assert all(torch.equal(a, b[1:2]) for a, b in zip(state, final, strict=True))
    assert seen["gates"] <= {0.0, 1.0}


@pytest.mark.parametrize("dtype", DTYPES)
@torch.inference_mode()
def test_one_symbol_at_a_time_is_the_same(dtype):
    automaton, _, model = compiled("dyck-2-3", dtype)
    tokens = inputs(automaton, 4_000)
    logits, final = model(tokens)
    state = model.initial_state(3)
    for t in range(tokens.shape[1]):
        out, state = model.step(tokens[:, t], state)
        assert torch.equal(out, logits[:, t])
    assert all(torch.equal(a, b) for a, b in zip(state, final, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("start", [2.0**24 - 3, -(2.0**24) + 3, 2.0**30, -(2.0**40)])
@torch.inference_mode()
def test_counters_beyond_exact_integers_change_no_answer(dtype, start):
    automaton, weights, model = compiled("dyck-2-3", dtype)
    counters = [c for c in weights.config["components"] if c["kind"] == "counter"]
    latch = next(c for c in weights.config["components"] if c.get("latch"))
    assert counters
    offsets = [sum(model.channels[:b]) for b in range(len(model.channels))]
    tokens = inputs(automaton, 300)
    state = model.initial_state(3)
    for counter in counters:
        state.scan[:, offsets[counter["block"]] + counter["start"]] = start
    state.scan[:, offsets[latch["block"]] + latch["start"]] = 1.0
    seen = watch(model)
    logits, _ = model(tokens, state)
    assert (logits == -128).all()
    assert seen["gates"] <= {0.0, 1.0}
    assert seen["finite"]
    for t in range(tokens.shape[1]):
        out, state = model.step(tokens[:, t], state)
        assert (out == -128).all()
        assert torch.isfinite(state.scan).all()
