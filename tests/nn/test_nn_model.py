"""The module: one set of numbers in every form, exact in every dtype, trainable, strict about its input."""

import pytest
import torch

from ssmc.errors import InvariantError, SymbolError
from ssmc.nn import Model
from ssmc.nn import model as module

torch.set_num_threads(1)

CONFIG = {
    "dtype": "float32",
    "symbols": 5,
    "letters": 3,
    "delay": [0, 2, 3],
    "lags": [1, 1, 2],
    "blocks": [{"units": 4, "channels": 2, "source": [0, 1, 1]}, {"units": 3, "channels": 3, "source": [2, 0]}],
    "head": {"units": 3},
    "outputs": 2,
    "components": [],
}


def random_model(seed, **changes):
    """A model with small random integer weights and 0/1 gates by chance; its numbers stay exact for short inputs."""
    generator = torch.Generator().manual_seed(seed)
    model = Model({**CONFIG, **changes})
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randint(-1, 2, p.shape, generator=generator))
            if "embedding" in name:
                p.abs_()
            if ".gate." in name:
                p.zero_()
            if name.endswith("gate.bias"):
                p.copy_(torch.randint(0, 2, p.shape, generator=generator))
    return model.eval()


def by_hand(model, word):
    """The recurrences of the module's docstring, number by number."""
    p = {name: t.double() for name, t in model.state_dict().items()}
    c = model.config
    past = [torch.zeros(c["letters"]).double()] * 3
    h = [torch.zeros(b["channels"]).double() for b in c["blocks"]]
    out = []
    for symbol in word:
        letters = p["embedding.weight"][symbol]
        # delay [0, 2, 3]: feature 0 and 2 one step back, then feature 0 two steps back
        stream = torch.cat([letters, torch.stack([past[-1][0], past[-1][2], past[-2][0]])])
        after = []
        for b, block in enumerate(c["blocks"]):
            units = torch.relu(p[f"blocks.{b}.terms.weight"] @ stream + p[f"blocks.{b}.terms.bias"])
            gate = p[f"blocks.{b}.gate.weight"] @ units + p[f"blocks.{b}.gate.bias"]
            increment = p[f"blocks.{b}.increment.weight"] @ units + p[f"blocks.{b}.increment.bias"]
            after.append(gate * h[b] + increment)
            features = (h[b][block["source"]] - p[f"blocks.{b}.threshold"]).clamp(0, 1)
            stream = torch.cat([stream, features])
        units = torch.relu(p["head.terms.weight"] @ stream + p["head.terms.bias"])
        out.append(p["head.logits.weight"] @ units + p["head.logits.bias"])
        past, h = [*past, letters], after
    return torch.stack(out), torch.cat(h)


@pytest.mark.parametrize("seed", range(6))
@torch.no_grad()
def test_the_recurrence_as_written(seed):
    model = random_model(seed)
    word = torch.randint(5, (17,), generator=torch.Generator().manual_seed(seed)).tolist()
    want, final = by_hand(model, word)
    logits, state = model(torch.tensor([word]))
    assert torch.equal(logits[0].double(), want)
    assert torch.equal(state.scan[0].double(), final)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
@torch.no_grad()
def test_chunks_and_steps_are_the_parallel_numbers(dtype, chunk, monkeypatch):
    model = random_model(chunk, dtype=dtype)
    tokens = torch.randint(5, (3, 29), generator=torch.Generator().manual_seed(chunk))
    want, final = model(tokens)
    # 3 rows: a stretch of chunk // 3 symbols at a time inside one call
    monkeypatch.setitem(module.CHUNK, "cpu", chunk)
    inside, state = model(tokens)
    assert torch.equal(inside, want)
    assert all(torch.equal(a, b) for a, b in zip(state, final, strict=True))
    carried, parts = None, []
    for part in tokens.split(chunk, 1):
        logits, carried = model(part, carried)
        parts.append(logits)
    assert torch.equal(torch.cat(parts, 1), want)
    state = model.initial_state(3)
    for t in range(29):
        logits, state = model.step(tokens[:, t], state)
        assert torch.equal(logits, want[:, t])
        assert logits.dtype == want.dtype == model.dtype
    assert state.scan.dtype == torch.float32
    assert all(torch.equal(a, b) for a, b in zip(state, final, strict=True))


