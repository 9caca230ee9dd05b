"""The proof of a model: soundness for every feature vector, then equivalence with the automaton on inputs of every length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssmc.cascade.bundle import Bundle
from ssmc.cascade.check import is_large
from ssmc.collector import settled_heap
from ssmc.errors import LimitError, VerificationError
from ssmc.patternset import PatternSet
from ssmc.targets.soundness import check_soundness
from ssmc.targets.soundness_gates import proved_length
from ssmc.targets.weights import LIMITS
from ssmc.verify.certificate import Certificate, Counterexample, DifferenceError, weights_digest
from ssmc.verify.compose import compose
from ssmc.verify.difference import find_difference
from ssmc.verify.explore import STATE_LIMIT, WORK_LIMIT, explore

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade
    from ssmc.nn.model import Model
    from ssmc.verify.certificate import Proof

SEARCH_LIMIT = 20_000
"""Product states searched for a counterexample once the weights are known to be unsound (their states may grow for ever)."""


@settled_heap()
def prove(
    model: Model,
    automaton: Automaton,
    cascade: Cascade | None = None,
    *,
    limit: int = STATE_LIMIT,
    proof: Proof | None = None,
) -> Certificate:
    """Proves that a model computes its language, in its dtype, on inputs of every length and in every scan order.

    A model with rotations that round is proved up to the length that its certificate says.

    Args:
        model: a native model.
        automaton: the language.
        cascade: what the model was lowered from; needed for the compositional proof. A bundle may be that of another pattern set, to which the
            language is then compared.
        limit: product states up to which the product is explored; beyond, of a bundle, and where the product with the cascade is large already, the proof is
            compositional.
        proof: demand one of the two kinds.

    Raises:
        DifferenceError: the model differs, with the shortest word on which it does.
        VerificationError: the weights are unsound, or a part of the compositional proof fails.
        LimitError: the product is too large and there is no cascade.
    """
    if isinstance(cascade, Bundle) and isinstance(automaton, PatternSet) and automaton != cascade.members:
        # the model is proved to compute another set, and then the sets are compared
        prove(model, cascade.members, cascade)
        if (other := find_difference(automaton, cascade.members, cascade.mode)) is not None:
            raise DifferenceError(other)
    if isinstance(cascade, Bundle) and automaton != cascade.automaton:
        cascade = None
    magnitude = _sound(model, automaton)
    length = proved_length(model.config, model.state_dict())
    if length is not None and length < 1:
        raise VerificationError("float32 does not tell the roots of unity of a rotation apart")
    parts = isinstance(cascade, Bundle) or (proof is None and cascade is not None and is_large(cascade))
    kind: Proof = proof or ("compositional" if parts else "product")
    if kind == "product":
        try:
            found = explore(
                model, automaton, limit=limit if proof is not None else _affordable(model, automaton, limit)
            )
        except LimitError:
            if cascade is None or proof is not None:
                raise
            kind = "compositional"
        else:
            if isinstance(found, Counterexample):
                raise DifferenceError(found)
            states, ranges = found.product_states, list(zip(found.low, found.high, strict=True))
    if kind == "compositional":
        if cascade is None or cascade.automaton != automaton or cascade.mode != model.config["mode"]:
            raise VerificationError("the compositional proof needs the cascade of this automaton and mode")
        states = _composed(model, automaton, cascade)
        ranges = _declared(model)
    return Certificate(
        proof=kind,
        product_states=states,
        dtype=model.config["dtype"],
        max_magnitude=magnitude,
        scan_magnitude=segment_bound(model, ranges),
        sha256=weights_digest(model.state_dict()),
        lengths="all" if length is None else f"up to {length}",
    )


def _affordable(model: Model, automaton: Automaton, limit: int) -> int:
    """The product states that can be stepped within `WORK_LIMIT`; 0 where it is known beforehand that there are more."""
    numbers = sum(parameter.numel() for name, parameter in model.named_parameters() if name != "embedding.weight")
    most = WORK_LIMIT // max(1, numbers * automaton.classes)
    return min(limit, most) if automaton.states <= most else 0


def _composed(model: Model, automaton: Automaton, cascade: Cascade) -> int:
    """The compositional proof; a failure is explained by a counterexample where one is near."""
    try:
        return compose(model, cascade)
    except VerificationError as wrong:
        _explain(model, automaton, wrong, rounding=True)
        raise


def _explain(model: Model, automaton: Automaton, wrong: VerificationError, *, rounding: bool) -> None:
    """Raises a `DifferenceError` instead of a failed proof, if a short word shows that the model differs."""
    try:
        length = 2 * automaton.states + 16
        found = explore(model, automaton, limit=SEARCH_LIMIT, length=length, rounding=rounding)
    except (LimitError, VerificationError):
        return
    if isinstance(found, Counterexample):
        raise DifferenceError(found) from wrong


def _sound(model: Model, automaton: Automaton) -> int:
    """`Weights.check` on the model's own parameters; a failure is explained by a counterexample where one is near."""
    try:
        return check_soundness(model.config, model.state_dict())
    except VerificationError as unsound:
        _explain(model, automaton, unsound, rounding=False)
        raise


def _declared(model: Model) -> list[tuple[float, float]]:
    """The range of each scan channel as the cascade's interpreter was shown to keep it."""
    ranges = [(0.0, 1.0)] * sum(model.channels)
    starts = np.cumsum([0, *model.channels])
    for component in model.config["components"]:
        if component["kind"] == "counter":
            low = component["low"]
            ranges[int(starts[component["block"]]) + component["start"]] = (low, low + component["values"] - 1)
    return ranges


def segment_bound(model: Model, ranges: list[tuple[float, float]]) -> int:
    """The largest magnitude that a scan over any segment of live input can reach, in any order.

    A sum over a segment is a difference of two states, or an overwrite plus such a difference. A saturating counter is not bounded, and need
    not be: its partial sums never fall, so they are exact up to 2^24 and stay beyond every threshold afterwards.

    Raises:
        VerificationError: the bound is not below 2^24.
    """
    starts = np.cumsum([0, *model.channels])
    largest = 0.0
    for component in model.config["components"]:
        if component["block"] is None or component["kind"] in ("permutation", "rotation"):
            # products of one-hot columns are one-hot, and products of points of the circle stay near it
            continue
        first, b = int(starts[component["block"]]) + component["start"], component["block"]
        rows = slice(component["start"], component["start"] + component["channels"])
        increments = model.state_dict()[f"blocks.{b}.increment.weight"][rows].double().abs()
        spread = max(high - low for low, high in ranges[first : first + component["channels"]])
        bound = spread + (float(increments.max()) if increments.numel() else 0.0)
        if bound >= LIMITS["float32"]:
            raise VerificationError(f"{component['name']}: partial sums up to {bound:g} are not exact in float32")
        largest = max(largest, bound)
    return int(largest)
