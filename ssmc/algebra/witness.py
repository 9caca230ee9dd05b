"""The witness of a counter: what a reader can check by hand to see that a language is not star-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssmc.algebra.words import difference, example_symbols, path_to, spell
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Automaton


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
        parts = [spell(automaton, word) for word in (self.prefix, self.word, self.suffix)]
        after = [automaton.run((*self.prefix, *self.word * k, *self.suffix)) for k in range(self.period)]
        subject, final = "is in the language", automaton.accepting
        for i, pattern in enumerate(automaton.patterns, 1):
            if 0 < sum(q in pattern for q in after) < self.period:
                subject, final = f"matches pattern {i}", pattern
                break
        inside = [k for k, q in enumerate(after) if q in final]
        which = " or ".join(str(k) for k in inside)
        shape = " ".join(p for p in (parts[0], f"({parts[1]})^k", parts[2]) if p)
        return f"{shape} {subject} exactly when k mod {self.period} is {which}"


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
        prefix=tuple(symbol[c] for c in path_to(automaton, orbit[0])),
        suffix=tuple(symbol[c] for c in difference(automaton, [(orbit[0], q) for q in orbit[1:]], automaton.patterns)),
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
