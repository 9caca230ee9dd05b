"""The classes of flash-linear-attention: how to run them, their recurrent cache, and the conditions under which their recurrences do not round.

Without a GPU their Triton kernels run in Triton's interpreter, which is chosen when triton is imported.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from contextlib import contextmanager
from functools import cached_property, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ssmc.errors import UsageError, VerificationError
from ssmc.verify.mamba import readable
from ssmc.verify.sums import LIMIT, Columns, check_norm, lowest_bit

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from ssmc.verify.recurrent import Recurrent, State


CHUNK = 64
"""The symbols of a chunk, whose gates the chunk kernels multiply by adding their logarithms."""


def ready() -> None:
    """Makes sure that the library is there and can run here.

    Raises:
        UsageError: it is not installed, or was imported without the interpreter where there is no GPU.
    """
    import torch

    if not torch.cuda.is_available() and os.environ.get("TRITON_INTERPRET") != "1":
        if "fla" in sys.modules:
            raise UsageError("flash-linear-attention was imported for a GPU and there is none: set TRITON_INTERPRET=1 before it is imported")  # fmt: skip
        # what has been imported compiles for a device; the library gets a triton of its own that interprets
        for name in [name for name in sys.modules if name.split(".")[0] == "triton"]:
            if not name.startswith("triton._C"):
                del sys.modules[name]
        os.environ["TRITON_INTERPRET"] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import fla.models  # noqa: F401  (registers the classes)
    except ImportError as error:
        raise UsageError(
            f"this model needs flash-linear-attention: pip install 'ssm-compiler[fla]' ({error})"
        ) from error
    if not torch.cuda.is_available():
        _take_largest_blocks()


def _take_largest_blocks() -> None:
    """Chooses launch configurations without a clock: the interpreter is fastest with the fewest programs, so with the largest blocks."""
    from triton.runtime.autotuner import Autotuner

    def size(self: Any, *args: Any, config: Any, **meta: Any) -> list[float]:  # noqa: ARG001
        return [-float(math.prod(value for value in config.kwargs.values() if isinstance(value, int)))] * 3

    Autotuner._bench = size


@contextmanager
def quiet() -> Iterator[None]:
    """Leaves out what the interpreter says: of exponentials that overflow (a sigmoid of -K is 1 / (1 + infinity)), and of its own numpy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def adapt(model: Any) -> Recurrent:
    """The model with its cache as tensors.

    Raises:
        UsageError: the library cannot run here.
    """
    ready()
    return FlashModel(model)