@torch.no_grad()
def test_rows_of_a_batch_do_not_meet():
    model = random_model(0)
    tokens = torch.randint(5, (6, 20), generator=torch.Generator().manual_seed(0))
    whole, _ = model(tokens)
    for row in range(6):
        assert torch.equal(model(tokens[row : row + 1])[0][0], whole[row])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_integers_of_any_width_are_tokens(dtype):
    model = random_model(1)
    tokens = torch.tensor([[0, 4, 2]])
    assert torch.equal(model(tokens.to(dtype))[0], model(tokens)[0])


@pytest.mark.parametrize("bad", [5, -1, 300, 2**40])
def test_tokens_outside_the_alphabet_are_refused(bad):
    model = random_model(0)
    with pytest.raises(SymbolError, match=rf"token {bad} is outside 0\.\.4"):
        model(torch.tensor([[0, bad, 1]]))
    with pytest.raises(SymbolError, match=f"token {bad}"):
        model.step(torch.tensor([bad]), model.initial_state(1))


@pytest.mark.parametrize("bad", [torch.zeros(1, 2), torch.zeros(1, 2, dtype=torch.bool)])
def test_tokens_of_another_type_are_refused(bad):
    with pytest.raises(SymbolError, match="integers"):
        random_model(0)(bad)


def test_no_symbol_and_no_row():
    model = random_model(0)
    logits, state = model(torch.zeros(2, 0, dtype=torch.int64))
    assert logits.shape == (2, 0, 2)
    assert all(torch.equal(a, b) for a, b in zip(state, model.initial_state(2), strict=True))
    logits, state = model(torch.zeros(0, 3, dtype=torch.int64))
    assert logits.shape == (0, 3, 2)
    assert state.scan.shape == (0, 5)


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    model = random_model(0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            # small enough that no feature is clamped
            p.copy_(torch.rand_like(p) / 5)
            if name.endswith("threshold"):
                p.fill_(-0.1)
    tokens = torch.randint(5, (2, 9))
    logits, _ = model.train()(tokens)
    (logits.square().mean() + model.initial_logits.square().sum()).backward()
    for name, p in model.named_parameters():
        assert p.requires_grad
        assert p.grad is not None, name
        assert torch.isfinite(p.grad).all(), name
        assert p.grad.abs().sum() > 0, name


@torch.no_grad()
def test_the_gradient_step_changes_the_numbers_but_not_the_forms():
    # random real weights: forms agree to rounding, so nothing but exact weights makes them equal
    torch.manual_seed(1)
    model = random_model(0)
    for p in model.parameters():
        p.copy_(torch.rand_like(p) / 3)
    tokens = torch.randint(5, (1, 40))
    whole, _ = model(tokens)
    state, rows = model.initial_state(1), []
    for t in range(40):
        logits, state = model.step(tokens[:, t], state)
        rows.append(logits)
    torch.testing.assert_close(whole, torch.stack(rows, 1), rtol=1e-4, atol=1e-4)


def test_a_model_is_an_ordinary_module():
    model = random_model(3)
    twin = Model(CONFIG)
    twin.load_state_dict(model.state_dict())
    tokens = torch.randint(5, (1, 9))
    assert torch.equal(model(tokens)[0], twin(tokens)[0])
    assert model.conv_width == 3
    wide = Model.of(CONFIG, model.state_dict()).double()
    assert torch.equal(wide(tokens)[0].float(), model(tokens)[0])


@pytest.mark.parametrize(
    "change",
    [
        {"delay": [0, 2, 9]},
        {"delay": [0]},
        {"blocks": [{"units": 4, "channels": 2, "source": [0, 2, 1]}]},
        {"blocks": [{"units": 4, "channels": 2, "source": [0, -1]}]},
    ],
)
def test_configurations_that_fit_together_only(change):
    with pytest.raises(InvariantError):
        Model({**CONFIG, **change})


def test_weights_that_fit_only():
    good = dict(Model(CONFIG).state_dict())
    for bad in (
        {k: v for k, v in good.items() if k != "initial_logits"},
        {**good, "more": torch.zeros(1)},
        {**good, "initial_logits": torch.zeros(3)},
        {**good, "initial_logits": torch.zeros(2).double()},
    ):
        with pytest.raises(InvariantError):
            Model.of(CONFIG, bad)
