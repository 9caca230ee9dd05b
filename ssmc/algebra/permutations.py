"""Permutations of 0..n-1 as tuples of images, and subgroups as sets of them."""

from __future__ import annotations

from collections import Counter
from math import gcd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

Permutation = tuple[int, ...]


def then(first: Permutation, second: Permutation) -> Permutation:
    """The product q -> second[first[q]], as words act."""
    return tuple([second[q] for q in first])


def inverse(element: Permutation) -> Permutation:
    """The inverse."""
    out = [0] * len(element)
    for q, r in enumerate(element):
        out[r] = q
    return tuple(out)


def order_of(element: Permutation) -> int:
    """The least k > 0 with element^k = 1: the least common multiple of its cycle lengths."""
    seen = [False] * len(element)
    order = 1
    for start in range(len(element)):
        length, q = 0, start
        while not seen[q]:
            seen[q] = True
            q = element[q]
            length += 1
        if length:
            order = order * length // gcd(order, length)
    return order


def factor(number: int) -> dict[int, int]:
    """Prime -> exponent."""
    factors: Counter[int] = Counter()
    divisor = 2
    while number > 1:
        if divisor * divisor > number:
            divisor = number
        while number % divisor == 0:
            factors[divisor] += 1
            number //= divisor
        divisor += 1
    return dict(factors)


def orbits_of(generators: Sequence[Permutation]) -> list[list[int]]:
    """The orbits of the points, each ascending, by least point."""
    found: list[list[int]] = []
    seen: set[int] = set()
    for start in range(len(generators[0])):
        if start not in seen:
            orbit = [start]
            seen.add(start)
            for q in orbit:
                for g in generators:
                    if g[q] not in seen:
                        seen.add(g[q])
                        orbit.append(g[q])
            found.append(sorted(orbit))
    return found


def closure(generators: Iterable[Permutation], identity: Permutation) -> set[Permutation]:
    """The group that some permutations generate."""
    found = {identity}
    queue = [identity]
    generators = list(generators)
    for element in queue:
        for generator in generators:
            further = then(element, generator)
            if further not in found:
                found.add(further)
                queue.append(further)
    return found


def bounded_closure(generators: Collection[Permutation], identity: Permutation, most: int) -> set[Permutation] | None:
    """The group that some permutations generate, or None if it has more than `most` elements."""
    found = {identity}
    queue = [identity]
    for element in queue:
        for generator in generators:
            further = then(element, generator)
            if further not in found:
                if len(found) == most:
                    return None
                found.add(further)
                queue.append(further)
    return found


def generators_of(elements: Sequence[Permutation]) -> list[Permutation]:
    """A generating set of at most log2(order) elements."""
    identity = tuple(range(len(elements[0])))
    generators: list[Permutation] = []
    reached = {identity}
    for element in elements:
        if element not in reached:
            generators.append(element)
            reached = closure(generators, identity)
            if len(reached) == len(elements):
                break
    return generators


def derived_subgroup(generators: Sequence[Permutation], identity: Permutation) -> set[Permutation]:
    """The commutator subgroup: the normal closure of the commutators of generators."""
    seeds = {then(then(inverse(a), inverse(b)), then(a, b)) for a in generators for b in generators if a != b} - {
        identity
    }
    while True:
        subgroup = closure(seeds, identity)
        conjugates = {then(then(inverse(g), s), g) for g in generators for s in seeds}
        if conjugates <= subgroup:
            return subgroup
        seeds |= conjugates


def derived_series(elements: Sequence[Permutation]) -> list[list[Permutation]]:
    """The group, its commutator subgroup, that one's, and so on, each sorted; the last is trivial iff the group is solvable."""
    identity = tuple(range(len(elements[0])))
    series = [sorted(elements)]
    while True:
        smaller = derived_subgroup(generators_of(series[-1]), identity)
        if len(smaller) == len(series[-1]):
            return series
        series.append(sorted(smaller))


def cyclic_basis(elements: Sequence[Permutation], kernel: Collection[Permutation]) -> list[tuple[Permutation, int]]:
    """Elements with prime-power orders modulo a normal subgroup, of whose cyclic groups an abelian quotient is the direct product.

    For each prime the element of largest order is taken whose powers meet the product so far in the kernel alone. Cyclic subgroups of largest order are
    direct factors of abelian p-groups, so the rest, by induction, is a quotient whose basis is found in the same way.

    Args:
        elements: the group.
        kernel: a normal subgroup with an abelian quotient.
    """
    identity = tuple(range(len(elements[0])))
    inside = set(kernel)
    index = len(elements) // len(inside)
    orders = {element: _order_modulo(element, inside) for element in elements}
    basis: list[tuple[Permutation, int]] = []
    for prime, exponent in factor(index).items():
        reached = inside
        candidates = sorted((g for g in elements if _is_power(orders[g], prime)), key=lambda g: (-orders[g], g))
        while len(reached) < prime**exponent * len(inside):
            element, powers = next(
                (g, powers)
                for g in candidates
                if orders[g] > 1
                for powers in [_powers(g, orders[g], identity)]
                if not any(power in reached for power in powers[1:])
            )
            basis.append((element, orders[element]))
            reached = {then(a, b) for a in reached for b in powers}
    return basis


def _order_modulo(element: Permutation, kernel: set[Permutation]) -> int:
    order, power = 1, element
    while power not in kernel:
        order, power = order + 1, then(power, element)
    return order


def _is_power(number: int, prime: int) -> bool:
    return set(factor(number)) <= {prime}


def _powers(element: Permutation, count: int, identity: Permutation) -> list[Permutation]:
    powers = [identity]
    while len(powers) < count:
        powers.append(then(powers[-1], element))
    return powers
