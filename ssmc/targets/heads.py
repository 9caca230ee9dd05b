"""What the language models of flash-linear-attention share: embedding, head, the SwiGLU MLP, and one register a head of the recurrence.

A register's value is one-hot or zero, so the norm that follows each head of most of these layers divides by one and the same number whenever
there is something to divide: a power of two, since a head has 16 = 4^2 value channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.targets.residual import MAGNITUDE, SATURATED, Residual

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from ssmc.targets.circuit import Block, Circuit, Register

    Array = NDArray[np.float64]

KEYS = 16
"""Key channels of a head; 1/sqrt(16) is the scale of its queries."""
VALUES = 16
"""Value channels of a head."""
TAPS = 4
"""Width of the short convolution."""
OPEN = 32.0
"""What output gates and queries hold: the least power of two that SiLU leaves as it is in every dtype."""


@dataclass(frozen=True)
class Emission:
    """A model as numbers.

    Attributes:
        config: what the class of the library is built from.
        tensors: its state dict, in float64.
        stream: the residual stream.
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, Array]
    stream: Residual


def heads_of(block: Block) -> list[Register]:
    """The registers of a block, one a head; large ones take several."""
    return [part for register in block.registers for part in register.split(VALUES)]


def most_heads(circuit: Circuit) -> int:
    """The number of heads that every block has room for."""
    return max(1, *(len(heads_of(block)) for block in circuit.blocks))


def most_units(circuit: Circuit) -> int:
    """The number of gates that every block has room for, a multiple of 16."""
    return max(16, *(-(-len(block.gates) // 16) * 16 for block in circuit.blocks))


def emission(
    stream: Residual,
    classes: Sequence[int | None],
    bits: Sequence[int | None],
    logit: float,
    config: Mapping[str, Any],
    layer: Callable[[Block], Mapping[str, Array]],
) -> Emission:
    """The model around its layers.

    Args:
        stream: the residual stream.
        classes: for each token its class.
        bits: for each token the output bit that is its logit.
        logit: every logit is +-logit.
        config: the configuration of the architecture.
        layer: the state dict of a block.
    """
    circuit = stream.circuit
    tensors: dict[str, Array] = {
        "model.embeddings.weight": stream.embedding(classes) * MAGNITUDE,
        "model.norm.weight": np.ones(stream.width),
        "lm_head.weight": stream.logits(bits, logit),
    }
    for number, block in enumerate(circuit.blocks):
        tensors |= {f"model.layers.{number}.{name}": array for name, array in layer(block).items()}
    shared = {
        "vocab_size": len(classes),
        "hidden_size": stream.width,
        "num_hidden_layers": len(circuit.blocks),
        "intermediate_size": most_units(circuit),
        "tie_word_embeddings": False,
    }
    return Emission({**shared, **config}, tensors, stream)


def mlp(stream: Residual, block: Block, units: int) -> dict[str, Array]:
    """The norms and the SwiGLU MLP of a layer: SiLU(+-nK) is exactly K or 0, the other factor is 1."""
    always = np.zeros((units, stream.width))
    always[:, 0] = 1
    return {
        "attn_norm.weight": np.ones(stream.width),
        "mlp_norm.weight": np.ones(stream.width),
        "mlp.gate_proj.weight": stream.gate_rows(block.gates, units) * SATURATED,
        "mlp.up_proj.weight": always,
        "mlp.down_proj.weight": stream.gate_columns(block.gates, units) / SATURATED,
    }


def tap(lag: int) -> Array:
    """The taps of a convolution channel that looks `lag` symbols back."""
    out = np.zeros(TAPS)
    out[TAPS - 1 - lag] = 1
    return out


def conv(channels: int) -> Array:
    """The weights of a short convolution that looks at the present symbol."""
    return np.tile(tap(0), (channels, 1))[:, None, :]
