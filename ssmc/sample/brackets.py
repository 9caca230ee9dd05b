"""Bounded Dyck languages too large for a table of moves: first the depth along the string, then the kind of each pair of brackets.

All words of one length have equally many pairs, so a uniform profile of depths with uniform kinds is a uniform word; and every source whose next symbol depends on the
depth alone, kinds equally likely, is a source of profiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.dyck import BoundedDyck
from ssmc.sample.machine import Machine

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from ssmc.sample.machine import Move


@dataclass(frozen=True)
class Brackets:
    """A bounded Dyck language as profiles and kinds.

    Attributes:
        kinds: the number K of kinds.
        profile: the machine of Dyck(1, m), whose words are the profiles: 0 opens, 1 closes.
    """

    kinds: int
    profile: Machine

    @staticmethod
    def of(automaton: BoundedDyck) -> Brackets:
        """The profiles and kinds of a language."""
        return Brackets(automaton.kinds, Machine.of(BoundedDyck(("a", "b"), automaton.depth)))

    def weight(self, state: int, move: Move) -> int:  # noqa: ARG002
        """The number of brackets that a move of a profile stands for."""
        return self.kinds if move.symbol == 0 else 1

    def colour(self, profile: Sequence[int], rng: random.Random) -> list[int]:
        """A word with a profile, kinds equally likely."""
        stack: list[int] = []
        word = []
        for closes in profile:
            if closes:
                word.append(self.kinds + stack.pop())
            else:
                stack.append(rng.randrange(self.kinds))
                word.append(stack[-1])
        return word


def is_ruled(automaton: object) -> bool:
    """Whether an automaton is a bounded Dyck language too large for its table."""
    return isinstance(automaton, BoundedDyck) and automaton.states > automaton.limit
