"""From a cascade over a circuit to the weights of a stock class, with a name for every coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssmc.targets.circuits import plan_circuit
from ssmc.targets.interface import Shape
from ssmc.targets.residual import Tokens
from ssmc.targets.stock import StockWeights
from ssmc.targets.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.circuit import Circuit
    from ssmc.targets.circuits import Traits
    from ssmc.targets.residual import Residual

    Array = NDArray[np.float64]

LAYER = "model.layers."


def local(number: int | str, axis: str) -> str:
    """The name of an axis of a layer; the value channels of a recurrence are its channels."""
    return f"layers.{number}.{'channels' if axis == 'values' else axis}"


@dataclass(frozen=True)
class Emission:
    """A model as numbers.

    Attributes:
        config: what the class of the library is built from.
        tensors: its state dict, in float64.
        stream: the residual stream.
        axes: for each tensor, or its name within a layer, the names of its axes; `tokens` and `stream` are those of the model, the others
            those of the layer.
        places: for each layer the names of the coordinates of its axes.
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, Array]
    stream: Residual
    axes: Mapping[str, tuple[str, ...]]
    places: tuple[Mapping[str, list[str]], ...]

    def axes_of(self, tensor: str) -> list[str]:
        """The axes of a tensor of the state dict."""
        number, _, name = tensor.removeprefix(LAYER).partition(".") if tensor.startswith(LAYER) else ("", "", tensor)
        model = {"tokens": "tokens", "stream": "residual"}
        return [model.get(axis) or local(number, axis) for axis in self.axes[name]]


def lower_circuit(
    cascade: Cascade,
    dtype: str,
    patterns: Sequence[str],
    traits: Traits,
    emit: Callable[[Circuit, Tokens, str], Emission],
) -> StockWeights:
    """The weights of a cascade in an architecture of blocks with a recurrence and a layer of gates.

    Args:
        cascade: what is lowered.
        dtype: of the weights.
        patterns: the name of each pattern of a pattern set.
        traits: what the recurrence of the architecture can do.
        emit: makes the numbers.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
        TargetError: the architecture lacks the room.
    """
    alphabet = cascade.automaton.alphabet
    vocabulary = Vocabulary.of(alphabet, cascade.mode, patterns)
    circuit = plan_circuit(cascade, traits)
    made = emit(circuit, Tokens.of(alphabet, vocabulary), dtype)
    names = {"tokens": vocabulary.names, "residual": made.stream.names}
    for number, places in enumerate(made.places):
        names |= {local(number, axis): list(coordinates) for axis, coordinates in places.items()}
    axes = {tensor: made.axes_of(tensor) for tensor in made.tensors}
    used = {axis for row in axes.values() for axis in row}
    shape = Shape(
        layers=max(circuit.layer_of, default=0),
        blocks=len(circuit.blocks),
        channels=circuit.channels,
        hidden_units=circuit.gates,
        conv_width=1 + max((r.lag for block in circuit.blocks for r in block.registers), default=0),
        layer_of=circuit.layer_of,
    )
    config = {**made.config, **vocabulary.config(), "dtype": dtype}
    named = {axis: coordinates for axis, coordinates in names.items() if axis in used}
    delays = sum(register.always for block in circuit.blocks for register in block.registers)
    note = f"registers in the recurrences, {delays} of them delays; gates in the MLPs"
    return StockWeights.of(config, made.tensors, named, axes, shape, vocabulary, note)
