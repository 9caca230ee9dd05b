"""How a cascade becomes the weights of one architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.errors import TargetError, UsageError
from ssmc.targets.weights import LIMITS, PrecisionError, Weights

if TYPE_CHECKING:
    from ssmc.cascade.ir import Cascade

__all__ = ["DTYPES", "TARGETS", "PrecisionError", "Weights", "lower"]

DTYPES = tuple(LIMITS)
"""The dtypes a model can have; scan states are float32 in each."""
TARGETS = ("native",)
"""The architectures that weights can be emitted for."""


def lower(cascade: Cascade, target: str = "native", dtype: str = "float32") -> Weights:
    """The weights of a cascade for one architecture, checked.

    Args:
        cascade: a checked cascade.
        target: one of `TARGETS`.
        dtype: one of `DTYPES`.

    Raises:
        UsageError: no such target or dtype.
        TargetError: the target lacks a component kind of the cascade (the message gives the mathematical reason).
        PrecisionError: a weight is not exact in the dtype.
        VerificationError: the weights fail their own check (a bug in ssmc).
    """
    from ssmc.targets.native import lower_native

    if target not in TARGETS:
        raise UsageError(f"unknown target {target!r}; the targets are {', '.join(TARGETS)}")
    if dtype not in DTYPES:
        raise UsageError(f"unknown dtype {dtype!r}; the dtypes are {', '.join(DTYPES)}")
    for component in cascade.components:
        if component.kind not in ("reset", "counter", "window"):
            raise TargetError(
                f"{component.name}: the native target has gates in {{0, 1}} and no component of kind {component.kind!r}"
            )
    return lower_native(cascade, dtype)
