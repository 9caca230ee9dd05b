"""The native network with column-one-hot matrices beside its signed diagonal: permutations, rotations, any map; every regular language, exactly.

A permutation or rotation of n values is a one-hot vector of n columns times a 0/1 matrix with one 1 in each column (PD-SSM, arXiv 2509.22284);
products of such matrices are such matrices, so nothing ever rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.targets import native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.weights import Weights


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> Weights:
    """The weights of a cascade, as `ssmc.targets.native.lower`.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
    """
    return native.lower(cascade, dtype, patterns, "native-pd")
