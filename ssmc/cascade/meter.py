"""Work that a search may still do, counted so that results are reproducible."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = 300
"""The cost of one transition of a context automaton in elementary operations, which are moves of one word of bits."""


class Meter:
    """Work left, counted in elementary operations and not in seconds, so that results are reproducible."""

    def __init__(self, work: int) -> None:
        self.left = work

    def spend(self, work: int) -> None:
        """Takes work off."""
        self.left -= work

    @contextmanager
    def share(self, parts: int) -> Iterator[Meter]:
        """A meter with one of several equal parts of the work left; what it does not use stays here."""
        child = Meter(max(self.left, 0) // parts)
        before = child.left
        yield child
        self.spend(before - child.left)

    @property
    def is_empty(self) -> bool:
        """Whether the work is used up."""
        return self.left <= 0
