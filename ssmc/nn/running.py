"""`Model.run`: the answers of a network by whichever engine is faster, with the certificate that they are the network's own.

The engines besides the network run the automaton and the cascade that a model file carries. They answer for the network only where its
certificate says that it equals that automaton at every length, and only while its weights are those that the certificate is for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import torch

from ssmc.errors import InvariantError, SymbolError, UsageError, VerificationError
from ssmc.kernels.description import Description
from ssmc.kernels.engine import Runner
from ssmc.kernels.saying import Machines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ssmc.kernels.engine import Engine, Form
    from ssmc.kernels.saying import Said
    from ssmc.nn.model import Model, State

Output = Literal["bytes", "bits", "outcomes", "states", "final"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
CHUNK = {"cpu": 1 << 15, "cuda": 1 << 20}
"""Tokens (B * T) of one call of the network: bounds the memory of its logits."""


class Carried(NamedTuple):
    """Where a piece of some strings left off: the engine, what it remembers, and which strings are words so far (B,)."""

    engine: str
    states: Any
    accepted: Tensor


class Result(NamedTuple):
    """What `Model.run` returns.

    Attributes:
        outputs: of the kind that was asked for.
        state: what to give to the next call, with the symbols that follow.
        engine: which engine answered.
    """

    outputs: Tensor
    state: Carried
    engine: str


@dataclass(eq=False)
class Compiled:
    """What a network was compiled from.

    Attributes:
        automaton: `Automaton.to_json()`.
        cascade: `Cascade.to_json()`.
        predict: whether the network says which symbols may follow.
        certificate: what was proved, or None.
        tensors: the weights as they were read or compiled.
    """

    automaton: Mapping[str, Any]
    cascade: Mapping[str, Any]
    predict: bool
    certificate: Mapping[str, Any] | None
    tensors: Mapping[str, Tensor]
    _runner: Runner | None = None
    _proved: bool | None = None
    _tensors: dict[torch.device, dict[str, Tensor]] = field(default_factory=dict)

    def runner(self, model: Model) -> Runner:
        """The engines of a network.

        Raises:
            InvariantError: the automaton or the cascade is damaged.
        """
        if self._runner is None:
            try:
                described = Description.from_json(self.automaton, self.cascade, predict=self.predict)
            except InvariantError:
                # a component that the fast path does not know leaves the automaton's own engines
                described = Description.from_json(self.automaton, None, predict=self.predict)
            sizes = (len(described.classes), described.outcomes.shape[1])
            if sizes != (model.config["symbols"], model.config["outputs"]):
                raise InvariantError("the automaton is not over the symbols and outputs of the network")
            self._runner = Runner(Machines(described))
        self._runner.network = NetworkEngine(model, self._runner.machines.description)
        return self._runner

    @property
    def outcomes(self) -> Tensor:
        """(outcomes, outputs) bool: what each outcome says, in the order of the network's outputs.

        Raises:
            InvariantError: nothing has been run.
        """
        if self._runner is None:
            raise InvariantError("outcomes are known after the first run")
        return torch.from_numpy(self._runner.machines.description.outcomes)

    def doubt(self, model: Model) -> str | None:
        """Why the certificate does not speak for the network as it is now; None where it does."""
        if self._proved is None:
            proof = self.certificate or {}
            self._proved = proof.get("sha256") == weights_digest(self.tensors) and proof.get("lengths") == "all"
        if not self._proved:
            return "no certificate says that this network equals its automaton at every length"
        present = {name: tensor.detach() for name, tensor in model.named_parameters()}
        device = model.initial_logits.device
        if device not in self._tensors:
            self._tensors = {device: {name: tensor.to(device) for name, tensor in self.tensors.items()}}
        proved = self._tensors[device]
        same = present.keys() == proved.keys() and all(present[name].dtype == proved[name].dtype for name in proved)
        # one answer for all of them: on a GPU each would wait for the device
        if not same or not bool(torch.stack([(present[name] == proved[name]).all() for name in proved]).all()):
            return "the weights are no longer those that the certificate is for"
        return None


def weights_digest(tensors: Mapping[str, Tensor]) -> str:
    """The digest of a certificate: SHA-256 over names, dtypes, shapes and bytes of the tensors, in name order."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        data = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {data.dtype} {tuple(data.shape)}\n".encode())
        digest.update(data.view(torch.uint8).numpy().tobytes() if data.numel() else b"")
    return digest.hexdigest()


class Listened(NamedTuple):
    """Where the network left off: its state, what it said last (B, O), and whether an illegal symbol was read (B,)."""

    state: State | None
    last: Tensor
    dead: Tensor


