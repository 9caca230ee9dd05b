"""What the head of a pattern set does for every feature vector: each pattern sums its own units, and what the patterns say together is whether any unit is 1."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import VerificationError
from ssmc.targets.weights import LOGIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ssmc.targets.soundness import Cubes


def check_sides(head: Mapping[str, Any], cubes: Cubes, arrays: Mapping[str, NDArray[np.float64]]) -> None:
    """Proves the structure of the head, and that a pattern says nothing under its latch.

    Args:
        head: the configuration of the head.
        cubes: the cubes of its units.
        arrays: the tensors.

    Raises:
        VerificationError: it is another, or a unit of a pattern can be 1 under the pattern's latch.
    """
    units, parts = head["units"], head["parts"]
    weight, bias = arrays["head.logits.weight"], arrays["head.logits.bias"]
    ends = [0, *(stop for part in parts for stop in part["units"][1:])]
    if [part["units"] for part in parts] != [list(pair) for pair in pairwise(ends)]:
        raise VerificationError("head: the patterns do not share out its units")
    if ends[-1] != units or len(weight) < 1 + len(parts):
        raise VerificationError("head: units of no pattern, or patterns without an output")
    for i, part in enumerate(parts, 1):
        own = slice(*part["units"])
        rest = weight[i].copy()
        rest[own] = 0
        if rest.any() or bias[i] != -LOGIT or not np.isin(weight[i], (0, 2 * LOGIT)).all():
            raise VerificationError(f"head.logits: output {i} is not the sum of its pattern's units")
        if part["latch"] is not None and cubes.of_component(part["latch"])[own, 1].any():
            raise VerificationError(f"head.terms: pattern {i} may say something after its latch is set")
    together = [0, *range(1 + len(parts), len(weight))]
    asked = weight[together]
    if asked[:, :units].any() or (bias[together] != LOGIT).any():
        raise VerificationError("head.logits: an output of the set reads single units")
    if not np.isin(asked, (0, -2 * LOGIT)).all() or ((asked != 0).sum(axis=1) != 1).any():
        raise VerificationError("head.logits: an output of the set reads not one group of units")
    if not np.isin(arrays["head.any.weight"], (0, -1)).all() or (arrays["head.any.bias"] != 1).any():
        raise VerificationError("head.any: a group is not told by whether none of its units is 1")
