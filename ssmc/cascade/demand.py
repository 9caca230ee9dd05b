"""What a table must do, and whether it can without reading everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssmc.cascade.coder import Coder, rank
from ssmc.cascade.covering import STALE
from ssmc.cascade.joint import HOLD_CODE, MAP_CODE, ActionTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Kind

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Demand:
    """What a table must do: rows of (class, values) with the value needed after and the value before.

    Attributes:
        classes: (R,) the class of each row.
        values: (R, K) the variables.
        needed: (R,) the value needed after the row, or `STALE` where anything will do.
        own: (R,) the value before the row, or `STALE` where it is not known.
        kind: which actions the component has.
        size: the number of its values, where it adds or maps.
    """

    classes: NDArray[np.int64]
    values: NDArray[np.int64]
    needed: NDArray[np.int64]
    own: NDArray[np.int64]
    kind: Kind = "reset"
    size: int = 0

    def satisfiable(self, reads: Sequence[int]) -> bool:
        """Whether some function of (class, values read) meets the demand by the actions that the kind has."""
        return self._group(rank([self.classes, *(self.values[:, j] for j in reads)])).served

    def decide(self, reads: Sequence[int]) -> ActionTable | None:
        """The table over (class, values read) that holds wherever it may, or None if there is none."""
        columns = [self.classes, *(self.values[:, j] for j in reads)]
        coder, code = Coder.of(columns)
        if not len(code):
            nothing = np.zeros((1, len(columns)), dtype=np.int64)
            return ActionTable(tuple(reads), coder, nothing[:, 0], nothing, np.full(1, HOLD_CODE, dtype=np.int64))
        groups = self._group(code)
        if not groups.served:
            return None
        maps = np.zeros((0, 0), dtype=np.int64)
        if self.kind in ("swap", "rotation"):
            maps = (np.arange(self.size)[:, None] + np.arange(self.size)) % self.size
        elif self.kind == "permutation":
            maps = groups.complete(self.size)
        keys = np.stack(columns, axis=1)[groups.rows]
        return ActionTable(tuple(reads), coder, groups.codes, keys, groups.actions, maps, self.kind)

    def _group(self, code: NDArray[np.int64]) -> _Groups:
        """The rows of each code and the action that serves them all; of several the first of hold, overwrite, add, map."""
        order = np.argsort(code, kind="stable")
        code, needed, own = code[order], self.needed[order], self.own[order]
        starts = np.flatnonzero(np.r_[len(code) > 0, code[1:] != code[:-1]])
        if not len(starts):
            return _Groups(code, starts, starts, needed, own, needed, served=True)
        codes, free = code[starts], needed == STALE
        greatest = np.maximum.reduceat(needed, starts)
        least = np.minimum.reduceat(np.where(free, _NEVER, needed), starts)
        holds = np.logical_and.reduceat(free | (own == needed), starts)
        served = holds | (least == greatest)
        actions = np.where(holds, HOLD_CODE, greatest)
        if not np.all(served) and self.kind != "reset":
            known = np.logical_and.reduceat(free | (own != STALE), starts)
            if self.kind == "permutation":
                number = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(code)]))
                clash = _clashes(number, own, needed, free)
                others = known & (np.bincount(number, clash, len(starts)) == 0)
                added = np.cumsum(~served & others) - 1
            else:
                turn = (needed - own) % self.size
                added = np.maximum.reduceat(np.where(free, -1, turn), starts)
                others = known & (np.minimum.reduceat(np.where(free, _NEVER, turn), starts) == added)
            actions = np.where(served, actions, MAP_CODE - added)
            served |= others
        return _Groups(codes, order[starts], starts, needed, own, actions, served=bool(np.all(served)))


@dataclass(frozen=True)
class _Groups:
    """Rows sorted by code: a row of each code, where the code begins, its rows, its action, and whether every code has one."""

    codes: NDArray[np.int64]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    needed: NDArray[np.int64]
    own: NDArray[np.int64]
    actions: NDArray[np.int64]
    served: bool

    def complete(self, size: int) -> NDArray[np.int64]:
        """(G, size) the maps that the rows ask for; a value that no row has stays where it is if that makes a permutation."""
        maps = []
        ends = np.r_[self.starts[1:], len(self.needed)]
        for start, end, action in zip(self.starts, ends, self.actions, strict=True):
            if action <= MAP_CODE:
                rows = zip(self.own[start:end].tolist(), self.needed[start:end].tolist(), strict=True)
                images = {own: needed for own, needed in rows if needed != STALE}
                left = sorted(set(range(size)) - set(images.values()))
                for value in range(size):
                    if value not in images and value in left:
                        images[value] = value
                        left.remove(value)
                for value in range(size):
                    if value not in images:
                        images[value] = left.pop(0)
                maps.append([images[value] for value in range(size)])
        return np.array(maps, dtype=np.int64).reshape(-1, size)


def _clashes(
    group: NDArray[np.int64], own: NDArray[np.int64], needed: NDArray[np.int64], free: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The rows that ask a different value of the own value of another row in their group."""
    found = np.zeros(len(own), dtype=bool)
    rows = np.flatnonzero(~free)
    rows = rows[np.lexsort((needed[rows], own[rows], group[rows]))]
    one, other = rows[:-1], rows[1:]
    found[other] = (group[one] == group[other]) & (own[one] == own[other]) & (needed[one] != needed[other])
    return found
