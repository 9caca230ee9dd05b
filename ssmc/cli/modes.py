"""`--mode`, and the mode that a source's header asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ssmc.errors import InputError

if TYPE_CHECKING:
    from ssmc.cascade.ir import Mode
    from ssmc.languages import Language

MODES: tuple[Mode, ...] = ("recognise", "predict")

mode_option = click.option(
    "--mode",
    type=click.Choice(MODES),
    help="Every string gets a verdict (the default), or every prefix its legal next symbols.",
)


def header_mode(language: Language) -> Mode:
    """The mode that the source's header asks for; `recognise` without one.

    Raises:
        InputError: there is no such mode.
    """
    mode = dict(language.options).get("mode", MODES[0])
    for known in MODES:
        if mode == known:
            return known
    raise InputError(f"header: mode {mode!r} is not one of {', '.join(MODES)}")
