"""The compositional proof: the cascade is right, every layer computes its tables, the scan is exact; so the model is right.

It needs no product of states with delayed letters, so it works where that product is too large. Its three parts: (1) the cascade's interpreter equals the automaton
(`check_cascade`); (2) every layer returns the gates, increments and logits of every entry of every table (`ssmc.verify.tables`); (3) no scan rounds, since the sums of
any segment stay exact.

Of a pattern set (1) and (2) hold for each pattern by itself: its cascade equals its own automaton, and the units that the head sums for it say what its readout says. While
the pattern is alive its components have the values of its cascade, since no table reads another pattern's; once its latch is set, its units are 0 for every feature vector.
The set holds a word, or a symbol may follow, where a unit of some pattern says so (`ssmc.targets.soundness_sides`). So the joint automaton is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssmc.cascade import check_cascade
from ssmc.cascade.bundle import Bundle
from ssmc.errors import VerificationError
from ssmc.targets.soundness import Soundness
from ssmc.verify.tables import Tables

if TYPE_CHECKING:
    from ssmc.cascade.ir import Cascade
    from ssmc.nn.model import Model


def compose(model: Model, cascade: Cascade) -> int:
    """Runs parts (1) and (2); part (3) is `segment_bound` of `ssmc.verify.prove`.

    Returns:
        The number of product states of the cascade's interpreter and the automaton; of a pattern set the sum over its patterns.

    Raises:
        VerificationError: a part fails.
        LimitError: even the interpreter's product is too large.
    """
    import torch

    states = check_cascade(cascade)
    soundness = Soundness(model.config, dict(model.state_dict()))
    if len(model.config["components"]) != len(cascade.components):
        raise VerificationError("the model has other components than the cascade")
    alphabet, rows = cascade.automaton.alphabet, soundness.arrays["embedding.weight"]
    different = np.flatnonzero((rows != rows[list(alphabet.representatives)][list(alphabet.classes)]).any(axis=1))
    if len(different):
        symbol = alphabet.name(int(different[0]))
        raise VerificationError(f"embedding.weight: the row of {symbol} differs from that of its class")
    every = range(len(cascade.components))
    with torch.no_grad():
        if isinstance(cascade, Bundle):
            _compose_sides(model, soundness, cascade)
            return states
        tables = Tables(model, soundness, cascade, alphabet, every, range(alphabet.class_count))
        for k in every:
            tables.check_component(k)
        tables.check_readout()
    return states


def _compose_sides(model: Model, soundness: Soundness, bundle: Bundle) -> None:
    """Part (2) for each pattern of a set; what several patterns share is compared once.

    Raises:
        VerificationError: an entry differs.
    """
    head, alphabet = model.config["head"], bundle.automaton.alphabet
    if len(head.get("parts", ())) != len(bundle.parts):
        raise VerificationError("the head has another number of patterns than the cascade")
    seen: set[int] = set()
    for i, (part, places, classes) in enumerate(zip(bundle.parts, bundle.places, bundle.members.maps, strict=True)):
        tables = Tables(model, soundness, part, alphabet, places, classes)
        for k, place in enumerate(places):
            if place not in seen:
                seen.add(place)
                tables.check_component(k)
        tables.check_side(i)
    start = bundle.readout.outputs[bundle.readout.initial]
    legal = set(start.legal)
    classes = alphabet.classes if bundle.mode == "predict" else ()
    first = [start.accepting, *start.patterns, *(c in legal for c in classes)]
    if model.initial_logits.tolist() != [128.0 if true else -128.0 for true in first]:
        raise VerificationError("initial_logits: not what the set says of the empty word")
