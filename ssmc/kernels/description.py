"""A compiled language as plain tables: what the fast path is built from, read from the JSON of an automaton and its cascade.

Every engine answers with the number of an *outcome*, a row of yes and no in the order of the network's outputs: accept, each pattern of a
pattern set and, in predict mode, each symbol that may follow. What no prefix of a word leads to has the outcome of the sink: no throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import InvariantError
from ssmc.kernels.joint_table import joint_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

Key = tuple[int, ...]
Action = tuple[int, ...]
HOLD: Action = (1, 0)
STATE_LIMIT = 1 << 20
"""Values that `Description.states` follows; beyond it a cascade's values are not told apart as automaton states."""


@dataclass(frozen=True, eq=False)
class Part:
    """One component: its value changes by the class and the values of the parts it reads before the symbol.

    Attributes:
        low: the least value.
        size: the number of values; the initial one is 0.
        reads: ascending indices of earlier parts.
        table: (class, values of `reads`) -> action; a missing key holds, since no live prefix meets it. An action is (mul, add), mul 0 or
            1, for h -> mul * h + add; where `maps`, it is the images of all values.
        saturating: the value stops at low + size - 1; no action takes from it.
        modulus: what values are taken modulo, if anything.
        maps: whether actions are arbitrary maps.
    """

    low: int
    size: int
    reads: tuple[int, ...]
    table: Mapping[Key, Action]
    saturating: bool = False
    modulus: int | None = None
    maps: bool = False

    @property
    def hold(self) -> Action:
        """The action that changes nothing."""
        return tuple(range(self.size)) if self.maps else HOLD

    @cached_property
    def counts(self) -> bool:
        """Whether some action adds to the value."""
        return not self.maps and any(mul == 1 and add != 0 for mul, add in self.table.values())

    def after(self, value: int, action: Action) -> int:
        """The value after an action."""
        if self.maps:
            return action[value]
        result = action[0] * value + action[1]
        if self.modulus is not None:
            return result % self.modulus
        return min(result, self.low + self.size - 1) if self.saturating else result


@dataclass(frozen=True, eq=False)
class Description:
    """A language, its automaton and, where it is star-free, its cascade.

    Attributes:
        classes: int32 (symbols): the class of each symbol.
        delta: int32 (states + 1, classes): the complete automaton; the last state is the sink, state 0 the first.
        parts: the components, dependencies first; None where there is no cascade.
        latch: the part that is 1 once the input is no prefix of a word any more, if there is one.
        reads: the parts that the readout reads.
        table: (class, values of `reads` before the symbol) -> outcome after it; a missing key is a don't-care.
        outcomes: bool (outcomes, outputs).
        state_outcome: int32 (states + 1): the outcome in each state of the automaton.
        initial: the outcome of the empty prefix.
        predict: whether outcomes say which symbols may follow; they are the last outputs.
    """

    classes: NDArray[np.int32]
    delta: NDArray[np.int32]
    parts: tuple[Part, ...] | None
    latch: int | None
    reads: tuple[int, ...]
    table: Mapping[Key, int]
    outcomes: NDArray[np.bool_]
    state_outcome: NDArray[np.int32]
    initial: int
    predict: bool

    @property
    def class_count(self) -> int:
        """The number of classes."""
        return int(self.delta.shape[1])

    @property
    def sink(self) -> int:
        """The state of the complete automaton from which no word is reached."""
        return len(self.delta) - 1

    @property
    def dead(self) -> int:
        """The outcome of the sink."""
        return int(self.state_outcome[self.sink])

    @staticmethod
    def from_json(automaton: Mapping[str, Any], cascade: Mapping[str, Any] | None, *, predict: bool) -> Description:
        """The tables of `Automaton.to_json()` and `Cascade.to_json()`.

        Args:
            automaton: The minimal automaton.
            cascade: Its decomposition; None where it has none.
            predict: Whether outcomes tell the legal next symbols.

        Raises:
            InvariantError: The data describe no automaton or cascade of known components.
        """
        try:
            return _read(automaton, cascade, predict=predict)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
            raise InvariantError(f"no description of a language: {type(error).__name__}: {error}") from error

    @cached_property
    def streaming(self) -> Description:
        """The same with a latch in predict mode: a register of the last outcome, and one bit that an illegal symbol sets.

        After an illegal symbol the tables of a predict-mode cascade promise nothing; with the latch the outcome is that of the sink.
        Where no prefix makes a symbol illegal there is nothing to latch.
        """
        if not self.predict or self.parts is None or self.latch is not None:
            return self
        count = len(self.outcomes)
        code = {self.initial: 0}
        for outcome in range(count):
            code.setdefault(outcome, len(code))
        legal = self.outcomes[:, self.outcomes.shape[1] - len(self.classes) :]
        if legal[sorted({self.initial, *self.table.values()})].all():
            return self
        first = {int(c): x for x, c in reversed(list(enumerate(self.classes)))}
        register, latch = len(self.parts), len(self.parts) + 1
        writes = {key: (0, code[outcome]) for key, outcome in self.table.items()}
        checks: dict[Key, Action] = {
            (c, code[outcome]): HOLD if legal[outcome, symbol] else (0, 1)
            for c, symbol in first.items()
            for outcome in range(count)
        }
        return replace(
            self,
            parts=(
                *self.parts,
                Part(0, count, self.reads, writes),
                Part(0, 2, (register,), checks),
            ),
            latch=latch,
            reads=(*self.reads, register),
            table={
                (*key, code[before]): outcome
                for key, outcome in self.table.items()
                for before in range(count)
                if checks[key[0], code[before]] == HOLD
            },
        )

    @cached_property
    def states(self) -> dict[Key, int]:
        """For every tuple of values that live prefixes reach, a state of the automaton with the same successors as theirs.

        The values are those of `streaming`. A cascade need not remember whether the prefix itself is a word, so prefixes with the same values
        may lead to different states, but after one more symbol they are in the same one: `delta[states[values], c]`. Any other tuple is as
        good as the sink.

        Raises:
            InvariantError: the values do not tell the successors, or are too many.
        """
        if self.parts is None:
            raise InvariantError("a language without a cascade has no values")
        if self.streaming is not self:
            return self.streaming.states
        start = (0,) * len(self.parts)
        found = {start: 0}
        queue = [start]
        for values in queue:
            for c, target in enumerate(self.delta[found[values]].tolist()):
                if target == self.sink:
                    continue
                after = self.step(values, c)
                if after not in found:
                    found[after] = target
                    queue.append(after)
                elif not np.array_equal(self.delta[found[after]], self.delta[target]):
                    raise InvariantError("the values of a cascade do not tell the successors in its automaton")
            if len(found) > STATE_LIMIT:
                raise InvariantError(f"a cascade with more than {STATE_LIMIT} tuples of values")
        return found

    def step(self, values: Key, c: int) -> Key:
        """The values after a symbol of class c, by the tables: the twin of every engine."""
        return tuple(
            part.after(value, part.table.get((c, *(values[j] for j in part.reads)), part.hold))
            for part, value in zip(self.parts or (), values, strict=True)
        )


