"""The layers of the native model: a block with its gates of every class, and the head.

A block has up to three groups of state, each moved by what is linear in the same units u = relu(W s + c):

| group | state | step |
| --- | --- | --- |
| diagonal | real channels | h_t = a_t h_{t-1} + b_t, a in {0, 1}, or {-1, 0, 1} with signed gates |
| columns | one-hot vectors of n values | h_t = P_t h_{t-1}, P_t column-one-hot (arXiv 2509.22284) |
| turns | points of the unit circle, complex64 as two columns | h_t = a_t h_{t-1} + b_t, abs(a_t) = 1 or a_t = 0 |

A block of a model with non-negative gates has the first only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ssmc.errors import InvariantError
from ssmc.kernels import scan
from ssmc.kernels.map_scan import scan_maps, scan_matrices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


KEY_BITS = 62
"""Units whose 0/1 values fit into one key."""


class Widths(NamedTuple):
    """The sizes of a block's state.

    Attributes:
        channels: D, the diagonal channels.
        columns: for each one-hot vector its number of values.
        turns: for each point of the circle the number of roots of unity it takes.
    """

    channels: int
    columns: tuple[int, ...]
    turns: tuple[int, ...]

    @staticmethod
    def of(block: Mapping[str, Any]) -> Widths:
        """The sizes of a block of a configuration.

        Raises:
            InvariantError: the size of a vector or a turn is not a number of things.
        """
        columns, turns = tuple(block.get("columns", ())), tuple(block.get("turns", ()))
        if any(type(size) is not int or size < 1 for size in (*columns, *turns)):
            raise InvariantError("a size in the configuration is not a number of things")
        return Widths(block["channels"], columns, turns)

    @property
    def read(self) -> int:
        """The columns of state that features read as they are: channels, then one-hot vectors."""
        return self.channels + sum(self.columns)

    @property
    def state(self) -> int:
        """All columns of state."""
        return self.read + 2 * len(self.turns)

    @property
    def sectors(self) -> int:
        """The features of the turns: one for each value but 0."""
        return sum(self.turns) - len(self.turns)

    def initial(self) -> list[float]:
        """The state before any symbol: 0, the one-hot vector of value 0, the point 1."""
        vectors = [float(v == 0) for size in self.columns for v in range(size)]
        return [0.0] * self.channels + vectors + [1.0, 0.0] * len(self.turns)


class Scanned(NamedTuple):
    """What a block computed over a stretch of time.

    Attributes:
        features: (B, T, F): what it appends to the stream.
        final: (B, H): the states after the last symbol.
        gate: (B, T, D).
        increment: (B, T, D).
        states: (B, T, H): the states before each symbol, float32.
    """

    features: Tensor
    final: Tensor
    gate: Tensor
    increment: Tensor
    states: Tensor


class Affine(nn.Module):
    """x -> W x + c, starting at zero.

    Args:
        rows: size of the result.
        columns: size of the argument.
        dtype: of the parameters.
    """

    def __init__(self, rows: int, columns: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(rows, columns, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(rows, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """(..., columns) -> (..., rows)."""
        return functional.linear(x, self.weight, self.bias)


class Block(nn.Module):
    """One scan layer: units, gates and increments, recurrence, readout.

    Args:
        units: U.
        width: S, the size of the stream it reads.
        sizes: of the state.
        source: for each feature of the channels and columns the one that it reads.
        dtype: of the parameters (what is compared with states is float32, since they are; so are complex gates).
    """

    source: Tensor

    def __init__(self, units: int, width: int, sizes: Widths, source: list[int], dtype: torch.dtype) -> None:
        super().__init__()
        self.sizes = sizes
        self.terms = Affine(units, width, dtype)
        self.gate = Affine(sizes.channels, units, dtype)
        self.increment = Affine(sizes.channels, units, dtype)
        self.threshold = nn.Parameter(torch.zeros(len(source)))
        self.register_buffer("source", torch.tensor(source, dtype=torch.int64), persistent=False)
        if sizes.columns:
            self.columns = Affine(sum(n * n for n in sizes.columns), units, dtype)
        if sizes.turns:
            self.turn = Affine(2 * len(sizes.turns), units, torch.float32)
            self.write = Affine(2 * len(sizes.turns), units, torch.float32)
            self.points = nn.Parameter(torch.zeros(sum(sizes.turns), 2))

    def units(self, stream: Tensor) -> Tensor:
        """The units (..., U) from the stream (..., S)."""
        return functional.relu(self.terms(stream))

    def gates(self, stream: Tensor) -> tuple[Tensor, Tensor]:
        """Gate and increment (..., D) from the stream (..., S)."""
        units = self.units(stream)
        return self.gate(units), self.increment(units)

    def matrices(self, units: Tensor) -> list[Tensor]:
        """For each one-hot vector its matrix (..., n, n) in the model's dtype; column v is what value v becomes."""
        if not self.sizes.columns:
            return []
        parts = self.columns(units).split([n * n for n in self.sizes.columns], -1)
        return [part.unflatten(-1, (n, n)) for part, n in zip(parts, self.sizes.columns, strict=True)]

    def turns(self, units: Tensor) -> tuple[Tensor, Tensor]:
        """Complex gates and increments (..., R), complex64: summed in float64 and rounded once."""
        wide = units.double()
        gate, increment = (
            functional.linear(wide, part.weight.double(), part.bias.double()).float()
            for part in (self.turn, self.write)
        )
        return as_complex(gate), as_complex(increment)

    def features(self, states: Tensor) -> Tensor:
        """What the block appends to the stream: (..., H) float32 -> (..., F); 0 or 1 for every state of a compiled model."""
        read = (states.index_select(-1, self.source) - self.threshold).clamp(0, 1)
        if self.sizes.turns:
            read = torch.cat([read, *(sector[..., 1:] for sector in self.sectors(states))], -1)
        return read.to(self.terms.weight.dtype)

    def sectors(self, states: Tensor) -> list[Tensor]:
        """For each turn the one-hot vector (..., n) of the nearest of its points; gradients are those of a softmax."""
        out = []
        first = self.sizes.read
        for points in torch.split(self.points, list(self.sizes.turns)):
            real, imaginary = states[..., first : first + 1], states[..., first + 1 : first + 2]
            near = real * points[:, 0] + imaginary * points[:, 1]
            hard = functional.one_hot(near.argmax(-1), len(points)).float()
            if near.requires_grad:
                soft = near.softmax(-1)
                hard = hard + (soft - soft.detach())
            out.append(hard)
            first += 2
        return out

    def forward(self, stream: Tensor, initial: Tensor) -> Scanned:
        """The block over a stretch of time.

        Args:
            stream: (B, T, S).
            initial: (B, H) float32: the states before the first symbol.
        """
        sizes, units = self.sizes, self.units(stream)
        gate, increment = self.gate(units), self.increment(units)
        states, final = scan(gate, increment, initial[:, : sizes.channels], exclusive=True)
        parts, ends = [states], [final]
        if sizes.columns:
            states, final = self.scan_columns(units, initial[:, sizes.channels : sizes.read])
            parts.append(states)
            ends.append(final)
        if sizes.turns:
            turned, last = scan(*self.turns(units), as_complex(initial[:, sizes.read :]), exclusive=True)
            parts.append(torch.view_as_real(turned).flatten(-2))
            ends.append(torch.view_as_real(last).flatten(-2))
        if len(parts) > 1:
            states, final = torch.cat(parts, -1), torch.cat(ends, -1)
        return Scanned(self.features(states), final, gate, increment, states)

    def scan_columns(self, units: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
        """The exclusive scan of the one-hot vectors: states (B, T, C) float32 and the last ones (B, C).

        Column-one-hot matrices are composed as maps of integers, unless gradients are wanted; others, and those, as matrices. On one-hot
        columns the results are equal.
        """
        before = torch.split(initial, list(self.sizes.columns), -1)
        wanted = torch.is_grad_enabled() and (units.requires_grad or self.columns.weight.requires_grad)
        found = None if wanted else distinct_rows(units)
        if found is not None:
            rows, place = found
            moves = [maps_of(matrix, state) for matrix, state in zip(self.matrices(rows), before, strict=True)]
            made = [scan_maps(move[0][place], move[1]) for move in moves if move is not None]
            if len(made) == len(before):
                vectors = [
                    [functional.one_hot(values, size).float() for values in pair]
                    for pair, size in zip(made, self.sizes.columns, strict=True)
                ]
                return torch.cat([v[0] for v in vectors], -1), torch.cat([v[1] for v in vectors], -1)
        pairs = [scan_matrices(m.float(), state) for m, state in zip(self.matrices(units), before, strict=True)]
        return torch.cat([pair[0] for pair in pairs], -1), torch.cat([pair[1] for pair in pairs], -1)

    def step(self, stream: Tensor, states: Tensor) -> Tensor:
        """The states (B, H) after one symbol, by the recurrence as it is written; the stream is (B, S)."""
        sizes, units = self.sizes, self.units(stream)
        after = [self.gate(units).float() * states[:, : sizes.channels] + self.increment(units).float()]
        if sizes.columns:
            after.append(self.scan_columns(units[:, None], states[:, sizes.channels : sizes.read])[1])
        if sizes.turns:
            gate, increment = self.turns(units)
            turned = gate * as_complex(states[:, sizes.read :]) + increment
            after.append(torch.view_as_real(turned).flatten(-2))
        return after[0] if len(after) == 1 else torch.cat(after, -1)


class Head(nn.Module):
    """Units, then logits; of several patterns read side by side also units that say that none of a group of units is 1.

    Args:
        units: U.
        groups: of units that are asked whether any of them is 1.
        width: S, the size of the whole stream.
        outputs: O.
        dtype: of the parameters.
    """

    def __init__(self, units: int, groups: int, width: int, outputs: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.terms = Affine(units, width, dtype)
        self.any = Affine(groups, units, torch.float32) if groups else None
        self.logits = Affine(outputs, units + groups, dtype)

    def forward(self, stream: Tensor) -> Tensor:
        """(..., S) -> (..., O)."""
        units = functional.relu(self.terms(stream))
        if self.any is not None:
            units = torch.cat([units, functional.relu(self.any(units.float())).to(units.dtype)], -1)
        logits: Tensor = self.logits(units)
        return logits


def as_complex(pairs: Tensor) -> Tensor:
    """(..., 2 R) -> (..., R): neighbours are real and imaginary part."""
    return torch.complex(pairs[..., 0::2], pairs[..., 1::2])


def distinct_rows(units: Tensor) -> tuple[Tensor, Tensor] | None:
    """The distinct rows (K, U) of 0/1 units (B, T, U) and the number of each position's row (B, T); None where units are other numbers, or many."""
    count = units.shape[-1]
    if count > KEY_BITS or not bool(((units == 0) | (units == 1)).all()):
        return None
    shifts = torch.arange(count, device=units.device)
    keys, place = torch.unique(((units != 0).long() << shifts).sum(-1), return_inverse=True)
    return ((keys[:, None] >> shifts) & 1).to(units.dtype), place


def maps_of(matrices: Tensor, initial: Tensor) -> tuple[Tensor, Tensor] | None:
    """Column-one-hot matrices (K, n, n) as maps (K, n) and one-hot vectors (B, n) as values (B,); None where they are not."""
    maps, values = matrices.argmax(-2), initial.argmax(-1)
    size = matrices.shape[-1]
    columns = functional.one_hot(maps, size).transpose(-1, -2)
    if bool((columns == matrices).all()) and bool((functional.one_hot(values, size) == initial).all()):
        return maps, values
    return None


def feature_count(block: Mapping[str, Any]) -> int:
    """The number of features that a block of a configuration appends to the stream."""
    source: Sequence[int] = block["source"]
    return len(source) + Widths.of(block).sectors
