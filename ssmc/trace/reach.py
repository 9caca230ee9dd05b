"""The attention that a gated recurrence amounts to: how far each symbol reaches a state, and an output, through the gates.

Unrolled, a channel is h_t = sum over s of (a_t ... a_{s+1}) b_s, so symbol s weighs a_t ... a_{s+1} in h_t where it writes, and 0 where it does not: the row
t of an attention matrix. A block reads the states of the blocks below before each symbol, so a symbol also reaches a component through what the component
read when it was written; composing the matrices follows every such path down to the symbols.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.nn import Model
    from ssmc.trace.follow import Trace

    Matrix = NDArray[np.float64]


def gate_products(model: Model, symbols: list[int], k: int) -> Matrix:
    """(T, T): for component k of a diagonal block the weight a_t ... a_{s+1} of symbol s at t where it writes, by the network's own gates.

    A symbol writes where it clears a gate or has an increment. The weight of a component is the largest of its channels.
    """
    import torch

    part = model.config["components"][k]
    captured: list[torch.Tensor] = []
    block = model.blocks[part["block"]]
    hook = block.register_forward_hook(lambda _module, _input, scanned: captured.extend(scanned[2:4]))
    try:
        with torch.inference_mode():
            model(torch.tensor([symbols]))
    finally:
        hook.remove()
    rows = slice(part["start"], part["start"] + part["channels"])
    gate, increment = (x[0, :, rows].double().numpy() for x in captured)
    writes = (gate == 0).any(1) | (increment != 0).any(1)
    out = np.zeros((len(symbols), len(symbols)))
    row = np.zeros((gate.shape[1], len(symbols)))
    for t in range(len(symbols)):
        row *= np.abs(gate[t])[:, None]
        row[:, t] = writes[t]
        out[t] = row.max(0, initial=0)
    return out


def reach_of(trace: Trace) -> list[Matrix]:
    """For each component (T + 1, T + 1) of 0 and 1: row t, column s: symbol s (from 1) reaches the component's value after t, by any path."""
    time = len(trace.steps)
    out: list[Matrix] = []
    for k, component in enumerate(trace.cascade.components):
        direct = np.zeros((time, time))
        for t, step in enumerate(trace.steps):
            direct[t, list(step.writers[k])] = 1
        paths = direct
        if trace.lags[k] is None:
            for j in component.depends_on:
                paths = np.maximum(paths, direct @ _before(out[j]))
        out.append(np.minimum(paths, 1))
    return out


def output_reach(trace: Trace) -> Matrix:
    """(T + 1, T + 1): row t, column s: the share of what the head reads after symbol t (it, and the components of the readout) that symbol s reaches."""
    time = len(trace.steps)
    reads = trace.cascade.readout.depends_on
    out = np.eye(time)
    out[0, 0] = 0
    for k, paths in enumerate(reach_of(trace)):
        if k in reads:
            out += _before(paths)
    return out / (1 + len(reads))


def _before(paths: Matrix) -> Matrix:
    """Row t becomes row t - 1: what was there before the symbol."""
    return np.concatenate([np.zeros((1, paths.shape[1])), paths[:-1]])
