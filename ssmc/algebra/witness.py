"""The witness of a counter: what a reader can check by hand to see that a language is not star-free."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Alphabet, Automaton


@dataclass(frozen=True)
class Witness:
    """A word that permutes `period` states in a cycle, and a context that shows it on strings.

    For every k, whether prefix · word^k · suffix is in the language depends on k modulo `period` and on nothing less. Symbols are numbers.

    Attributes:
        word: the word w.
        period: a prime p.
        orbit: the states q, q·w, ..., q·w^(p-1), all different, with q·w^p = q.
        prefix: a shortest word from the initial state to q.
        suffix: a shortest word that is accepted from some state of the orbit and not from another.
        shortest: whether no shorter word has a cycle of prime length.
    """

    word: tuple[int, ...]
    period: int
    orbit: tuple[int, ...]
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    shortest: bool

    def to_json(self, automaton: Automaton) -> dict[str, Any]:
        """JSON types, with symbols by name."""
        name = automaton.alphabet.name
        return {
            "word": [name(s) for s in self.word],
            "period": self.period,
            "orbit": list(self.orbit),
            "prefix": [name(s) for s in self.prefix],
            "suffix": [name(s) for s in self.suffix],
            "symbols": [name(s) for s in sorted(set(self.word))],
            "shortest": self.shortest,
        }

    def describe(self, automaton: Automaton) -> str:
        """One line of English that can be checked by hand."""
        parts = [_spell(automaton, word) for word in (self.prefix, self.word, self.suffix)]
        inside = [k for k in range(self.period) if automaton.accepts((*self.prefix, *self.word * k, *self.suffix))]
        which = " or ".join(str(k) for k in inside)
        shape = " ".join(p for p in (parts[0], f"({parts[1]})^k", parts[2]) if p)
        return f"{shape} is in the language exactly when k mod {self.period} is {which}"


def _spell(automaton: Automaton, word: Sequence[int]) -> str:
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


def build_witness(automaton: Automaton, word: Sequence[int], *, shortest: bool = False) -> Witness | None:
    """The witness that a word of symbol classes gives, or None if the word, or its power, has no cycle.

    If the word's cycles have composite length only, the smallest power with a cycle of prime length is taken in its place.
    """
    after = list(range(automaton.states))
    for c in word:
        after = [DEAD if q == DEAD else automaton.delta[q][c] for q in after]
    cycles = _cycles(after)
    if not cycles:
        return None
    options = [(len(cycle) // p, p, cycle) for cycle in cycles for p in _prime_factors(len(cycle))]
    power, period, cycle = min(options)
    orbit = cycle[::power]
    symbol = example_symbols(automaton.alphabet)
    return Witness(
        word=tuple(symbol[c] for c in word) * power,
        period=period,
        orbit=tuple(orbit),
        prefix=tuple(symbol[c] for c in _path_to(automaton, orbit[0])),
        suffix=tuple(symbol[c] for c in _difference(automaton, orbit)),
        shortest=shortest,
    )


def _cycles(after: Sequence[int]) -> list[list[int]]:
    """The cycles of length 2 or more of a partial map, each from its smallest state."""
    seen = [False] * len(after)
    found = []
    for start in range(len(after)):
        path = []
        q = start
        while q != DEAD and not seen[q]:
            seen[q] = True
            path.append(q)
            q = after[q]
        if q in path[:-1]:
            cycle = path[path.index(q) :]
            least = cycle.index(min(cycle))
            found.append(cycle[least:] + cycle[:least])
    return found


def _prime_factors(number: int) -> list[int]:
    factors = []
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            factors.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    return factors + [number] * (number > 1)


def _path_to(automaton: Automaton, goal: int) -> list[int]:
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


def _difference(automaton: Automaton, orbit: Sequence[int]) -> list[int]:
    """A shortest word of classes that is accepted from one state of the orbit and not from another."""
    delta, accepting = automaton.delta, automaton.accepting
    via: dict[tuple[int, int], tuple[tuple[int, int], int]] = {}
    pairs = [(orbit[0], q) for q in orbit[1:]]
    queue = deque(pairs)
    starts = set(pairs)
    while queue:
        pair = queue.popleft()
        p, q = pair
        if (p in accepting) != (q in accepting):
            word = []
            while pair not in starts:
                pair, c = via[pair]
                word.append(c)
            return word[::-1]
        for c in range(automaton.classes):
            after = (DEAD if p == DEAD else delta[p][c], DEAD if q == DEAD else delta[q][c])
            if after[0] != after[1] and after not in via and after not in starts:
                via[after] = (pair, c)
                queue.append(after)
    raise ValueError("two states of a minimal automaton cannot be told apart")
