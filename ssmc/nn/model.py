"""The native model: an ordinary torch module with a parallel, a chunked and a streaming form of the same numbers.

| letter | meaning |
| --- | --- |
| B, T | batch, time |
| V | symbols |
| E | letter features of the present symbol |
| S | coordinates of the residual stream where a block reads it: letters, delayed letters, features of the blocks below |
| U | units (product terms) of a block or of the head |
| D | scan channels of a block |
| O | outputs: accept, and in predict mode one for each symbol |

At position t a block reads x_t and the states of the blocks below *before* x_t (their scans are exclusive), so that all components of the
cascade advance together: u = relu(W s + c), a = G u + g, b = H u + k, h_t = a_t h_{t-1} + b_t (the recurrence of arXiv 2405.17394, eq. 2).
What it appends to the stream is clamp(h_{t-1} - threshold, 0, 1). The head reads the same stream and answers for the prefix that ends in x_t.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ssmc.errors import InvariantError, SymbolError
from ssmc.kernels import scan

if TYPE_CHECKING:
    from collections.abc import Mapping

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The dtypes of parameters; scan states are float32 in each."""
CHUNK = {"cpu": 1 << 15, "cuda": 1 << 20}
"""Tokens (B * T) that `forward` works on at a time: bounds the memory of a long input."""


class State(NamedTuple):
    """What a model remembers between symbols.

    Attributes:
        delay: (B, number of delayed letter features) in the model's dtype.
        scan: (B, channels of all blocks) float32.
    """

    delay: Tensor
    scan: Tensor


class Scanned(NamedTuple):
    """What a block computed over a stretch of time.

    Attributes:
        features: (B, T, F): what it appends to the stream.
        final: (B, D): the states after the last symbol.
        gate: (B, T, D).
        increment: (B, T, D).
        states: (B, T, D): the states before each symbol, float32.
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
        channels: D.
        source: for each feature the channel that it reads.
        dtype: of the parameters (thresholds are float32, since what they are compared with is).
    """

    source: Tensor

    def __init__(self, units: int, width: int, channels: int, source: list[int], dtype: torch.dtype) -> None:
        super().__init__()
        self.channels = channels
        self.terms = Affine(units, width, dtype)
        self.gate = Affine(channels, units, dtype)
        self.increment = Affine(channels, units, dtype)
        self.threshold = nn.Parameter(torch.zeros(len(source)))
        self.register_buffer("source", torch.tensor(source, dtype=torch.int64), persistent=False)

    def gates(self, stream: Tensor) -> tuple[Tensor, Tensor]:
        """Gate and increment (..., D) from the stream (..., S)."""
        units = functional.relu(self.terms(stream))
        return self.gate(units), self.increment(units)

    def features(self, states: Tensor) -> Tensor:
        """What the block appends to the stream: (..., D) float32 -> (..., F); 0 or 1 for every integer state."""
        read = (states.index_select(-1, self.source) - self.threshold).clamp(0, 1)
        return read.to(self.terms.weight.dtype)

    def forward(self, stream: Tensor, initial: Tensor) -> Scanned:
        """The block over a stretch of time.

        Args:
            stream: (B, T, S).
            initial: (B, D) float32: the states before the first symbol.
        """
        gate, increment = self.gates(stream)
        states, final = scan(gate, increment, initial, exclusive=True)
        return Scanned(self.features(states), final, gate, increment, states)


