"""What a cascade costs, and which of two is the cheaper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, get_args

from ssmc.cascade.cases import entries_of
from ssmc.cascade.ir import HOLD, layers_of
from ssmc.cascade.rules import find_rules

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from ssmc.cascade.ir import Component, Key, Readout

L = TypeVar("L", bound="Hashable")
Order = Literal["layers", "channels", "units"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""The criterion that is compared first; the others follow in the order of `Cost`."""


_LARGE = 2_000


class Cost(NamedTuple):
    """The price of a cascade, in the order in which it is compared unless options say otherwise.

    Attributes:
        layers: scan layers.
        channels: scan channels: one a counter or swap, resets in binary, two real ones a rotation, one a value of a permutation component.
        windows: window taps.
        entries: entries of all tables.
        units: product terms of all tables, estimated; 0 unless the order asks for them. Hidden units themselves are not known before the tables are minimised
            under a choice of codes, which is too slow for every candidate.
    """

    layers: int
    channels: int
    windows: int
    entries: int
    units: int = 0

    def rank(self, order: Order = "layers", max_layers: int | None = None) -> tuple[int, ...]:
        """The key to compare by: layers beyond the limit first, then the criterion asked for, then all."""
        excess = 0 if max_layers is None else max(0, self.layers - max_layers)
        first = {"layers": self.layers, "channels": self.channels, "units": self.units}[order]
        return (excess, first, *self)

    def most_layers(self, order: Order, otherwise: int) -> int:
        """The most layers of a cascade that is no dearer: every layer has a channel, so channels bound layers."""
        return {"layers": self.layers, "channels": self.channels, "units": otherwise}[order]


def cost_of(components: Sequence[Component], readout: Readout | None = None, order: Order = "layers") -> Cost:
    """The cost of some components and a readout."""
    channels = sum(_channels(component) for component in components)
    windows = sum(c.kind == "window" for c in components)
    entries = sum(entries_of(c.table) for c in components) + (0 if readout is None else entries_of(readout.table))
    units = 0
    if order == "units":
        units = sum(_terms(c.table, c.depends_on, HOLD) for c in components if c.kind != "window")
        units += 0 if readout is None else _terms(readout.table, readout.depends_on, None)
    return Cost(max(layers_of(components), default=0), channels, windows, entries, units)


def _channels(component: Component) -> int:
    match component.kind:
        case "window":
            return 0
        case "counter" | "swap":
            return 1
        case "rotation":
            return 2
        case "permutation":
            return component.size
        case "reset":
            return (component.size - 1).bit_length()


def _terms(table: Mapping[Key, L], reads: Sequence[int], rest: L | None) -> int:
    """The number of rules of a table; its entries where it is too large to look for rules."""
    if len(table) > _LARGE:
        return len(table)
    return sum(len(rules) for _, rules in find_rules(table, reads, rest=rest).cases)
