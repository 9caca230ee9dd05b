"""The cascade of a pattern set: a cascade for each pattern, side by side, with what is equal in several of them kept once.

No table is over the states of two patterns, so the joint automaton is never built. Each part reads the classes of its own pattern. Components of different parts are one
where they have the same kind, size and table over the classes of the set and read the same components: a decoder of UTF-8, a window, a level that two patterns share. A part
whose latch is set says no to everything, and what only such parts read does not matter any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ssmc.automaton import Automaton
from ssmc.cascade.cases import entries_of
from ssmc.cascade.ir import Cascade, Component, Output, Readout
from ssmc.cascade.lettered import Lettered
from ssmc.errors import InvariantError
from ssmc.patternset import PatternSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Key, Mode

L = TypeVar("L")
PART_MODES: dict[Mode, Mode] = {"recognise": "recognise", "predict": "monitor"}
"""The mode in which each pattern of a set is watched."""


@dataclass(frozen=True, eq=False)
class Refined(Mapping["Key", L]):
    """A table over the classes of one pattern, read with those of the set.

    Attributes:
        table: (class of the pattern, values) -> label.
        classes: the class of the pattern for each class of the set.
        order: for each entry of a key behind the class the place of the value in the keys of `table`.
    """

    table: Mapping[Key, L]
    classes: tuple[int, ...]
    order: tuple[int, ...]

    def __getitem__(self, key: Key) -> L:
        values = [0] * len(self.order)
        for place, value in zip(self.order, key[1:], strict=True):
            values[place] = value
        return self.table[(self.classes[key[0]], *values)]

    @property
    def entries(self) -> int:
        """The number of labels that the pattern's table is written with."""
        return entries_of(self.table)

    def __len__(self) -> int:
        rows: dict[int, int] = {}
        for key in self.table:
            rows[key[0]] = rows.get(key[0], 0) + 1
        return sum(rows.get(own, 0) for own in self.classes)

    def __iter__(self) -> Iterator[Key]:
        symbols: dict[int, list[int]] = {}
        for x, own in enumerate(self.classes):
            symbols.setdefault(own, []).append(x)
        for own, *values in self.table:
            moved = tuple([values[place] for place in self.order])
            yield from ((x, *moved) for x in symbols.get(own, ()))


@dataclass(frozen=True)
class Bundle(Cascade):
    """The cascade of a pattern set.

    `components` are those of all parts, each once; `readout` has the output before the first symbol, and its table is empty: the parts answer.

    Attributes:
        parts: the cascade of each pattern, over its own classes.
        places: for each part the indices of its components in `components`.
    """

    parts: tuple[Cascade, ...] = ()
    places: tuple[tuple[int, ...], ...] = ()

    @staticmethod
    def of(automaton: PatternSet, mode: Mode, parts: Sequence[Cascade]) -> Bundle:
        """The bundle of the cascades of a set's patterns.

        Raises:
            InvariantError: there is not one for each pattern, in the mode that the set's asks for.
        """
        if tuple(part.automaton for part in parts) != automaton.members:
            raise InvariantError("a bundle has a cascade for each pattern of its set")
        if mode not in PART_MODES or any(part.mode != PART_MODES[mode] for part in parts):
            raise InvariantError(f"the cascades of a bundle in mode {mode!r} have another mode")
        sharing = _Sharing(automaton)
        places = tuple(sharing.place(i, part) for i, part in enumerate(parts))
        reads = {
            places[i][k]
            for i, part in enumerate(parts)
            for k in (*part.readout.depends_on, *(() if part.latch is None else (part.latch,)))
        }
        first = [part.readout.outputs[part.readout.initial] for part in parts]
        start = _together(first, automaton)
        readout = Readout(tuple(sorted(reads)), MappingProxyType({}), (start,), 0)
        return Bundle(automaton, mode, sharing.components(), readout, tuple(parts), places)

    @property
    def members(self) -> PatternSet:
        """The pattern set."""
        if not isinstance(self.automaton, PatternSet):
            raise InvariantError("a bundle is over a pattern set")
        return self.automaton

    def owner(self, k: int) -> tuple[int, int]:
        """The first part that has a component, and its index there."""
        return next((i, own.index(k)) for i, own in enumerate(self.places) if k in own)

    def step(self, values: Sequence[int], symbol_class: int) -> tuple[int, ...]:
        """The values after a symbol; what only dead parts read is left as it is.

        Raises:
            InvariantError: some table of a live part lacks the key.
        """
        after = list(values)
        for part, places, classes in zip(self.parts, self.places, self.members.maps, strict=True):
            own = tuple(values[k] for k in places)
            following = part.step(own, classes[symbol_class])
            dead = part.latch is not None and following[part.latch]
            for local, k in enumerate(places):
                if not dead or local == part.latch:
                    after[k] = following[local]
        return tuple(after)

    def output(self, values: Sequence[int], symbol_class: int) -> Output:
        """What the parts say together after a symbol.

        Raises:
            InvariantError: the readout of a live part lacks the key.
        """
        said = [
            part.output([values[k] for k in places], classes[symbol_class])
            for part, places, classes in zip(self.parts, self.places, self.members.maps, strict=True)
        ]
        return _together(said, self.members)

    @property
    def latch(self) -> int | None:
        """None: each part has its own, and the set is dead when all of them are."""
        return None

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        parts = [{key: value for key, value in part.to_json().items() if key != "automaton"} for part in self.parts]
        return {"automaton": self.automaton.to_json(), "mode": self.mode, "parts": parts}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Bundle:
        """The inverse of `to_json`.

        Raises:
            InvariantError: the data describe none.
        """
        automaton = Automaton.from_json(data["automaton"])
        if not isinstance(automaton, PatternSet) or len(automaton.members) != len(data["parts"]):
            raise InvariantError("a bundle has a cascade for each pattern of its set")
        parts = [Cascade.of_json(member, part) for member, part in zip(automaton.members, data["parts"], strict=True)]
        return Bundle.of(automaton, data["mode"], parts)

    def check(self) -> None:
        """Checks every part.

        Raises:
            InvariantError: one is broken.
        """
        for part in self.parts:
            part.check()


