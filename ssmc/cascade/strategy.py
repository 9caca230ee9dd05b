"""The candidates for one system, in an order in which cheap ones bound the dear ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from ssmc.cascade.base import make_base
from ssmc.cascade.counters import find_counters
from ssmc.cascade.covering import Covering, recolour
from ssmc.cascade.holonomy import PeriodicError, cover_by_holonomy
from ssmc.cascade.ir import layers_of
from ssmc.cascade.parallel import base_of_components, join, needed_components
from ssmc.cascade.quotients import absorbing_states, find_parts
from ssmc.cascade.reduce import reduce_covering
from ssmc.cascade.search import Budget, cover_by_levels, search_levels
from ssmc.cascade.windows import find_window
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssmc.automaton import Alphabet
    from ssmc.cascade.base import Base
    from ssmc.cascade.ir import Component
    from ssmc.cascade.reduce import Reduced
    from ssmc.cascade.system import System

Found = TypeVar("Found")
Cost = tuple[int, ...]

BUDGETS = {
    1: Budget(beam=2, work=2_000_000, points=2_000),
    2: Budget(beam=4, work=20_000_000, points=10_000),
    3: Budget(beam=8, work=300_000_000, points=50_000),
}
MOST_LEVELS = 12
"""The longest sequence of levels that a search looks for when nothing else is known."""


@dataclass(frozen=True)
class Options:
    """What a decomposition may spend.

    Attributes:
        effort: 0 holonomy alone, 1 to 3 search with growing budgets.
        window: the widest window of symbols that the search may use.
        set_limit: the largest family of sets that the holonomy may meet.
        context_limit: the largest number of contexts and of joint states.
    """

    effort: int = 1
    window: int = 3
    set_limit: int = 100_000
    context_limit: int = 100_000


class Choice(Generic[Found]):
    """The cheapest result so far, for a function that finishes a reduced covering and tells what the result costs (layers first)."""

    def __init__(self, options: Options, finish: Callable[[Reduced], tuple[Cost, Found]]) -> None:
        self.options = options
        self.finish = finish
        self.best: tuple[Cost, Found] | None = None
        self.limit: LimitError | None = None

    @property
    def depth(self) -> int:
        """The number of layers to beat."""
        return MOST_LEVELS if self.best is None else self.best[0][0]

    def consider(self, cover: Callable[..., Covering]) -> None:
        """Builds and finishes a covering and keeps the result if it is the cheapest."""
        try:
            covering = recolour(cover(context_limit=self.options.context_limit))
            deepest = None if self.best is None else self.depth
            reduced = reduce_covering(covering, joint_limit=self.options.context_limit, depth_limit=deepest)
        except LimitError as error:
            self.limit = error
            return
        if reduced is not None:
            found = self.finish(reduced)
            if self.best is None or found[0] < self.best[0]:
                self.best = found


def cost_of(components: tuple[Component, ...], entries: int = 0) -> Cost:
    """Scan layers, scan channels (counters one, resets in binary), window taps, table entries: compared in this order."""
    channels = sum(1 if c.kind == "counter" else (c.size - 1).bit_length() for c in components if c.kind != "window")
    windows = sum(c.kind == "window" for c in components)
    return max(layers_of(components), default=0), channels, windows, entries + sum(len(c.table) for c in components)


def explore(system: System, alphabet: Alphabet, choice: Choice[Found]) -> None:
    """Offers a choice every candidate for a system: search over bases, parallel parts, and holonomy."""
    options = choice.options
    counters = find_counters(system)
    subsets = (counters, ()) if counters else ((),)
    bases = [
        make_base(system, chosen, find_window(system, width), alphabet)
        for width in range(options.window + 1 if options.effort else 1)
        for chosen in subsets
    ]
    if options.effort:
        for base in bases:
            _search(base, choice)
        for aside in {frozenset(), absorbing_states(system)}:
            _split(system, alphabet, aside, choice)
    for base in bases[: len(subsets)]:
        if choice.best is None or choice.depth > 1:
            choice.consider(partial(cover_by_holonomy, base, set_limit=options.set_limit))


def _search(base: Base, choice: Choice[Found]) -> None:
    for sequence in search_levels(base, BUDGETS[choice.options.effort], choice.depth):
        choice.consider(partial(cover_by_levels, base, sequence))


def _split(system: System, alphabet: Alphabet, aside: frozenset[int], choice: Choice[Found]) -> None:
    """Decomposes quotients side by side, then searches levels on top of them.

    A quotient that is not aperiodic (a quotient of partial maps need not be), or no shallower than what is known, is left to the levels.
    """
    parts = find_parts(system, aside) if choice.depth > 1 else ()
    groups = []
    for part in parts:
        inner: Choice[tuple[Component, ...]] = Choice(choice.options, _finish_part)
        try:
            explore(part.system, alphabet, inner)
        except PeriodicError:
            continue
        if inner.best is not None and inner.depth < choice.depth:
            groups.append(inner.best[1])
    if not groups:
        return
    try:
        base = base_of_components(system, join(groups), context_limit=choice.options.context_limit)
    except (LimitError, InvariantError):
        return
    _search(base, choice)


def _finish_part(reduced: Reduced) -> tuple[Cost, tuple[Component, ...]]:
    components = needed_components(reduced)
    return cost_of(components), components
