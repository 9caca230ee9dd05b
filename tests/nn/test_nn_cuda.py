"""The module on a GPU: the Triton kernel's states and the logits are those of the CPU, bit for bit."""

import pytest
import torch
from test_nn_model import random_model
from test_nn_run import compiled, text_of

from ssmc.cascade import decompose
from ssmc.cascade.bundle import PART_MODES, Bundle
from ssmc.languages import language_of, pattern_set
from ssmc.nn import Model
from ssmc.nn.running import OUTPUTS
from ssmc.targets import lower

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("length", [1, 63, 500, 4097])
@torch.no_grad()
def test_the_gpu_gives_the_cpu_numbers(dtype, length):
    model = random_model(length, dtype=dtype)
    # gates of 0 keep the numbers small enough to be exact
    for block in model.blocks:
        block.gate.bias.zero_()
    tokens = torch.randint(5, (3, length), generator=torch.Generator().manual_seed(length))
    want, final = model(tokens)
    model = model.cuda()
    got, state = model(tokens.cuda())
    assert torch.equal(got.cpu(), want)
    assert all(torch.equal(a.cpu(), b) for a, b in zip(state, final, strict=True))
    state, rows = model.initial_state(3), []
    for t in range(min(length, 63)):
        logits, state = model.step(tokens[:, t].cuda(), state)
        rows.append(logits)
    assert torch.equal(torch.stack(rows, 1).cpu(), want[:, :63])


@pytest.mark.parametrize("name", ["dyck-2-3", "aacc", "flip-flop"])
@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("output", OUTPUTS)
@torch.no_grad()
def test_engines_on_the_gpu_give_the_answers_of_the_cpu(name, mode, output):
    model = compiled(name, mode)
    text = text_of(model, 3, 1200)
    want = model.run(text, engine="walk", output=output)
    model = model.cuda()
    try:
        for engine in ("network", "bits", "maps", "auto"):
            if engine == "network" and (output == "states" or mode == "predict"):
                continue  # it knows no states, and behind an illegal symbol it promises nothing
            result = model.run(text.cuda(), engine=engine, output=output)
            assert torch.equal(result.outputs.cpu(), want.outputs), engine
            first = model.run(text[:, :77].cuda(), engine=engine, output="outcomes")
            rest = model.run(text[:, 77:].cuda(), first.state, output="outcomes")
            assert rest.engine == first.engine
            assert torch.equal(rest.state.accepted.cpu(), want.state.accepted)
    finally:
        model.cpu()


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@torch.no_grad()
def test_a_set_of_patterns_on_the_gpu(mode):
    patterns = [".*cb.*", "a*", "(a|bc)+", ".*a.?c", "[^abc]"]
    members = pattern_set([language_of(p, alphabet="abc", syntax="python").automaton for p in patterns])
    bundle = Bundle.of(members, mode, [decompose(member, PART_MODES[mode]) for member in members.members])
    weights = lower(bundle)
    assert weights.config["head"]["any"]
    model = Model.of(weights.config, weights.tensors)
    text = torch.randint(3, (4, 700), generator=torch.Generator().manual_seed(1))
    want, _ = model(text)
    got, _ = model.cuda()(text.cuda())
    assert torch.equal(got.cpu(), want)
