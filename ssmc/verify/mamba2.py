"""The recurrent cache of transformers' Mamba-2 classes, and the conditions under which their scan does not round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssmc.errors import VerificationError
from ssmc.verify.mamba import CachedModel, check_taps, tapped
from ssmc.verify.sums import LIMIT, Watch, check_norm

if TYPE_CHECKING:
    import torch

    from ssmc.verify.recurrent import Recurrent, State

NORMS = ("Mamba2RMSNorm",)


def adapt(model: Any) -> Recurrent:
    """The model with its cache as tensors: for each layer the last inputs of the convolution, and the states of the scan."""
    return CachedModel2(model)


class CachedModel2(CachedModel):
    """A Mamba-2 model; its cache has the same parts as that of Mamba."""

    def start(self, tokens: torch.Tensor) -> tuple[torch.Tensor, State]:
        """(N,) first tokens -> (N, vocabulary) logits, and the state after them."""
        mixers = [layer.mixer for layer in self.model.backbone.layers]
        sizes = [mixer.chunk_size for mixer in mixers]
        try:
            # the chunked form pads the input to whole chunks; one symbol fills a chunk of one
            for mixer in mixers:
                mixer.chunk_size = 1
            return super().start(tokens)
        finally:
            for mixer, size in zip(mixers, sizes, strict=True):
                mixer.chunk_size = size

    def driven(self, mixer: Any, projected: torch.Tensor) -> State:
        """As for Mamba; and the time steps as they are."""
        import torch
        from torch.nn.functional import silu

        sizes = [mixer.intermediate_size, mixer.conv_dim, mixer.num_heads]
        gate, convolved, steps = torch.split(projected, sizes, -1)
        return mixer.act(convolved[:, tapped(mixer.conv1d)]), silu(gate.float()), steps

    def written(self, mixer: Any) -> torch.Tensor:
        """(heads, channels of a head, states): which states of the scan can change: those whose B can be other than 0."""
        first = 2 * mixer.intermediate_size
        rows = slice(first, first + mixer.n_groups * mixer.ssm_state_size)
        used: torch.Tensor = (mixer.in_proj.weight[rows] != 0).any(1)
        if mixer.in_proj.bias is not None:
            used |= mixer.in_proj.bias[rows] != 0
        used = used.view(mixer.n_groups, 1, 1, -1)
        heads = mixer.num_heads // mixer.n_groups
        return used.expand(-1, heads, mixer.head_dim, -1).reshape(mixer.num_heads, mixer.head_dim, -1)

    def watch(self) -> Watch:
        """Checks every step while it is entered.

        Raises:
            VerificationError: a convolution is no delay, or a time step is clipped.
        """
        for i, layer in enumerate(self.model.backbone.layers):
            check_taps(f"layer {i}", layer.mixer.conv1d)
            if tuple(layer.mixer.time_step_limit) != (0.0, float("inf")):
                raise VerificationError(f"layer {i}: the time step is clipped")
        return ChunkWatch(self.model)


class ChunkWatch(Watch):
    """A watch that also looks at the time steps of the scan, and at the norm behind it.

    Every time step is 0 or an integer so large that the state is forgotten. So a state is one product, never a sum; and the sums of time steps
    over a chunk, from which the chunked form takes its factors, are exact in any order.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model, NORMS)
        self.chunks = [layer.mixer.chunk_size for layer in model.backbone.layers]

    def __enter__(self) -> ChunkWatch:
        super().__enter__()
        for i, layer in enumerate(self.model.backbone.layers):
            mixer, eps = layer.mixer, layer.mixer.norm.variance_epsilon
            steps = lambda _, __, out, i=i, mixer=mixer: self.see(i, mixer, out)  # noqa: E731
            self._handles.append(mixer.in_proj.register_forward_hook(steps))
            pinned = lambda _, args, i=i, eps=eps: check_norm(f"layer {i}, the norm behind the scan", gated(*args), eps)  # noqa: E731
            self._handles.append(mixer.norm.register_forward_pre_hook(pinned))
        return self

    def see(self, number: int, mixer: Any, projected: torch.Tensor) -> None:
        """Checks the time steps of one step of a layer.

        Raises:
            VerificationError: a factor is neither 0 nor 1, or sums of time steps over a chunk may round.
        """
        import torch
        from torch.nn import functional

        with torch.no_grad():
            step = projected[..., -mixer.num_heads :]
            dt = functional.softplus(step + mixer.dt_bias.to(step.dtype)).float()
            factor = torch.exp(dt * -torch.exp(mixer.A_log.float()))
            if not bool((((factor == 1) & (dt == 0)) | (factor == 0)).all()):
                raise VerificationError(f"layer {number}: a factor of the scan is neither 0 nor 1")
            sums = dt * torch.exp(mixer.A_log.float())
            if not bool((sums == sums.round()).all()) or float(sums.max()) * self.chunks[number] > LIMIT:
                raise VerificationError(f"layer {number}: a sum of time steps over a chunk may round")
            self.scans = max(self.scans, float(sums.max()) * self.chunks[number])


def gated(scanned: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    """What the norm behind the scan takes the mean square of."""
    from torch.nn import functional

    return scanned.float() * functional.silu(gate.float())
