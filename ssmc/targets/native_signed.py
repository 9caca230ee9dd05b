"""The native network with gates in {-1, 0, 1}: a swap is one channel, h -> -h + 1, exact in every dtype.

It computes the languages whose transition monoids have 2-groups only: a 2-group has a composition series with factors Z_2, one swap each.
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
    return native.lower(cascade, dtype, patterns, "native-signed")
