"""The abstract syntax that every notation for expressions is parsed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ssmc.languages.symbolset import SymbolSet


@dataclass(frozen=True, slots=True)
class Symbols:
    """One symbol out of a set; the empty set denotes the empty language."""

    symbols: SymbolSet


@dataclass(frozen=True, slots=True)
class Concatenation:
    """One part after the other; without parts, the language of the empty word."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """Any of the parts, in order of preference (which only `Atomic` looks at); without parts, the empty language."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The body `least` to `most` times; `most` is None for no bound. `greedy` matters to `Atomic` only."""

    body: Expression
    least: int
    most: int | None
    greedy: bool = True


@dataclass(frozen=True, slots=True)
class Boolean:
    """A set operation on the languages of the parts: `not` has one part, the others two."""

    operation: Literal["not", "and", "minus", "shuffle"]
    parts: tuple[Expression, ...]


Expression = Symbols | Concatenation | Union | Repeat | Boolean

EPSILON = Concatenation(())
NOTHING = Union(())


def concatenation(parts: list[Expression]) -> Expression:
    """The concatenation, or the only part."""
    return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))
