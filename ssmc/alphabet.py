"""The alphabet: the input symbols and their partition into classes, stored as runs."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from ssmc.errors import InvariantError, SymbolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

AlphabetKind = Literal["tokens", "bytes", "codepoints"]
_SIZES = {"bytes": 256, "codepoints": 0x110000}


@dataclass(frozen=True)
class Alphabet:
    """The input symbols 0..size-1 and their partition into classes, stored as runs.

    Attributes:
        kind: `tokens` (an explicit list of names), `bytes` (256 symbols) or `codepoints` (Unicode).
        names: the name of each symbol when `kind` is `tokens`, else empty.
        starts: first symbol of each maximal run of symbols of one class, ascending, starting at 0.
        run_classes: the class of each run; classes are numbered by their first symbol.
    """

    kind: AlphabetKind
    names: tuple[str, ...]
    starts: tuple[int, ...]
    run_classes: tuple[int, ...]

    @staticmethod
    def of_classes(kind: AlphabetKind, names: Sequence[str], classes: Sequence[int]) -> Alphabet:
        """The alphabet whose symbol i has class `classes[i]` (any labels; they are renumbered)."""
        return Alphabet.of_runs(kind, names, range(len(classes)), classes)

    @staticmethod
    def of_runs(kind: AlphabetKind, names: Sequence[str], starts: Iterable[int], classes: Iterable[int]) -> Alphabet:
        """The alphabet of the given runs, merged where neighbours have one class and renumbered."""
        order: dict[int, int] = {}
        runs: list[tuple[int, int]] = []
        for start, label in zip(starts, classes, strict=True):
            number = order.setdefault(label, len(order))
            if not runs or runs[-1][1] != number:
                runs.append((start, number))
        return Alphabet(kind, tuple(names), tuple(s for s, _ in runs), tuple(c for _, c in runs))

    @staticmethod
    def tokens(names: Sequence[str]) -> Alphabet:
        """An explicit alphabet, every symbol in a class of its own."""
        return Alphabet.of_classes("tokens", names, range(len(names)))

    @property
    def size(self) -> int:
        """The number of input symbols."""
        return len(self.names) if self.kind == "tokens" else _SIZES[self.kind]

    @cached_property
    def class_count(self) -> int:
        """The number of classes."""
        return 1 + max(self.run_classes, default=-1)

    def class_of(self, symbol: int) -> int:
        """The class of a symbol.

        Raises:
            SymbolError: `symbol` is outside 0..size-1.
        """
        if not 0 <= symbol < self.size:
            raise SymbolError(f"symbol number {symbol} is outside 0..{self.size - 1}")
        return self.run_classes[bisect_right(self.starts, symbol) - 1]

    @cached_property
    def representatives(self) -> tuple[int, ...]:
        """The first symbol of each class."""
        first: dict[int, int] = {}
        for start, number in zip(self.starts, self.run_classes, strict=True):
            first.setdefault(number, start)
        return tuple(first[c] for c in range(self.class_count))

    @cached_property
    def classes(self) -> tuple[int, ...]:
        """The class of every symbol (use `class_of` for a large alphabet)."""
        ends = (*self.starts[1:], self.size)[: len(self.starts)]
        return tuple(
            c for start, end, c in zip(self.starts, ends, self.run_classes, strict=True) for _ in range(end - start)
        )

    @cached_property
    def _number(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @property
    def multicharacter(self) -> bool:
        """Whether some symbol's name is not one character, so that strings are written with spaces."""
        return any(len(name) != 1 for name in self.names)

    def name(self, symbol: int) -> str:
        r"""The symbol as the user writes it: its name, its character, or `\xNN` for a byte that is not printable ASCII."""
        if self.kind == "tokens":
            return self.names[symbol]
        if self.kind == "bytes" and not 0x20 <= symbol < 0x7F:
            return f"\\x{symbol:02x}"
        return chr(symbol)

    def encode(self, text: str, *, spaced: bool = False) -> list[int]:
        """The symbols of a string.

        Args:
            text: one character per symbol, or symbols separated by spaces when `spaced` or when a name is longer than a character.
            spaced: read `text` as symbol names separated by white space.

        Raises:
            SymbolError: a symbol is outside the alphabet; the message gives its 1-based position.
        """
        if self.kind == "bytes":
            return list(text.encode("utf-8", "surrogateescape"))
        if self.kind == "codepoints":
            return [ord(ch) for ch in text]
        parts = text.split() if spaced or self.multicharacter else list(text)
        return self.encode_names(parts)

    def encode_names(self, names: Sequence[str]) -> list[int]:
        """The symbols of a list of names.

        Raises:
            SymbolError: a name is outside the alphabet; the message gives its 1-based position.
        """
        if self.kind != "tokens":
            return [symbol for name in names for symbol in self.encode(name)]
        out: list[int] = []
        for place, name in enumerate(names, 1):
            number = self._number.get(name)
            if number is None:
                raise SymbolError(f"symbol {place}: {name!r} is not in the alphabet {' '.join(self.names)}")
            out.append(number)
        return out

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        return {
            "kind": self.kind,
            "names": list(self.names),
            "starts": list(self.starts),
            "run_classes": list(self.run_classes),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Alphabet:
        """The inverse of `to_json`.

        Raises:
            InvariantError: the data describe no alphabet.
        """
        alphabet = Alphabet(data["kind"], tuple(data["names"]), tuple(data["starts"]), tuple(data["run_classes"]))
        alphabet.check()
        return alphabet

    def check(self) -> None:
        """Checks the invariants of the class docstring.

        Raises:
            InvariantError: one of them fails.
        """
        if self.kind not in ("tokens", "bytes", "codepoints"):
            raise InvariantError(f"alphabet kind {self.kind!r}")
        if self.kind == "tokens" and (len(set(self.names)) != len(self.names) or "" in self.names):
            raise InvariantError("alphabet names must be distinct and not empty")
        if len(self.starts) != len(self.run_classes) or (self.size > 0) != bool(self.starts):
            raise InvariantError("alphabet runs")
        if self.starts and (
            self.starts[0] != 0 or self.starts[-1] >= self.size or list(self.starts) != sorted(set(self.starts))
        ):
            raise InvariantError("alphabet run starts")
        seen = 0
        for previous, current in zip((-1, *self.run_classes), self.run_classes, strict=False):
            if current > seen or current < 0 or previous == current:
                raise InvariantError("alphabet classes must be numbered by first symbol, runs maximal")
            seen = max(seen, current + 1)


def describe(alphabet: Alphabet, classes: int) -> str:
    """A set of classes (bit mask) as its symbols, `{a, d-f}`."""
    return "{" + ", ".join(_ranges(alphabet, classes)) + "}"


def _ranges(alphabet: Alphabet, classes: int) -> Iterator[str]:
    start: int | None = None
    ends = [*pairwise(alphabet.starts), (alphabet.starts[-1], alphabet.size)] if alphabet.starts else []
    for (first, end), c in zip(ends, alphabet.run_classes, strict=True):
        inside = classes >> c & 1
        if inside and alphabet.kind == "tokens":
            yield from (alphabet.name(s) for s in range(first, end))
            continue
        if inside and start is None:
            start = first
        if not inside and start is not None:
            yield _range(alphabet, start, first - 1)
            start = None
    if start is not None:
        yield _range(alphabet, start, alphabet.size - 1)


def _range(alphabet: Alphabet, first: int, last: int) -> str:
    ends = [alphabet.name(first), alphabet.name(last)]
    return ends[0] if first == last else ("-" if last > first + 1 else ", ").join(ends)
