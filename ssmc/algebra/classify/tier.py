"""The tier of a language: its symbols that are not neutral, and the language of what remains when the others are erased.

A symbol is neutral if it acts as the identity, so that it may be inserted and deleted anywhere. A language is tier-based X iff its tier is in X
and all other symbols are neutral; the largest tier that can work is that of all symbols that are not (Lambert and Rogers 2020).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ssmc.algebra.classify.membership import Evidence
from ssmc.algebra.classify.subject import Subject
from ssmc.automaton import Alphabet, Automaton

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssmc.algebra.classify.membership import Membership
    from ssmc.algebra.classify.subject import Word


def tier_of(subject: Subject) -> tuple[Subject, tuple[int, ...]]:
    """The language on the tier (the same object if no symbol is neutral), and the symbol class behind each of the tier's."""
    automaton = subject.automaton
    identity = tuple(range(automaton.states))
    letters = tuple(c for c, column in enumerate(automaton.columns) if column != identity)
    if len(letters) == automaton.classes or not automaton.states:
        return subject, letters
    names = [automaton.alphabet.name(automaton.alphabet.representatives[c]) for c in letters]
    rows = [[row[c] for c in letters] for row in automaton.delta]
    return Subject(
        Automaton.from_table(Alphabet.tokens(names), rows, 0, automaton.accepting), subject.monoid_limit
    ), letters


def on_tier(
    name: str, test: Callable[[Subject], Membership], plain: Membership, subject: Subject, source: str
) -> Membership:
    """The membership of the tier in a class, told of the language.

    Args:
        name: the name of the tier-based class.
        test: the test of the class.
        plain: its answer for the language itself.
        subject: the language.
        source: where the tier-based class comes from.
    """
    tier, letters = tier_of(subject)
    theorem = f"{source}; {plain.theorem}"
    if tier is subject:
        return replace(plain, name=name, theorem=theorem)
    found = test(tier)
    evidence = found.evidence
    if evidence is not None:

        def translated(word: Word) -> Word:
            return tuple(letters[c] for c in word)

        evidence = Evidence(
            evidence.claim + " (on the tier of the symbols that are not neutral)",
            {key: translated(word) for key, word in evidence.words.items()},
            tuple(translated(word) for word in evidence.inside),
            tuple(translated(word) for word in evidence.outside),
        )
    return replace(found, name=name, theorem=theorem, evidence=evidence)
