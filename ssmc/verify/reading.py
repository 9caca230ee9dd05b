"""What the units of a model's layers read of a cascade's tables: which are 1 at an entry, and the stream that an entry stands for.

Which units are 1 is what their cubes say, which soundness has recovered from the weights.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.cascade.cases import Cases
from ssmc.cascade.lettered import Lettered
from ssmc.errors import VerificationError
from ssmc.targets.soundness_gates import turn_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from ssmc.alphabet import Alphabet
    from ssmc.cascade.ir import Cascade, Key
    from ssmc.nn.model import Model
    from ssmc.targets.soundness import Cubes, Soundness, Variable


class Reading:
    """A model beside the cascade it was lowered from, or beside the part of a bundle that watches one pattern.

    Args:
        model: the model.
        soundness: what its weights do for every feature vector.
        cascade: the cascade.
        alphabet: the alphabet of the model's automaton.
        places: the index of each component of the cascade in the model.
        classes: the cascade's class for each class of the alphabet.
    """

    def __init__(
        self,
        model: Model,
        soundness: Soundness,
        cascade: Cascade,
        alphabet: Alphabet,
        places: Sequence[int],
        classes: Sequence[int],
    ) -> None:
        self.model, self.soundness, self.cascade = model, soundness, cascade
        self.parts: list[Mapping[str, Any]] = model.config["components"]
        self.places, self.classes = tuple(places), np.array(classes, dtype=np.int64)
        self.rows = soundness.arrays["embedding.weight"][list(alphabet.representatives)]
        self.first = {own: x for x, own in reversed(list(enumerate(classes)))}
        self.variables = soundness.cubes[-1].variables
        letters = self.variables[0]
        self.letter = [_index(letters, row) for row in self.rows]
        self.lagged: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
        self.placed: dict[int, list[int]] = {}

    def reads(self, depends_on: Iterable[int]) -> tuple[int, ...]:
        """The components of the model that those of the cascade are."""
        return tuple(self.places[j] for j in depends_on)

    def activation(
        self, name: str, cubes: Cubes, used: NDArray[np.int64], reads: Sequence[int], keys: Sequence[Key]
    ) -> NDArray[np.bool_]:
        """(keys, used): which of some units are 1 at each key, whatever stands in the stream beside it.

        Raises:
            VerificationError: a unit tells symbols apart that are of one class of the cascade.
        """
        table = np.array(keys, dtype=np.int64).reshape(len(keys), 1 + len(reads))
        alive = np.ones((len(keys), len(used)), dtype=bool)
        letters = np.array(self.letter, dtype=np.int64)
        for variable, mask in zip(cubes.variables, cubes.masks, strict=True):
            own = mask[used]
            if own.all():
                continue
            if variable.component is not None:
                if variable.component in reads:
                    part = self.parts[variable.component]
                    values = range(part["low"], part["low"] + part["values"])
                    index = np.array([_index(variable, self.feature(part, value)) for value in values])
                    alive &= own[:, index[table[:, 1 + reads.index(variable.component)] - part["low"]]].T
            elif variable.lag:
                at = [j for j in range(len(reads)) if self.parts[reads[j]].get("lag") == variable.lag]
                places = {values: self.place(variable.lag, c) for values, c in self.lag(reads, variable.lag).items()}
                told = [tuple(row) for row in table[:, [1 + j for j in at]].tolist()]
                alive &= own[:, [places[values] for values in told]].T
            else:
                columns = own[:, letters]
                same = columns == columns[:, [self.first[own] for own in self.classes.tolist()]]
                if not same.all():
                    raise VerificationError(f"{name}: tells symbols apart that the cascade does not")
                alive &= columns[:, [self.first[x] for x in table[:, 0].tolist()]].T
        return alive

    def feature(self, part: Mapping[str, Any], value: int) -> NDArray[np.float64]:
        """The features by which a component's value is read."""
        if part["kind"] == "rotation":
            return np.eye(part["values"])[value, 1:]
        block = self.model.config["blocks"][part["block"]]
        source = np.array(block["source"], dtype=np.int64)
        places = np.flatnonzero((source >= part["start"]) & (source < part["start"] + part["channels"]))
        threshold = self.soundness.arrays[f"blocks.{part['block']}.threshold"][places]
        code: NDArray[np.float64] = np.array(self.code(part, value), dtype=np.float64)
        features: NDArray[np.float64] = np.clip(code[source[places] - part["start"]] - threshold, 0, 1)
        return features

    def keys(
        self, name: str, cubes: Cubes, used: Iterable[int], table: Mapping[Key, Any], reads: Sequence[int]
    ) -> list[Key]:
        """The keys of a table that can occur; of a table of cases one for each label, after it is shown that units look no further.

        Raises:
            VerificationError: in some case a unit reads what the table does not.
        """
        if isinstance(table, Lettered):
            return self.written(name, cubes, np.array(list(used), dtype=np.int64), table, reads)
        if not isinstance(table, Cases):
            return self.possible(list(table), reads)
        units, rows = list(used), self.stream(list(table.cases), reads[:1]).double().cpu().numpy()
        for row, ((x, selector), case) in zip(rows, table.cases.items(), strict=True):
            own = None if case.place is None else reads[case.place - 1]
            alive = np.ones(len(units), dtype=bool)
            for variable, mask in zip(cubes.variables, cubes.masks, strict=True):
                if variable.component == reads[0] or (variable.component is None and not variable.lag):
                    here = (variable.vectors == row[variable.coordinates]).all(axis=1)
                    alive &= mask[units][:, int(here.argmax())] if here.any() else False
            for variable, mask in zip(cubes.variables, cubes.masks, strict=True):
                other = variable.component
                if other is not None and other in reads[1:] and other != own and not mask[units][alive].all():
                    raise VerificationError(f"{name}: reads {self.parts[other]['name']} in the case {x}, {selector}")
        return table.keys_of_cases()

    def written(
        self, name: str, cubes: Cubes, used: NDArray[np.int64], table: Lettered[Any], reads: Sequence[int]
    ) -> list[Key]:
        """Keys of a table of letters, each letter written in all the ways that some unit tells apart.

        A unit is a product, so two ways to write a letter that no unit tells apart are alike for all values of the other components.
        """
        first = reads[: table.width]
        steps = self.possible(list(table.letters), first)
        if not steps:
            return []
        on = np.packbits(self.activation(name, cubes, used, first, steps), axis=1)
        chosen: dict[tuple[int, bytes], Key] = {}
        for step, row in zip(steps, on, strict=True):
            chosen.setdefault((table.letters[step], row.tobytes()), step)
        keys = [(*step, *values) for (letter, _), step in chosen.items() for values in table.rows[letter]]
        return self.possible(keys, reads)

    def possible(self, keys: list[Key], reads: Sequence[int]) -> list[Key]:
        """The keys whose window values some symbols have."""
        if all(self.parts[j].get("lag") is None for j in reads):
            return keys
        return [key for key in keys if self.vector(key, reads) is not None]

    def check_reads(self, name: str, cubes: Cubes, used: Iterable[int], reads: Sequence[int]) -> None:
        """Shows that units read nothing but the present symbol, the given components, and windows only through their values.

        Raises:
            VerificationError: a unit reads something else.
        """
        units = list(used)
        for variable, mask in zip(cubes.variables, cubes.masks, strict=True):
            own = mask[units]
            if variable.component is not None:
                if variable.component not in reads and not own.all():
                    raise VerificationError(f"{name}: reads {self.parts[variable.component]['name']}")
            elif variable.lag:
                same: dict[tuple[int, ...], bytes] = {}
                for c in range(-1, len(self.rows)):
                    column = own[:, self.place(variable.lag, c)].tobytes()
                    if same.setdefault(self.windows(variable.lag, c, reads), column) != column:
                        raise VerificationError(
                            f"{name}: reads more of the letter at lag {variable.lag} than windows do"
                        )

    def windows(self, lag: int, symbol_class: int, reads: Sequence[int]) -> tuple[int, ...]:
        """The values of the read windows of a lag when the symbol there has a class (-1: before the start)."""
        parts = [self.parts[j] for j in reads if self.parts[j].get("lag") == lag]
        return tuple(part["classes"][symbol_class] if symbol_class >= 0 else 0 for part in parts)

    def delayed(self, lag: int, symbol_class: int) -> list[float]:
        """The features of one lag when the symbol there has a class (-1: before the start)."""
        places = self.origins[lag]
        return [0.0] * len(places) if symbol_class < 0 else self.rows[symbol_class, places].tolist()

    @cached_property
    def origins(self) -> dict[int, list[int]]:
        """For each lag the features of the present symbol that the delay line shows there."""
        count: int = self.model.config["letters"]
        found: dict[int, list[int]] = {}
        origin: list[int] = []
        for source, lag in zip(self.model.config["delay"], self.model.lags, strict=True):
            origin.append(source if source < count else origin[source - count])
            found.setdefault(lag, []).append(origin[-1])
        return found

    def place(self, lag: int, symbol_class: int) -> int:
        """The index of these features among the vectors of the lag's variable."""
        if lag not in self.placed:
            variable = next(v for v in self.variables if v.component is None and v.lag == lag)
            number = {tuple(vector): i for i, vector in reversed(list(enumerate(variable.vectors.tolist())))}
            self.placed[lag] = [number[tuple(self.delayed(lag, c))] for c in range(-1, len(self.rows))]
        return self.placed[lag][1 + symbol_class]

    def lag(self, reads: Sequence[int], lag: int) -> dict[tuple[int, ...], int]:
        """For the values that the read windows of a lag take together a class of the symbol there (-1: before the start)."""
        own = (lag, *(j for j in reads if self.parts[j].get("lag") == lag))
        if own not in self.lagged:
            self.lagged[own] = {self.windows(lag, c, reads): c for c in range(-1, len(self.rows))}
        return self.lagged[own]

    def vector(self, key: Key, reads: Sequence[int]) -> dict[int, int] | None:
        """For each lag that the key restricts a class with the key's window values; None if no symbol has them."""
        wanted: dict[int, list[int]] = {}
        for j, value in zip(reads, key[1:], strict=True):
            if (lag := self.parts[j].get("lag")) is not None:
                wanted.setdefault(lag, []).append(value)
        found = {}
        for lag, values in wanted.items():
            fit = self.lag(reads, lag).get(tuple(values))
            if fit is None:
                return None
            found[lag] = fit
        return found

    def stream(self, keys: Sequence[Key], reads: Sequence[int]) -> torch.Tensor:
        """The whole stream for each key; what a key does not give is at its initial value."""
        import torch

        out = np.zeros((len(keys), sum(len(v.coordinates) for v in self.variables)))
        scans = np.zeros((len(keys), sum(self.model.channels)))
        starts = np.cumsum([0, *self.model.channels])
        for i, key in enumerate(keys):
            out[i, : self.rows.shape[1]] = self.rows[self.first[key[0]]]
            lags = self.vector(key, reads) or {}
            for variable in self.variables:
                if variable.component is None and variable.lag in lags and variable.lag:
                    out[i, variable.coordinates] = self.delayed(variable.lag, lags[variable.lag])
            for j, value in zip(reads, key[1:], strict=True):
                part = self.parts[j]
                if part["block"] is not None:
                    first = starts[part["block"]] + part["start"]
                    code = self.code(part, value)
                    scans[i, first : first + part["channels"]] = code
        made = torch.from_numpy(out).to(self.model.dtype).to(self.model.initial_logits.device)
        at = self.model.config["letters"] + len(self.model.lags)
        values = torch.from_numpy(scans).float().to(made.device)
        for b, block in enumerate(self.model.blocks):
            features = block.features(values[:, starts[b] : starts[b + 1]])  # type: ignore[operator]
            made[:, at : at + features.shape[1]] = features
            at += features.shape[1]
        return made

    def code(self, part: Mapping[str, Any], value: int) -> list[float]:
        """The states of a component's value."""
        if part["kind"] == "counter":
            return [float(value)]
        if part["kind"] == "rotation":
            point = turn_points(self.model.config, part, self.soundness.arrays)[value]
            return [float(point.real), float(point.imag)]
        return [float(v) for v in part["codes"][value]]


def _index(variable: Variable, features: NDArray[np.float64]) -> int:
    """The index of some features among the vectors of a variable."""
    return int((variable.vectors == features).all(axis=1).argmax())
