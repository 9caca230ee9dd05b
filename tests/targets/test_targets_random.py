"""Lowered random cascades: equal to the interpreter on every live step, well behaved on every other."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cascades import cascades

from ssmc.nn import Model
from ssmc.targets import DTYPES, lower

torch.set_num_threads(1)


def build(cascade, dtype="float32"):
    weights = lower(cascade, dtype=dtype)
    return weights, Model.of(weights.config, weights.tensors)


def expected_logits(cascade, output):
    bits = [output.accepting, *output.patterns]
    if cascade.mode == "predict":
        bits += [c in output.legal for c in cascade.automaton.alphabet.classes]
    return [128.0 if bit else -128.0 for bit in bits]


def codes(weights, values):
    """The scan state of a model for the values of its components (a saturating counter as its value)."""
    out = []
    for b in range(len(weights.config["blocks"])):
        for part, value in zip(weights.config["components"], values, strict=True):
            if part["block"] == b:
                out += [value] if part["kind"] == "counter" else part["codes"][value]
    return [float(v) for v in out]


def caps(weights):
    out = []
    for b in range(len(weights.config["blocks"])):
        for part in weights.config["components"]:
            if part["block"] == b:
                top = part["low"] + part["values"] - 1 if part.get("saturating") else float("inf")
                out += [top] * part["channels"]
    return torch.tensor(out)


@pytest.mark.parametrize("dtype", DTYPES)
@given(pair=cascades())
@settings(max_examples=40, deadline=None)
def test_equal_to_the_interpreter_on_every_live_step(dtype, pair):
    cascade, steps = pair
    weights, model = build(cascade, dtype)
    initial = expected_logits(cascade, cascade.readout.outputs[cascade.readout.initial])
    assert model.initial_logits.tolist() == initial
    # every live value vector may come with several delay lines
    first = (cascade.initial, model.initial_state(1))
    seen, queue = set(), [first]
    with torch.no_grad():
        while queue:
            values, state = queue.pop()
            key = (values, tuple(state.delay[0].tolist()))
            if key in seen:
                continue
            seen.add(key)
            assert state.scan[0].minimum(caps(weights)).tolist() == codes(weights, values)
            for symbol, c in enumerate(cascade.automaton.alphabet.classes):
                if (values, c) not in steps:
                    continue
                logits, after = model.step(torch.tensor([symbol]), state)
                assert logits[0].tolist() == expected_logits(cascade, cascade.output(values, c))
                if steps[values, c] is not None:
                    capped = after._replace(scan=after.scan.minimum(caps(weights)))
                    queue.append((steps[values, c], capped))


def vectors(weights, model):
    """Every combination of feature vectors of the whole stream, up to a number of them."""
    rows = {tuple(row) for row in model.embedding.weight.tolist()}
    groups = [(list(range(weights.config["letters"])), sorted(rows))]
    lags, source = weights.config["lags"], weights.config["delay"]
    letters = weights.config["letters"]
    for lag in sorted(set(lags)):
        places = [letters + i for i, own in enumerate(lags) if own == lag]
        origin = []
        for place in places:
            at = place
            while at >= letters:
                at = source[at - letters]
            origin.append(at)
        choices = {tuple(row[i] for i in origin) for row in rows} | {(0.0,) * len(places)}
        groups.append((places, sorted(choices)))
    at = letters + len(lags)
    for b, block in enumerate(model.blocks):
        for part in weights.config["components"]:
            if part["block"] != b:
                continue
            states = part.get("codes") or [[v] for v in range(-9, 12)]
            full = torch.zeros(len(states), model.channels[b])
            full[:, part["start"] : part["start"] + part["channels"]] = torch.tensor(states, dtype=torch.float32)
            own = [
                i
                for i, s in enumerate(weights.config["blocks"][b]["source"])
                if 0 <= s - part["start"] < part["channels"]
            ]
            features = {tuple(row) for row in block.features(full)[:, own].tolist()}
            groups.append(([at + i for i in own], sorted(features)))
        at += len(weights.config["blocks"][b]["source"])
    out = torch.zeros(0, at)
    combinations = itertools.islice(itertools.product(*(choices for _, choices in groups)), 20_000)
    rows = []
    for combination in combinations:
        row = [0.0] * at
        for (places, _), values in zip(groups, combination, strict=True):
            for place, value in zip(places, values, strict=True):
                row[place] = value
        rows.append(row)
    return torch.tensor(rows).reshape(len(rows), at) if rows else out


@given(pair=cascades())
@settings(max_examples=40, deadline=None)
@torch.no_grad()
def test_well_behaved_on_every_feature_vector(pair):
    cascade, _ = pair
    weights, model = build(cascade)
    stream = vectors(weights, model)
    for b, block in enumerate(model.blocks):
        gate, increment = block.gates(stream[:, : block.terms.weight.shape[1]])
        for part in weights.config["components"]:
            if part["block"] == b:
                rows = slice(part["start"], part["start"] + part["channels"])
                own = {(*g, *i) for g, i in zip(gate[:, rows].tolist(), increment[:, rows].tolist(), strict=True)}
                width = part["channels"]
                if part["kind"] == "counter":
                    assert {a for a, _ in own} <= {0.0, 1.0}
                    assert all(i == int(i) for _, i in own)
                else:
                    allowed = {(1.0,) * width + (0.0,) * width} | {
                        (0.0,) * width + tuple(map(float, code)) for code in part["codes"]
                    }
                    if part["latch"]:
                        allowed.discard((0.0, 0.0))
                    assert own <= allowed
    logits = model.head(stream)
    assert set(logits.unique().tolist()) <= {128.0, -128.0}
    if cascade.latch is not None:
        set_latch = [i for i, name in enumerate(weights.names["head.stream"]) if name.startswith("latch = 1")]
        assert len(set_latch) == 1
        assert (logits[stream[:, set_latch[0]] == 1, 0] == -128).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(pair=cascades(), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
@torch.no_grad()
def test_forward_step_and_chunks_agree_on_garbage(dtype, pair, seed):
    cascade, _ = pair
    _, model = build(cascade, dtype)
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(cascade.automaton.alphabet.size, (3, 41), generator=generator)
    whole, final = model(tokens)
    state, rows = model.initial_state(3), []
    for t in range(tokens.shape[1]):
        logits, state = model.step(tokens[:, t], state)
        rows.append(logits)
    assert torch.equal(whole, torch.stack(rows, 1))
    assert all(torch.equal(a, b) for a, b in zip(final, state, strict=True))
    state, parts = None, []
    for part in tokens.split([1, 7, 0, 20, 13], 1):
        logits, state = model(part, state)
        parts.append(logits)
    assert torch.equal(whole, torch.cat(parts, 1))
    assert all(torch.equal(a, b) for a, b in zip(final, state, strict=True))
    assert torch.isfinite(final.scan).all()
