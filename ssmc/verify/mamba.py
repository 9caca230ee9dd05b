"""The recurrent cache of transformers' Mamba classes, and the conditions under which their scan does not round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssmc.errors import VerificationError
from ssmc.verify.sums import Watch, lowest_bit

if TYPE_CHECKING:
    import torch

    from ssmc.verify.recurrent import Recurrent, State

NORMS = ("MambaRMSNorm",)


def adapt(model: Any) -> Recurrent:
    """The model with its cache as tensors: for each layer the last inputs of the convolution, and the states of the scan."""
    return CachedModel(model)


class CachedModel:
    """A transformers model whose cache has one convolution state and one recurrent state a layer."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.cache: Any = None

    def start(self, tokens: torch.Tensor) -> tuple[torch.Tensor, State]:
        """(N,) first tokens -> (N, vocabulary) logits, and the state after them."""
        found = self.model(tokens[:, None], use_cache=True)
        self.cache = found.cache_params
        return found.logits[:, -1], self.state()

    def step(self, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """(N,) tokens and the state before them -> (N, vocabulary) logits, and the state after them."""
        parts = iter(state)
        for layer in self.cache.layers:
            # the class updates its cache in place
            layer.conv_states[0], layer.recurrent_states[0] = next(parts).clone(), next(parts).clone()
        found = self.model(tokens[:, None], cache_params=self.cache, use_cache=True)
        return found.logits[:, -1], self.state()

    def state(self) -> State:
        """The tensors of the cache."""
        pairs = [(layer.conv_states[0], layer.recurrent_states[0]) for layer in self.cache.layers]
        return tuple(tensor for pair in pairs for tensor in pair)

    def visible(self, state: State) -> State:
        """What later steps can tell apart: columns that meet a tap, as the activation behind it shows them, and states that are written."""
        count = len(self.model.backbone.layers)
        return tuple(part for i in range(count) for part in self.visible_of(i, state[2 * i], state[2 * i + 1]))

    def visible_of(self, i: int, window: torch.Tensor, scanned: torch.Tensor) -> State:
        """What later steps can tell apart of the memory of one block."""
        mixer = self.model.backbone.layers[i].mixer
        # a channel of the convolution is a delay, so nothing but the activation of an entry is ever read
        return mixer.act(window[:, readable(mixer.conv1d.weight[:, 0])]), scanned[:, self.written(mixer)]

    def driven(self, mixer: Any, projected: torch.Tensor) -> State:
        """What a mixer can tell apart, now or later, of its projected input (N, k): of a convolved channel and of a gate the activation."""
        from torch.nn.functional import silu

        convolved, gate = projected.chunk(2, -1)
        return mixer.act(convolved[:, tapped(mixer.conv1d)]), silu(gate)

    def written(self, mixer: Any) -> torch.Tensor:
        """(channels, states): which states of the scan can change: those whose B can be other than 0. The others stay 0."""
        rank, states = mixer.time_step_rank, mixer.ssm_state_size
        used: torch.Tensor = (mixer.x_proj.weight[rank : rank + states] != 0).any(1)
        return used.expand(mixer.intermediate_size, -1)

    def watch(self) -> Watch:
        """Checks every step while it is entered.

        Raises:
            VerificationError: a convolution is no delay.
        """
        for i, layer in enumerate(self.model.backbone.layers):
            check_taps(f"layer {i}", layer.mixer.conv1d)
        return ScanWatch(self.model)


def readable(taps: torch.Tensor) -> torch.Tensor:
    """(channels, width): which columns of a convolution's memory meet a nonzero tap at some later step.

    The memory holds the last `width` inputs. In the next step column j meets tap j - 1; then it moves one column down.
    """
    import torch

    used = (taps != 0).long().cumsum(1) > 0
    return torch.cat([torch.zeros_like(used[:, :1]), used[:, :-1]], dim=1)


def tapped(conv: Any) -> torch.Tensor:
    """(channels,): which channels of a depthwise convolution have a tap."""
    used: torch.Tensor = (conv.weight != 0).flatten(1).any(1)
    return used


def check_taps(name: str, conv: Any) -> None:
    """Shows that a depthwise convolution is a delay, so it does not round.

    Raises:
        VerificationError: a channel has other taps than one 1, or a bias.
    """
    weight = conv.weight[:, 0]
    if not bool((((weight == 0) | (weight == 1)).all(1) & ((weight == 1).sum(1) <= 1)).all()):
        raise VerificationError(f"{name}: a channel of the convolution is no delay")
    if conv.bias is not None and bool((conv.bias != 0).any()):
        raise VerificationError(f"{name}: the convolution has a bias")


class ScanWatch(Watch):
    """A watch that also looks at the factors and the increments of every scan step."""

    def __init__(self, model: Any) -> None:
        super().__init__(model, NORMS)
        self.counted: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def __enter__(self) -> ScanWatch:
        super().__enter__()
        for i, layer in enumerate(self.model.backbone.layers):
            mixer = layer.mixer
            hook = lambda _, args, out, i=i, mixer=mixer: self.see(i, mixer, args[0], out)  # noqa: E731
            self._handles.append(mixer.x_proj.register_forward_hook(hook))
        return self

    def see(self, number: int, mixer: Any, x: torch.Tensor, projected: torch.Tensor) -> None:
        """Checks one step of a layer: every factor is 0 or 1, and where it is 1 the increments add up exactly.

        Raises:
            VerificationError: it is not so.
        """
        import torch
        from torch.nn import functional

        with torch.no_grad():
            rank, states = mixer.time_step_rank, mixer.ssm_state_size
            step, b, _ = torch.split(projected.reshape(-1, projected.shape[-1]), [rank, states, states], dim=-1)
            x = x.reshape(-1, x.shape[-1])
            dt = functional.softplus(step @ mixer.dt_proj.weight.T + mixer.dt_proj.bias.to(step.dtype)).float()
            rates = -torch.exp(mixer.A_log.float())
            for rate in torch.unique(rates, dim=1).unbind(1):
                factor = torch.exp(dt * rate)
                if not bool(((factor == 0) | (factor == 1)).all()):
                    raise VerificationError(f"layer {number}: a factor of the scan is neither 0 nor 1")
            # where B is 0 nothing is added
            some = (b != 0).any(0)
            factor, b = torch.exp(dt[..., None] * rates[:, some]), b[:, some]
            added = dt[..., None] * b.float()[:, None, :] * x.float()[..., None]
            exact = dt.double()[..., None] * b.double()[:, None, :] * x.double()[..., None]
            if not bool((added.double() == exact).all()):
                raise VerificationError(f"layer {number}: an increment of the scan rounds")
            kept = torch.where(factor == 1, added, torch.zeros_like(added)).double()
            if not bool((kept != 0).any()):
                return
            # a channel that counts: its sum over any segment is a difference of two states, plus what one step adds
            largest = torch.zeros(rates.shape, dtype=torch.float64)
            lowest = torch.full_like(largest, torch.inf)
            largest[:, some], lowest[:, some] = kept.abs().amax(0), lowest_bit(kept).amin(0)
            known = self.counted.get(number)
            self.counted[number] = (
                (largest, lowest) if known is None else (largest.maximum(known[0]), lowest.minimum(known[1]))
            )

    def check(self, low: State, high: State) -> tuple[int, int]:
        """As `Watch.check`, for the scans too."""
        for number, (largest, lowest) in self.counted.items():
            spread = (high[2 * number + 1] - low[2 * number + 1]).double()
            sizes = (spread + largest)[largest > 0] / lowest[largest > 0]
            self.scans = max(self.scans, float(sizes.max()))
        return super().check(low, high)
