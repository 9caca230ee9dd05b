"""The model file: weights with the whole history of how they came about, readable without building the module.

Three forms hold the same data: `.pt` (one plain dict of JSON types and tensors, safe under `torch.load(weights_only=True)`), `.safetensors` (one
metadata key with JSON) and a folder (`config.json`, `model.safetensors`, `README.md`). Equal models give equal bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ssmc.errors import InvariantError, ModelFileError
from ssmc.nn.model import Model
from ssmc.nn.running import Compiled
from ssmc.nn.shapes import parameter_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "ssmc.model"
VERSION = 1

FIELDS: dict[str, tuple[type, ...]] = {
    "format": (str,),
    "version": (int,),
    "config": (dict,),
    "names": (dict,),
    "axes": (dict,),
    "source": (dict,),
    "automaton": (dict,),
    "cascade": (dict,),
    "certificate": (dict, type(None)),
    "exactness": (dict,),
    "versions": (dict,),
}
"""The keys of the header and their types."""


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds; everything but the tensors is JSON.

    Attributes:
        config: what `Model` is built from; `config["dtype"]`, `config["mode"]`.
        tensors: by parameter name.
        names: for each axis name the names of its coordinates.
        axes: for each tensor its axis names.
        source: `name`, `text`, `syntax` and `level` of what the user wrote.
        automaton: the minimal DFA with its alphabet.
        cascade: the decomposition that was lowered.
        certificate: what was proved about these tensors, or None.
        exactness: `max_magnitude` of any partial sum in the dtype, and the `limit` up to which integers are exact in it.
        versions: of what wrote the file.
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    names: Mapping[str, list[str]]
    axes: Mapping[str, list[str]]
    source: Mapping[str, Any]
    automaton: Mapping[str, Any]
    cascade: Mapping[str, Any]
    certificate: Mapping[str, Any] | None
    exactness: Mapping[str, int]
    versions: Mapping[str, str]

    @property
    def alphabet(self) -> Mapping[str, Any]:
        """The alphabet, in JSON types."""
        alphabet: Mapping[str, Any] = self.automaton["alphabet"]
        return alphabet

    def header(self) -> dict[str, Any]:
        """Everything but the tensors, in plain JSON types."""
        fields = {name: getattr(self, name) for name in FIELDS if name not in ("format", "version")}
        plain = {name: dict(value) if value is not None else None for name, value in fields.items()}
        # through text, so that equal headers are also made of equally shared objects, which is what pickle writes
        header: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, "version": VERSION, **plain}))
        return header

    @staticmethod
    def of(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> ModelFile:
        """The file with a header and tensors, checked.

        Raises:
            ModelFileError: it is another format or version, or something is missing, of the wrong type or of the wrong shape.
        """
        if header.get("format") != FORMAT:
            raise ModelFileError("this is not a model file of ssmc")
        if header.get("version") != VERSION:
            raise ModelFileError(f"format version {header.get('version')!r}; this ssmc reads version {VERSION}")
        if set(header) != set(FIELDS):
            odd = ", ".join(sorted(map(str, set(header) ^ set(FIELDS))))
            raise ModelFileError(f"missing or unknown keys: {odd}")
        for name, types in FIELDS.items():
            if type(header[name]) not in types:
                raise ModelFileError(f"{name} is of type {type(header[name]).__name__}")
        # an automaton too large for its table is written as the rule it follows from, patterns side by side each by itself
        rules = {"dyck": {"dyck", "states"}, "members": {"members"}}
        table = next((keys for key, keys in rules.items() if key in header["automaton"]), {"delta", "accepting"})
        for name, keys in (("automaton", {"alphabet"} | table), ("source", {"name", "text", "syntax"})):
            if not keys <= set(header[name]):
                raise ModelFileError(f"{name} lacks {', '.join(sorted(keys - set(header[name])))}")
        _check_tensors(header["config"], tensors)
        return ModelFile(
            tensors=dict(tensors), **{name: header[name] for name in FIELDS if name not in ("format", "version")}
        )

    def build(self) -> Model:
        """The module.

        Raises:
            ModelFileError: the configuration describes no model.
        """
        try:
            model = Model.of(self.config, self.tensors)
            predict = self.config["mode"] == "predict"
        except (InvariantError, KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
            raise ModelFileError(f"the configuration does not describe a model: {_line(error)}") from error
        model.compiled = Compiled(self.automaton, self.cascade, predict, self.certificate, self.tensors)
        return model


def _check_tensors(config: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    """Compares the tensors with what the configuration asks for, before anything of that size is allocated.

    Raises:
        ModelFileError: they do not fit.
    """
    try:
        shapes = parameter_shapes(config)
    except (InvariantError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"the configuration does not describe a model: {_line(error)}") from error
    if set(tensors) != set(shapes):
        odd = ", ".join(sorted(map(str, set(tensors) ^ set(shapes)))[:3])
        raise ModelFileError(f"missing or unknown tensors: {odd}")
    for name, (shape, dtype) in shapes.items():
        tensor = tensors[name]
        if type(tensor) is not torch.Tensor or tensor.layout != torch.strided or not tensor.is_contiguous():
            raise ModelFileError(f"{name} is not a plain tensor")
        if tuple(tensor.shape) != shape or tensor.dtype != dtype:
            got = f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
            raise ModelFileError(f"{name} is {got}, not {str(dtype).removeprefix('torch.')} {shape}")


def _line(error: BaseException) -> str:
    """An error as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
