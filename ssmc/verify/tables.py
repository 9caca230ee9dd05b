"""The layers of a model against the tables of a cascade, entry by entry.

Two entries of a table that have the same units at 1 get the same gates, so they must have the same label. One entry of each kind is then put through the real layer in the
real dtype, and its gates, increments or logits are compared bit for bit. What else stands in the stream cannot matter, because the cubes of the units do not restrict it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import VerificationError
from ssmc.targets.gates import canonical, images_of
from ssmc.targets.soundness_gates import column_rows, turn_number, turn_points
from ssmc.verify.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from ssmc.cascade.ir import Cascade, Component, Key, Output
    from ssmc.nn.block import Affine, Block
    from ssmc.targets.soundness import Cubes


class Tables(Reading):
    """A model beside the cascade it was lowered from, or beside the part of a bundle that watches one pattern."""

    def check_component(self, k: int) -> None:
        """Compares the table of a component of the cascade with its layer, or a window with its delayed letters.

        Raises:
            VerificationError: an entry differs.
        """
        component, part = self.cascade.components[k], self.parts[self.places[k]]
        if part["block"] is None:
            self.check_window(part, component)
            return
        if part["kind"] in ("permutation", "rotation"):
            self.check_group(part, component)
            return
        b, rows = part["block"], slice(part["start"], part["start"] + part["channels"])
        used = self.soundness.used((f"blocks.{b}.gate", f"blocks.{b}.increment"), rows)
        reads = self.reads(component.depends_on)
        self.check_reads(component.name, self.soundness.cubes[b], used, reads)
        keys = self.keys(component.name, self.soundness.cubes[b], used, component.table, reads)
        keys = self.kinds(
            component.name,
            self.soundness.cubes[b],
            used,
            reads,
            keys,
            lambda key: canonical(component, component.table[key]),
        )
        block: Block = self.model.blocks[b]
        units = self.units(block.terms, used, keys, reads)
        gate, increment = (_rows(affine, units, used, rows) for affine in (block.gate, block.increment))
        actions = [component.affine[key] for key in keys]
        gates = [[float(action.mul)] * part["channels"] for action in actions]
        increments = [self.increment(part, action.mul, action.add) for action in actions]
        self.compare(component.name, keys, gate, gates)
        self.compare(component.name, keys, increment, increments)

    def units(self, terms: Affine, used: NDArray[np.int64], keys: Sequence[Key], reads: Sequence[int]) -> torch.Tensor:
        """(keys, used): some units of a layer in the real dtype; no sum in them rounds, so the others do not matter."""
        import torch

        rows = torch.from_numpy(used).to(terms.weight.device)
        stream = self.stream(keys, reads)[:, : terms.weight.shape[1]]
        return torch.relu(torch.nn.functional.linear(stream, terms.weight[rows], terms.bias[rows]))

    def kinds(
        self,
        name: str,
        cubes: Cubes,
        used: NDArray[np.int64],
        reads: Sequence[int],
        keys: Sequence[Key],
        label_of: Callable[[Key], Hashable],
    ) -> list[Key]:
        """One key for each set of units that are 1 at some key.

        Raises:
            VerificationError: two keys with the same units at 1 have different labels.
        """
        if not keys:
            return []
        on = np.packbits(self.activation(name, cubes, used, reads, keys), axis=1)
        on = np.ascontiguousarray(np.hstack([on, np.zeros((len(on), 1), dtype=np.uint8)]))
        kind = on.view(np.dtype((np.void, on.shape[1])))[:, 0]
        _, first, number = np.unique(kind, return_index=True, return_inverse=True)
        code: dict[Hashable, int] = {}
        label = np.array([code.setdefault(label_of(key), len(code)) for key in keys])
        wrong = np.flatnonzero(label != label[first[number.reshape(-1)]])
        if len(wrong):
            raise VerificationError(f"{name}: the layer differs from the table at {keys[int(wrong[0])]}")
        return [keys[i] for i in first.tolist()]

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
        reads = self.reads(component.depends_on)
        self.check_reads(component.name, self.soundness.cubes[b], used, reads)
        keys = [key for key in component.table if self.vector(key, reads) is not None]
        keys = self.kinds(
            component.name,
            self.soundness.cubes[b],
            used,
            reads,
            keys,
            lambda key: canonical(component, component.table[key]),
        )
        block: Block = self.model.blocks[b]
        units = block.units(self.stream(keys, reads)[:, : block.terms.weight.shape[1]])
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

    def check_window(self, part: Mapping[str, Any], component: Component) -> None:
        """Shows that a window's value is the stated function of the symbol at its lag.

        Raises:
            VerificationError: it is not.
        """
        values = part["classes"]
        symbols: dict[int, list[int]] = {}
        for x, own in enumerate(self.classes.tolist()):
            symbols.setdefault(own, []).append(x)
        for key, action in component.affine.items():
            if not component.depends_on:
                wrong = part["lag"] != 1 or any(values[x] != action.add for x in symbols[key[0]])
            else:
                below = self.parts[self.places[component.depends_on[0]]]
                pairs = zip(below["classes"], values, strict=True)
                wrong = below["lag"] + 1 != part["lag"] or any(u == key[1] and v != action.add for u, v in pairs)
                wrong |= len(component.depends_on) > 1 or (key[1] == 0 and action.add != 0)
            if wrong:
                raise VerificationError(f"{component.name}: entry {key} is not the letter at lag {part['lag']}")

    def check_readout(self) -> None:
        """Compares the table of the readout with the head.

        Raises:
            VerificationError: an entry differs.
        """
        readout, classes = self.cascade.readout, self.cascade.automaton.alphabet.classes
        told = classes if self.cascade.mode == "predict" else ()
        used = np.arange(len(self.soundness.cubes[-1].masks[0]))
        reads, keys = self.readout_kinds("readout", used)
        rows = [[128.0 if true else -128.0 for true in _bits(output, told)] for output in readout.outputs]
        logits = self.model.head(self.stream(keys, reads))
        self.compare("readout", keys, logits, [rows[readout.table[key]] for key in keys])
        self.compare("readout", [()], self.model.initial_logits[None], [rows[readout.initial]])

    def check_side(self, i: int) -> None:
        """Compares the readout of a pattern with the units that the head sums for it, and has a group of the set look at.

        Raises:
            VerificationError: an entry differs.
        """
        import torch

        head, name, readout = self.model.config["head"], f"pattern {i + 1}", self.cascade.readout
        latch = None if self.cascade.latch is None else self.places[self.cascade.latch]
        if head["parts"][i]["latch"] != latch:
            raise VerificationError(f"{name}: the head has another latch than the cascade")
        own = slice(*head["parts"][i]["units"])
        used = np.arange(own.start, own.stop)
        weight, groups = self.soundness.arrays["head.logits.weight"], self.soundness.arrays["head.any.weight"]
        asked = groups[np.argmax(weight[:, head["units"] :] != 0, axis=1)][:, own] != 0
        summed = weight[1 + i, own] != 0
        if (asked[0] != summed).any():
            raise VerificationError(f"{name}: the set looks at other units of it than its own output")
        bits = [summed]
        alphabet, count = self.cascade.automaton.alphabet, len(head["parts"])
        if self.cascade.mode != "recognise":
            told = asked[1 + count :]
            classes = alphabet.classes
            rows = {c: told[symbol] for symbol, c in reversed(list(enumerate(classes)))}
            if any((told[symbol] != rows[c]).any() for symbol, c in enumerate(classes)):
                raise VerificationError(f"{name}: symbols of one class are told apart")
            bits += [rows[c] for c in range(alphabet.class_count)]
        reads, keys = self.readout_kinds(name, used)
        units = self.units(self.model.head.terms, used, keys, reads)
        rows_of = torch.from_numpy(np.array(bits, dtype=np.float32)).to(units.device)
        said = [[float(b) for b in (o.accepting, *_legal(o, self.cascade))] for o in readout.outputs]
        self.compare(name, keys, units.float() @ rows_of.T, [said[readout.table[key]] for key in keys])

    def readout_kinds(self, name: str, used: NDArray[np.int64]) -> tuple[tuple[int, ...], list[Key]]:
        """What the readout reads in the model, and one key for each set of units of the head that are 1 at some key.

        Raises:
            VerificationError: units read something else, or two keys with the same units have different outputs.
        """
        readout = self.cascade.readout
        latch = () if self.cascade.latch is None else (self.places[self.cascade.latch],)
        reads = self.reads(readout.depends_on)
        self.check_reads(name, self.soundness.cubes[-1], used, tuple({*reads, *latch}))
        keys = self.keys(name, self.soundness.cubes[-1], used, readout.table, reads)
        return reads, self.kinds(
            name, self.soundness.cubes[-1], used, reads, keys, lambda key: readout.outputs[readout.table[key]]
        )

    def compare(self, name: str, keys: Sequence[Key], got: torch.Tensor, expected: list[list[float]]) -> None:
        """Compares rows bit for bit.

        Raises:
            VerificationError: they differ.
        """
        wanted = np.array(expected, dtype=np.float64).reshape(got.shape)
        wrong = (got.double().cpu().numpy() != wanted).any(axis=1)
        if wrong.any():
            raise VerificationError(f"{name}: the layer differs from the table at {keys[int(wrong.argmax())]}")


def _rows(affine: Affine, units: torch.Tensor, used: NDArray[np.int64], rows: slice) -> torch.Tensor:
    """Some rows of an affine map of units, all that they read being given."""
    import torch

    columns = torch.from_numpy(used).to(units.device)
    return torch.nn.functional.linear(units, affine.weight[rows][:, columns], affine.bias[rows])


def _bits(output: Output, classes: Iterable[int]) -> Iterator[bool]:
    """An output as the network tells it."""
    legal = set(output.legal)
    yield from (output.accepting, *output.patterns, *(c in legal for c in classes))


def _legal(output: Output, cascade: Cascade) -> Iterator[bool]:
    """For each class of a pattern whether it may follow; nothing where that is not told."""
    if cascade.mode != "recognise":
        legal = set(output.legal)
        yield from (c in legal for c in range(cascade.automaton.classes))
