"""Proofs of equivalence between a model and its automaton, and their certificates."""
