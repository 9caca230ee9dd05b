"""Roots of unity in floating point: how well a gate represents one, and up to which length a product of them is read correctly.

A rotation component keeps w^v, w = exp(2 pi i / n), as a complex64 state that starts at 1. After an overwrite, or the start, its true state is a
product of roots; the computed one is a product of their float32 representations, rounded at every multiplication, in some order. docs/gates.md
derives the bound that `safe_length` evaluates. With n = 1, 2 or 4 all numbers are 0, 1, -1, i, -i, and nothing rounds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

UNIT = 2.0**-24
"""The unit roundoff of float32."""
PRODUCT = math.sqrt(2) * (2 * UNIT + UNIT**2) + 2.0**-110
"""The relative error of one complex product, whether or not its multiplications and additions are fused (the last term is for underflow)."""
SLACK = 2.0**-48
"""More than what evaluating the roots and the bound in float64 can be wrong by."""


class RootErrors(NamedTuple):
    """How far the numbers of one rotation component lie from the roots of unity that they stand for.

    Attributes:
        order: n.
        gate: the largest distance of a gate, or of a value that it writes, from its root.
        point: the largest distance of a point that the readout compares with from its root.
    """

    order: int
    gate: float
    point: float

    @property
    def exact(self) -> bool:
        """Whether no product of such numbers rounds."""
        return self.order in (1, 2, 4) and self.gate == 0 and self.point == 0


def root(power: int, order: int) -> complex:
    """exp(2 pi i power / order) in float64; exact where it is 1, i, -1 or -i."""
    power %= order
    quarter, rest = divmod(4 * power, order)
    turned = (1, 1j, -1, -1j)[quarter]
    if not rest:
        return complex(turned)
    angle = math.pi / 2 * rest / order
    return turned * complex(math.cos(angle), math.sin(angle))


def safe_length(errors: RootErrors) -> int | None:
    """The number of symbols up to which the nearest point is the right one in every order of evaluation; None: at every length.

    -1 where even the initial state may be misread.
    """
    if errors.exact:
        return None
    half = math.sin(math.pi / errors.order)
    # a computed projection on a point is off by at most this, for states of magnitude at most 2
    projection = 2 * ((2 * UNIT + UNIT**2) * (1 + errors.point) + errors.point) + SLACK
    margin = half - projection / half - SLACK
    gate = math.log1p(errors.gate + SLACK)
    if margin <= 0:
        return -1
    return math.floor((math.log1p(margin) - gate) / (math.log1p(PRODUCT) + gate) * (1 - 1e-9))
