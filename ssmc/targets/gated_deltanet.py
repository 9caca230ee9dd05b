"""Weights for `GatedDeltaNetForCausalLM` of flash-linear-attention: those of DeltaNet, with a decay of exactly 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.targets.deltanet import TRAITS, emit_gated
from ssmc.targets.emission import lower_circuit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.stock import StockWeights


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> StockWeights:
    """The weights of a cascade.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
    """
    return lower_circuit(cascade, dtype, patterns, TRAITS, emit_gated)
