"""Lowered random cascades with swaps, rotations and permutations: equal to the interpreter on live steps, well behaved on every other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cascades import cascades

from ssmc.errors import TargetError
from ssmc.nn import Model
from ssmc.targets import DTYPES, lower
from ssmc.targets.roots import root
from ssmc.targets.soundness import Soundness
from ssmc.targets.soundness_gates import proved_length
from ssmc.verify.tables import Tables

torch.set_num_threads(1)

KINDS = {
    "native-signed": ("reset", "counter", "window", "swap", "swap", "swap"),
    "native-pd": ("reset", "counter", "window", "swap", "rotation", "permutation", "permutation"),
    "native-complex": ("reset", "counter", "window", "swap", "rotation", "rotation"),
}
"""What is drawn for each target."""


def every(mode=None):
    """A cascade, its live steps and the target that it is drawn for."""
    return st.sampled_from(sorted(KINDS)).flatmap(
        lambda target: st.tuples(cascades(mode, KINDS[target]), st.just(target))
    )


def build(cascade, target, dtype="float32"):
    weights = lower(cascade, target, dtype)
    return weights, Model.of(weights.config, weights.tensors)


def expected_logits(cascade, output):
    bits = [output.accepting, *output.patterns]
    if cascade.mode == "predict":
        bits += [c in output.legal for c in cascade.automaton.alphabet.classes]
    return [128.0 if bit else -128.0 for bit in bits]


def states_of(weights, values):
    """The scan state for the values of the components: codes, one-hot vectors, points of the circle."""
    config, parts = weights.config, []
    for b in range(len(config["blocks"])):
        members = [k for k, part in enumerate(config["components"]) if part["block"] == b]
        for k in sorted(members, key=lambda k: config["components"][k]["start"]):
            part, value = config["components"][k], values[k]
            if part["kind"] == "counter":
                parts.append(float(value))
            elif part["kind"] == "rotation":
                point = root(value, part["values"])
                parts += [point.real, point.imag]
            else:
                parts += map(float, part["codes"][value])
    return torch.tensor(parts, dtype=torch.float64)


def caps(weights):
    """The largest value of each column of state that is told from larger ones."""
    out = torch.full((sum(Model(weights.config).channels),), float("inf"))
    starts = [0]
    for width in Model(weights.config).channels:
        starts.append(starts[-1] + width)
    for part in weights.config["components"]:
        if part.get("saturating"):
            out[starts[part["block"]] + part["start"]] = part["low"] + part["values"] - 1
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@given(drawn=every())
@settings(max_examples=15, deadline=None)
@torch.no_grad()
def test_equal_to_the_interpreter_on_every_live_step(dtype, drawn):
    (cascade, steps), target = drawn
    weights, model = build(cascade, target, dtype)
    highest = caps(weights)
    seen, queue = set(), [(cascade.initial, model.initial_state(1))]
    while queue:
        values, state = queue.pop()
        if values in seen:
            continue
        seen.add(values)
        apart = (state.scan[0].minimum(highest).double() - states_of(weights, values)).abs()
        assert (apart <= (2.0**-20 if target == "native-complex" else 0)).all()
        for symbol, c in enumerate(cascade.automaton.alphabet.classes):
            if (values, c) not in steps:
                continue
            logits, after = model.step(torch.tensor([symbol]), state)
            assert logits[0].tolist() == expected_logits(cascade, cascade.output(values, c))
            if steps[values, c] is not None:
                queue.append((steps[values, c], after._replace(scan=after.scan.minimum(highest))))


@pytest.mark.parametrize("dtype", DTYPES)
@given(drawn=every(), seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
@torch.no_grad()
def test_forward_step_and_chunks_agree_on_garbage(dtype, drawn, seed):
    (cascade, _), target = drawn
    weights, model = build(cascade, target, dtype)
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(cascade.automaton.alphabet.size, (2, 150), generator=generator)
    want, final = model(tokens)
    length = proved_length(weights.config, weights.tensors)
    assert (length is None) or target == "native-complex"
    state = model.initial_state(2)
    for t in range(150):
        logits, state = model.step(tokens[:, t], state)
        assert torch.equal(logits, want[:, t])
    carried, parts = None, []
    for part in tokens.split(47, 1):
        logits, carried = model(part, carried)
        parts.append(logits)
    assert torch.equal(torch.cat(parts, 1), want)
    if length is None:
        for other in (state, carried):
            assert all(torch.equal(a, b) for a, b in zip(other, final, strict=True))
    # with gradients the scan is one of matrices, not of maps
    with torch.enable_grad():
        assert torch.equal(model(tokens)[0], want)


@given(drawn=every())
@settings(max_examples=15, deadline=None)
@torch.no_grad()
def test_every_table_entry_through_the_real_layers(drawn):
    (cascade, _), target = drawn
    _, model = build(cascade, target)
    soundness, alphabet = Soundness(model.config, dict(model.state_dict())), cascade.automaton.alphabet
    places, classes = range(len(cascade.components)), range(alphabet.class_count)
    tables = Tables(model, soundness, cascade, alphabet, places, classes)
    for k in places:
        tables.check_component(k)
    tables.check_readout()


@given(drawn=every())
@settings(max_examples=30, deadline=None)
def test_a_target_without_the_gate_refuses(drawn):
    (cascade, _), _ = drawn
    kinds = {component.kind for component in cascade.components}
    needs = {"native": {"swap", "rotation", "permutation"}, "native-signed": {"rotation", "permutation"}}
    for target, missing in (*needs.items(), ("native-complex", {"permutation"})):
        if kinds & missing:
            with pytest.raises(TargetError, match="no component of kind"):
                lower(cascade, target)
