"""Weights for a class of another library: its configuration, its state dict, and a name for every coordinate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import InvariantError
from ssmc.targets.plan import Feature
from ssmc.targets.weights import LOGIT, PrecisionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from ssmc.targets.interface import Lowered, Shape
    from ssmc.targets.plan import Plan, Row
    from ssmc.targets.vocabulary import Vocabulary

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class StockWeights:
    """The weights of one stock model.

    Attributes:
        config: the content of its `config.json`.
        tensors: its state dict, in `config["dtype"]`.
        names: for each axis name the names of its coordinates.
        axes: for each tensor its axis names.
        shape: the size of the model.
        vocabulary: its tokens.
        note: how the cascade was lowered, in a sentence.
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    names: Mapping[str, list[str]]
    axes: Mapping[str, list[str]]
    shape: Shape
    vocabulary: Vocabulary
    note: str = ""

    @staticmethod
    def of(
        config: Mapping[str, Any],
        arrays: Mapping[str, Array],
        names: Mapping[str, list[str]],
        axes: Mapping[str, list[str]],
        shape: Shape,
        vocabulary: Vocabulary,
        note: str = "",
    ) -> StockWeights:
        """Weights from numbers in float64.

        Raises:
            PrecisionError: a number is not exact in the dtype.
        """
        import torch

        dtype = config["dtype"]
        tensors = {}
        for name, array in sorted(arrays.items()):
            exact = torch.from_numpy(array)
            tensor = exact.to(getattr(torch, dtype))
            wrong = (tensor.double() != exact).nonzero()
            if len(wrong):
                raise PrecisionError(name, float(exact[tuple(wrong[0])]), dtype, None)
            tensors[name] = tensor.contiguous()
        config, kept, names, axes = (MappingProxyType(dict(part)) for part in (config, tensors, names, axes))
        return StockWeights(config, kept, names, axes, shape, vocabulary, note)

    def check(self) -> int:
        """Checks that every coordinate has a name and that every weight is finite.

        Returns:
            The largest weight, rounded up.

        Raises:
            InvariantError: shapes and names do not fit.
        """
        largest = 0.0
        for name, tensor in self.tensors.items():
            sizes = [len(self.names[axis]) for axis in self.axes[name]]
            if list(tensor.shape) != sizes:
                raise InvariantError(f"{name}: shape {list(tensor.shape)}, names for {sizes}")
            values = tensor.double()
            if not bool(values.isfinite().all()):
                raise InvariantError(f"{name}: not finite")
            largest = max(largest, float(values.abs().max()) if values.numel() else 0.0)
        return int(np.ceil(largest))


def with_note(weights: Lowered, text: str) -> Lowered:
    """The weights with one more sentence in their note."""
    return replace(weights, note=f"{weights.note}; {text}") if isinstance(weights, StockWeights) else weights


@dataclass(frozen=True)
class Coordinates:
    """The coordinates of a residual stream: every one is +-`size` at every position.

    Attributes:
        plan: what is lowered.
        place: the coordinate of each feature; 0 is the constant.
        width: the number of coordinates; those beyond the features are constants too.
        size: the magnitude.
    """

    plan: Plan
    place: Mapping[Feature, int]
    width: int
    size: float

    @staticmethod
    def of(plan: Plan, features: Sequence[Feature], width: int, size: float) -> Coordinates:
        """The stream with the features in this order; the first is the constant."""
        return Coordinates(plan, {feature: i for i, feature in enumerate(features)}, width, size)

    def fill(self, target: Array, row: Row, scale: float) -> None:
        """Adds a row of integers over features to a row of a weight matrix."""
        for feature, weight in row.items():
            target[self.place[feature]] += scale * weight

    def embedding(self, vocabulary: Vocabulary) -> Array:
        """(tokens, width): the stream before the first block: letters of the symbol, initial states, outputs as far as the symbol tells."""
        alphabet = self.plan.cascade.automaton.alphabet
        rows = np.full((vocabulary.size, self.width), -self.size)
        rows[:, len(self.place) :] = self.size
        rows[:, 0] = self.size
        for feature, i in self.place.items():
            if feature.kind == "letters" and not feature.b:
                inside = [feature.a >> c & 1 for c in alphabet.classes]
            elif feature.kind == "output":
                inside = [self.plan.wires[feature.a].base[c] for c in alphabet.classes]
                rows[vocabulary.id("bos"), i] *= -1 if self.plan.wires[feature.a].first else 1
            elif feature.kind in ("raw", "swamp"):
                rows[:, i] = self.size
                continue
            else:
                continue
            rows[np.flatnonzero(inside), i] = self.size
        return rows

    def head(self, vocabulary: Vocabulary) -> Array:
        """(tokens, width): logits +-LOGIT from the outputs of the plan; -LOGIT for tokens that are no output."""
        rows = np.zeros((vocabulary.size, self.width))
        rows[:, 0] = -LOGIT
        classes = self.plan.cascade.automaton.alphabet.classes
        first = 1 + self.plan.cascade.automaton.pattern_count
        for number, token in enumerate(vocabulary.outputs):
            output = number if number < first else first + classes[number - first]
            rows[token, 0] = 0
            rows[token, self.place[self._output(output)]] = LOGIT
        if vocabulary.mode == "recognise":
            reject = vocabulary.id("reject")
            rows[reject, 0] = 0
            rows[reject, self.place[self._output(0)]] = -LOGIT
        return rows

    def _output(self, number: int) -> Feature:
        return Feature("output", self.plan.wire_of[number])

    def names(self) -> list[str]:
        """The name of every coordinate."""
        used = [self.plan.name(feature) for feature in self.place]
        return used + [f"constant {i}" for i in range(len(used), self.width)]
