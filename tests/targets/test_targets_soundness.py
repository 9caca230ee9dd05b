"""`Weights.check` against brute force over all feature vectors: what it passes is well behaved, what is not it refuses."""

import random
from types import MappingProxyType

import pytest
import test_targets_hand as hand
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cascades import cascades
from test_targets_random import build, vectors

from ssmc.errors import VerificationError
from ssmc.nn import Model
from ssmc.targets import PrecisionError, Weights, lower

torch.set_num_threads(1)


def well_behaved(weights, model):
    """The statement of `check`, evaluated through the module for every combination of feature vectors."""
    stream = vectors(weights, model)
    for b, block in enumerate(model.blocks):
        gate, increment = block.gates(stream[:, : block.terms.weight.shape[1]])
        for part in weights.config["components"]:
            if part["block"] != b:
                continue
            rows = slice(part["start"], part["start"] + part["channels"])
            for g, i in {
                (tuple(g), tuple(i)) for g, i in zip(gate[:, rows].tolist(), increment[:, rows].tolist(), strict=True)
            }:
                if set(g) not in ({0.0}, {1.0}):
                    return False
                if part["kind"] == "counter":
                    if i[0] != int(i[0]) or (part["saturating"] and g[0] == 1 and i[0] < 0):
                        return False
                elif any(i) if g[0] else list(i) not in part["codes"] or (part["latch"] and not i[0]):
                    return False
    logits = model.head(stream)
    if not set(logits.unique().tolist()) <= {128.0, -128.0}:
        return False
    latched = [i for i, name in enumerate(weights.names["head.stream"]) if name.startswith("latch = 1")]
    return not latched or bool((logits[stream[:, latched[0]] == 1, 0] == -128).all())


def mutate(tensors, seed):
    """One weight of the blocks or the head changed by 1, in sign, or to zero."""
    rng = random.Random(seed)
    names = [
        name
        for name, t in tensors.items()
        if t.numel() and name.split(".")[0] in ("blocks", "head") and "threshold" not in name
    ]
    if not names:
        return None
    name = rng.choice(names)
    tensor = tensors[name].clone()
    flat = tensor.view(-1)
    place = rng.randrange(len(flat))
    before = flat[place].item()
    flat[place] = rng.choice([before + 1, before - 1, -before, 0.0])
    return {**tensors, name: tensor} if flat[place] != before else None


@given(pair=cascades(), seed=st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
@torch.no_grad()
def test_no_mutant_that_passes_misbehaves(pair, seed):
    cascade, _ = pair
    weights, model = build(cascade)
    assert well_behaved(weights, model)
    changed = mutate(dict(weights.tensors), seed)
    if changed is None:
        return
    mutant = Weights(weights.config, MappingProxyType(changed), weights.names, weights.axes)
    try:
        mutant.check()
    except VerificationError:
        return
    assert well_behaved(mutant, Model.of(mutant.config, mutant.tensors))


@given(pair=cascades())
@settings(max_examples=40, deadline=None)
@torch.no_grad()
def test_the_magnitude_bounds_every_partial_sum(pair):
    cascade, _ = pair
    weights, model = build(cascade)
    bound = weights.check()
    stream = vectors(weights, model)
    for layer in [*model.blocks, model.head]:
        width = layer.terms.weight.shape[1]
        rows = torch.cat([layer.terms.weight, layer.terms.bias[:, None]], 1)
        columns = torch.cat([stream[:500, :width], torch.ones(len(stream[:500]), 1)], 1)
        products = rows[:, None] * columns[None]
        # the extreme sums of a subset of the products are those of the positive and of the negative ones
        for extreme in (products.clamp(min=0).sum(-1), products.clamp(max=0).sum(-1)):
            assert not extreme.numel() or bound >= extreme.abs().max()
    assert bound >= 128


def test_dtypes_have_their_limits():
    counter = hand.counter(300)
    assert lower(counter, dtype="float32").check() >= 256
    assert lower(counter, dtype="float16").check() >= 256
    # thresholds are compared in float32, so a large range alone is no obstacle
    assert lower(counter, dtype="bfloat16").check() == 256
    leap = hand.leap(300)
    assert lower(leap, dtype="float16").check() == 299
    with pytest.raises(PrecisionError, match=r"increment.*299 is not exact in bfloat16") as caught:
        lower(leap, dtype="bfloat16")
    assert caught.value.component == 0


@given(pair=cascades(mode="recognise"))
@settings(max_examples=20, deadline=None)
def test_every_coordinate_has_a_name(pair):
    cascade, _ = pair
    weights, _ = build(cascade)
    for name, tensor in weights.tensors.items():
        sizes = [weights.config["symbols"] if a == "symbols" else len(weights.names[a]) for a in weights.axes[name]]
        assert list(tensor.shape) == sizes
    assert all(isinstance(n, str) and n for names in weights.names.values() for n in names)
