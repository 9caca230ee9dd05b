"""The options that say what a decomposition may spend, for every command that makes one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_OPTIONS = (
    click.option(
        "--effort", type=click.IntRange(0, 3), help="0: holonomy alone; 1 (the default) to 3: longer searches."
    ),
    click.option(
        "--window", type=click.IntRange(0), help="The widest window of symbols that the search may use; 3 by default."
    ),
    click.option("--max-layers", type=click.IntRange(0), help="Most scan layers; a deeper cascade is an error."),
    click.option(
        "--cost",
        type=click.Choice(["layers", "channels", "units"]),
        help="What is kept lowest first; layers by default.",
    ),
    click.option("--set-limit", type=click.IntRange(1), help="Most sets in a decision or a holonomy."),
    click.option("--context-limit", type=click.IntRange(1), help="Most contexts and joint states of a cascade."),
)


def spending_options(function: F) -> F:
    """Adds the options; the function takes `spending`, the keyword arguments of `ssmc.cascade.strategy.Options` that were given."""

    @functools.wraps(function)
    def wrapper(**settings: Any) -> Any:
        names = ("effort", "window", "max_layers", "cost", "set_limit", "context_limit")
        spending = {name: value for name in names if (value := settings.pop(name)) is not None}
        return function(spending=spending, **settings)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper  # type: ignore[return-value]
