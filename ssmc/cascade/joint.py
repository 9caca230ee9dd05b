"""The joint states of a covering and the components chosen so far: what a table has to be right about.

A component goes on holding or overwriting while its coordinate is stale, so joint states are contexts together with the actual values of the
components. They are explored exactly, vectorised over contexts and classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.covering import STALE
from ssmc.cascade.ir import HOLD, TOGGLE, Action, Images, overwrite
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ssmc.cascade.covering import Covering
    from ssmc.cascade.ir import AnyAction, Kind

HOLD_CODE = -1
"""The number of the action hold in arrays; overwriting has the number of its value, and map i of a table the number MAP_CODE - i."""
MAP_CODE = -2
_MOST_BITS = 62


@dataclass(frozen=True)
class Radix:
    """A mixed-radix code for rows of small integers; injective while the product of the sizes is below 2^62."""

    lows: tuple[int, ...]
    sizes: tuple[int, ...]

    def check(self) -> None:
        """Checks that codes fit into 64 bits.

        Raises:
            LimitError: they do not.
        """
        bits = (prod(self.sizes) - 1).bit_length()
        if bits > _MOST_BITS:
            raise LimitError("bits of a joint state", bits, _MOST_BITS)

    def encode(self, columns: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        """The code of each row, given as one array a column (broadcast against each other)."""
        code = np.zeros((), dtype=np.int64)
        for column, low, size in zip(columns, self.lows, self.sizes, strict=True):
            code = code * size + (column - low)
        return code

    def decode(self, codes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The columns of the rows with the given codes."""
        columns: list[NDArray[np.int64]] = []
        for low, size in zip(reversed(self.lows), reversed(self.sizes), strict=True):
            columns.append(codes % size + low)
            codes = codes // size
        return columns[::-1]


@dataclass(frozen=True)
class ActionTable:
    """A component's table as sorted arrays.

    Attributes:
        reads: the variables read.
        radix: the code of (class, values read).
        codes: (E,) the codes of the entries, ascending.
        actions: (E,) the number of each action: a value to overwrite with, `HOLD_CODE`, or `MAP_CODE` - i for map i.
        maps: (G, size) the images of the values under each map that is neither.
        kind: what the component is; a rotation's maps are the additions of 0 .. size-1.
    """

    reads: tuple[int, ...]
    radix: Radix
    codes: NDArray[np.int64]
    actions: NDArray[np.int64]
    maps: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    kind: Kind = "reset"

    def look_up(self, classes: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Actions for classes (X,) and values (M, K): an array (M, X)."""
        columns = [classes[None, :], *(values[:, j, None] for j in self.reads)]
        code = np.broadcast_to(self.radix.encode(columns), (len(values), len(classes)))
        place = np.minimum(np.searchsorted(self.codes, code), max(len(self.codes) - 1, 0))
        actions: NDArray[np.int64] = self.actions[place]
        return actions

    def apply(self, actions: NDArray[np.int64], own: NDArray[np.int64]) -> NDArray[np.int64]:
        """The values (M, X) after actions (M, X) on values (M,)."""
        after: NDArray[np.int64] = np.where(actions == HOLD_CODE, own[:, None], actions)
        if len(self.maps):
            mapped = self.maps[np.maximum(MAP_CODE - actions, 0), own[:, None]]
            after = np.where(actions <= MAP_CODE, mapped, after)
        return after

    def _action(self, number: int) -> AnyAction:
        if number == HOLD_CODE:
            return HOLD
        if number >= 0:
            return overwrite(number)
        images = tuple(self.maps[MAP_CODE - number].tolist())
        if self.kind == "permutation":
            return Images(images)
        return TOGGLE if self.kind == "swap" else Action(1, images[0])

    def to_mapping(self) -> Mapping[tuple[int, ...], AnyAction]:
        """The table in the form of the IR."""
        columns = [column.tolist() for column in self.radix.decode(self.codes)]
        keys = zip(*columns, strict=True)
        return MappingProxyType(
            {key: self._action(number) for key, number in zip(keys, self.actions.tolist(), strict=True)}
        )


@dataclass(frozen=True)
class Joint:
    """Reachable joint states.

    Attributes:
        contexts: (M,) the context of each joint state.
        values: (M, K) the values of the base components and of the levels chosen so far.
    """

    contexts: NDArray[np.int64]
    values: NDArray[np.int64]


def explore_joint(covering: Covering, tables: tuple[ActionTable, ...], sizes: tuple[int, ...], limit: int) -> Joint:
    """All joint states of the covering with its base components and the first levels, whose tables are given.

    Args:
        covering: the covering.
        tables: the table of each level chosen so far; it reads base components and earlier levels by index.
        sizes: the number of values of each of these levels.
        limit: the largest number of joint states.

    Raises:
        LimitError: there are more.
    """
    base = np.array(covering.base_values, dtype=np.int64).reshape(len(covering.states), -1)
    coordinates = np.array(covering.coordinates, dtype=np.int64).reshape(len(covering.states), -1)[:, : len(tables)]
    if np.all(coordinates != STALE):
        # nothing is ever stale, so the contexts decide every value
        return Joint(np.arange(len(covering.states)), np.concatenate([base, coordinates], axis=1))
    arrows = np.array(covering.arrows, dtype=np.int64)
    classes = np.arange(arrows.shape[1], dtype=np.int64)
    radix = Radix((0,) * (1 + len(sizes)), (len(covering.states), *sizes))
    radix.check()
    seen = np.zeros(1, dtype=np.int64)
    frontier = seen
    while len(frontier):
        contexts, *levels = radix.decode(frontier)
        own = np.stack(levels, axis=1) if levels else np.zeros((len(frontier), 0), dtype=np.int64)
        values = np.concatenate([base[contexts], own], axis=1)
        after = arrows[contexts]
        live = after != DEAD
        columns = [after]
        for k, table in enumerate(tables):
            columns.append(table.apply(table.look_up(classes, values), own[:, k]))
        code = radix.encode([column[live] for column in columns])
        fresh = np.setdiff1d(np.unique(code), seen, assume_unique=True)
        seen = np.union1d(seen, fresh)
        frontier = fresh
        if len(seen) > limit:
            raise LimitError("joint states of the cascade", len(seen), limit, "--context-limit")
    contexts, *levels = radix.decode(seen)
    own = np.stack(levels, axis=1) if levels else np.zeros((len(seen), 0), dtype=np.int64)
    return Joint(contexts, np.concatenate([base[contexts], own], axis=1))
