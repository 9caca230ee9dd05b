"""The joint states of a covering and the components chosen so far: what a table has to be right about.

A component goes on holding or overwriting while its coordinate is stale, so joint states are contexts together with the actual values of the
components. They are explored exactly, vectorised over contexts and classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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

    from ssmc.cascade.coder import Coder
    from ssmc.cascade.covering import Covering
    from ssmc.cascade.ir import AnyAction, Kind

HOLD_CODE = -1
"""The number of the action hold in arrays; overwriting has the number of its value, and map i of a table the number MAP_CODE - i."""
MAP_CODE = -2


@dataclass(frozen=True)
class ActionTable:
    """A component's table as sorted arrays.

    Attributes:
        reads: the variables read.
        coder: the code of (class, values read).
        codes: (E,) the codes of the entries, ascending.
        keys: (E, 1 + reads) the class and the values of each entry.
        actions: (E,) the number of each action: a value to overwrite with, `HOLD_CODE`, or `MAP_CODE` - i for map i.
        maps: (G, size) the images of the values under each map that is neither.
        kind: what the component is; a rotation's maps are the additions of 0 .. size-1.
    """

    reads: tuple[int, ...]
    coder: Coder
    codes: NDArray[np.int64]
    keys: NDArray[np.int64]
    actions: NDArray[np.int64]
    maps: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    kind: Kind = "reset"

    def look_up(self, classes: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Actions for classes (X,) and values (M, K): an array (M, X)."""
        columns = [classes[None, :], *(values[:, j, None] for j in self.reads)]
        code = np.broadcast_to(self.coder.encode(columns), (len(values), len(classes)))
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
        action = {number: self._action(number) for number in np.unique(self.actions).tolist()}
        entries = zip(self.keys.tolist(), self.actions.tolist(), strict=True)
        return MappingProxyType({tuple(key): action[number] for key, number in entries})


@dataclass(frozen=True)
class Joint:
    """Reachable joint states, sorted by context and values.

    Attributes:
        contexts: (M,) the context of each joint state.
        values: (M, K) the values of the base components and of the levels chosen so far.
        arrows: (M, X) the joint state after each class, or `DEAD`.
    """

    contexts: NDArray[np.int64]
    values: NDArray[np.int64]
    arrows: NDArray[np.int64]

    @staticmethod
    def of(covering: Covering) -> Joint:
        """The joint states before any level is chosen: the contexts with the values of the base components."""
        count = len(covering.states)
        base = np.array(covering.base_values, dtype=np.int64).reshape(count, -1)
        return Joint(np.arange(count), base, np.array(covering.arrows, dtype=np.int64))

    def extended(self, table: ActionTable, coordinate: NDArray[np.int64], size: int, limit: int) -> Joint:
        """The joint states with one level more.

        Args:
            table: the level's table; it reads base components and earlier levels by index.
            coordinate: for each context the value that the level must have there, or `STALE`.
            size: the number of its values.
            limit: the largest number of joint states.

        Raises:
            LimitError: there are more.
        """
        if np.all(coordinate != STALE):
            # never stale, so the contexts decide the value
            return Joint(self.contexts, np.c_[self.values, coordinate[self.contexts]], self.arrows)
        classes = np.arange(self.arrows.shape[1], dtype=np.int64)
        actions = table.look_up(classes, self.values)
        seen = np.zeros(len(self.contexts) * size, dtype=bool)
        frontier = np.zeros(1, dtype=np.int64)
        count = 0
        while len(frontier):
            seen[frontier] = True
            count += len(frontier)
            if count > limit:
                raise LimitError("joint states of the cascade", count, limit, "--context-limit")
            code = self._after(table, actions, frontier, size)
            fresh = np.zeros_like(seen)
            fresh[code[code != DEAD]] = True
            frontier = np.flatnonzero(fresh & ~seen)
        states = np.flatnonzero(seen)
        number = np.cumsum(seen) - 1
        after = self._after(table, actions, states, size)
        below, own = np.divmod(states, size)
        arrows = np.where(after == DEAD, DEAD, number[after])
        return Joint(self.contexts[below], np.c_[self.values[below], own], arrows)

    def _after(
        self, table: ActionTable, actions: NDArray[np.int64], codes: NDArray[np.int64], size: int
    ) -> NDArray[np.int64]:
        """(N, X) the codes (joint state * size + value) after each class of the states with the given codes, or `DEAD`."""
        below, own = np.divmod(codes, size)
        after = self.arrows[below]
        return np.where(after == DEAD, DEAD, after * size + table.apply(actions[below], own))
