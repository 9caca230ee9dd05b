"""The budget of one construction: states, positions and seconds, each with the option that raises it."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from ssmc.errors import LimitError

STATE_LIMIT = 10_000
"""States of any automaton met on the way, before minimisation."""
SECONDS = 60.0
"""Wall-clock time for one language."""
POSITIONS_PER_STATE = 2
"""An expression may have this many symbol positions (counted repeats written out) for each state of the limit."""
DEPTH_LIMIT = 100
"""Nesting of groups."""


@dataclass(frozen=True)
class Budget:
    """What one construction may use; starts to run when it is made.

    Attributes:
        state_limit: the largest number of states of any automaton on the way.
        seconds: wall-clock seconds.
        started: the monotonic clock when the budget was made.
    """

    state_limit: int = STATE_LIMIT
    seconds: float = SECONDS
    started: float = field(default_factory=monotonic)

    @property
    def position_limit(self) -> int:
        """The largest number of symbol positions of an expression."""
        return self.state_limit * POSITIONS_PER_STATE

    def check_states(self, count: int, what: str = "states during determinisation") -> None:
        """Checks a number of states and the clock.

        Raises:
            LimitError: one of them is over its limit.
        """
        if count > self.state_limit:
            raise LimitError(what, count, self.state_limit, "--state-limit")
        self.check_time()

    def check_positions(self, count: int) -> None:
        """Checks a number of symbol positions.

        Raises:
            LimitError: it is over the limit.
        """
        if count > self.position_limit:
            raise LimitError("symbol positions of the expanded expression", count, self.position_limit, "--state-limit")

    def check_time(self) -> None:
        """Checks the clock.

        Raises:
            LimitError: the seconds are spent.
        """
        spent = monotonic() - self.started
        if spent > self.seconds:
            raise LimitError("seconds to build the automaton", round(spent, 3), self.seconds, "--seconds")


def check_depth(depth: int) -> None:
    """Checks the nesting depth of an expression.

    Raises:
        LimitError: it is over `DEPTH_LIMIT`.
    """
    if depth > DEPTH_LIMIT:
        raise LimitError("nesting depth of the expression", depth, DEPTH_LIMIT)
