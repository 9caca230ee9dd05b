"""The tensors of a model file, as `ssmc inspect` lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch


def to_json(tensors: Mapping[str, torch.Tensor], axes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Shape, dtype and axis names of each."""
    return {
        name: {
            "shape": list(tensor.shape),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "axes": axes.get(name),
        }
        for name, tensor in sorted(tensors.items())
    }


def in_words(tensors: Mapping[str, torch.Tensor], axes: Mapping[str, Sequence[str]]) -> list[str]:
    """A line for each, with its axes and their sizes."""
    width = max(30, 2 + max(map(len, tensors), default=0))
    lines = ["  tensors"]
    for name, tensor in sorted(tensors.items()):
        sizes = " x ".join(f"{axis} {size}" for axis, size in zip(axes.get(name, ()), tensor.shape, strict=False))
        lines.append(f"    {name:<{width}}{sizes}")
    return lines
