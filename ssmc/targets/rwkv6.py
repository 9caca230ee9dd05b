"""Weights for `RWKV6ForCausalLM` of flash-linear-attention (RWKV-6, Finch).

The output reads the state before the present symbol, so the lag is built in and token shift is off. The decay exp(-exp(w)) is exactly 0 or 1: w is a
sum of two tanh units, one for 'written' and one for 'not written', each exactly 0 or 1. Its LayerNorms take the mean away, so features and values
come with mirrors of the opposite sign. The channel mix squares a ReLU: an AND that is exactly 1 or 0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssmc.targets.circuit import ALWAYS
from ssmc.targets.circuits import Traits
from ssmc.targets.emission import lower_circuit
from ssmc.targets.heads import KEYS, OPEN, VALUES, emission, head_names, heads_of, most_heads, most_units
from ssmc.targets.residual import MAGNITUDE, SATURATED, Residual, channel, indicator, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.circuit import Block, Circuit
    from ssmc.targets.emission import Emission
    from ssmc.targets.residual import Tokens
    from ssmc.targets.stock import StockWeights

    Array = NDArray[np.float64]

TRAITS = Traits(taps=1, lagged=frozenset({"write"}))
FORGET = {"float32": float(np.float32(np.log(128))), "bfloat16": 5.0, "float16": 5.0}
"""w of a gate that is exactly 0: exp(w) is 128, 148 and 148.375 in these dtypes, so that sums of a chunk's logarithms do not round."""
STORED = 64.0
"""What a register holds, and its mirror with the opposite sign."""


AXES = {
    "model.norm.bias": ("stream",),
    "pre_norm.weight": ("stream",),
    "pre_norm.bias": ("stream",),
    "attn_norm.bias": ("stream",),
    "attn.x_bias": ("five", "stream"),
    "attn.bonus": ("heads", "own keys"),
    "attn.x_proj.0.mu": ("stream",),
    "attn.x_proj.0.linear.weight": ("mixing", "stream"),
    "attn.x_proj.2.weight": ("stream", "mixing"),
    "attn.r_proj.linear.weight": ("keys", "stream"),
    "attn.k_proj.linear.weight": ("keys", "stream"),
    "attn.w_proj.linear.lora.0.weight": ("rank", "stream"),
    "attn.w_proj.linear.lora.2.weight": ("keys", "rank"),
    "attn.w_proj.linear.lora.2.bias": ("keys",),
    "attn.v_proj.linear.weight": ("values", "stream"),
    "attn.g_proj.linear.weight": ("values", "stream"),
    "attn.g_norm.weight": ("values",),
    "attn.g_norm.bias": ("values",),
    "ffn_norm.weight": ("stream",),
    "ffn_norm.bias": ("stream",),
    "ffn.key.mu": ("stream",),
    "ffn.key.linear.weight": ("units", "stream"),
    "ffn.value.weight": ("stream", "units"),
    "ffn.receptance.mu": ("stream",),
    "ffn.receptance.linear.weight": ("stream", "stream"),
}
MIXING = 16
"""The rank of the token shift, which is off."""


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> StockWeights:
    """The weights of a cascade.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
    """
    return lower_circuit(cascade, dtype, patterns, TRAITS, emit)


def emit(circuit: Circuit, tokens: Tokens, dtype: str) -> Emission:
    """The numbers."""
    stream = Residual.of(circuit, least=32, mirrored=True)
    heads = most_heads(circuit)
    rank = max(32, 2 * heads)
    config = {
        "model_type": "rwkv6",
        "architectures": ["RWKV6ForCausalLM"],
        "num_heads": heads,
        "expand_k": heads * KEYS / stream.width,
        "expand_v": heads * 2 * VALUES / stream.width,
        "gate_low_rank_dim": rank,
        "proj_low_rank_dim": MIXING,
        "norm_eps": 1e-5,
    }
    made = emission(
        stream,
        tokens,
        config,
        AXES,
        lambda block: _layer(stream, block, heads, rank, FORGET[dtype]),
        lambda block: _places(stream, block, heads, rank),
    )
    ones, zeros = np.ones(stream.width), np.zeros(stream.width)
    pre = {"model.layers.0.pre_norm.weight": ones * MAGNITUDE, "model.layers.0.pre_norm.bias": zeros}
    return replace(made, tensors={**made.tensors, **pre, "model.norm.bias": zeros})


