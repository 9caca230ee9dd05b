"""Cascades made by hand, with known automata: sizes as expected, proved both ways."""

from types import MappingProxyType

import pytest
import torch

from ssmc.alphabet import Alphabet
from ssmc.automaton import DEAD, Automaton
from ssmc.cascade import check_cascade
from ssmc.cascade.ir import HOLD, Action, Cascade, Component, Output, Readout, overwrite
from ssmc.errors import TargetError, UsageError
from ssmc.nn import Model
from ssmc.targets import DTYPES, lower
from ssmc.targets.weights import LIMITS
from ssmc.verify import prove

torch.set_num_threads(1)

NO, YES = Output(False, ()), Output(True, ())


def made(automaton, mode, components, reads, table, outputs, initial):
    components = tuple(
        Component(**{"depends_on": (), **part, "table": MappingProxyType(part["table"])}) for part in components
    )
    cascade = Cascade(automaton, mode, components, Readout(reads, MappingProxyType(table), tuple(outputs), initial))
    cascade.check()
    check_cascade(cascade)
    return cascade


def flip_flop():
    """w0 w1 i r0 r1, predict: one bit; before the first write no read (value 0: nothing written)."""
    alphabet = Alphabet.tokens(["w0", "w1", "i", "r0", "r1"])
    rows = [[1, 2, 0, DEAD, DEAD], [1, 2, 1, 1, DEAD], [1, 2, 2, DEAD, 2]]
    automaton = Automaton.from_table(alphabet, rows, 0, [0, 1, 2])
    memory = {"name": "bit", "kind": "reset", "size": 3, "table": {(0,): overwrite(1), (1,): overwrite(2), (2,): HOLD}}
    memory["table"] |= {(3,): HOLD, (4,): HOLD}
    outputs = [Output(True, tuple(c for c in range(5) if row[c] != DEAD)) for row in rows]
    table = {(x, v): rows[v][x] for v in range(3) for x in range(5) if rows[v][x] != DEAD}
    return made(automaton, "predict", [memory], (0,), table, outputs, 0)


def ordered():
    """a*b*c*, recognise: how far the word has come, and the latch."""
    rows = [[0, 1, 2], [DEAD, 1, 2], [DEAD, DEAD, 2]]
    automaton = Automaton.from_table(Alphabet.tokens("abc"), rows, 0, [0, 1, 2])
    stage = {"name": "stage", "kind": "reset", "size": 3, "table": {}}
    stage["table"] = {(0,): HOLD, (2,): overwrite(2)}
    # b after c is an error, so what the stage does there is free, but the table needs the reachable values only
    stage["table"] = {(0,): HOLD, (1,): overwrite(1), (2,): overwrite(2)}
    latch = {"name": "latch", "kind": "reset", "size": 2, "latch": True, "depends_on": (0,)}
    latch["table"] = {(x, v): overwrite(1) if rows[v][x] == DEAD else HOLD for x in range(3) for v in range(3)}
    table = {(x, v, 0): int(rows[v][x] != DEAD) for x in range(3) for v in range(3)}
    table |= {(x, v, 1): 0 for x in range(3) for v in range(3)}
    return made(automaton, "recognise", [stage, latch], (0, 1), table, [NO, YES], 1)


def counter(depth):
    """D_depth, predict: one counter."""
    rows = [[q + 1 if q < depth else DEAD, q - 1 if q else DEAD] for q in range(depth + 1)]
    automaton = Automaton.from_table(Alphabet.tokens("ab"), rows, 0, [0])
    count = {"name": "depth", "kind": "counter", "size": depth + 1, "table": {(0,): Action(1, 1), (1,): Action(1, -1)}}
    outputs = [Output(q == 0, tuple(x for x in (0, 1) if rows[q][x] != DEAD)) for q in (0, 1, depth)]
    table = {
        (x, q): (0 if r == 0 else 2 if r == depth else 1)
        for q in range(depth + 1)
        for x in (0, 1)
        if (r := rows[q][x]) != DEAD
    }
    return made(automaton, "predict", [count], (0,), table, outputs, 0)


def leap(distance):
    """(a b^(distance-1))*, b*: a leaps, every b comes one nearer; a counter with a large increment."""
    rows = [[distance - 1, DEAD], *([DEAD, q - 1] for q in range(1, distance))]
    automaton = Automaton.from_table(Alphabet.tokens("ab"), rows, 0, [0])
    order = {q: i for i, q in enumerate(_numbering(rows))}
    count = {"name": "left", "kind": "counter", "size": distance}
    count["table"] = {(0,): Action(1, distance - 1), (1,): Action(1, -1)}
    outputs = [Output(True, (0,)), Output(False, (1,))]
    assert len(order) == automaton.states
    table = {(x, q): int(rows[q][x] != 0) for q in range(distance) for x in (0, 1) if rows[q][x] != DEAD}
    return made(automaton, "predict", [count], (0,), table, outputs, 0)


def _numbering(rows):
    seen = [0]
    for q in seen:
        seen += [r for r in rows[q] if r != DEAD and r not in seen]
    return seen


