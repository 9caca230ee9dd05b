"""One string of any length through a model, piece by piece: the verdict, where words end, and where no word is possible any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ssmc.nn.running import NetworkEngine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.kernels.engine import Engine, Runner
    from ssmc.nn.running import Carried


class Stream:
    """What a model says about a string that is fed to it in pieces; the answers do not depend on how it is cut.

    Args:
        model: a network, with `run` or without.
        runner: the engines of its language.
        trusted: whether its automaton is proved to answer as it does, and so may say where the first error is.
        engine: which engine answers.

    Attributes:
        symbols: how many symbols were read.
        accepted: whether they are a word.
        matches: how many of the prefixes, the empty one not counted, are words.
        first_match: the length of the shortest of them.
        last_match: the length of the longest.
        error_at: the index of the first symbol after which no word is possible any more, where that is known.
        engine: which engine answered; None before the first symbol.
    """

    def __init__(self, model: Any, runner: Runner, *, trusted: bool, engine: Engine = "auto") -> None:
        self.model, self.runner, self.trusted, self.wanted = model, runner, trusted, engine
        self.device: torch.device = model.initial_logits.device
        described = runner.machines.description
        self.symbols = self.matches = 0
        self.accepted = bool(model.initial_logits[0] > 0)
        self.first_match: int | None = None
        self.last_match: int | None = None
        self.error_at: int | None = 0 if trusted and len(described.delta) == 1 else None
        self.engine: str | None = None
        self._patterns: NDArray[np.bool_] = (model.initial_logits[1 : 1 + self._count] > 0).cpu().numpy()
        self._state: Any = None
        self._side: Any = None
        self._network = None if hasattr(model, "run") else NetworkEngine(model, described)

    @property
    def _count(self) -> int:
        described = self.runner.machines.description
        return int(described.outcomes.shape[1]) - 1 - (len(described.classes) if described.predict else 0)

    @property
    def patterns(self) -> list[int]:
        """The indices of the patterns that hold what was read."""
        return [int(k) for k in np.flatnonzero(self._patterns)]

    @property
    def dead(self) -> bool:
        """Whether no word is possible any more; then nothing that follows changes the verdict."""
        return self.error_at is not None

    def feed(self, symbols: NDArray[Any]) -> NDArray[np.uint8]:
        """Reads the next symbols; whether each of the prefixes that they end is a word (0 or 1).

        Raises:
            UsageError: the engine does not run here.
            SymbolError: a symbol is outside of the alphabet.
        """
        if not len(symbols):
            return np.zeros(0, np.uint8)
        tokens = torch.from_numpy(np.require(symbols, requirements="W")).to(self.device)[None]
        accepts = self._answer(tokens)
        found = int(np.count_nonzero(accepts))
        if found:
            if self.first_match is None:
                self.first_match = self.symbols + int(accepts.argmax()) + 1
            self.last_match = self.symbols + accepts.tobytes().rfind(1) + 1
            self.matches += found
        self.accepted = bool(accepts[-1])
        if self.trusted and not self.dead:
            self._look_for_error(tokens)
        self.symbols += len(symbols)
        return accepts

    def _answer(self, tokens: torch.Tensor) -> NDArray[np.uint8]:
        if self._network is not None:
            said: Any = "outcomes" if self._count else "accept"
            numbers, self._state = self._network(tokens, self._state, said)
            self.engine = "network"
        else:
            result = self.model.run(
                tokens, self._state, engine=self.wanted if self._state is None else "auto", output=self._output
            )
            numbers, self._state, self.engine = result
        told: NDArray[Any] = numbers[0].cpu().numpy()
        if not self._count:
            return told.astype(np.uint8, copy=False)
        outcomes = self.runner.machines.description.outcomes
        self._patterns = outcomes[told[-1], 1 : 1 + self._count]
        accepting: NDArray[np.uint8] = outcomes[told, 0].astype(np.uint8)
        return accepting

    @property
    def _output(self) -> str:
        return "outcomes" if self._count else "bytes"

    def _look_for_error(self, tokens: torch.Tensor) -> None:
        """Follows the automaton from piece to piece, and symbol by symbol in the piece that ends in its sink."""
        engine: Engine = "maps" if tokens.is_cuda else "walk"
        carried: Carried | None = self._state if self._network is None else None
        if carried is not None and carried.engine == engine:
            after = carried.states
        else:
            after = self.runner.run(tokens, self._side, engine=engine, said="accept").states
        sink = self.runner.machines.description.sink
        if int(after[0]) == sink:
            states = self.runner.run(tokens, self._side, engine=engine, said="states").outputs[0]
            self.error_at = self.symbols + int((states == sink).int().argmax())
        self._side = after
