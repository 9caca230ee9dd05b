"""What a sampler sees of a language: states, the moves out of each, and which of them may end a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ssmc.automaton import DEAD
from ssmc.dyck import BoundedDyck
from ssmc.errors import InputError

if TYPE_CHECKING:
    from ssmc.automaton import Automaton

MOVES = 4_000_000
"""Moves (states times symbols) that are written out."""


class Move(NamedTuple):
    """One legal next symbol."""

    symbol: int
    state: int


@dataclass(frozen=True)
class Machine:
    """The live moves of an automaton, by symbol.

    Attributes:
        automaton: the language.
        moves: for each state its legal next symbols in alphabet order, with the state that each leads to; empty for a bounded Dyck language too
            large for that (`ssmc.sample.brackets`).
    """

    automaton: Automaton
    moves: tuple[tuple[Move, ...], ...]

    @staticmethod
    def of(automaton: Automaton) -> Machine:
        """The machine of an automaton over tokens or bytes.

        Raises:
            InputError: the language is empty, or its alphabet is too large to write the moves out.
        """
        if not automaton.states:
            raise InputError("the language is empty: there is no string to sample")
        if isinstance(automaton, BoundedDyck) and automaton.states > automaton.limit:
            return Machine(automaton, ())
        if automaton.states * automaton.alphabet.size > MOVES:
            raise InputError(f"{automaton.states:,} states over {automaton.alphabet.size:,} symbols are too many moves")
        classes = automaton.alphabet.classes
        return Machine(
            automaton,
            tuple(
                tuple(Move(symbol, row[c]) for symbol, c in enumerate(classes) if row[c] != DEAD)
                for row in automaton.delta
            ),
        )

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.moves)

    def may_end(self, state: int) -> bool:
        """Whether a word may end in a state."""
        return state in self.automaton.accepting
