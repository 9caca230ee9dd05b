"""Names and properties of finite permutation groups: C2, S3, A5, D4, Q8, C7:C3, C2 x A4 ..."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING

from ssmc.algebra.permutations import (
    bounded_closure,
    closure,
    derived_subgroup,
    factor,
    generators_of,
    inverse,
    orbits_of,
    order_of,
    then,
)
from ssmc.algebra.stabilisers import StabiliserChain, is_solvable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.algebra.permutations import Permutation

LISTED_ORDER = 1_000
"""The largest order of a group whose elements are listed to name it, where only generators are given."""
MOST_POINTS = 32
"""The most points of a group that is too large to list."""
NAMED_ORDER = 2_000
"""The largest order at which structure beyond cyclic, abelian, symmetric and alternating is looked for."""


@dataclass(frozen=True)
class Group:
    """A finite group up to isomorphism, as far as it is named.

    Attributes:
        name: its name, or `G<order>` where none of the rules applies.
        order: the number of elements.
        abelian: whether it is commutative.
        solvable: whether its derived series ends in the trivial group.
    """

    name: str
    order: int
    abelian: bool
    solvable: bool

    @property
    def primes(self) -> tuple[int, ...]:
        """The prime divisors of the order: the orders of its elements of prime order (Cauchy)."""
        return tuple(sorted(factor(self.order)))


def name_group(elements: Sequence[Permutation]) -> Group:
    """The group whose elements are given as permutations of 0..n-1, all of them."""
    order = len(elements)
    generators = generators_of(elements)
    abelian = all(then(a, b) == then(b, a) for a in generators for b in generators)
    if order == 1:
        return Group("1", 1, abelian=True, solvable=True)
    if abelian:
        return Group(_abelian_name(elements), order, abelian=True, solvable=True)
    natural = _natural_name(elements, order)
    solvable = _solvable(generators, order)
    name = natural or (_structure_name(elements, order) if order <= NAMED_ORDER else None) or f"G{order}"
    return Group(name, order, abelian=False, solvable=solvable)


def group_of(generators: Sequence[Permutation]) -> Group | None:
    """The group that permutations of 0..n-1 generate; its elements are listed only where there are at most `LISTED_ORDER`.

    None where it is larger and has more than `MOST_POINTS` points.
    """
    identity = tuple(range(len(generators[0])))
    elements = bounded_closure(generators, identity, LISTED_ORDER)
    if elements is not None:
        return name_group(sorted(elements))
    if len(identity) > MOST_POINTS:
        return None
    order = StabiliserChain(len(identity), generators).order
    abelian = all(then(a, b) == then(b, a) for a in generators for b in generators)
    return Group(_great_name(generators, order) or f"G{order}", order, abelian, solvable=is_solvable(generators))


def _great_name(generators: Sequence[Permutation], order: int) -> str | None:
    """S_n or A_n, where the group acts faithfully as such on an orbit of n points."""
    for orbit in orbits_of(generators):
        n = len(orbit)
        if order in (factorial(n), factorial(n) // 2):
            place = {q: i for i, q in enumerate(orbit)}
            inner = [tuple([place[g[q]] for q in orbit]) for g in generators]
            if StabiliserChain(n, inner).order == order:
                return f"S{n}" if order == factorial(n) else f"A{n}"
    return None


def _abelian_name(elements: Sequence[Permutation]) -> str:
    """The invariant factors, from the number of solutions of x^(p^k) = 1: it is the product of p^min(k, e) over the factors C_(p^e)."""
    orders = Counter(order_of(element) for element in elements)
    columns: list[list[int]] = []
    for prime, power in factor(len(elements)).items():
        solutions = [sum(n for o, n in orders.items() if prime**k % o == 0) for k in range(power + 2)]
        logs = [_log(solution, prime) for solution in solutions]
        at_least = [logs[k] - logs[k - 1] for k in range(1, power + 2)]  # factors with exponent >= k
        exponents = [k for k in range(1, power + 1) for _ in range(at_least[k - 1] - at_least[k])]
        columns.append([prime**e for e in sorted(exponents, reverse=True)])
    factors = []
    for place in range(max(len(column) for column in columns)):
        invariant = 1
        for column in columns:
            invariant *= column[place] if place < len(column) else 1
        factors.append(invariant)
    return " x ".join(f"C{order}" for order in reversed(factors))


def _log(number: int, base: int) -> int:
    exponent = 0
    while number > 1:
        number //= base
        exponent += 1
    return exponent


def _natural_name(elements: Sequence[Permutation], order: int) -> str | None:
    """S_n or A_n, where the group acts faithfully as such on n of its points."""
    points = len(elements[0])
    orbits = {frozenset(element[q] for element in elements) for q in range(points)}
    for orbit in sorted(orbits, key=len):
        n = len(orbit)
        if n < 3 or order not in (factorial(n), factorial(n) // 2):
            continue
        places = sorted(orbit)
        if len({tuple(element[q] for q in places) for element in elements}) == order:
            return f"S{n}" if order == factorial(n) else f"A{n}"
    return None


def _solvable(generators: Sequence[Permutation], order: int) -> bool:
    """Burnside: two primes; Feit and Thompson: odd order; otherwise the derived series."""
    if order % 2 or len(factor(order)) < 3:
        return True
    identity = tuple(range(len(generators[0])))
    current = list(generators)
    size = order
    while size > 1:
        derived = derived_subgroup(current, identity)
        if len(derived) == size:
            return False
        size = len(derived)
        current = generators_of(sorted(derived))
    return True


def _structure_name(elements: Sequence[Permutation], order: int) -> str | None:
    """A small symmetric or alternating group, dihedral, dicyclic, a semidirect product of a cyclic group of prime order, SL(2,3), PSL(2,7), or a product with a cyclic group."""
    orders = {element: order_of(element) for element in elements}
    identity = tuple(range(len(elements[0])))
    if order == 24 and sorted(orders.values()).count(2) == 1 and sorted(orders.values()).count(3) == 8:
        return "SL(2,3)"
    if order == 168 and len(derived_subgroup(generators_of(elements), identity)) == 168:
        return "PSL(2,7)"
    known = _abstract_name(elements, order, identity)
    if known is not None:
        return known
    half = next((g for g in elements if 2 * orders[g] == order), None)
    if half is not None:
        cyclic = closure([half], identity)
        flip = next(g for g in elements if g not in cyclic)
        if then(then(flip, half), inverse(flip)) == inverse(half):
            if orders[flip] == 2:
                return f"D{order // 2}"
            return "Q8" if order == 8 else f"Dic{order // 4}"
    return _product_name(elements, order, orders, identity) or _frobenius_name(elements, order, orders, identity)


def _abstract_name(elements: Sequence[Permutation], order: int, identity: Permutation) -> str | None:
    """S_3, A_4, S_4, A_5, S_5 or A_6 however they act: known by their order, commutator subgroup and centre.

    Order 6: the only one that is not abelian. A_4: its commutator subgroup has order 4 (of order 12 otherwise 3 or 1). S_4: the commutator subgroup has order 12 and
    is not abelian. A_5 and A_6: the only perfect groups of their orders. S_5: A_5 with quotient of order 2 and no centre.
    """
    if order not in _ABSTRACT:
        return None
    generators = generators_of(elements)
    derived = derived_subgroup(generators, identity)
    name, size = _ABSTRACT[order]
    if len(derived) != size:
        return None
    inner = generators_of(sorted(derived))
    if name in ("S4", "S5"):
        abelian = all(then(a, b) == then(b, a) for a in inner for b in inner)
        centre = [z for z in elements if all(then(z, g) == then(g, z) for g in generators)]
        if abelian or len(centre) > 1:
            return None
    return name


_ABSTRACT = {6: ("S3", 3), 12: ("A4", 4), 24: ("S4", 12), 60: ("A5", 60), 120: ("S5", 60), 360: ("A6", 360)}
"""Order -> name and order of the commutator subgroup."""


def _frobenius_name(
    elements: Sequence[Permutation], order: int, orders: dict[Permutation, int], identity: Permutation
) -> str | None:
    """C_p:C_m with p prime, C_p normal and a cyclic complement."""
    for prime, power in sorted(factor(order).items(), reverse=True):
        kernel = next(g for g in elements if orders[g] == prime)
        normal = closure([kernel], identity)
        if power == 1 and all(then(then(inverse(g), kernel), g) in normal for g in elements):
            if any(orders[g] == order // prime for g in elements):
                return f"C{prime}:C{order // prime}"
            return None
    return None


def _product_name(
    elements: Sequence[Permutation], order: int, orders: dict[Permutation, int], identity: Permutation
) -> str | None:
    """C_n x H for a central cyclic subgroup with a complement generated by two elements."""
    centre = [z for z in elements if z != identity and all(then(z, g) == then(g, z) for g in generators_of(elements))]
    for z in sorted(centre, key=lambda g: (-orders[g], g)):
        rest = order // orders[z]
        line = closure([z], identity)
        candidates = [g for g in elements if rest % orders[g] == 0][:60]
        for a in candidates:
            for b in candidates:
                complement = bounded_closure([a, b], identity, rest)
                if complement is not None and len(complement) == rest and len(complement & line) == 1:
                    return f"C{orders[z]} x {name_group(sorted(complement)).name}"
    return None
