"""Proofs of equivalence between a model and its automaton, and their certificates."""

from ssmc.verify.certificate import Certificate, Counterexample, DifferenceError, weights_digest
from ssmc.verify.explore import explore
from ssmc.verify.prove import prove
from ssmc.verify.specification import specification

__all__ = ["Certificate", "Counterexample", "DifferenceError", "explore", "prove", "specification", "weights_digest"]
