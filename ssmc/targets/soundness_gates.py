"""What signed, column-one-hot and complex gates may do for every feature vector: the part of `ssmc.targets.soundness` beyond hold, reset and count.

A swap's affine maps are the four of {0, 1} to itself, (1, 0), (0, 0), (0, 1) and (-1, 1), which are closed under composition: a scan over any
segment of any input, in any order, has gates in {-1, 0, 1} and increments in {0, 1}. Column-one-hot matrices are closed under composition too. The
gates of a rotation are within `NEAR` of a root of unity, or 0 with a root written; how far exactly decides up to which length it is read right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import InvariantError, VerificationError
from ssmc.targets.roots import RootErrors, root, safe_length

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Complex = NDArray[np.complex128]

NEAR = 2.0**-21
"""How far a float32 gate may lie from the root of unity that it stands for."""
SWAPS = ((1, 0), (0, 0), (0, 1), (-1, 1))
"""Gate and increment of hold, overwrite by 0, overwrite by 1, toggle."""


def check_swap(name: str, actions: Array) -> None:
    """Proves that (gate, increment) is always one of the four maps of {0, 1} to itself.

    Raises:
        VerificationError: it may be something else.
    """
    for gate, increment in actions[:, :, 0].tolist():
        if (gate, increment) not in SWAPS:
            raise VerificationError(f"{name}: gate {gate:g} with increment {increment:g}")


def check_columns(name: str, matrices: Array) -> None:
    """Proves that (N, n, n) matrices are column-one-hot.

    Raises:
        VerificationError: one is not.
    """
    wrong = np.flatnonzero(((matrices != 0) & (matrices != 1)).any((1, 2)) | (matrices.sum(1) != 1).any(1))
    if len(wrong):
        raise VerificationError(f"{name}: the matrix {matrices[wrong[0]].tolist()} is not column-one-hot")


def check_turns(name: str, order: int, gates: Complex, writes: Complex, points: Complex) -> RootErrors:
    """Proves that every action turns by a root of unity or overwrites with one, as exactly as float32 allows.

    Args:
        name: of the component.
        order: n.
        gates: (N,) float32 numbers.
        writes: (N,) the increments that go with them.
        points: (n,) the states that the readout compares with.

    Returns:
        The distances from the roots.

    Raises:
        VerificationError: an action does something else, or the readout compares with something else.
    """
    roots = np.array([root(k, order) for k in range(order)])
    turns = gates != 0
    if (writes[turns] != 0).any():
        raise VerificationError(f"{name}: turns and writes at once")
    distance = np.abs(np.where(turns, gates, writes)[:, None] - roots).min(1)
    if distance.max(initial=0) > NEAR:
        number = np.where(turns, gates, writes)[distance.argmax()]
        raise VerificationError(f"{name}: {number:g} is no root of unity of order {order}")
    apart = np.abs(points - roots)
    if apart.max(initial=0) > NEAR:
        raise VerificationError(
            f"{name}: the point {points[apart.argmax()]:g} is not the root of value {apart.argmax()}"
        )
    return RootErrors(order, float(distance.max(initial=0)), float(apart.max(initial=0)))


def column_rows(config: Mapping[str, Any], component: Mapping[str, Any]) -> slice:
    """The rows of `blocks.b.columns` that are a component's matrix, row-major.

    Raises:
        InvariantError: the block has no one-hot vector of its size where the component's states begin.
    """
    block = config["blocks"][component["block"]]
    start, row = block["channels"], 0
    for size in block.get("columns", ()):
        if (start, size) == (component["start"], component["values"]):
            return slice(row, row + size * size)
        start, row = start + size, row + size * size
    raise InvariantError(f"{component['name']}: no one-hot vector of {component['values']} values there")


def turn_number(config: Mapping[str, Any], component: Mapping[str, Any]) -> int:
    """The number of a rotation among the turns of its block.

    Raises:
        InvariantError: the block has no turn of its order where the component's states begin.
    """
    block = config["blocks"][component["block"]]
    turns = list(block.get("turns", ()))
    number, rest = divmod(component["start"] - block["channels"] - sum(block.get("columns", ())), 2)
    if rest or number not in range(len(turns)) or turns[number] != component["values"]:
        raise InvariantError(f"{component['name']}: no turn of order {component['values']} there")
    return int(number)


def sector_places(block: Mapping[str, Any], number: int) -> NDArray[np.int64]:
    """The places, among a block's features, of those of a turn."""
    sizes = [size - 1 for size in block["turns"]]
    places: NDArray[np.int64] = np.arange(sizes[number], dtype=np.int64) + len(block["source"]) + sum(sizes[:number])
    return places


def turn_points(config: Mapping[str, Any], component: Mapping[str, Any], arrays: Mapping[str, Array]) -> Complex:
    """The points (n,) that the readout of a rotation compares with."""
    number, b = turn_number(config, component), component["block"]
    first = sum(config["blocks"][b]["turns"][:number])
    planes = arrays[f"blocks.{b}.points"][first : first + component["values"]]
    return as_complex(planes)


def as_complex(planes: Array) -> Complex:
    """(..., 2) -> (...): real and imaginary parts."""
    made: Complex = planes[..., 0] + 1j * planes[..., 1]
    return made


def proved_length(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> int | None:
    """The length up to which every rotation of a sound model is read right, in every order of evaluation; None: at every length.

    Raises:
        VerificationError: the weights are not sound.
    """
    from ssmc.targets.soundness import Soundness

    if not any(block.get("turns") for block in config["blocks"]):
        return None
    soundness = Soundness(config, tensors)
    parts = [k for k, component in enumerate(config["components"]) if component["kind"] == "rotation"]
    lengths = [length for k in parts if (length := safe_length(soundness.check_rotation(k))) is not None]
    return min(lengths, default=None)
