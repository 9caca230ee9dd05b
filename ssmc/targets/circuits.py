"""From a cascade to a circuit: which block holds which register, and which gates drive it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.alphabet import describe
from ssmc.cascade.ir import TOGGLE, Action
from ssmc.targets.circuit import ALWAYS, Block, Circuit, Event, Gate, Register
from ssmc.targets.layout import windows
from ssmc.targets.stream import Stream
from ssmc.targets.terms import Planner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.stream import Letters, Unit
    from ssmc.targets.terms import Bit


@dataclass(frozen=True)
class Traits:
    """What the recurrence of an architecture can do in one block.

    Attributes:
        taps: the largest lag of a `delay` register.
        lagged: the kinds of register (`write`, `toggle`, `mixed`) that take their events one symbol late; the others need delayed events.
    """

    taps: int
    lagged: frozenset[str]


def plan_circuit(cascade: Cascade, traits: Traits) -> Circuit:
    """The circuit of a cascade of resets, windows and swaps, checked.

    Raises:
        InvariantError: the circuit breaks its own rules (a bug in ssmc).
    """
    circuit = _Plan(cascade, traits).circuit()
    circuit.check()
    return circuit


@dataclass
class _Draft:
    """A block that is being filled."""

    registers: list[Register] = field(default_factory=list)
    gates: dict[Unit, list[tuple[int, int]]] = field(default_factory=dict)


class _Plan:
    """The working state: features are numbered as they come up."""

    def __init__(self, cascade: Cascade, traits: Traits) -> None:
        self.cascade, self.traits = cascade, traits
        delayed = {k: window for k, window in windows(cascade).items() if window.lag <= traits.taps}
        self.planner = Planner(cascade, delayed)
        self.stream = Stream(cascade, delayed, self.planner)
        actions = {
            k: [(action, self.stream.unit(product)) for action, product in self.planner.actions(k)]
            for k in range(len(cascade.components))
            if k not in delayed
        }
        self.actions = {k: [(a, unit) for a, unit in pairs if unit is not None] for k, pairs in actions.items()}
        self.bits = self.planner.head()
        self.head = {
            bit: [unit for product in bit.products if (unit := self.stream.unit(product)) is not None]
            for bit in self.bits
        }
        lists = [*([unit for _, unit in pairs] for pairs in self.actions.values()), *self.head.values()]
        units = [unit for row in lists for unit in row]
        self.stream.require(units)
        self.features = ["always"]
        self.letters: dict[int, int] = {}
        self.symbol = self.letter(self.stream.every)
        self.drafts: list[_Draft] = []
        self.block_of: dict[int, int] = {}
        # the coordinates of the stream as `Stream.affine` numbers them -> features
        self.coordinates = [self.letter(classes) for classes in self.stream.letters]
        used = {(self.delayed_letter(one), one.lag) for unit in units for one in unit.letters if one.lag}
        for pair in self.stream.delays:
            self.coordinates.append(self.window(*pair) if pair in used else ALWAYS)
        self.place: dict[tuple[int, int], int] = {}
        for k, pairs in self.actions.items():
            self.component(k, [(a, unit) for a, unit in pairs if isinstance(a, Action)])

    def delayed_letter(self, literal: Letters) -> int:
        """The letter feature through which a literal of an earlier symbol is read; before the start it is 0."""
        classes = self.stream.every & ~literal.classes if literal.before else literal.classes
        return self.stream.letters.index(classes)

    def circuit(self) -> Circuit:
        """The circuit."""
        # bits that are the same function share a feature if they agree before any symbol too
        outputs: dict[tuple[Bit, int], int] = {}
        told = list(zip(self.bits, self.initial_bits(), strict=True))
        raised = set()
        last = max(len(self.drafts), 1) - 1
        for key, name in zip(told, self.names_of_bits(), strict=True):
            if key not in outputs:
                bit, outputs[key] = key[0], self.feature(name)
                if bit.base:
                    raised.add(outputs[key])
                for unit in self.head[bit]:
                    self.gate(last, unit, outputs[key], -1 if bit.base else 1)
        blocks = tuple(Block(tuple(draft.registers), self.gates_of(draft)) for draft in self.drafts)
        return Circuit(
            tuple(self.features),
            MappingProxyType(self.letters),
            frozenset(raised),
            blocks or (Block((), ()),),
            tuple(outputs[key] for key in told),
            self.initial_bits(),
            tuple(1 + self.block_of.get(k, -1) for k in range(len(self.cascade.components))),
        )

    def initial_bits(self) -> tuple[int, ...]:
        """The output bits before any symbol."""
        readout = self.cascade.readout
        first = readout.outputs[readout.initial]
        legal = [c in first.legal for c in range(self.cascade.automaton.classes)]
        return tuple(map(int, [first.accepting, *first.patterns, *legal][: len(self.bits)]))

    def names_of_bits(self) -> list[str]:
        """A name for each output bit."""
        automaton = self.cascade.automaton
        names = ["accept", *(f"pattern {i + 1}" for i in range(automaton.pattern_count))]
        classes = range(len(self.bits) - len(names))
        return names + [f"next {describe(automaton.alphabet, 1 << c)}" for c in classes]

    def feature(self, name: str) -> int:
        """A new feature."""
        self.features.append(name)
        return len(self.features) - 1

    def letter(self, classes: int) -> int:
        """The feature 'the symbol has one of the classes'."""
        for feature, mask in self.letters.items():
            if mask == classes:
                return feature
        feature = self.feature(f"x in {describe(self.cascade.automaton.alphabet, classes)}")
        self.letters[feature] = classes
        return feature

    def draft(self, number: int) -> _Draft:
        """The block of a number."""
        while len(self.drafts) <= number:
            self.drafts.append(_Draft())
        return self.drafts[number]

    def window(self, letter: int, lag: int) -> int:
        """The feature of an earlier symbol: a register of block 0."""
        name = self.stream.name_letters(letter, lag)
        feature = self.feature(name)
        drive = self.coordinates[letter]
        self.draft(0).registers.append(Register(name, (feature,), (Event(drive, 0),), always=True, lag=lag))
        return feature

    def gate(self, block: int, unit: Unit, feature: int, change: int) -> None:
        """Lets a gate of a block change a feature."""
        self.draft(block).gates.setdefault(unit, []).append((feature, change))

    def gates_of(self, draft: _Draft) -> tuple[Gate, ...]:
        """The gates of a block."""
        out = []
        for unit, targets in draft.gates.items():
            constant, weights = self.stream.affine(unit, self.place)
            row: dict[int, int] = {}
            here = [
                coordinate
                for coordinate, weight in weights.items()
                if coordinate < len(self.stream.letters) and weight > 0
            ]
            if not here:
                # 'the token is a symbol': nothing happens at the others
                constant, row[self.symbol] = constant - 1, 1
            for coordinate, weight in weights.items():
                feature = self.coordinates[coordinate]
                row[feature] = row.get(feature, 0) + weight
            out.append(Gate(self.stream.name_unit(unit), constant, tuple(sorted(row.items())), tuple(targets)))
        return tuple(out)

    def component(self, k: int, pairs: Sequence[tuple[Action, Unit]]) -> None:
        """Adds the registers and gates of a component."""
        component = self.cascade.components[k]
        plain = [unit for _, unit in pairs if not unit.digits and all(not one.lag for one in unit.letters)]
        ready = -1 if len(plain) == len(pairs) else self.ready([unit for _, unit in pairs])
        by_action: dict[Action, list[Unit]] = {}
        for action, unit in pairs:
            by_action.setdefault(action, []).append(unit)
        drives = {action: self.drive(component.name, action, units, ready) for action, units in by_action.items()}
        toggle = drives.get(TOGGLE)
        kind = "write" if toggle is None else "toggle" if len(drives) == 1 else "mixed"
        block, lag = ready + 1, 1
        if kind not in self.traits.lagged:
            drives = self.delay(f"{component.name}, delayed", drives, block)
            toggle = drives.get(TOGGLE)
            block, lag = block + 1, 0
        names = [f"{component.name} {self.stream.name_channel(k, i)}" for i in range(component.size - 1)]
        outputs = tuple(self.feature(name) for name in names)
        events = [
            Event(drive, action.add - 1 if action.add else None) for action, drive in drives.items() if not action.mul
        ]
        self.draft(block).registers.append(Register(component.name, outputs, tuple(events), toggle, lag=lag))
        self.block_of[k] = block
        for i, feature in enumerate(outputs):
            self.place[k, i] = len(self.coordinates)
            self.coordinates.append(feature)

    def ready(self, units: Sequence[Unit]) -> int:
        """The first block whose gates can compute the units."""
        below = [self.block_of[digit.component] for unit in units for digit, _ in unit.digits]
        return max(below, default=0)

    def drive(self, name: str, action: Action, units: Sequence[Unit], ready: int) -> int:
        """The feature that tells an action: of the embedding where it depends on the symbol alone, otherwise written by gates."""
        if ready < 0:
            classes = 0
            for unit in units:
                classes |= unit.letters[0].classes if unit.letters else self.stream.every
            return self.letter(classes)
        verb = "toggled" if action == TOGGLE else f"set to {action.add}"
        feature = self.feature(f"{name} is {verb}")
        for unit in units:
            self.gate(ready, unit, feature, 1)
        return feature

    def delay(self, name: str, drives: dict[Action, int], block: int) -> dict[Action, int]:
        """The same drives one symbol late."""
        late = {action: self.feature(f"{self.features[drive]}, delayed") for action, drive in drives.items()}
        events = tuple(Event(drive, i) for i, drive in enumerate(drives.values()))
        self.draft(block).registers.append(Register(name, tuple(late.values()), events, always=True))
        return late
