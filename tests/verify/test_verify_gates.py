"""Models with signed, column-one-hot and complex gates: proved both ways, mutants caught, lengths of rotations that round."""

import random
from types import MappingProxyType

import pytest
import torch

from ssmc.alphabet import Alphabet
from ssmc.automaton import DEAD, Automaton
from ssmc.cascade import check_cascade
from ssmc.cascade.ir import HOLD, TOGGLE, Action, Cascade, Component, Images, Output, Readout, overwrite
from ssmc.compile import compile_language
from ssmc.errors import VerificationError
from ssmc.languages import language_of, read_language
from ssmc.nn import Model
from ssmc.targets import DTYPES, lower
from ssmc.targets.soundness import check_soundness
from ssmc.targets.soundness_gates import proved_length
from ssmc.verify import prove, states_along

torch.set_num_threads(1)

NO, YES = Output(False, ()), Output(True, ())


def one_component(automaton, kind):
    """The cascade of a complete automaton with a single component whose values are the states; recognise mode."""
    size = automaton.states
    table = {}
    for c in range(automaton.classes):
        images = tuple(row[c] for row in automaton.delta)
        if kind == "permutation":
            table[c,] = Images(images)
        elif len(set(images)) == 1:
            table[c,] = overwrite(images[0])
        else:
            shift = images[0]
            assert all((v + shift) % size == image for v, image in enumerate(images))
            table[c,] = Action(1, shift) if kind == "rotation" else (HOLD, TOGGLE)[shift]
    component = Component("state", kind, size, (), MappingProxyType(table))
    answers = {
        (c, q): int(row[c] in automaton.accepting)
        for q, row in enumerate(automaton.delta)
        for c in range(automaton.classes)
    }
    readout = Readout((0,), MappingProxyType(answers), (NO, YES), int(0 in automaton.accepting))
    cascade = Cascade(automaton, "recognise", (component,), readout)
    cascade.check()
    check_cascade(cascade)
    return cascade


CASES = {
    "parity": ("(b|ab*a)*", "ab", "swap", "native-signed"),
    "modulo 3": ("(b|ab*ab*a)*", "ab", "rotation", "native-pd"),
    "modulo 3, turned": ("(b|ab*ab*a)*", "ab", "rotation", "native-complex"),
    "modulo 4, turned": ("(aaaa)*", "a", "rotation", "native-complex"),
    "S_3 and a reset": (None, "abc", "permutation", "native-pd"),
}


def case(name):
    source, alphabet, kind, target = CASES[name]
    if source is None:
        # an exchange, a cycle, a constant
        rows = [[1, 1, 2], [0, 2, 2], [2, 0, 2]]
        automaton = Automaton.from_table(Alphabet.tokens(alphabet), rows, 0, [0])
    else:
        automaton = language_of(source, alphabet=alphabet).automaton
    return automaton, one_component(automaton, kind), target


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(CASES))
def test_both_proofs(name, dtype):
    automaton, cascade, target = case(name)
    weights = lower(cascade, target, dtype)
    model = Model.of(weights.config, weights.tensors)
    certificates = [prove(model, automaton, cascade, proof=proof) for proof in ("product", "compositional")]
    assert {certificate.product_states for certificate in certificates} == {automaton.states}
    exact = name != "modulo 3, turned"
    assert {certificate.up_to is None for certificate in certificates} == {exact}
    assert proved_length(weights.config, weights.tensors) == certificates[0].up_to


@pytest.mark.parametrize("name", sorted(CASES))
@torch.no_grad()
def test_a_long_word(name):
    automaton, cascade, target = case(name)
    weights = lower(cascade, target)
    model = Model.of(weights.config, weights.tensors)
    word = torch.randint(automaton.alphabet.size, (100_003,), generator=torch.Generator().manual_seed(1))
    states = torch.from_numpy(states_along(automaton, word.tolist())[1:])
    logits, _ = model(word[None])
    accepting = torch.tensor([q in automaton.accepting for q in range(automaton.states)])
    assert torch.equal(logits[0, :, 0], torch.where(accepting[states], 128.0, -128.0))