class Head(nn.Module):
    """Units, then logits.

    Args:
        units: U.
        width: S, the size of the whole stream.
        outputs: O.
        dtype: of the parameters.
    """

    def __init__(self, units: int, width: int, outputs: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.terms = Affine(units, width, dtype)
        self.logits = Affine(outputs, units, dtype)

    def forward(self, stream: Tensor) -> Tensor:
        """(..., S) -> (..., O)."""
        logits: Tensor = self.logits(functional.relu(self.terms(stream)))
        return logits


class Model(nn.Module):
    """A compiled language: tokens in, for every prefix the logits of 'this is a word' and (predict mode) of each legal next symbol.

    Logits are +128 (true) and -128 (false), exactly, in each dtype. All parameters are trainable.

    Args:
        config: the configuration that the target emitted (JSON types).

    Raises:
        InvariantError: sizes in the configuration do not fit together.
    """

    delay: Tensor

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = dict(config)
        dtype = DTYPES[config["dtype"]]
        letters, delay, self.lags = config["letters"], list(config["delay"]), list(config["lags"])
        if len(delay) != len(self.lags) or any(s not in range(letters + i) for i, s in enumerate(delay)):
            raise InvariantError("delay line")
        rows = torch.zeros(config["symbols"], letters, dtype=dtype)
        self.embedding = nn.Embedding(config["symbols"], letters, _weight=rows)
        self.register_buffer("delay", torch.tensor(delay, dtype=torch.int64), persistent=False)
        self.blocks = nn.ModuleList()
        width = letters + len(delay)
        for block in config["blocks"]:
            if any(s not in range(block["channels"]) for s in block["source"]):
                raise InvariantError("a feature reads a channel that is not there")
            self.blocks.append(Block(block["units"], width, block["channels"], block["source"], dtype))
            width += len(block["source"])
        self.head = Head(config["head"]["units"], width, config["outputs"], dtype)
        self.initial_logits = nn.Parameter(torch.zeros(config["outputs"], dtype=dtype))
        self.channels = [block["channels"] for block in config["blocks"]]

    @staticmethod
    def of(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Model:
        """The model with the given weights, in evaluation mode.

        Raises:
            InvariantError: names, shapes or dtypes are not those that the configuration asks for.
        """
        shapes = parameter_shapes(config)
        if set(shapes) != set(tensors):
            raise InvariantError(f"tensors {sorted(set(shapes) ^ set(tensors))} missing or unknown")
        for name, tensor in tensors.items():
            if (tuple(tensor.shape), tensor.dtype) != shapes[name]:
                raise InvariantError(f"{name}: {tensor.dtype} {tuple(tensor.shape)} instead of {shapes[name]}")
        model = Model(config)
        model.load_state_dict(dict(tensors))
        return model.eval()

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the parameters."""
        return self.initial_logits.dtype

    @property
    def conv_width(self) -> int:
        """The width of the causal convolution over letter features: 1 + the largest delay."""
        return 1 + max(self.lags, default=0)

    def initial_state(self, batch: int) -> State:
        """The state before any symbol."""
        device = self.initial_logits.device
        return State(
            torch.zeros(batch, len(self.lags), dtype=self.dtype, device=device),
            torch.zeros(batch, sum(self.channels), device=device),
        )

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """All positions in parallel, a bounded number of tokens at a time.

        Args:
            tokens: (B, T) integers.
            state: the state before the first of them; the initial one when absent.

        Returns:
            Logits (B, T, O) in the model's dtype, and the state after the last token.

        Raises:
            SymbolError: a token is outside 0..V-1.
        """
        tokens = self._checked(tokens)
        batch, time = tokens.shape
        state = self.initial_state(batch) if state is None else state
        step = max(1, CHUNK["cuda" if tokens.is_cuda else "cpu"] // max(1, batch))
        parts = []
        for start in range(0, time, step):
            logits, state = self._stretch(tokens[:, start : start + step], state)
            parts.append(logits)
        if not parts:
            return torch.zeros(batch, 0, self.config["outputs"], dtype=self.dtype, device=tokens.device), state
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1), state

    def _stretch(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        stream, delay = self._letters(self.embedding(tokens), state.delay)
        finals = []
        for block, initial in zip(self.blocks, torch.split(state.scan, self.channels, -1), strict=True):
            scanned = block(stream, initial)
            stream = torch.cat([stream, scanned.features], -1)
            finals.append(scanned.final)
        return self.head(stream), State(delay, torch.cat(finals, -1) if finals else state.scan)

    def _letters(self, letters: Tensor, delay: Tensor) -> tuple[Tensor, Tensor]:
        """The letter part of the stream (B, T, E + delays) and the delay line after the stretch."""
        if not self.lags:
            return letters, delay
        time, count = letters.shape[1], letters.shape[2]
        columns = [letters]
        for place, source in enumerate(self.delay.tolist()):
            before = letters[..., source] if source < count else columns[1 + source - count][..., 0]
            columns.append(torch.cat([delay[:, place, None], before[:, : time - 1]], 1).unsqueeze(-1))
        stream = torch.cat(columns, -1)
        return stream, stream[:, -1].index_select(-1, self.delay)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """One symbol, by the recurrence as it is written.

        Args:
            tokens: (B,) integers.
            state: the state before them.

        Returns:
            Logits (B, O) and the state after them.

        Raises:
            SymbolError: a token is outside 0..V-1.
        """
        stream = torch.cat([self.embedding(self._checked(tokens)), state.delay], -1)
        delay = stream.index_select(-1, self.delay)
        after = []
        for block, states in zip(self.blocks, torch.split(state.scan, self.channels, -1), strict=True):
            gate, increment = block.gates(stream)  # type: ignore[operator]
            after.append(gate.float() * states + increment.float())
            stream = torch.cat([stream, block.features(states)], -1)  # type: ignore[operator]
        return self.head(stream), State(delay, torch.cat(after, -1) if after else state.scan)

    def _checked(self, tokens: Tensor) -> Tensor:
        if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
            raise SymbolError(f"tokens must be integers, not {tokens.dtype}")
        if tokens.numel():
            low, high = (int(x) for x in tokens.aminmax())
            if low < 0 or high >= self.config["symbols"]:
                wrong = low if low < 0 else high
                raise SymbolError(f"token {wrong} is outside 0..{self.config['symbols'] - 1}")
        return tokens.long()


def parameter_shapes(config: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shape and dtype of every parameter of `Model(config)`, computed without allocating them.

    Raises:
        InvariantError: a size is not a number of things.
        KeyError, TypeError, ValueError: the configuration is something else altogether.
    """
    dtype = DTYPES[config["dtype"]]
    symbols, outputs, width = config["symbols"], config["outputs"], config["letters"] + len(config["delay"])
    affine: dict[str, tuple[int, int]] = {}
    shapes: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
        "embedding.weight": ((symbols, config["letters"]), dtype),
        "initial_logits": ((outputs,), dtype),
    }
    for b, block in enumerate(config["blocks"]):
        units, channels, features = block["units"], block["channels"], len(block["source"])
        affine |= {
            f"blocks.{b}.terms": (units, width),
            f"blocks.{b}.gate": (channels, units),
            f"blocks.{b}.increment": (channels, units),
        }
        shapes[f"blocks.{b}.threshold"] = ((features,), torch.float32)
        width += features
    units = config["head"]["units"]
    affine |= {"head.terms": (units, width), "head.logits": (outputs, units)}
    for name, (rows, columns) in affine.items():
        shapes |= {f"{name}.weight": ((rows, columns), dtype), f"{name}.bias": ((rows,), dtype)}
    if any(type(size) is not int or size < 0 for shape, _ in shapes.values() for size in shape):
        raise InvariantError("a size in the configuration is not a number of things")
    return shapes
