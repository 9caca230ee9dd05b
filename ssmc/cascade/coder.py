"""Codes for rows of small integers, however many columns they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

_MOST_BITS = 62


@dataclass(frozen=True)
class _Stage:
    """Some columns in mixed radix, and the codes met before them, which stand for their places from here on."""

    before: Integers
    lows: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Coder:
    """A code for each of some rows, different rows having different codes; mixed radix, made dense where it would overflow.

    Attributes:
        stages: the columns in order, as many at a time as fit into a code.
    """

    stages: tuple[_Stage, ...]

    @staticmethod
    def of(columns: Sequence[Integers]) -> tuple[Coder, Integers]:
        """The coder of the rows with the given columns (one array (R,) a column), and the code (R,) of each row."""
        stages: list[_Stage] = []
        before = np.zeros(0, dtype=np.int64)
        code = np.zeros(len(columns[0]), dtype=np.int64)
        lows: list[int] = []
        sizes: list[int] = []
        count = 1
        for column in columns:
            low = int(column.min(initial=0))
            size = int(column.max(initial=0)) - low + 1
            if count * size >> _MOST_BITS:
                stages.append(_Stage(before, tuple(lows), tuple(sizes)))
                before, code = np.unique(code, return_inverse=True)
                count, lows, sizes = len(before), [], []
            lows.append(low)
            sizes.append(size)
            code = code * size + (column - low)
            count *= size
        return Coder((*stages, _Stage(before, tuple(lows), tuple(sizes)))), code

    def encode(self, columns: Sequence[Integers]) -> Integers:
        """The codes of rows, one array a column (broadcast against each other); of a row that the coder was not made for, any number."""
        code = np.zeros((), dtype=np.int64)
        left = iter(columns)
        for stage in self.stages:
            if len(stage.before):
                code = np.minimum(np.searchsorted(stage.before, code), len(stage.before) - 1)
            for low, size in zip(stage.lows, stage.sizes, strict=True):
                code = code * size + (next(left) - low)
        return code


def rank(columns: Sequence[Integers]) -> Integers:
    """A number for each distinct row of some columns."""
    return Coder.of(columns)[1]
