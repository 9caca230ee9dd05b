"""The classes of the commands: common options, examples first in the help, modules loaded when named."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli.table import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence


def _write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    with formatter.section("Examples"):
        for line in examples:
            formatter.write(f"{' ' * formatter.current_indent}{line}\n")


class Command(click.Command):
    """A click command with `--json` and `--debug` and examples at the head of its help.

    The function is called with `as_json: bool`; it returns the exit code (None is 0). `--debug` is read by `main`.

    Args:
        examples: lines of shell, shown before the text.
        **settings: what `click.Command` takes.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.examples = tuple(examples)
        self.params.append(
            click.Option(["--json", "as_json"], is_flag=True, help="Print JSON with a schema key to standard output.")
        )
        self.params.append(debug_option())

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples, then the text."""
        _write_examples(formatter, self.examples)
        super().format_help_text(ctx, formatter)


class Program(click.Group):
    """The group of `COMMANDS`, whose modules are imported only when a command is named."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.examples = tuple(examples)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported now."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(entry.module).command
        return command

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples, then the text."""
        _write_examples(formatter, self.examples)
        super().format_help_text(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes the table of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


def debug_option() -> click.Option:
    """`--debug`, accepted before and after the command's name."""
    return click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error.")
