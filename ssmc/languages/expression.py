"""The abstract syntax that every notation for expressions is parsed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


@dataclass(frozen=True, slots=True)
class Look:
    """A condition on the word around the present place; it reads nothing.

    Attributes:
        body: what is looked for.
        direction: `ahead`: what follows begins with a word of the body; `rest`: what follows, to the end, is a word of the body;
            `behind`: what precedes ends with a word of the body (which may itself look further back).
        negated: whether the condition must fail.
    """

    body: Expression
    direction: Literal["ahead", "rest", "behind"]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Atomic:
    """The first match of the body in the order of a backtracking search, whatever follows it."""

    body: Expression


Expression = Symbols | Concatenation | Union | Repeat | Boolean | Look | Atomic

EPSILON = Concatenation(())
NOTHING = Union(())


def concatenation(parts: Sequence[Expression]) -> Expression:
    """The concatenation, or the only part."""
    return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))


def union(parts: Sequence[Expression]) -> Expression:
    """The union, or the only part."""
    return parts[0] if len(parts) == 1 else Union(tuple(parts))


def children(expression: Expression) -> tuple[Expression, ...]:
    """The direct parts of an expression."""
    if isinstance(expression, Symbols):
        return ()
    if isinstance(expression, Repeat | Look | Atomic):
        return (expression.body,)
    return expression.parts


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it."""
    stack = [expression]
    while stack:
        out = stack.pop()
        yield out
        stack.extend(children(out))


def at_ends(expression: Expression, start: bool, end: bool) -> Expression:
    """The expression with the conditions resolved that are only met at the start, or only at the end, of the word.

    Most anchors stand there; without them an expression needs no conditions at all.

    Args:
        expression: the expression.
        start: whether it is always matched from the start of the word.
        end: whether it is always matched to the end of the word.
    """
    if isinstance(expression, Union):
        return union([at_ends(part, start, end) for part in expression.parts])
    if isinstance(expression, Concatenation):
        parts = list(expression.parts)
        for i, part in enumerate(parts):
            if not start:
                break
            parts[i] = at_ends(part, True, False)
            start = _reads_nothing(part)
        for i in reversed(range(len(parts))):
            if not end:
                break
            parts[i] = at_ends(parts[i], False, True)
            end = _reads_nothing(parts[i])
        return NOTHING if NOTHING in parts else concatenation([part for part in parts if part != EPSILON])
    if isinstance(expression, Look):
        verdict: bool | None = None
        empty = holds_empty_word(expression.body)
        # nothing precedes the start: a body of non-empty words is not found there; likewise at the end
        if (start and expression.direction == "behind") or (end and expression.direction != "behind"):
            verdict = empty
        if verdict is not None:
            return EPSILON if verdict != expression.negated else NOTHING
    return expression


def _reads_nothing(expression: Expression) -> bool:
    """Whether the expression consists of conditions only."""
    if isinstance(expression, Concatenation | Union):
        return all(_reads_nothing(part) for part in expression.parts)
    return isinstance(expression, Look)


def holds_empty_word(expression: Expression) -> bool | None:
    """Whether the empty word is in the language; None where conditions or set operations leave it open."""
    if isinstance(expression, Symbols):
        return False
    if isinstance(expression, Concatenation | Union):
        every = isinstance(expression, Concatenation)
        verdicts = [holds_empty_word(part) for part in expression.parts]
        if (not every) in verdicts:
            return not every
        return None if None in verdicts else every
    if isinstance(expression, Repeat):
        return True if expression.least == 0 else holds_empty_word(expression.body)
    if isinstance(expression, Atomic):
        return False if holds_empty_word(expression.body) is False else None
    return None
