"""Tables that see the class, and the first components that they read, only through a letter: what a byte and a decoder's node stand for.

Written out, such a table has an entry for every way to write every letter, thousands of them for a class of Unicode, times what it says about the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ssmc.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssmc.cascade.ir import Key

L = TypeVar("L")
M = TypeVar("M")


@dataclass(frozen=True)
class Lettered(Mapping["Key", L]):
    """A table in two steps.

    Attributes:
        width: how many values of a key tell the letter, with the class.
        letters: (class, these values) -> letter; where it is missing, the table has no entry.
        rows: for each letter (the other values) -> label.
    """

    width: int
    letters: Mapping[Key, int]
    rows: tuple[Mapping[Key, L], ...]

    def __getitem__(self, key: Key) -> L:
        return self.rows[self.letters[key[: 1 + self.width]]][key[1 + self.width :]]

    def __len__(self) -> int:
        sizes = [len(row) for row in self.rows]
        return sum(sizes[letter] for letter in self.letters.values())

    def __iter__(self) -> Iterator[Key]:
        for step, letter in self.letters.items():
            for values in self.rows[letter]:
                yield (*step, *values)

    def __eq__(self, other: object) -> bool:
        own = (self.width, self.letters, self.rows)
        return isinstance(other, Lettered) and own == (other.width, other.letters, other.rows)

    __hash__ = None  # type: ignore[assignment]

    @property
    def entries(self) -> int:
        """The number of letters written and of labels."""
        return len(self.letters) + sum(map(len, self.rows))

    @property
    def by_letter(self) -> dict[Key, L]:
        """The second step as one table: (letter, the other values) -> label."""
        return {(letter, *values): label for letter, row in enumerate(self.rows) for values, label in row.items()}

    def relabelled(self, label: Callable[[L], M]) -> Lettered[M]:
        """The table with other labels."""
        rows = ({values: label(own) for values, own in row.items()} for row in self.rows)
        return Lettered(self.width, self.letters, tuple(rows))

    def check(self, ranges: Sequence[range]) -> None:
        """Checks that no key is out of range.

        Args:
            ranges: the classes, then the values of each component that the table reads.

        Raises:
            InvariantError: one is, or a letter has no row.
        """
        if not 0 <= self.width < len(ranges) or any(not 0 <= x < len(self.rows) for x in self.letters.values()):
            raise InvariantError("table of letters: a letter without a row")
        parts = ((self.letters, ranges[: 1 + self.width]), *((row, ranges[1 + self.width :]) for row in self.rows))
        for table, own in parts:
            if any(len(key) != len(own) for key in table):
                raise InvariantError("table of letters: a key of another length")
            for column, values in zip(zip(*table, strict=True), own, strict=False):
                if not set(column) <= set(values):
                    raise InvariantError("table of letters: a key out of range")

    def to_json(self, label: Any = lambda x: x) -> dict[str, Any]:
        """JSON types that `from_json` reads back; the keys of a letter follow one another in one list, since there are thousands.

        Args:
            label: how a label is written.
        """
        steps: list[list[int]] = [[] for _ in self.rows]
        for key, letter in sorted(self.letters.items()):
            steps[letter] += key
        return {
            "width": self.width,
            "letters": steps,
            "rows": [[[list(key), label(own)] for key, own in sorted(row.items())] for row in self.rows],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any], label: Any = lambda x: x) -> Lettered[Any]:
        """The inverse of `to_json`.

        Args:
            data: what it wrote.
            label: how a label is read.
        """
        rows = (MappingProxyType({tuple(key): label(own) for key, own in row}) for row in data["rows"])
        size = 1 + data["width"]
        letters = {
            tuple(steps[i : i + size]): letter
            for letter, steps in enumerate(data["letters"])
            for i in range(0, len(steps), size)
        }
        return Lettered(data["width"], MappingProxyType(letters), tuple(rows))
