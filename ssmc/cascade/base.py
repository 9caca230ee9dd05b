"""The base of a cascade: counters and a window, components of layers 1 and 0 whose contexts the levels refine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.ir import Action, Component
from ssmc.cascade.refinement import merge
from ssmc.cascade.system import explore_contexts
from ssmc.cascade.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Alphabet
    from ssmc.cascade.closures import Points
    from ssmc.cascade.counters import Counter
    from ssmc.cascade.ir import Key
    from ssmc.cascade.system import Contexts, System
    from ssmc.cascade.tallies import Tally

Name = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""A context of a base: values of counters, tallies and window."""

_NAMED = 4
"""Up to this number of classes a counter's name lists them."""


@dataclass(frozen=True)
class Base:
    """The contexts that counters and a window give.

    Attributes:
        system: the transition system.
        contexts: the context automaton.
        components: the components that keep the context.
        values: their values in each context.
    """

    system: System
    contexts: Contexts
    components: tuple[Component, ...]
    values: tuple[tuple[int, ...], ...]

    @cached_property
    def merged(self) -> tuple[list[int], Points]:
        """The contexts with bisimilar ones merged: the number of each, and the merged automaton."""
        return merge(self.system, self.contexts)


def make_base(
    system: System,
    alphabet: Alphabet,
    *,
    counters: Sequence[Counter] = (),
    tallies: Sequence[Tally] = (),
    window: Window | None = None,
    limit: int,
) -> Base:
    """The base of some counters, tallies and a window.

    Raises:
        LimitError: it has more than `limit` points (context, state).
    """
    taps = Window(()) if window is None else window

    def step(name: Name, x: int, state: int) -> Name:
        _, counts, recent = name
        return (
            tuple(counter.values[state] for counter in counters),
            tuple(tally.step(count, x) for tally, count in zip(tallies, counts, strict=True)),
            taps.step(recent, x),
        )

    start = (tuple(0 for _ in counters), tuple(0 for _ in tallies), taps.initial)
    contexts, names = explore_contexts(system, start, step, limit=limit)
    components = [_component(counter, system, alphabet) for counter in counters]
    components += [tally.component(alphabet, len(system.columns)) for tally in tallies]
    components += taps.components(len(components))
    return Base(system, contexts, tuple(components), tuple((*rho, *counts, *recent) for rho, counts, recent in names))


def _component(counter: Counter, system: System, alphabet: Alphabet) -> Component:
    low, high = min(counter.values), max(counter.values)
    table: dict[Key, Action] = {
        (x,): Action(1, c) for x, c in enumerate(counter.increments) if any(r != DEAD for r in system.columns[x])
    }
    return Component(
        f"counter {_terms(counter, alphabet)}", "counter", high - low + 1, (), MappingProxyType(table), low=low
    )


def _terms(counter: Counter, alphabet: Alphabet) -> str:
    """The increments as `+1 a, -1 b`; where many classes share one, only how many."""
    classes: dict[int, list[str]] = {}
    for symbol, c in zip(alphabet.representatives, counter.increments, strict=True):
        if c:
            classes.setdefault(c, []).append(alphabet.name(symbol))
    return ", ".join(
        f"{c:+d} {' '.join(names) if len(names) <= _NAMED else f'({len(names)} classes)'}"
        for c, names in sorted(classes.items(), reverse=True)
    )