class NetworkEngine:
    """A network as an engine: its logits as answers, in predict mode none after the first illegal symbol."""

    def __init__(self, model: Model, description: Description) -> None:
        self.model = model
        self.description = description
        self.rows = torch.from_numpy(description.outcomes)
        # the key of a row is two sums of random numbers, exact in float32; keys are drawn until those of all outcomes differ
        rng = np.random.default_rng(0)
        while True:
            self.weights = torch.from_numpy(rng.integers(0, 1 << 14, (self.rows.shape[1], 2)).astype(np.float32))
            keys = self._keys(self.rows)
            if len(set(keys.tolist())) == len(keys):
                break
        self.keys, self.order = keys.sort()

    def _keys(self, said: Tensor) -> Tensor:
        sums = said.float() @ self.weights
        return sums[..., 0].long() << 32 | sums[..., 1].long()

    def __call__(self, tokens: Tensor, states: Listened | None, said: Said) -> tuple[Tensor, Listened]:
        """Outcomes or accept bits (B, T) of tokens (B, T), and where they left off.

        Raises:
            VerificationError: outcomes are asked for, and the network says what its automaton never does.
        """
        device, rows = self.model.initial_logits.device, len(tokens)
        if self.rows.device != device:
            moved = (x.to(device) for x in (self.rows, self.weights, self.keys, self.order))
            self.rows, self.weights, self.keys, self.order = moved
        if states is None:
            first = (self.model.initial_logits.detach() > 0).expand(rows, -1)
            states = Listened(None, first, torch.zeros(rows, dtype=torch.bool, device=device))
        step = max(1, CHUNK["cuda" if device.type == "cuda" else "cpu"] // max(1, rows))
        parts = [torch.empty(rows, 0, dtype=torch.int64, device=device)]
        with torch.inference_mode():
            for start in range(0, tokens.shape[1], step):
                numbers, states = self._stretch(tokens[:, start : start + step].to(device).long(), states, said)
                parts.append(numbers)
            return torch.cat(parts, 1), states

    def _stretch(self, tokens: Tensor, before: Listened, said: Said) -> tuple[Tensor, Listened]:
        logits, state = self.model(tokens, before.state)
        rows = logits > 0
        dead = before.dead[:, None].expand(tokens.shape)
        if self.description.predict:
            first = rows.shape[2] - len(self.description.classes)
            previous = torch.cat([before.last[:, None], rows[:, :-1]], 1)
            illegal = ~previous.gather(2, first + tokens[..., None])[..., 0]
            dead = torch.cummax((illegal | dead).byte(), 1).values.bool()
        after = Listened(state, rows[:, -1], dead[:, -1])
        if said == "accept":
            return (rows[..., 0] & ~dead).long(), after
        place = torch.searchsorted(self.keys, self._keys(rows)).clamp(max=len(self.keys) - 1)
        numbers = self.order[place]
        if not bool(((self.rows[numbers] == rows).all(-1) | dead).all()):
            raise VerificationError("the network says what no prefix of its language has")
        return numbers.masked_fill(dead, self.description.dead), after


def run_model(
    model: Model, tokens: Tensor, state: Carried | None, *, engine: Engine = "auto", output: Output = "bytes"
) -> Result:
    """`Model.run`.

    Raises:
        UsageError: the engine does not run there, cannot say that, or does not speak for this network.
        SymbolError: a token is outside of the alphabet.
        VerificationError: two engines disagree.
    """
    compiled = model.compiled
    if compiled is None:
        raise UsageError("this network carries no language: compile it or load it from a model file")
    if output not in OUTPUTS:
        raise UsageError(f"unknown output {output!r}; the outputs are {', '.join(OUTPUTS)}")
    runner = compiled.runner(model)
    described = runner.machines.description
    said: Said = "outcomes" if output == "outcomes" else "states" if output == "states" else "accept"
    if state is not None:
        if engine not in ("auto", state.engine):
            raise UsageError(f"the piece before was run by the engine {state.engine}, so this one is, not by {engine}")
        engine = state.engine  # type: ignore[assignment]
    reason = compiled.doubt(model)
    if reason is not None:
        if engine not in ("auto", "network"):
            raise UsageError(f"{reason}, so only the engine network answers for it, not {engine}")
        engine = "network"
    tokens = _checked(tokens, len(described.classes))
    form: Form = (
        "numbers" if not tokens.shape[1] else "bits" if output == "bits" else "last" if output == "final" else "numbers"
    )
    run = runner.run(tokens, None if state is None else state.states, engine=engine, said=said, form=form, checked=True)
    outputs = run.outputs
    if tokens.shape[1]:
        if form == "bits":
            last = outputs[:, -1] >> ((tokens.shape[1] - 1) % 8) & 1
        else:
            last = outputs if form == "last" else outputs[:, -1]
        told = described.outcomes[described.state_outcome if said == "states" else slice(None), 0]
        accepted = last.bool() if said == "accept" else torch.from_numpy(told).to(last.device)[last.long()]
    elif state is not None:
        accepted = state.accepted
    else:
        accepted = torch.full((len(tokens),), bool(described.outcomes[described.initial, 0]), device=tokens.device)
    if output == "final":
        outputs = accepted.to(torch.uint8)
    return Result(outputs, Carried(run.engine, run.states, accepted), run.engine)


def _checked(tokens: Tensor, symbols: int) -> Tensor:
    if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
        raise SymbolError(f"tokens must be integers, not {tokens.dtype}")
    if tokens.dim() != 2:
        raise UsageError(f"tokens must be (B, T), not {tuple(tokens.shape)}")
    if tokens.numel() and not (tokens.dtype == torch.uint8 and symbols >= 256):
        low, high = (int(x) for x in tokens.aminmax())
        if low < 0 or high >= symbols:
            raise SymbolError(f"token {low if low < 0 else high} is outside 0..{symbols - 1}")
    return tokens
