"""Near misses: strings outside the language, one edit away from a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ssmc.automaton import DEAD
from ssmc.sample.brackets import is_ruled

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
    sides = _Whole(automaton, word) if is_ruled(automaton) else _Sides(automaton, word)
    for _ in range(TRIES):
        edit = _random_edit(len(word), automaton.alphabet.size, rng)
        if edit is not None and not sides.accepts(edit):
            return edit.apply(word), edit
    wrong = list(sides.wrong_edits())
    if not wrong:
        return None
    edit = rng.choice(wrong)
    return edit.apply(word), edit


def wrong_edits(automaton: Automaton, word: Sequence[int]) -> Iterator[Edit]:
    """Every edit of a word that leads out of the language."""
    return _Sides(automaton, word).wrong_edits()


class _Whole:
    """A word of a language without a table: every edit is judged by reading the whole string."""

    def __init__(self, automaton: Automaton, word: Sequence[int]) -> None:
        self.automaton, self.word = automaton, word

    def accepts(self, edit: Edit) -> bool:
        """Whether the word is in the language after an edit."""
        return self.automaton.accepts(edit.apply(self.word))

    def wrong_edits(self) -> Iterator[Edit]:
        """Every edit that leads out of the language."""
        return _wrong(self, self.automaton.alphabet.size)


class _Sides:
    """A word from both sides, so that an edit is judged in one step.

    `before[i]` is the state before the i-th symbol, `good[i]` the states (a bit mask) from which the symbols from the i-th on lead to acceptance.
    """

    def __init__(self, automaton: Automaton, word: Sequence[int]) -> None:
        self.automaton, self.word = automaton, word
        self.classes = classes = automaton.alphabet.classes
        self.before = [0 if automaton.states else DEAD]
        for symbol in word:
            state = self.before[-1]
            self.before.append(DEAD if state == DEAD else automaton.delta[state][classes[symbol]])
        arrows = [
            [(1 << q, 1 << row[c]) for q, row in enumerate(automaton.delta) if row[c] != DEAD]
            for c in range(automaton.classes)
        ]
        known: dict[tuple[int, int], int] = {}
        self.good = [sum(1 << q for q in automaton.accepting)]
        for symbol in reversed(word):
            key = classes[symbol], self.good[-1]
            if key not in known:
                known[key] = sum(source for source, target in arrows[key[0]] if target & key[1])
            self.good.append(known[key])
        self.good.reverse()

    def holds(self, state: int, symbol: int, place: int) -> bool:
        """Whether a state, then a symbol (none if -1), then the word from a place on is accepted."""
        if symbol >= 0 and state != DEAD:
            state = self.automaton.delta[state][self.classes[symbol]]
        return state != DEAD and bool(self.good[place] >> state & 1)

    def accepts(self, edit: Edit) -> bool:
        """Whether the word is in the language after an edit."""
        return self.holds(self.before[edit.place], edit.symbol, edit.place + (edit.kind != "insert"))

    def wrong_edits(self) -> Iterator[Edit]:
        """Every edit that leads out of the language."""
        return _wrong(self, self.automaton.alphabet.size)


def _wrong(judge: _Whole | _Sides, symbols: int) -> Iterator[Edit]:
    """Every edit that leads out of the language."""
    length = len(judge.word)
    for place in range(length + 1):
        for symbol in range(symbols):
            edits = [Edit("insert", place, symbol)]
            if place < length and symbol != judge.word[place]:
                edits.append(Edit("replace", place, symbol))
            yield from (edit for edit in edits if not judge.accepts(edit))
        if place < length and not judge.accepts(Edit("delete", place, -1)):
            yield Edit("delete", place, -1)


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
