"""What is evaluated: anything that says after each symbol whether the string so far is a word and, perhaps, which symbols may follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ssmc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from ssmc.nn import Model

ENGINES = ("auto", "bits", "maps", "walk")
"""The engines of `Model.run` that stand for the network by its certificate."""
BACKENDS = ("forward", "step", *ENGINES)
"""How a compiled model is run: all positions in parallel, symbol by symbol, or by an engine of `Model.run`."""
TOKENS = 1 << 16
"""Tokens (strings times positions) whose answers are held at a time."""


class Subject(Protocol):
    """A model of a language."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    @property
    def predicts(self) -> bool:
        """Whether it also says which symbols may follow."""
        ...

    def replies(self, tokens: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
        """The answers to strings, stretch by stretch of time.

        Args:
            tokens: (B, T) symbols of the automaton's alphabet, T > 0.

        Returns:
            Stretches (B, t, 1 or 1 + symbols): after each symbol whether that is a word, then whether each symbol may follow.
        """
        ...


class ModelSubject:
    """A compiled (or any native) model.

    Args:
        model: the network.
        name: its name.
        patterns: the number of its pattern outputs, which are not evaluated.
        backend: one of `BACKENDS`.
        device: where it runs.

    Raises:
        UsageError: there is no such backend.
    """

    def __init__(
        self, model: Model, name: str, *, patterns: int = 0, backend: str = "forward", device: str = "cpu"
    ) -> None:
        if backend not in BACKENDS:
            raise UsageError(f"unknown backend {backend!r}; the backends are {', '.join(BACKENDS)}")
        self.model, self.name, self.backend = model.to(device), name, backend
        self.predicts = bool(model.config["mode"] == "predict")
        self._columns = [0, *range(1 + patterns, model.config["outputs"])]

    def replies(self, tokens: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
        """See `Subject`; a positive logit is yes."""
        import torch

        batch, time = tokens.shape
        stride = max(1, TOKENS // batch)
        state, carried = self.model.initial_state(batch), None
        with torch.inference_mode():
            for start in range(0, time, stride):
                part = torch.from_numpy(tokens[:, start : start + stride]).to(self.model.initial_logits.device)
                if self.backend in ENGINES:
                    result = self.model.run(part, carried, engine=self.backend, output="outcomes")  # type: ignore[arg-type]
                    carried = result.state
                    yield self.model.compiled.outcomes.numpy()[result.outputs.cpu().numpy()][..., self._columns]  # type: ignore[union-attr]
                    continue
                if self.backend == "forward":
                    logits, state = self.model(part, state)
                else:
                    rows = []
                    for column in part.unbind(1):
                        row, state = self.model.step(column, state)
                        rows.append(row)
                    logits = torch.stack(rows, 1)
                yield self._yes(logits)

    def _yes(self, logits: torch.Tensor) -> NDArray[Any]:
        return (logits > 0).cpu().numpy()[..., self._columns]
