"""The `mamba` target: weights for the unmodified `MambaForCausalLM` of transformers.

One block computes the reset components of one layer. Its inner channels are

* x, after the convolution (one tap, one step late) and SiLU: K where a gate of a component is on, 0 elsewhere;
* dt = softplus(2 * (sum of the component's x) - K): K or 0, so the scan's factor exp(-dt) is 0 (reset) or 1 (hold);
* h: 1/K * x * dt where the gate was on at the last reset, so one channel of a component is K, the others 0, and all 0 at the start;
* y * SiLU(z), with z = K (or, in the last block, another gate): K^2 or 0, which the output projection turns from -R to +R.

A block before these writes what the symbols of a window were, and counts: a channel with A so small that its factor rounds to 1, a constant x,
and B = the increment, sums exactly. A raw count would upset the pinned RMS norm of the next block, so one coordinate becomes so large there that
the rest does not reach the sum of squares; that block compares the counts with their thresholds and takes both away again. docs/targets.md has
the derivation and the constants.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import TargetError
from ssmc.targets.interface import Shape
from ssmc.targets.plan import ONE, Feature, Plan, Row, joined
from ssmc.targets.residual import MAGNITUDE as R
from ssmc.targets.residual import SATURATED as K
from ssmc.targets.stock import Coordinates, StockWeights
from ssmc.targets.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.stock import Array
    from ssmc.targets.stream import Unit

STATES, TAPS = 16, 4
"""State size and convolution width: the defaults of the class."""
KEEP = -40.0
"""A_log of a counter's state: exp(KEEP) * K is below half an ulp of 1, so the factor is exactly 1."""
SWAMP = Feature("swamp")


@dataclass
class Channel:
    """One inner channel of a block.

    Attributes:
        name: what it is, in words.
        x: the row that drives it; with `ONE` alone a constant.
        tap: how many steps back the convolution looks.
        z: the row of the other branch.
        resets: the component that it belongs to; None for a channel that remembers nothing.
        feeds: whether its x resets the component.
        adds: the state index of the counter that it is.
        counts: the state index of the counter that it increments, and by how much.
        to: what it writes where y * SiLU(z) = K^2, in units of R.
    """

    name: str
    x: Row
    tap: int = 0
    z: Row = field(default_factory=lambda: {ONE: 1})
    resets: int | None = None
    feeds: bool = False
    adds: int | None = None
    counts: tuple[int, int] | None = None
    to: dict[Feature, float] = field(default_factory=dict)

    @property
    def owner(self) -> tuple[str, int] | None:
        """Whose time step it has; None for a channel that remembers nothing."""
        if self.adds is not None:
            return ("counters", 0)
        return None if self.resets is None else ("component", self.resets)


@dataclass
class Block:
    """A block: its channels, and how much smaller its normalised features are than 1."""

    channels: list[Channel] = field(default_factory=list)
    scale: float = 1.0


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> StockWeights:
    """The weights of a cascade, with its output in a block of its own or in the last one, whichever has fewer parameters.

    Raises:
        TargetError: a window is wider than the convolution, or there are more counters than states.
        PrecisionError: a weight is not exact in `dtype`.
    """
    plan = Plan.of(cascade)
    if any(lag >= TAPS for lag, _ in plan.delays()):
        raise TargetError(f"mamba: its convolution has {TAPS} taps, a window of {TAPS} symbols or more needs another")
    if len(plan.counters) > STATES:
        raise TargetError(f"mamba: {len(plan.counters)} counters, but {STATES} states a channel")
    emissions = [Emission(plan, fused=fused) for fused in ((False, True) if plan.can_fuse else (False,))]
    best = min(emissions, key=lambda emission: (emission.parameters, emission.fused))
    return best.weights(dtype, Vocabulary.of(cascade.automaton.alphabet, cascade.mode, patterns))


