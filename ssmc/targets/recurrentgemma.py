"""Weights for `RecurrentGemmaForCausalLM` of transformers (Griffin's RG-LRU).

A register takes a carrier channel and one channel for each of its features. The convolution's tap makes every channel late by the register's lag.
The carrier holds +-K, so every recurrence gate sigmoid(+-K) of its register is exactly 1 or 0, a = exp(-8 softplus(16) gate) is exactly 0 or 1, and
the factor sqrt(1 - a^2) of the input exactly 1 or 0: overwrite or hold. GELU gates of the MLP are exactly K or 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssmc.targets.circuit import Block
from ssmc.targets.circuits import Traits
from ssmc.targets.emission import Emission, lower_circuit
from ssmc.targets.heads import TAPS, unit_names
from ssmc.targets.residual import MAGNITUDE, SATURATED, Residual, channel, indicator, written
from ssmc.targets.weights import LOGIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.circuit import Circuit
    from ssmc.targets.residual import Tokens
    from ssmc.targets.stock import StockWeights

    Array = NDArray[np.float64]

TRAITS = Traits(taps=TAPS - 1, lagged=frozenset({"write"}))
OPEN = 16.0
"""What the multiplicative branch holds: GELU(16) is exactly 16."""
DECAY = 32.0
"""recurrent_param: a = exp(-8 softplus(32)) = exp(-256) is exactly 0."""


AXES = {
    "model.embed_tokens.weight": ("tokens", "stream"),
    "model.final_norm.weight": ("stream",),
    "lm_head.weight": ("tokens", "stream"),
    "temporal_pre_norm.weight": ("stream",),
    "channel_pre_norm.weight": ("stream",),
    "temporal_block.linear_x.weight": ("channels", "stream"),
    "temporal_block.linear_x.bias": ("channels",),
    "temporal_block.linear_y.weight": ("channels", "stream"),
    "temporal_block.linear_y.bias": ("channels",),
    "temporal_block.linear_out.weight": ("stream", "channels"),
    "temporal_block.linear_out.bias": ("stream",),
    "temporal_block.conv_1d.weight": ("channels", "one", "taps"),
    "temporal_block.conv_1d.bias": ("channels",),
    "temporal_block.rg_lru.recurrent_param": ("channels",),
    "temporal_block.rg_lru.input_gate_weight": ("one", "channels", "channels"),
    "temporal_block.rg_lru.input_gate_bias": ("one", "channels"),
    "temporal_block.rg_lru.recurrent_gate_weight": ("one", "channels", "channels"),
    "temporal_block.rg_lru.recurrent_gate_bias": ("one", "channels"),
    **{f"temporal_block.{name}_proj.weight": ("stream", "stream") for name in ("q", "k", "v", "o")},
    "temporal_block.o_proj.bias": ("stream",),
    "mlp_block.gate_proj.weight": ("units", "stream"),
    "mlp_block.gate_proj.bias": ("units",),
    "mlp_block.up_proj.weight": ("units", "stream"),
    "mlp_block.up_proj.bias": ("units",),
    "mlp_block.down_proj.weight": ("stream", "units"),
    "mlp_block.down_proj.bias": ("stream",),
}


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> StockWeights:
    """The weights of a cascade.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
    """
    return lower_circuit(cascade, dtype, patterns, TRAITS, emit)


def emit(circuit: Circuit, tokens: Tokens, dtype: str) -> Emission:  # noqa: ARG001
    """The numbers; they are the same in every dtype."""
    widest = max((sum(1 + len(r.outputs) for r in block.registers) for block in circuit.blocks), default=1)
    # a power of 4: the embedding is multiplied by the square root of the width
    stream = Residual.of(circuit, least=max(16, widest), step=2)
    width = stream.width
    units = max(8, *(len(block.gates) for block in circuit.blocks))
    tensors: dict[str, Array] = {
        "model.embed_tokens.weight": stream.embedding(tokens) * MAGNITUDE / np.sqrt(width),
        "model.final_norm.weight": np.zeros(width),
        "lm_head.weight": stream.logits(tokens, 16 * LOGIT),
    }
    for number, block in enumerate(circuit.blocks):
        tensors |= {f"model.layers.{number}.{name}": array for name, array in _block(stream, block, units).items()}
    tensors |= {f"model.layers.{len(circuit.blocks)}.{name}": array for name, array in _silent(width, units).items()}
    config = {
        "model_type": "recurrent_gemma",
        "architectures": ["RecurrentGemmaForCausalLM"],
        "vocab_size": len(tokens.classes),
        "hidden_size": width,
        "lru_width": width,
        "intermediate_size": 2 * units,
        "num_hidden_layers": len(circuit.blocks) + 1,
        "num_attention_heads": 1,
        "block_types": [*["recurrent"] * len(circuit.blocks), "attention"],
        "conv1d_width": TAPS,
        "logits_soft_cap": float(LOGIT),
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False,
    }
    places = [_places(stream, block, units) for block in [*circuit.blocks, Block((), ())]]
    return Emission(config, tensors, stream, AXES, tuple(places))


def _places(stream: Residual, block: Block, units: int) -> dict[str, list[str]]:
    """The names of the coordinates of a layer."""
    channels = []
    for register in block.registers:
        channels += [f"{register.name}: written", *(stream.circuit.features[feature] for feature in register.outputs)]
    return {
        "channels": channels + ["unused"] * (stream.width - len(channels)),
        "one": ["all"],
        "taps": [f"t-{lag}" for lag in range(TAPS - 1, 0, -1)] + ["t"],
        "units": unit_names(block, units),
    }


def _block(stream: Residual, block: Block, units: int) -> dict[str, Array]:
    """The state dict of a recurrent layer."""
    width = stream.width
    inputs, taps = np.zeros((width, width)), np.zeros((width, 1, TAPS))
    gate, gate_bias = np.zeros((1, width, width)), np.zeros((1, width))
    outputs = np.zeros((width, width))
    place = 0
    for register in block.registers:
        carrier, place = place, place + 1
        taps[carrier, 0, TAPS - 1 - register.lag] = 1
        inputs[carrier] = stream.row(written(register)) * SATURATED
        for number, feature in enumerate(register.outputs):
            taps[place, 0, TAPS - 1 - register.lag] = 1
            inputs[place] = stream.row(indicator(channel(register, number), SATURATED))
            if register.always:
                gate_bias[0, place] = SATURATED
            else:
                gate[0, carrier, place] = 1
            outputs[:, place] = stream.column([(feature, 1)]) / (SATURATED * OPEN)
            place += 1
    return {
        "temporal_block.linear_x.weight": inputs,
        "temporal_block.linear_x.bias": np.zeros(width),
        "temporal_block.linear_y.weight": np.zeros((width, width)),
        "temporal_block.linear_y.bias": np.full(width, OPEN),
        "temporal_block.linear_out.weight": outputs,
        "temporal_block.linear_out.bias": np.zeros(width),
        "temporal_block.conv_1d.weight": taps,
        "temporal_block.conv_1d.bias": np.zeros(width),
        "temporal_block.rg_lru.recurrent_param": np.full(width, DECAY),
        "temporal_block.rg_lru.input_gate_weight": np.zeros((1, width, width)),
        "temporal_block.rg_lru.input_gate_bias": np.full((1, width), SATURATED),
        "temporal_block.rg_lru.recurrent_gate_weight": gate,
        "temporal_block.rg_lru.recurrent_gate_bias": gate_bias,
        **_rest(stream, block, units),
    }


def _rest(stream: Residual, block: Block, units: int) -> dict[str, Array]:
    """The norms and the MLP of a layer."""
    return {
        "temporal_pre_norm.weight": np.zeros(stream.width),
        "channel_pre_norm.weight": np.zeros(stream.width),
        "mlp_block.gate_proj.weight": stream.gate_rows(block.gates, units) * OPEN,
        "mlp_block.gate_proj.bias": np.zeros(units),
        "mlp_block.up_proj.weight": np.zeros((units, stream.width)),
        "mlp_block.up_proj.bias": np.ones(units),
        "mlp_block.down_proj.weight": stream.gate_columns(block.gates, units) / OPEN,
        "mlp_block.down_proj.bias": np.zeros(stream.width),
    }


def _silent(width: int, units: int) -> dict[str, Array]:
    """The state dict of the attention layer, which adds nothing: the class with its cache needs one, and here everything of it is 0."""
    square, column = np.zeros((width, width)), np.zeros(width)
    shapes = {"gate_proj": (units, width), "up_proj": (units, width), "down_proj": (width, units)}
    return {
        **{f"temporal_block.{name}_proj.weight": square for name in ("q", "k", "v", "o")},
        "temporal_block.o_proj.bias": column,
        "temporal_pre_norm.weight": column,
        "channel_pre_norm.weight": column,
        **{f"mlp_block.{name}.weight": np.zeros(shape) for name, shape in shapes.items()},
        **{f"mlp_block.{name}.bias": np.zeros(shape[0]) for name, shape in shapes.items()},
    }
