"""What is said to people: stderr, in colour and with progress only where stderr is a terminal and NO_COLOR is unset."""

from __future__ import annotations

import os
import sys
from collections.abc import Sized
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


def say(text: str, fg: str | None = None) -> None:
    """Prints a line to stderr.

    Args:
        text: the line.
        fg: its colour, where colours are wanted.
    """
    plain = bool(os.environ.get("NO_COLOR")) or not sys.stderr.isatty()
    click.echo(text if plain or fg is None else click.style(text, fg=fg), err=True)


def track(items: Iterable[T], label: str, count: int | None = None) -> Iterator[T]:
    """The items, with a progress bar on stderr where that is a terminal, stdout is not (answers there show progress enough), and items are several.

    Args:
        items: what is gone through.
        label: what the bar says.
        count: the number of items; that of a sequence when not given.
    """
    total = len(items) if count is None and isinstance(items, Sized) else count
    if total is None or total < 2 or not sys.stderr.isatty() or sys.stdout.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as bar

    yield from bar(items, description=label, total=total, console=Console(stderr=True), transient=True)
