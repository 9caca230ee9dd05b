"""Errors as the user sees them: one line and a caret on stderr, or `ssmc.error/1` on stdout, and the exit code."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli.terminal import say
from ssmc.errors import InputError, LimitError, SsmcError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OK, NO, USAGE, INVALID, LIMIT, UNPROVED, CRASH, INTERRUPTED, CLOSED_PIPE = 0, 1, 2, 3, 4, 5, 70, 130, 141

_RANK = (OK, NO, LIMIT, INVALID, UNPROVED, USAGE, CRASH)


def worst(codes: Iterable[int]) -> int:
    """The exit code of several inputs: 70, 2, 5, 3, 4, 1, 0 in this order of precedence."""
    return max(codes, key=_RANK.index, default=OK)


def exit_code(error: BaseException) -> int:
    """The exit code of an error.

    A true "no" is 1, wrong usage 2, input that cannot be read (or a file that cannot be written) 3, a limit 4, a failed proof of
    our own 5, a bug 70, an interruption 130, a closed pipe 141.
    """
    if isinstance(error, SsmcError):
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE
    if isinstance(error, click.UsageError):
        return USAGE
    if isinstance(error, OSError | click.ClickException):
        return INVALID
    return CRASH


def message(error: BaseException) -> str:
    """What went wrong, in one line."""
    code = exit_code(error)
    if code == INTERRUPTED:
        return "interrupted"
    if isinstance(error, InputError):
        return error.message
    if isinstance(error, click.ClickException):
        text = error.format_message()
        if isinstance(error, click.UsageError) and error.ctx is not None:
            text += f" (see '{error.ctx.command_path} --help')"
    elif isinstance(error, OSError):
        text = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    elif code == CRASH:
        text = f"internal error ({type(error).__name__}: {error}); --debug shows the traceback"
    else:
        text = str(error)
    return " ".join(text.split())


def to_json(error: BaseException, name: str | None = None) -> dict[str, Any]:
    """The error as `ssmc.error/1`.

    Args:
        error: the error.
        name: the input it belongs to, where there are several.
    """
    position = error.position if isinstance(error, InputError) else None
    out: dict[str, Any] = {
        "schema": "ssmc.error/1",
        "type": "UsageError" if isinstance(error, click.UsageError) else type(error).__name__,
        "message": message(error),
        "position": None if position is None else dataclasses.asdict(position),
    }
    if name is not None:
        out["input"] = name
    if isinstance(error, LimitError):
        out |= {"what": error.what, "reached": error.reached, "limit": error.limit, "option": error.option}
    if isinstance(error, VerificationError):
        out["word"] = None if error.word is None else list(error.word)
    return out


def report(
    error: BaseException, *, as_json: bool, name: str | None = None, extra: Mapping[str, Any] | None = None
) -> int:
    """Prints an error and returns its exit code.

    Args:
        error: the error.
        as_json: print `ssmc.error/1` to stdout instead of a line to stderr.
        name: the input it belongs to, where there are several.
        extra: more keys for the JSON.
    """
    code = exit_code(error)
    if as_json and code != INTERRUPTED:
        click.echo(json.dumps(to_json(error, name) | dict(extra or {})))
        return code
    say(f"ssmc: {_place(error, name)}{message(error)}", fg="red" if code != NO else None)
    if isinstance(error, InputError) and error.position is not None:
        caret = error.position.caret()
        if caret:
            say("\n".join("  " + line for line in caret.splitlines()))
    return code


def _place(error: BaseException, name: str | None) -> str:
    """`file:line:column: `, or the name of the input, or nothing."""
    position = error.position if isinstance(error, InputError) else None
    if position is not None:
        return f"{position}: "
    return f"{name}: " if name is not None and name not in message(error) else ""