class Emission:
    """The blocks of one lowering, symbolic at first; `weights` fills the tensors."""

    def __init__(self, plan: Plan, *, fused: bool) -> None:
        self.plan, self.fused = plan, fused
        scans = [Block() for _ in range(plan.depth)]
        for k, pairs in plan.resets.items():
            if not (fused and plan.layer[k] == plan.depth):
                scans[plan.layer[k] - 1].channels += [self.reset(k, *pair, plan.code(k, pair[1])) for pair in pairs]
        gates = joined(plan)
        if fused:
            scans[-1].channels += [channel for gate, to in gates.items() for channel in self.fuse(gate, to)]
            self.feed(scans[-1])
        elif gates:
            scans.append(Block([self.tell(gate, to) for gate, to in gates.items()]))
        needed = {f for block in scans for channel in block.channels for f in (*channel.x, *channel.z)}
        self.swell = 0
        delays = sorted(f for f in needed if f.kind == "letters" and f.b)
        self.early = bool(delays or plan.counters)
        if self.early:
            scans.insert(0, self.memoryless(delays))
        if plan.counters:
            self.compare(scans[1], sorted(f for f in needed if f.kind == "over"))
        self.blocks = [block for block in scans if block.channels] or [Block()]
        self.features = self.arrange()

    def arrange(self) -> list[Feature]:
        """The features that some row reads and the outputs; sets the width, and how far the swamp must swell. Writes to others are dropped."""
        plan = self.plan
        needed = {f for block in self.blocks for channel in block.channels for f in (*channel.x, *channel.z)} - {ONE}
        needed |= {Feature("output", i) for i in range(len(plan.wires))} | ({SWAMP} if plan.counters else set())
        order = ("letters", "state", "over", "output", "raw", "swamp")
        features = [ONE, *sorted(needed, key=lambda f: (order.index(f.kind), f.b if f.kind == "letters" else 0, f))]
        need = max([len(features), *((len(block.channels) + 2) // 2 for block in self.blocks)])
        # with a swamp the root mean square is R * 2^swell / sqrt(width), so the width is a power of 4
        self.width = 16
        while self.width < need:
            self.width *= 4 if plan.counters else 2
        if plan.counters:
            components = [plan.cascade.components[k] for k in plan.counters]
            squares = self.width + sum(max((1 + v) ** 2 for v in (c.values[0], c.values[-1])) for c in components)
            while 4**self.swell <= squares << 25:
                self.swell += 1
            self.blocks[1].scale = 2.0**self.swell / self.width**0.5
        for block in self.blocks:
            for channel in block.channels:
                if channel.name == "swamp":
                    channel.to[SWAMP] *= 2.0**self.swell
                channel.to = {f: w for f, w in channel.to.items() if f in features}
        return features

    def reset(self, k: int, gate: Unit, value: int, code: Sequence[Feature]) -> Channel:
        """The channel that remembers that a gate was the last one of its component to be on."""
        name = f"{self.plan.cascade.components[k].name} := {value} when {self.plan.name_gate(gate)}"
        return Channel(name, self.plan.row(gate), tap=1, resets=k, feeds=True, to=dict.fromkeys(code, 2.0))

    def tell(self, gate: Unit, to: dict[Feature, float]) -> Channel:
        """The channel of a gate of the outputs."""
        return Channel(f"output when {self.plan.name_gate(gate)}", self.plan.row(gate), to=to)

    def fuse(self, gate: Unit, to: dict[Feature, float]) -> list[Channel]:
        """A gate of the outputs in the last scan block: what it asks of that layer is y, the rest is z."""
        plan = self.plan
        k, z = plan.cut(gate)
        name = f"output when {plan.name_gate(gate)}"
        if k is None:
            return [Channel(name, {ONE: 1}, z=z, to=to)]
        values = plan.values(gate, k)
        parts, sign = [], 1.0
        if 0 in values:
            parts, sign = [Channel(name, {ONE: 1}, z=z, to=to)], -1.0
        for other, value in plan.resets[k]:
            if (value in values) == (sign > 0):
                part = self.reset(k, other, value, ())
                part.name, part.feeds = f"{part.name}, {name}", False
                part.z, part.to = z, {feature: sign * weight for feature, weight in to.items()}
                parts.append(part)
        return parts

    def feed(self, block: Block) -> None:
        """Makes one channel of each gate of the last layer reset its component, adding it where there is none."""
        for k, pairs in self.plan.resets.items():
            if self.plan.layer[k] != self.plan.depth:
                continue
            for gate, value in pairs:
                row = self.plan.row(gate)
                own = next((c for c in block.channels if c.resets == k and c.x == row), None)
                if own is None:
                    block.channels.append(own := self.reset(k, gate, value, ()))
                own.feeds = True

    def memoryless(self, delays: Sequence[Feature]) -> Block:
        """The first block: earlier symbols, and counters."""
        plan, block = self.plan, Block()
        for feature in delays:
            block.channels.append(
                Channel(plan.name(feature), plan.membership(feature.a), tap=feature.b, to={feature: 2.0})
            )
        for index, (k, increments) in enumerate(plan.counters.items()):
            name = plan.cascade.components[k].name
            block.channels.append(Channel(name, {ONE: 1}, adds=index, to={Feature("raw", k): K}))
            for classes, add in increments:
                # every channel sees every B, so what another counter adds now is in this one's y
                others: dict[Feature, float] = {Feature("raw", j): -float(add) for j in plan.counters if j != k}
                row = plan.membership(classes)
                block.channels.append(Channel(f"{name}: {add:+d}", row, tap=1, counts=(index, add), to=others))
        if plan.counters:
            block.channels += self.swamping(1)
        return block

    def compare(self, block: Block, thresholds: Sequence[Feature]) -> None:
        """The channels that compare counts with thresholds, and restore the stream."""
        plan = self.plan
        for feature in thresholds:
            # of two neighbouring integers' positive parts the difference is 0 or 1
            for above, sign in ((0, 2.0), (1, -2.0)):
                row = {Feature("raw", feature.a): 1, ONE: -(feature.b + 1 + above)}
                block.channels.append(Channel(f"{plan.name(feature)}, {above}", row, to={feature: sign}))
        for k in plan.counters:
            for sign, part in ((1, "positive"), (-1, "negative")):
                row = {Feature("raw", k): sign, ONE: -sign}
                name = f"{plan.cascade.components[k].name}, {part} part"
                block.channels.append(Channel(name, row, to={Feature("raw", k): -float(sign)}))
        block.channels += self.swamping(-1)

    def swamping(self, sign: int) -> list[Channel]:
        """The channels that make one coordinate R * 2^swell, or R again."""
        return [
            Channel("swamp", {ONE: 1}, to={SWAMP: sign * 1.0}),
            Channel("swamp, what was there", {ONE: 1}, to={SWAMP: -sign * 1.0}),
        ]

    @property
    def parameters(self) -> int:
        """The number of weights in the blocks, roughly."""
        return len(self.blocks) * 6 * self.width * self.width

    def weights(self, dtype: str, vocabulary: Vocabulary) -> StockWeights:
        """The tensors, with names."""
        residual = Coordinates.of(self.plan, self.features, self.width, R)
        rank = max([1, *(len(_owners(block)) for block in self.blocks)])
        arrays = {
            "backbone.embeddings.weight": residual.embedding(vocabulary),
            "backbone.norm_f.weight": np.ones(self.width),
            "lm_head.weight": residual.head(vocabulary),
        }
        axes = {
            "backbone.embeddings.weight": ["tokens", "residual"],
            "backbone.norm_f.weight": ["residual"],
            "lm_head.weight": ["tokens", "residual"],
        }
        names = {
            "tokens": vocabulary.names,
            "residual": residual.names(),
            "states": [f"state {n}" for n in range(STATES)],
            "taps": [f"t-{TAPS - 1 - i}" for i in range(TAPS)],
            "one": ["-"],
            "steps": [f"dt {r}" for r in range(rank)],
            "steps, B, C": [f"{what} {n}" for what, count in (("dt", rank), ("B", STATES), ("C", STATES)) for n in range(count)],
        }  # fmt: skip
        for i, block in enumerate(self.blocks):
            prefix, inner = f"backbone.layers.{i}.", f"blocks.{i}.channels"
            own = [channel.name for channel in block.channels]
            own = ["constant", *own, *(f"unused {j}" for j in range(1 + len(own), 2 * self.width))]
            names |= {inner: own, f"{inner}, gates": [*own, *(f"gate of {name}" for name in own)]}
            arrays |= {prefix + name: array for name, array in self.tensors(block, residual, rank).items()}
            arrays[prefix + "norm.weight"] = np.ones(self.width)
            axes |= {
                prefix + "norm.weight": ["residual"],
                prefix + "mixer.A_log": [inner, "states"],
                prefix + "mixer.D": [inner],
                prefix + "mixer.conv1d.bias": [inner],
                prefix + "mixer.conv1d.weight": [inner, "one", "taps"],
                prefix + "mixer.dt_proj.bias": [inner],
                prefix + "mixer.dt_proj.weight": [inner, "steps"],
                prefix + "mixer.in_proj.weight": [f"{inner}, gates", "residual"],
                prefix + "mixer.out_proj.weight": ["residual", inner],
                prefix + "mixer.x_proj.weight": ["steps, B, C", inner],
            }
        return StockWeights.of(self.config(dtype, vocabulary, rank), arrays, names, axes, self.shape, vocabulary, self.note)  # fmt: skip

    def tensors(self, block: Block, residual: Coordinates, rank: int) -> dict[str, Array]:
        """The tensors of one block's mixer. Channel 0 is the constant K."""
        inner, owners = 2 * self.width, _owners(block)
        rows = np.zeros((2 * inner, self.width))
        conv = np.zeros((inner, 1, TAPS))
        conv[:, 0, -1] = 1
        project = np.zeros((rank + 2 * STATES, inner))
        step, bias = np.zeros((inner, rank)), np.full(inner, -K)
        decay, skip = np.zeros((inner, STATES)), np.zeros(inner)
        out = np.zeros((self.width, inner))
        rows[0, 0] = K * block.scale
        if any(channel.resets is not None for channel in block.channels):
            project[rank, 0], project[rank + STATES, 0] = K**-2, 1 / K
        for j, channel in enumerate(block.channels, 1):
            residual.fill(rows[j], channel.x, K * block.scale)
            residual.fill(rows[inner + j], channel.z, K * block.scale)
            conv[j, 0] = np.arange(TAPS) == TAPS - 1 - channel.tap
            if channel.owner is None:
                skip[j] = 1
            else:
                own = owners.index(channel.owner)
                step[j, own] = 1
                project[own, j] = 2 if channel.feeds else 0
            if channel.adds is not None:
                project[own, 0] = 2
                project[rank + STATES + channel.adds, 0] = 1 / K
                decay[j, channel.adds] = KEEP
            if channel.counts is not None:
                project[rank + channel.counts[0], j] = channel.counts[1] / K**3
            for feature, weight in channel.to.items():
                out[residual.place[feature], j] = weight * R / K**2
        return {
            "mixer.A_log": decay,
            "mixer.D": skip,
            "mixer.conv1d.bias": np.zeros(inner),
            "mixer.conv1d.weight": conv,
            "mixer.dt_proj.bias": bias,
            "mixer.dt_proj.weight": step,
            "mixer.in_proj.weight": rows,
            "mixer.out_proj.weight": out,
            "mixer.x_proj.weight": project,
        }

    def config(self, dtype: str, vocabulary: Vocabulary, rank: int) -> dict[str, Any]:
        """The content of `config.json`."""
        return {
            "architectures": ["MambaForCausalLM"],
            "model_type": "mamba",
            "dtype": dtype,
            "vocab_size": vocabulary.size,
            "hidden_size": self.width,
            "state_size": STATES,
            "num_hidden_layers": len(self.blocks),
            "layer_norm_epsilon": 1e-5,
            "expand": 2,
            "conv_kernel": TAPS,
            "use_bias": False,
            "use_conv_bias": True,
            "hidden_act": "silu",
            "residual_in_fp32": True,
            "time_step_rank": rank,
            "tie_word_embeddings": False,
            **vocabulary.config(),
        }

    @property
    def note(self) -> str:
        """How the cascade was lowered."""
        first = ["a block for counters" if self.plan.counters else "a block for windows"] * self.early
        return ", ".join([*first, f"the output {'in the last scan block' if self.fused else 'in a block of its own'}"])

    @property
    def shape(self) -> Shape:
        """The size of the model."""
        channels = [channel for block in self.blocks for channel in block.channels]
        scans = sum(channel.owner is not None for channel in channels)
        layers = [self.plan.layer.get(k, 0) for k in range(len(self.plan.cascade.components))]
        return Shape(self.plan.depth, len(self.blocks), scans, len(channels) - scans, TAPS, tuple(layers))


def _owners(block: Block) -> list[tuple[str, int]]:
    """What has a time step of its own: each reset component, and all counters together."""
    return list(dict.fromkeys(channel.owner for channel in block.channels if channel.owner is not None))
