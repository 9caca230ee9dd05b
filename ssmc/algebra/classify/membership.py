"""Whether a language is in a class, with the evidence: words that a reader can try."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssmc.algebra.words import example_symbols, spell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssmc.algebra.classify.subject import Word
    from ssmc.automaton import Automaton


@dataclass(frozen=True)
class Evidence:
    """Words of symbol classes and what they show.

    Attributes:
        claim: a sentence with the names of the words in braces.
        words: the words by name.
        inside: words that are in the language, by the sentence.
        outside: words that are not.
    """

    claim: str
    words: Mapping[str, Word] = field(default_factory=dict)
    inside: tuple[Word, ...] = ()
    outside: tuple[Word, ...] = ()

    def text(self, automaton: Automaton) -> str:
        """The sentence with the words filled in, an empty word as ε where it stands alone."""
        symbol = example_symbols(automaton.alphabet)
        shown = {name: spell(automaton, [symbol[c] for c in word]) or "ε" for name, word in self.words.items()}
        return self.claim.format(**shown).replace("ε (", "(").replace(")^k ε", ")^k")

    def to_json(self, automaton: Automaton) -> dict[str, Any]:
        """JSON types, with symbols by name."""
        symbol, name = example_symbols(automaton.alphabet), automaton.alphabet.name

        def names(word: Word) -> list[str]:
            return [name(symbol[c]) for c in word]

        return {
            "text": self.text(automaton),
            "words": {key: names(word) for key, word in self.words.items()},
            "in": [names(word) for word in self.inside],
            "out": [names(word) for word in self.outside],
        }


@dataclass(frozen=True)
class Membership:
    """One line of the map.

    Attributes:
        name: the class.
        holds: the answer; None where it was not found within the limits.
        theorem: the source of the criterion.
        order: for a class with a parameter its least value, if known.
        evidence: why.
        reason: for None, which limit.
    """

    name: str
    holds: bool | None
    theorem: str
    order: int | None = None
    evidence: Evidence | None = None
    reason: str | None = None

    def to_json(self, automaton: Automaton) -> dict[str, Any]:
        """JSON types, with symbols by name."""
        return {
            "name": self.name,
            "holds": self.holds,
            "order": self.order,
            "theorem": self.theorem,
            "evidence": None if self.evidence is None else self.evidence.to_json(automaton),
            "reason": self.reason,
        }


def undecided(name: str, theorem: str, reason: str = "the monoid is above its limit") -> Membership:
    """The third answer."""
    return Membership(name, None, theorem, reason=reason)
