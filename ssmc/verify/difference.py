"""Where two pattern sets differ, pattern by pattern, so that no joint automaton is needed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.verify.certificate import Counterexample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Mode
    from ssmc.patternset import PatternSet


def find_difference(wanted: PatternSet, found: PatternSet, mode: Mode) -> Counterexample | None:
    """A word on which two pattern sets over one alphabet answer differently: a shortest that a pattern tells apart, up to where the answers differ.

    None where there is none.

    Args:
        wanted: what is asked for.
        found: what is there, with as many patterns.
        mode: in `predict` the symbols that may follow are part of the answer.
    """
    words = [word for pair in zip(wanted.members, found.members, strict=True) if (word := _shortest(*pair)) is not None]
    if not words:
        return None
    word = min(words, key=len)
    for length in range(len(word) + 1):
        answers = [_answer(patterns, word[:length], mode) for patterns in (wanted, found)]
        if answers[0] != answers[1]:
            names = tuple(wanted.alphabet.name(symbol) for symbol in word[:length])
            return Counterexample(names, *answers)
    return None


def _shortest(one: Automaton, other: Automaton) -> list[int] | None:
    """A shortest word that one of two automata accepts and the other does not."""
    if one == other:
        return None
    starts = sorted({*one.alphabet.starts, *other.alphabet.starts})
    pairs = {(one.alphabet.class_of(s), other.alphabet.class_of(s)): s for s in reversed(starts)}
    start = (0 if one.states else DEAD, 0 if other.states else DEAD)
    before: dict[tuple[int, int], tuple[tuple[int, int], int] | None] = {start: None}
    queue = deque([start])
    while queue:
        p, q = queue.popleft()
        if (p in one.accepting) != (q in other.accepting):
            word: list[int] = []
            state = (p, q)
            while (step := before[state]) is not None:
                state, symbol = step
                word.append(symbol)
            return word[::-1]
        for (x, y), symbol in sorted(pairs.items(), key=lambda pair: pair[1]):
            after = one.after(p, x), other.after(q, y)
            if after not in before:
                before[after] = ((p, q), symbol)
                queue.append(after)
    return None


def _answer(patterns: PatternSet, word: Sequence[int], mode: Mode) -> str:
    """What a set says after a word, in words."""
    states = [member.run(word) for member in patterns.members]
    held = [str(i) for i, (m, q) in enumerate(zip(patterns.members, states, strict=True), 1) if q in m.accepting]
    said = [f"{'accept' if held else 'reject'}, patterns {{{', '.join(held)}}}"]
    if mode == "predict":
        live = [(m, set(m.live_classes[q])) for m, q in zip(patterns.members, states, strict=True) if q != DEAD]
        symbols = range(patterns.alphabet.size)
        names = [patterns.alphabet.name(s) for s in symbols if any(m.alphabet.class_of(s) in own for m, own in live)]
        said.append(f"next {{{', '.join(names)}}}")
    return ", ".join(said)
