"""Bounded Dyck languages by rule: the automaton against its table, the cascade by induction and by product, the weights, the large one at work."""

import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import DEAD, Automaton
from ssmc.cascade import check_cascade
from ssmc.cascade.cases import Case, Cases
from ssmc.cascade.ir import HOLD, Cascade, overwrite
from ssmc.cascade.stack import check_stack_cascade, stack_cascade
from ssmc.compile import compile_language, write_model
from ssmc.dyck import BoundedDyck, bracket_names
from ssmc.errors import InputError, InvariantError, LimitError, VerificationError
from ssmc.languages import read_language
from ssmc.languages.grammar import bounded_dyck
from ssmc.languages.limits import Budget
from ssmc.nn import Model
from ssmc.targets import lower
from ssmc.verify import prove

torch.set_num_threads(1)
SMALL = [(1, 1), (1, 4), (2, 1), (2, 3), (3, 2), (4, 3), (5, 2)]
MODES = ["predict", "recognise"]


@pytest.mark.parametrize(("kinds", "depth"), SMALL)
def test_the_table_is_that_of_the_explicit_automaton(kinds, depth):
    names = bracket_names(kinds)
    ruled, explicit = BoundedDyck(names, depth), bounded_dyck(names, depth, Budget())
    explicit.check()
    assert ruled.plain() == explicit
    assert ruled == explicit
    assert Automaton.from_json(ruled.to_json()) == explicit
    assert (ruled.states, ruled.complete_states) == (explicit.states, explicit.complete_states)
    assert not ruled.is_complete
    for state in range(ruled.states):
        assert ruled.number(ruled.stack(state)) == state
        assert ruled.legal(ruled.stack(state)) == explicit.live_classes[state]
        assert [ruled.after(state, x) for x in range(2 * kinds)] == list(explicit.delta[state])
    assert ruled.after(DEAD, 0) == DEAD


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("kinds", "depth"), SMALL)
def test_induction_and_product_agree(kinds, depth, mode):
    automaton = BoundedDyck(bracket_names(kinds), depth)
    cascade = stack_cascade(automaton, mode)
    cascade.check()
    assert check_stack_cascade(cascade) > 0
    assert check_cascade(cascade) >= automaton.states
    assert cascade.depth == (1 if kinds == 1 else 2) + (mode == "recognise")
    assert len(cascade.components) == 1 + depth * (kinds > 1) + (mode == "recognise")
    assert Cascade.from_json(cascade.to_json()).to_json() == cascade.to_json()
    # both proofs of the weights, the product over the explicit table
    weights = lower(cascade)
    model = Model.of(weights.config, weights.tensors)
    parts = prove(model, automaton, cascade, proof="compositional")
    product = prove(model, automaton.plain(), proof="product")
    assert parts.sha256 == product.sha256
    assert product.product_states >= automaton.states


def broken(cascade):
    """The cascade with one label of one table changed, in every place where there is another label."""
    for k, component in enumerate(cascade.components):
        if isinstance(component.table, Cases):
            tables = changed(component.table, [HOLD, overwrite(1)])
        else:
            values = [overwrite(v) for v in component.values] + [HOLD] if k else []
            tables = (
                {**component.table, key: v} for key in component.table for v in values if component.table[key] != v
            )
        for table in tables:
            parts = [*cascade.components]
            parts[k] = replace(component, table=table)
            yield replace(cascade, components=tuple(parts))
    for table in changed(cascade.readout.table, range(len(cascade.readout.outputs))):
        yield replace(cascade, readout=replace(cascade.readout, table=table))


def changed(table, labels):
    for head, case in table.cases.items():
        for value, label in case.labels.items():
            for other in labels:
                if other != label:
                    yield Cases(table.ranges, {**table.cases, head: Case(case.place, {**case.labels, value: other})})


@pytest.mark.parametrize("mode", MODES)
def test_the_induction_notices_every_error_that_the_product_notices(mode):
    """Changed tables of Dyck(2, 3): the induction accepts none that the exploration of all states refuses."""
    automaton = BoundedDyck(bracket_names(2), 3)
    tried = refused = 0
    for wrong in broken(stack_cascade(automaton, mode)):
        tried += 1
        try:
            check_cascade(wrong)
        except (VerificationError, LimitError):
            refused += 1
            with pytest.raises(VerificationError):
                check_stack_cascade(wrong)
    # the others change a register above the stack, which nothing reads before it is overwritten
    assert tried > refused > 60


def test_the_induction_notices_a_register_that_is_not_on_top():
    automaton = BoundedDyck(bracket_names(2), 4)
    cascade = stack_cascade(automaton, "predict")
    table = cascade.readout.table
    head = next(head for head, case in table.cases.items() if case.place == 4)
    moved = Cases(table.ranges, {**table.cases, head: Case(2, table.cases[head].labels)})
    wrong = replace(cascade, readout=replace(cascade.readout, table=moved))
    wrong.check()
    with pytest.raises(VerificationError, match="not one of the two on top"):
        check_stack_cascade(wrong)
    with pytest.raises(VerificationError, match="not a counter and registers"):
        check_stack_cascade(replace(cascade, components=cascade.components[:-1]))


