"""Words that lead somewhere and words that tell states apart: the evidence that a reader can check on strings."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ssmc.automaton import Alphabet, Automaton


def spell(automaton: Automaton, word: Sequence[int]) -> str:
    """The word as the user writes it: symbols side by side, or with spaces where a name is longer than a character."""
    gap = " " if automaton.alphabet.multicharacter else ""
    return gap.join(automaton.alphabet.name(s) for s in word)


def example_symbols(alphabet: Alphabet) -> tuple[int, ...]:
    """For each class the symbol to show: its first one, for bytes and code points a letter, digit or printable one if there is any."""
    if alphabet.kind == "tokens":
        return alphabet.representatives

    def order(symbol: int) -> tuple[bool, bool, int]:
        return not (0x20 < symbol < 0x7F), not chr(symbol).isalnum(), symbol

    best = list(alphabet.representatives)
    for symbol in range(0x7F):
        c = alphabet.class_of(symbol)
        best[c] = min(best[c], symbol, key=order)
    return tuple(best)


class Table(Protocol):
    """What the searches read of an automaton: transitions, undefined ones being `DEAD`, and accepting states; 0 is initial."""

    @property
    def delta(self) -> Sequence[Sequence[int]]:
        """`delta[q][c]` is the state after class c in state q."""
        ...

    @property
    def accepting(self) -> frozenset[int]:
        """The accepting states."""
        ...


def path_to(automaton: Table, goal: int) -> list[int]:
    """The first shortest word of classes from the initial state."""
    via: dict[int, tuple[int, int]] = {}
    queue = deque([0])
    while queue:
        q = queue.popleft()
        if q == goal:
            break
        for c, r in enumerate(automaton.delta[q]):
            if r not in (DEAD, 0) and r not in via:
                via[r] = (q, c)
                queue.append(r)
    word = []
    while goal:
        goal, c = via[goal]
        word.append(c)
    return word[::-1]


def difference(
    automaton: Table, pairs: Sequence[tuple[int, int]], patterns: Sequence[Collection[int]] = ()
) -> list[int]:
    """A shortest word of classes that is accepted from one state of some pair and not from the other; a state may be `DEAD`.

    Args:
        automaton: the automaton.
        pairs: pairs of states.
        patterns: several sets of accepting states, any of which may tell the states apart, instead of the automaton's own.

    Raises:
        ValueError: the states of every pair are equal.
    """
    delta, finals = automaton.delta, patterns or (automaton.accepting,)
    via: dict[tuple[int, int], tuple[tuple[int, int], int]] = {}
    queue = deque(pairs)
    starts = set(pairs)
    while queue:
        pair = queue.popleft()
        p, q = pair
        if any((p in final) != (q in final) for final in finals):
            word = []
            while pair not in starts:
                pair, c = via[pair]
                word.append(c)
            return word[::-1]
        for c in range(len(delta[0])):
            after = (DEAD if p == DEAD else delta[p][c], DEAD if q == DEAD else delta[q][c])
            if after[0] != after[1] and after not in via and after not in starts:
                via[after] = (pair, c)
                queue.append(after)
    raise ValueError("no two different states are given")
