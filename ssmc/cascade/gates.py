"""Which gates a language needs, and the refusal of gates that do not suffice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra import check_starfree
from ssmc.algebra.language_groups import GATES, language_groups
from ssmc.errors import GateError, LimitError, NotStarFreeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ssmc.algebra.language_groups import Gates
    from ssmc.automaton import Automaton

TARGET_FOR: dict[Gates, str] = {
    "signed": "--target native-signed",
    "complex": "--target native-pd, or up to a stated length native-complex",
    "pd": "--target native-pd",
}
"""What to ask for where these gates are needed."""


def require_gates(automaton: Automaton, gates: Gates, set_limit: int, patterns: Sequence[str] = ()) -> bool:
    """Refuses a language that gates cannot do; whether it is star-free, as far as that could be decided.

    A pattern set needs the gates that any of its patterns needs: its transition monoid divides the product of theirs, and each of theirs is an
    image of it.

    Args:
        automaton: the language.
        gates: what the gates can be.
        set_limit: the largest number of image sets.
        patterns: the names of the patterns of a pattern set; their numbers, from 1, when not given.

    Raises:
        NotStarFreeError: the gates are non-negative and the language is not star-free; carries the witness (of a pattern set: of its first
            pattern that is not star-free).
        GateError: other gates that do not suffice; carries the witness.
        LimitError: the gates are non-negative and star-freeness could not be decided within its limits.
    """
    starfree = True
    for subject, language in _parts(automaton, patterns):
        report = check_starfree(language, monoid_limit=0, set_limit=set_limit)
        starfree = starfree and report.verdict == "star-free"
        if report.verdict == "unknown" and gates == "non-negative":
            raise LimitError("image sets of the skeleton", report.sets, set_limit, "--set-limit")
        if report.witness is None:
            continue
        groups = language_groups(language)
        if GATES.index(groups.at_least) <= GATES.index(gates):
            continue
        what = f"{subject}not star-free: {report.witness.describe(language)}"
        names = ", ".join(group.name for group in groups.groups)
        missing = f"{names} {groups.need.text.replace('needs', 'need' if len(groups.groups) > 1 else 'needs', 1)}"
        message = f"{what}; {missing} ({TARGET_FOR[groups.at_least]})"
        if gates == "non-negative":
            raise NotStarFreeError(message, report.witness)
        raise GateError(f"{gates} gates do not suffice: {message}", report.witness, groups.at_least)
    return starfree


def missing_gates(automaton: Automaton, gates: Gates) -> GateError:
    """The refusal where the groups of a language could not all be found beforehand, and then the gates did not suffice."""
    report = check_starfree(automaton, monoid_limit=0)
    witness = "" if report.witness is None else f": not star-free: {report.witness.describe(automaton)}"
    return GateError(
        f"{gates} gates do not suffice for a large group of the language{witness} ({TARGET_FOR['pd']})",
        report.witness,
        "pd",
    )


def _parts(automaton: Automaton, patterns: Sequence[str]) -> Iterator[tuple[str, Automaton]]:
    """The language, or each pattern of a set, with what to call it."""
    names = patterns or [str(i + 1) for i in range(automaton.pattern_count)]
    yield from ((f"pattern {name} is ", automaton.pattern(i)) for i, name in enumerate(names))
    if not names:
        yield "", automaton
