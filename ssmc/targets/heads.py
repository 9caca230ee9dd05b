"""What the language models of flash-linear-attention share: embedding, head, the SwiGLU MLP, and one register a head of the recurrence.

A register's value is one-hot or zero, so the norm that follows each head of most of these layers divides by one and the same number whenever
there is something to divide: a power of two, since a head has 16 = 4^2 value channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.targets.emission import Emission
from ssmc.targets.residual import MAGNITUDE, SATURATED, Residual
from ssmc.targets.weights import LOGIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ssmc.targets.circuit import Block, Circuit, Register
    from ssmc.targets.residual import Tokens

    Array = NDArray[np.float64]

KEYS = 16
"""Key channels of a head; 1/sqrt(16) is the scale of its queries."""
VALUES = 16
"""Value channels of a head."""
TAPS = 4
"""Width of the short convolution."""
OPEN = 32.0
"""What output gates and queries hold: the least power of two that SiLU leaves as it is in every dtype."""
AXES = {
    "model.embeddings.weight": ("tokens", "stream"),
    "model.norm.weight": ("stream",),
    "lm_head.weight": ("tokens", "stream"),
    "attn_norm.weight": ("stream",),
    "mlp_norm.weight": ("stream",),
    "mlp.gate_proj.weight": ("units", "stream"),
    "mlp.up_proj.weight": ("units", "stream"),
    "mlp.down_proj.weight": ("stream", "units"),
    "attn.q_proj.weight": ("keys", "stream"),
    "attn.k_proj.weight": ("keys", "stream"),
    "attn.v_proj.weight": ("values", "stream"),
    "attn.g_proj.weight": ("values", "stream"),
    "attn.q_conv1d.weight": ("keys", "one", "taps"),
    "attn.k_conv1d.weight": ("keys", "one", "taps"),
    "attn.v_conv1d.weight": ("values", "one", "taps"),
    "attn.o_proj.weight": ("stream", "values"),
}
"""The axes of the tensors that most of the models have."""


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
    tokens: Tokens,
    config: Mapping[str, Any],
    axes: Mapping[str, tuple[str, ...]],
    layer: Callable[[Block], Mapping[str, Array]],
    places: Callable[[Block], Mapping[str, list[str]]],
) -> Emission:
    """The model around its layers.

    Args:
        stream: the residual stream.
        tokens: what the tokens stand for.
        config: the configuration of the architecture.
        axes: the axes of its tensors, beyond `AXES`.
        layer: the state dict of a block.
        places: the names of the coordinates of a block's axes.
    """
    circuit = stream.circuit
    tensors: dict[str, Array] = {
        "model.embeddings.weight": stream.embedding(tokens) * MAGNITUDE,
        "model.norm.weight": np.ones(stream.width),
        "lm_head.weight": stream.logits(tokens, LOGIT),
    }
    for number, block in enumerate(circuit.blocks):
        tensors |= {f"model.layers.{number}.{name}": array for name, array in layer(block).items()}
    shared = {
        "vocab_size": len(tokens.classes),
        "hidden_size": stream.width,
        "num_hidden_layers": len(circuit.blocks),
        "intermediate_size": most_units(circuit),
        "tie_word_embeddings": False,
    }
    local = tuple({**places(block), "units": unit_names(block, most_units(circuit))} for block in circuit.blocks)
    return Emission({**shared, **config}, tensors, stream, {**AXES, **axes}, local)


def unit_names(block: Block, units: int) -> list[str]:
    """The name of each hidden unit of an MLP."""
    return [gate.name for gate in block.gates] + ["unused"] * (units - len(block.gates))


def head_names(stream: Residual, block: Block, heads: int, *, mirrored: bool = False) -> dict[str, list[str]]:
    """The names of the heads, keys and values of a block with a register in each head."""
    registers = heads_of(block)
    keys, values = [], []
    for register in registers:
        keys += [f"{register.name}: key {i}" for i in range(KEYS)]
        own = [stream.circuit.features[feature] for feature in register.outputs]
        own += ["unused"] * (VALUES - len(own))
        values += own + [f"minus {name}" for name in own] * mirrored
    spare = heads - len(registers)
    return {
        "heads": [register.name for register in registers] + ["unused"] * spare,
        "keys": keys + ["unused"] * (spare * KEYS),
        "values": values + ["unused"] * (spare * VALUES << mirrored),
        "own": [f"value {i}" for i in range(VALUES)],
        "one": ["its own input"],
        "taps": [f"t-{lag}" for lag in range(TAPS - 1, 0, -1)] + ["t"],
    }


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
