"""Weights for `GLAForCausalLM` of flash-linear-attention (gated linear attention).

The gate exp(logsigmoid(z) / 16) is exactly 0 for z = -2048 and 1 for z = 2048; key and value are free of it. It reads the present symbol
(the short convolutions are on queries, keys and values only), so registers get their events from a block that delays them: two blocks a layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssmc.errors import TargetError
from ssmc.targets.circuits import Traits
from ssmc.targets.emission import lower_circuit
from ssmc.targets.heads import (
    KEYS,
    OPEN,
    TAPS,
    VALUES,
    conv,
    emission,
    head_names,
    heads_of,
    mlp,
    most_heads,
    most_units,
    tap,
)
from ssmc.targets.residual import SATURATED, Residual, channel, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.circuit import Block, Circuit
    from ssmc.targets.emission import Emission
    from ssmc.targets.residual import Tokens
    from ssmc.targets.stock import StockWeights

    Array = NDArray[np.float64]

TRAITS = Traits(taps=TAPS - 1, lagged=frozenset())
CLOSED = -2048.0
"""The logit of a gate that is exactly 0: 16 K, since the layer divides by 16."""
RANK = 16
"""The rank of the gates' projection, fixed by the class: that many registers in a block can be written."""


AXES = {
    "attn.gk_proj.0.weight": ("rank", "stream"),
    "attn.gk_proj.1.weight": ("keys", "rank"),
    "attn.gk_proj.1.bias": ("keys",),
    "attn.g_norm_swish_gate.weight": ("own",),
}


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> StockWeights:
    """The weights of a cascade.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
        TargetError: a block has more than 16 registers that are not delays.
    """
    return lower_circuit(cascade, dtype, patterns, TRAITS, emit)


def emit(circuit: Circuit, tokens: Tokens, dtype: str) -> Emission:  # noqa: ARG001
    """The numbers; they are the same in every dtype.

    Raises:
        TargetError: a block has more than 16 registers that are not delays.
    """
    stream = Residual.of(circuit, least=32)
    heads = most_heads(circuit)
    config = {
        "model_type": "gla",
        "architectures": ["GLAForCausalLM"],
        "num_heads": heads,
        "expand_k": heads * KEYS / stream.width,
        "expand_v": heads * VALUES / stream.width,
        "use_short_conv": True,
        "conv_size": TAPS,
        "norm_eps": 1e-6,
    }
    return emission(
        stream,
        tokens,
        config,
        AXES,
        lambda block: _layer(stream, block, heads),
        lambda block: {**head_names(stream, block, heads), "rank": [f"gate {i}" for i in range(RANK)]},
    )


def _layer(stream: Residual, block: Block, heads: int) -> dict[str, Array]:
    width, keys, values = stream.width, heads * KEYS, heads * VALUES
    key, value = np.zeros((keys, width)), np.zeros((values, width))
    low, high, bias = np.zeros((RANK, width)), np.zeros((keys, RANK)), np.zeros(keys)
    late, out = conv(values), np.zeros((width, values))
    rank = 0
    for head, register in enumerate(heads_of(block)):
        key[head * KEYS, 0] = OPEN
        if register.always:
            bias[head * KEYS] = CLOSED
        elif rank == RANK:
            raise TargetError(f"a block of more than {RANK} registers: the class has gates of rank {RANK}")
        else:
            low[rank] = stream.row(written(register))
            high[head * KEYS, rank] = CLOSED
            rank += 1
        for number, feature in enumerate(register.outputs):
            place = head * VALUES + number
            value[place] = stream.row(channel(register, number)) * SATURATED
            late[place, 0] = tap(register.lag)
            # a norm over 16 channels with one that is not 0 leaves 4 there; the output gate is OPEN
            out[:, place] = stream.column([(feature, 1)]) / (4 * OPEN)
    gate = np.zeros((values, width))
    gate[:, 0] = OPEN
    return {
        "attn.q_proj.weight": key,
        "attn.k_proj.weight": key,
        "attn.v_proj.weight": value,
        "attn.g_proj.weight": gate,
        "attn.q_conv1d.weight": conv(keys),
        "attn.k_conv1d.weight": conv(keys),
        "attn.v_conv1d.weight": late,
        "attn.gk_proj.0.weight": low,
        "attn.gk_proj.1.weight": high,
        "attn.gk_proj.1.bias": bias,
        "attn.o_proj.weight": out,
        "attn.g_norm_swish_gate.weight": np.ones(VALUES),
        **mlp(stream, block, most_units(stream.circuit)),
    }
