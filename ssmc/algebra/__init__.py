"""What the language is: star-freeness, witnesses, the transition monoid and its structure."""

from ssmc.algebra.checker import check_index, check_witness
from ssmc.algebra.starfree import StarFreeReport, check_starfree
from ssmc.algebra.witness import Witness

__all__ = ["StarFreeReport", "Witness", "check_index", "check_starfree", "check_witness"]
