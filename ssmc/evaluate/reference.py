"""What is right: for every state of the language its answer, and the states along a string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.dyck import BoundedDyck

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ssmc.automaton import Automaton


@dataclass(frozen=True)
class Reference:
    """The right answers of a language.

    Attributes:
        expected: (n + 1, 1 or 1 + symbols) bool: for each state whether it accepts, then whether each symbol may follow; the last row is that of `DEAD`.
        walk: from (B, T) symbols to (B, T + 1) rows of `expected`: the state before each symbol and after the last one.
    """

    expected: NDArray[np.bool_]
    walk: Callable[[NDArray[np.int64]], NDArray[np.int64]]

    @staticmethod
    def of(automaton: Automaton, *, predicts: bool) -> Reference:
        """The reference of a language, with a table of its states or without.

        Args:
            automaton: the language.
            predicts: whether legal next symbols are asked for.
        """
        if isinstance(automaton, BoundedDyck) and automaton.states > automaton.limit:
            return Reference(_bracket_answers(automaton, predicts), lambda tokens: _bracket_walk(automaton, tokens))
        return Reference(answers(automaton, predicts=predicts), lambda tokens: walk_states(automaton, tokens))


def answers(automaton: Automaton, *, predicts: bool) -> NDArray[np.bool_]:
    """(states + 1, 1 or 1 + symbols): what is right in each state; the last row is that of `DEAD`."""
    accepting = np.zeros((automaton.states + 1, 1), dtype=bool)
    accepting[sorted(automaton.accepting)] = True
    if not predicts:
        return accepting
    after = np.array([*automaton.delta, (DEAD,) * automaton.classes], dtype=np.int64)
    legal = after.reshape(automaton.states + 1, automaton.classes) != DEAD
    return np.concatenate([accepting, legal[:, np.array(automaton.alphabet.classes, dtype=np.int64)]], axis=1)


def walk_states(automaton: Automaton, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """(B, T + 1): the state before each symbol and after the last one."""
    table = np.array([*automaton.delta, (DEAD,) * automaton.classes], dtype=np.int64)
    classes = np.array(automaton.alphabet.classes, dtype=np.int64)[tokens]
    states = np.zeros((tokens.shape[0], tokens.shape[1] + 1), dtype=np.int64)
    for t in range(tokens.shape[1]):
        states[:, t + 1] = table[states[:, t], classes[:, t]]
    return states


def _bracket_answers(automaton: BoundedDyck, predicts: bool) -> NDArray[np.bool_]:
    """Row 0 is that of the empty stack, row 1 + (length - 1) K + top that of any other; nothing else of a stack matters now."""
    rows = [()] + [(0,) * (n - 1) + (top,) for n in range(1, automaton.depth + 1) for top in range(automaton.kinds)]
    out = np.zeros((len(rows) + 1, 1 + automaton.alphabet.size * predicts), dtype=bool)
    out[0, 0] = True
    if predicts:
        for row, stack in enumerate(rows):
            out[row, [1 + symbol for symbol in automaton.legal(stack)]] = True
    return out


def _bracket_walk(automaton: BoundedDyck, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    out = np.full((tokens.shape[0], tokens.shape[1] + 1), DEAD, dtype=np.int64)
    for b, row in enumerate(tokens.tolist()):
        for t, stack in enumerate(automaton.stacks_along(row)):
            if stack is None:
                break
            out[b, t] = 1 + (len(stack) - 1) * automaton.kinds + stack[-1] if stack else 0
    return out
