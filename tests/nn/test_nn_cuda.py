"""The module on a GPU: the Triton kernel's states and the logits are those of the CPU, bit for bit."""

import pytest
import torch
from test_nn_model import random_model

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
