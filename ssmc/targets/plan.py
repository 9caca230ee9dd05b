"""What the blocks of a stock model compute, whatever their architecture: gates, resets, counters and outputs, over named features.

A *feature* is a coordinate of the residual stream that is +1 or -1 at every position: 'the symbol is in S', 'the symbol j steps back is in S',
'component k has value v' (or bit b of it), 'counter k exceeds v'. A *gate* is an AND of literals over features. As an affine function of the
features it is +1 where every literal holds and an odd number <= -1 elsewhere, so a steep activation makes it exactly on or off.

Every gate has a positive literal for the present symbol. So it is off at tokens that are no symbol (start, padding) and on the zeros that a
convolution sees before the first token: there nothing is overwritten, and the empty state is the initial one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ssmc.alphabet import describe
from ssmc.errors import TargetError
from ssmc.targets.layout import windows
from ssmc.targets.stream import Letters, Stream, Unit
from ssmc.targets.terms import Planner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.layout import Digit
    from ssmc.targets.terms import Bit


class Feature(NamedTuple):
    """A coordinate of the residual stream.

    Attributes:
        kind: `one` (always +1), `letters`, `state`, `over` (a counter exceeds a value), `output`, or one of a target's own.
        a: letters: the class set; state, over: the component; output: its number.
        b: letters: the lag; state: value (or bit) number; over: the value.
    """

    kind: str
    a: int = 0
    b: int = 0


ONE = Feature("one")
Row = dict[Feature, int]


class Wire(NamedTuple):
    """One output of the model.

    Attributes:
        base: its value for each class of the symbol where no gate is on.
        flips: the gates that turn it over; at most one is on, and only where the base is `not on`.
        on: the value under a gate.
        first: its value before any symbol.
    """

    base: tuple[bool, ...]
    flips: tuple[Unit, ...]
    on: bool
    first: bool


@dataclass(frozen=True)
class Plan:
    """The gates of a cascade.

    Attributes:
        cascade: what is lowered.
        stream: resolves products to gates.
        resets: for each reset component the (gate, value) pairs that overwrite it; pairwise disjoint.
        counters: for each counter the (class set, increment) pairs.
        layer: of each scan component, counted from 1.
        wires: the distinct outputs.
        wire_of: for each output (acceptance, patterns, in predict mode classes) its wire.
    """

    cascade: Cascade
    stream: Stream
    resets: dict[int, tuple[tuple[Unit, int], ...]]
    counters: dict[int, tuple[tuple[int, int], ...]]
    layer: dict[int, int]
    wires: tuple[Wire, ...]
    wire_of: tuple[int, ...]

    @staticmethod
    def of(cascade: Cascade) -> Plan:
        """The plan of a checked cascade.

        Raises:
            TargetError: a counter is overwritten or reads other components.
        """
        delayed = windows(cascade)
        planner = Planner(cascade, delayed)
        planner.choose_codes()
        stream = Stream(cascade, delayed, planner)
        resets: dict[int, tuple[tuple[Unit, int], ...]] = {}
        counters: dict[int, tuple[tuple[int, int], ...]] = {}
        layer: dict[int, int] = {}
        for k, component in enumerate(cascade.components):
            if k in delayed:
                continue
            layer[k] = 1 + max((layer[j] for j in component.depends_on if j in layer), default=0)
            if component.kind == "counter":
                counters[k] = _increments(cascade, k)
                continue
            pairs = [(stream.unit(product), action.add) for action, product in planner.actions(k)]
            resets[k] = tuple((unit, value) for unit, value in pairs if unit is not None)
        readout = cascade.readout
        start = readout.outputs[readout.initial]
        initial = [start.accepting, *start.patterns, *(c in start.legal for c in range(cascade.automaton.classes))]
        bits = list(zip(planner.head(), initial, strict=False))
        distinct = list(dict.fromkeys(bits))
        wires = tuple(_wire(bit, stream, first=first) for bit, first in distinct)
        return Plan(cascade, stream, resets, counters, layer, wires, tuple(map(distinct.index, bits)))

    @property
    def depth(self) -> int:
        """The number of layers that scan."""
        return max(self.layer.values(), default=0)

    @cached_property
    def gates(self) -> tuple[Unit, ...]:
        """Every gate of components and outputs."""
        own = [gate for pairs in self.resets.values() for gate, _ in pairs]
        return tuple(dict.fromkeys([*own, *(gate for wire in self.wires for gate in wire.flips)]))

    @cached_property
    def single(self) -> bool:
        """Whether the present symbol is coded one class a coordinate; otherwise one coordinate a class set that some literal asks for."""
        sets = {present(gate, self.stream.every).classes for gate in self.gates}
        sets |= {classes for gate in self.gates for lag, classes, _ in gate.letters if lag}
        sets |= {classes for pairs in self.counters.values() for classes, _ in pairs}
        return len(sets) > self.cascade.automaton.classes

    def letters(self, classes: int) -> Row:
        """The 0/1 literal 'the symbol is in a class set' as 0/1 features that are summed."""
        if not self.single:
            return {Feature("letters", classes): 1}
        return {Feature("letters", 1 << c): 1 for c in range(self.cascade.automaton.classes) if classes >> c & 1}

    def membership(self, classes: int) -> Row:
        """The gate 'the symbol is in a class set'."""
        return self.row(Unit((Letters(0, classes, before=False),), ()))

    def delays(self) -> list[tuple[int, int]]:
        """The (lag, class set) pairs of earlier symbols that gates read, without the present one."""
        return sorted({(f.b, f.a) for gate in self.gates for f in self.row(gate) if f.kind == "letters" and f.b})

    def row(self, gate: Unit) -> Row:
        """The gate as integer weights on +-1 features: +1 where every literal holds, an odd number <= -1 elsewhere."""
        literals: list[tuple[int, Row]] = [(0, self.letters(present(gate, self.stream.every).classes))]
        for lag, classes, before in gate.letters:
            if lag and before:
                literals.append((1, {Feature("letters", self.stream.every & ~classes, lag): -1}))
            elif lag:
                literals.append((0, {Feature("letters", classes, lag): 1}))
        literals += [self.literal(digit, mask) for digit, mask in gate.digits]
        total: Row = {ONE: 1 - 2 * len(literals)}
        for constant, row in literals:
            total[ONE] += 2 * constant + sum(row.values())
            for feature, weight in row.items():
                total[feature] = total.get(feature, 0) + weight
        return {feature: weight for feature, weight in total.items() if weight}

    def literal(self, digit: Digit, mask: int) -> tuple[int, Row]:
        """'The digit's value is in a set' as a constant and weights on 0/1 features."""
        k = digit.component
        component = self.cascade.components[k]
        if component.kind == "counter":
            steps = {Feature("over", k, component.low + v): (mask >> v + 1 & 1) - (mask >> v & 1) for v in range(digit.size - 1)}  # fmt: skip
            return mask & 1, {feature: weight for feature, weight in steps.items() if weight}
        if digit.bit is not None:
            return mask & 1, {Feature("state", k, digit.bit): (mask >> 1 & 1) - (mask & 1)}
        weights = {Feature("state", k, v): (mask >> v & 1) - (mask & 1) for v in range(1, digit.size)}
        return mask & 1, {feature: weight for feature, weight in weights.items() if weight}

    def code(self, k: int, value: int) -> list[Feature]:
        """The features of a reset component that are +1 at a value."""
        if self.stream.planner.coding.get(k) == "binary":
            size = self.cascade.components[k].size
            return [Feature("state", k, bit) for bit in range((size - 1).bit_length()) if value >> bit & 1]
        return [Feature("state", k, value)] if value else []

    def values(self, gate: Unit, k: int) -> set[int]:
        """The values of component k that a gate allows."""
        size = self.cascade.components[k].size
        own = [(digit, mask) for digit, mask in gate.digits if digit.component == k]
        return {v for v in range(size) if all(mask >> digit.of(v, 0) & 1 for digit, mask in own)}

    @property
    def can_fuse(self) -> bool:
        """Whether the outputs can be made in the last scan block, as the product of a state there and a gate.

        Every gate of theirs has to read at most one component of the last layer, and no counter.
        """
        last = {k for k, layer in self.layer.items() if layer == self.depth}
        asked = [last & reads([gate]) for wire in self.wires for gate in wire.flips]
        counters = set(self.counters)
        return bool(asked) and bool(last - counters) and all(len(own) <= 1 and not own & counters for own in asked)

    def cut(self, gate: Unit) -> tuple[int | None, Row]:
        """The component of the last layer that a gate reads, if it does, and the row of the rest of the gate."""
        own = {k for k in reads([gate]) if self.layer.get(k) == self.depth}
        rest = gate._replace(digits=tuple(pair for pair in gate.digits if pair[0].component not in own))
        return next(iter(own), None), self.row(rest)

    def name(self, feature: Feature) -> str:
        """The feature in words."""
        kind, a, b = feature
        if kind == "letters":
            symbol = f"x[t-{b}]" if b else "x"
            return f"{symbol} in {describe(self.cascade.automaton.alphabet, a)}"
        if kind == "state":
            binary = self.stream.planner.coding.get(a) == "binary"
            return f"{self.cascade.components[a].name} {self.stream.name_channel(a, b if binary else b - 1)}"
        if kind == "over":
            return f"{self.cascade.components[a].name} > {b}"
        if kind in ("resets", "sets"):
            return f"{self.cascade.components[a].name} {f':= {b}' if kind == 'sets' else 'is overwritten'}"
        if kind == "output":
            return f"output: {self.name_wire(a)}"
        return {"one": "constant", "swamp": "swamp"}.get(kind) or f"{kind} {self.cascade.components[a].name}"

    def name_wire(self, number: int) -> str:
        """What an output tells: acceptance, a pattern, or that some symbols may come next."""
        automaton = self.cascade.automaton
        own = [i for i, wire in enumerate(self.wire_of) if wire == number]
        first = 1 + automaton.pattern_count
        said = ["accept"] * (0 in own) + [f"pattern {i}" for i in own if 0 < i < first]
        classes = sum(1 << i - first for i in own if i >= first)
        return ", ".join([*said, *[f"next in {describe(automaton.alphabet, classes)}"] * bool(classes)])

    def name_gate(self, gate: Unit) -> str:
        """The gate in words."""
        return self.stream.name_unit(gate).replace("always", "any symbol")


