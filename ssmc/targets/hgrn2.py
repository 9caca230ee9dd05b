"""Weights for `HGRN2ForCausalLM` of flash-linear-attention.

What is written is tied to what is forgotten (key = 1 - gate), so a head is a register as it stands: the gate exp(logsigmoid(+-K)) is exactly 1 or 0.
The short convolutions have no activation, and the forget gate has one too: everything is one symbol late in the same block. One norm spans all
heads; a constant in head 0, 2^18 times larger than the registers, makes it divide by a power of two whatever they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssmc.targets.circuits import Traits
from ssmc.targets.emission import lower_circuit
from ssmc.targets.heads import (
    KEYS,
    OPEN,
    TAPS,
    conv,
    emission,
    head_names,
    heads_of,
    mlp,
    most_heads,
    most_units,
    tap,
)
from ssmc.targets.residual import SATURATED, Residual, channel, indicator, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.circuit import Block, Circuit
    from ssmc.targets.emission import Emission
    from ssmc.targets.residual import Tokens
    from ssmc.targets.stock import StockWeights

    Array = NDArray[np.float64]

TRAITS = Traits(taps=TAPS - 1, lagged=frozenset({"write"}))
SURE, SHARE = 2048.0, 0.125
"""The logit of a forget gate, and how much of the present symbol's is added: it decides at the start, where the delayed one is 0 and nothing is
written, so every gate is 0 or 1 and the sums of a chunk's logarithms, all multiples of 256, do not round."""
SMALL, LARGE = 2.0**-8, 2.0**10
"""What a register and the constant hold."""


AXES = {
    "attn.f_proj.weight": ("keys", "stream"),
    "attn.i_proj.weight": ("values", "stream"),
    "attn.f_conv1d.weight": ("keys", "one", "taps"),
    "attn.i_conv1d.weight": ("values", "one", "taps"),
    "attn.g_norm.weight": ("values",),
}


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> StockWeights:
    """The weights of a cascade.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
    """
    return lower_circuit(cascade, dtype, patterns, TRAITS, emit)


def emit(circuit: Circuit, tokens: Tokens, dtype: str) -> Emission:  # noqa: ARG001
    """The numbers; they are the same in every dtype."""
    # a power of 4, so that the norm divides by a power of 2
    stream = Residual.of(circuit, least=(1 + most_heads(circuit)) * KEYS, step=2)
    config = {
        "model_type": "hgrn2",
        "architectures": ["HGRN2ForCausalLM"],
        "num_heads": stream.width // KEYS,
        "expand_ratio": KEYS,
        "use_lower_bound": False,
        "use_short_conv": True,
        "conv_size": TAPS,
        "norm_eps": 1e-6,
    }
    return emission(
        stream, tokens, config, AXES, lambda block: _layer(stream, block), lambda block: _places(stream, block)
    )


def _places(stream: Residual, block: Block) -> dict[str, list[str]]:
    """The names of the coordinates of a layer; head 0 is the constant."""
    names = head_names(stream, block, stream.width // KEYS - 1)
    first = ["the constant", *["unused"] * (KEYS - 1)]
    return {**names, "keys": first + names["keys"], "values": first + names["values"]}


def _layer(stream: Residual, block: Block) -> dict[str, Array]:
    width = stream.width
    query, forget, value = np.zeros((3, width, width))
    forget_taps, value_taps, out = conv(width), conv(width), np.zeros((width, width))
    # a gate of K holds; key channels that are not used hold 0
    forget[:, 0] = SATURATED
    query[::KEYS, 0] = OPEN
    forget[0, 0] = -SATURATED
    value[0, 0] = LARGE
    scale = np.zeros(width)
    for head, register in enumerate(heads_of(block), 1):
        place = head * KEYS
        if register.always:
            forget[place, 0] = -SATURATED
        else:
            forget[place] = stream.row(written(register)) * -SURE
            forget_taps[place, 0] = tap(register.lag) + tap(0) * SHARE
        for number, feature in enumerate(register.outputs):
            value[place + number] = stream.row(indicator(channel(register, number), SMALL))
            value_taps[place + number, 0] = tap(register.lag)
            # the norm makes the constant sqrt(width)
            scale[place + number] = LARGE / SMALL / np.sqrt(width)
            out[:, place + number] = stream.column([(feature, 1)])
    return {
        "attn.q_proj.weight": query,
        "attn.f_proj.weight": forget,
        "attn.i_proj.weight": value,
        "attn.q_conv1d.weight": conv(width),
        "attn.f_conv1d.weight": forget_taps,
        "attn.i_conv1d.weight": value_taps,
        "attn.g_norm.weight": scale,
        "attn.o_proj.weight": out,
        **mlp(stream, block, most_units(stream.circuit)),
    }
