"""Slow and obvious versions of the algorithms of `ssmc.algebra`, and the automata to compare them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from ssmc.automaton import DEAD, Alphabet, Automaton

if TYPE_CHECKING:
    from collections.abc import Sequence


def automaton_of(rows: Sequence[Sequence[int]], accepting: Sequence[int], initial: int = 0) -> Automaton:
    names = [chr(97 + c) for c in range(len(rows[0]))]
    return Automaton.from_table(Alphabet.tokens(names), rows, initial, accepting)


@st.composite
def automata(draw: st.DrawFn, max_states: int = 6, max_letters: int = 3) -> Automaton:
    states = draw(st.integers(1, max_states))
    letters = draw(st.integers(1, max_letters))
    target = st.integers(draw(st.sampled_from([DEAD, 0])), states - 1)
    rows = draw(st.lists(st.lists(target, min_size=letters, max_size=letters), min_size=states, max_size=states))
    accepting = draw(st.lists(st.integers(0, states - 1), unique=True))
    return automaton_of(rows, accepting)


def slow_monoid(automaton: Automaton) -> list[tuple[int, ...]]:
    """The transition monoid on the complete automaton, the sink being the last state."""
    sink = automaton.states
    letters = [(*tuple(sink if r == DEAD else r for r in column), sink) for column in automaton.columns]
    elements = [tuple(range(sink + 1))]
    for element in elements:
        for letter in letters:
            product = tuple(letter[q] for q in element)
            if product not in elements:
                elements.append(product)
    return elements


def slow_period(element: tuple[int, ...]) -> int:
    """The period of k -> element^k."""
    powers = []
    power = element
    while power not in powers:
        powers.append(power)
        power = tuple(element[q] for q in power)
    return len(powers) - powers.index(power)
