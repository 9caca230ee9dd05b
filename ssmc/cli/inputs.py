"""The languages named on the command line: paths, `-`, shipped grammars and `-e` expressions, each read when its turn comes."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ssmc.cli import failure
from ssmc.cli.terminal import track
from ssmc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssmc.languages import Language

SYNTAXES = ("formal", "python", "ltl")
"""The notations of `ssmc.languages`, which is not imported for the sake of help; a test compares them."""
F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True)
class Reading:
    """How sources are read: the options `--alphabet`, `--syntax`, `--search`, `--state-limit`, `--seconds` and, where it is offered, `--lines`."""

    alphabet: str | None
    syntax: str | None
    search: bool
    state_limit: int | None
    seconds: float | None
    lines: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """The keyword arguments of `read_language`; limits only where given, so that its defaults stay in one place."""
        limits = {"state_limit": self.state_limit, "seconds": self.seconds}
        given = {"alphabet": self.alphabet, "syntax": self.syntax, "search": self.search}
        return given | {k: v for k, v in limits.items() if v is not None}


@dataclass(frozen=True)
class Source:
    """One language to be read.

    Attributes:
        text: a path, `-`, the name of a shipped grammar, or the expression itself.
        is_expression: whether `text` was given by `-e`.
        reading: how to read it.
    """

    text: str
    is_expression: bool
    reading: Reading

    @property
    def title(self) -> str:
        """What the user typed."""
        return "<stdin>" if self.text == "-" and not self.is_expression else self.text

    def read(self, *, by_rule: bool = False) -> Language:
        """The language.

        Args:
            by_rule: whether the caller can do without the table of an automaton that is too large for one.

        Raises:
            SsmcError: it cannot be read, or a limit is reached.
        """
        language = self._read()
        if not by_rule:
            language.automaton.require_table()
        return language

    def _read(self) -> Language:
        from ssmc.languages import language_of, read_language, read_pattern_set

        if self.reading.lines:
            self._refuse_expression()
            return read_pattern_set(self.text, **self.reading.settings)
        if self.is_expression:
            return language_of(self.text, **self.reading.settings)
        return read_language(self.text, **self.reading.settings)

    def read_each(self) -> list[tuple[str, Language]]:
        """The language with its title, or with `--lines` that of each pattern alone, called by its line.

        Raises:
            SsmcError: one cannot be read, or a limit is reached.
        """
        from ssmc.languages import read_languages

        if not self.reading.lines:
            return [(self.title, self.read())]
        self._refuse_expression()
        languages = read_languages(self.text, **self.reading.settings)
        return [(f"{language.name}: {language.source}", language) for language in languages]

    def _refuse_expression(self) -> None:
        if self.is_expression:
            raise UsageError("--lines is for a SOURCE with one pattern a line, not for -e")


def reading_options(function: F) -> F:
    """Adds the options that say how a source is read; the function takes them as `reading`."""

    @functools.wraps(function)
    def wrapper(
        *,
        alphabet: str | None,
        syntax: str | None,
        search: bool,
        state_limit: int | None,
        seconds: float | None,
        lines: bool = False,
        **rest: Any,
    ) -> Any:
        return function(reading=Reading(alphabet, syntax, search, state_limit, seconds, lines), **rest)

    options = (
        click.option(
            "--alphabet",
            metavar="SYMBOLS",
            help="The alphabet: 'ab', 'w0,w1,i' for longer symbols, or 'bytes'; text without it.",
        ),
        click.option(
            "--syntax",
            type=click.Choice(SYNTAXES),
            help="The notation of an expression; formal by default for an explicit alphabet, otherwise python.",
        ),
        click.option("--search", is_flag=True, help="A match may lie anywhere in the string (Python notation)."),
        click.option("--state-limit", type=click.IntRange(min=1), help="Most states of any automaton on the way."),
        click.option(
            "--seconds", type=click.FloatRange(min=0, min_open=True), help="Most seconds for reading a language."
        ),
    )
    for option in reversed(options):
        wrapper = option(wrapper)
    return wrapper  # type: ignore[return-value]


lines_option = click.option("--lines", is_flag=True, help="SOURCE is a pattern set: one pattern a line.")


def source_arguments(function: F) -> F:
    """Adds SOURCE..., `-e` and the reading options; the function takes `sources: list[Source]`."""

    @functools.wraps(function)
    def wrapper(*, source: Sequence[str], expression: Sequence[str], reading: Reading, **rest: Any) -> Any:
        if not source and not expression:
            raise UsageError(
                "no SOURCE: give a path, '-' for standard input, the name of a shipped grammar, or -e EXPRESSION"
            )
        if source.count("-") > 1:
            raise UsageError("standard input ('-') can be read once only")
        named = [Source(text, is_expression=False, reading=reading) for text in source]
        given = [Source(text, is_expression=True, reading=reading) for text in expression]
        return function(sources=named + given, **rest)

    expression = click.option(
        "-e", "--expression", multiple=True, help="An expression instead of a SOURCE; may be repeated."
    )
    return click.argument("source", nargs=-1)(expression(reading_options(wrapper)))  # type: ignore[return-value]


def for_each(
    sources: Sequence[Source], action: Callable[[Source], int], *, as_json: bool, label: str, jobs: int = 1
) -> int:
    """Does `action` for every source in order, reports the errors of each, and returns the worst exit code.

    Args:
        sources: what to read.
        action: prints the answer of one source and returns its exit code.
        as_json: how errors are reported.
        label: what the progress bar says.
        jobs: processes to use; with more than one, `action` must be picklable.
    """
    if jobs > 1 and len(sources) > 1:
        from ssmc.cli.parallel import answers, show

        waiting = answers(sources, action, as_json=as_json, jobs=jobs)
        return failure.worst([show(wait()) for wait in track(waiting, label, len(sources))])
    codes = []
    for source in track(sources, label):
        try:
            codes.append(action(source))
        except BrokenPipeError:
            raise
        except Exception as error:
            if "--debug" in sys.argv:
                raise
            name = source.title if len(sources) > 1 else None
            codes.append(failure.report(error, as_json=as_json, name=name))
    return failure.worst(codes)
