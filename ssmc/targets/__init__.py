"""How a cascade becomes the weights of one architecture: the table of architectures, and the one way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.errors import UsageError
from ssmc.targets.architectures import ARCHITECTURES
from ssmc.targets.interface import Lowered, Shape, Target
from ssmc.targets.weights import LIMITS, PrecisionError, Weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Cascade

__all__ = [
    "AUTO",
    "DTYPES",
    "EXACT",
    "TARGETS",
    "Lowered",
    "PrecisionError",
    "Shape",
    "Target",
    "Weights",
    "find_target",
    "lower",
]

DTYPES = tuple(LIMITS)
"""The dtypes a native model can have; scan states are float32 in each."""
TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(
            name="native",
            summary="the network of ssmc.nn: non-negative diagonal gates, exclusive scan, convolution as wide as needed",
            gates="non-negative",
            kinds=frozenset({"reset", "counter", "tally", "window"}),
            module="ssmc.targets.native",
            dtypes=DTYPES,
        ),
        Target(
            name="native-signed",
            summary="native with gates in {-1, 0, 1}: a swap is one channel; exact in every dtype",
            gates="signed",
            kinds=frozenset({"reset", "counter", "tally", "window", "swap"}),
            module="ssmc.targets.native_signed",
            dtypes=DTYPES,
        ),
        Target(
            name="native-pd",
            summary="native-signed with column-one-hot matrices: every regular language; exact in every dtype",
            gates="pd",
            kinds=frozenset({"reset", "counter", "tally", "window", "swap", "rotation", "permutation"}),
            module="ssmc.targets.native_pd",
            dtypes=DTYPES,
        ),
        Target(
            name="native-complex",
            summary="native-signed with unit complex gates: proved up to a stated length, at every length with rotations of 2 and 4 values only",
            gates="complex",
            kinds=frozenset({"reset", "counter", "tally", "window", "swap", "rotation"}),
            module="ssmc.targets.native_complex",
            dtypes=DTYPES,
        ),
        Target(
            name="mamba",
            summary="MambaForCausalLM of transformers, unmodified: exact in every dtype",
            gates="non-negative",
            kinds=frozenset({"reset", "counter", "window"}),
            module="ssmc.targets.mamba",
            dtypes=DTYPES,
            form="stock",
            library="transformers",
            conv_width=4,
            costly=frozenset({"counter", "window"}),
            limits=(
                (
                    "recognise",
                    "counter",
                    "after the first error a count has no bound, and no constant outweighs it in the norm",
                ),
                ("float16", "counter", "the constant that outweighs it in the norm is out of range"),
            ),
        ),
        Target(
            name="mamba2",
            summary="Mamba2ForCausalLM of transformers, unmodified: exact in float32 and bfloat16",
            gates="non-negative",
            kinds=frozenset({"reset", "window"}),
            module="ssmc.targets.mamba2",
            dtypes=("float32", "bfloat16"),
            form="stock",
            library="transformers",
            conv_width=4,
            costly=frozenset({"window"}),
            limits=(
                (
                    "float16",
                    None,
                    "the constant that pins the norm behind the scan is 2^18 times a state, beyond 65504",
                ),
                ("mamba2", "counter", "x and B pass through SiLU, so no increment is negative"),
            ),
        ),
        *ARCHITECTURES,
    )
}
"""The architectures that weights can be emitted for."""


AUTO = "auto"
"""What `--target` takes for the first of `EXACT` that computes the language."""
EXACT = ("native", "native-signed", "native-pd")
"""The native targets that are exact at every length, weakest first; the last computes every regular language."""


def find_target(name: str) -> Target:
    """The target of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in TARGETS:
        raise UsageError(f"unknown target {name!r}; the targets are {', '.join((*TARGETS, AUTO))}")
    return TARGETS[name]


def lower(
    cascade: Cascade, target: str = "native", dtype: str = "float32", patterns: Sequence[str] | None = None
) -> Lowered:
    """The weights of a cascade for one architecture, checked: `Target.lower` by the target's name.

    Raises:
        UsageError: no such target or dtype, or another number of names than patterns.
        TargetError: the target lacks a component kind of the cascade (the message gives the mathematical reason).
        PrecisionError: a weight is not exact in the dtype.
        VerificationError: the weights fail their own check (a bug in ssmc).
    """
    return find_target(target).lower(cascade, dtype, patterns)
