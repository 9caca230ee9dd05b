"""Weights of the native model with everything a reader needs: configuration, tensors, names, and the proof that they are exact."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ssmc.errors import InvariantError, TargetError
from ssmc.targets.interface import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from numpy.typing import NDArray

LOGIT = 128
"""Every logit is +LOGIT (true) or -LOGIT (false): exact in each dtype, and a softmax over them gives the false ones exactly 0."""
LIMITS = {"float32": 1 << 24, "bfloat16": 1 << 8, "float16": 1 << 11}
"""For each dtype the magnitude up to which every integer is exact."""


def is_complex(name: str) -> bool:
    """Whether a tensor has real and imaginary parts of numbers on the unit circle, in float32."""
    return name.startswith("blocks.") and name.split(".")[2] in ("turn", "write", "points")


def is_float32(name: str) -> bool:
    """Whether a tensor is float32 whatever the model's dtype: what is compared with states, complex gates, and sums over the patterns of a set."""
    return name.endswith("threshold") or name.startswith("head.any.") or is_complex(name)


class PrecisionError(TargetError):
    """A weight is not exact in the model's dtype; carries the index of the component whose increment it is, if it is one."""

    def __init__(self, name: str, value: float, dtype: str, component: int | None) -> None:
        super().__init__(f"{name}: {value:g} is not exact in {dtype} (integers are up to {LIMITS[dtype]:,})")
        self.name = name
        self.component = component


@dataclass(frozen=True)
class Weights:
    """The weights of one native model.

    Attributes:
        config: sizes and the description of every component, in JSON types; `ssmc.nn.Model` is built from it.
        tensors: by parameter name; `config["dtype"]`, but for those that are float32 in each.
        names: for each axis name the names of its coordinates.
        axes: for each tensor its axis names (`symbols` is the alphabet itself).
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    names: Mapping[str, list[str]]
    axes: Mapping[str, list[str]]

    @staticmethod
    def of(
        config: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        names: Mapping[str, list[str]],
        axes: Mapping[str, list[str]],
    ) -> Weights:
        """Weights from numbers in float64.

        Raises:
            PrecisionError: a number is not exact in the dtype.
        """
        import torch

        tensors = {}
        for name, array in sorted(arrays.items()):
            dtype = "float32" if is_float32(name) else config["dtype"]
            exact = torch.from_numpy(array)
            tensor = exact.to(getattr(torch, dtype))
            wrong = (tensor.double() != exact).nonzero()
            if len(wrong):
                raise PrecisionError(name, float(exact[tuple(wrong[0])]), dtype, _owner(config, name, int(wrong[0][0])))
            tensors[name] = tensor.contiguous()
        return Weights(*(MappingProxyType(dict(part)) for part in (config, tensors, names, axes)))

    @property
    def shape(self) -> Shape:
        """The size of the model."""
        config = self.config
        return Shape(
            layers=len({part["block"] for part in config["components"] if part.get("channels")}),
            blocks=len(config["blocks"]),
            channels=sum(part.get("channels", 0) for part in config["components"]),
            hidden_units=config["head"]["units"] + sum(block["units"] for block in config["blocks"]),
            conv_width=1 + max(config["lags"], default=0),
            layer_of=tuple(0 if part["block"] is None else 1 + part["block"] for part in config["components"]),
        )

    def check(self) -> int:
        """Proves from the tensors that every gate, increment and output is exact and well behaved for every feature vector.

        Returns:
            The largest magnitude that any partial sum in the model's dtype can take, in any order of summation.

        Raises:
            VerificationError: the weights do not have the property (`ssmc.targets.soundness` says what is shown).
            InvariantError: shapes or names do not fit.
        """
        from ssmc.targets.soundness import check_soundness

        for name, tensor in self.tensors.items():
            axes = self.axes[name]
            if len(axes) != tensor.ndim:
                raise InvariantError(f"{name}: {tensor.ndim} axes")
            for axis, size in zip(axes, tensor.shape, strict=True):
                expected = self.config["symbols"] if axis == "symbols" else len(self.names[axis])
                if size != expected:
                    raise InvariantError(f"{name}: axis {axis} has {size} coordinates, {expected} names")
        return check_soundness(self.config, self.tensors)


def _owner(config: Mapping[str, Any], name: str, row: int) -> int | None:
    """The component to which a row of an increment tensor belongs."""
    for k, component in enumerate(config["components"]):
        if component["block"] is not None and name.startswith(f"blocks.{component['block']}.increment."):
            own = range(component["start"], component["start"] + component["channels"])
            if row in own:
                return k
    return None
