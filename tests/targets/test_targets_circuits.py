"""Circuits against the cascades they come from: features computed one by one in integers, on random cascades with every kind of register."""

from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cascades import automaton, keys

from ssmc.cascade.ir import HOLD, TOGGLE, Cascade, Component, Output, Readout, overwrite
from ssmc.errors import InvariantError
from ssmc.targets import deltanet, gla, recurrentgemma, rwkv6
from ssmc.targets.circuit import Block, Circuit, Event, Gate, Register
from ssmc.targets.circuits import Traits, plan_circuit

TRAITS = {
    "recurrentgemma": recurrentgemma.TRAITS,
    "gla": gla.TRAITS,
    "rwkv6": rwkv6.TRAITS,
    "deltanet": deltanet.TRAITS,
    "nothing late": Traits(taps=2, lagged=frozenset()),
}


@st.composite
def cascades(draw):
    """Windows, resets and swaps with total random tables."""
    classes = draw(st.integers(1, 3))
    base = automaton(classes, classes + draw(st.integers(0, 1)))
    components = []
    for k in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["reset", "reset", "swap", "window"]))
        below = [j for j in range(k) if kind != "window" or components[j].kind == "window"]
        reads = tuple(sorted(draw(st.sets(st.sampled_from(below), max_size=2)) if below else ()))
        size = 2 if kind == "swap" else draw(st.sampled_from([2, 3, 4]))
        writes = [overwrite(v) for v in range(size)]
        choices = {"reset": [HOLD, HOLD, *writes], "swap": [HOLD, TOGGLE, TOGGLE, *writes], "window": writes}[kind]
        if kind == "swap" and draw(st.booleans()):
            choices = [HOLD, TOGGLE]
        table = {key: draw(st.sampled_from(choices)) for key in keys(classes, components, reads)}
        if kind == "window" and reads:
            # a chain: a function of one earlier symbol
            reads = reads[:1]
            image = {v: draw(st.sampled_from(writes)) if v else overwrite(0) for v in components[reads[0]].values}
            table = {(c, v): image[v] for c in range(classes) for v in image}
        components.append(Component(f"c{k}", kind, size, reads, MappingProxyType(table)))
    reads = tuple(sorted(draw(st.sets(st.sampled_from(range(len(components))), max_size=3)) if components else ()))
    outputs = [Output(False, ()), Output(True, (0,)), Output(True, tuple(range(classes)))]
    readout = {key: draw(st.integers(0, 2)) for key in keys(classes, components, reads)}
    cascade = Cascade(
        base, "predict", tuple(components), Readout(reads, MappingProxyType(readout), tuple(outputs), draw(st.integers(0, 2)))
    )  # fmt: skip
    cascade.check()
    return cascade


def bits(output, classes):
    return [int(output.accepting), *(int(c in output.legal) for c in range(classes))]


@settings(max_examples=60, deadline=None)
@given(cascades(), st.sampled_from(sorted(TRAITS)), st.data())
def test_a_circuit_says_what_its_cascade_says(cascade, name, data):
    classes = cascade.automaton.classes
    circuit = plan_circuit(cascade, TRAITS[name])
    word = data.draw(st.lists(st.integers(0, classes - 1), max_size=12))
    expected, values = [], cascade.initial
    for x in word:
        expected.append(bits(cascade.output(values, x), classes))
        values = cascade.step(values, x)
    assert circuit.run(word) == expected
    assert list(circuit.initial) == bits(cascade.readout.outputs[cascade.readout.initial], classes)
    # a token that is no symbol changes nothing, wherever it stands before the word
    assert circuit.run([None, *word])[1:] == expected


def test_large_registers_are_split():
    register = Register("r", (5, 6, 7), (Event(1, 0), Event(2, 2), Event(3, None)))
    assert register.split(2) == [
        Register("r", (5, 6), (Event(1, 0), Event(2, None), Event(3, None))),
        Register("r", (7,), (Event(1, None), Event(2, 0), Event(3, None))),
    ]


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([Block((Register("r", (3,), (Event(2, 0),)),), ())], "a register reads b too early"),
        (
            [Block((Register("r", (2,), (Event(1, 0),)), Register("q", (2,), ())), ())],
            "two registers write one feature",
        ),
        ([Block((), (Gate("g", 0, ((3, 1),), ((2, 1),)),))], "a gate reads c too early"),
        ([Block((), (Gate("g", 0, (), ((1, 1),)),))], "a written twice"),
        ([Block((), ())], "differ before any symbol"),
    ],
)
def test_broken_circuits_are_refused(blocks, message):
    circuit = Circuit(("always", "a", "b", "c"), {1: 1}, frozenset(), tuple(blocks), (3, 3), (0, 1), ())
    with pytest.raises(InvariantError, match=message):
        circuit.check()
