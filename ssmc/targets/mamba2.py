"""The `mamba2` target: weights for the unmodified `Mamba2ForCausalLM` of transformers.

The time step of a Mamba-2 head is one linear form of the block's input: it is neither lagged nor an OR. So a layer takes two blocks:

* the gate block evaluates the gates of the layer's components one step late (convolution, SiLU: K or 0) and writes into the stream which
  components are reset and to what;
* in the scan block one or more heads belong to a component: dt = softplus(+-K) = K where it is reset and 0 elsewhere, x = K in the channel of the
  value, so h is 0 or the product dt * B * x of the last reset, never a sum.

The output is either one more gate block, or shares the last scan block, where y * SiLU(z) is an AND of the state and a gate.

The RMS norm behind the scan sees what the states are. It is pinned by a constant channel so large that the other squares do not reach the sum.
docs/targets.md has the derivation and the constants.
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

STATES, TAPS, HEAD = 16, 4, 8
"""State size, convolution width, channels of a head: so small that there are at least 8 heads, in multiples of 8, which `causal_conv1d` needs."""
PASS = 32.0
"""B and C pass through SiLU, which is the identity on this number in every dtype."""
SWELLS = {1 << 11: 2.0**18, 1 << 15: 2.0**20}
"""How much larger than every other channel the constant one is where there are fewer channels than this: its square is 2^25 times the sum of theirs."""


@dataclass
class Cell:
    """One inner channel of a block.

    Attributes:
        name: what it is, in words.
        x: the row that drives it.
        tap: how many steps back the convolution looks.
        z: the row of the other branch.
        owner: the component whose state it keeps; None for a channel that remembers nothing.
        to: what it writes where it is on, in units of R.
    """

    name: str
    x: Row
    tap: int = 0
    z: Row = field(default_factory=lambda: {ONE: 1})
    owner: int | None = None
    to: dict[Feature, float] = field(default_factory=dict)

    @property
    def on(self) -> float:
        """What reaches the norm where it is on."""
        return K * K if self.owner is None else K * PASS * K * PASS * K


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str]) -> StockWeights:
    """The weights of a cascade, with its output in a block of its own or in the last scan block, whichever has fewer parameters.

    Raises:
        TargetError: a window is wider than the convolution, or there are too many channels for the pinned norm.
        PrecisionError: a weight is not exact in `dtype`.
    """
    plan = Plan.of(cascade)
    if any(lag >= TAPS for lag, _ in plan.delays()):
        raise TargetError(f"mamba2: its convolution has {TAPS} taps, a window of {TAPS} symbols or more needs another")
    emissions = [Emission(plan, fused=fused) for fused in ((False, True) if plan.can_fuse else (False,))]
    best = min(emissions, key=lambda emission: (emission.parameters, emission.fused))
    if 2 * best.width >= max(SWELLS):
        raise TargetError(f"mamba2: {2 * best.width} channels, but the norm is pinned for fewer than {max(SWELLS)}")
    return best.weights(dtype, Vocabulary.of(cascade.automaton.alphabet, cascade.mode, patterns))


class Emission:
    """The blocks of one lowering, symbolic at first; `weights` fills the tensors."""

    def __init__(self, plan: Plan, *, fused: bool) -> None:
        self.plan, self.fused = plan, fused
        blocks: list[list[Cell]] = []
        for layer in range(1, plan.depth + 1):
            own = [k for k in plan.resets if plan.layer[k] == layer]
            blocks.append([cell for k in own for cell in self.gates(k)])
            blocks.append([] if fused and layer == plan.depth else [cell for k in own for cell in self.states(k)])
        gates = joined(plan)
        if fused:
            blocks[-1] = [cell for gate, to in gates.items() for cell in self.fuse(gate, to)]
        elif gates:
            blocks.append([Cell(f"output when {plan.name_gate(g)}", plan.row(g), to=to) for g, to in gates.items()])
        needed = {f for block in blocks for cell in block for f in (*cell.x, *cell.z)}
        delays = sorted(f for f in needed if f.kind == "letters" and f.b)
        early = [Cell(plan.name(f), plan.membership(f.a), tap=f.b, to={f: 2.0}) for f in delays]
        self.early = bool(early) and (not plan.resets or any(f in delays for c in blocks[0] for f in c.x))
        if self.early:
            blocks.insert(0, early)
        elif early:
            blocks[0] += early
        self.blocks = blocks or [[]]
        self.arrange()

    def gates(self, k: int) -> list[Cell]:
        """The cells that tell one step late that a component is reset, and to what."""
        cells = []
        for gate, value in self.plan.resets[k]:
            to = {Feature("resets", k): 2.0} | ({Feature("sets", k, value): 2.0} if value else {})
            name = f"{self.plan.cascade.components[k].name} := {value} when {self.plan.name_gate(gate)}"
            cells.append(Cell(name, self.plan.row(gate), tap=1, to=to))
        return cells

    def states(self, k: int) -> list[Cell]:
        """The cells that keep a component's value."""
        return [self.state(k, value, dict.fromkeys(self.plan.code(k, value), 2.0)) for value in self.values(k)]

    def values(self, k: int) -> list[int]:
        """The values other than 0 that a component is overwritten with."""
        return sorted({value for _, value in self.plan.resets[k]} - {0})

    def state(self, k: int, value: int, to: dict[Feature, float]) -> Cell:
        """The cell that is on while a component has a value."""
        name = f"{self.plan.cascade.components[k].name} = {value}"
        return Cell(name, {Feature("sets", k, value): 1}, owner=k, to=to)

    def fuse(self, gate: Unit, to: dict[Feature, float]) -> list[Cell]:
        """A gate of the outputs in the last scan block: what it asks of that layer is y, the rest is z."""
        plan = self.plan
        own, z = plan.cut(gate)
        name = f"output when {plan.name_gate(gate)}"
        always = Cell(name, {ONE: 1}, z=z, to=to)
        if own is None:
            return [always]
        values = plan.values(gate, own)
        cells, sign = ([always], -1.0) if 0 in values else ([], 1.0)
        for value in self.values(own):
            if (value in values) == (sign > 0):
                cell = self.state(own, value, {feature: sign * weight for feature, weight in to.items()})
                cell.z = z
                cells.append(cell)
        return cells

    def arrange(self) -> None:
        """Sets the features that some row reads (a reset's own among them) and the width; writes to others are dropped."""
        plan = self.plan
        cells = [cell for block in self.blocks for cell in block]
        needed = {f for cell in cells for f in (*cell.x, *cell.z)} - {ONE}
        needed |= {Feature("output", i) for i in range(len(plan.wires))}
        needed |= {Feature("resets", cell.owner) for cell in cells if cell.owner is not None}
        order = ("letters", "resets", "sets", "state", "output")
        rank = {kind: i for i, kind in enumerate(order)}
        self.features = [ONE, *sorted(needed, key=lambda f: (rank[f.kind], f.b if f.kind == "letters" else 0, f))]
        for cell in cells:
            cell.to = {f: w for f, w in cell.to.items() if f in needed}
        need = max([2 * len(self.features), *(len(self.lay(block)) for block in self.blocks)])
        # the norm's root mean square is the constant channel over the root of their number, which is a power of 4
        inner = 8 * HEAD
        while inner < need:
            inner *= 4
        self.width = inner // 2

    def lay(self, block: Sequence[Cell]) -> list[Cell | None]:
        """The cells in heads: first those that remember nothing, behind the constant channel; then each component's."""
        groups: dict[int | None, list[Cell | None]] = {None: [None]}
        for cell in block:
            groups.setdefault(cell.owner, []).append(cell)
        return [cell for own in groups.values() for cell in own + [None] * (-len(own) % HEAD)]

    @property
    def parameters(self) -> int:
        """The number of weights in the blocks, roughly."""
        return len(self.blocks) * 6 * self.width * self.width

    def weights(self, dtype: str, vocabulary: Vocabulary) -> StockWeights:
        """The tensors, with names."""
        residual = Coordinates.of(self.plan, self.features, self.width, R)
        inner, heads = 2 * self.width, 2 * self.width // HEAD
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
        bc = [f"{what} {n}" for what in "BC" for n in range(STATES)]
        names = {
            "tokens": vocabulary.names,
            "residual": residual.names(),
            "taps": [f"t-{TAPS - 1 - i}" for i in range(TAPS)],
            "one": ["-"],
        }
        for i, block in enumerate(self.blocks):
            prefix, own = f"backbone.layers.{i}.", f"blocks.{i}"
            cells = self.lay(block)
            cells += [None] * (inner - len(cells))
            channels = ["constant", *(cell.name if cell else f"unused {j}" for j, cell in enumerate(cells[1:], 1))]
            owners = [next((c.owner for c in cells[h * HEAD : (h + 1) * HEAD] if c), None) for h in range(heads)]
            parts = self.plan.cascade.components
            names[f"{own}.channels"] = channels
            names[f"{own}.heads"] = [
                f"head {h}: {'none' if k is None else parts[k].name}" for h, k in enumerate(owners)
            ]
            names[f"{own}.convolved"] = [*channels, *bc]
            names[f"{own}.projected"] = [*(f"gate of {c}" for c in channels), *channels, *bc, *names[f"{own}.heads"]]
            arrays |= {prefix + name: array for name, array in self.tensors(cells, owners, residual).items()}
            axes |= {
                prefix + "norm.weight": ["residual"],
                prefix + "mixer.A_log": [f"{own}.heads"],
                prefix + "mixer.D": [f"{own}.heads"],
                prefix + "mixer.dt_bias": [f"{own}.heads"],
                prefix + "mixer.conv1d.bias": [f"{own}.convolved"],
                prefix + "mixer.conv1d.weight": [f"{own}.convolved", "one", "taps"],
                prefix + "mixer.in_proj.weight": [f"{own}.projected", "residual"],
                prefix + "mixer.norm.weight": [f"{own}.channels"],
                prefix + "mixer.out_proj.weight": ["residual", f"{own}.channels"],
            }
        return StockWeights.of(self.config(dtype, vocabulary), arrays, names, axes, self.shape, vocabulary, self.note)

    def tensors(
        self, cells: Sequence[Cell | None], owners: Sequence[int | None], residual: Coordinates
    ) -> dict[str, Array]:
        """The tensors of one block."""
        inner = len(cells)
        z, x, b, c, dt = 0, inner, 2 * inner, 2 * inner + STATES, 2 * inner + 2 * STATES
        rows = np.zeros((dt + len(owners), self.width))
        conv = np.zeros((inner + 2 * STATES, 1, TAPS))
        conv[:, 0, -1] = 1
        out = np.zeros((self.width, inner))
        swell = next(swell for channels, swell in SWELLS.items() if inner < channels)
        largest = swell * max((cell.on for cell in cells if cell), default=K * K)
        # the constant channel is the product of two powers of two
        half = 2.0 ** (int(np.log2(largest)) // 2)
        rows[x, 0], rows[z, 0] = half, largest / half
        rows[b, 0] = rows[c, 0] = PASS
        for j, cell in enumerate(cells):
            if cell is None:
                continue
            residual.fill(rows[x + j], cell.x, K)
            residual.fill(rows[z + j], cell.z, K)
            conv[j, 0] = np.arange(TAPS) == TAPS - 1 - cell.tap
            for feature, weight in cell.to.items():
                out[residual.place[feature], j] = weight * R * largest / cell.on / inner**0.5
        for head, owner in enumerate(owners):
            if owner is not None:
                residual.fill(rows[dt + head], {Feature("resets", owner): 1}, K)
        free = np.array([owner is None for owner in owners])
        return {
            "norm.weight": np.ones(self.width),
            "mixer.A_log": np.zeros(len(owners)),
            "mixer.D": free.astype(np.float64),
            "mixer.dt_bias": np.where(free, -K, 0.0),
            "mixer.conv1d.bias": np.zeros(inner + 2 * STATES),
            "mixer.conv1d.weight": conv,
            "mixer.in_proj.weight": rows,
            "mixer.norm.weight": np.ones(inner),
            "mixer.out_proj.weight": out,
        }

    def config(self, dtype: str, vocabulary: Vocabulary) -> dict[str, Any]:
        """The content of `config.json`."""
        return {
            "architectures": ["Mamba2ForCausalLM"],
            "model_type": "mamba2",
            "dtype": dtype,
            "vocab_size": vocabulary.size,
            "hidden_size": self.width,
            "state_size": STATES,
            "num_hidden_layers": len(self.blocks),
            "layer_norm_epsilon": 1e-5,
            "expand": 2,
            "num_heads": 2 * self.width // HEAD,
            "head_dim": HEAD,
            "n_groups": 1,
            "conv_kernel": TAPS,
            "chunk_size": 256,
            "use_bias": False,
            "use_conv_bias": True,
            "hidden_act": "silu",
            "rms_norm": True,
            "residual_in_fp32": True,
            "tie_word_embeddings": False,
            **vocabulary.config(),
        }

    @property
    def note(self) -> str:
        """How the cascade was lowered."""
        first = ["a block for windows"] * self.early
        return ", ".join([*first, f"the output {'in the last scan block' if self.fused else 'in a block of its own'}"])

    @property
    def shape(self) -> Shape:
        """The size of the model."""
        cells = [cell for block in self.blocks for cell in block]
        scans = sum(cell.owner is not None for cell in cells)
        layers = [self.plan.layer.get(k, 0) for k in range(len(self.plan.cascade.components))]
        return Shape(self.plan.depth, len(self.blocks), scans, len(cells) - scans, TAPS, tuple(layers))