def mutants(weights, count, seed):
    """`count` models with one weight changed by 1, in sign, or to zero."""
    rng = random.Random(seed)
    sizes = {name: tensor.numel() for name, tensor in weights.tensors.items() if tensor.numel()}
    while count:
        name = rng.choice(list(sizes))
        place = rng.randrange(sizes[name])
        tensor = weights.tensors[name].clone()
        flat = tensor.view(-1)
        before = flat[place].item()
        flat[place] = rng.choice([before + 1, before - 1, -before, 0.0, before * 1.001])
        if flat[place].item() != before:
            count -= 1
            yield (
                f"{name}[{place}] {before:g} -> {flat[place].item():g}",
                Model.of(weights.config, {**weights.tensors, name: tensor}),
            )


@torch.no_grad()
def said(model, word):
    return model(torch.tensor([word]))[0][0, :, 0].tolist()


@pytest.mark.parametrize("name", sorted(CASES))
def test_mutants_are_caught_or_equal(name):
    automaton, cascade, target = case(name)
    weights = lower(cascade, target)
    caught, survivors = 0, []
    for label, model in mutants(weights, 60, len(name)):
        verdicts = []
        for proof in ("product", "compositional"):
            try:
                prove(model, automaton, cascade, proof=proof, limit=2_000)
                verdicts.append(True)
            except VerificationError:
                verdicts.append(False)
        assert verdicts[0] or not verdicts[1], label
        caught += not verdicts[0]
        if verdicts[0]:
            survivors.append((label, model))
    rng = random.Random(0)
    for label, model in survivors:
        word = [rng.randrange(automaton.alphabet.size) for _ in range(300)]
        states = states_along(automaton, word)[1:]
        assert said(model, word) == [128.0 if q in automaton.accepting else -128.0 for q in states], label
    assert caught >= 0.85 * 60, [label for label, _ in survivors]


def test_a_gate_off_its_root_is_refused():
    automaton, cascade, target = case("modulo 3, turned")
    weights = lower(cascade, target)
    name = "blocks.0.turn.weight"
    for change in (1e-5, 1e-3):
        tensors = {**weights.tensors, name: weights.tensors[name] + change}
        with pytest.raises(VerificationError, match="no root of unity"):
            prove(Model.of(weights.config, tensors), automaton, cascade)


def test_a_matrix_with_two_ones_in_a_column_is_refused():
    _, cascade, target = case("S_3 and a reset")
    weights = lower(cascade, target)
    tensors = {
        **weights.tensors,
        "blocks.0.columns.bias": weights.tensors["blocks.0.columns.bias"].index_fill(0, torch.tensor([1]), 1),
    }
    with pytest.raises(VerificationError, match="column-one-hot"):
        check_soundness(weights.config, tensors)


@pytest.mark.parametrize(
    ("name", "target"), [("tomita-3", "native-signed"), ("tomita-3", "native-pd"), ("(aaa)*b", "native-complex")]
)
@torch.no_grad()
def test_garbage_after_an_error_is_rejected(name, target):
    """An illegal prefix, then a quarter of a million random symbols: every answer is no, and the states stay what they may be."""
    language = language_of(name, alphabet="ab") if "*" in name else read_language(name)
    compiled = compile_language(language, target=target)
    automaton, model = compiled.cascade.automaton, compiled.model
    generator = torch.Generator().manual_seed(3)
    word = torch.randint(automaton.alphabet.size, (250_000,), generator=generator)
    states = states_along(automaton, word.tolist())
    first = int((states == DEAD).argmax())
    assert 0 < first < 1_000
    seen = []
    for block in model.blocks:
        block.register_forward_hook(lambda _module, _input, scanned: seen.append(scanned.states.abs().amax()))
    logits, _ = model(word[None])
    assert (logits[0, first - 1 :, 0] == -128).all()
    assert max(seen) <= 1.001