def present(gate: Unit, every: int) -> Letters:
    """The literal of the present symbol."""
    return next((literal for literal in gate.letters if not literal.lag), Letters(0, every, before=False))


def reads(gates: Iterable[Unit]) -> set[int]:
    """The components that some of the gates read."""
    return {digit.component for gate in gates for digit, _ in gate.digits}


def joined(plan: Plan) -> dict[Unit, dict[Feature, float]]:
    """For each gate of the outputs what it changes in them, in units of R: from -R to R, or back."""
    gates: dict[Unit, dict[Feature, float]] = {}
    for number, wire in enumerate(plan.wires):
        for gate in wire.flips:
            gates.setdefault(gate, {})[Feature("output", number)] = 2.0 if wire.on else -2.0
    return gates


def _increments(cascade: Cascade, k: int) -> tuple[tuple[int, int], ...]:
    component = cascade.components[k]
    if component.depends_on:
        raise TargetError(f"{component.name}: a counter that reads other components is not lowered")
    sets: dict[int, int] = {}
    for (c,), (mul, add) in component.affine.items():
        if mul != 1:
            raise TargetError(f"{component.name}: a counter that is overwritten is not lowered: its gate is 1 always")
        if add:
            sets[add] = sets.get(add, 0) | 1 << c
    return tuple((classes, add) for add, classes in sorted(sets.items()))


def _wire(bit: Bit, stream: Stream, *, first: bool) -> Wire:
    """The output with the products that ask for the present symbol alone folded into its base."""
    base = [bit.base] * max(1, stream.cascade.automaton.classes)
    flips: list[Unit] = []
    for unit in filter(None, map(stream.unit, bit.products)):
        if unit.digits or any(lag for lag, _, _ in unit.letters):
            flips.append(unit)
            continue
        classes = present(unit, stream.every).classes
        base = [not value if classes >> c & 1 else value for c, value in enumerate(base)]
    return Wire(tuple(base), tuple(flips), not bit.base, first)
