"""How the automaton decomposes: contexts, levels, reduction, the IR and its interpreter."""

from ssmc.cascade.check import check_cascade
from ssmc.cascade.decompose import decompose
from ssmc.cascade.ir import Cascade, Component, Output, Readout

__all__ = ["Cascade", "Component", "Output", "Readout", "check_cascade", "decompose"]
