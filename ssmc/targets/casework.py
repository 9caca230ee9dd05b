"""Product terms of a table of cases, group by group: the cases that read one component are covered without the others' values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ssmc.targets.cover import cover
from ssmc.targets.layout import expand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssmc.cascade.cases import Cases
    from ssmc.cascade.ir import Cascade, Key
    from ssmc.targets.cover import Term
    from ssmc.targets.layout import Digit

    Variables = Callable[[Sequence[int]], tuple[Digit, ...]]

L = TypeVar("L")


def case_terms(
    cascade: Cascade, table: Cases[L], reads: Sequence[int], variables: Variables, default: L
) -> list[tuple[tuple[Digit, ...], list[Term[L]]]]:
    """Disjoint terms that contain every key whose label is not the default: for each group its variables and its terms.

    A group is covered with the default on every case of the other groups and where the table has no case, so that terms of two groups never meet.

    Args:
        cascade: the cascade.
        table: the table.
        reads: the components that it reads, the selector first.
        variables: the variables through which terms read components.
        default: the label that needs no term.
    """
    classes, selector = cascade.automaton.classes, table.ranges[0]
    out = []
    for place in sorted({case.place for case in table.cases.values()}, key=lambda place: place or 0):
        own = table.group(place)
        if all(label == default for label in own.values()):
            continue
        read = (reads[0],) if place is None else (reads[0], reads[place - 1])
        values: list[Key] = [()] if place is None else [(v,) for v in table.ranges[place - 1]]
        entries: dict[Key, L] = {}
        for x in range(classes):
            for d in selector:
                case = table.cases.get((x, d))
                inside = case is not None and case.place == place
                for value in values:
                    key = (x, d, *value)
                    if not inside:
                        entries[key] = default
                    elif key in own:
                        entries[key] = own[key]
        chosen = variables(read)
        sizes = [max(1, classes), *(digit.size for digit in chosen)]
        out.append((chosen, list(cover(sizes, expand(cascade, entries, chosen, read), default).terms)))
    return out
