"""The map of the classes of regular languages, and what each class asks of a state-space model."""

from ssmc.algebra.classify.membership import Evidence, Membership
from ssmc.algebra.classify.report import Classification, classify
from ssmc.algebra.needs import Need

__all__ = ["Classification", "Evidence", "Membership", "Need", "classify"]
