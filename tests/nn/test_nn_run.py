"""`Model.run`: every engine gives the network's answers, and none speaks for weights that were not proved."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from ssmc.compile import compile_language, write_model
from ssmc.errors import SymbolError, UsageError, VerificationError
from ssmc.languages import read_language
from ssmc.nn import Model, load_model
from ssmc.nn.running import OUTPUTS

torch.set_num_threads(1)


@cache
def compiled(name: str, mode: str) -> Model:
    return compile_language(read_language(name), mode=mode).model  # type: ignore[arg-type]


def text_of(model: Model, rows: int, length: int) -> torch.Tensor:
    """Walks over live states, the last one with an error in the middle."""
    assert model.compiled is not None
    delta = model.compiled.runner(model).machines.description.delta
    classes = model.compiled.runner(model).machines.description.classes
    rng = np.random.default_rng(length)
    text = np.zeros((rows, length), np.uint8)
    for row in text:
        state = 0
        for t in range(length):
            live = [x for x, c in enumerate(classes) if delta[state, c] != len(delta) - 1] or range(len(classes))
            row[t] = rng.choice(live)
            state = delta[state, classes[row[t]]]
    text[-1, length // 2 :] = rng.integers(0, len(classes), length - length // 2)
    return torch.from_numpy(text)


@pytest.mark.parametrize("name", ["dyck-2-3", "aacc", "flip-flop"])
@pytest.mark.parametrize("mode", ["recognise", "predict"])
def test_every_engine_gives_the_answers_of_the_network(name: str, mode: str) -> None:
    model = compiled(name, mode)
    text = text_of(model, 3, 90)
    logits, _ = model(text)
    said = logits > 0
    stop = 90 if mode == "recognise" else 45  # behind an illegal symbol the network promises nothing
    for engine in ("network", "bits", "maps", "walk"):
        result = model.run(text, engine=engine)  # type: ignore[arg-type]
        assert result.engine == engine
        assert result.outputs.dtype == torch.uint8
        assert torch.equal(result.outputs[:, :stop], said[:, :stop, 0].to(torch.uint8))
        numbers = model.run(text, engine=engine, output="outcomes").outputs.long()  # type: ignore[arg-type]
        assert torch.equal(model.compiled.outcomes[numbers][:, :stop], said[:, :stop])
        if mode == "predict":
            legal = said[-1, :, 1:].gather(1, text[-1].long()[:, None])[:, 0]
            wrong = [t for t in range(45, 90) if not bool(said[-1, t - 1, 1 + int(text[-1, t])])]
            assert wrong
            assert legal.dtype == torch.bool
            assert not model.compiled.outcomes[numbers][-1, wrong[0] :].any()


@pytest.mark.parametrize(("name", "target"), [("parity", "native-signed"), ("symmetric-3", "native-pd")])
def test_groups_run_on_every_engine(name: str, target: str) -> None:
    """Swaps are bits of a word, permutations are columns of maps."""
    model = compile_language(read_language(name), target=target).model
    text = torch.from_numpy(np.random.default_rng(0).integers(0, model.config["symbols"], (3, 200)).astype(np.uint8))
    expected = (model(text)[0][..., 0] > 0).to(torch.uint8)
    for engine in ("network", "bits", "maps", "walk"):
        assert torch.equal(model.run(text, engine=engine).outputs, expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_chunks_of_any_size_give_the_same_answers(mode: str, output: str) -> None:
    model = compiled("dyck-2-3", mode)
    text = text_of(model, 2, 120)
    for engine in ("network", "bits", "maps", "walk"):
        if (engine, output) == ("network", "states"):
            continue
        whole = model.run(text, engine=engine, output=output)  # type: ignore[arg-type]
        state, pieces = None, []
        for first, end in ((0, 0), (0, 8), (8, 8), (8, 64), (64, 120)):
            result = model.run(text[:, first:end], state, engine="auto" if state else engine, output=output)  # type: ignore[arg-type]
            assert result.engine == engine
            pieces.append(result.outputs)
            state = result.state
        if output == "final":
            assert torch.equal(pieces[-1], whole.outputs)
            assert pieces[0].tolist() == [1, 1]  # the empty word
        else:
            assert torch.equal(torch.cat(pieces, 1), whole.outputs)
        assert torch.equal(state.accepted, whole.state.accepted)


def test_forward_in_chunks_and_steps_is_forward() -> None:
    """Odd chunks, steps, and `run` on the network: the same logits bit for bit, the same answers."""
    for name, mode in (("dyck-2-3", "predict"), ("fourth-from-end", "recognise")):
        model = compiled(name, mode)
        text = text_of(model, 2, 70)[:, :35]
        logits, last = model(text)
        state, parts = None, []
        for first, end in ((0, 1), (1, 4), (4, 4), (4, 35)):
            part, state = model(text[:, first:end], state)
            parts.append(part)
        assert torch.equal(torch.cat(parts, 1), logits)
        assert torch.equal(state.scan, last.scan)
        state, steps = model.initial_state(2), []
        for t in range(35):
            step, state = model.step(text[:, t], state)
            steps.append(step)
        assert torch.equal(torch.stack(steps, 1), logits)


def test_the_outputs_are_views_of_one_answer() -> None:
    model = compiled("dyck-2-3", "recognise")
    text = text_of(model, 2, 21)
    accepted = model.run(text).outputs
    bits = model.run(text, output="bits").outputs
    assert tuple(bits.shape) == (2, 3)
    assert np.array_equal(np.unpackbits(bits.numpy(), axis=1, bitorder="little")[:, :21], accepted.numpy())
    assert model.run(text, output="final").outputs.tolist() == accepted[:, -1].tolist()
    states = model.run(text, output="states").outputs
    described = model.compiled.runner(model).machines.description
    state = 0
    for x, got in zip(text[0].tolist(), states[0].tolist(), strict=True):
        state = int(described.delta[state, described.classes[x]])
        assert got == state


def test_auto_reports_what_it_took() -> None:
    model = compiled("flip-flop", "recognise")
    text = text_of(model, 8, 600)
    result = model.run(text)
    times = model.compiled.runner(model).measure(text, "accept")
    assert set(times) == {"network", "bits", "maps", "walk"}
    assert result.engine == min(times, key=times.__getitem__)


def test_only_the_network_speaks_for_weights_without_proof(tmp_path) -> None:
    language = read_language("flip-flop")
    made = compile_language(language)
    path = tmp_path / "model.pt"
    write_model(made, path)
    write_model(compile_language(language, mode="predict"), path.with_name("predict.pt"))
    model = load_model(path)
    text = text_of(model, 1, 64)
    assert model.run(text, engine="walk").engine == "walk"
    with torch.no_grad():
        model.head.logits.bias.add_(0.5)
    assert model.run(text).engine == "network"
    with pytest.raises(UsageError, match="no longer those that the certificate is for"):
        model.run(text, engine="bits")
    with torch.no_grad():
        model.head.logits.bias.sub_(0.5)
    assert model.run(text, engine="bits").engine == "bits"
    answers = model.run(text).outputs
    model.head.logits.weight.data.neg_()
    model.head.logits.bias.data.neg_()
    assert torch.equal(model.run(text).outputs, 1 - answers)
    predicting = load_model(path.with_name("predict.pt"))
    predicting.head.logits.bias.data.fill_(1000)
    assert predicting.run(text).outputs.all()
    with pytest.raises(VerificationError, match="what no prefix"):
        predicting.run(text, output="outcomes")
    unproved = load_model(path)
    unproved.compiled.certificate = None
    assert unproved.run(text).engine == "network"
    with pytest.raises(UsageError, match="no certificate"):
        unproved.run(text, engine="walk")


def test_what_cannot_be_run_is_said() -> None:
    model = compiled("flip-flop", "recognise")
    text = text_of(model, 1, 9)
    with pytest.raises(SymbolError, match=r"token 5 is outside 0\.\.4"):
        model.run(text * 0 + 5)
    with pytest.raises(SymbolError, match="must be integers"):
        model.run(text.float())
    with pytest.raises(UsageError, match=r"\(B, T\)"):
        model.run(text[0])
    with pytest.raises(UsageError, match="unknown output"):
        model.run(text, output="words")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="run by the engine walk"):
        model.run(text, model.run(text, engine="walk").state, engine="bits")
    with pytest.raises(UsageError, match="does not tell the automaton's state"):
        model.run(text, engine="network", output="states")
    with pytest.raises(UsageError, match="carries no language"):
        Model.of(model.config, dict(model.named_parameters())).run(text)
