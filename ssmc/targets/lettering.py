"""Product terms of tables that see the class through a letter: terms over the letter, and for each set of letters the disjoint ways to write one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssmc.targets.cover import Term, cover, merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ssmc.cascade.ir import Key
    from ssmc.targets.layout import Digit

BUDGET = 100_000
"""Ways to write letters that are covered for one table before the letters are told apart once and for all."""
_NO_LETTER = -1


@dataclass
class Steps:
    """How letters are written.

    Attributes:
        sizes: of the class and of each variable.
        letters: (class, variables) -> letter.
        variables: the digits of the components that tell a letter, with the class.
    """

    sizes: Sequence[int]
    letters: Mapping[Key, int]
    variables: tuple[Digit, ...]
    _known: dict[tuple[int, ...], list[Term[int]]] = field(default_factory=dict)

    def covers(self, sets: Iterable[int]) -> dict[int, list[tuple[int, ...]]]:
        """For each set of letters (a bit mask) products over the class and the variables that contain its steps and no others.

        The products of one set are pairwise disjoint, and so are those of two disjoint sets, whatever else they contain that is no step.
        """
        count = 1 + max(self.letters.values(), default=-1)
        every = (1 << count) - 1
        wanted = sorted({own & every for own in sets})
        proper = [own for own in wanted if own != every]
        signs = [tuple(own >> letter & 1 for own in proper) for letter in range(count)]
        number = {(0,) * len(proper): _NO_LETTER}
        partition = tuple(number.setdefault(sign, len(number) - 1) for sign in signs)
        if partition not in self._known and len(self._known) * len(self.letters) > BUDGET:
            partition = tuple(range(count))
        if partition not in self._known:
            table = {step: partition[letter] for step, letter in self.letters.items()}
            self._known[partition] = list(cover(self.sizes, table, _NO_LETTER).terms)
        terms = self._known[partition]
        out = {every: [tuple((1 << size) - 1 for size in self.sizes)]}
        for own in proper:
            parts = {partition[letter] for letter in range(count) if own >> letter & 1}
            chosen = merge(Term(1, term.masks) for term in terms if term.label in parts)
            out[own] = [term.masks for term in chosen]
        return out
