"""The cascade: a DAG of components, the intermediate representation between automata and weights.

Each component k keeps one integer value. Reading a symbol of class x, every component at once looks up `table[(x, v_j for j in depends_on)]` with the values *before* the
symbol and applies the action that it finds: an affine map h -> mul*h + add, or (of a permutation component) any map on its values, given by its images. The readout looks up
its own table with the same values, those before the symbol, and so tells the output *after* the symbol (the lag of docs/design: a component or head never needs another's
value of the same step). A key that a table lacks is a don't-care: no live prefix meets it, and a target may fill it as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast, get_args

from ssmc.automaton import DEAD, Automaton
from ssmc.cascade.actions import HOLD, TOGGLE, Action, AnyAction, Images, action_from_json, action_to_json, overwrite
from ssmc.cascade.cases import Cases, labels_of, table_from_json, table_to_json
from ssmc.cascade.lettered import Lettered
from ssmc.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "HOLD",
    "KINDS",
    "TOGGLE",
    "Action",
    "AnyAction",
    "Cascade",
    "Component",
    "Images",
    "Key",
    "Kind",
    "Mode",
    "Output",
    "Readout",
    "layers_of",
    "overwrite",
]

Mode = Literal["recognise", "predict", "monitor"]
Kind = Literal["reset", "counter", "window", "swap", "rotation", "permutation"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every kind of component."""
Key = tuple[int, ...]


