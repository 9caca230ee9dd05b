"""Proofs of equivalence between a model and its automaton, and their certificates."""

from ssmc.verify.agreement import count_errors, live_walk, states_along, with_error
from ssmc.verify.certificate import Certificate, Counterexample, DifferenceError, weights_digest
from ssmc.verify.explore import explore
from ssmc.verify.prove import prove
from ssmc.verify.specification import specification

__all__ = [
    "Certificate",
    "Counterexample",
    "DifferenceError",
    "count_errors",
    "explore",
    "live_walk",
    "prove",
    "specification",
    "states_along",
    "weights_digest",
    "with_error",
]
