"""Near misses: strings outside the language, one edit away from a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ssmc.automaton import DEAD

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from ssmc.automaton import Automaton

TRIES = 32
"""Random edits that are tried before all of them are looked at."""


class Edit(NamedTuple):
    """One edit: replace the symbol at a place, insert one before it, or delete it."""

    kind: Literal["replace", "insert", "delete"]
    place: int
    symbol: int

    def apply(self, word: Sequence[int]) -> list[int]:
        """The word after the edit."""
        until = self.place + (self.kind != "insert")
        middle = [] if self.kind == "delete" else [self.symbol]
        return [*word[: self.place], *middle, *word[until:]]


def near_miss(automaton: Automaton, word: Sequence[int], rng: random.Random) -> tuple[list[int], Edit] | None:
    """A random string outside the language, one edit away from the word: each such edit is equally likely.

    Returns:
        The string and the edit; None if every edit leads into the language.
    """
    for _ in range(TRIES):
        edit = _random_edit(len(word), automaton.alphabet.size, rng)
        if edit is not None and not automaton.accepts(changed := edit.apply(word)):
            return changed, edit
    wrong = list(wrong_edits(automaton, word))
    if not wrong:
        return None
    edit = rng.choice(wrong)
    return edit.apply(word), edit


def _random_edit(length: int, symbols: int, rng: random.Random) -> Edit | None:
    """Each of the n V replacements (those by the same symbol count as no edit), (n+1) V insertions and n deletions equally likely."""
    number = rng.randrange(max(1, length * symbols + (length + 1) * symbols + length))
    if number < length * symbols:
        return Edit("replace", number // symbols, number % symbols)
    number -= length * symbols
    if number < (length + 1) * symbols:
        return Edit("insert", number // symbols, number % symbols)
    number -= (length + 1) * symbols
    return Edit("delete", number, -1) if number < length else None


def wrong_edits(automaton: Automaton, word: Sequence[int]) -> Iterator[Edit]:
    """Every edit of a word that leads out of the language, from the states before each place and the good states after it."""
    classes = automaton.alphabet.classes
    before = [0 if automaton.states else DEAD]
    for symbol in word:
        before.append(DEAD if before[-1] == DEAD else automaton.delta[before[-1]][classes[symbol]])
    good = [sum(1 << q for q in automaton.accepting)]
    for symbol in reversed(word):
        column = classes[symbol]
        last = good[-1]
        good.append(
            sum(1 << q for q, row in enumerate(automaton.delta) if row[column] != DEAD and last >> row[column] & 1)
        )
    good.reverse()

    def holds(state: int, place: int) -> bool:
        return state != DEAD and bool(good[place] >> state & 1)

    for place in range(len(word) + 1):
        state = before[place]
        after = [DEAD if state == DEAD else automaton.delta[state][c] for c in classes]
        for symbol in range(automaton.alphabet.size):
            if place < len(word) and symbol != word[place] and not holds(after[symbol], place + 1):
                yield Edit("replace", place, symbol)
            if not holds(after[symbol], place):
                yield Edit("insert", place, symbol)
        if place < len(word) and not holds(state, place + 1):
            yield Edit("delete", place, -1)
