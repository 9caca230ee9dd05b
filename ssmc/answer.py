"""What a model says about strings: the verdict of every prefix and, in predict mode, the legal next symbols.

The strings go through the parallel `forward` in batches, long ones in chunks of time with the state carried over; the numbers do not
depend on either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from ssmc.nn import Model

TOKENS_AT_ONCE = 1 << 16
"""The most tokens of one call of `forward`, padding included: the features of a token take some hundred bytes."""


@dataclass(frozen=True)
class Answer:
    """What the model says about one string.

    Attributes:
        prefix_accepted: for every prefix, the empty one first, whether it is a word; in predict mode up to the first illegal symbol.
        legal: (prefixes, symbols) bool, the legal next symbols after each of these prefixes; None in recognise mode.
        patterns: (prefixes, patterns) bool, the patterns of a pattern set that hold each of these prefixes.
        illegal_at: the number of the first illegal symbol, counted from 0; None if there is none.
    """

    prefix_accepted: NDArray[Any]
    legal: NDArray[Any] | None
    patterns: NDArray[Any]
    illegal_at: int | None

    @property
    def accepted(self) -> bool:
        """Whether the string is a word of the language."""
        return self.illegal_at is None and bool(self.prefix_accepted[-1])


def answers(model: Model, strings: Sequence[Sequence[int]], *, predict: bool) -> Iterator[Answer]:
    """The answer for each string, in order.

    Args:
        model: outputs logits, positive is yes: accept, each pattern, and in predict mode each symbol.
        strings: symbols.
        predict: whether the model is in predict mode.
    """
    for batch in _batches(strings):
        said = _outputs(model, batch)
        for row, string in zip(said, batch, strict=True):
            yield _answer(row[: len(string) + 1], string, model.config["symbols"], predict=predict)


def _batches(strings: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """Runs of strings that fit into one call together, padded to the longest; a longer one alone."""
    batch: list[Sequence[int]] = []
    longest = 0
    for string in strings:
        longest = max(longest, len(string))
        if batch and (len(batch) + 1) * longest > TOKENS_AT_ONCE:
            yield batch
            batch, longest = [], len(string)
        batch.append(string)
    if batch:
        yield batch


def _outputs(model: Model, batch: Sequence[Sequence[int]]) -> NDArray[Any]:
    """(B, 1 + T, outputs) bool: what the model says after each prefix; what follows a string's end means nothing."""
    import numpy as np
    import torch

    longest = max(len(string) for string in batch)
    padded = np.zeros((len(batch), longest), dtype=np.int64)
    for row, string in enumerate(batch):
        padded[row, : len(string)] = string
    initial = _yes(model.initial_logits)
    parts = [np.broadcast_to(initial, (len(batch), 1, len(initial)))]
    state = None
    chunk = max(1, TOKENS_AT_ONCE // len(batch))
    with torch.inference_mode():
        for start in range(0, longest, chunk):
            tokens = torch.from_numpy(padded[:, start : start + chunk])
            logits, state = model(tokens.to(model.initial_logits.device), state)
            parts.append(_yes(logits))
    return np.concatenate(parts, axis=1)


def _yes(logits: torch.Tensor) -> NDArray[Any]:
    return (logits.detach() > 0).cpu().numpy()


def _answer(said: NDArray[Any], string: Sequence[int], symbols: int, *, predict: bool) -> Answer:
    if not predict:
        return Answer(said[:, 0], None, said[:, 1:], None)
    import numpy as np

    first = said.shape[1] - symbols
    legal = said[:, first:]
    wrong = np.flatnonzero(~legal[np.arange(len(string)), np.asarray(string, dtype=np.int64)])
    stop = int(wrong[0]) if len(wrong) else None
    until = slice(len(said) if stop is None else stop + 1)
    return Answer(said[until, 0], legal[until], said[until, 1:first], stop)
