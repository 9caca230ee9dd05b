"""Tables as rules for people: few products 'on these letters, when those components have these values'.

A rule covers entries of one label and no entry of another; it may reach over don't-cares, but it names only letters and values that occur. Every entry is
covered by some rule of its label. The cover is greedy and not the one that weights are made of (`ssmc.targets.cover`), whose terms are disjoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.ir import Key

L = TypeVar("L", bound="Hashable")


@dataclass(frozen=True)
class Rule:
    """A product of a letter set and of value sets.

    Attributes:
        classes: the classes, ascending; empty stands for whatever occurs.
        conditions: (component, its values) for the components that matter, ascending.
    """

    classes: tuple[int, ...]
    conditions: tuple[tuple[int, tuple[int, ...]], ...]

    def holds(self, key: Mapping[int, int], x: int) -> bool:
        """Whether class x with the given component values is inside."""
        return (not self.classes or x in self.classes) and all(key[j] in values for j, values in self.conditions)


@dataclass(frozen=True)
class Rules:
    """The rules of each label but one.

    Attributes:
        cases: (label, rules).
        rest: the label of all other entries, or None where `cases` cover everything.
    """

    cases: tuple[tuple[Hashable, tuple[Rule, ...]], ...]
    rest: Hashable | None


def find_rules(table: Mapping[Key, L], reads: Sequence[int], *, rest: L | None = None) -> Rules:
    """The rules of a table.

    Args:
        table: (class, values of reads) -> label.
        reads: the components read, in the order of the keys.
        rest: the label that gets no rules; by default the one that would need most, if there are two labels or more.
    """
    if not table:
        return Rules((), None)
    keys = np.array(list(table), dtype=np.int64)
    labels = list(table.values())
    cases: dict[Hashable, tuple[Rule, ...]] = {}
    for label in dict.fromkeys(sorted(labels, key=repr)):
        if rest is None or label != rest:
            own = np.array([other == label for other in labels])
            cases[label] = tuple(_cover(keys[own], keys[~own], tuple(reads)))
    others: Hashable | None = rest if rest in labels else None
    if rest is None and len(cases) > 1:
        others = max(cases, key=lambda label: (len(cases[label]), sum(len(rule.conditions) for rule in cases[label])))
        del cases[others]
    return Rules(tuple(cases.items()), others)


def _cover(own: NDArray[np.int64], others: NDArray[np.int64], reads: tuple[int, ...]) -> list[Rule]:
    """The cover with fewest rules, then fewest conditions, over some orders of widening."""
    width = own.shape[1]
    forward = tuple(range(width))
    orders = dict.fromkeys([forward, (*forward[1:], 0), forward[::-1], (0, *forward[:0:-1])])
    covers = [list(_widen_all(own, others, reads, order)) for order in orders]
    return min(covers, key=lambda rules: (len(rules), sum(len(rule.conditions) for rule in rules)))


def _widen_all(
    own: NDArray[np.int64], others: NDArray[np.int64], reads: tuple[int, ...], order: tuple[int, ...]
) -> Iterator[Rule]:
    everything = np.concatenate([own, others])
    domains = [np.unique(column) for column in everything.T]
    left = np.ones(len(own), dtype=bool)
    while left.any():
        box = [np.array([value]) for value in own[np.argmax(left)]]
        for i in order:
            outside = _inside(others, box, skip=i)
            box[i] = np.setdiff1d(domains[i], others[outside, i])
        inside = _inside(own, box)
        left &= ~inside
        met = [np.unique(own[inside, i]).tolist() for i in range(own.shape[1])]
        full = [len(values) == len(domain) for values, domain in zip(box, domains, strict=True)]
        yield Rule(
            () if full[0] else tuple(met[0]),
            tuple((j, tuple(met[i])) for i, j in enumerate(reads, 1) if not full[i]),
        )


def _inside(rows: NDArray[np.int64], box: list[NDArray[np.int64]], *, skip: int = -1) -> NDArray[np.bool_]:
    found = np.ones(len(rows), dtype=bool)
    for i, values in enumerate(box):
        if i != skip:
            found &= np.isin(rows[:, i], values)
    return found
