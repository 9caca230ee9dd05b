"""A cascade as a stack of blocks, each a recurrence and then a layer of AND gates, for architectures built that way.

The residual stream holds 0/1 features; feature 0 is always 1. Block b reads it twice. Its *registers* take events (features) through the block's
recurrence, `lag` symbols late, and write their value as one-hot features: so at position t the stream has the value that a component had before
the symbol x_t. Its *gates*, ANDs of features of the same position, then write the events of the next block or the outputs. A cascade of L layers takes
L blocks where the recurrence can take its events one symbol late, and 2L where they have to be delayed by a block of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ssmc.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ALWAYS = 0
"""The feature that is 1 at every position."""


class Event(NamedTuple):
    """The overwrite of a register.

    Attributes:
        drive: the feature that tells it.
        channel: the channel that becomes 1; None where all become 0.
    """

    drive: int
    channel: int | None


@dataclass(frozen=True)
class Register:
    """A value in a block's recurrence: at most one of its channels is 1, none at the start.

    Attributes:
        name: what it is, for people.
        outputs: for each channel the feature that it writes.
        events: overwrites; at most one of their drives is 1 at a time.
        toggle: the feature that exchanges 0 and 1 of the only channel, exclusive with the events.
        always: every symbol overwrites it: with the channel of its event, or with 0.
        lag: how many symbols late it takes its events; before the start there are none.
    """

    name: str
    outputs: tuple[int, ...]
    events: tuple[Event, ...]
    toggle: int | None = None
    always: bool = False
    lag: int = 1

    @property
    def kind(self) -> str:
        """`delay` (always overwritten), `write`, `toggle`, or `mixed` (both)."""
        if self.always:
            return "delay"
        return "write" if self.toggle is None else "mixed" if self.events else "toggle"

    def after(self, value: int | None, features: Sequence[int]) -> int | None:
        """The channel that is 1 after the events in the features; None stands for 0 everywhere."""
        for drive, channel in self.events:
            if features[drive]:
                return channel
        if self.toggle is not None and features[self.toggle]:
            return 0 if value is None else None
        return None if self.always else value

    def split(self, width: int) -> list[Register]:
        """Registers of at most `width` channels that together have this one's; each is overwritten whenever this one is."""
        parts = []
        for first in range(0, max(1, len(self.outputs)), width):
            own = range(first, min(first + width, len(self.outputs)))
            events = [Event(drive, c - first if c is not None and c in own else None) for drive, c in self.events]
            outputs = tuple(self.outputs[c] for c in own)
            parts.append(Register(self.name, outputs, tuple(events), self.toggle, self.always, self.lag))
        return parts


class Gate(NamedTuple):
    """An AND of literals: constant + the sum of weight * feature is 1 where all hold, at most 0 elsewhere.

    Attributes:
        name: the product in words.
        constant: see above.
        weights: (feature, weight) pairs.
        targets: (feature, change) pairs: a feature that starts at 0 is set (+1), one that starts at 1 is cleared (-1).
    """

    name: str
    constant: int
    weights: tuple[tuple[int, int], ...]
    targets: tuple[tuple[int, int], ...]

    def row(self) -> dict[int, int]:
        """The gate over features in {-1, 1}: the sum of weight * feature is 1 where all literals hold, at most -1 elsewhere, and odd."""
        row = dict(self.weights)
        row[ALWAYS] = row.get(ALWAYS, 0) + 2 * self.constant - 1 + sum(weight for _, weight in self.weights)
        return {feature: weight for feature, weight in row.items() if weight}


@dataclass(frozen=True)
class Block:
    """One block: registers, then gates.

    Attributes:
        registers: read the features before the block.
        gates: read the features after the registers have written theirs.
    """

    registers: tuple[Register, ...]
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Circuit:
    """A lowered cascade.

    Attributes:
        features: their names; `features[ALWAYS]` is 1.
        letters: feature -> the classes (bit mask) of the symbols that set it; the other features start at 0, or at 1 if in `raised`.
        raised: the features that start at 1.
        blocks: in order.
        outputs: for each output bit its feature.
        initial: the output bits before any symbol.
        layer_of: for each component its layer, counted from 1; 0 for an earlier symbol, which a convolution tells.
    """

    features: tuple[str, ...]
    letters: Mapping[int, int]
    raised: frozenset[int]
    blocks: tuple[Block, ...]
    outputs: tuple[int, ...]
    initial: tuple[int, ...]
    layer_of: tuple[int, ...]

    @property
    def channels(self) -> int:
        """The channels of all registers."""
        return sum(len(register.outputs) for block in self.blocks for register in block.registers)

    @property
    def gates(self) -> int:
        """The gates of all blocks."""
        return sum(len(block.gates) for block in self.blocks)

    def start(self, symbol_class: int | None) -> list[int]:
        """The features that the embedding of a token sets; None stands for a token that is no symbol, at which nothing happens."""
        row = [int(feature in self.raised or feature == ALWAYS) for feature in range(len(self.features))]
        for feature, classes in self.letters.items():
            row[feature] = 0 if symbol_class is None else classes >> symbol_class & 1
        return row

    def check(self) -> None:
        """Checks that every feature is written in one place and read only where it has been written.

        Raises:
            InvariantError: it is not so.
        """
        written = {ALWAYS, *self.letters}
        for number, block in enumerate(self.blocks):
            reads = {event.drive for register in block.registers for event in register.events}
            reads |= {register.toggle for register in block.registers if register.toggle is not None}
            if not reads <= written:
                raise InvariantError(f"block {number}: a register reads {self._names(reads - written)} too early")
            outputs = [feature for register in block.registers for feature in register.outputs]
            if len(set(outputs)) != len(outputs) or written & set(outputs):
                raise InvariantError(f"block {number}: two registers write one feature")
            written |= set(outputs)
            reads = {feature for gate in block.gates for feature, _ in gate.weights}
            if not reads <= written:
                raise InvariantError(f"block {number}: a gate reads {self._names(reads - written)} too early")
            targets = {feature for gate in block.gates for feature, _ in gate.targets}
            if written & targets:
                raise InvariantError(f"block {number}: {self._names(written & targets)} written twice")
            written |= targets
        if len(set(zip(self.outputs, self.initial, strict=True))) != len(set(self.outputs)):
            raise InvariantError("two output bits share a feature but differ before any symbol")

    def _names(self, features: Iterable[int]) -> str:
        return ", ".join(self.features[feature] for feature in sorted(features))

    def run(self, classes: Sequence[int | None]) -> list[list[int]]:
        """(T, outputs): the output bits after every symbol, computed feature by feature in integers."""
        streams = [self.start(c) for c in classes]
        for block in self.blocks:
            before = [list(stream) for stream in streams]
            for register in block.registers:
                value: int | None = None
                for t, stream in enumerate(streams):
                    if t >= register.lag:
                        value = register.after(value, before[t - register.lag])
                    for channel, feature in enumerate(register.outputs):
                        stream[feature] = int(value == channel)
            for stream in streams:
                read = list(stream)
                for gate in block.gates:
                    if gate.constant + sum(weight * read[feature] for feature, weight in gate.weights) > 0:
                        for feature, change in gate.targets:
                            stream[feature] += change
        return [[stream[feature] for feature in self.outputs] for stream in streams]
