"""The head of the native model: which units each logit is the sum of.

A logit of one cascade is -LOGIT plus 2 LOGIT for each unit of its bit, which exclude each other (or the reverse). What several patterns say together, the set holds the word
or a symbol may follow, is no such sum, since several of them may say it at once: a further unit is 1 - (the sum of all their units), cut off at 0, which is 1 if none of them
is 1 and 0 otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ssmc.targets.weights import LOGIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.bundle import Bundle
    from ssmc.cascade.ir import Cascade
    from ssmc.targets.sides import SidePlanner
    from ssmc.targets.stream import Stream, Unit
    from ssmc.targets.terms import Bit, Planner

    Array = NDArray[np.float64]


class Outputs(NamedTuple):
    """The affine maps of a head, rows in the order accept, patterns, classes.

    Attributes:
        units: the product terms.
        groups: what each unit that looks at others asks for.
        any: (groups, units): -1 at the units that a group looks at.
        weight: (rows, units + groups).
        bias: (rows,).
        config: what the configuration of the head says beyond its units.
    """

    units: list[Unit]
    groups: list[str]
    any: Array
    weight: Array
    bias: Array
    config: dict[str, Any]


class Head(Protocol):
    """What makes the outputs of a model."""

    def outputs(self, stream: Stream) -> Outputs:
        """The outputs over a stream."""
        ...


class PlainHead:
    """The head of one cascade."""

    def __init__(self, cascade: Cascade, planner: Planner) -> None:
        self.cascade, self.planner = cascade, planner

    def outputs(self, stream: Stream) -> Outputs:
        """The outputs: each the sum of the units of its bit."""
        bits = self.planner.head()
        own = [_units(stream, bit) for bit in bits]
        units = list(dict.fromkeys(unit for some in own for unit in some))
        number = {unit: i for i, unit in enumerate(units)}
        weight = np.zeros((len(bits), len(units)))
        bias = np.array([LOGIT if bit.base else -LOGIT for bit in bits], dtype=np.float64)
        for row, bit, some in zip(weight, bits, own, strict=True):
            row[[number[unit] for unit in some]] = -2 * LOGIT if bit.base else 2 * LOGIT
        return Outputs(units, [], np.zeros((0, len(units))), weight, bias, {})


class SideHead:
    """The head of a bundle."""

    def __init__(self, bundle: Bundle, planner: SidePlanner) -> None:
        self.bundle, self.planner = bundle, planner

    def outputs(self, stream: Stream) -> Outputs:
        """The outputs: of a pattern the sum of the units of its bit, and of the set whether any unit of a group is 1."""
        units: list[Unit] = []
        config: list[dict[str, Any]] = []
        told: list[list[list[int]]] = []
        for part, places, bits in zip(self.bundle.parts, self.bundle.places, self.planner.head(), strict=True):
            own = [_units(stream, bit) for bit in bits]
            mine = list(dict.fromkeys(unit for some in own for unit in some))
            # a unit belongs to one part, so that it is known whose bits it is summed into
            number = {unit: len(units) + i for i, unit in enumerate(mine)}
            told.append([[number[unit] for unit in some] for some in own])
            latch = None if part.latch is None else places[part.latch]
            config.append({"latch": latch, "units": [len(units), len(units) + len(mine)]})
            units += mine
        groups: dict[frozenset[int], str] = {}
        rows: list[frozenset[int]] = [frozenset(u for bits in told for u in bits[0])]
        groups[rows[0]] = "no pattern holds"
        if self.bundle.mode == "predict":
            maps = self.bundle.members.maps
            for x in range(self.bundle.automaton.classes):
                group = frozenset(u for bits, own in zip(told, maps, strict=True) for u in bits[1 + own[x]])
                rows.append(group)
                groups.setdefault(group, f"no pattern goes on with class {x}")
        order = {group: i for i, group in enumerate(groups)}
        any_of = np.zeros((len(groups), len(units)))
        for group, i in order.items():
            any_of[i, sorted(group)] = -1
        count = len(told)
        weight = np.zeros((len(rows) + count, len(units) + len(groups)))
        bias = np.full(len(weight), LOGIT, dtype=np.float64)
        bias[1 : 1 + count] = -LOGIT
        for i, sums in enumerate(told):
            weight[1 + i, sums[0]] = 2 * LOGIT
        for place, group in enumerate(rows):
            weight[place + count if place else 0, len(units) + order[group]] = -2 * LOGIT
        return Outputs(units, list(groups.values()), any_of, weight, bias, {"any": len(groups), "parts": config})


def _units(stream: Stream, bit: Bit) -> Sequence[Unit]:
    """The units of an output bit."""
    return [unit for product in bit.products if (unit := stream.unit(product)) is not None]
