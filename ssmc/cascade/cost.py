"""What a cascade costs, and which of two is the cheaper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from ssmc.cascade.ir import layers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Component

Order = Literal["layers", "channels", "units"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""The criterion that is compared first; the others follow in the order of `Cost`."""


class Cost(NamedTuple):
    """The price of a cascade, in the order in which it is compared unless options say otherwise.

    Attributes:
        layers: scan layers.
        channels: scan channels: one a counter, resets in binary.
        windows: window taps.
        entries: entries of all tables. Hidden units are not known before two-level minimisation; this is what stands for them.
    """

    layers: int
    channels: int
    windows: int
    entries: int

    def rank(self, order: Order = "layers", max_layers: int | None = None) -> tuple[int, ...]:
        """The key to compare by: layers beyond the limit first, then the criterion asked for, then all."""
        excess = 0 if max_layers is None else max(0, self.layers - max_layers)
        first = {"layers": self.layers, "channels": self.channels, "units": self.entries}[order]
        return (excess, first, *self)

    def most_layers(self, order: Order, otherwise: int) -> int:
        """The most layers of a cascade that is no dearer: every layer has a channel, so channels bound layers."""
        return {"layers": self.layers, "channels": self.channels, "units": otherwise}[order]


def cost_of(components: Sequence[Component], entries: int = 0) -> Cost:
    """The cost of some components and a readout with a number of entries."""
    channels = sum(1 if c.kind == "counter" else (c.size - 1).bit_length() for c in components if c.kind != "window")
    windows = sum(c.kind == "window" for c in components)
    table = entries + sum(len(c.table) for c in components)
    return Cost(max(layers_of(components), default=0), channels, windows, table)
