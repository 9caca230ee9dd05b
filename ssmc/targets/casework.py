"""Product terms of a table of cases, group by group: the cases that read one component are covered without the others' values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ssmc.targets.cover import cover
from ssmc.targets.layout import expand

if TYPE_CHECKING:
    from ssmc.cascade.cases import Cases
    from ssmc.cascade.ir import Cascade, Key
    from ssmc.targets.cover import Term
    from ssmc.targets.layout import Digit

L = TypeVar("L")


def places(table: Cases[L]) -> list[int | None]:
    """The places that some case reads, None first where some case reads nothing."""
    return sorted({case.place for case in table.cases.values()}, key=lambda place: place or 0)


def group_terms(
    cascade: Cascade,
    table: Cases[L],
    place: int | None,
    reads: tuple[int, ...],
    variables: tuple[Digit, ...],
    default: L,
) -> list[Term[L]]:
    """Disjoint terms that contain every key whose label is not the default, of the cases that read one place.

    The default stands on every case of the other groups and where the table has no case, so that terms of two groups never meet.

    Args:
        cascade: the cascade.
        table: the table.
        place: the place that the cases of the group read.
        reads: the selector, and the component at that place.
        variables: the variables through which terms read these.
        default: the label that needs no term.
    """
    classes, own = cascade.automaton.classes, table.group(place)
    if all(label == default for label in own.values()):
        return []
    values: list[Key] = [()] if place is None else [(v,) for v in table.ranges[place - 1]]
    entries: dict[Key, L] = {}
    for x in range(classes):
        for d in table.ranges[0]:
            case = table.cases.get((x, d))
            inside = case is not None and case.place == place
            for value in values:
                key = (x, d, *value)
                if not inside:
                    entries[key] = default
                elif key in own:
                    entries[key] = own[key]
    sizes = [max(1, classes), *(digit.size for digit in variables)]
    return list(cover(sizes, expand(cascade, entries, variables, reads), default).terms)
