"""Shape and dtype of every parameter, from a configuration alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ssmc.errors import InvariantError
from ssmc.nn.block import Widths, feature_count

if TYPE_CHECKING:
    from collections.abc import Mapping

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The dtypes of parameters; scan states are float32 in each."""


def parameter_shapes(config: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shape and dtype of every parameter of `Model(config)`, computed without allocating them.

    Raises:
        InvariantError: a size is not a number of things.
        KeyError, TypeError, ValueError: the configuration is something else altogether.
    """
    dtype = DTYPES[config["dtype"]]
    symbols, outputs, width = config["symbols"], config["outputs"], config["letters"] + len(config["delay"])
    affine: dict[str, tuple[int, int]] = {}
    shapes: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
        "embedding.weight": ((symbols, config["letters"]), dtype),
        "initial_logits": ((outputs,), dtype),
    }
    for b, block in enumerate(config["blocks"]):
        units, channels, sizes = block["units"], block["channels"], Widths.of(block)
        affine |= {
            f"blocks.{b}.terms": (units, width),
            f"blocks.{b}.gate": (channels, units),
            f"blocks.{b}.increment": (channels, units),
        }
        shapes[f"blocks.{b}.threshold"] = ((len(block["source"]),), torch.float32)
        if sizes.columns:
            affine[f"blocks.{b}.columns"] = (sum(n * n for n in sizes.columns), units)
        if sizes.turns:
            for part in ("turn", "write"):
                shapes[f"blocks.{b}.{part}.weight"] = ((2 * len(sizes.turns), units), torch.float32)
                shapes[f"blocks.{b}.{part}.bias"] = ((2 * len(sizes.turns),), torch.float32)
            shapes[f"blocks.{b}.points"] = ((sum(sizes.turns), 2), torch.float32)
        width += feature_count(block)
    units = config["head"]["units"]
    groups = config["head"].get("any", 0)
    affine |= {"head.terms": (units, width), "head.logits": (outputs, units + groups)}
    if groups:
        shapes |= {"head.any.weight": ((groups, units), torch.float32), "head.any.bias": ((groups,), torch.float32)}
    for name, (rows, columns) in affine.items():
        shapes |= {f"{name}.weight": ((rows, columns), dtype), f"{name}.bias": ((rows,), dtype)}
    if any(type(size) is not int or size < 0 for shape, _ in shapes.values() for size in shape):
        raise InvariantError("a size in the configuration is not a number of things")
    return shapes
