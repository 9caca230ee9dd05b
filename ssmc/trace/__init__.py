"""What a model knows at each symbol: the state of the automaton, of every component, and which symbols put it there."""

from ssmc.trace.follow import Step, Trace, follow
from ssmc.trace.reach import output_reach, reach_of

__all__ = ["Step", "Trace", "follow", "output_reach", "reach_of"]
