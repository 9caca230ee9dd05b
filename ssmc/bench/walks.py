"""Inputs to measure on: walks over the live states of an automaton, so that models do what they do on words."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.automaton import Automaton

WALK = 1 << 13
"""Symbols of a random walk that a longer text repeats a part of."""


def live_walk(automaton: Automaton, length: int, seed: int = 0) -> tuple[list[int], list[int]]:
    """A random walk over live states: symbols, and the state after each; where no symbol is live, any symbol, and `DEAD`.

    Args:
        automaton: the language, with one symbol at least.
        length: the number of symbols.
        seed: of the random numbers.
    """
    rng = random.Random(seed)  # noqa: S311
    representatives = automaton.alphabet.representatives
    symbols, states = [], []
    state = 0 if automaton.states else DEAD
    for _ in range(length):
        live = automaton.live_classes[state] if state != DEAD else ()
        c = rng.choice(live) if live else 0
        state = automaton.delta[state][c] if live else DEAD
        symbols.append(representatives[c])
        states.append(state)
    return symbols, states


def live_text(automaton: Automaton, length: int, seed: int = 0) -> NDArray[np.int32]:
    """A live text of any length: a random walk, its longest part from some state back to that state repeated.

    Args:
        automaton: the language, with one symbol at least.
        length: the number of symbols.
        seed: of the random numbers.
    """
    symbols, states = live_walk(automaton, min(length, WALK), seed)
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for place, state in enumerate([0 if automaton.states else DEAD, *states]):
        first.setdefault(state, place)
        last[state] = place
    state = max(first, key=lambda q: (last[q] - first[q], -q))
    text = np.array(symbols, np.int32)
    begin, end = first[state], last[state]
    if length <= len(text) or begin == end:
        more = np.full(max(0, length - len(text)), symbols[-1] if symbols else 0, np.int32)
    else:
        text, more = text[:begin], np.tile(text[begin:end], -(-(length - begin) // (end - begin)))
    long: NDArray[np.int32] = np.concatenate([text, more])
    return long[:length]
