"""The native targets: weights for `ssmc.nn.Model` from a cascade.

A scan component with n values takes the channels of its code; its gate is 1 - (sum of its units), its increment the sum of the codes that its
units write; a unit that toggles counts twice in the gate. A permutation's matrix is the identity plus, for each unit, what its map changes; a
rotation's gate is 1 plus, for each unit, w^k - 1. The units of one component are pairwise disjoint products, so gates and increments are exact
(those of rotations as exact as float32) and well behaved on every input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.cascade.bundle import Bundle
from ssmc.cascade.ir import Action
from ssmc.errors import LimitError
from ssmc.targets.gates import (
    FORMS,
    Form,
    column_entries,
    describe_component,
    form_of,
    images_of,
    points,
    turn_entries,
)
from ssmc.targets.layout import blocks, code, windows
from ssmc.targets.logits import PlainHead, SideHead
from ssmc.targets.sides import SidePlanner
from ssmc.targets.stream import Feature, Stream, Unit
from ssmc.targets.terms import Planner
from ssmc.targets.weights import LOGIT, Weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.logits import Head

    Array = NDArray[np.float64]


ENTRIES = 1 << 27
"""The most numbers in the column-one-hot matrices of a block: n^2 for each unit and each component of n values."""


def lower(cascade: Cascade, dtype: str, patterns: Sequence[str], architecture: str = "native") -> Weights:
    """The native weights of a cascade.

    Args:
        cascade: a checked cascade.
        dtype: of the weights.
        patterns: the name of each pattern of a pattern set.
        architecture: the target that asks; rotations turn in `native-complex` and permute elsewhere.

    Raises:
        PrecisionError: a weight is not exact in `dtype`.
        LimitError: the matrices of permutations are too large.
    """
    if isinstance(cascade, Bundle):
        sides = SidePlanner(cascade)
        head: Head = SideHead(cascade, sides)
        return Emission(cascade, Stream(cascade, sides.delayed, sides), sides, head, patterns, architecture).weights(
            dtype
        )
    delayed = windows(cascade)
    planner = Planner(cascade, delayed)
    planner.choose_codes()
    head = PlainHead(cascade, planner)
    return Emission(cascade, Stream(cascade, delayed, planner), planner, head, patterns, architecture).weights(dtype)


class Emission:
    """The working state of one lowering: units resolved, coordinates placed, tensors filled."""

    def __init__(
        self,
        cascade: Cascade,
        stream: Stream,
        planner: Planner | SidePlanner,
        head: Head,
        patterns: Sequence[str],
        architecture: str,
    ) -> None:
        self.cascade, self.stream, self.planner, self.patterns = cascade, stream, planner, patterns
        self.architecture = architecture
        self.form: list[Form] = [form_of(component, architecture) for component in cascade.components]
        self.block_of = blocks(cascade, stream.delayed)
        self.depth = 1 + max((b for b in self.block_of if b is not None), default=-1)
        self.actions = {
            k: [(action, unit) for action, product in planner.moves(k) if (unit := stream.unit(product)) is not None]
            for k, block in enumerate(self.block_of)
            if block is not None
        }
        self.outputs = head.outputs(stream)
        self.head = self.outputs.units
        stream.require([*(unit for pairs in self.actions.values() for _, unit in pairs), *self.head])
        self.base = len(stream.letters) + len(stream.delays)
        self.features: list[list[Feature]] = [[] for _ in range(self.depth)]
        self.place: dict[tuple[int, int], int] = {}
        for b in range(self.depth):
            for k in self.members(b):
                start = self.base + sum(map(len, self.features))
                own = stream.features(k)
                self.place |= {(k, i): start + i for i in range(len(own))}
                self.features[b] += own
        self.config: dict[str, Any] = {}
        self.tensors: dict[str, Array] = {}
        self.names: dict[str, list[str]] = {}
        self.axes: dict[str, list[str]] = {}

    def members(self, block: int, form: Form | None = None) -> list[int]:
        """The components of a block, or those of a form, in the order of their states."""
        every = [(FORMS.index(self.form[k]), k) for k, b in enumerate(self.block_of) if b == block]
        return [k for _, k in sorted(every) if form in (None, self.form[k])]

    def start(self, k: int) -> int:
        """The column of its block's state where a component begins."""
        members = self.members(self.block_of[k] or 0)
        return sum(self.width(j) for j in members[: members.index(k)])

    def width(self, k: int) -> int:
        """The number of columns of state of a component."""
        component = self.cascade.components[k]
        if self.form[k] != "diagonal":
            return component.size if self.form[k] == "columns" else 2
        if component.kind == "counter":
            return 1
        return len(code(0, component.size, self.planner.coding.get(k, "one-hot")))

    def weights(self, dtype: str) -> Weights:
        """All of it."""
        stream, alphabet = self.stream, self.cascade.automaton.alphabet
        names = [stream.name_letters(i) for i in range(len(stream.letters))]
        self.names["letters"] = names
        self.names["stream"] = [*names, *(stream.name_letters(i, lag) for i, lag in stream.delays)]
        rows = np.array([[s >> c & 1 for s in stream.letters] for c in range(alphabet.class_count)], dtype=np.float64)
        rows = rows.reshape(alphabet.class_count, len(stream.letters))
        self.tensors["embedding.weight"] = rows[np.array(alphabet.classes, dtype=np.int64)]
        self.axes["embedding.weight"] = ["symbols", "letters"]
        first = {pair: len(names) + i for i, pair in enumerate(stream.delays)}
        self.config = {
            "architecture": self.architecture,
            "dtype": dtype,
            "mode": self.cascade.mode,
            "symbols": alphabet.size,
            "letters": len(names),
            "delay": [first[i, lag - 1] if lag > 1 else i for i, lag in stream.delays],
            "lags": [lag for _, lag in stream.delays],
            "blocks": [self.block(b) for b in range(self.depth)],
            "head": {"units": len(self.head), **self.outputs.config},
            "components": [self.component(k) for k in range(len(self.cascade.components))],
        }
        self.logits()
        return Weights.of(self.config, self.tensors, self.names, self.axes)

    def component(self, k: int) -> dict[str, Any]:
        """The description of a component that `check` and proofs read."""
        component = self.cascade.components[k]
        common = {"name": component.name, "kind": component.kind, "values": component.size, "low": component.low}
        if (window := self.stream.delayed.get(k)) is not None:
            return {**common, "block": None, "lag": window.lag, "classes": list(window.values)}
        block = self.block_of[k]
        scanned = {"block": block, "start": self.start(k), "channels": self.width(k), "latch": component.latch}
        if component.kind == "counter":
            return {**common, **scanned, "saturating": component.saturating}
        codes = [list(self.code(k, v)) for v in range(component.size)]
        return {**common, **scanned, **describe_component(self.form[k], component.size, component.kind, codes)}

    def code(self, k: int, value: int) -> tuple[int, ...]:
        """The channels of a component's value."""
        component = self.cascade.components[k]
        if component.kind == "counter":
            return (value,)
        return code(value, component.size, self.planner.coding.get(k, "one-hot"))

    def block(self, b: int) -> dict[str, Any]:
        """Fills the tensors of a block and appends its features to the stream; its part of the configuration."""
        pairs = [(k, action, unit) for k in self.members(b) for action, unit in self.actions[k]]
        units = list(dict.fromkeys(unit for _, _, unit in pairs))
        number = {unit: i for i, unit in enumerate(units)}
        prefix = f"blocks.{b}"
        self.terms(prefix, units)
        sizes: dict[str, Any] = {"units": len(units), "channels": self.diagonal(b, number)}
        if columns := self.members(b, "columns"):
            self.columns(f"{prefix}.columns", columns, number)
            sizes["columns"] = [self.cascade.components[k].size for k in columns]
        if turns := self.members(b, "turn"):
            self.turns(prefix, turns, number)
            sizes["turns"] = [self.cascade.components[k].size for k in turns]
        read = [feature for feature in self.features[b] if self.form[feature.component] != "turn"]
        self.tensors[f"{prefix}.threshold"] = np.array([f.threshold for f in read], dtype=np.float64)
        self.names[f"{prefix}.features"] = [self.stream.name_feature(f) for f in read]
        self.axes[f"{prefix}.threshold"] = [f"{prefix}.features"]
        self.names["stream"] += [self.stream.name_feature(f) for f in self.features[b]]
        # the one-hot vector of n values has a column for value 0, which needs no feature
        shift = {k: self.start(k) + (self.form[k] == "columns") for k in self.members(b)}
        return {**sizes, "source": [shift[f.component] + f.channel for f in read]}

    def diagonal(self, b: int, number: Mapping[Unit, int]) -> int:
        """Fills gates and increments of the diagonal channels of a block; how many there are."""
        prefix, members = f"blocks.{b}", self.members(b, "diagonal")
        names = [
            f"{self.cascade.components[k].name} {self.stream.name_channel(k, i)}"
            for k in members
            for i in range(self.width(k))
        ]
        gate, increment = np.zeros((len(names), len(number))), np.zeros((len(names), len(number)))
        for k in members:
            for action, unit in self.actions[k]:
                if isinstance(action, Action):
                    rows = slice(self.start(k), self.start(k) + self.width(k))
                    gate[rows, number[unit]] = action.mul - 1
                    increment[rows, number[unit]] = self.code(k, action.add)
        self.names[f"{prefix}.channels"] = names
        self.affine(f"{prefix}.gate", gate, np.ones(len(names)), f"{prefix}.channels", f"{prefix}.units")
        self.affine(f"{prefix}.increment", increment, np.zeros(len(names)), f"{prefix}.channels", f"{prefix}.units")
        return len(names)

    def columns(self, name: str, members: Sequence[int], number: Mapping[Unit, int]) -> None:
        """Fills the column-one-hot matrices of some components: the identity, and for each unit the difference from it.

        Raises:
            LimitError: they have more than `ENTRIES` numbers.
        """
        weights, biases, names = [], [], []
        entries = sum(self.cascade.components[k].size ** 2 for k in members) * max(1, len(number))
        if entries > ENTRIES:
            raise LimitError("numbers in column-one-hot matrices", entries, ENTRIES)
        for k in members:
            component = self.cascade.components[k]
            weight = np.zeros((component.size**2, len(number)))
            for action, unit in self.actions[k]:
                for place, entry in column_entries(images_of(component, action)).items():
                    weight[place, number[unit]] = entry
            weights.append(weight)
            biases.append(np.eye(component.size).reshape(-1))
            names += [f"{component.name} {w} <- {v}" for w in component.values for v in component.values]
        self.names[f"{name}.rows"] = names
        units = f"{name.removesuffix('.columns')}.units"
        self.affine(name, np.concatenate(weights), np.concatenate(biases), f"{name}.rows", units)

    def turns(self, prefix: str, members: Sequence[int], number: Mapping[Unit, int]) -> None:
        """Fills the complex gates and increments of some rotations, and the points that their states are compared with."""
        gate, write = (np.zeros((len(members), 2, len(number))) for _ in range(2))
        self.names["plane"] = ["real", "imaginary"]
        rows, states = [], []
        for r, k in enumerate(members):
            component = self.cascade.components[k]
            for action, unit in self.actions[k]:
                if isinstance(action, Action):
                    gate[r, :, number[unit]], write[r, :, number[unit]] = turn_entries(component.size, action)
            rows += [f"{component.name} {plane}" for plane in self.names["plane"]]
            states += [f"{component.name} = {value}" for value in component.values]
        self.names[f"{prefix}.turns"], self.names[f"{prefix}.points"] = rows, states
        shape, ones = (2 * len(members), len(number)), np.tile([1.0, 0.0], len(members))
        self.affine(f"{prefix}.turn", gate.reshape(shape), ones, f"{prefix}.turns", f"{prefix}.units")
        self.affine(f"{prefix}.write", write.reshape(shape), 0 * ones, f"{prefix}.turns", f"{prefix}.units")
        every = [point for k in members for point in points(self.cascade.components[k].size)]
        self.tensors[f"{prefix}.points"] = np.array(every, dtype=np.float64)
        self.axes[f"{prefix}.points"] = [f"{prefix}.points", "plane"]

    def terms(self, prefix: str, units: Sequence[Unit]) -> None:
        """Fills the tensors of the units that read the stream as it is now."""
        width = len(self.names["stream"])
        weight, bias = np.zeros((len(units), width)), np.zeros(len(units))
        for i, unit in enumerate(units):
            constant, entries = self.stream.affine(unit, self.place)
            bias[i] = constant
            for coordinate, value in entries.items():
                weight[i, coordinate] = value
        self.names[f"{prefix}.stream"] = list(self.names["stream"])
        self.names[f"{prefix}.units"] = [self.stream.name_unit(unit) for unit in units]
        self.affine(f"{prefix}.terms", weight, bias, f"{prefix}.units", f"{prefix}.stream")

    def logits(self) -> None:
        """Fills the tensors of the head: a logit for acceptance, one for each pattern, and in predict mode one for each symbol."""
        cascade, outputs = self.cascade, self.outputs
        self.terms("head", self.head)
        first = cascade.readout.outputs[cascade.readout.initial]
        legal = [c in first.legal for c in range(cascade.automaton.classes)]
        initial = [first.accepting, *first.patterns, *legal][: len(outputs.bias)]
        names = ["accept", *(f"pattern {name}" for name in self.patterns)]
        order = list(range(len(names)))
        if cascade.mode == "predict":
            alphabet = cascade.automaton.alphabet
            names += [f"next {alphabet.name(s)}" for s in range(alphabet.size)]
            order += [len(self.patterns) + 1 + c for c in alphabet.classes]
        self.names["outputs"] = names
        columns = "head.units"
        if outputs.groups:
            self.names["head.groups"] = outputs.groups
            self.names["head.told"] = [*self.names["head.units"], *outputs.groups]
            columns = "head.told"
            self.affine("head.any", outputs.any, np.ones(len(outputs.groups)), "head.groups", "head.units")
        self.affine("head.logits", outputs.weight[order], outputs.bias[order], "outputs", columns)
        self.tensors["initial_logits"] = np.where(initial, LOGIT, -LOGIT)[order].astype(np.float64)
        self.axes["initial_logits"] = ["outputs"]
        self.config["outputs"] = len(order)

    def affine(self, name: str, weight: Array, bias: Array, rows: str, columns: str) -> None:
        """Stores an affine map."""
        self.tensors |= {f"{name}.weight": weight, f"{name}.bias": bias}
        self.axes |= {f"{name}.weight": [rows, columns], f"{name}.bias": [rows]}