def chain():
    """Three-valued resets, each reading the one below: who was last, who was last when that changed."""
    states, rows = [(0, 0)], []
    for values in states:
        row = []
        for x in range(3):
            after = (x, values[0] if x != values[0] else values[1])
            if after not in states:
                states.append(after)
            row.append(states.index(after))
        rows.append(row)
    accepting = [i for i, (u, v) in enumerate(states) if (v - u) % 3 == 1]
    automaton = Automaton.from_table(Alphabet.tokens("xyz"), rows, 0, accepting)
    last = {"name": "last", "kind": "reset", "size": 3, "table": {(x,): overwrite(x) for x in range(3)}}
    before = {"name": "before", "kind": "reset", "size": 3, "depends_on": (0,)}
    before["table"] = {(x, v): HOLD if x == v else overwrite(v) for x in range(3) for v in range(3)}
    table = {}
    for u, v in states:
        for x in range(3):
            after = (x, u if x != u else v)
            table[x, u, v] = int(states.index(after) in accepting)
    return made(automaton, "recognise", [last, before], (0, 1), table, [NO, YES], int(0 in accepting))


def tail():
    """Words that end in aab, by two windows; no scan at all."""
    rows = [[1, 0], [2, 0], [2, 3], [1, 0]]
    automaton = Automaton.from_table(Alphabet.tokens("ab"), rows, 0, [3])
    one = {"name": "x[-1]", "kind": "window", "size": 2, "table": {(0,): overwrite(1), (1,): overwrite(0)}}
    two = {"name": "x[-2]", "kind": "window", "size": 2, "depends_on": (0,)}
    two["table"] = {(x, v): overwrite(v) for x in (0, 1) for v in (0, 1)}
    table = {(x, u, v): int((x, u, v) == (1, 1, 1)) for x in (0, 1) for u in (0, 1) for v in (0, 1)}
    return made(automaton, "recognise", [one, two], (0, 1), table, [NO, YES], 0)


HAND = {
    "flip-flop": (flip_flop, 1, 2, 1),
    "a*b*c*": (ordered, 2, 3, 1),
    "D_3": (lambda: counter(3), 1, 1, 1),
    "D_300": (lambda: counter(300), 1, 1, 1),
    "leap": (lambda: leap(9), 1, 1, 1),
    "chain": (chain, 2, 4, 1),
    "tail": (tail, 0, 0, 3),
}


@pytest.mark.parametrize("name", HAND)
@pytest.mark.parametrize("dtype", DTYPES)
def test_hand_made_cascades_are_proved(name, dtype):
    make, layers, channels, width = HAND[name]
    cascade = make()
    weights = lower(cascade, dtype=dtype)
    model = Model.of(weights.config, weights.tensors)
    assert (len(model.blocks), sum(model.channels), model.conv_width) == (layers, channels, width)
    product = prove(model, cascade.automaton, cascade, proof="product")
    parts = prove(model, cascade.automaton, cascade, proof="compositional")
    assert product.max_magnitude == parts.max_magnitude <= LIMITS[dtype]
    assert product.scan_magnitude == parts.scan_magnitude < LIMITS["float32"]
    if name == "D_300":
        # from 0 to 300 and back
        assert product.scan_magnitude == 301
    assert (product.lengths, product.dtype) == ("all", dtype)


def test_the_paper_flip_flop_in_numbers():
    weights = lower(flip_flop())
    names = weights.names
    assert names["blocks.0.units"] == ["x in {w0}", "x in {w1}"]
    assert names["blocks.0.channels"] == ["bit = 1", "bit = 2"]
    assert weights.tensors["blocks.0.gate.weight"].tolist() == [[-1, -1], [-1, -1]]
    assert weights.tensors["blocks.0.gate.bias"].tolist() == [1, 1]
    assert weights.tensors["blocks.0.increment.weight"].tolist() == [[1, 0], [0, 1]]
    assert names["outputs"] == ["accept", "next w0", "next w1", "next i", "next r0", "next r1"]


def test_a_counter_needs_two_units_whatever_its_range():
    weights = lower(counter(300))
    assert weights.config["blocks"][0]["units"] == 2
    assert weights.names["blocks.0.features"] == ["depth > 0", "depth > 1", "depth > 298", "depth > 299"]


def test_unknown_targets_dtypes_and_kinds():
    with pytest.raises(UsageError, match="unknown target 'abacus'"):
        lower(counter(2), "abacus")
    with pytest.raises(UsageError, match="unknown dtype 'float8'"):
        lower(counter(2), dtype="float8")
    cascade = counter(2)
    swap = Component(**{**vars(cascade.components[0]), "kind": "swap"})
    with pytest.raises(TargetError, match="no component of kind 'swap'"):
        lower(Cascade(cascade.automaton, "predict", (swap,), cascade.readout))


def test_large_values_get_binary_codes_where_that_is_cheaper():
    alphabet = Alphabet.tokens([f"s{i}" for i in range(17)])
    automaton = Automaton(alphabet, ((0,) * 17,), frozenset({0}))
    last = {
        "name": "last",
        "kind": "reset",
        "size": 16,
        "table": {(x,): overwrite(x) for x in range(16)} | {(16,): HOLD},
    }
    table = {(x, v): int((v if x == 16 else x) == 15) for x in range(17) for v in range(16)}
    cascade = Cascade(
        automaton,
        "recognise",
        (Component(**{"depends_on": (), **last, "table": MappingProxyType(last["table"])}),),
        Readout((0,), MappingProxyType(table), (NO, YES), 0),
    )
    cascade.check()
    weights = lower(cascade)
    assert weights.config["components"][0]["channels"] == 4
    assert weights.names["blocks.0.channels"] == [f"last bit {i}" for i in range(4)]
