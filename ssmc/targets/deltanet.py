"""Weights for `DeltaNetForCausalLM` and `GatedDeltaNetForCausalLM` of flash-linear-attention.

The state S of a head changes by S <- S (I - beta k k^T) + beta v k^T. Key 1 is the register's place and key 0 is a spare one, where every
symbol goes that holds. A unit key at place 1 with beta = 1 overwrites it by v, exactly; with beta = 2 it becomes 2 v - S, so a constant v exchanges
0 and 2 v: a toggle, which no gate in [0, 1] can do. Keys and values pass a convolution, so both are one symbol late in the same block; beta does not,
so a register with overwrites and toggles takes its events from a block that delays them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssmc.targets.circuit import ALWAYS
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
from ssmc.targets.residual import SATURATED, Residual, channel, moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.circuit import Block, Circuit, Register
    from ssmc.targets.emission import Emission
    from ssmc.targets.residual import Tokens
    from ssmc.targets.stock import StockWeights

    Array = NDArray[np.float64]

TRAITS = Traits(taps=TAPS - 1, lagged=frozenset({"write", "toggle"}))
WRITE = 512.0
"""What an overwrite stores; a toggle adds half of it, twice."""


AXES = {
    "attn.A_log": ("heads",),
    "attn.dt_bias": ("heads",),
    "attn.a_proj.weight": ("heads", "stream"),
    "attn.b_proj.weight": ("heads", "stream"),
    "attn.o_norm.weight": ("own",),
}


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> StockWeights:
    """The weights of a cascade for `DeltaNetForCausalLM`.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
    """
    return lower_circuit(cascade, dtype, patterns, TRAITS, emit_deltanet)


def emit_deltanet(circuit: Circuit, tokens: Tokens, dtype: str) -> Emission:
    """The numbers of `DeltaNetForCausalLM`; they are the same in every dtype, but its chunk kernel refuses float32."""
    stream = Residual.of(circuit, least=32)
    heads = most_heads(circuit)
    config = {
        "model_type": "delta_net",
        "architectures": ["DeltaNetForCausalLM"],
        "attn_mode": "fused_recurrent" if dtype == "float32" else "chunk",
        "expand_k": heads * KEYS / stream.width,
        "expand_v": heads * VALUES / stream.width,
        "num_heads": heads,
        "conv_size": TAPS,
        "allow_neg_eigval": _toggles(circuit),
        "norm_eps": 1e-6,
    }
    return emission(
        stream,
        tokens,
        config,
        AXES,
        lambda block: _layer(stream, block, heads, 4),
        lambda block: head_names(stream, block, heads),
    )


def emit_gated(circuit: Circuit, tokens: Tokens, dtype: str) -> Emission:  # noqa: ARG001
    """The numbers of `GatedDeltaNetForCausalLM`; its decay is exactly 1 throughout."""
    stream = Residual.of(circuit, least=32)
    heads = most_heads(circuit)
    config = {
        "model_type": "gated_deltanet",
        "architectures": ["GatedDeltaNetForCausalLM"],
        "num_heads": heads,
        "head_dim": KEYS,
        "expand_v": VALUES / KEYS,
        "conv_size": TAPS,
        "allow_neg_eigval": _toggles(circuit),
        "norm_eps": 1e-6,
    }
    gate = np.zeros((heads * VALUES, stream.width))
    gate[:, ALWAYS] = OPEN
    decay = {
        "attn.A_log": np.zeros(heads),
        "attn.dt_bias": np.full(heads, -SATURATED),
        "attn.a_proj.weight": np.zeros((heads, stream.width)),
        "attn.g_proj.weight": gate,
    }
    return emission(
        stream,
        tokens,
        config,
        AXES,
        lambda block: {**_layer(stream, block, heads, 4 * OPEN), **decay},
        lambda block: head_names(stream, block, heads),
    )


def _toggles(circuit: Circuit) -> bool:
    """Whether a register of the circuit toggles, for which beta must reach 2."""
    return any(register.toggle is not None for block in circuit.blocks for register in block.registers)


def _layer(stream: Residual, block: Block, heads: int, gain: float) -> dict[str, Array]:
    """The state dict of a layer; `gain`: what the norm and the output gate make of a channel that is not 0."""
    width, keys, values = stream.width, heads * KEYS, heads * VALUES
    signed = _toggles(stream.circuit)
    query, key, value, beta = (np.zeros((rows, width)) for rows in (keys, keys, values, heads))
    key_taps, value_taps, out = conv(keys), conv(values), np.zeros((width, values))
    query[1::KEYS, ALWAYS] = SATURATED
    beta[:, ALWAYS] = 0 if signed else SATURATED
    for head, register in enumerate(heads_of(block)):
        spare, place = head * KEYS, head * KEYS + 1
        changes = {ALWAYS: 1.0} if register.always else moved(register)
        key[place] = stream.row(changes) * SATURATED
        key[spare] = -key[place]
        key_taps[spare, 0] = key_taps[place, 0] = tap(register.lag)
        if register.toggle is not None:
            # beta = 2 sigmoid: 2 for a toggle; 1 for an overwrite, which is the present event or none
            beta[head] = stream.row(_strength(register))
        for number, feature in enumerate(register.outputs):
            value[head * VALUES + number] = stream.row(_stored(register, number))
            value_taps[head * VALUES + number, 0] = tap(register.lag)
            out[:, head * VALUES + number] = stream.column([(feature, 1)]) / gain
    return {
        "attn.q_proj.weight": query,
        "attn.k_proj.weight": key,
        "attn.v_proj.weight": value,
        "attn.b_proj.weight": beta,
        "attn.q_conv1d.weight": conv(keys),
        "attn.k_conv1d.weight": key_taps,
        "attn.v_conv1d.weight": value_taps,
        "attn.o_norm.weight": np.ones(VALUES),
        "attn.o_proj.weight": out,
        **mlp(stream, block, most_units(stream.circuit)),
    }


def _strength(register: Register) -> dict[int, float]:
    """The logit of beta: K for a toggle, 0 for an overwrite; a register that only toggles has K always."""
    if register.toggle is None or not register.events:
        return {ALWAYS: SATURATED}
    return {register.toggle: SATURATED / 2, ALWAYS: SATURATED / 2}


def _stored(register: Register, number: int) -> dict[int, float]:
    """The value before SiLU: WRITE for an event of the channel, half of it for a toggle, -K or less for neither."""
    off = -SATURATED
    form = {feature: weight * (WRITE - off) / 2 for feature, weight in channel(register, number).items()}
    form[ALWAYS] = form.get(ALWAYS, 0.0) + (WRITE + off) / 2
    if register.toggle is not None:
        rise = (WRITE / 2 - off) / 2
        form[register.toggle] = form.get(register.toggle, 0.0) + rise
        form[ALWAYS] += rise
    return form
