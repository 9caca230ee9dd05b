"""Options that `sample` and `eval` share: the bins of lengths and the probability of FFL(p)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fractions import Fraction

    from ssmc.sample.draw import Bin

if TYPE_CHECKING:
    Parameter = click.ParamType[Any]
else:
    Parameter = click.ParamType  # not generic before click 8.2

PAPER = "paper"
"""The name of the bins of the paper."""


class LengthRange(Parameter):
    """A bin of lengths: `LOW..HIGH`, one length `N`, or `paper` for the three bins of the paper."""

    name = "range"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Bin, ...]:
        """The bins that a word names."""
        from ssmc.sample.draw import PAPER_BINS, Bin

        if value == PAPER:
            return PAPER_BINS
        low, dots, high = str(value).replace("_", "").partition("..")
        if not (low.isdecimal() and (high.isdecimal() if dots else True)):
            self.fail(f"{value!r} is no length N, no range LOW..HIGH, and not {PAPER!r}", param, ctx)
        interval = Bin(int(low), int(high) if dots else int(low))
        if interval.low > interval.high:
            self.fail(f"{value!r}: the range is empty", param, ctx)
        return (interval,)


class Probability(Parameter):
    """A probability, kept as the exact fraction that was written."""

    name = "p"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The fraction of a decimal or a quotient."""
        from fractions import Fraction

        try:
            p = Fraction(value)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is not a number", param, ctx)
        if not 0 <= p <= 1:
            self.fail(f"{value!r} is not between 0 and 1", param, ctx)
        return p


length_option = click.option(
    "--length",
    "lengths",
    type=LengthRange(),
    multiple=True,
    help="A bin of lengths: N, LOW..HIGH, or 'paper' (1..50, 51..100, 101..150, the default); may be repeated.",
)
ignore_option = click.option(
    "--ignore", type=Probability(), help="The probability of i in the method ffl, such as 0.8."
)


def bins_of(lengths: tuple[tuple[Bin, ...], ...]) -> tuple[Bin, ...]:
    """The bins of all `--length` options; those of the paper without any."""
    from ssmc.sample.draw import PAPER_BINS

    return tuple(interval for group in lengths for interval in group) or PAPER_BINS
