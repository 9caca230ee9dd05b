"""What a native model does for *every* feature vector, read off its tensors: the half of the proof that does not depend on reachability.

A unit is ReLU(w.f + c) with integer w and c. The features fall into variables (the present symbol, each delayed symbol, each component), and each
variable takes finitely many feature vectors. If the largest sum is 1 and every vector of a variable that does not reach that variable's largest
contribution loses at least 1, then the unit is 1 on a product of sets of values and 0 elsewhere: its cube, recovered from the weights alone.
From the cubes follows, over all combinations of values: units summed into one gate exclude each other; (gate, increment) of a reset component is
hold or one of its codes, for all its channels at once; gates of counters are 0 or 1 and increments integers; gates of other classes do what
`soundness_gates` says; the latch stays set; nothing is accepted under it; every logit is one of two numbers. No sum can round, whatever its
order, while the largest partial sum stays in the dtype's range of exact integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import InvariantError, VerificationError
from ssmc.targets.soundness_gates import (
    as_complex,
    check_columns,
    check_swap,
    check_turns,
    column_rows,
    sector_places,
    turn_number,
    turn_points,
)
from ssmc.targets.soundness_sides import check_sides
from ssmc.targets.weights import LIMITS, LOGIT, is_complex, is_float32

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from ssmc.targets.roots import RootErrors

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Variable:
    """A group of stream coordinates that vary together.

    Attributes:
        coordinates: stream coordinates.
        vectors: (n, len(coordinates)): the feature vectors it takes; of a reset, by value.
        component: index of the component, or None for letters.
        lag: for letters how many symbols back.
    """

    coordinates: NDArray[np.int64]
    vectors: Array
    component: int | None = None
    lag: int = 0


@dataclass(frozen=True)
class Cubes:
    """The units of one layer: `masks[v][u, i]` tells whether unit u allows vector i of variable v."""

    variables: tuple[Variable, ...]
    masks: tuple[Mask, ...]
    magnitude: int

    def overlap(self, units: NDArray[np.int64]) -> Mask:
        """(N, N): which of some units are 1 together for some combination of values."""
        both = np.ones((len(units), len(units)), dtype=bool)
        for mask in self.masks:
            own = mask[units]
            if not own.all():
                rows = own.astype(np.float32)
                both &= rows @ rows.T > 0
        np.fill_diagonal(both, val=False)
        return both

    def of_component(self, component: int) -> Mask:
        """(U, n): the values of a component that each unit allows."""
        for variable, mask in zip(self.variables, self.masks, strict=True):
            if variable.component == component:
                return mask
        raise InvariantError(f"component {component} is not in the stream")


class Soundness:
    """The tensors of one model in float64, and what follows from them.

    Attributes:
        config: the configuration of the weights.
        cubes: the cubes of each block's units, then of the head's.
        magnitude: the largest partial sum in the model's dtype.
    """

    def __init__(self, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
        self.config = config
        self.arrays: dict[str, Array] = {
            name: tensor.detach().double().cpu().numpy() for name, tensor in tensors.items()
        }
        for name, array in self.arrays.items():
            if not np.isfinite(array).all():
                raise VerificationError(f"{name}: not all finite")
            if not is_complex(name) and not np.array_equal(array, np.rint(array)):
                raise VerificationError(f"{name}: not all integers")
        self.magnitude = 0
        for name, array in self.arrays.items():
            largest = np.abs(array).max(initial=0)
            if not is_float32(name):
                self.bound(name, largest)
            elif largest >= LIMITS["float32"]:
                raise VerificationError(f"{name}: {largest:g} is not exact in float32")
        variables = self.letters()
        self.cubes: list[Cubes] = []
        for b, block in enumerate(config["blocks"]):
            self.cubes.append(self.recover(f"blocks.{b}", variables))
            variables = [*variables, *self.features(b, block, variables)]
        self.cubes.append(self.recover("head", variables))

    def letters(self) -> list[Variable]:
        """The variables of the present and the delayed symbols (a delayed symbol may be missing: all zeros)."""
        rows, count = self.arrays["embedding.weight"], self.config["letters"]
        if not np.isin(rows, (0, 1)).all():
            raise VerificationError("embedding.weight: not all 0 or 1")
        variables = [Variable(np.arange(count), _distinct(rows))]
        origin: list[int] = []
        for source in self.config["delay"]:
            origin.append(source if source < count else origin[source - count])
        lags = np.array(self.config["lags"], dtype=np.int64)
        for lag in range(1, int(lags.max(initial=0)) + 1):
            places = np.flatnonzero(lags == lag)
            delayed = rows[:, [origin[i] for i in places]]
            vectors = _distinct(np.vstack([np.zeros((1, len(places))), delayed]))
            variables.append(Variable(count + places, vectors, lag=lag))
        return variables

    def features(self, b: int, block: Mapping[str, Any], before: Sequence[Variable]) -> list[Variable]:
        """The variables that block b adds to the stream."""
        source = np.array(block["source"], dtype=np.int64)
        threshold = self.arrays[f"blocks.{b}.threshold"]
        first = sum(len(variable.coordinates) for variable in before)
        variables = []
        for k, component in enumerate(self.config["components"]):
            if component["block"] != b:
                continue
            start, channels = component["start"], component["channels"]
            if component["kind"] == "rotation":
                # one-hot for every state, finite or not: the nearest point wins
                places = sector_places(block, turn_number(self.config, component))
                variables.append(Variable(first + places, np.eye(component["values"])[:, 1:], k))
                continue
            places = np.flatnonzero((source >= start) & (source < start + channels))
            if component["kind"] == "counter":
                top = component["low"] + component["values"] - 1
                if component["saturating"] and (threshold[places] >= top).any():
                    raise VerificationError(
                        f"blocks.{b}.threshold: {component['name']} is read above where it saturates"
                    )
                steps = sorted({*threshold[places], *(threshold[places] + 1), threshold[places].min(initial=0)})
                states = np.array(steps, dtype=np.float64).reshape(-1, 1)
            else:
                states = np.array(component["codes"], dtype=np.float64).reshape(-1, channels)
            vectors = np.clip(states[:, source[places] - start] - threshold[places], 0, 1)
            if component["kind"] == "counter":
                vectors = _distinct(vectors)
            elif not np.array_equal(vectors, states[:, source[places] - start]) or (
                component["kind"] != "permutation" and not np.array_equal(source[places] - start, np.arange(channels))
            ):
                raise VerificationError(f"blocks.{b}.threshold: {component['name']} is not read as its code")
            variables.append(Variable(first + places, vectors, k))
        return variables

    def recover(self, name: str, variables: Sequence[Variable]) -> Cubes:
        """The cubes of a layer's units.

        Raises:
            VerificationError: a unit is not the indicator of a product of value sets.
        """
        weight, bias = self.arrays[f"{name}.terms.weight"], self.arrays[f"{name}.terms.bias"]
        total, bound = bias.copy(), np.abs(bias)
        masks = []
        for variable in variables:
            own = weight[:, variable.coordinates]
            parts = own @ variable.vectors.T
            largest = parts.max(axis=1) if parts.size else np.zeros(len(weight))
            total += largest
            bound += (np.abs(own) @ variable.vectors.T).max(axis=1, initial=0)
            masks.append(parts == largest[:, None])
        wrong = np.flatnonzero(total != 1)
        if len(wrong):
            unit = int(wrong[0])
            raise VerificationError(f"{name}: unit {unit} has the maximum {total[unit]:g} instead of 1")
        self.bound(f"{name}.terms", bound.max(initial=0))
        return Cubes(tuple(variables), tuple(masks), int(bound.max(initial=0)))

    def bound(self, name: str, magnitude: float) -> None:
        """Takes a partial sum into account.

        Raises:
            VerificationError: it leaves the exact integers of the dtype.
        """
        limit = LIMITS[self.config["dtype"]]
        if magnitude > limit:
            raise VerificationError(f"{name}: sums up to {magnitude:g} are not exact in {self.config['dtype']}")
        self.magnitude = max(self.magnitude, int(magnitude))

    def used(self, names: Sequence[str], rows: slice) -> NDArray[np.int64]:
        """The units that the given affine rows read."""
        return np.flatnonzero(np.stack([self.arrays[f"{name}.weight"][rows] for name in names]).any(axis=(0, 1)))

    def outcomes(self, names: Sequence[str], cubes: Cubes, rows: slice) -> Array:
        """(units + 1, len(names), rows): what the given affine rows are without any unit, and with each unit that they read.

        Raises:
            VerificationError: two units that these rows read are 1 together for some combination of values.
        """
        weights = np.stack([self.arrays[f"{name}.weight"][rows] for name in names])
        biases = np.stack([self.arrays[f"{name}.bias"][rows] for name in names])
        used = self.used(names, rows)
        clash = np.argwhere(cubes.overlap(used))
        if len(clash):
            one, two = (int(used[i]) for i in clash[0])
            raise VerificationError(f"{names[0]}: units {one} and {two} can both be 1")
        # at most one unit is 1, so a partial sum is 0, the bias, a weight or the two together
        single = np.moveaxis(weights[:, :, used], 2, 0)
        results = np.concatenate([biases[None], biases + single])
        self.bound(names[0], max(np.abs(single).max(initial=0), np.abs(results).max(initial=0)))
        return results

    def check_component(self, k: int) -> None:
        """Proves what a scan component may do.

        Raises:
            VerificationError: it may do something else.
        """
        component = self.config["components"][k]
        b, start, name = component["block"], component["start"], component["name"]
        if component["kind"] == "permutation":
            made = self.outcomes((f"blocks.{b}.columns",), self.cubes[b], column_rows(self.config, component))
            check_columns(name, made.reshape(-1, component["values"], component["values"]))
            return
        if component["kind"] == "rotation":
            self.check_rotation(k)
            return
        rows = slice(start, start + component["channels"])
        actions = self.outcomes((f"blocks.{b}.gate", f"blocks.{b}.increment"), self.cubes[b], rows)
        if component["kind"] == "swap":
            check_swap(name, actions)
            return
        for gate, increment in actions:
            holds = bool((gate == 1).all())
            if not holds and (gate != 0).any():
                raise VerificationError(f"{name}: gates {gate.tolist()}")
            if component["kind"] == "counter":
                if holds and component["saturating"] and increment[0] < 0:
                    raise VerificationError(f"{name}: a saturating counter may fall")
                continue
            codes = [[0] * len(increment)] if holds else component["codes"]
            if increment.tolist() not in codes:
                raise VerificationError(f"{name}: increment {increment.tolist()} with gate {gate.tolist()}")
            if component["latch"] and not holds and increment.tolist() != [1]:
                raise VerificationError(f"{name}: the latch may be cleared")

    def check_rotation(self, k: int) -> RootErrors:
        """Proves what a rotation may do; how far its numbers are from roots of unity.

        Raises:
            VerificationError: it may do something else.
        """
        component = self.config["components"][k]
        b, number = component["block"], turn_number(self.config, component)
        names = (f"blocks.{b}.turn", f"blocks.{b}.write")
        rows = slice(2 * number, 2 * number + 2)
        # one unit at most is 1, so the layer's float64 sums are these, rounded once
        made = self.outcomes(names, self.cubes[b], rows).astype(np.float32).astype(np.float64)
        points = turn_points(self.config, component, self.arrays)
        gates, writes = as_complex(made[:, 0]), as_complex(made[:, 1])
        return check_turns(component["name"], component["values"], gates, writes, points)

    def check_head(self) -> None:
        """Proves that every logit is +LOGIT or -LOGIT, and that all are -LOGIT under the latch.

        Raises:
            VerificationError: it is not so.
        """
        cubes = self.cubes[-1]
        if not np.isin(self.arrays["initial_logits"], (LOGIT, -LOGIT)).all():
            raise VerificationError(f"initial_logits: not all +-{LOGIT}")
        rows = np.hstack([self.arrays["head.logits.weight"], self.arrays["head.logits.bias"][:, None]])
        sides = "any" in self.config["head"]
        if sides:
            check_sides(self.config["head"], cubes, self.arrays)
        # of a pattern set the rows of the patterns are sums of units; `check_sides` shows what the others are
        summed = range(1, 1 + len(self.config["head"]["parts"])) if sides else range(len(rows))
        for first in np.unique(rows[list(summed)], axis=0, return_index=True)[1] + summed.start if rows.size else ():
            logits = self.outcomes(("head.logits",), cubes, slice(first, first + 1))
            if not np.isin(logits, (LOGIT, -LOGIT)).all():
                raise VerificationError(f"head.logits: output {first} takes other values than +-{LOGIT}")
        for k, component in enumerate(self.config["components"]):
            if component.get("latch") and not sides:
                for row in range(len(rows)):
                    self.check_latched(cubes, k, row)

    def check_latched(self, cubes: Cubes, latch: int, row: int) -> None:
        """Proves that a logit is -LOGIT for every combination of values with the latch set.

        Raises:
            VerificationError: it is not so.
        """
        weight, bias = self.arrays["head.logits.weight"][row], self.arrays["head.logits.bias"][row]
        under = cubes.of_component(latch)[:, 1] & (weight != 0)
        if bias < 0 and not under.any():
            return
        sizes = [len(v.vectors) for v in cubes.variables if v.component != latch]
        others = [m for v, m in zip(cubes.variables, cubes.masks, strict=True) if v.component != latch]
        covered = sum(math.prod(int(mask[unit].sum()) for mask in others) for unit in np.flatnonzero(under))
        if bias < 0 or covered != math.prod(sizes):
            raise VerificationError("head.logits: a word may be accepted after the latch is set")


def check_soundness(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> int:
    """Runs all proofs of this module; the largest magnitude of a partial sum.

    Raises:
        VerificationError: one of them fails.
        InvariantError: the configuration describes other channels than the tensors have.
    """
    soundness = Soundness(config, tensors)
    for b, block in enumerate(config["blocks"]):
        owned = [(c["start"], c["channels"]) for c in config["components"] if c["block"] == b]
        states = block["channels"] + sum(block.get("columns", ())) + 2 * len(block.get("turns", ()))
        if [i for start, width in sorted(owned) for i in range(start, start + width)] != list(range(states)):
            raise InvariantError(f"blocks.{b}: the components do not partition the channels")
    for k, component in enumerate(config["components"]):
        if component["block"] is not None:
            soundness.check_component(k)
    soundness.check_head()
    return soundness.magnitude


def _distinct(rows: Array) -> Array:
    """The distinct rows; one empty row where there is no column or no row."""
    return np.unique(rows, axis=0) if rows.size else np.zeros((1, rows.shape[1]))
