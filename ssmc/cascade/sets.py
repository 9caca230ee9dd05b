"""The cascade of a pattern set: the joint one where the joint automaton is small, or the cascades of the patterns side by side."""

from __future__ import annotations

from dataclasses import replace
from statistics import median_high
from typing import TYPE_CHECKING

from ssmc.cascade.bundle import PART_MODES, Bundle
from ssmc.cascade.cost import cost_of
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade, Mode
    from ssmc.cascade.strategy import Options
    from ssmc.patternset import PatternSet

JOINT = {0: 16, 1: 40, 2: 100, 3: 300}
"""For each effort the states of the joint automaton up to which it is decomposed, too."""
_FULL = 4
"""Patterns up to which each is decomposed with the whole budget of the effort."""
_MOST_SHARE = 4
"""What the budget is divided by at most."""


def decompose_set(
    symbols: PatternSet,
    binary: PatternSet,
    mode: Mode,
    options: Options,
    decompose: Callable[[Automaton, Automaton | None, Mode, Options], Cascade],
    *,
    apart: bool,
) -> Cascade:
    """The cheaper of the joint cascade of a pattern set and the bundle of those of its patterns.

    Args:
        symbols: the set over the symbols that it is decomposed over.
        binary: the set over what the model reads; `symbols` itself where that is the same.
        mode: `recognise` or `predict`.
        options: budgets and limits, for each pattern.
        decompose: (language over symbols, its language of encodings or None if that is to be made, mode, options) -> cascade.
        apart: whether a bundle may be the answer; otherwise the joint automaton is decomposed whatever its size.

    Raises:
        NotStarFreeError: a pattern is not star-free; carries the witness.
        LimitError: a stated limit was reached.
    """
    if not apart:
        return decompose(symbols.plain(), None, mode, options)
    free = replace(options, max_layers=None)
    part = replace(free, share=min(_MOST_SHARE, max(1, len(symbols.members) // _FULL)))
    found: list[Cascade] = []
    limit: LimitError | None = None
    try:
        found.append(decompose(symbols.within(JOINT[options.effort]), None, mode, free))
    except LimitError as error:
        limit = error
    try:
        alone: dict[Automaton, Cascade] = {}
        encodings = dict(zip(symbols.members, binary.members, strict=True))
        for member, encoded in encodings.items():
            alone[member] = decompose(member, encoded, PART_MODES[mode], part)
        if part.share > 1:
            # the deepest patterns make the layers of all
            usual = median_high(cascade.depth for cascade in alone.values())
            for member in [member for member, cascade in alone.items() if cascade.depth > usual]:
                other = decompose(member, encodings[member], PART_MODES[mode], free)
                alone[member] = min(alone[member], other, key=lambda cascade: cascade.depth)
        found.append(Bundle.of(binary, mode, [alone[member] for member in symbols.members]))
    except LimitError as error:
        limit = error
    if not found:
        raise limit or LimitError("patterns", len(symbols.members), 0)
    cost, cascade = min(
        ((cost_of(cascade.components, cascade.readout, options.cost), cascade) for cascade in found),
        key=lambda pair: pair[0].rank(options.cost, options.max_layers),
    )
    if options.max_layers is not None and cost.layers > options.max_layers:
        raise LimitError("scan layers of the shallowest cascade found", cost.layers, options.max_layers, "--max-layers")
    return cascade
