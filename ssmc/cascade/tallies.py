"""Tallies: saturating counters that letters raise or clear, and that need not be functions of the state.

A tally is min(t, h) for h_t = a h_{t-1} + c with a in {0, 1} and c >= 0: how often some letters occurred, how long ago a letter was last seen, how long the present run
of a letter is. Any tally is a valid context: it runs beside the system, and what it tells is how small the fibres over its values are.
h itself is not bounded; docs/cascade.md proves that what is read of it is exact in any order of evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.ir import Action, Component, overwrite
from ssmc.cascade.meter import STEP
from ssmc.cascade.system import explore_contexts, members
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.automaton import Alphabet
    from ssmc.cascade.ir import Key
    from ssmc.cascade.meter import Meter
    from ssmc.cascade.system import System

_POINTS = 8
"""A tally with more points (value, state) than this times the number of states is not looked at."""
_PAIRED_LETTERS = 8
"""Up to this number of classes a tally raised by one letter and cleared by another is tried for every two."""


@dataclass(frozen=True)
class Tally:
    """A saturating counter.

    Attributes:
        raised: the classes that add one.
        cleared: the classes that set it to 0; the others hold.
        top: the value at which it saturates.
    """

    raised: frozenset[int]
    cleared: frozenset[int]
    top: int

    def step(self, value: int, x: int) -> int:
        """The value after class x."""
        if x in self.cleared:
            return 0
        return min(value + (x in self.raised), self.top)

    def component(self, alphabet: Alphabet, classes: int) -> Component:
        """The tally as a component."""
        table: dict[Key, Action] = {
            (x,): overwrite(0) if x in self.cleared else Action(1, int(x in self.raised)) for x in range(classes)
        }
        names = [alphabet.name(s) for s in alphabet.representatives]
        raised = " ".join(names[x] for x in sorted(self.raised))
        cleared = " ".join(names[x] for x in sorted(self.cleared))
        name = f"tally of {raised}" + (f" since {cleared}" if cleared else "")
        return Component(name, "counter", self.top + 1, (), MappingProxyType(table), saturating=True)


def find_tallies(system: System, meter: Meter, most: int) -> tuple[Tally, ...]:
    """The tallies that separate most pairs of states, at most `most` of them, each with the least top that separates as many."""
    work = STEP * len(system.columns) * 2 * system.states
    scored: list[tuple[int, int, Tally]] = []
    for raised, cleared in letter_choices(system):
        if meter.is_empty:
            break
        meter.spend(work)
        tally = Tally(raised, cleared, system.states)
        separated = _separated(system, tally)
        if separated:
            scored.append((-separated, len(scored), tally))
    best = []
    for separated, _, tally in sorted(scored)[:most]:
        low, high = 1, tally.top
        while low < high:
            meter.spend(work)
            middle = (low + high) // 2
            if _separated(system, Tally(tally.raised, tally.cleared, middle)) >= -separated:
                high = middle
            else:
                low = middle + 1
        best.append(Tally(tally.raised, tally.cleared, high))
    return tuple(best)


def letter_choices(system: System) -> Iterator[tuple[frozenset[int], frozenset[int]]]:
    """Sets of letters that a counter may count, and sets that may clear it."""
    letters = frozenset(x for x, column in enumerate(system.columns) if any(r != DEAD for r in column))
    none: frozenset[int] = frozenset()
    yield letters, none
    for x in sorted(letters):
        only = frozenset([x])
        yield only, none
        yield letters - only, none
        yield only, letters - only
        yield letters - only, only
    if len(letters) <= _PAIRED_LETTERS:
        for x, y in combinations(sorted(letters), 2):
            yield frozenset([x]), frozenset([y])
            yield frozenset([y]), frozenset([x])
            yield frozenset([x, y]), none


def _separated(system: System, tally: Tally) -> int:
    """The number of pairs of states that no value of the tally has in its fibre together; 0 where the tally is too large to explore."""
    try:
        contexts, _ = explore_contexts(system, 0, lambda value, x, _: tally.step(value, x), limit=20 * system.states)
    except LimitError:
        return 0
    together = [0] * system.states
    for fibre in contexts.fibres:
        for q in members(fibre):
            together[q] |= fibre
    return sum(system.states - mask.bit_count() for mask in together) // 2
