"""A walk over the automaton: every symbol that can still be completed to a word of the length is equally likely."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssmc.errors import InputError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ssmc.sample.machine import Machine, Move


@dataclass
class Walks:
    """Walks of given lengths.

    Attributes:
        machine: the language.
        prefixes: whether a walk may stop in any live state, and so is a prefix of a word, or in accepting ones only.
        weight: how many symbols a move stands for, each as likely as any other; 1 when not given.
        seen: `seen[k]`: the states (a bit mask) from which exactly k more symbols can be read so that the walk may stop; after the last entry
            they repeat from `loop` on.
    """

    machine: Machine
    prefixes: bool = False
    weight: Callable[[int, Move], int] | None = None
    seen: list[int] = field(default_factory=list)
    loop: int | None = None

    def __post_init__(self) -> None:
        stops = range(self.machine.states)
        self.seen.append(sum(1 << q for q in stops if self.prefixes or self.machine.may_end(q)))
        self._heads = [sum(1 << r for r in {move.state for move in moves}) for moves in self.machine.moves]
        self._place = {self.seen[0]: 0}

    def reachable(self, left: int) -> int:
        """The states from which a walk of `left` more symbols exists."""
        while self.loop is None and len(self.seen) <= left:
            last = self.seen[-1]
            mask = sum(1 << q for q, heads in enumerate(self._heads) if heads & last)
            if mask in self._place:
                self.loop = self._place[mask]
            else:
                self._place[mask] = len(self.seen)
                self.seen.append(mask)
        if left < len(self.seen):
            return self.seen[left]
        loop = self.loop or 0
        return self.seen[loop + (left - loop) % (len(self.seen) - loop)]

    def exists(self, length: int) -> bool:
        """Whether there is a walk of a length."""
        return bool(self.reachable(length) & 1)

    def draw(self, length: int, rng: random.Random) -> list[int]:
        """A random walk.

        Raises:
            InputError: there is none of that length.
        """
        if not self.exists(length):
            raise InputError(f"the language has no {'prefix' if self.prefixes else 'word'} of length {length}")
        word, state = [], 0
        choices: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for left in range(length - 1, -1, -1):
            mask = self.reachable(left)
            if (state, mask) not in choices:
                choices[state, mask] = [
                    move
                    for move in self.machine.moves[state]
                    if mask >> move.state & 1
                    for _ in range(1 if self.weight is None else self.weight(state, move))
                ]
            symbol, state = rng.choice(choices[state, mask])
            word.append(symbol)
        return word
