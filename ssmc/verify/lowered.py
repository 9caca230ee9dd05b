"""The proof of what a target emitted, by the form of the model that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssmc.errors import InvariantError
from ssmc.targets.stock import StockWeights

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade
    from ssmc.targets import Lowered, Target
    from ssmc.verify.certificate import Certificate


def need_library(target: Target) -> None:
    """Makes sure that the library whose class runs a target's weights is there.

    Raises:
        UsageError: it is not.
    """
    from ssmc.verify.recurrent import need_transformers

    if target.form == "stock":
        need_transformers()


def prove_lowered(target: Target, weights: Lowered, automaton: Automaton, cascade: Cascade) -> tuple[Any, Certificate]:
    """The model with some weights, and its proof.

    Raises:
        DifferenceError: the model differs from the automaton (a bug in ssmc).
        VerificationError: another part of the proof fails.
        LimitError: the proof is too large.
        UsageError: the library of a stock class is not installed.
    """
    if target.form == "stock":
        from ssmc.verify.recurrent import build_stock
        from ssmc.verify.stock import prove_stock

        if not isinstance(weights, StockWeights):
            raise InvariantError(f"{target.name} emits no stock weights")
        stock = build_stock(weights.config, weights.tensors)
        return stock, prove_stock(stock, automaton, weights.vocabulary, bitwise_limit=0)
    from ssmc.nn import Model
    from ssmc.verify.prove import prove

    model = Model.of(weights.config, weights.tensors)
    return model, prove(model, automaton, cascade)
