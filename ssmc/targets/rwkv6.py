"""Weights for `RWKV6ForCausalLM` of flash-linear-attention (RWKV-6, Finch).

The output reads the state before the present symbol, so the lag is built in and token shift is off. The decay exp(-exp(w)) is exactly 0 or 1: w is a
sum of two tanh units, one for 'written' and one for 'not written', each exactly 0 or 1. Its LayerNorms take the mean away, so features and values
come with mirrors of the opposite sign. The channel mix squares a ReLU: an AND that is exactly 1 or 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssmc.targets.circuit import ALWAYS
from ssmc.targets.circuits import Traits
from ssmc.targets.heads import KEYS, OPEN, VALUES, Emission, emission, heads_of, most_heads, most_units
from ssmc.targets.residual import MAGNITUDE, SATURATED, Residual, channel, indicator, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.targets.circuit import Block, Circuit

    Array = NDArray[np.float64]

TRAITS = Traits(taps=1, lagged=frozenset({"write"}))
FORGET = float(np.float32(np.log(128)))
"""w of a gate that is exactly 0: exp(w) = 128 = K in float32, an integer, so that sums of a chunk's logarithms do not round."""
STORED = 128.0
"""What a register holds, and its mirror with the opposite sign."""


def emit(circuit: Circuit, classes: Sequence[int | None], bits: Sequence[int | None], logit: float) -> Emission:
    """Configuration and state dict."""
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
        "proj_low_rank_dim": 16,
        "norm_eps": 1e-5,
    }
    made = emission(stream, classes, bits, logit, config, lambda block: _layer(stream, block, heads, rank))
    ones, zeros = np.ones(stream.width), np.zeros(stream.width)
    pre = {"model.layers.0.pre_norm.weight": ones * MAGNITUDE, "model.layers.0.pre_norm.bias": zeros}
    return Emission(made.config, {**made.tensors, **pre, "model.norm.bias": zeros}, stream)


def _layer(stream: Residual, block: Block, heads: int, rank: int) -> dict[str, Array]:
    width, keys, values = stream.width, heads * KEYS, heads * 2 * VALUES
    place, value = np.zeros((keys, width)), np.zeros((values, width))
    low, high, bias = np.zeros((rank, width)), np.zeros((keys, rank)), np.zeros(keys)
    out, gate = np.zeros((width, values)), np.zeros((values, width))
    gate[:, ALWAYS] = OPEN
    place[::KEYS, ALWAYS] = 1
    for head, register in enumerate(heads_of(block)):
        if register.always:
            bias[head * KEYS] = FORGET
        else:
            event = written(register)
            low[2 * head] = stream.row(indicator(event, SATURATED))
            low[2 * head + 1] = stream.row(indicator({feature: -weight for feature, weight in event.items()}, SATURATED))
            high[head * KEYS, 2 * head : 2 * head + 2] = FORGET, -SATURATED
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
        "attn.x_proj.0.linear.weight": np.zeros((5 * 16, width)),
        "attn.x_proj.2.weight": np.zeros((width, 5 * 16)),
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