class FlashModel:
    """A model of the library: for each layer the recurrent state, then the inputs that its convolutions or its token shift remember.

    Logits and states are handed over on the CPU, wherever the model runs.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.cache: Any = None
        self.library = f"flash-linear-attention {version('flash-linear-attention')}"

    def start(self, tokens: torch.Tensor) -> tuple[torch.Tensor, State]:
        """(N,) first tokens -> (N, vocabulary) logits, and the state after them."""
        with quiet():
            found = self.model(tokens[:, None].to(self.model.device), use_cache=True)
        self.cache = found.past_key_values
        return found.logits[:, -1].cpu(), self.state()

    def step(self, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """(N,) tokens and the state before them -> (N, vocabulary) logits, and the state after them."""
        # the class may update what it is given in place
        parts = (part.to(self.model.device, copy=True) for part in state)
        for layer in self.cache.layers:
            held: dict[str, Any] = {"recurrent_state": next(parts)}
            if isinstance(layer.state["conv_state"], tuple):
                held["conv_state"] = tuple(next(parts) for _ in layer.state["conv_state"])
            else:
                held["conv_state"], held["ffn_state"] = next(parts), next(parts)
            layer.state = {**layer.state, **held}
        with quiet():
            found = self.model(tokens[:, None].to(self.model.device), past_key_values=self.cache, use_cache=True)
        self.cache = found.past_key_values
        return found.logits[:, -1].cpu(), self.state()

    def state(self) -> State:
        """The tensors of the cache."""
        out: list[torch.Tensor] = []
        for layer in self.cache.layers:
            out.append(layer.state["recurrent_state"])
            memory = layer.state["conv_state"]
            out += memory if isinstance(memory, tuple) else [memory, layer.state["ffn_state"]]
        return tuple(part.cpu() for part in out)

    def visible(self, state: State) -> State:
        """What later steps can tell apart: columns that meet a tap, and what a token shift mixes in."""
        return tuple(p.flatten(1) if mask is None else p[:, mask] for p, mask in zip(state, self.masks, strict=True))

    @cached_property
    def masks(self) -> tuple[torch.Tensor | None, ...]:
        """For each tensor which entries (the batch axis left out) a later step can read; None where it can read all."""
        import torch

        out: list[torch.Tensor | None] = []
        for layer in self.model.model.layers:
            out.append(None)
            convs = convolutions(layer.attn)
            out += [readable(conv.weight[:, 0]) for conv in convs]
            if not convs:
                # token shift: nothing of the last input is mixed in where mu is 0
                attn, ffn = layer.attn, layer.ffn
                mixed = [attn.x_proj[0].mu, attn.x_proj[2].weight, attn.x_bias]
                off = not any(bool((tensor != 0).any()) for tensor in mixed)
                out.append(torch.full_like(attn.x_proj[0].mu, not off, dtype=torch.bool))
                out.append((ffn.key.mu != 0) | (ffn.receptance.mu != 0))
        return tuple(None if mask is None else mask.cpu() for mask in out)

    def watch(self) -> FlashWatch:
        """Checks every step while it is entered."""
        return FlashWatch(self.model)


def convolutions(layer: Any) -> list[Any]:
    """The short convolutions of a layer, in the order of its cache."""
    return [conv for name in "qkfvi" if (conv := getattr(layer, f"{name}_conv1d", None)) is not None]


class FlashWatch:
    """Watches every linear map, norm and recurrence while it is entered; a context manager.

    The library calls its linear maps and recurrences as functions, so these are what is wrapped.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.names = {id(p): name for name, p in model.named_parameters()}
        self.parameters = dict(model.named_parameters())
        self.columns: dict[str, Columns] = {}
        self.memories: dict[str, tuple[Any, Columns]] = {}
        self._undo: list[tuple[Any, str, Any]] = []
        self._handles: list[Any] = []

    def __enter__(self) -> FlashWatch:
        from torch.nn import functional

        self._wrap(functional, "linear", self._linear)
        for layer in {type(layer.attn).__module__ for layer in self.model.model.layers}:
            module = sys.modules[layer]
            for name in ("fused_recurrent_gla", "fused_recurrent_rwkv6"):
                if hasattr(module, name):
                    self._wrap(module, name, self._gated)
            for name in ("fused_recurrent_delta_rule", "fused_recurrent_gated_delta_rule"):
                if hasattr(module, name):
                    self._wrap(module, name, self._delta)
            if hasattr(module, "rms_norm_linear"):
                self._wrap(module, "rms_norm_linear", self._norm)
        for name, module in self.model.named_modules():
            if type(module).__name__ == "ShortConvolution":
                self.memories[name] = module, Columns(name)
                handle = module.register_forward_pre_hook(partial(self._convolved, name), with_kwargs=True)
                self._handles.append(handle)
            if type(module).__name__ in ("RMSNorm", "FusedRMSNormGated", "LayerNorm", "GroupNorm"):
                self._handles.append(module.register_forward_pre_hook(partial(self._normed, name), with_kwargs=True))
        return self

    def _wrap(self, module: Any, name: str, see: Any) -> None:
        original = getattr(module, name)
        self._undo.append((module, name, original))

        def seen(*args: Any, **kwargs: Any) -> Any:
            see(*args, **kwargs)
            return original(*args, **kwargs)

        setattr(module, name, seen)

    def __exit__(self, *_: object) -> None:
        while self._undo:
            module, name, original = self._undo.pop()
            setattr(module, name, original)
        while self._handles:
            self._handles.pop().remove()

    def _linear(self, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        name = self.names.get(id(weight))
        if name is None:
            raise VerificationError("a linear map whose weight is no parameter of the model")
        if bias is not None and id(bias) not in self.names:
            raise VerificationError(f"{name}: a bias that is no parameter of the model")
        if self._selects(values, weight, bias):
            return
        self.columns.setdefault(name, Columns(name)).see(values)

    @staticmethod
    def _selects(values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> bool:
        """Whether every output is at most one weight, times 1: then there is no sum that could round."""
        used, present = (weight != 0).double(), (values != 0).double().reshape(-1, values.shape[-1])
        terms = present @ used.T + (0 if bias is None else (bias != 0).double())
        return bool((terms <= 1).all()) and bool(((values == 0) | (values.abs() == 1)).all())

    def _convolved(self, name: str, _: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        self.memories[name][1].see(given["x"] if "x" in given else args[0])

    def _norm(self, rows: torch.Tensor, *_: Any, eps: float = 1e-5, **__: Any) -> None:
        check_rows("the norm of the outputs", rows, eps, 1, centred=False)

    def _normed(self, name: str, module: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        kind = type(module).__name__
        rows = given["x"] if "x" in given else args[0]
        residual = args[1] if len(args) > 1 else given.get("residual")
        if kind in ("RMSNorm", "LayerNorm") and residual is not None:
            # the norm adds the residual stream to what it is given
            rows = rows + residual
        check_rows(name, rows, module.eps, getattr(module, "num_groups", 1), centred=kind in ("LayerNorm", "GroupNorm"))

    def _gated(self, **given: Any) -> None:
        """A gated recurrence: where a key is not 0, its gate is 1 and nothing is added, or 0; the query reads one key; a chunk's logarithms add up."""
        import torch

        query: torch.Tensor = given["q"] if "q" in given else given["r"]
        keys, values = given["k"].float(), given["v"].float()
        logarithms = (given["gk"] if "gk" in given else given["w"]).float()
        gates = torch.exp(logarithms)
        added = keys[..., :, None] * values[..., None, :]
        writes = (added != 0).any(-1)
        if not bool((((gates == 1) & ~writes) | (gates == 0) | ~((keys != 0) | (query != 0))).all()):
            raise VerificationError("a gate is neither 0, nor 1 while nothing is added")
        summed = logarithms[((keys != 0) | (query != 0)) & (logarithms != 0)]
        if summed.numel() and float(CHUNK * summed.abs().max()) > LIMIT * float(lowest_bit(summed).min()):
            raise VerificationError("the logarithms of a chunk's gates may round when they are summed")
        if not bool((added.double() == keys.double()[..., :, None] * values.double()[..., None, :]).all()):
            raise VerificationError("what a recurrence adds rounds")
        if "u" in given and bool((given["u"] != 0).any()):
            raise VerificationError("a bonus for the present symbol")
        if not bool(((query != 0).sum(-1) <= 1).all()):
            raise VerificationError("a query reads several keys")

    def _delta(self, **given: Any) -> None:
        """A delta rule: keys along one axis, strengths 1 or 2, no decay, values that are small multiples of one power of two."""
        import torch

        beta = given["beta"].float()
        if given.get("use_beta_sigmoid_in_kernel"):
            beta = torch.sigmoid(beta) * (2 if given.get("allow_neg_eigval") else 1)
        for name in ("q", "k"):
            if not bool(((given[name] != 0).sum(-1) <= 1).all()):
                raise VerificationError(f"{name} of a delta rule is not along one axis")
            size = given[name].float().square().sum(-1)
            length = torch.rsqrt(size[size != 0] + 1e-6) * size[size != 0].sqrt()
            if not bool((length == 1).all()):
                raise VerificationError(f"{name} of a delta rule has not length 1")
        if not bool(((beta == 1) | (beta == 2)).all()):
            raise VerificationError("a strength of a delta rule is neither 1 nor 2")
        if given.get("use_gate_in_kernel"):
            logarithm = -given["A_log"].float().exp() * torch.nn.functional.softplus(given["g"].float() + given["dt_bias"].float())  # fmt: skip
            if bool((torch.exp(logarithm) != 1).any()) or bool((logarithm != 0).any()):
                raise VerificationError("a delta rule decays")
        values = given["v"].float()
        if not bool((values.remainder(256) == 0).all()) or float(values.abs().amax()) > 1024:
            raise VerificationError("a value of a delta rule is no small multiple of 256")

    def check(self, low: State, high: State) -> tuple[int, int]:
        """The largest sum of a matrix product, and of a state, in units.

        Raises:
            VerificationError: a sum may round.
        """
        sums = [columns.product(self.parameters[name]) for name, columns in self.columns.items()]
        sums += [_taps(name, module, columns) for name, (module, columns) in self.memories.items()]
        sizes = [float(part.abs().amax()) for part in (*low, *high) if part.numel()]
        if not all(size < float("inf") for size in sizes):
            raise VerificationError("a state is not finite")
        return int(max(sums, default=0)), 1


def _taps(name: str, module: Any, columns: Columns) -> float:
    """The largest sum of a convolution over what it has seen, in units.

    Raises:
        VerificationError: it may round.
    """
    import torch

    taps = module.weight[:, 0].double()
    if columns.largest is None or columns.lowest is None or module.bias is not None:
        raise VerificationError(f"{name}: a convolution that was not seen, or has a bias")
    units = lowest_bit(taps).amin(1) * columns.lowest
    sizes = torch.where(units.isinf(), 0.0, taps.abs().sum(1) * columns.largest / units)
    largest = float(sizes.max())
    if largest > LIMIT:
        raise VerificationError(f"{name}: a convolution sums to {largest:.3g} units")
    return largest


def check_rows(name: str, rows: torch.Tensor, eps: float, groups: int, *, centred: bool) -> None:
    """As `check_norm`, for norms of groups of channels, which may be all 0, and norms that take the mean away, which must be 0.

    Raises:
        VerificationError: a sum may round, or the result depends on its order.
    """
    flat = rows.detach().reshape(-1, rows.shape[-1] // groups)
    flat = flat[(flat != 0).any(1)]
    if not len(flat):
        return
    wide = flat.double()
    if centred and not bool(((wide.sum(1) == 0) & (wide.abs().sum(1) <= LIMIT * lowest_bit(wide).amin(1))).all()):
        raise VerificationError(f"{name}: a mean is not exactly 0")
    check_norm(name, flat, eps)