@dataclass(frozen=True)
class Component:
    """One component: its value, what it reads and what it does.

    Attributes:
        name: what the component is, for people (`level 2`, `counter a-b`, `latch`).
        kind: `reset` (hold or overwrite), `counter` (add or overwrite), `window` (always overwrites: one tap of the last symbols, which a target may take from
            its causal convolution), `swap` (two values: hold, overwrite or `TOGGLE`), `rotation` (add modulo size, which `Action(1, k)` means there, or
            overwrite) or `permutation` (hold, overwrite, or the map of an `Images`). The initial value is 0.
        low: the least value; 0 but for counters.
        size: the number of values, which are low .. low+size-1.
        depends_on: ascending indices of earlier components.
        table: (class, values of depends_on) -> action; missing keys are don't-cares.
        labels: a name for each value, or empty.
        latch: whether this is the `dead` bit of recognise mode (value 1: dead, for ever).
        saturating: counters only: the value stops at low+size-1 (h itself may run on).
    """

    name: str
    kind: Kind
    size: int
    depends_on: tuple[int, ...]
    table: Mapping[Key, AnyAction]
    low: int = 0
    labels: tuple[str, ...] = ()
    latch: bool = False
    saturating: bool = False

    @property
    def values(self) -> range:
        """The values the component takes."""
        return range(self.low, self.low + self.size)

    @property
    def affine(self) -> Mapping[Key, Action]:
        """The table of a component all of whose actions are affine, as they are for every kind but `permutation`.

        Raises:
            InvariantError: it is of that kind.
        """
        if self.kind == "permutation":
            raise InvariantError(f"{self.name}: a permutation component is not affine")
        return cast("Mapping[Key, Action]", self.table)

    def apply(self, action: AnyAction, value: int) -> int:
        """The value after an action.

        Raises:
            InvariantError: the action leaves the range of values (and the counter does not saturate).
        """
        if isinstance(action, Images):
            after = action.images[value]
        elif self.kind == "rotation" and action.mul == 1:
            after = (value + action.add) % self.size
        else:
            after = action.mul * value + action.add
        if self.saturating:
            after = min(after, self.values[-1])
        if after not in self.values:
            raise InvariantError(f"{self.name}: value {after} is outside {self.values}")
        return after

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        return {
            "name": self.name,
            "kind": self.kind,
            "low": self.low,
            "size": self.size,
            "depends_on": list(self.depends_on),
            "table": table_to_json(self.table, action_to_json),
            "labels": list(self.labels),
            "latch": self.latch,
            "saturating": self.saturating,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Component:
        """The inverse of `to_json`."""
        return Component(
            name=data["name"],
            kind=data["kind"],
            size=data["size"],
            depends_on=tuple(data["depends_on"]),
            table=table_from_json(data["table"], action_from_json),
            low=data["low"],
            labels=tuple(data["labels"]),
            latch=data["latch"],
            saturating=data["saturating"],
        )


def _permitted(component: Component, action: AnyAction) -> bool:
    """Whether a component of this kind and size may have the action."""
    kind, values = component.kind, component.values
    if isinstance(action, Images):
        return kind == "permutation" and len(action.images) == component.size and set(action.images) <= set(values)
    if action.mul == 0:
        return action.add in values
    match kind:
        case "reset" | "permutation":
            return action == HOLD
        case "counter":
            return action.mul == 1 and (action.add >= 0 or not component.saturating)
        case "swap":
            return action in (HOLD, TOGGLE)
        case "rotation":
            return action.mul == 1 and action.add in values
        case "window":
            return False


def layers_of(components: Sequence[Component]) -> tuple[int, ...]:
    """The layer of each component: 0 for windows, otherwise 1 + the largest layer among its dependencies."""
    out: list[int] = []
    for component in components:
        below = max((out[j] for j in component.depends_on), default=0)
        out.append(0 if component.kind == "window" else 1 + below)
    return tuple(out)


class Output(NamedTuple):
    """What the model says after a prefix: is it a word, (predict mode) which classes may follow, and (pattern sets) which patterns hold it."""

    accepting: bool
    legal: tuple[int, ...]
    patterns: tuple[bool, ...] = ()

    def to_json(self) -> list[Any]:
        """JSON types that `from_json` reads back."""
        return [self.accepting, list(self.legal), *([list(self.patterns)] if self.patterns else [])]

    @staticmethod
    def from_json(data: Sequence[Any]) -> Output:
        """The inverse of `to_json`."""
        accepting, legal, *patterns = data
        return Output(accepting, tuple(legal), *map(tuple, patterns))


@dataclass(frozen=True)
class Readout:
    """The head: (class, values before the symbol) -> index into `outputs`.

    Attributes:
        depends_on: ascending indices of the components it reads.
        table: (class, values of depends_on) -> index into `outputs`; missing keys are don't-cares.
        outputs: the distinct outputs.
        initial: the index of the output of the empty prefix.
    """

    depends_on: tuple[int, ...]
    table: Mapping[Key, int]
    outputs: tuple[Output, ...]
    initial: int

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        return {
            "depends_on": list(self.depends_on),
            "table": table_to_json(self.table),
            "outputs": [output.to_json() for output in self.outputs],
            "initial": self.initial,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Readout:
        """The inverse of `to_json`."""
        return Readout(
            depends_on=tuple(data["depends_on"]),
            table=table_from_json(data["table"]),
            outputs=tuple(Output.from_json(output) for output in data["outputs"]),
            initial=data["initial"],
        )


@dataclass(frozen=True)
class Cascade:
    """A cascade over an automaton's symbol classes.

    Attributes:
        automaton: the language.
        mode: `recognise` (every input gets a verdict; a latch remembers the first undefined transition), `predict` (inputs are prefixes of words; after each the
            accepting bit and the legal next classes), or `monitor` for a pattern of a set in predict mode: every input gets both.
        components: in an order in which dependencies come first.
        readout: the head.
    """

    automaton: Automaton
    mode: Mode
    components: tuple[Component, ...]
    readout: Readout

    @property
    def initial(self) -> tuple[int, ...]:
        """The values before any symbol."""
        return (0,) * len(self.components)

    def step(self, values: Sequence[int], symbol_class: int) -> tuple[int, ...]:
        """The values after a symbol. A set latch, and the step that sets it, freeze the rest, which nothing reads any more.

        Raises:
            InvariantError: some table lacks the key (no live prefix leads there).
        """
        latch = self.latch
        if latch is not None:
            if values[latch]:
                return tuple(values)
            dead = self.components[latch]
            if self._lookup(dead.name, dead.table, dead.depends_on, values, symbol_class) != HOLD:
                return (*values[:latch], 1, *values[latch + 1 :])
        return tuple(
            component.apply(
                self._lookup(component.name, component.table, component.depends_on, values, symbol_class), value
            )
            for component, value in zip(self.components, values, strict=True)
        )

    def output(self, values: Sequence[int], symbol_class: int) -> Output:
        """The output after a symbol, from the values before it; under a set latch it is a plain no.

        Raises:
            InvariantError: the readout lacks the key.
        """
        if self.latch is not None and values[self.latch]:
            return Output(accepting=False, legal=(), patterns=self.automaton.memberships(DEAD))
        outcome: int = self._lookup("readout", self.readout.table, self.readout.depends_on, values, symbol_class)
        return self.readout.outputs[outcome]

    @staticmethod
    def _lookup(name: str, table: Mapping[Key, Any], reads: tuple[int, ...], values: Sequence[int], x: int) -> Any:
        key = (x, *(values[j] for j in reads))
        try:
            return table[key]
        except KeyError:
            raise InvariantError(f"{name}: no entry for {key}") from None

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """The layer of each component."""
        return layers_of(self.components)

    @property
    def depth(self) -> int:
        """The number of scan layers."""
        return max(self.layers, default=0)

    @cached_property
    def latch(self) -> int | None:
        """The index of the latch, if there is one."""
        return next((k for k, component in enumerate(self.components) if component.latch), None)

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        return {
            "automaton": self.automaton.to_json(),
            "mode": self.mode,
            "components": [component.to_json() for component in self.components],
            "readout": self.readout.to_json(),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Cascade:
        """The inverse of `to_json`.

        Raises:
            InvariantError: the data describe no valid cascade.
        """
        if "parts" in data:
            from ssmc.cascade.bundle import Bundle

            return Bundle.from_json(data)
        return Cascade.of_json(Automaton.from_json(data["automaton"]), data)

    @staticmethod
    def of_json(automaton: Automaton, data: Mapping[str, Any]) -> Cascade:
        """The same, the automaton having been read."""
        components = tuple(Component.from_json(c) for c in data["components"])
        cascade = Cascade(automaton, data["mode"], components, Readout.from_json(data["readout"]))
        cascade.check()
        return cascade

    def check(self) -> None:
        """Checks that it is a valid cascade (shapes and ranges; not that it computes the language).

        Raises:
            InvariantError: it is not.
        """
        if self.mode not in get_args(Mode):
            raise InvariantError(f"mode {self.mode!r}")
        if sum(component.latch for component in self.components) > 1:
            raise InvariantError("more than one latch")
        for k, component in enumerate(self.components):
            self._check_component(k, component)
        self._check_reads("readout", self.readout.depends_on, self.readout.table, len(self.components))
        outcomes = range(len(self.readout.outputs))
        if self.readout.initial not in outcomes or any(o not in outcomes for o in labels_of(self.readout.table)):
            raise InvariantError("readout: outcome out of range")
        if any(c not in range(self.automaton.classes) for output in self.readout.outputs for c in output.legal):
            raise InvariantError("readout: legal class out of range")
        if any(len(output.patterns) != self.automaton.pattern_count for output in self.readout.outputs):
            raise InvariantError("readout: one bit a pattern")

    def _check_component(self, k: int, component: Component) -> None:
        name = f"component {k} ({component.name})"
        self._check_reads(name, component.depends_on, component.table, k)
        if component.size < 1 or 0 not in component.values:
            raise InvariantError(f"{name}: the initial value 0 must be a value")
        if component.labels and len(component.labels) != component.size:
            raise InvariantError(f"{name}: one label a value")
        if component.kind not in KINDS:
            raise InvariantError(f"{name}: kind {component.kind!r}")
        if component.kind != "counter" and component.low:
            raise InvariantError(f"{name}: only counters have values below 0")
        if component.kind == "swap" and component.size != 2:
            raise InvariantError(f"{name}: a swap has two values")
        if component.kind != "counter" and component.saturating:
            raise InvariantError(f"{name}: only counters saturate")
        for action in labels_of(component.table):
            if not _permitted(component, action):
                raise InvariantError(f"{name}: action {action_to_json(action)}")
        if component.kind == "window" and any(self.components[j].kind != "window" for j in component.depends_on):
            raise InvariantError(f"{name}: a window reads windows only")
        if component.latch and (component.kind, component.size) != ("reset", 2):
            raise InvariantError(f"{name}: a latch is a reset with 2 values")
        if component.latch and any(action not in (HOLD, overwrite(1)) for action in labels_of(component.table)):
            raise InvariantError(f"{name}: a latch is never cleared")

    def _check_reads(self, name: str, reads: tuple[int, ...], table: Mapping[Key, Any], limit: int) -> None:
        if list(reads) != sorted(set(reads)) or any(j not in range(limit) for j in reads):
            raise InvariantError(f"{name}: dependencies {reads}")
        ranges = [range(self.automaton.classes), *(self.components[j].values for j in reads)]
        if isinstance(table, Cases):
            table.check(self.automaton.classes)
            if list(table.ranges) != ranges[1:]:
                raise InvariantError(f"{name}: the table of cases is over other values")
            return
        if isinstance(table, Lettered):
            table.check(ranges)
            return
        if any(len(key) != len(ranges) for key in table):
            raise InvariantError(f"{name}: keys must have {len(ranges)} entries")
        for place, (column, own) in enumerate(zip(zip(*table, strict=True), ranges, strict=False)):
            if not set(column) <= set(own):
                raise InvariantError(f"{name}: entry {place} of a key is out of range")
