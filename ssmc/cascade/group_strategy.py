"""The candidates for a system with groups: contexts that keep the groups, with resets on top of them, and holonomy with groups.

A *stack* is a tuple of components that run beside the system and leave no group in the fibres over their values. On top of one, everything that is done
for star-free languages works as it is: windows, counters, identity-reset search, holonomy. Stacks come from the modular counters of
the system, from modular counters that letters clear, and from the group components of the decompositions already found.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic

from ssmc.cascade.base import make_base
from ssmc.cascade.cleared import cleared_stacks
from ssmc.cascade.cost import cost_of
from ssmc.cascade.counters import find_counters
from ssmc.cascade.covering import Covering
from ssmc.cascade.group_holonomy import cover_by_group_holonomy
from ssmc.cascade.group_search import cover_by_turnings, search_turnings
from ssmc.cascade.holonomy import PeriodicError, cover_by_holonomy
from ssmc.cascade.parallel import base_of_components
from ssmc.cascade.reduce import closure, select
from ssmc.cascade.search import cover_by_levels, search_layers, search_levels
from ssmc.cascade.strategy import BUDGETS, Found, holonomy_of, offer_sets
from ssmc.cascade.tallies import find_tallies
from ssmc.cascade.tiling import count_permuted
from ssmc.cascade.torsion import find_modular_counters, modular_components
from ssmc.cascade.windows import find_window
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ssmc.alphabet import Alphabet
    from ssmc.cascade.base import Base
    from ssmc.cascade.cost import Cost
    from ssmc.cascade.ir import Component
    from ssmc.cascade.meter import Meter
    from ssmc.cascade.reduce import Reduced
    from ssmc.cascade.strategy import Choice
    from ssmc.cascade.system import System
    from ssmc.cascade.tallies import Tally

    Stack = tuple[Component, ...]

_GROUP_KINDS = frozenset({"swap", "rotation", "permutation"})
_MOST_STACKS = 6
_MOST_LIFTED = 3
"""Stacks of counters, and of decompositions already found, on which a search is made."""
_BASES = 2
"""A search over a base gets one part of so many of the work left, at least."""
_FAMILY = 5_000
"""Sets of a family above which a stack is not tried."""


def cover_by_states(system: System, *, context_limit: int) -> Covering:
    """The covering by one permutation component whose value is the state: every letter is a map of the states.

    Raises:
        LimitError: there are more than `context_limit` states.
    """
    n = system.states
    if n > context_limit:
        raise LimitError("states in one component", n, context_limit, "--context-limit")
    return Covering(
        (),
        tuple(range(n)),
        tuple(zip(*system.columns, strict=True)),
        ((),) * n,
        tuple((q,) for q in range(n)),
        ("states",),
        MappingProxyType({0: ("permutation", n)}),
    )


def explore_groups(system: System, alphabet: Alphabet, choice: Choice[Found], moduli: tuple[int, ...]) -> None:
    """Offers a choice the candidates for a system that is not aperiodic.

    Args:
        system: what to decompose.
        alphabet: for names.
        choice: what receives the candidates.
        moduli: prime powers modulo which letters are counted between letters that clear.
    """
    _Exploration(system, alphabet, choice, moduli).run()


class _Exploration(Generic[Found]):
    def __init__(self, system: System, alphabet: Alphabet, choice: Choice[Found], moduli: tuple[int, ...]) -> None:
        self.system, self.alphabet, self.choice, self.moduli = system, alphabet, choice, moduli
        self.options = choice.options
        self.budget = BUDGETS[self.options.effort]
        self.counters = find_counters(system) if self.options.counters else ()
        self.found: list[Stack] = []

    def run(self) -> None:
        """All candidates, those first that bound the others."""
        gates = self.options.gates
        if gates == "pd":
            self.choice.consider(partial(cover_by_states, self.system))
        signed = gates == "signed"
        modular = [
            modular_components(counter, self.alphabet, signed=signed)
            for counter in find_modular_counters(self.system)
            if not signed or counter.modulus & (counter.modulus - 1) == 0
        ]
        torsion = side_by_side(modular)
        stacks = [torsion] if torsion and self.is_stack(torsion) else []
        for stack in stacks:
            with self.choice.meter.share(3) as meter:
                self.build_on(stack, meter)
        if self.options.effort and self.choice.depth > 0:
            with self.choice.meter.share(2) as meter:
                self.by_levels(torsion, meter)
        if self.choice.depth > 0:
            self.by_holonomy(torsion)
        if self.options.effort and self.choice.depth > 1:
            lifted: list[Stack] = []
            lifted += (stack for stack in self.lifted() if stack not in (*stacks, *lifted) and self.is_stack(stack))
            with self.choice.meter.share(4) as meter:
                own = cleared_stacks(self.system, self.alphabet, torsion, self.moduli, meter, signed=signed)
                stacks += [stack for stack in own if stack not in stacks]
            stacks = sorted(stacks, key=lambda stack: cost_of(stack))[:_MOST_STACKS]
            stacks += sorted(lifted, key=lambda stack: cost_of(stack))[:_MOST_LIFTED]
            for i, stack in enumerate(stacks):
                if self.may_win(stack):
                    with self.choice.meter.share(len(stacks) + 1 - i) as meter:
                        self.build_on(stack, meter)

    def may_win(self, stack: Stack) -> bool:
        """Whether a cascade with a stack in it may still be cheaper than the best."""
        cost, best = cost_of(stack), self.choice.best
        level = cost.layers == self.choice.depth and best is not None and cost.channels >= best[0].channels
        return cost.layers <= self.choice.depth and not level

    def is_stack(self, components: Stack) -> bool:
        """Whether no group is left over some components."""
        with suppress(LimitError, InvariantError):
            base = base_of_components(self.system, components, limit=self.budget.points or self.options.context_limit)
            return not count_permuted(self.system, base.contexts, set_limit=min(_FAMILY, self.options.set_limit))
        return False

    def by_holonomy(self, torsion: Stack) -> None:
        """Holonomy with groups over the modular counters and counters, and without any context."""
        options = self.options
        with self.kept():
            for below in (torsion, ()) if torsion else ((),):
                for chosen in (self.counters, ()) if self.counters else ((),):
                    with suppress(LimitError, PeriodicError):
                        base = make_base(self.system, self.alphabet, counters=chosen, limit=options.context_limit)
                        base = self.over(below, base)
                        for clear in (True, False):
                            cover = partial(cover_by_group_holonomy, base, options.gates, clear=clear)
                            self.choice.consider(partial(cover, set_limit=options.set_limit))

    def by_levels(self, torsion: Stack, meter: Meter) -> None:
        """Search over permutation-reset covers, over windows, counters and the modular counters."""
        options, choice = self.options, self.choice
        bases = [base for below in ((torsion, ()) if torsion else ((),)) for base in self.bases(below, ())]
        # narrow ones first, for they bound the others, then the widest
        bases = bases[:2] + bases[:1:-1]
        with self.kept():
            for i, base in enumerate(bases):
                if choice.depth < 1:
                    return
                with meter.share(min(len(bases) - i, _BASES)) as share:
                    for sequence in search_turnings(base, options.gates, self.budget, share, choice.depth):
                        for clear in (True, False):
                            choice.consider(partial(cover_by_turnings, base, sequence, clear=clear))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keeps the components of what is considered meanwhile, to be lifted."""
        finish = self.choice.finish

        def keep(reduced: Reduced) -> tuple[Cost, Found]:
            self.found.append(reduced.components)
            return finish(reduced)

        self.choice.finish = keep
        yield
        self.choice.finish = finish

    def lifted(self) -> Iterator[Stack]:
        """The group components of the decompositions found, with all that they read."""
        for components in self.found:
            groups = [k for k, component in enumerate(components) if component.kind in _GROUP_KINDS]
            yield select(components, closure(components, groups))

    def over(self, stack: Stack, base: Base) -> Base:
        """The base with the components of a stack below its own."""
        if not stack:
            return base
        return base_of_components(self.system, side_by_side([stack, base.components]), limit=self.options.context_limit)

    def build_on(self, stack: Stack, meter: Meter) -> None:
        """What is done for star-free languages, over a stack."""
        options, choice = self.options, self.choice
        bases = list(self.bases(stack, ()))
        if options.effort:
            for base in bases:
                for sequence in search_levels(base, self.budget, meter, 0):
                    choice.consider(partial(cover_by_levels, base, sequence))
            for i, base in enumerate(bases):
                with meter.share(len(bases) + 1 - i) as share:
                    self.search(base, share)
            if options.tallies and choice.depth > 1:
                with meter.share(4) as share:
                    tallies = find_tallies(self.system, share, self.budget.beam)
                tallied = [base for tally in tallies for base in self.bases(stack, (tally,))]
                for i, base in enumerate(tallied):
                    with meter.share(len(tallied) - i) as share:
                        self.search(base, share)
        for base in bases[: 2 if self.counters else 1]:
            with suppress(PeriodicError):
                holonomy = holonomy_of(base, choice)
                if holonomy is not None:
                    offer_sets(base, holonomy, choice)
                    choice.consider(partial(cover_by_holonomy, base, holonomy))

    def bases(self, stack: Stack, tallies: tuple[Tally, ...]) -> Iterator[Base]:
        """Windows and counters over a stack; beside a tally the narrow windows alone."""
        widest = self.options.window if self.options.effort else 0
        for width in range(1 + (min(widest, 1) if tallies else widest)):
            window = find_window(self.system, width)
            for chosen in (self.counters, ()) if self.counters and not tallies else (self.counters,):
                with suppress(LimitError):
                    limit = self.budget.points if width or tallies else self.options.context_limit
                    base = make_base(
                        self.system, self.alphabet, counters=chosen, tallies=tallies, window=window, limit=limit
                    )
                    yield self.over(stack, base)

    def search(self, base: Base, meter: Meter) -> None:
        """Levels over a base, one a layer and then several a layer."""
        choice = self.choice
        if choice.depth < 1:
            return
        with meter.share(2) as half:
            for sequence in search_levels(base, self.budget, half, choice.depth):
                choice.consider(partial(cover_by_levels, base, sequence))
        for sequence in search_layers(base, self.budget, meter, choice.depth):
            choice.consider(partial(cover_by_levels, base, sequence))


def side_by_side(groups: Sequence[Stack]) -> Stack:
    """Components one after the other, with dependencies renumbered."""
    out: list[Component] = []
    for group in groups:
        first = len(out)
        out += [replace(c, depends_on=tuple(first + j for j in c.depends_on)) for c in group]
    return tuple(out)
