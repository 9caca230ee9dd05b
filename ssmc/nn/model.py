"""The native model: an ordinary torch module with a parallel, a chunked and a streaming form of the same numbers.

| letter | meaning |
| --- | --- |
| B, T | batch, time |
| V | symbols |
| E | letter features of the present symbol |
| S | coordinates of the residual stream where a block reads it: letters, delayed letters, features of the blocks below |
| U | units (product terms) of a block or of the head |
| D | diagonal scan channels of a block |
| H | columns of state of a block: D, and those of one-hot vectors and points of the circle where gates are of those classes |
| O | outputs: accept, and in predict mode one for each symbol |

At position t a block reads x_t and the states of the blocks below *before* x_t (their scans are exclusive), so that all components of the
cascade advance together: u = relu(W s + c), a = G u + g, b = K u + k, h_t = a_t h_{t-1} + b_t (the recurrence of arXiv 2405.17394, eq. 2;
`ssmc.nn.block` has the gates of other classes).
What it appends to the stream is clamp(h_{t-1} - threshold, 0, 1). The head reads the same stream and answers for the prefix that ends in x_t.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from ssmc.errors import InvariantError, SymbolError
from ssmc.nn.block import Block, Head, Widths, feature_count
from ssmc.nn.shapes import DTYPES, parameter_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssmc.kernels.engine import Engine
    from ssmc.nn.running import Carried, Compiled, Output, Result

CHUNK = {"cpu": 1 << 15, "cuda": 1 << 20}
"""Tokens (B * T) that `forward` works on at a time: bounds the memory of a long input."""
WIDE = 1 << 12
"""Units of a layer that take as much memory a token as all that `CHUNK` allows for."""


class State(NamedTuple):
    """What a model remembers between symbols.

    Attributes:
        delay: (B, number of delayed letter features) in the model's dtype.
        scan: (B, H of all blocks) float32.
    """

    delay: Tensor
    scan: Tensor


class Model(nn.Module):
    """A compiled language: tokens in, for every prefix the logits of 'this is a word' and (predict mode) of each legal next symbol.

    Logits are +128 (true) and -128 (false), exactly, in each dtype. All parameters are trainable.

    Args:
        config: the configuration that the target emitted (JSON types).

    Raises:
        InvariantError: sizes in the configuration do not fit together.
    """

    delay: Tensor
    start: Tensor
    compiled: Compiled | None = None
    """What the network was compiled from, by which `run` may answer."""

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
            sizes = Widths.of(block)
            if any(s not in range(sizes.read) for s in block["source"]):
                raise InvariantError("a feature reads a channel that is not there")
            self.blocks.append(Block(block["units"], width, sizes, block["source"], dtype))
            width += feature_count(block)
        self.head = Head(config["head"]["units"], config["head"].get("any", 0), width, config["outputs"], dtype)
        self.initial_logits = nn.Parameter(torch.zeros(config["outputs"], dtype=dtype))
        every = [Widths.of(block) for block in config["blocks"]]
        self.channels = [sizes.state for sizes in every]
        start = torch.tensor([value for sizes in every for value in sizes.initial()])
        self.register_buffer("start", start, persistent=False)
        # a map of n values takes n numbers a token, as a matrix n^2
        self.weights = [max((1 + sum(n**k for n in sizes.columns) // 64 for sizes in every), default=1) for k in (1, 2)]
        widest = max([config["head"]["units"], *(block["units"] for block in config["blocks"])])
        self.weights = [max(count, widest // WIDE) for count in self.weights]

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
            self.start.float().expand(batch, -1).clone(),
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
        step = max(
            1, CHUNK["cuda" if tokens.is_cuda else "cpu"] // max(1, batch * self.weights[torch.is_grad_enabled()])
        )
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
            after.append(block.step(stream, states))  # type: ignore[operator]
            stream = torch.cat([stream, block.features(states)], -1)  # type: ignore[operator]
        return self.head(stream), State(delay, torch.cat(after, -1) if after else state.scan)

    def run(
        self, tokens: Tensor, state: Carried | None = None, *, engine: Engine = "auto", output: Output = "bytes"
    ) -> Result:
        """The answers without the logits, by the network or by whatever its certificate proves equal to it.

        Args:
            tokens: (B, T) integers of any type, on a CPU or a GPU; bytes (uint8) are the fastest.
            state: what the call for the symbols before returned; its engine goes on. Any cutting gives the same answers.
            engine: `bits` (the cascade's own gates), `maps` (the automaton's maps composed), `walk` (its table, on a CPU), `network`, or
                `auto`: the fastest here, measured on the first input of its kind. Only the network answers for weights without proof.
            output: `bytes` (B, T): 1 after a word; `bits`: the same, eight a byte; `outcomes`: numbers of distinct outputs, the rows of
                `compiled.outcomes`; `states`: states of the automaton, the last of which is the sink; `final` (B,): whether the whole
                strings are words. uint8, int32 where there are more than 256 numbers.

        Raises:
            UsageError: the engine does not run there, cannot say that, or does not speak for these weights.
            SymbolError: a token is outside 0..V-1.
            VerificationError: two engines disagree.
        """
        from ssmc.nn.running import run_model

        return run_model(self, tokens, state, engine=engine, output=output)

    def _checked(self, tokens: Tensor) -> Tensor:
        if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
            raise SymbolError(f"tokens must be integers, not {tokens.dtype}")
        if tokens.numel():
            low, high = (int(x) for x in tokens.aminmax())
            if low < 0 or high >= self.config["symbols"]:
                wrong = low if low < 0 else high
                raise SymbolError(f"token {wrong} is outside 0..{self.config['symbols'] - 1}")
        return tokens.long()
