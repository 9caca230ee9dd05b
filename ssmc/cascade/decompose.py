"""The entry point of the stage: candidates, their cost, and the cheapest of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.algebra import check_starfree
from ssmc.automaton import DEAD
from ssmc.cascade.assemble import assemble, constant_cascade
from ssmc.cascade.counters import find_counters
from ssmc.cascade.covering import recolour
from ssmc.cascade.holonomy import cover_by_holonomy
from ssmc.cascade.ir import Action, Component
from ssmc.cascade.reduce import reduce_covering
from ssmc.cascade.system import System, explore_contexts
from ssmc.errors import LimitError, NotStarFreeError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from ssmc.automaton import Automaton
    from ssmc.cascade.counters import Counter
    from ssmc.cascade.covering import Covering
    from ssmc.cascade.ir import Cascade, Key, Mode


def decompose(
    automaton: Automaton, mode: Mode = "recognise", *, set_limit: int = 100_000, context_limit: int = 100_000
) -> Cascade:
    """The cheapest cascade found for a star-free language.

    The candidates are the holonomy cascade and holonomy over the counters, each of the trimmed automaton and, in recognise mode, of the complete one (the
    sink as a state instead of a latch).

    Args:
        automaton: the language.
        mode: `recognise` or `predict`.
        set_limit: the largest family of sets that the holonomy may meet.
        context_limit: the largest number of contexts and of joint states.

    Raises:
        NotStarFreeError: the language is not star-free; carries the witness.
        LimitError: every candidate exceeds a limit, or star-freeness could not be decided within its limits.
    """
    if not automaton.states:
        return constant_cascade(automaton, mode)
    require_starfree(automaton, set_limit)
    best: Cascade | None = None
    limit: LimitError | None = None
    for sink in (False, True) if mode == "recognise" and not automaton.is_complete else (False,):
        system = System.of(automaton, sink=sink)
        counters = find_counters(system)
        for chosen in (counters, ()) if counters else ((),):
            try:
                covering = recolour(cover_with_counters(system, chosen, automaton, set_limit, context_limit))
                reduced = reduce_covering(covering, joint_limit=context_limit, depth_limit=best.depth if best else None)
            except LimitError as error:
                limit = error
                continue
            if reduced is None:
                continue
            cascade = assemble(automaton, mode, covering, *reduced)
            if best is None or cost(cascade) < cost(best):
                best = cascade
    if best is None:
        raise limit if limit is not None else LimitError("candidates", 0, 0)
    return best


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


def cover_with_counters(
    system: System, counters: Sequence[Counter], automaton: Automaton, set_limit: int, context_limit: int
) -> Covering:
    """The holonomy covering over the contexts of some counters.

    Raises:
        LimitError: a limit is exceeded.
    """

    def step(_: Hashable, __: int, state: int) -> Hashable:
        return tuple(counter.values[state] for counter in counters)

    contexts, _ = explore_contexts(system, tuple(0 for _ in counters), step)
    base = tuple(_component(counter, system, automaton) for counter in counters)
    values = [tuple(counter.values[least_state(fibre)] for counter in counters) for fibre in contexts.fibres]
    return cover_by_holonomy(system, contexts, base, tuple(values), set_limit=set_limit, context_limit=context_limit)


def least_state(mask: int) -> int:
    """The least state of a set."""
    return (mask & -mask).bit_length() - 1


def _component(counter: Counter, system: System, automaton: Automaton) -> Component:
    low, high = min(counter.values), max(counter.values)
    table: dict[Key, Action] = {
        (x,): Action(1, c) for x, c in enumerate(counter.increments) if any(r != DEAD for r in system.columns[x])
    }
    names = [automaton.alphabet.name(s) for s in automaton.alphabet.representatives]
    terms = [f"{c:+d}·{names[x]}" for x, c in enumerate(counter.increments) if c]
    return Component(f"counter {' '.join(terms)}", "counter", high - low + 1, (), MappingProxyType(table), low=low)