def _places(stream: Residual, block: Block, heads: int, rank: int) -> dict[str, list[str]]:
    """The names of the coordinates of a layer."""
    return {
        **head_names(stream, block, heads, mirrored=True),
        "own keys": [f"key {i}" for i in range(KEYS)],
        "rank": [f"{'not ' * (i % 2)}written, head {i // 2}" for i in range(rank)],
        "mixing": ["unused"] * (5 * MIXING),
        "five": ["r", "w", "k", "v", "g"],
    }


def _layer(stream: Residual, block: Block, heads: int, rank: int, forget: float) -> dict[str, Array]:
    width, keys, values = stream.width, heads * KEYS, heads * 2 * VALUES
    place, value = np.zeros((keys, width)), np.zeros((values, width))
    low, high, bias = np.zeros((rank, width)), np.zeros((keys, rank)), np.zeros(keys)
    out, gate = np.zeros((width, values)), np.zeros((values, width))
    gate[:, ALWAYS] = OPEN
    for head, register in enumerate(heads_of(block)):
        place[head * KEYS, ALWAYS] = 1
        if register.always:
            bias[head * KEYS] = forget
        else:
            event = written(register)
            low[2 * head] = stream.row(indicator(event, SATURATED))
            low[2 * head + 1] = stream.row(
                indicator({feature: -weight for feature, weight in event.items()}, SATURATED)
            )
            high[head * KEYS, 2 * head : 2 * head + 2] = forget, -SATURATED
        for number, feature in enumerate(register.outputs):
            plus = head * 2 * VALUES + number
            value[plus] = stream.row(indicator(channel(register, number), STORED))
            value[plus + VALUES] = -value[plus]
            # two of 32 channels are not 0: the norm leaves 4 there
            out[:, plus] = stream.column([(feature, 1)]) / (4 * OPEN)
    return {
        "attn_norm.weight": np.ones(width),
        "attn_norm.bias": np.zeros(width),
        "attn.x_bias": np.zeros((5, width)),
        "attn.bonus": np.zeros((heads, KEYS)),
        "attn.x_proj.0.mu": np.zeros(width),
        "attn.x_proj.0.linear.weight": np.zeros((5 * MIXING, width)),
        "attn.x_proj.2.weight": np.zeros((width, 5 * MIXING)),
        "attn.r_proj.linear.weight": place,
        "attn.k_proj.linear.weight": place,
        "attn.w_proj.linear.lora.0.weight": low,
        "attn.w_proj.linear.lora.2.weight": high,
        "attn.w_proj.linear.lora.2.bias": bias,
        "attn.v_proj.linear.weight": value,
        "attn.g_proj.linear.weight": gate,
        "attn.g_norm.weight": np.ones(values),
        "attn.g_norm.bias": np.zeros(values),
        "attn.o_proj.weight": out,
        **_channel_mix(stream, block),
    }


def _channel_mix(stream: Residual, block: Block) -> dict[str, Array]:
    width, units = stream.width, most_units(stream.circuit)
    receptance = np.zeros((width, width))
    receptance[:, ALWAYS] = SATURATED
    return {
        "ffn_norm.weight": np.ones(width),
        "ffn_norm.bias": np.zeros(width),
        "ffn.key.mu": np.zeros(width),
        "ffn.key.linear.weight": stream.gate_rows(block.gates, units),
        "ffn.value.weight": stream.gate_columns(block.gates, units),
        "ffn.receptance.mu": np.zeros(width),
        "ffn.receptance.linear.weight": receptance,
    }
