"""The conditions that a guard stands for, as the engine resolves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ssmc.languages.machine import Context, Machine


class Ahead(NamedTuple):
    """The rest of the word is accepted by a machine that starts here."""

    machine: Machine
    negated: bool


class Behind(NamedTuple):
    """A tracker accepts what was read so far."""

    tracker: int
    negated: bool


class Here(NamedTuple):
    """The trackers are in these states."""

    trackers: tuple[int, ...]
    context: Context


class Pending(NamedTuple):
    """The rest of the word is in the language of a pool state."""

    state: int


Condition = Ahead | Behind | Here | Pending
