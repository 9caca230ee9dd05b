"""Orders of last occurrence: all that one layer of resets over a window can know (docs/cascade.md, *Lower bounds*)."""

from __future__ import annotations

from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.ir import HOLD, Component, overwrite

if TYPE_CHECKING:
    from ssmc.cascade.base import Base
    from ssmc.cascade.ir import Action, Key

Block = tuple[int, ...]
"""A class with the window before it: a key (class, taps)."""


def order_components(base: Base, *, most_blocks: int) -> tuple[Component, ...]:
    """The base's components, a bit for each block that tells whether it has occurred, and one for each pair that tells which was the later.

    Args:
        base: counters and a window.
        most_blocks: give up, with no components, beyond this number of blocks.
    """
    taps = [k for k, component in enumerate(base.components) if component.kind == "window"]
    blocks: list[Block] = sorted(
        {
            (x, *(values[k] for k in taps))
            for values, row in zip(base.values, base.contexts.arrows, strict=True)
            for x, after in enumerate(row)
            if after != DEAD
        }
    )
    if len(blocks) > most_blocks:
        return ()
    made = [_bit(f"block {i + 1} occurred", taps, blocks, {block: overwrite(1)}) for i, block in enumerate(blocks)]
    made += [
        _bit(f"block {i + 1} after {j + 1}", taps, blocks, {blocks[i]: overwrite(1), blocks[j]: overwrite(0)})
        for i, j in combinations(range(len(blocks)), 2)
    ]
    return (*base.components, *made)


def _bit(name: str, taps: list[int], blocks: list[Block], actions: dict[Key, Action]) -> Component:
    table = {block: actions.get(block, HOLD) for block in blocks}
    return Component(name, "reset", 2, tuple(taps), MappingProxyType(table))
