"""The compositional proof: the cascade is right, every layer computes its tables, the scan is exact; so the model is right.

It needs no product of states with delayed letters, so it works where that product is too large. Its three parts: (1) the cascade's interpreter
equals the automaton (`check_cascade`); (2) for every entry of every table, the real layer in the real dtype, given the features of that
entry, returns the gates, increments and logits of that entry, bit for bit; what else stands in the stream cannot matter, because the cubes
recovered from the weights do not restrict it; (3) no scan rounds, since the sums of any segment stay exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.cascade import check_cascade
from ssmc.cascade.cases import Cases
from ssmc.errors import VerificationError
from ssmc.targets.gates import images_of
from ssmc.targets.soundness import Soundness
from ssmc.targets.soundness_gates import column_rows, turn_number, turn_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import torch

    from ssmc.cascade.ir import Cascade, Component, Key
    from ssmc.nn.block import Block
    from ssmc.nn.model import Model
    from ssmc.targets.soundness import Cubes


def compose(model: Model, cascade: Cascade) -> int:
    """Runs parts (1) and (2); part (3) is `segment_bound` of `ssmc.verify.prove`.

    Returns:
        The number of product states of the cascade's interpreter and the automaton.

    Raises:
        VerificationError: a part fails.
        LimitError: even the interpreter's product is too large.
    """
    import torch

    states = check_cascade(cascade)
    with torch.no_grad():
        tables = _Tables(model, cascade)
        for k, component in enumerate(cascade.components):
            tables.check_component(k, component)
        tables.check_readout()
    return states


class _Tables:
    """A model beside the cascade it was lowered from."""

    def __init__(self, model: Model, cascade: Cascade) -> None:
        self.model, self.cascade = model, cascade
        self.parts: list[Mapping[str, Any]] = model.config["components"]
        self.soundness = Soundness(model.config, dict(model.state_dict()))
        if len(self.parts) != len(cascade.components):
            raise VerificationError("the model has other components than the cascade")
        alphabet, rows = cascade.automaton.alphabet, self.soundness.arrays["embedding.weight"]
        self.rows = rows[list(alphabet.representatives)]
        different = np.flatnonzero((rows != self.rows[list(alphabet.classes)]).any(axis=1))
        if len(different):
            symbol = alphabet.name(int(different[0]))
            raise VerificationError(f"embedding.weight: the row of {symbol} differs from that of its class")
        self.variables = self.soundness.cubes[-1].variables

    def check_component(self, k: int, component: Component) -> None:
        """Compares the table of a component with its layer, or a window with its delayed letters.

        Raises:
            VerificationError: an entry differs.
        """
        part = self.parts[k]
        if part["block"] is None:
            self.check_window(k, component)
            return
        if part["kind"] in ("permutation", "rotation"):
            self.check_group(part, component)
            return
        b, rows = part["block"], slice(part["start"], part["start"] + part["channels"])
        names = (f"blocks.{b}.gate", f"blocks.{b}.increment")
        used = self.soundness.used(names, rows)
        self.check_reads(component.name, self.soundness.cubes[b], used, component.depends_on)
        keys = self.keys(component.name, self.soundness.cubes[b], used, component.table, component.depends_on)
        block = self.model.blocks[b]
        width = block.terms.weight.shape[1]
        gate, increment = block.gates(self.stream(keys, component.depends_on)[:, :width])
        actions = [component.affine[key] for key in keys]
        gates = [[float(action.mul)] * part["channels"] for action in actions]
        increments = [self.increment(part, action.mul, action.add) for action in actions]
        self.compare(component.name, keys, gate[:, rows], gates)
        self.compare(component.name, keys, increment[:, rows], increments)

    def check_group(self, part: Mapping[str, Any], component: Component) -> None:
        """Compares the table of a permutation with its matrices, that of a rotation with what it turns by or writes.

        Raises:
            VerificationError: an entry differs.
        """
        import torch

        b, config, turns = part["block"], self.model.config, part["kind"] == "rotation"
        first = 2 * turn_number(config, part) if turns else 0
        rows = slice(first, first + 2) if turns else column_rows(config, part)
        names = (f"blocks.{b}.turn", f"blocks.{b}.write") if turns else (f"blocks.{b}.columns",)
        used = self.soundness.used(names, rows)
        self.check_reads(component.name, self.soundness.cubes[b], used, component.depends_on)
        keys = [key for key in component.table if self.vector(key, component.depends_on) is not None]
        block: Block = self.model.blocks[b]
        units = block.units(self.stream(keys, component.depends_on)[:, : block.terms.weight.shape[1]])
        if turns:
            # soundness has shown that each number is near one root; which one is what the table says
            gate, write = (numbers[:, first // 2] for numbers in block.turns(units))
            points = torch.from_numpy(turn_points(config, part, self.soundness.arrays)).to(gate.device)
            value = (torch.where(gate != 0, gate, write)[:, None] - points).abs().argmin(-1)
            got = torch.stack([gate != 0, value], -1)
            wanted = [[float(action.mul), float(action.add)] for action in (component.affine[key] for key in keys)]
        else:
            got = block.columns(units)[:, rows]
            images = [images_of(component, component.table[key]) for key in keys]
            wanted = [[float(image == w) for w in range(component.size) for image in row] for row in images]
        self.compare(component.name, keys, got, wanted)

    def increment(self, part: Mapping[str, Any], mul: int, add: int) -> list[float]:
        """The increment of an action on the channels of a component."""
        if part["kind"] == "counter":
            return [float(add)]
        return [0.0] * part["channels"] if mul == 1 else [float(v) for v in part["codes"][add]]

    def check_window(self, k: int, component: Component) -> None:
        """Shows that a window's value is the stated function of the symbol at its lag.

        Raises:
            VerificationError: it is not.
        """
        part = self.parts[k]
        for key, action in component.affine.items():
            value = key[0] if not component.depends_on else None
            if value is not None:
                wrong = part["lag"] != 1 or part["classes"][value] != action.add
            else:
                below = self.parts[component.depends_on[0]]
                pairs = zip(below["classes"], part["classes"], strict=True)
                wrong = below["lag"] + 1 != part["lag"] or any(u == key[1] and v != action.add for u, v in pairs)
                wrong |= len(component.depends_on) > 1 or (key[1] == 0 and action.add != 0)
            if wrong:
                raise VerificationError(f"{component.name}: entry {key} is not the letter at lag {part['lag']}")

    def check_readout(self) -> None:
        """Compares the table of the readout with the head.

        Raises:
            VerificationError: an entry differs.
        """
        readout, alphabet = self.cascade.readout, self.cascade.automaton.alphabet
        predict = self.cascade.mode == "predict"
        latch = {self.cascade.latch} - {None}
        used = np.arange(len(self.soundness.cubes[-1].masks[0]))
        reads = tuple(j for j in readout.depends_on)
        self.check_reads("readout", self.soundness.cubes[-1], used, tuple({*reads, *latch}))  # type: ignore[arg-type]
        keys = self.keys("readout", self.soundness.cubes[-1], used, readout.table, reads)
        legal = [set(output.legal) for output in readout.outputs]
        classes = alphabet.classes if predict else ()
        rows = [
            [
                128.0 if true else -128.0
                for true in (output.accepting, *output.patterns, *(c in legal[i] for c in classes))
            ]
            for i, output in enumerate(readout.outputs)
        ]
        logits = self.model.head(self.stream(keys, reads))
        self.compare("readout", keys, logits, [rows[readout.table[key]] for key in keys])
        self.compare("readout", [()], self.model.initial_logits[None], [rows[readout.initial]])

    def keys(
        self, name: str, cubes: Cubes, used: Iterable[int], table: Mapping[Key, Any], reads: Sequence[int]
    ) -> list[Key]:
        """The keys of a table that can occur; of a table of cases one for each label, after it is shown that units look no further.

        Raises:
            VerificationError: in some case a unit reads what the table does not.
        """
        if not isinstance(table, Cases):
            return [key for key in table if self.vector(key, reads) is not None]
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
        count: int = self.model.config["letters"]
        origin: list[int] = []
        for source in self.model.config["delay"]:
            origin.append(source if source < count else origin[source - count])
        places = [feature for feature, own in zip(origin, self.model.lags, strict=True) if own == lag]
        return [0.0] * len(places) if symbol_class < 0 else self.rows[symbol_class, places].tolist()

    def place(self, lag: int, symbol_class: int) -> int:
        """The index of these features among the vectors of the lag's variable."""
        variable = next(v for v in self.variables if v.component is None and v.lag == lag)
        wanted = np.array(self.delayed(lag, symbol_class))
        return int((variable.vectors == wanted).all(axis=1).argmax())

    def vector(self, key: Key, reads: Sequence[int]) -> dict[int, int] | None:
        """For each lag that the key restricts a class with the key's window values; None if no symbol has them."""
        wanted: dict[int, list[int]] = {}
        for j, value in zip(reads, key[1:], strict=True):
            if (lag := self.parts[j].get("lag")) is not None:
                wanted.setdefault(lag, []).append(value)
        found = {}
        for lag, values in wanted.items():
            fits = [c for c in range(-1, len(self.rows)) if self.windows(lag, c, reads) == tuple(values)]
            if not fits:
                return None
            found[lag] = fits[-1]
        return found

    def stream(self, keys: Sequence[Key], reads: Sequence[int]) -> torch.Tensor:
        """The whole stream for each key; what a key does not give is at its initial value."""
        import torch

        out = np.zeros((len(keys), sum(len(v.coordinates) for v in self.variables)))
        scans = np.zeros((len(keys), sum(self.model.channels)))
        starts = np.cumsum([0, *self.model.channels])
        for i, key in enumerate(keys):
            out[i, : self.rows.shape[1]] = self.rows[key[0]]
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

    def compare(self, name: str, keys: Sequence[Key], got: torch.Tensor, expected: list[list[float]]) -> None:
        """Compares rows bit for bit.

        Raises:
            VerificationError: they differ.
        """
        wanted = np.array(expected, dtype=np.float64).reshape(got.shape)
        wrong = (got.double().cpu().numpy() != wanted).any(axis=1)
        if wrong.any():
            raise VerificationError(f"{name}: the layer differs from the table at {keys[int(wrong.argmax())]}")