def _together(said: Sequence[Output], automaton: PatternSet) -> Output:
    """What the patterns say together: a word of any of them is one of the set, and what may follow any of them may follow."""
    legal = [frozenset(output.legal) for output in said]
    maps = automaton.maps
    following = [
        x
        for x in range(automaton.alphabet.class_count)
        if any(classes[x] in own for classes, own in zip(maps, legal, strict=True))
    ]
    held = tuple(output.accepting for output in said)
    return Output(any(held), tuple(following), held)


class _Sharing:
    """The components of the parts seen so far, each once."""

    def __init__(self, automaton: PatternSet) -> None:
        self.automaton = automaton
        self.found: list[Component] = []
        self.owners: list[list[int]] = []
        self.number: dict[tuple[object, ...], int] = {}
        self.rows: dict[frozenset[tuple[Key, object]], int] = {}

    def place(self, i: int, part: Cascade) -> tuple[int, ...]:
        """The indices of a part's components."""
        classes = self.automaton.maps[i]
        places: list[int] = []
        for component in part.components:
            joint = [places[j] for j in component.depends_on]
            order = tuple(sorted(range(len(joint)), key=joint.__getitem__))
            reads = tuple(joint[place] for place in order)
            table = Refined(component.table, classes, order)
            kind = (component.kind, component.low, component.size, component.latch, component.saturating, reads)
            key = (*kind, *self.signature(table))
            if key not in self.number:
                self.number[key] = len(self.found)
                self.found.append(replace(component, depends_on=reads, table=table))
                self.owners.append([])
            places.append(self.number[key])
            self.owners[places[-1]].append(i)
        return tuple(places)

    def signature(self, table: Refined[Any]) -> tuple[int, ...]:
        """A number for the part of a table of each class; equal parts have equal numbers."""
        parts: dict[int, list[tuple[Key, object]]] = {}
        own = table.table
        if isinstance(own, Lettered):
            # in its own order; the letters of two tables are compared by what is said about them
            said = [-1 - self.rows.setdefault(frozenset(row.items()), len(self.rows)) for row in own.rows]
            for (x, *values), letter in own.letters.items():
                parts.setdefault(x, []).append(((*values, *table.order), said[letter]))
        else:
            for (x, *values), label in own.items():
                parts.setdefault(x, []).append((tuple([values[place] for place in table.order]), label))
        known = {x: self.rows.setdefault(frozenset(part), len(self.rows)) for x, part in parts.items()}
        return tuple(known.get(own, -1) for own in table.classes)

    def components(self) -> tuple[Component, ...]:
        """All of them, named after the patterns that have them unless all do."""
        count = len(self.automaton.members)
        return tuple(
            component if len(set(own)) == count else replace(component, name=f"{_named(own)}: {component.name}")
            for component, own in zip(self.found, self.owners, strict=True)
        )


def _named(owners: Sequence[int]) -> str:
    """Some patterns by number."""
    numbers = [str(i + 1) for i in owners]
    shown = numbers if len(numbers) < 5 else [*numbers[:3], f"{len(numbers) - 3} more"]
    return f"pattern{'s' * (len(numbers) > 1)} {', '.join(shown)}"
