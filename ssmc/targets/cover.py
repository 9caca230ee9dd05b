"""Small disjoint covers of multi-valued functions: the product terms from which every gate and output is summed.

A function maps tuples (one value for each variable) to labels; missing keys are don't-cares. A term is a product of value sets, one for each
variable, with a label. The terms that `cover` returns are pairwise disjoint over the *whole* space, don't-cares included, so that a sum of
their 0/1 indicators is 0 or 1 wherever it is evaluated. Value sets are bit masks: bit v stands for value v.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import cycle, islice, permutations
from operator import mul
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

L = TypeVar("L")
Key: TypeAlias = tuple[int, ...]
Leaf: TypeAlias = tuple[L, dict[int, int]]
Part: TypeAlias = frozenset[int]
"""The entries of a function or of one of its cofactors."""

ORDER_BUDGET = 3_000
"""Table entries times variable orders that one call of `cover` tries beyond the first (a greedy order counts once per variable)."""


class Term(NamedTuple, Generic[L]):
    """A product of value sets and the label of the function on it.

    Attributes:
        label: what the function is on every key of the product.
        masks: for each variable the set of its values, as a bit mask.
    """

    label: L
    masks: tuple[int, ...]

    def contains(self, key: Sequence[int]) -> bool:
        """Whether a key lies in the product."""
        return all(mask >> value & 1 for mask, value in zip(self.masks, key, strict=True))

    def meets(self, other: Term[L]) -> bool:
        """Whether the two products share a key."""
        return all(a & b for a, b in zip(self.masks, other.masks, strict=True))


class Cover(NamedTuple, Generic[L]):
    """A function as disjoint terms and the label that holds where no term does.

    Attributes:
        default: the label without terms.
        terms: pairwise disjoint, none labelled `default`.
    """

    default: L
    terms: tuple[Term[L], ...]


def cover(sizes: Sequence[int], table: Mapping[Key, L], default: L | None = None) -> Cover[L]:
    """Pairwise disjoint terms that contain every key of the table whose label is not the default, under its label.

    A key with the default label lies in no term; a don't-care lies in at most one. The terms are the paths of a decision tree whose edges
    carry sets of values (equal and compatible cofactors are merged); several variable orders are tried and the smallest result is kept.

    Args:
        sizes: variable i takes the values 0..sizes[i]-1.
        table: the function; keys have `len(sizes)` values. It is not empty unless `default` is given.
        default: the label that needs no term; None takes the label with the most terms.

    Raises:
        ValueError: the table is empty and there is no default.
    """
    best: tuple[tuple[int, int], Cover[L]] | None = None
    for order in _orders(sizes, table):
        terms = merge(_full(label, masks, sizes) for label, masks in _split(sizes, table, order))
        dropped = default
        if dropped is None:
            if not terms:
                raise ValueError("an empty table needs a default")
            dropped = Counter(term.label for term in terms).most_common(1)[0][0]
        kept = sorted((term for term in terms if term.label != dropped), key=lambda term: term.masks)
        cost = _cost(kept, sizes)
        if best is None or cost < best[0]:
            best = cost, Cover(dropped, tuple(kept))
    if best is None:
        raise ValueError("no variable order")
    return best[1]


def _cost(terms: Sequence[Term[L]], sizes: Sequence[int]) -> tuple[int, int]:
    """Number of terms, then number of literals (variables that a term really restricts)."""
    literals = sum(mask != (1 << n) - 1 for term in terms for mask, n in zip(term.masks, sizes, strict=True))
    return len(terms), literals


def _orders(sizes: Sequence[int], table: Mapping[Key, L]) -> list[tuple[int, ...] | None]:
    """Variable orders to try, that of the caller first; None stands for the greedy choice at every node."""
    count = len(sizes)
    natural = tuple(range(count))
    if count < 2:
        return [natural]
    if count <= 4:
        rest = list(permutations(natural))[1:]
    else:
        rest = [tuple(sorted(natural, key=lambda i: (sign * sizes[i], i))) for sign in (1, -1)]
        rest += [natural[shift:] + natural[:shift] for shift in range(1, count)]
    trials = ORDER_BUDGET // max(1, len(table))
    greedy = [None] if trials >= count else []
    return [natural, *greedy, *rest[: max(0, trials - count)]]


def _full(label: L, masks: Mapping[int, int], sizes: Sequence[int]) -> Term[L]:
    return Term(label, tuple(masks.get(i, (1 << n) - 1) for i, n in enumerate(sizes)))


def _split(sizes: Sequence[int], table: Mapping[Key, L], order: tuple[int, ...] | None) -> list[Leaf[L]]:
    """The leaves of the decision tree: labels with the value sets on the path (variable -> mask)."""
    number: dict[L, int] = {}
    for label in table.values():
        number.setdefault(label, len(number))
    return _Tree(sizes, list(number), greedy=order is None).grow(
        tuple(range(len(sizes))) if order is None else order, table, number
    )


class _Tree(Generic[L]):
    """The decision tree of one function. An entry is one integer: its key in mixed radix over the variables left, times the labels, plus its label."""

    def __init__(self, sizes: Sequence[int], labels: Sequence[L], *, greedy: bool) -> None:
        self.sizes, self.labels, self.greedy = sizes, labels, greedy
        self.done: dict[tuple[tuple[int, ...], Part], list[Leaf[L]]] = {}

    def grow(self, variables: tuple[int, ...], table: Mapping[Key, L], number: Mapping[L, int]) -> list[Leaf[L]]:
        """The leaves for a table, over some order of its variables."""
        weights, weight = [0] * len(self.sizes), len(self.labels)
        for variable in reversed(variables):
            weights[variable], weight = weight, weight * self.sizes[variable]
        return self._leaves(
            variables, frozenset([number[label] + sum(map(mul, key, weights)) for key, label in table.items()])
        )

    def _leaves(self, variables: tuple[int, ...], part: Part) -> list[Leaf[L]]:
        count = len(self.labels)
        if not _is_mixed(part, count):
            return [(self.labels[entry % count], {}) for entry in islice(part, 1)]
        key = (variables, part)
        if key not in self.done:
            place, groups = self._choose(variables, part)
            rest = variables[:place] + variables[place + 1 :]
            self.done[key] = [
                (label, masks if len(groups) == 1 else {**masks, variables[place]: mask})
                for mask, cofactor in groups
                for label, masks in self._leaves(rest, cofactor)
            ]
        return self.done[key]

    def _choose(self, variables: tuple[int, ...], part: Part) -> tuple[int, list[tuple[int, Part]]]:
        """The variable to split on (its place in `variables`) and its merged cofactors with their value sets."""
        count = len(self.labels)
        widths = [count] * len(variables)
        for place in range(len(variables) - 1, 0, -1):
            widths[place - 1] = widths[place] * self.sizes[variables[place]]
        if not self.greedy:
            return 0, _cofactors(widths[0], self.sizes[variables[0]], part, count)
        best: tuple[tuple[int, int], int, list[tuple[int, Part]]] | None = None
        for place, variable in enumerate(variables):
            groups = _cofactors(widths[place], self.sizes[variable], part, count)
            mixed = (len(cofactor) for _, cofactor in groups if _is_mixed(cofactor, count))
            score = (sum(mixed), len(groups))
            if best is None or score < best[0]:
                best = (score, place, groups)
        if best is None:
            raise ValueError("a table with several labels but no variable")
        return best[1], best[2]


def _is_mixed(part: Part, labels: int) -> bool:
    """Whether some entries have two labels."""
    if labels < 2:
        return False
    first = next(iter(part), 0) % labels
    return any(entry % labels != first for entry in part)


def _cofactors(width: int, size: int, part: Part, labels: int) -> list[tuple[int, Part]]:
    """The values of one variable grouped by compatible cofactors; values without an entry join the largest group.

    Args:
        width: what one step of the variable's value adds to an entry.
        size: the number of its values.
        part: the entries.
        labels: the number of labels.
    """
    rows: defaultdict[int, list[int]] = defaultdict(list)
    span = width * size
    for entry in part:
        rows[entry // width % size].append(entry // span * width + entry % width)
    same: dict[Part, int] = {}
    for value, row in rows.items():
        entries = frozenset(row)
        same[entries] = same.get(entries, 0) | 1 << value
    if len(same) == 1:
        # values without an entry, too
        return [((1 << size) - 1, entries)]
    masks: list[int] = []
    # the entries of each group, and its keys
    groups: list[tuple[Part, Part]] = []
    for entries, mask in sorted(same.items(), key=lambda pair: (-len(pair[0]), pair[1])):
        keys = frozenset([entry // labels for entry in entries])
        fit = []
        for i, (others, known) in enumerate(groups):
            shared = len(keys & known)
            # compatible where every key of both has one label
            if shared == len(entries & others):
                fit.append((shared, -i))
        if fit:
            index = -max(fit)[1]
            masks[index] |= mask
            groups[index] = groups[index][0] | entries, groups[index][1] | keys
        else:
            masks.append(mask)
            groups.append((entries, keys))
    unused = (1 << size) - 1 & ~sum(masks)
    if unused and masks:
        masks[max(range(len(masks)), key=lambda i: masks[i].bit_count())] |= unused
    return list(zip(masks, (entries for entries, _ in groups), strict=True))


def merge(terms: Iterable[Term[L]]) -> list[Term[L]]:
    """Terms of one label that differ in one variable only are united, until none do; disjointness is kept."""
    current: list[tuple[L, Key]] = list(dict.fromkeys((label, masks) for label, masks in terms))
    width = len(current[0][1]) if current else 0
    # the variables to look at before it is known that no terms unite
    left = width
    for i in cycle(range(width)):
        if not left:
            break
        united: dict[tuple[L, Key], int] = {}
        for label, masks in current:
            key = (label, masks[:i] + masks[i + 1 :])
            united[key] = united.get(key, 0) | masks[i]
        left -= 1
        if len(united) < len(current):
            current = [(label, (*rest[:i], mask, *rest[i:])) for (label, rest), mask in united.items()]
            left = width - 1
    return [Term(label, masks) for label, masks in current]
