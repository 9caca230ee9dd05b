"""Words counted exactly, and the bijection between numbers and words that makes a uniform sample uniform.

`rows[k][q]` is the total weight of the ways to finish a word from state q in exactly k more symbols. With all weights 1 it is their number, and
`unrank(n, i)` is the i-th word of length n in the order of the alphabet. With other integer weights the probability of a word is the product of the
weights of its moves and of its end over the total: a Markov source conditioned on the length, without rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssmc.errors import InputError, LimitError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from ssmc.sample.machine import Machine, Move

BITS = 8_000_000_000
"""Bits that the table of counts may take, estimated before it is made."""


@dataclass
class WordCounts:
    """Counts of the words of each length, made as far as they are asked for.

    Attributes:
        machine: the language.
        weight: the integer weight of a move from a state; 1 when not given.
        end: the integer weight of ending in an accepting state; 1 when not given.
        rows: `rows[k][q]`: the weight of the words of length k from state q.
    """

    machine: Machine
    weight: Callable[[int, Move], int] | None = None
    end: Callable[[int], int] | None = None
    rows: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._weights = [
            [1 if self.weight is None else self.weight(q, move) for move in moves]
            for q, moves in enumerate(self.machine.moves)
        ]
        ends = [1 if self.end is None else self.end(q) for q in range(self.machine.states)]
        self.rows.append([ends[q] if self.machine.may_end(q) else 0 for q in range(self.machine.states)])
        self._steps = [
            _grouped(zip(moves, own, strict=True)) for moves, own in zip(self.machine.moves, self._weights, strict=True)
        ]

    def extend(self, length: int) -> None:
        """Makes the rows up to a length.

        Raises:
            LimitError: the numbers would take too much memory.
        """
        growth = max((sum(own) for own in self._weights), default=1).bit_length()
        bits = self.machine.states * length * length * growth // 2
        if bits > BITS:
            raise LimitError("bits of the exact counts of words (the method walk needs none)", bits, BITS)
        while len(self.rows) <= length:
            last = self.rows[-1]
            self.rows.append([sum(w * last[r] for r, w in steps) for steps in self._steps])

    def count(self, length: int) -> int:
        """The number (or weight) of the words of a length."""
        self.extend(length)
        return self.rows[length][0]

    def unrank(self, length: int, index: int) -> list[int]:
        """The word of a length with a number, in alphabet order; a word of weight w has w numbers.

        Raises:
            InputError: the number is not below `count(length)`.
        """
        if not 0 <= index < self.count(length):
            raise InputError(f"there are {self.count(length):,} words of length {length}, so none has number {index:,}")
        word, state = [], 0
        for left in range(length - 1, -1, -1):
            row = self.rows[left]
            for move, weight in zip(self.machine.moves[state], self._weights[state], strict=True):
                block = weight * row[move.state]
                if index < block:
                    index = index // weight
                    break
                index -= block
            word.append(move.symbol)
            state = move.state
        return word

    def rank(self, word: Sequence[int]) -> int:
        """The (first) number of a word: the inverse of `unrank` where all weights are 1.

        Raises:
            InputError: the word is not in the language.
        """
        self.extend(len(word))
        index, state, factor = 0, 0, 1
        for left, symbol in zip(range(len(word) - 1, -1, -1), word, strict=True):
            for move, weight in zip(self.machine.moves[state], self._weights[state], strict=True):
                if move.symbol == symbol:
                    break
                index += factor * weight * self.rows[left][move.state]
            else:
                raise InputError("the word is not in the language")
            factor *= weight
            state = move.state
        if not self.rows[0][state]:
            raise InputError("the word is not in the language")
        return index

    def draw(self, length: int, rng: random.Random) -> list[int]:
        """A random word of a length, by weight.

        Raises:
            InputError: there is none.
        """
        total = self.count(length)
        if not total:
            raise InputError(f"the language has no word of length {length}")
        return self.unrank(length, rng.randrange(total))


def _grouped(pairs: zip[tuple[Move, int]]) -> list[tuple[int, int]]:
    """The weight of each next state."""
    total: dict[int, int] = {}
    for move, weight in pairs:
        total[move.state] = total.get(move.state, 0) + weight
    return list(total.items())
