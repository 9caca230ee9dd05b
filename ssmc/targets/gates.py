"""What the actions of a component are as gates: diagonal, column-one-hot, or a turn of the unit circle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ssmc.cascade.ir import HOLD, Action, Images, overwrite
from ssmc.targets.roots import root

if TYPE_CHECKING:
    from ssmc.cascade.ir import AnyAction, Component

Form = Literal["diagonal", "columns", "turn"]
FORMS: tuple[Form, ...] = ("diagonal", "columns", "turn")
"""In the order in which a block keeps them."""


class Turn(NamedTuple):
    """A unit's part in the gate and in the increment of a rotation, as (real, imaginary) in float32 numbers."""

    gate: tuple[float, float]
    write: tuple[float, float]


def form_of(component: Component, architecture: str) -> Form:
    """How a target keeps a component: a rotation turns where gates are complex, and permutes elsewhere."""
    if component.kind == "permutation":
        return "columns"
    if component.kind == "rotation":
        return "turn" if architecture == "native-complex" else "columns"
    return "diagonal"


def images_of(component: Component, action: AnyAction) -> tuple[int, ...]:
    """The action as the map of the values 0..size-1."""
    if isinstance(action, Images):
        return action.images
    return tuple(component.apply(action, value) for value in range(component.size))


def canonical(component: Component, action: AnyAction) -> AnyAction:
    """One form for each map of a component: hold, overwrite, or (permutations) its images."""
    if component.kind != "permutation":
        return action
    images = images_of(component, action)
    if images == tuple(range(component.size)):
        return HOLD
    return overwrite(images[0]) if len(set(images)) == 1 else Images(images)


def column_entries(images: tuple[int, ...]) -> dict[int, int]:
    """What a unit adds to the identity matrix so that column v is that of images[v]: row-major place -> number."""
    size = len(images)
    entries: dict[int, int] = {}
    for value, image in enumerate(images):
        if image != value:
            entries[image * size + value] = 1
            entries[value * size + value] = -1
    return entries


def turn_entries(size: int, action: Action) -> Turn:
    """What a unit adds to the gate 1 and the increment 0 of a rotation."""
    if action.mul == 0:
        return Turn((-1.0, 0.0), rounded(root(action.add, size)))
    return Turn(rounded(root(action.add, size) - 1), (0.0, 0.0))


def rounded(number: complex) -> tuple[float, float]:
    """The nearest float32 numbers."""
    return float(np.float32(number.real)), float(np.float32(number.imag))


def points(size: int) -> list[tuple[float, float]]:
    """The states of the values of a rotation, in float32."""
    return [rounded(root(value, size)) for value in range(size)]


def one_hot(size: int) -> list[list[int]]:
    """The states of the values of a component that is kept as columns."""
    return np.eye(size, dtype=np.int64).tolist()  # type: ignore[no-any-return]


def describe_component(form: Form, size: int, kind: str, codes: list[list[int]]) -> dict[str, Any]:
    """What the configuration says of a component's states, by form."""
    if form == "columns":
        return {"kind": "permutation", "codes": one_hot(size)}
    if form == "turn":
        return {"kind": "rotation"}
    return {"kind": "swap" if kind == "swap" else "reset", "codes": codes}
