"""Blocks with one-hot vectors and complex gates: any weights follow the recurrence, gradients reach every parameter, sizes are checked."""

import pytest
import torch

from ssmc.errors import InvariantError, ModelFileError
from ssmc.nn import Model
from ssmc.nn import model as module
from ssmc.nn.block import Widths, distinct_rows, maps_of
from ssmc.nn.file import _check_tensors
from ssmc.nn.shapes import parameter_shapes

torch.set_num_threads(1)

CONFIG = {
    "dtype": "float32",
    "symbols": 4,
    "letters": 3,
    "delay": [0],
    "lags": [1],
    "blocks": [
        {"units": 5, "channels": 2, "columns": [3, 2], "turns": [3, 5], "source": [1, 0, 3, 4, 6]},
        {"units": 3, "channels": 0, "columns": [2], "source": [1]},
        {"units": 2, "channels": 1, "turns": [4], "source": []},
    ],
    "head": {"units": 3},
    "outputs": 2,
    "components": [],
}


def random_model(seed, scale=0.3):
    """A model with any weights at all: nothing in it is one-hot or on the circle."""
    generator = torch.Generator().manual_seed(seed)
    model = Model(CONFIG)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_((torch.rand(p.shape, generator=generator) * 2 - 1) * scale)
    return model


def by_hand(model, word):
    """The recurrences of `ssmc.nn.block`, number by number, in float64."""
    p = {name: t.detach().double() for name, t in model.state_dict().items()}
    last = torch.zeros(1).double()
    states = [torch.tensor(Widths.of(block).initial()).double() for block in CONFIG["blocks"]]
    out = []
    for symbol in word:
        letters = p["embedding.weight"][symbol]
        stream = torch.cat([letters, last])
        for b, block in enumerate(CONFIG["blocks"]):
            sizes, h = Widths.of(block), states[b]
            w = {name.split(".", 2)[2]: t for name, t in p.items() if name.startswith(f"blocks.{b}.")}
            u = torch.relu(w["terms.weight"] @ stream + w["terms.bias"])
            features = (h[block["source"]] - w["threshold"]).clamp(0, 1)
            d = sizes.channels
            after = [(w["gate.weight"] @ u + w["gate.bias"]) * h[:d] + w["increment.weight"] @ u + w["increment.bias"]]
            row, at = 0, d
            for n in sizes.columns:
                matrix = (w["columns.weight"] @ u + w["columns.bias"])[row : row + n * n].reshape(n, n)
                after.append(matrix @ h[at : at + n])
                row, at = row + n * n, at + n
            for r, n in enumerate(sizes.turns):
                a, k = (w[f"{name}.weight"] @ u + w[f"{name}.bias"] for name in ("turn", "write"))
                z = complex(*h[at : at + 2].tolist())
                first = sum(sizes.turns[:r])
                near = [z.real * q[0] + z.imag * q[1] for q in w["points"][first : first + n].tolist()]
                features = torch.cat(
                    [features, torch.tensor([float(v == near.index(max(near))) for v in range(1, n)]).double()]
                )
                turned = complex(*a[2 * r : 2 * r + 2].tolist()) * z + complex(*k[2 * r : 2 * r + 2].tolist())
                after.append(torch.tensor([turned.real, turned.imag]).double())
                at += 2
            states[b] = torch.cat(after)
            stream = torch.cat([stream, features])
        u = torch.relu(p["head.terms.weight"] @ stream + p["head.terms.bias"])
        out.append(p["head.logits.weight"] @ u + p["head.logits.bias"])
        last = letters[:1]
    return torch.stack(out), torch.cat(states)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_the_recurrence_as_written(seed, grad, monkeypatch):
    model = random_model(seed)
    word = torch.randint(4, (40,), generator=torch.Generator().manual_seed(seed)).tolist()
    want, final = by_hand(model, word)
    monkeypatch.setitem(module.CHUNK, "cpu", 11)
    with torch.set_grad_enabled(grad):
        logits, state = model(torch.tensor([word]))
        streamed = model.initial_state(1)
        for symbol in word:
            _, streamed = model.step(torch.tensor([symbol]), streamed)
    assert torch.allclose(logits[0].double(), want, atol=1e-5)
    for found in (state, streamed):
        assert torch.allclose(found.scan[0].double(), final, atol=1e-5)


def test_every_parameter_gets_a_gradient():
    model = random_model(1)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith(("terms.bias", "embedding.weight")):
                p.abs_().add_(0.2)
            if name.endswith("threshold"):
                p.sub_(1)
    logits, _ = model(torch.tensor([[0, 1, 2, 3, 3, 2, 1, 0, 1, 2]]))
    (logits * torch.arange(1.0, 1 + logits.numel()).reshape(logits.shape)).sum().backward()
    for name, p in model.named_parameters():
        if name != "initial_logits":
            assert p.grad is not None, name
            assert torch.isfinite(p.grad).all(), name
    for part in ("columns.weight", "turn.weight", "write.bias", "points"):
        assert model.get_parameter(f"blocks.0.{part}").grad.abs().max() > 0, part


def test_shapes_are_those_of_the_module():
    shapes = parameter_shapes(CONFIG)
    assert {name: (tuple(p.shape), p.dtype) for name, p in Model(CONFIG).named_parameters()} == shapes
    assert shapes["blocks.0.columns.weight"][0] == (13, 5)
    assert parameter_shapes({**CONFIG, "dtype": "bfloat16"})["blocks.0.turn.weight"][1] == torch.float32


@pytest.mark.parametrize(
    "sizes", [{"columns": ["3"]}, {"columns": [0]}, {"turns": [-1]}, {"turns": [2.5]}, {"columns": 3}]
)
def test_sizes_that_are_none_are_refused(sizes):
    config = {**CONFIG, "blocks": [{**CONFIG["blocks"][0], **sizes}]}
    with pytest.raises((InvariantError, TypeError)):
        parameter_shapes(config)
    with pytest.raises(ModelFileError):
        _check_tensors(config, {})


def test_huge_sizes_are_refused_before_anything_is_allocated():
    config = {**CONFIG, "blocks": [{**CONFIG["blocks"][0], "columns": [10**7]}]}
    tensors = {name: torch.zeros(0) for name in parameter_shapes(config)}
    with pytest.raises(ModelFileError, match="float32"):
        _check_tensors(config, tensors)


def test_distinct_rows_of_units():
    units = torch.tensor([[[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]])
    rows, place = distinct_rows(units)
    assert len(rows) == 2
    assert torch.equal(rows[place], units)
    assert distinct_rows(units / 2) is None
    assert distinct_rows(torch.zeros(1, 2, 63)) is None
    wide = (torch.rand(2, 50, 62, generator=torch.Generator().manual_seed(0)) < 0.5).bfloat16()
    rows, place = distinct_rows(wide)
    assert torch.equal(rows[place], wide)


def test_only_one_hot_columns_are_maps():
    matrices, first = torch.eye(3)[None], torch.eye(3)[:1]
    assert maps_of(matrices, first)[0].tolist() == [[0, 1, 2]]
    assert maps_of(matrices * 2, first) is None
    assert maps_of(matrices, first * 0.5) is None
    assert maps_of(matrices + torch.tensor([[0, 0, 1.0], [0, 0, 0], [0, 0, 0]]), first) is None
