"""The entry point of the stage: candidates, their cost, and the cheapest of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ssmc.algebra import check_starfree
from ssmc.cascade.assemble import assemble, constant_cascade
from ssmc.cascade.base import make_base
from ssmc.cascade.counters import find_counters
from ssmc.cascade.covering import recolour
from ssmc.cascade.holonomy import cover_by_holonomy
from ssmc.cascade.reduce import reduce_covering
from ssmc.cascade.search import Budget, cover_by_levels, search_levels
from ssmc.cascade.system import System
from ssmc.cascade.windows import find_window
from ssmc.errors import LimitError, NotStarFreeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssmc.automaton import Automaton
    from ssmc.cascade.covering import Covering
    from ssmc.cascade.ir import Cascade, Mode

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


def decompose(automaton: Automaton, mode: Mode = "recognise", options: Options = Options()) -> Cascade:
    """The cheapest cascade found for a star-free language.

    Args:
        automaton: the language.
        mode: `recognise` or `predict`.
        options: budgets and limits.

    Raises:
        NotStarFreeError: the language is not star-free; carries the witness.
        LimitError: every candidate exceeds a limit, or star-freeness could not be decided within its limits.
    """
    if not automaton.states:
        return constant_cascade(automaton, mode)
    require_starfree(automaton, options.set_limit)
    choice = Choice(automaton, mode, options)
    systems = [System.of(automaton)]
    if mode == "recognise" and not automaton.is_complete:
        systems.append(System.of(automaton, sink=True))
    for system in systems:
        counters = find_counters(system)
        subsets = (counters, ()) if counters else ((),)
        bases = [
            make_base(system, chosen, find_window(system, width), automaton.alphabet)
            for width in range(options.window + 1 if options.effort else 1)
            for chosen in subsets
        ]
        for base in bases[: len(subsets)]:
            choice.consider(partial(cover_by_holonomy, base, set_limit=options.set_limit))
        if options.effort:
            for base in bases:
                depth = MOST_LEVELS if choice.best is None else choice.best.depth
                for sequence in search_levels(base, BUDGETS[options.effort], depth):
                    choice.consider(partial(cover_by_levels, base, sequence))
    return choice.result()


class Choice:
    """The cheapest cascade so far."""

    def __init__(self, automaton: Automaton, mode: Mode, options: Options) -> None:
        self.automaton, self.mode, self.options = automaton, mode, options
        self.best: Cascade | None = None
        self.limit: LimitError | None = None

    def consider(self, cover: Callable[..., Covering]) -> None:
        """Builds a covering and its cascade, and keeps it if it is the cheapest."""
        deepest = self.best.depth if self.best else None
        try:
            covering = recolour(cover(context_limit=self.options.context_limit))
            reduced = reduce_covering(covering, joint_limit=self.options.context_limit, depth_limit=deepest)
        except LimitError as error:
            self.limit = error
            return
        if reduced is not None:
            cascade = assemble(self.automaton, self.mode, reduced)
            if self.best is None or cost(cascade) < cost(self.best):
                self.best = cascade

    def result(self) -> Cascade:
        """The cheapest cascade.

        Raises:
            LimitError: every candidate exceeded a limit.
        """
        if self.best is None:
            raise self.limit or LimitError("candidates", 0, 0)
        return self.best


def require_starfree(automaton: Automaton, set_limit: int) -> None:
    """Refuses a language that is not star-free.

    Raises:
        NotStarFreeError: with the witness.
        LimitError: the question could not be decided within its limits.
    """
    report = check_starfree(automaton, monoid_limit=0, set_limit=set_limit)
    if report.witness is not None:
        raise NotStarFreeError(f"not star-free: {report.witness.describe(automaton)}", report.witness)
    if report.verdict == "unknown":
        raise LimitError("image sets of the skeleton", report.sets, set_limit, "--set-limit")


def cost(cascade: Cascade) -> tuple[int, int, int, int]:
    """Scan layers, scan channels (counters one, resets in binary), table entries, components: compared in this order."""
    channels = sum(1 if c.kind == "counter" else (c.size - 1).bit_length() for c in cascade.components)
    entries = sum(len(c.table) for c in cascade.components) + len(cascade.readout.table)
    return cascade.depth, channels, entries, len(cascade.components)
