"""What a state-space model needs for a language: the consequence of its groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.algebra.groups import Group


@dataclass(frozen=True)
class Need:
    """The gates that suffice and without which it cannot be done.

    Attributes:
        gates: `non-negative`, `signed`, `complex` or `permutation`; `beyond` when only the period of one counter is known.
        text: one sentence.
        source: where it is proved.
    """

    gates: str
    text: str
    source: str


STAR_FREE = Need(
    "non-negative",
    "a non-negative diagonal suffices",
    "Sarrof, Veitsman and Hahn 2024: non-negative diagonal SSMs in finite precision model exactly the star-free languages",
)


def need_of(groups: Sequence[Group]) -> Need:
    """The need of a language from the groups of its syntactic monoid; by Krohn and Rhodes 1965 their simple divisors must be built in."""
    real = [group for group in groups if group.order > 1]
    if not real:
        return STAR_FREE
    primes = sorted({p for group in real for p in group.primes})
    solvable = all(group.solvable for group in real)
    names = ", ".join(dict.fromkeys(group.name for group in real if not group.abelian))
    if not solvable:
        insolvable = ", ".join(dict.fromkeys(group.name for group in real if not group.solvable))
        return Need(
            "permutation",
            f"needs a non-abelian group that is not solvable ({insolvable}): permutation matrices as gates",
            "Krohn and Rhodes 1965; Barrington 1989; no stack of diagonal layers has it (Shakerinava et al. 2026)",
        )
    if primes == [2]:
        text = "needs a -1 gate" if not names else f"needs a non-abelian group ({names}): -1 gates in several layers"
        return Need("signed", text, "Grazzi et al. 2024: eigenvalue -1 gives Z2; 2-groups are built from Z2")
    roots = " and ".join(str(p) for p in primes)
    text = f"needs a p-th root of unity as a gate, p = {roots}"
    if names:
        text = f"needs a non-abelian group ({names}): p-th roots of unity, p = {roots}, in several layers"
    return Need(
        "complex",
        text,
        "Shakerinava et al. 2026: k complex diagonal layers give the groups with an abelian series of length k",
    )


def need_beyond(period: int) -> Need:
    """What is known from one counter when the monoid is too large to look for its groups."""
    root = "a -1 gate" if period == 2 else f"a p-th root of unity as a gate, p = {period}"
    return Need("beyond", f"needs at least {root}", STAR_FREE.source)
