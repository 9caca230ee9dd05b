"""The program `ssmc`: the group of commands, and `main`, which turns every ending into its exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click
import click.exceptions

from ssmc import __version__
from ssmc.cli import failure
from ssmc.cli.command import Program, debug_option

if TYPE_CHECKING:
    from collections.abc import Sequence

program = Program(
    name="ssmc",
    no_args_is_help=False,
    params=[debug_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=(
        "ssmc check-starfree -e '(ab|ba)*' --alphabet ab",
        "ssmc compile flip-flop --mode predict -o flip-flop.pt",
        "ssmc run flip-flop.pt 'w1 i r1' 'w1 i r0'",
        "ssmc verify flip-flop.pt",
    ),
    help="Compiles regular languages into state-space models whose weights are proved to compute them at every length.",
    epilog=(
        "Exit codes: 0 yes or done; 1 a true no; 2 usage; 3 invalid input; 4 a limit was reached; 5 a proof of our own failed; "
        "70 a bug; 130 interrupted; 141 closed pipe."
    ),
)
program = click.version_option(__version__, prog_name="ssmc")(program)


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with the code of its ending (`ssmc.cli.failure`).

    Args:
        args: the arguments; those of the process when not given.

    Raises:
        SystemExit: always.
    """
    if "_SSMC_COMPLETE" in os.environ:
        program.main(prog_name="ssmc")
    words = list(sys.argv[1:] if args is None else args)
    options = words[: words.index("--")] if "--" in words else list(words)
    try:
        code = _run(words)
    except BrokenPipeError:
        code = failure.CLOSED_PIPE
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in options and not isinstance(error, click.ClickException):
            import traceback

            traceback.print_exc()
        code = failure.report(error, as_json="--json" in options)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = failure.CLOSED_PIPE
    if code == failure.CLOSED_PIPE:
        # what is left in the buffer goes nowhere, or the interpreter's last flush would fail again
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(words: list[str]) -> int:
    """The exit code of the command; not `program.main()`, which ends a closed pipe with 1, and 1 is always an answer here."""
    try:
        with program.make_context("ssmc", words) as context:
            return program.invoke(context) or failure.OK
    except click.exceptions.Exit as ending:
        return ending.exit_code
