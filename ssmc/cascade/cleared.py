"""Modular counters that symbols clear: parities since a letter, of the present run of a letter, of the blocks of a letter.

What a counter does may depend on the symbol and on the one before it (a window). Such a counter runs beside the system and need not be a function of its
state; it is of use where it leaves fewer sets permuted. Counters that leave none are *stacks* (see `group_strategy`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.cascade.ir import HOLD, TOGGLE, Action, Component, overwrite
from ssmc.cascade.meter import STEP
from ssmc.cascade.parallel import base_of_components
from ssmc.cascade.tallies import letter_choices
from ssmc.cascade.tiling import count_permuted
from ssmc.cascade.windows import Window, find_window
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.alphabet import Alphabet
    from ssmc.cascade.ir import AnyAction, Key
    from ssmc.cascade.meter import Meter
    from ssmc.cascade.system import System

    Pair = tuple[int, int]
    Stack = tuple[Component, ...]

_PAIRED = 6
"""The best counters of which every two are tried together."""
_FAMILY = 5_000
"""Sets of a family above which a counter is not tried."""
_COST = 9
"""The work of one try, in steps of its points."""


@dataclass(frozen=True)
class Cleared:
    """A counter modulo a prime power.

    Attributes:
        modulus: the prime power.
        raised: (group of the symbol before, class) at which it adds one; group 0 before the first symbol.
        cleared: those at which it becomes 0; at all others it holds.
        window: the groups of the symbol before; of width 0 where it does not matter, and then every group is 0.
        classes: the number of classes.
        name: what it counts, for people.
    """

    modulus: int
    raised: frozenset[Pair]
    cleared: frozenset[Pair]
    window: Window
    classes: int
    name: str

    def components(self, *, window: int, first: int, signed: bool) -> Stack:
        """The counter as a rotation or as swaps with carry, least digit first.

        Args:
            window: the index of the window component, if it reads one.
            first: the index of the first of its components.
            signed: whether moduli that are powers of 2 become swaps.
        """
        wide = bool(self.window.groups)
        groups = range(1 + max(self.window.groups[0])) if wide else range(1)
        pairs = [(g, x) for g in groups for x in range(self.classes)]
        reads = (window,) if wide else ()
        splits = signed and self.modulus & (self.modulus - 1) == 0
        digits = self.modulus.bit_length() - 1 if splits or self.modulus == 2 else 0
        out = []
        for place in range(max(1, digits)):
            table: dict[Key, AnyAction] = {}
            for g, x in pairs:
                for low in range(1 << place):
                    key = (x, *((g,) if wide else ()), *(low >> i & 1 for i in range(place)))
                    carried = low == (1 << place) - 1
                    moves = (TOGGLE if carried else HOLD) if digits else Action(1, 1)
                    raised = moves if (g, x) in self.raised else HOLD
                    table[key] = overwrite(0) if (g, x) in self.cleared else raised
            kind, size = ("swap", 2) if digits else ("rotation", self.modulus)
            label = self.name if digits < 2 else f"{self.name}, digit {place + 1}"
            lower = tuple(range(first, first + place))
            out.append(Component(label, kind, size, (*reads, *lower), MappingProxyType(table)))  # type: ignore[arg-type]
        return tuple(out)


def cleared_stacks(
    system: System, alphabet: Alphabet, below: Stack, moduli: tuple[int, ...], meter: Meter, *, signed: bool
) -> Iterator[Stack]:
    """Components that leave no set permuted: given ones with one modular counter, or with the two of the most useful ones that do.

    Args:
        system: what to decompose.
        alphabet: for names.
        below: components that run beside the system anyway.
        moduli: prime powers to count by.
        meter: how much may be tried.
        signed: whether counting modulo a power of 2 is done by swaps.
    """
    before = _measure(system, below)
    scored: list[tuple[int, int, Cleared]] = []
    for counter in (c for modulus in moduli for c in _counters(system, alphabet, modulus)):
        stack = _stack(below, (counter,), signed=signed)
        left = _metered(system, stack, meter)
        if meter.is_empty:
            return
        if left == 0:
            yield stack
        elif left is not None and before is not None and left < before:
            scored.append((left, len(scored), counter))
    best = [counter for _, _, counter in sorted(scored)[:_PAIRED]]
    for pair in combinations(best, 2):
        stack = _stack(below, pair, signed=signed)
        if _metered(system, stack, meter) == 0:
            yield stack
        if meter.is_empty:
            return


def _metered(system: System, stack: Stack, meter: Meter) -> int | None:
    size = 1
    for component in stack:
        size *= component.size
    meter.spend(_COST * STEP * len(system.columns) * system.states * size)
    return _measure(system, stack)


def _measure(system: System, stack: Stack) -> int | None:
    """How many points are permuted over some components; None where the sets are too many to look at."""
    with suppress(LimitError, InvariantError):
        base = base_of_components(system, stack, limit=_FAMILY)
        return count_permuted(system, base.contexts, set_limit=_FAMILY)
    return None


def _stack(below: Stack, counters: tuple[Cleared, ...], *, signed: bool) -> Stack:
    out = list(below)
    window = -1
    for counter in counters:
        if counter.window.groups and window < 0:
            window = len(out)
            out += counter.window.components(window)
        out += counter.components(window=window, first=len(out), signed=signed)
    return tuple(out)


def _counters(system: System, alphabet: Alphabet, modulus: int) -> Iterator[Cleared]:
    """What may be counted: letters between letters, then runs and blocks of a letter."""
    none = Window(())
    names = [alphabet.name(symbol) for symbol in alphabet.representatives]
    seen = set()
    for raised, cleared in letter_choices(system):
        counter = Cleared(
            modulus,
            frozenset((0, x) for x in raised - cleared),
            frozenset((0, x) for x in cleared),
            none,
            len(names),
            _name(modulus, [names[x] for x in sorted(raised)], [names[x] for x in sorted(cleared)]),
        )
        if counter.raised and (counter.raised, counter.cleared) not in seen:
            seen.add((counter.raised, counter.cleared))
            yield counter
    window = find_window(system, 1)
    before = window.groups[0]
    every = frozenset((g, x) for g in range(1 + max(before)) for x in range(len(before)))
    repeats = frozenset((g, x) for g, x in every if g == before[x])
    for x, name in enumerate(names):
        again = frozenset([(before[x], x)])
        fresh = frozenset(pair for pair in every if pair[1] == x) - again
        nothing: frozenset[Pair] = frozenset()
        yield Cleared(modulus, again, fresh, window, len(names), f"modulo {modulus}: last run of {name}")
        yield Cleared(modulus, fresh, nothing, window, len(names), f"modulo {modulus}: blocks of {name}")
    yield Cleared(modulus, repeats, every - repeats, window, len(names), f"modulo {modulus}: present run")
    yield Cleared(modulus, every - repeats, frozenset(), window, len(names), f"modulo {modulus}: changes")


def _name(modulus: int, raised: list[str], cleared: list[str]) -> str:
    since = f", cleared by {_few(cleared)}" if cleared else ""
    return f"modulo {modulus}: +1 {_few(raised)}{since}"


def _few(names: list[str]) -> str:
    return " ".join(names) if len(names) <= 4 else f"({len(names)} classes)"
