"""The scores of one subject: predictive modelling and recognition, for each bin of lengths.

Predictive modelling as in Bhattamishra et al. 2020 and Sarrof et al. 2024: after each symbol of a word the subject names the legal next symbols and whether
the word may end. The strict score counts the words with every position right; the other one counts positions. A subject that only accepts or
rejects is scored in the same way on its verdicts of all prefixes. Recognition counts the words that it accepts and the near misses that it rejects.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ssmc.automaton import DEAD
from ssmc.errors import InputError
from ssmc.evaluate.reference import Reference
from ssmc.sample import Machine, Settings, draw_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ssmc.automaton import Automaton
    from ssmc.evaluate.subject import Subject
    from ssmc.sample.draw import Bin

TOKENS = 1 << 17
"""Tokens of one batch."""
EXACT_LENGTH = 1_000
"""Words up to this length are drawn uniformly, by exact counting; longer ones by a walk."""


@dataclass(frozen=True)
class Score:
    """The counts of one bin.

    Attributes:
        bin: the range of lengths.
        method: how the words were drawn (`ssmc.sample.METHODS`).
        strings: words.
        strict: words at every position of which the answer is right.
        positions: symbols of all words.
        right: positions at which the answer is right.
        accepted: words that are accepted (with every symbol legal, where the subject says what is).
        negatives: near misses.
        rejected: near misses that are rejected.
    """

    bin: Bin
    method: str
    strings: int
    strict: int
    positions: int
    right: int
    accepted: int
    negatives: int
    rejected: int

    def to_json(self) -> dict[str, Any]:
        """The counts, and their quotients."""
        return {
            "bin": list(self.bin),
            "method": self.method,
            "strings": self.strings,
            "strict": self.strict,
            "strict_score": self.strict / self.strings if self.strings else None,
            "positions": self.positions,
            "right": self.right,
            "position_score": self.right / self.positions if self.positions else None,
            "accepted": self.accepted,
            "negatives": self.negatives,
            "rejected": self.rejected,
            "recognition_score": (self.accepted + self.rejected) / max(1, self.strings + self.negatives),
        }


class Verdict(NamedTuple):
    """What a subject made of one string: positions that are right, and whether it takes the string for a word."""

    right: int
    accepted: bool


def evaluate(
    subject: Subject,
    automaton: Automaton,
    bins: Sequence[Bin],
    *,
    count: int = 100,
    negatives: int | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> Iterator[Score]:
    """The score of each bin, in order.

    Args:
        subject: what is evaluated.
        automaton: the language.
        bins: ranges of lengths.
        count: words of each bin.
        negatives: near misses of each bin; as many as words when not given, none where the language has none.
        settings: how words are drawn; uniformly up to `EXACT_LENGTH` and by a walk beyond, when not given.
        seed: of the sample.

    Raises:
        InputError: a bin has no words, or the subject's answers have the wrong shape.
    """
    machine = Machine.of(automaton)
    for interval in bins:
        chosen = settings or Settings("lengths" if interval.high <= EXACT_LENGTH else "walk")
        words = [s.symbols for s in draw_samples(machine, (interval,), count, chosen, seed)]
        near = _near_misses(machine, interval, count if negatives is None else negatives, chosen, seed)
        found, missed = judge(subject, automaton, words), judge(subject, automaton, near)
        yield Score(
            bin=interval,
            method=chosen.method,
            strings=len(words),
            strict=sum(v.right == len(word) for v, word in zip(found, words, strict=True)),
            positions=sum(map(len, words)),
            right=sum(v.right for v in found),
            accepted=sum(v.accepted for v in found),
            negatives=len(missed),
            rejected=sum(not v.accepted for v in missed),
        )


def _near_misses(machine: Machine, interval: Bin, count: int, settings: Settings, seed: int) -> list[tuple[int, ...]]:
    """Near misses of words of a bin, the empty string left out; fewer, or none, where the language has none."""
    wrong = Settings(settings.method, negatives=True, ignore=settings.ignore)
    near: list[tuple[int, ...]] = []
    with suppress(InputError):
        # what was drawn before an error is kept
        near.extend(sample.symbols for sample in draw_samples(machine, (interval,), count, wrong, seed))
    return [string for string in near if string]


def judge(subject: Subject, automaton: Automaton, strings: Sequence[Sequence[int]]) -> list[Verdict]:
    """The verdict on each string, in order.

    A position is right if every answer after it is: the string so far is a word or not, and (for a subject that predicts) the set of legal next symbols.
    After the first illegal symbol a subject that predicts is asked for nothing.

    Raises:
        InputError: an answer has another shape than the language asks for.
    """
    reference = Reference.of(automaton, predicts=subject.predicts)
    out: dict[int, Verdict] = {}
    for batch in _batches(strings):
        out |= zip(batch, _judge_batch(subject, reference, strings, batch), strict=True)
    return [out[place] for place in range(len(strings))]


def _judge_batch(
    subject: Subject, reference: Reference, strings: Sequence[Sequence[int]], batch: list[int]
) -> Iterable[Verdict]:
    tokens = np.array([strings[place] for place in batch], dtype=np.int64)
    time = tokens.shape[1]
    expected, states = reference.expected, reference.walk(tokens)
    right, final = np.zeros(len(batch), dtype=np.int64), np.zeros(len(batch), dtype=bool)
    # no answer precedes the first symbol, so the language itself judges that one
    legal = states[:, 1] != DEAD if subject.predicts else np.ones(len(batch), dtype=bool)
    start = 0
    for answer in subject.replies(tokens):
        width = answer.shape[1]
        if answer.shape != (len(batch), width, expected.shape[1]) or start + width > time:
            raise InputError(f"{subject.name}: answers of shape {answer.shape}, {expected.shape[1]} outputs expected")
        after = states[:, start + 1 : start + width + 1]
        asked = after != DEAD if subject.predicts else np.ones(after.shape, dtype=bool)
        right += ((answer == expected[after]).all(-1) & asked).sum(1)
        final = answer[:, -1, 0]
        if subject.predicts:
            following = tokens[:, start + 1 : start + width + 1]
            legal = legal & np.take_along_axis(answer[:, : following.shape[1], 1:], following[..., None], -1).all(
                (1, 2)
            )
        start += width
    if start != time:
        raise InputError(f"{subject.name}: {start} answers to {time} symbols")
    return [Verdict(int(r), bool(f and ok)) for r, f, ok in zip(right, final, legal, strict=True)]


def _batches(strings: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """The places of strings of one length, as many as fit; so nothing is padded, which a function that sees whole strings would notice."""
    order = sorted(range(len(strings)), key=lambda place: (len(strings[place]), place))
    for length, group in groupby(order, key=lambda place: len(strings[place])):
        places = list(group)
        stride = max(1, TOKENS // max(1, length))
        for start in range(0, len(places), stride):
            yield places[start : start + stride]
