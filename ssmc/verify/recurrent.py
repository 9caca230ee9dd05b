"""Stock models as a proof sees them: one step at a time, with a recurrent state made of plain tensors."""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ssmc.errors import ModelFileError, UsageError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    import torch

    State = tuple[torch.Tensor, ...]

FLASH = ("gla", "hgrn2", "rwkv6", "delta_net", "gated_deltanet")
"""The model types of flash-linear-attention."""
ADAPTERS = {
    "mamba": "ssmc.verify.mamba",
    "mamba2": "ssmc.verify.mamba2",
    "recurrent_gemma": "ssmc.verify.recurrentgemma",
    **dict.fromkeys(FLASH, "ssmc.verify.flash"),
}
"""`model_type` of a configuration -> the module with `adapt(model) -> Recurrent`."""


class Recurrent(Protocol):
    """A stock model and its recurrent cache.

    A state is a tuple of tensors (N, ...); `step` does not change the one it is given.
    """

    def start(self, tokens: torch.Tensor) -> tuple[torch.Tensor, State]:
        """(N,) first tokens -> (N, vocabulary) logits, and the state after them."""
        ...

    def step(self, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """(N,) tokens and the state before them -> (N, vocabulary) logits, and the state after them."""
        ...

    def visible(self, state: State) -> State:
        """For each tensor of a state (N, ...) what later steps can tell apart, as (N, k).

        An entry that only ever meets zero weights cannot change anything, so it is left out; one that an activation is taken of before anything
        else stands for that activation. It holds for models that pass `watch`.
        """
        ...

    def watch(self) -> AbstractContextManager[Exactness]:
        """While it is entered, every step is checked for the conditions under which no sum rounds, in any order."""
        ...


class Exactness(Protocol):
    """What a watch has seen."""

    def check(self, low: State, high: State) -> tuple[int, int]:
        """The largest sum of a matrix product, and of a scan, in units of the lowest bit involved.

        Args:
            low: the least value that each entry of the state took.
            high: the largest.

        Raises:
            VerificationError: somewhere a sum may round, so another order of summation may give other bits.
        """
        ...


def need_transformers(kind: str = "") -> None:
    """Makes sure that the libraries of the stock classes are there, and quiet.

    Args:
        kind: the model type whose class will be needed.

    Raises:
        UsageError: they are not.
    """
    try:
        from transformers.utils import logging
    except ImportError as error:
        raise UsageError(f"stock models need transformers: pip install 'ssm-compiler[mamba]' ({error})") from error
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if kind in FLASH:
        import_module("ssmc.verify.flash").ready()
    if "fla" in sys.modules:
        # flash-linear-attention takes these two names for classes of its own when it is imported
        from transformers import AutoConfig, Mamba2Config, MambaConfig

        AutoConfig.register("mamba", MambaConfig, exist_ok=True)
        AutoConfig.register("mamba2", Mamba2Config, exist_ok=True)


def build_stock(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Any:
    """The stock class with some weights, in evaluation mode, `placed`.

    Raises:
        UsageError: its library is not installed.
        VerificationError: the weights are not those of the class.
    """
    need_transformers(config["model_type"])
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    settings = dict(config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = AutoConfig.for_model(settings.pop("model_type"), **settings)
        # not on the meta device: a class may have buffers that its state dict lacks
        model = AutoModelForCausalLM.from_config(made).to(getattr(torch, config["dtype"]))
    try:
        model.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        raise VerificationError(f"the weights are not those of {type(model).__name__}: {error}") from error
    return placed(model).eval()


def placed(model: Any) -> Any:
    """The model where its class can run: flash-linear-attention's Triton kernels read a GPU's memory where there is a GPU, and are interpreted elsewhere."""
    import torch

    return model.to("cuda") if model.config.model_type in FLASH and torch.cuda.is_available() else model


def load_stock(folder: str, dtype: str | None = None) -> Any:
    """The stock model of a folder, as `from_pretrained` makes it, `placed`.

    Args:
        folder: what to load.
        dtype: load it in this dtype instead of its own.

    Raises:
        UsageError: its library is not installed.
        ModelFileError: the class refuses its configuration or its tensors.
    """
    need_transformers(_type_of(folder))
    import torch
    from transformers import AutoModelForCausalLM

    kind = {} if dtype is None else {"dtype": getattr(torch, dtype)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return placed(AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, **kind)).eval()
    except Exception as error:  # any part of the library may be the one to refuse
        said = " ".join(str(error).split())[:300]
        if "ignore_mismatched_sizes" in said:
            said = "tensors have other shapes than config.json asks for"
        raise ModelFileError(f"{folder}: from_pretrained fails: {said}") from error


def _type_of(folder: str) -> str:
    """The model type in a folder's configuration; empty where there is none."""
    try:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
        return str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def adapt(model: Any) -> Recurrent:
    """The stock model as a proof sees it.

    Raises:
        UsageError: no adapter knows its class.
    """
    kind = model.config.model_type
    if kind not in ADAPTERS:
        raise UsageError(f"no proof for models of type {kind!r}; there is one for {', '.join(ADAPTERS)}")
    recurrent: Recurrent = import_module(ADAPTERS[kind]).adapt(model)
    return recurrent


def chunks(count: int, size: int) -> Iterator[slice]:
    """0..count-1 in slices of at most `size`."""
    return (slice(first, min(first + size, count)) for first in range(0, count, max(1, size)))
