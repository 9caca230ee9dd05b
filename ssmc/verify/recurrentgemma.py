"""The recurrent state of transformers' RecurrentGemma, which its modules keep themselves, and the conditions under which its scan does not round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssmc.errors import VerificationError
from ssmc.verify.mamba import check_taps
from ssmc.verify.sums import Columns, Watch, check_norm

if TYPE_CHECKING:
    import torch

    from ssmc.verify.recurrent import Recurrent, State


def adapt(model: Any) -> Recurrent:
    """The model with its state as tensors: for each recurrent layer the last inputs of the convolution, and the states of the RG-LRU.

    Raises:
        VerificationError: its attention layers are not silent.
    """
    return StatefulModel(model)


class StatefulModel:
    """A RecurrentGemma whose attention layers add exactly 0 and whose keys and values are 0."""

    def __init__(self, model: Any) -> None:
        self.model = model
        blocks = list(zip(model.config.layers_block_type, model.model.layers, strict=True))
        self.recurrent = [layer.temporal_block for kind, layer in blocks if kind == "recurrent"]
        self.attention = {i: layer.temporal_block for i, (kind, layer) in enumerate(blocks) if kind == "attention"}
        for i, block in self.attention.items():
            if any(bool((p != 0).any()) for p in block.parameters()):
                raise VerificationError(f"layer {i}: an attention layer that is not silent")

    def start(self, tokens: torch.Tensor) -> tuple[torch.Tensor, State]:
        """(N,) first tokens -> (N, vocabulary) logits, and the state after them."""
        return self.model(tokens[:, None], use_cache=True).logits[:, -1], self.state()

    def step(self, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """(N,) tokens and the state before them -> (N, vocabulary) logits, and the state after them.

        The position matters only in that it is not the first: there the class starts afresh.
        """
        import torch
        from transformers import DynamicCache

        cache = DynamicCache(config=self.model.config)
        for i, attention in self.attention.items():
            shape = (len(tokens), attention.num_key_value_heads, 1, attention.head_dim)
            nothing = torch.zeros(shape, dtype=self.model.dtype, device=tokens.device)
            cache.update(nothing, nothing.clone(), i)
        parts = iter(state)
        for block in self.recurrent:
            block.conv1d_state, block.rg_lru.recurrent_states = next(parts).clone(), next(parts).clone()
        found = self.model(tokens[:, None], past_key_values=cache, use_cache=True)
        return found.logits[:, -1], self.state()

    def state(self) -> State:
        """The tensors that the modules keep."""
        pairs = [(block.conv1d_state, block.rg_lru.recurrent_states) for block in self.recurrent]
        return tuple(tensor for pair in pairs for tensor in pair)

    def visible(self, state: State) -> State:
        """What later steps can tell apart: columns that meet a tap, and states that the output projection reads."""
        out: list[torch.Tensor] = []
        for i, block in enumerate(self.recurrent):
            # the memory holds width - 1 inputs; column j meets tap j, then moves one column down
            used = (block.conv_1d.weight[:, 0] != 0).long().cumsum(1) > 0
            out += [state[2 * i][:, used[:, :-1]], state[2 * i + 1][:, (block.linear_out.weight != 0).any(0)]]
        return tuple(out)

    def watch(self) -> GateWatch:
        """Checks every step while it is entered."""
        for i, block in enumerate(self.recurrent):
            check_taps(f"recurrent layer {i}", block.conv_1d)
        return GateWatch(self)


class GateWatch(Watch):
    """A watch that also looks at the gates of every RG-LRU."""

    def __init__(self, stateful: StatefulModel) -> None:
        super().__init__(stateful.model, ())
        self.stateful = stateful
        self.gates: dict[int, Columns] = {}

    def __enter__(self) -> GateWatch:
        super().__enter__()
        for name, module in self.model.named_modules():
            if type(module).__name__ == "RecurrentGemmaRMSNorm":
                hook = lambda m, args, name=name: check_norm(name, args[0], m.eps)  # noqa: E731
                self._handles.append(module.register_forward_pre_hook(hook))
        for i, block in enumerate(self.stateful.recurrent):
            self.gates.setdefault(i, Columns(f"recurrent layer {i}: gates"))
            see = lambda m, args, i=i: self.see(i, m, args[0])  # noqa: E731
            self._handles.append(block.rg_lru.register_forward_pre_hook(see))
        return self

    def see(self, number: int, unit: Any, inputs: torch.Tensor) -> None:
        """Checks one step of a layer: every factor is 0 or 1, what is added is the input where it is 0, and nothing where it is 1.

        Raises:
            VerificationError: it is not so.
        """
        import torch
        from torch.nn.functional import softplus

        self.gates[number].see(inputs)
        flat = inputs.reshape(1, -1, inputs.shape[-1])
        if unit.num_attention_heads != 1:
            raise VerificationError(f"recurrent layer {number}: gates in several heads")
        enter = torch.sigmoid(torch.baddbmm(unit.input_gate_bias[:, None], flat, unit.input_gate_weight))
        keep = torch.sigmoid(torch.baddbmm(unit.recurrent_gate_bias[:, None], flat, unit.recurrent_gate_weight))
        power = -8.0 * keep * softplus(unit.recurrent_param)
        factor, share = torch.exp(power), torch.sqrt(1 - torch.exp(2 * power))
        if not bool((((factor == 0) & (share == 1)) | ((factor == 1) & (share == 0))).all()):
            raise VerificationError(f"recurrent layer {number}: a factor of the scan is neither 0 nor 1")
        if not bool(((enter == 0) | (enter == 1)).all()):
            raise VerificationError(f"recurrent layer {number}: an input gate is neither 0 nor 1")

    def check(self, low: State, high: State) -> tuple[int, int]:
        """As `Watch.check`, for the gates too."""
        largest, scans = super().check(low, high)
        for i, block in enumerate(self.stateful.recurrent):
            for weight in (block.rg_lru.input_gate_weight, block.rg_lru.recurrent_gate_weight):
                largest = max(largest, int(self.gates[i].product(weight[0].T)))
        return largest, scans
