"""Names and properties of finite permutation groups: C2, S3, A5, D4, Q8, C7:C3, C2 x A4 ..."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import factorial, gcd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Permutation = tuple[int, ...]

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
        return tuple(sorted(_factor(self.order)))


def name_group(elements: Sequence[Permutation]) -> Group:
    """The group whose elements are given as permutations of 0..n-1, all of them."""
    order = len(elements)
    generators = _generators(elements)
    abelian = all(_then(a, b) == _then(b, a) for a in generators for b in generators)
    if order == 1:
        return Group("1", 1, abelian=True, solvable=True)
    if abelian:
        return Group(_abelian_name(elements), order, abelian=True, solvable=True)
    natural = _natural_name(elements, order)
    solvable = _solvable(generators, order)
    name = natural or (_structure_name(elements, order) if order <= NAMED_ORDER else None) or f"G{order}"
    return Group(name, order, abelian=False, solvable=solvable)


def _then(first: Permutation, second: Permutation) -> Permutation:
    return tuple([second[q] for q in first])


def _inverse(element: Permutation) -> Permutation:
    out = [0] * len(element)
    for q, r in enumerate(element):
        out[r] = q
    return tuple(out)


def _order(element: Permutation) -> int:
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


def _factor(number: int) -> dict[int, int]:
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


def _closure(generators: Iterable[Permutation], identity: Permutation) -> set[Permutation]:
    found = {identity}
    queue = [identity]
    generators = list(generators)
    for element in queue:
        for generator in generators:
            product = _then(element, generator)
            if product not in found:
                found.add(product)
                queue.append(product)
    return found


def _generators(elements: Sequence[Permutation]) -> list[Permutation]:
    """A generating set of at most log2(order) elements."""
    identity = tuple(range(len(elements[0])))
    generators: list[Permutation] = []
    reached = {identity}
    for element in elements:
        if element not in reached:
            generators.append(element)
            reached = _closure(generators, identity)
            if len(reached) == len(elements):
                break
    return generators


def _abelian_name(elements: Sequence[Permutation]) -> str:
    """The invariant factors, from the number of solutions of x^(p^k) = 1: it is the product of p^min(k, e) over the factors C_(p^e)."""
    orders = Counter(_order(element) for element in elements)
    columns: list[list[int]] = []
    for prime, power in _factor(len(elements)).items():
        solutions = [sum(n for o, n in orders.items() if prime**k % o == 0) for k in range(power + 2)]
        logs = [_log(solution, prime) for solution in solutions]
        at_least = [logs[k] - logs[k - 1] for k in range(1, power + 2)]  # factors with exponent >= k
        exponents = [k for k in range(1, power + 1) for _ in range(at_least[k - 1] - at_least[k])]
        columns.append([prime**e for e in sorted(exponents, reverse=True)])
    factors = []
    for place in range(max(len(column) for column in columns)):
        factor = 1
        for column in columns:
            factor *= column[place] if place < len(column) else 1
        factors.append(factor)
    return " x ".join(f"C{factor}" for factor in reversed(factors))


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
    if order % 2 or len(_factor(order)) < 3:
        return True
    identity = tuple(range(len(generators[0])))
    current = list(generators)
    size = order
    while size > 1:
        derived = _derived(current, identity)
        if len(derived) == size:
            return False
        size = len(derived)
        current = _generators(sorted(derived))
    return True


def _derived(generators: Sequence[Permutation], identity: Permutation) -> set[Permutation]:
    """The commutator subgroup: the normal closure of the commutators of generators."""
    seeds = {_then(_then(_inverse(a), _inverse(b)), _then(a, b)) for a in generators for b in generators if a != b} - {
        identity
    }
    while True:
        subgroup = _closure(seeds, identity)
        conjugates = {_then(_then(_inverse(g), s), g) for g in generators for s in seeds}
        if conjugates <= subgroup:
            return subgroup
        seeds |= conjugates


def _structure_name(elements: Sequence[Permutation], order: int) -> str | None:
    """Dihedral, dicyclic, a semidirect product of a cyclic group of prime order, SL(2,3), PSL(2,7), or a product with a cyclic group."""
    orders = {element: _order(element) for element in elements}
    identity = tuple(range(len(elements[0])))
    if order == 24 and sorted(orders.values()).count(2) == 1 and sorted(orders.values()).count(3) == 8:
        return "SL(2,3)"
    if order == 168 and len(_derived(_generators(elements), identity)) == 168:
        return "PSL(2,7)"
    half = next((g for g in elements if 2 * orders[g] == order), None)
    if half is not None:
        cyclic = _closure([half], identity)
        flip = next(g for g in elements if g not in cyclic)
        if _then(_then(flip, half), _inverse(flip)) == _inverse(half):
            if orders[flip] == 2:
                return f"D{order // 2}"
            return "Q8" if order == 8 else f"Dic{order // 4}"
    return _product_name(elements, order, orders, identity) or _frobenius_name(elements, order, orders, identity)


def _frobenius_name(
    elements: Sequence[Permutation], order: int, orders: dict[Permutation, int], identity: Permutation
) -> str | None:
    """C_p:C_m with p prime, C_p normal and a cyclic complement."""
    for prime, power in sorted(_factor(order).items(), reverse=True):
        kernel = next(g for g in elements if orders[g] == prime)
        normal = _closure([kernel], identity)
        if power == 1 and all(_then(_then(_inverse(g), kernel), g) in normal for g in elements):
            if any(orders[g] == order // prime for g in elements):
                return f"C{prime}:C{order // prime}"
            return None
    return None


def _product_name(
    elements: Sequence[Permutation], order: int, orders: dict[Permutation, int], identity: Permutation
) -> str | None:
    """C_n x H for a central cyclic subgroup with a complement generated by two elements."""
    centre = [z for z in elements if z != identity and all(_then(z, g) == _then(g, z) for g in _generators(elements))]
    for z in sorted(centre, key=lambda g: (-orders[g], g)):
        rest = order // orders[z]
        line = _closure([z], identity)
        candidates = [g for g in elements if rest % orders[g] == 0][:60]
        for a in candidates:
            for b in candidates:
                complement = _bounded_closure([a, b], identity, rest)
                if complement is not None and len(complement) == rest and len(complement & line) == 1:
                    return f"C{orders[z]} x {name_group(sorted(complement)).name}"
    return None


def _bounded_closure(generators: Sequence[Permutation], identity: Permutation, most: int) -> set[Permutation] | None:
    found = {identity}
    queue = [identity]
    for element in queue:
        for generator in generators:
            product = _then(element, generator)
            if product not in found:
                if len(found) == most:
                    return None
                found.add(product)
                queue.append(product)
    return found
