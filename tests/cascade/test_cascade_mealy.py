"""The Mealy machine against the automaton, word by word."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from test_cascade_decompose import automata, table_automaton

from ssmc.automaton import DEAD, Automaton
from ssmc.cascade.check import expected_output
from ssmc.cascade.mealy import UNKNOWN, mealy_machine


@settings(max_examples=150, deadline=None)
@given(automata(), st.sampled_from(["recognise", "predict"]), st.booleans(), st.data())
def test_outputs_after_every_word(automaton: Automaton, mode: str, sink: bool, data: st.DataObject) -> None:
    if not automaton.states:
        return
    machine = mealy_machine(automaton, mode, sink=sink and mode == "recognise")
    assert machine.system.states <= automaton.complete_states
    assert machine.outputs[machine.initial] == expected_output(automaton, mode, 0)
    state, q = 0, 0
    for x in data.draw(st.lists(st.integers(0, automaton.classes - 1), max_size=10)):
        after = automaton.delta[state][x] if state != DEAD else DEAD
        outcome = machine.outcomes[q][x]
        if after == DEAD and mode == "predict":
            assert outcome == UNKNOWN
            return
        assert machine.outputs[outcome] == expected_output(automaton, mode, after)
        state, q = after, machine.system.columns[x][q]
        if q == DEAD:
            assert after == DEAD
            return


def test_the_last_symbol_need_not_be_remembered() -> None:
    third_from_end = table_automaton([[2 * q % 8 + 1, 2 * q % 8] for q in range(8)], {4, 5, 6, 7})
    assert third_from_end.states == 8
    assert mealy_machine(third_from_end, "recognise").system.states == 4
