"""The one tree of errors; every message is one line, and the command line maps each type to an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SsmcError(Exception):
    """Base of every error that ssmc raises on purpose."""

    exit_code = 3


@dataclass(frozen=True)
class Position:
    """A place in a source: 1-based line and column, and the text of that line."""

    line: int
    column: int
    text: str = ""
    file: str | None = None

    def __str__(self) -> str:
        where = f"{self.line}:{self.column}"
        return f"{self.file}:{where}" if self.file else where

    def caret(self) -> str:
        """The line of source with a caret under the column, or '' when the line is not known."""
        return f"{self.text}\n{' ' * (self.column - 1)}^" if self.text else ""


class InputError(SsmcError):
    """Input that cannot be read as what it claims to be (file, automaton, grammar, symbol)."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return f"{self.position}: {self.message}" if self.position else self.message


class RegexSyntaxError(InputError):
    """An expression that does not parse; carries line, column and the line of text."""


class SymbolError(InputError):
    """A symbol outside the alphabet."""


class UsageError(SsmcError):
    """A combination of options that makes no sense."""

    exit_code = 2


class LimitError(SsmcError):
    """A stated limit was reached: what, the number reached, the limit and the option that raises it."""

    exit_code = 4

    def __init__(self, what: str, reached: float, limit: float, option: str | None = None) -> None:
        hint = f"; raise it with {option}" if option else ""
        super().__init__(f"{what}: reached {reached:,}, limit {limit:,}{hint}")
        self.what = what
        self.reached = reached
        self.limit = limit
        self.option = option


class NotStarFreeError(SsmcError):
    """The language is not star-free, so no non-negative diagonal SSM computes it; carries the witness."""

    exit_code = 1

    def __init__(self, message: str, witness: object) -> None:
        super().__init__(message)
        self.witness = witness


class TargetError(SsmcError):
    """The target lacks a component kind, with the mathematical reason."""

    exit_code = 1


class GateError(TargetError):
    """The gates of the target cannot do the language's groups; carries the witness of a counter and the weakest gates that would do."""

    def __init__(self, message: str, witness: object, needed: str) -> None:
        super().__init__(message)
        self.witness = witness
        self.needed = needed


class VerificationError(SsmcError):
    """A compiled object differs from its specification; carries the shortest failing word."""

    exit_code = 5

    def __init__(self, message: str, word: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.word = None if word is None else tuple(word)


class InvariantError(SsmcError):
    """A value breaks the invariants of its own type (a bug in ssmc or a damaged file)."""

    exit_code = 5


class ModelFileError(InputError):
    """A model file that is damaged, hostile, or of another format version."""