def test_tables_of_cases():
    table = stack_cascade(BoundedDyck(bracket_names(2), 3), "predict").readout.table
    plain = dict(table)
    assert len(table) == len(plain) > table.entries
    assert all(table[key] == label for key, label in plain.items())
    for key in [(0, 9, 0, 0, 0), (0, 0, 0, 0), (3, 2, 0, 0, 5)]:
        assert key not in table
    assert set(table.keys_of_cases()) <= set(plain)
    large = stack_cascade(BoundedDyck(bracket_names(8), 10), "predict").readout.table
    assert len(large) > 8**10
    with pytest.raises(LimitError, match="cases"):
        next(iter(large))
    for bad in (
        Cases((), {}),
        Cases((range(2),), {(9, 0): Case(None, {None: 1})}),
        Cases((range(2),), {(0, 0): Case(3, {0: 1})}),
    ):
        with pytest.raises(InvariantError):
            bad.check(2)


@pytest.fixture(scope="module", params=MODES)
def large(request):
    return compile_language(read_language("dyck:8,10"), mode=request.param)


def adversarial(automaton, rng):
    """Full depth and back, every kind at every level, long shallow stretches between a bracket and its partner, and late errors."""
    kinds, depth = automaton.kinds, automaton.depth
    for shift in range(kinds):
        tower = [(shift + level * 3) % kinds for level in range(depth)]
        yield [*tower, *(kinds + kind for kind in reversed(tower))]
        yield [*tower, *(kinds + kind for kind in tower)]
        yield [*tower, shift]
        fill = [x for _ in range(60) for kind in [rng.randrange(kinds)] for x in (kind, kinds + kind)]
        yield [*tower[:-1], *fill, *(kinds + kind for kind in reversed(tower[:-1]))]
        yield [*tower[:-1], *fill, *(kinds + kind for kind in reversed(tower[1:]))]
    yield [kinds]


def walk(automaton, length, rng, error):
    """A random walk; with an error somewhere in it, anything follows."""
    stack, word = (), []
    place = rng.randrange(length) if error else length
    for t in range(length):
        choices = automaton.legal(stack) if t < place else range(2 * automaton.kinds)
        word.append(rng.choice(choices))
        stack = automaton.step(stack, word[-1]) if stack is not None else None
        stack = () if stack is None else stack
    return word


def test_the_large_one_at_work(large):
    automaton, model = large.cascade.automaton, large.model
    assert (automaton.states, large.certificate.proof) == (1_227_133_513, "compositional")
    kinds = [(part["kind"], part["values"], part["channels"]) for part in large.weights.config["components"]]
    predict = large.cascade.mode == "predict"
    assert kinds[0] == ("counter", 11, 1)
    if predict:
        assert kinds[1:] == [("reset", 8, 3)] * 10
        assert large.weights.shape.layers == 2
    rng = random.Random(5)
    words = [*adversarial(automaton, rng), *(walk(automaton, 300, rng, error) for error in (False, True) * 4)]
    for word in words:
        with torch.inference_mode():
            logits = model(torch.tensor([word]))[0][0]
        yes = (logits > 0).tolist()
        assert bool((logits.abs() == 128).all())
        stack = ()
        for symbol, said in zip(word, yes, strict=True):
            stack = None if stack is None else automaton.step(stack, symbol)
            if stack is None and predict:
                break
            legal = automaton.legal(stack) if predict else ()
            expected = [stack == (), *(x in legal for x in range(16 if predict else 0))]
            assert said == expected


def test_the_large_one_as_a_file(large, tmp_path):
    from ssmc.nn.formats import read_file
    from ssmc.verify import specification

    path = tmp_path / "dyck.pt"
    write_model(large, path)
    file = read_file(path)
    automaton, cascade = specification(file)
    assert automaton == large.cascade.automaton
    assert prove(file.build(), automaton, cascade) == large.certificate


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_a_flipped_weight_is_noticed(seed):
    automaton = BoundedDyck(bracket_names(3), 2, limit=5)  # too large for its table, by decree
    cascade = stack_cascade(automaton, "predict")
    weights = lower(cascade)
    rng = random.Random(seed)
    name = rng.choice([n for n, t in weights.tensors.items() if t.numel() and n != "blocks.0.threshold"])
    tensor = weights.tensors[name].clone()
    place = rng.randrange(tensor.numel())
    tensor.view(-1)[place] += rng.choice([-1, 1])
    model = Model.of(weights.config, {**weights.tensors, name: tensor})
    try:
        prove(model, automaton, cascade)
    except VerificationError:
        return
    # what the proofs accept must be right: the explicit product finds no difference
    prove(model, BoundedDyck(bracket_names(3), 2).plain(), proof="product")


def test_names_of_brackets_and_languages():
    assert bracket_names(2) == ("(", "[", ")", "]")
    assert bracket_names(5)[::5] == ("(a", "a)")
    assert len(set(bracket_names(40))) == 80
    for bad in ("dyck:0,3", "dyck:3,0", "dyck:2000,3"):
        with pytest.raises(InputError, match="dyck"):
            read_language(bad)
    with pytest.raises(InvariantError, match="depth"):
        BoundedDyck("()", 0)
    with pytest.raises(LimitError, match="state-limit"):
        read_language("dyck:8,10").automaton.require_table()
    with pytest.raises(LimitError, match="state-limit"):
        read_language("dyck:2,4", state_limit=20).automaton.require_table()
