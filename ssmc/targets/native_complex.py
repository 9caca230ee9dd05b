"""The native network with unit complex gates beside its signed diagonal: a rotation of n values is one complex channel.

It computes the languages whose transition monoids have solvable groups only, one layer for each abelian factor. With n = 2 and 4 its numbers are
exact; with others float32 rounds, and the certificate says up to which length the states are read right whatever the order of evaluation.
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
    return native.lower(cascade, dtype, patterns, "native-complex")
