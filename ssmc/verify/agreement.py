"""Long words through a model, every position compared with the automaton: what a proof says, seen at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.automaton import DEAD
from ssmc.errors import InputError

if TYPE_CHECKING:
    import random

    import torch
    from numpy.typing import NDArray

    from ssmc.automaton import Automaton
    from ssmc.nn.model import Model

CHUNK = 1 << 16
"""Positions whose logits are compared at a time."""


def live_walk(automaton: Automaton, length: int, rng: random.Random) -> list[int]:
    """A random walk over live states that can be continued for ever: each next class, then each symbol of it, equally likely.

    Raises:
        InputError: the language is finite, so no walk is that long.
    """
    lasting = _lasting(automaton)
    choices = [[c for c in row if automaton.delta[q][c] in lasting] for q, row in enumerate(automaton.live_classes)]
    symbols: list[list[int]] = [[] for _ in range(automaton.classes)]
    for symbol, c in enumerate(automaton.alphabet.classes):
        symbols[c].append(symbol)
    if 0 not in lasting:
        raise InputError("the language is finite, so there is no long walk")
    word, state = [], 0
    for _ in range(length):
        c = rng.choice(choices[state])
        word.append(rng.choice(symbols[c]))
        state = automaton.delta[state][c]
    return word


def with_error(automaton: Automaton, word: list[int], rng: random.Random) -> list[int] | None:
    """The word with one illegal symbol at a random place in its second half, and random symbols after it.

    None where the language has no illegal symbol there.
    """
    states = states_along(automaton, word)
    places = list(range(len(word) // 2, len(word)))
    rng.shuffle(places)
    classes = automaton.alphabet.classes
    for place in places:
        state = int(states[place])
        wrong = [s for s, c in enumerate(classes) if automaton.delta[state][c] == DEAD]
        if wrong:
            rest = [rng.randrange(len(classes)) for _ in range(len(word) - place - 1)]
            return [*word[:place], rng.choice(wrong), *rest]
    return None


def states_along(automaton: Automaton, word: list[int]) -> NDArray[np.int64]:
    """(len(word) + 1,): the state before each symbol and after the last; `DEAD` once it is."""
    states = np.full(len(word) + 1, DEAD, dtype=np.int64)
    classes, state = automaton.alphabet.classes, 0 if automaton.states else DEAD
    for i, symbol in enumerate(word):
        states[i] = state
        if state == DEAD:
            break
        state = automaton.delta[state][classes[symbol]]
    else:
        states[-1] = state
    return states


def answers(automaton: Automaton, mode: str) -> NDArray[Any]:
    """(states + 1, outputs) bool: what the language asks for after a prefix, by state; the last row is that of `DEAD`."""
    accepting = np.zeros((automaton.states + 1, 1 + automaton.pattern_count), dtype=bool)
    for i, final in enumerate((automaton.accepting, *automaton.patterns)):
        accepting[sorted(final), i] = True
    if mode == "recognise":
        return accepting
    after = np.array([*automaton.delta, (DEAD,) * automaton.classes], dtype=np.int64)
    legal = after.reshape(automaton.states + 1, automaton.classes) != DEAD
    return np.concatenate([accepting, legal[:, np.array(automaton.alphabet.classes, dtype=np.int64)]], axis=1)


def count_errors(model: Model, automaton: Automaton, states: NDArray[np.int64], logits: torch.Tensor) -> int:
    """The positions at which a logit is not exactly the one that the language asks for.

    Args:
        model: what made the logits.
        automaton: the language.
        states: (T + 1,): those of `states_along` for the input; in predict mode a live prefix.
        logits: (T, outputs).
    """
    import torch

    table = np.where(answers(automaton, model.config["mode"]), 128.0, -128.0)
    exact = torch.from_numpy(table).to(logits.dtype).to(logits.device)
    after = torch.from_numpy(states[1:]).to(logits.device)
    wrong = 0
    for start in range(0, len(after), CHUNK):
        part = slice(start, start + CHUNK)
        wrong += int((logits[part] != exact[after[part]]).any(dim=-1).sum())
    return wrong


def _lasting(automaton: Automaton) -> set[int]:
    """The states from which there are arbitrarily long live words."""
    left = set(range(automaton.states))
    while True:
        stuck = {q for q in left if not left & set(automaton.delta[q])}
        if not stuck:
            return left
        left -= stuck
