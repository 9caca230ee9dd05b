"""What a component does to its value when it reads a symbol."""

from __future__ import annotations

from typing import Any, NamedTuple


class Action(NamedTuple):
    """The affine map h -> mul*h + add on a component's value."""

    mul: int
    add: int


class Images(NamedTuple):
    """The map v -> images[v] on a permutation component's values: a permutation, a constant, or anything between."""

    images: tuple[int, ...]


AnyAction = Action | Images

HOLD = Action(1, 0)
TOGGLE = Action(-1, 1)
"""The exchange of 0 and 1, h -> 1 - h."""


def overwrite(value: int) -> Action:
    """The constant map to `value`."""
    return Action(0, value)


def action_to_json(action: AnyAction) -> list[Any]:
    """`[mul, add]`, or `[[image of 0, image of 1, ...]]`."""
    return [list(action.images)] if isinstance(action, Images) else list(action)


def action_from_json(data: list[Any]) -> AnyAction:
    """The inverse of `action_to_json`."""
    return Images(tuple(data[0])) if len(data) == 1 else Action(*data)
