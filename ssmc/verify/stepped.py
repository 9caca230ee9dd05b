"""What an exploration steps: a model of the library by what its steps can tell apart, or by every bit of its cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ssmc.verify.blocks import Blockwise
from ssmc.verify.mamba import CachedModel

if TYPE_CHECKING:
    import torch

    from ssmc.verify.recurrent import Recurrent, State


class Stepped(Protocol):
    """A model with a recurrent state."""

    @property
    def numbers(self) -> int:
        """How many numbers a step handles for one state."""
        ...

    def start(self, tokens: torch.Tensor) -> tuple[torch.Tensor, State]:
        """(N,) first tokens -> (N, vocabulary) logits, and the state after them."""
        ...

    def step(self, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """(N,) tokens and the state before them -> (N, vocabulary) logits, and the state after them."""
        ...

    def visible(self, state: State) -> State:
        """What tells states apart, as (N, k) tensors."""
        ...

    def see(self, state: State) -> None:
        """Takes reached states into account for `extremes`."""
        ...

    def extremes(self) -> tuple[State, State]:
        """The least and the largest value of each entry of the class's own cache."""
        ...


def quotient(recurrent: Recurrent) -> Stepped:
    """The model by what its steps can tell apart; block by block where its class allows."""
    return Blockwise(recurrent) if isinstance(recurrent, CachedModel) else Whole(recurrent)


class Whole:
    """A model stepped as a whole."""

    def __init__(self, recurrent: Recurrent) -> None:
        self.recurrent = recurrent
        self.numbers = 1
        self.low: State | None = None
        self.high: State = ()

    def start(self, tokens: torch.Tensor) -> tuple[torch.Tensor, State]:
        """(N,) first tokens -> (N, vocabulary) logits, and the state after them."""
        logits, state = self.recurrent.start(tokens)
        self.numbers = max(1, sum(part[0].numel() for part in state))
        return logits, state

    def step(self, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """(N,) tokens and the state before them -> (N, vocabulary) logits, and the state after them."""
        return self.recurrent.step(tokens, state)

    def visible(self, state: State) -> State:
        """What later steps can tell apart."""
        return self.recurrent.visible(state)

    def see(self, state: State) -> None:
        """Takes reached states into account for `extremes`; none was reached at first, so there everything is 0."""
        import torch

        if self.low is None:
            self.low = self.high = tuple(torch.zeros_like(part[0]) for part in state)
        self.low = tuple(low.minimum(part.amin(0)) for low, part in zip(self.low, state, strict=True))
        self.high = tuple(high.maximum(part.amax(0)) for high, part in zip(self.high, state, strict=True))

    def extremes(self) -> tuple[State, State]:
        """The least and the largest value of each entry of the cache."""
        return self.low or (), self.high


class Bitwise(Whole):
    """A model stepped as a whole, every bit of whose cache counts."""

    def visible(self, state: State) -> State:
        """Everything."""
        return state
