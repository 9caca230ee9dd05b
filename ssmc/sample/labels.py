"""The labels of predictive modelling: after each prefix the legal next symbols, and whether the word may end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ssmc.automaton import DEAD
from ssmc.dyck import BoundedDyck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.sample.machine import Machine


class NextSet(NamedTuple):
    """What may follow a prefix.

    Attributes:
        symbols: the legal next symbols, ascending; none after an illegal one.
        end: whether the prefix is a word.
    """

    symbols: tuple[int, ...]
    end: bool


def next_sets(machine: Machine, word: Sequence[int]) -> list[NextSet]:
    """The label of every prefix of a string, the empty one first."""
    automaton = machine.automaton
    if isinstance(automaton, BoundedDyck):
        return [
            NextSet((), end=False) if stack is None else NextSet(automaton.legal(stack), not stack)
            for stack in automaton.stacks_along(word)
        ]
    classes = automaton.alphabet.classes
    table = [NextSet(tuple(move.symbol for move in moves), machine.may_end(q)) for q, moves in enumerate(machine.moves)]
    table.append(NextSet((), False))
    state, out = 0, [table[0]]
    for symbol in word:
        state = DEAD if state == DEAD else automaton.delta[state][classes[symbol]]
        out.append(table[state])
    return out
