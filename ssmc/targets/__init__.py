"""How a cascade becomes the weights of one architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.errors import TargetError, UsageError
from ssmc.targets.weights import LIMITS, PrecisionError, Weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Cascade

__all__ = ["DTYPES", "TARGETS", "PrecisionError", "Weights", "lower"]

DTYPES = tuple(LIMITS)
"""The dtypes a model can have; scan states are float32 in each."""
TARGETS = ("native",)
"""The architectures that weights can be emitted for."""


def lower(
    cascade: Cascade, target: str = "native", dtype: str = "float32", patterns: Sequence[str] | None = None
) -> Weights:
    """The weights of a cascade for one architecture, checked.

    Args:
        cascade: a checked cascade.
        target: one of `TARGETS`.
        dtype: one of `DTYPES`.
        patterns: the name of each pattern of a pattern set; their numbers, from 1, when not given.

    Raises:
        UsageError: no such target or dtype, or another number of names than patterns.
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
    count = len(cascade.automaton.patterns)
    names = [str(i + 1) for i in range(count)] if patterns is None else patterns
    if len(names) != count:
        raise UsageError(f"{len(names)} names for {count} patterns")
    return lower_native(cascade, dtype, names)
