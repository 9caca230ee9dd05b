"""A table that reads few components in each case, written without the combinations of all the others.

The readout of a bounded Dyck language looks at the depth, and then at one of m registers: a table over all of them would have K^m entries for each
symbol and depth. `Cases` has one entry for each value that is looked at. It is a mapping like any other table: whoever lists its keys gets all of them
while they are few, and an error beyond.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ssmc.cascade.lettered import Lettered
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

L = TypeVar("L")
M = TypeVar("M")
Key = tuple[int, ...]
ENTRIES = 1_000_000
"""Keys that are listed."""


class Case(NamedTuple, Generic[L]):
    """What one case looks at.

    Attributes:
        place: the place in the key that it reads, or None.
        labels: the label for each value there; under None for the case that reads nothing.
    """

    place: int | None
    labels: Mapping[int | None, L]


@dataclass(frozen=True, eq=False)
class Cases(Mapping[Key, L]):
    """A table over (class, selector, others...): the first two entries of a key choose the case, which reads at most one other.

    Attributes:
        ranges: the values of each component of the key, the class left out.
        cases: (class, selector) -> case; where it is missing, the table has no entry.
    """

    ranges: tuple[range, ...]
    cases: Mapping[Key, Case[L]]

    def __getitem__(self, key: Key) -> L:
        case = self.cases[key[:2]]
        if len(key) != 1 + len(self.ranges) or any(v not in r for v, r in zip(key[1:], self.ranges, strict=True)):
            raise KeyError(key)
        return case.labels[None if case.place is None else key[case.place]]

    def __len__(self) -> int:
        others = [len(values) for values in self.ranges[1:]]
        total = 0
        for case in self.cases.values():
            count = 1
            for place, size in enumerate(others, 2):
                count *= len(case.labels) if place == case.place else size
            total += count
        return total

    def __iter__(self) -> Iterator[Key]:
        """Every key.

        Raises:
            LimitError: there are too many.
        """
        if len(self) > ENTRIES:
            raise LimitError("entries of a table of cases", len(self), ENTRIES)
        for head, case in self.cases.items():
            for rest in product(*self.ranges[1:]):
                if case.place is None or rest[case.place - 2] in case.labels:
                    yield (*head, *rest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cases) and self.ranges == other.ranges and self.cases == other.cases

    __hash__ = None  # type: ignore[assignment]

    @property
    def entries(self) -> int:
        """The number of labels."""
        return sum(len(case.labels) for case in self.cases.values())

    def looks(self) -> Iterator[tuple[Key, int | None, int | None, L]]:
        """(class and selector, place read, value there, label) for every label."""
        for head, (place, labels) in self.cases.items():
            for value, label in labels.items():
                yield head, place, value, label

    def group(self, place: int | None) -> dict[Key, L]:
        """The cases that read one place as a table over (class, selector, that place); over (class, selector) for those that read none."""
        return {
            head if value is None else (*head, value): label
            for head, where, value, label in self.looks()
            if where == place
        }

    def relabelled(self, labels: Callable[[L], M]) -> Cases[M]:
        """The table with other labels."""
        return Cases(
            self.ranges,
            {
                head: Case(case.place, {value: labels(label) for value, label in case.labels.items()})
                for head, case in self.cases.items()
            },
        )

    def keys_of_cases(self) -> list[Key]:
        """A key for every label; what the case does not read is 0."""
        found = []
        for head, place, value, _ in self.looks():
            key = [*head, *(0 for _ in self.ranges[1:])]
            if place is not None and value is not None:
                key[place] = value
            found.append(tuple(key))
        return found

    def check(self, classes: int) -> None:
        """Checks places and ranges.

        Raises:
            InvariantError: a key cannot occur.
        """
        if not self.ranges:
            raise InvariantError("a table of cases reads a selector")
        for (x, selector), place, value, _ in self.looks():
            if x not in range(classes) or selector not in self.ranges[0]:
                raise InvariantError("table of cases: case out of range")
            if (place is None) != (value is None):
                raise InvariantError("table of cases: a value of nothing")
            if place is not None and (
                place not in range(2, 1 + len(self.ranges)) or value not in self.ranges[place - 1]
            ):
                raise InvariantError("table of cases: place or value out of range")

    def to_json(self, label: Any = lambda x: x) -> dict[str, Any]:
        """JSON types that `from_json` reads back.

        Args:
            label: how a label is written.
        """
        return {
            "ranges": [[values.start, values.stop] for values in self.ranges],
            "cases": [
                [list(head), case.place, [[value, label(x)] for value, x in case.labels.items()]]
                for head, case in sorted(self.cases.items())
            ],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any], label: Any = lambda x: x) -> Cases[Any]:
        """The inverse of `to_json`.

        Args:
            data: what it wrote.
            label: how a label is read.
        """
        return Cases(
            tuple(range(low, high) for low, high in data["ranges"]),
            {
                tuple(head): Case(place, {value: label(x) for value, x in labels})
                for head, place, labels in data["cases"]
            },
        )


def table_to_json(table: Mapping[Key, Any], label: Any = lambda x: x) -> Sequence[Any] | dict[str, Any]:
    """Any table in JSON types."""
    if isinstance(table, Cases | Lettered):
        return table.to_json(label)
    return [[list(key), label(value)] for key, value in sorted(table.items())]


def table_from_json(data: Any, label: Any = lambda x: x) -> Mapping[Key, Any]:
    """The inverse of `table_to_json`."""
    if isinstance(data, dict):
        return Lettered.from_json(data, label) if "letters" in data else Cases.from_json(data, label)
    return MappingProxyType({tuple(key): label(value) for key, value in data})


def labels_of(table: Mapping[Key, L]) -> Iterator[L]:
    """Every label of a table, some more than once."""
    if isinstance(table, Cases):
        return (label for *_, label in table.looks())
    if isinstance(table, Lettered):
        return (label for row in table.rows for label in row.values())
    return iter(table.values())


def entries_of(table: Mapping[Key, Any]) -> int:
    """The number of labels that a table is written with."""
    entries: int | None = getattr(table, "entries", None)
    return len(table) if entries is None else entries
