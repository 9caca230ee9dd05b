"""Components that another one determines: equal up to the names of their values, or coarser; readers can read the other."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ssmc.cascade.ir import layers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Component


def drop_determined(
    components: Sequence[Component], values: NDArray[np.int64]
) -> tuple[tuple[Component, ...], NDArray[np.int64]]:
    """Removes every component whose value is a function of one earlier component's value, in no deeper layer, on all joint states.

    Counters are left out on both sides: to read their values takes thresholds.

    Args:
        components: the components of a cascade.
        values: (M, K) their values in each reachable joint state.

    Returns:
        The components that are left, and their columns of the values.
    """
    kept = list(range(len(components)))
    made = list(components)
    layers = layers_of(components)
    for b in reversed(range(len(components))):
        for a in range(b):
            if "counter" in (made[a].kind, made[b].kind) or layers[a] > layers[b]:
                continue
            images = _function(values[:, a], values[:, b])
            if images is not None:
                made = [_reread(part, b, a, images) for part in made]
                kept.remove(b)
                break
    number = {old: new for new, old in enumerate(kept)}
    left = tuple(replace(made[old], depends_on=tuple(number[j] for j in made[old].depends_on)) for old in kept)
    return left, values[:, kept]


def _function(source: NDArray[np.int64], target: NDArray[np.int64]) -> dict[int, int] | None:
    """The target value of each source value, or None where one source value goes with two target values."""
    distinct, first = np.unique(source, return_index=True)
    images = target[first]
    if not np.array_equal(images[np.searchsorted(distinct, source)], target):
        return None
    return dict(zip(distinct.tolist(), images.tolist(), strict=True))


def _reread(reader: Component, b: int, a: int, images: Mapping[int, int]) -> Component:
    """The reader with component a read in place of b; `images` maps values of a to those of b."""
    if b not in reader.depends_on:
        return reader
    reads = tuple(sorted({a, *reader.depends_on} - {b}))
    table = {}
    for key, action in reader.table.items():
        known = dict(zip(reader.depends_on, key[1:], strict=True))
        value = known.pop(b)
        for source in (known[a],) if a in known else images:
            if images.get(source) == value:
                table[key[0], *({**known, a: source}[j] for j in reads)] = action
    return replace(reader, depends_on=reads, table=MappingProxyType(table))
