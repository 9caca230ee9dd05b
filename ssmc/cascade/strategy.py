"""The candidates for one system, in an order in which cheap ones bound the dear ones."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from ssmc.cascade.base import make_base
from ssmc.cascade.cost import Cost, Order, cost_of
from ssmc.cascade.counters import find_counters
from ssmc.cascade.covering import Covering, recolour, settle
from ssmc.cascade.decoded import cover_by_sets
from ssmc.cascade.holonomy import PeriodicError, cover_by_holonomy, find_holonomy
from ssmc.cascade.meter import STEP, Meter
from ssmc.cascade.orders import order_components
from ssmc.cascade.parallel import base_of_components, join, needed_components
from ssmc.cascade.quotients import absorbing_states, find_parts
from ssmc.cascade.reduce import reduce_covering
from ssmc.cascade.search import Budget, cover_by_levels, search_greedily, search_layers, search_levels
from ssmc.cascade.tallies import find_tallies
from ssmc.cascade.upsets import cover_by_upsets, longest_descent, reachable_sets
from ssmc.cascade.windows import find_window
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssmc.algebra.language_groups import Gates
    from ssmc.automaton import Alphabet
    from ssmc.cascade.base import Base
    from ssmc.cascade.counters import Counter
    from ssmc.cascade.holonomy import Holonomy
    from ssmc.cascade.ir import Component
    from ssmc.cascade.reduce import Reduced
    from ssmc.cascade.system import System

Found = TypeVar("Found")

BUDGETS = {
    0: Budget(beam=1, work=0, points=0),
    1: Budget(beam=2, work=500_000_000, points=4_000),
    2: Budget(beam=4, work=3_000_000_000, points=15_000),
    3: Budget(beam=8, work=30_000_000_000, points=60_000),
}
_RIVAL_CONTEXTS = 5_000
"""The largest number of contexts and of joint states that a candidate may have once another has been found."""
_RIVAL_ROWS = 20_000
"""The largest number of contexts times classes that it may have where up-sets give a cascade."""
_RIVAL_SETS = 1_500
"""The largest family of sets of a holonomy that is higher than what has been found is deep: reduction seldom makes it shallower."""
_LARGE_ROWS = 2_000
"""Joint states times classes above which a candidate is finished only if it looks cheaper than the best."""
_COVER = 350
"""The work for one level at one transition of a covering: to build it, to find what the level reads, and to follow joint states."""
_KEPT = 9
"""What the work of a search is divided by once up-sets give a cascade."""
_MANY = 9
"""Layers of that cascade from which it is divided by three times as much."""
_FEW_SETS = 16
"""Pairs of a known set and a tile, for each state, up to which a level by decoded sets is worth a try before others."""
_MOST_BLOCKS = 6
"""Up to this number of classes with the window before them their order of last occurrence is tried as a layer."""
MOST_LEVELS = 12
"""The longest sequence of levels that a search looks for when nothing else is known."""


@dataclass(frozen=True)
class Options:
    """What a decomposition may spend.

    Attributes:
        effort: 0 holonomy alone, 1 to 3 search with growing budgets.
        share: what the budget of the effort is divided by, where several automata are decomposed.
        window: the widest window of symbols that the search may use.
        counters: whether counters may be used.
        tallies: whether counters that saturate may be used.
        gates: what the gates may be, and so which component kinds may be used for groups.
        set_limit: the largest family of sets that the holonomy may meet.
        context_limit: the largest number of contexts and of joint states.
        max_layers: the most scan layers that a cascade may have; None for no limit.
        cost: what is compared first.
    """

    effort: int = 1
    share: int = 1
    window: int = 3
    counters: bool = True
    tallies: bool = True
    gates: Gates = "non-negative"
    set_limit: int = 100_000
    context_limit: int = 100_000
    max_layers: int | None = None
    cost: Order = "layers"


PartCache = dict[tuple[tuple[int, ...], ...], "Choice[tuple[Component, ...]]"]
"""What was found for quotients, by their transition columns."""


class Choice(Generic[Found]):
    """The cheapest result so far, for a function that finishes a reduced covering and tells what the result costs."""

    def __init__(
        self,
        options: Options,
        meter: Meter,
        finish: Callable[[Reduced], tuple[Cost, Found]],
        *,
        deepest: int | None = None,
        parts: PartCache | None = None,
        best: tuple[Cost, Found] | None = None,
    ) -> None:
        self.options = options
        self.meter = meter
        self.deepest = deepest
        self.rivals = _RIVAL_CONTEXTS
        self.bound = MOST_LEVELS if deepest is None else deepest
        self.parts: PartCache = {} if parts is None else parts
        self.finish = finish
        self.best = best
        self.estimate: tuple[int, ...] | None = None
        self.limit: LimitError | None = None

    @property
    def depth(self) -> int:
        """The most layers of a cascade that could be as cheap as the best."""
        return self.bound if self.best is None else min(self.bound, self._no_dearer(self.best[0], MOST_LEVELS))

    def _no_dearer(self, cost: Cost, otherwise: int) -> int:
        limit, most = self.options.max_layers, cost.most_layers(self.options.cost, otherwise)
        return most if limit is None or cost.layers > limit else min(most, limit)

    def _rank(self, cost: Cost) -> tuple[int, ...]:
        return cost.rank(self.options.cost, self.options.max_layers)

    def consider(self, cover: Callable[..., Covering]) -> None:
        """Builds and finishes a covering and keeps the result if it is the cheapest."""
        limit = self.options.context_limit
        deepest = self.deepest
        if self.best is not None:
            limit, deepest = min(limit, self.rivals), self.depth
        try:
            covering = recolour(cover(context_limit=limit))
            self.meter.spend(_COVER * len(covering.states) * len(covering.arrows[0]) * (1 + len(covering.level_names)))
            try:
                reduced = reduce_covering(covering, joint_limit=limit, depth_limit=deepest)
            except LimitError:
                if self.best is not None:
                    return
                reduced = reduce_covering(settle(covering), joint_limit=limit)
        except LimitError as error:
            self.limit = error
            return
        if reduced is not None:
            self.offer(reduced)

    def offer(self, reduced: Reduced) -> None:
        """Finishes a reduced covering and keeps the result if it is the cheapest."""
        width = len(reduced.covering.arrows[0])
        self.meter.spend(_COVER * len(reduced.joint.contexts) * width * len(reduced.components))
        estimate = self._rank(cost_of(reduced.components, order=self.options.cost)._replace(entries=0))
        # latch and readout seldom turn the order of two candidates round, and finishing a large one takes long
        large = len(reduced.joint.contexts) * width > _LARGE_ROWS
        if large and self.estimate is not None and estimate >= self.estimate:
            return
        found = self.finish(reduced)
        if self.best is None or self._rank(found[0]) < self._rank(self.best[0]):
            self.best, self.estimate = found, estimate


def explore(system: System, alphabet: Alphabet, choice: Choice[Found], *, top: bool = True) -> None:
    """Offers a choice every candidate for a system: bases alone, parallel parts, search over bases, and holonomy.

    Args:
        system: what to decompose.
        alphabet: for names.
        choice: what receives the candidates.
        top: whether this is the whole system; a quotient is split once more, and gets the fallbacks only if nothing else is found.
    """
    options = choice.options
    budget = BUDGETS[options.effort]
    counters = find_counters(system) if options.counters else ()
    bases = []
    for width in range(options.window + 1 if options.effort else 1):
        window = find_window(system, width)
        limit = budget.points if width else options.context_limit
        for chosen in (counters, ()) if counters else ((),):
            with suppress(LimitError):
                bases.append(make_base(system, alphabet, counters=chosen, window=window, limit=limit))
                choice.meter.spend(work_of(bases[-1]))
    above = None
    if options.effort:
        for base in bases:
            for sequence in search_levels(base, budget, choice.meter, 0):
                choice.consider(partial(cover_by_levels, base, sequence))
        above = reachable_sets(system) if choice.depth > 1 else None
        if above is not None:
            choice.consider(lambda context_limit: cover_by_upsets(system, above))  # noqa: ARG005
            if top:
                # few layers are known already, so the search may do less, and the less the more they are: it seldom finds fewer than many
                kept = _KEPT if choice.depth <= _MANY else 3 * _KEPT
                choice.meter.spend((kept - 1) * choice.meter.left // kept)
                choice.rivals = min(choice.rivals, _RIVAL_ROWS // len(system.columns))
        narrow = bases[: 2 if counters else 1]
        searched: dict[int, int] = {}
        if choice.depth > 1:
            for i, base in enumerate(narrow):
                with choice.meter.share(2 * len(narrow) - i) as meter:
                    _search_layers(base, choice, meter)
                searched[i] = choice.depth
        if above is None:
            _split_all(system, alphabet, choice, top=top)
        for i, base in enumerate(bases):
            with choice.meter.share(len(bases) + 1 - i) as meter:
                _search(base, choice, meter, again=searched.get(i) != choice.depth)
        if above is not None:
            # the quotients of a partially ordered system seldom know more than its up-sets
            _split_all(system, alphabet, choice, top=top)
        if choice.depth > 1 and options.tallies:
            _tally(system, alphabet, counters, choice)
        if top and choice.depth > 1:
            _order(bases, choice)
    if top or (choice.best is None and not choice.meter.is_empty):
        _fall_back(bases[: 2 if counters else 1], choice, ordered=above is not None)


def holonomy_of(base: Base, choice: Choice[Found], *, least: int = 0) -> Holonomy | None:
    """The holonomy of a base, unless one layer is known already or it is too large.

    Args:
        base: contexts.
        choice: what is known.
        least: a lower bound of its height; where that is more than the layers that are known, the family of sets may be small only.

    Raises:
        PeriodicError: the system is not aperiodic in the contexts of the base.
    """
    if choice.best is not None and choice.depth <= 1:
        return None
    limit = choice.options.set_limit
    if choice.best is not None and choice.best[0].most_layers(choice.options.cost, least) < least:
        limit = min(limit, _RIVAL_SETS)
    try:
        return find_holonomy(base.system, base.contexts, set_limit=limit)
    except LimitError as error:
        choice.limit = error
        return None


def offer_sets(base: Base, holonomy: Holonomy, choice: Choice[Found], *, wide: bool = False) -> None:
    """Offers a choice the holonomy of a base by decoded sets, where that is shallower than the best.

    Args:
        base: contexts.
        holonomy: its holonomy.
        choice: what receives the candidate.
        wide: also where known sets are many more than states: their components are wide then, and levels by blocks are better.
    """
    options = choice.options
    # where something is known already, only what is shallower is worth the time
    deepest = choice.deepest if choice.best is None else choice.depth - 1
    # its counters read other components and are overwritten, as tallies are
    counting = options.counters and options.tallies
    if not (counting and holonomy.levels and (deepest is None or holonomy.levels <= deepest)):
        return
    few = options.context_limit if wide else min(_FEW_SETS * (1 + base.system.states), options.context_limit)
    try:
        choice.offer(cover_by_sets(base, holonomy, pair_limit=few))
    except LimitError as error:
        choice.limit = error


def work_of(base: Base) -> int:
    """The work that the contexts of a base took."""
    return STEP * len(base.system.columns) * len(base.contexts.fibres) * (1 + len(base.components) // 4)


def _order(bases: list[Base], choice: Choice[Found]) -> None:
    """Offers one layer that knows the order of last occurrence of every block, where there are few blocks."""
    budget = BUDGETS[choice.options.effort]
    for base in bases:
        components = order_components(base, most_blocks=_MOST_BLOCKS)
        if components:
            with suppress(LimitError):
                ordered = base_of_components(base.system, components, limit=budget.points, single=True)
                choice.meter.spend(work_of(ordered))
                for sequence in search_levels(ordered, budget, choice.meter, 0):
                    choice.consider(partial(cover_by_levels, ordered, sequence))


def _fall_back(bases: list[Base], choice: Choice[Found], *, ordered: bool) -> None:
    """The candidates that always exist for an aperiodic system: greedy levels where nothing else was found, and holonomy.

    Args:
        bases: contexts.
        choice: what receives the candidates.
        ordered: whether the system is partially ordered.
    """
    options = choice.options
    alone = choice.best is None
    found: list[tuple[Base, Holonomy]] = []
    for base in bases:
        least = longest_descent(base.system, base.contexts) if ordered else 0
        holonomy = holonomy_of(base, choice, least=least)
        if holonomy is not None:
            found.append((base, holonomy))
            offer_sets(base, holonomy, choice)
    if options.effort and alone:
        meter = choice.meter if choice.deepest else Meter(BUDGETS[options.effort].work)
        for sequence in search_greedily(bases[0], meter):
            choice.consider(partial(cover_by_levels, bases[0], sequence))
    for base, holonomy in found:
        if choice.depth > 1:
            choice.consider(partial(cover_by_holonomy, base, holonomy))
    if choice.best is None:
        for base, holonomy in found:
            offer_sets(base, holonomy, choice, wide=True)


def _tally(system: System, alphabet: Alphabet, counters: tuple[Counter, ...], choice: Choice[Found]) -> None:
    """Searches over the best tallies, alone and with a short window."""
    budget = BUDGETS[choice.options.effort]
    with choice.meter.share(4) as meter:
        tallies = find_tallies(system, meter, budget.beam)
    tries = [(tally, width) for width in range(min(choice.options.window, 1) + 1) for tally in tallies]
    for i, (tally, width) in enumerate(tries):
        with choice.meter.share(len(tries) - i) as meter, suppress(LimitError):
            window = find_window(system, width)
            base = make_base(system, alphabet, counters=counters, tallies=(tally,), window=window, limit=budget.points)
            _search(base, choice, meter)


def _search(base: Base, choice: Choice[Found], meter: Meter, *, again: bool = True) -> None:
    """Searches levels over a base, one a layer and (unless that was done for this depth) several a layer."""
    budget = BUDGETS[choice.options.effort]
    with meter.share(2) as half:
        for sequence in search_levels(base, budget, half, choice.depth):
            choice.consider(partial(cover_by_levels, base, sequence))
    if again:
        _search_layers(base, choice, meter)


def _search_layers(base: Base, choice: Choice[Found], meter: Meter) -> None:
    for sequence in search_layers(base, BUDGETS[choice.options.effort], meter, choice.depth):
        choice.consider(partial(cover_by_levels, base, sequence))


def _split_all(system: System, alphabet: Alphabet, choice: Choice[Found], *, top: bool) -> None:
    """Tries quotients of the whole system (at the top) and of the system without its absorbing states."""
    aside = absorbing_states(system)
    for states in dict.fromkeys((frozenset[int](), aside)) if top else (aside,):
        with choice.meter.share(3) as meter:
            _split(system, alphabet, states, choice, meter)


def _split(system: System, alphabet: Alphabet, aside: frozenset[int], choice: Choice[Found], meter: Meter) -> None:
    """Decomposes quotients side by side, then searches levels on top of them.

    A quotient that is not aperiodic (a quotient of partial maps need not be), or no shallower than what is known, is left to the levels.
    """
    parts = find_parts(system, aside, meter) if choice.depth > 1 else ()
    groups = []
    for i, part in enumerate(parts):
        key = part.system.columns
        known = choice.parts.get(key)
        if known is None or known.depth > choice.depth or (known.best is None and known.bound < choice.depth - 1):
            with meter.share(len(parts) + 1 - i) as share:
                known = Choice(
                    choice.options,
                    share,
                    partial(_finish_part, choice.options.cost),
                    deepest=choice.depth - 1,
                    parts=choice.parts,
                )
                choice.parts[key] = known
                with suppress(PeriodicError):
                    explore(part.system, alphabet, known, top=False)
        if known.best is not None and known.depth < choice.depth:
            groups.append(known.best[1])
    if not groups:
        return
    try:
        base = base_of_components(system, join(groups), limit=BUDGETS[choice.options.effort].points)
    except (LimitError, InvariantError):
        return
    meter.spend(work_of(base))
    _search(base, choice, meter)


def _finish_part(order: Order, reduced: Reduced) -> tuple[Cost, tuple[Component, ...]]:
    components = needed_components(reduced)
    return cost_of(components, order=order), components
