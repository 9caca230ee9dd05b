"""The random sources of the literature: the flip-flop language FFL(p) and bounded Dyck languages."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

from ssmc.errors import InputError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from ssmc.sample.machine import Machine, Move

FLIP_FLOP = frozenset(("w", "r", "i", "0", "1"))
"""The alphabet of the flip-flop strings of Liu et al. 2023."""


def flip_flop_string(length: int, ignore: Fraction, rng: random.Random) -> list[str]:
    """A string of FFL(p) (Liu, Ash, Goel, Krishnamurthy, Zhang 2023): instructions and bits alternate.

    The first instruction is w, the last r; each other one is i with probability p and otherwise w or r, equally likely. The bit after w and i is
    0 or 1, equally likely; the bit after r is the last written one.

    Args:
        length: the number of symbols, even and at least 4.
        ignore: p.
        rng: the source of randomness; p is used exactly.

    Raises:
        InputError: there is no such string or no such probability.
    """
    if length < 4 or length % 2:
        raise InputError(f"a flip-flop string has an even number of symbols, at least 4, not {length}")
    if not 0 <= ignore <= 1:
        raise InputError(f"the probability of i is between 0 and 1, not {ignore}")
    out: list[str] = []
    memory = "0"
    for place in range(0, length, 2):
        if place == 0:
            instruction = "w"
        elif place == length - 2:
            instruction = "r"
        else:
            ignored = rng.randrange(ignore.denominator) < ignore.numerator
            instruction = "i" if ignored else rng.choice("wr")
        bit = memory if instruction == "r" else rng.choice("01")
        memory = bit if instruction == "w" else memory
        out += [instruction, bit]
    return out


def dyck_weights(machine: Machine, opening: Sequence[int]) -> tuple[Callable[[int, Move], int], Callable[[int], int]]:
    """The bounded Dyck source of Hewitt, Hahn, Ganguli, Liang and Manning 2020 as integer weights of moves and of the end.

    Where a bracket can be opened, closed, or (at depth 0) the word can end, each of the choices that are possible has the same probability, and the
    kind of an opening bracket is uniform. All probabilities of a state have the same denominator in every state, so that weights of words of one length
    compare as their probabilities do.

    Args:
        machine: a language of brackets.
        opening: its opening brackets.
    """
    opens = frozenset(opening)
    scale = 6 * lcm(*range(1, len(opens) + 1))  # there are 1 to 3 choices, and 1 to len(opens) brackets to open

    def choices(state: int) -> tuple[int, int]:
        """Opening brackets that may follow, and the number of choices: open, close, end."""
        count = sum(move.symbol in opens for move in machine.moves[state])
        closes = any(move.symbol not in opens for move in machine.moves[state])
        return count, (count > 0) + closes + machine.may_end(state)

    def weight(state: int, move: Move) -> int:
        count, kinds = choices(state)
        return scale // (kinds * count) if move.symbol in opens else scale // kinds

    def end(state: int) -> int:
        return scale // choices(state)[1]

    return weight, end
