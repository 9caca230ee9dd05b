"""The fast path's tables compute the language of the automaton that they came from."""

import numpy as np
import pytest
import torch

from ssmc.cascade import decompose
from ssmc.errors import NotStarFreeError
from ssmc.kernels.dfa import run_walk
from ssmc.kernels.lanes import run_lanes
from ssmc.kernels.lower import build_automaton
from ssmc.kernels.machine import BitMachine, run_naive
from ssmc.kernels.wide import build_columns, run_columns
from ssmc.languages import read_language, shipped_grammars
from ssmc.targets.fast import describe, lower_automaton, lower_bits

NAMES = sorted(path.stem for path in shipped_grammars())
torch.set_num_threads(1)


def words(automaton: object, length: int, seed: int) -> np.ndarray:
    """Random walks over live states with a rare error, one walk a row: purely random symbols die at once."""
    rng = np.random.default_rng(seed)
    rows = []
    classes = [automaton.alphabet.class_of(x) for x in range(automaton.alphabet.size)]
    for row in range(3):
        state, word = 0, []
        for _ in range(length):
            live = [x for x, c in enumerate(classes) if state >= 0 and automaton.delta[state][c] >= 0]
            wild = not live or (row == 1 and rng.random() < 0.01)
            x = int(rng.integers(len(classes))) if wild else int(rng.choice(live))
            word.append(x)
            state = automaton.delta[state][classes[x]] if state >= 0 else -1
        rows.append(word)
    return np.array(rows, np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_every_engine_agrees_with_the_automaton(name: str) -> None:
    automaton = read_language(name).automaton
    if automaton.states == 0:
        pytest.skip("the empty language has no walk")
    text = words(automaton, 400, 3)
    expected = np.array([[automaton.accepts(row[: t + 1]) for t in range(0, 400, 37)] for row in text.tolist()])
    table = lower_automaton(automaton)
    outputs, _ = run_walk(table, torch.from_numpy(text))
    assert np.array_equal(outputs.numpy()[:, ::37], expected)
    try:
        cascade = decompose(automaton, "recognise")
    except NotStarFreeError:
        return  # the automaton's table is the only engine
    machine = lower_bits(cascade)
    assert isinstance(machine, BitMachine)
    lanes, states = run_lanes(machine, torch.from_numpy(text), chunk=32)
    assert torch.equal(lanes, outputs)
    for row, last in zip(text, states.tolist(), strict=True):
        assert run_naive(machine, row)[1] == last & 0xFFFFFFFFFFFFFFFF
    columns, _ = run_columns(build_columns(describe(automaton, cascade)), torch.from_numpy(text))
    assert torch.equal(columns, outputs.int())


@pytest.mark.parametrize("name", ["abcde", "aacc", "dyck-2-3", "flip-flop-bits", "tomita-7"])
def test_predict_mode_is_the_automaton_until_the_first_illegal_symbol_and_silent_after_it(name: str) -> None:
    automaton = read_language(name).automaton
    cascade = decompose(automaton, "predict")
    described = describe(automaton, cascade)
    text = words(automaton, 300, 5)
    text[2] = np.random.default_rng(1).integers(0, automaton.alphabet.size, 300)
    table = build_automaton(described)
    outcomes, _ = run_walk(table, torch.from_numpy(text))
    rows = described.outcomes[outcomes.numpy()]
    classes = automaton.alphabet.classes
    for row, said in zip(text.tolist(), rows, strict=True):
        state = 0
        for x, answer in zip(row[:60], said, strict=False):
            state = automaton.delta[state][classes[x]] if state >= 0 else -1
            legal = [state >= 0 and automaton.delta[state][c] >= 0 for c in classes]
            assert answer.tolist() == [state in automaton.accepting, *legal]
    machine = lower_bits(cascade)
    assert isinstance(machine, BitMachine)
    assert torch.equal(run_lanes(machine, torch.from_numpy(text))[0], outcomes)
    assert torch.equal(run_columns(build_columns(described), torch.from_numpy(text))[0], outcomes.int())
