"""Samples bin by bin: which strings, of which lengths, by which source, reproducibly from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ssmc.dyck import BoundedDyck
from ssmc.errors import InputError, UsageError
from ssmc.sample.brackets import Brackets, is_ruled
from ssmc.sample.counting import WordCounts
from ssmc.sample.near import near_miss
from ssmc.sample.sources import FLIP_FLOP, dyck_weights, flip_flop_string
from ssmc.sample.walk import Walks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from fractions import Fraction

    from ssmc.sample.machine import Machine, Move
    from ssmc.sample.near import Edit

METHODS = ("lengths", "words", "walk", "dyck", "ffl")
"""How strings are chosen, see `Settings`."""
NEGATIVE_TRIES = 200
"""Words that are tried for one near miss; fewer long ones."""
NEGATIVE_SYMBOLS = 400_000
"""Symbols of the words beyond the first few that are tried for one near miss."""


class Bin(NamedTuple):
    """A range of lengths, both ends included."""

    low: int
    high: int


PAPER_BINS = (Bin(1, 50), Bin(51, 100), Bin(101, 150))
"""The bins of Bhattamishra, Ahuja and Goyal 2020, used by Sarrof, Veitsman and Hahn 2024: training lengths, and two beyond."""


@dataclass(frozen=True)
class Settings:
    """How strings are chosen.

    Attributes:
        method: `lengths`: a length of the bin, each that has words equally likely, then each word of that length equally likely;
            `words`: each word of the bin equally likely; `walk`: a length, then each symbol that can still be completed equally likely;
            `dyck`: a length, then the source of Hewitt et al. 2020 conditioned on it; `ffl`: a length, then FFL(p).
        prefixes: `walk` only: prefixes of words instead of words.
        negatives: near misses of the strings instead of them.
        ignore: p of FFL(p).
    """

    method: str = "lengths"
    prefixes: bool = False
    negatives: bool = False
    ignore: Fraction | None = None

    def check(self) -> None:
        """Checks that the settings make sense together.

        Raises:
            UsageError: they do not.
        """
        if self.method not in METHODS:
            raise UsageError(f"unknown method {self.method!r}; the methods are {', '.join(METHODS)}")
        if self.prefixes and (self.method != "walk" or self.negatives):
            raise UsageError("prefixes are drawn by the method walk, and have no near misses")
        if (self.ignore is not None) != (self.method == "ffl"):
            raise UsageError("the method ffl needs the probability of i, and no other method has one")


@dataclass(frozen=True)
class Sample:
    """One string.

    Attributes:
        symbols: the string.
        bin: the range of lengths it was drawn for (a near miss may be one symbol longer or shorter).
        accepted: whether it is in the language.
        edit: of a near miss the edit that made it: `replace`, `insert` or `delete`, the place and the symbol.
    """

    symbols: tuple[int, ...]
    bin: Bin
    accepted: bool
    edit: Edit | None = None


def draw_samples(
    machine: Machine, bins: tuple[Bin, ...], count: int, settings: Settings, seed: int
) -> Iterator[Sample]:
    """`count` strings for each bin, the same for equal arguments.

    Raises:
        UsageError: the settings make no sense together.
        InputError: a bin has no string, or (near misses) words without one.
        LimitError: the counts of words would take too much memory.
    """
    settings.check()
    source = _source(machine, settings)
    for number, interval in enumerate(bins):
        rng = random.Random(f"{seed} {number} {interval.low} {interval.high}")  # noqa: S311
        choose = source(interval)
        for _ in range(count):
            if settings.negatives:
                yield _negative(machine, interval, choose, rng)
            else:
                word = choose(rng)
                yield Sample(tuple(word), interval, machine.automaton.accepts(word))


def _negative(
    machine: Machine, interval: Bin, choose: Callable[[random.Random], list[int]], rng: random.Random
) -> Sample:
    tries = min(NEGATIVE_TRIES, max(4, NEGATIVE_SYMBOLS // max(1, interval.high)))
    for _ in range(tries):
        found = near_miss(machine.automaton, choose(rng), rng)
        if found is not None:
            return Sample(tuple(found[0]), interval, accepted=False, edit=found[1])
    raise InputError(f"no near miss of {tries} words of lengths {interval.low} to {interval.high} was found")


def _source(machine: Machine, settings: Settings) -> Callable[[Bin], Callable[[random.Random], list[int]]]:
    """For a bin the function that draws one string."""
    automaton = machine.automaton
    if isinstance(automaton, BoundedDyck) and is_ruled(automaton):
        brackets = Brackets.of(automaton)
        profiles = _drawn(brackets.profile, settings, brackets.weight)

        def coloured(interval: Bin) -> Callable[[random.Random], list[int]]:
            choose = profiles(interval)
            return lambda rng: brackets.colour(choose(rng), rng)

        return coloured
    return _drawn(machine, settings, None)


def _drawn(
    machine: Machine, settings: Settings, weight: Callable[[int, Move], int] | None
) -> Callable[[Bin], Callable[[random.Random], list[int]]]:
    """The same for a machine whose moves stand for `weight` symbols each."""
    alphabet = machine.automaton.alphabet
    if settings.method == "walk":
        walks = Walks(machine, settings.prefixes, weight)
        return lambda interval: _by_length(interval, walks.exists, walks.draw)
    if settings.method == "ffl":
        if alphabet.kind != "tokens" or set(alphabet.names) != FLIP_FLOP:
            raise InputError(
                f"FFL(p) is over the symbols {' '.join(sorted(FLIP_FLOP))}, as the grammar flip-flop-bits is"
            )
        ignore = settings.ignore
        if ignore is None:
            raise UsageError("the method ffl needs the probability of i")
        return lambda interval: _by_length(
            interval,
            lambda length: length >= 4 and length % 2 == 0,
            lambda length, rng: alphabet.encode_names(flip_flop_string(length, ignore, rng)),
        )
    if settings.method == "dyck":
        if alphabet.kind != "tokens" or alphabet.size % 2:
            raise InputError("a language of brackets has its opening ones first, then as many closing ones")
        counts = WordCounts(machine, *dyck_weights(machine, range(alphabet.size // 2)))
    else:
        counts = WordCounts(machine, weight)
    if settings.method == "words":
        return lambda interval: _by_word(interval, counts)
    return lambda interval: _by_length(interval, lambda length: counts.count(length) > 0, counts.draw)


def _by_length(
    interval: Bin, exists: Callable[[int], bool], draw: Callable[[int, random.Random], list[int]]
) -> Callable[[random.Random], list[int]]:
    lengths = [length for length in range(interval.low, interval.high + 1) if exists(length)]
    if not lengths:
        raise InputError(f"there is no string of lengths {interval.low} to {interval.high}")
    return lambda rng: draw(rng.choice(lengths), rng)


def _by_word(interval: Bin, counts: WordCounts) -> Callable[[random.Random], list[int]]:
    sizes = [counts.count(length) for length in range(interval.low, interval.high + 1)]
    if not sum(sizes):
        raise InputError(f"there is no string of lengths {interval.low} to {interval.high}")

    def choose(rng: random.Random) -> list[int]:
        index, length = rng.randrange(sum(sizes)), interval.low
        while index >= (size := sizes[length - interval.low]):
            index -= size
            length += 1
        return counts.unrank(length, index)

    return choose