def _read(automaton: Mapping[str, Any], cascade: Mapping[str, Any] | None, *, predict: bool) -> Description:
    automaton = joint_table(automaton) if "members" in automaton else automaton
    alphabet = automaton["alphabet"]
    size = {"bytes": 256, "codepoints": 0x110000}.get(alphabet["kind"], len(alphabet["names"]))
    starts = np.array([*alphabet["starts"], size], np.int64)
    classes = np.repeat(np.array(alphabet["run_classes"], np.int32), np.diff(starts))
    count = 1 + max(alphabet["run_classes"], default=-1)
    delta = np.array(automaton["delta"], np.int32).reshape(-1, count)
    sink = len(delta)
    delta = np.concatenate([np.where(delta < 0, sink, delta), np.full((1, count), sink, np.int32)]).astype(np.int32)
    patterns = automaton.get("patterns", ())
    rows = np.zeros((sink + 1, 1 + len(patterns) + (size if predict else 0)), bool)
    for column, states in enumerate((automaton["accepting"], *patterns)):
        rows[list(states), column] = True
    if predict:
        rows[:, 1 + len(patterns) :] = (delta != sink)[:, classes]
    parts, latch, reads, table, initial = None, None, (), {}, None
    said = np.zeros((0, rows.shape[1]), bool)
    if cascade is not None:
        parts = tuple(_part(component) for component in cascade["components"])
        latch = next((k for k, component in enumerate(cascade["components"]) if component["latch"]), None)
        readout = cascade["readout"]
        reads, initial = tuple(readout["depends_on"]), readout["initial"]
        table = {tuple(key): value for key, value in _entries(readout["table"])}
        said = np.zeros((len(readout["outputs"]), rows.shape[1]), bool)
        for row, (accepting, legal, *held) in zip(said, readout["outputs"], strict=True):
            row[0] = accepting
            row[1 : 1 + len(patterns)] = held[0] if held else ()
            if predict:
                row[1 + len(patterns) :] = np.isin(classes, legal)
    outcomes, number = np.unique(np.concatenate([rows, said]), axis=0, return_inverse=True)
    numbers: NDArray[np.int32] = number.reshape(-1).astype(np.int32)
    names = numbers[len(rows) :].tolist()
    return Description(
        classes=classes,
        delta=delta,
        parts=parts,
        latch=latch,
        reads=reads,
        table={key: names[value] for key, value in table.items()},
        outcomes=outcomes,
        state_outcome=numbers[: len(rows)],
        initial=int(numbers[0]) if initial is None else names[initial],
        predict=predict,
    )


def _part(component: Mapping[str, Any]) -> Part:
    kind, size = component["kind"], component["size"]
    if kind not in ("reset", "counter", "window", "swap", "rotation", "permutation"):
        raise InvariantError(f"the fast path has no component of kind {kind!r}")
    return Part(
        low=component["low"],
        size=size,
        reads=tuple(component["depends_on"]),
        table={tuple(key): _action(kind, size, action) for key, action in _entries(component["table"])},
        saturating=component["saturating"],
        modulus={"swap": 2, "rotation": size}.get(kind),
        maps=kind == "permutation",
    )


def _entries(table: Any) -> Iterator[tuple[Key, Any]]:
    """The entries of a table in JSON; one in two steps, by way of letters, is written out."""
    if not isinstance(table, dict):
        yield from table
        return
    size = 1 + table["width"]
    for steps, row in zip(table["letters"], table["rows"], strict=True):
        for i in range(0, len(steps), size):
            for values, label in row:
                yield (*steps[i : i + size], *values), label


def _action(kind: str, size: int, action: Any) -> Action:
    """An action as `Part` has it.

    Raises:
        InvariantError: it is none.
    """
    if len(action) == 1:
        images = tuple(action[0])
        if kind != "permutation" or len(images) != size or not all(0 <= image < size for image in images):
            raise InvariantError(f"a component of kind {kind!r} with the images {images}")
        return images
    mul, add = action
    if kind == "permutation":
        return tuple(mul * value + add for value in range(size))
    if kind == "swap" and (mul, add) == (-1, 1):
        return (1, 1)
    if mul not in (0, 1):
        raise InvariantError(f"a component of kind {kind!r} that multiplies by {mul}")
    return (mul, add)
