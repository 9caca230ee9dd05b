"""Orders of permutation groups from generators alone, without their elements: chains of stabilisers (Schreier and Sims; Knuth 1991)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.permutations import inverse, then

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ssmc.algebra.permutations import Permutation


class StabiliserChain:
    """A group on 0..n-1 as the chain of the subgroups that fix 0, 0 and 1, and so on, grown one generator at a time.

    Level k has generators that fix all points below k, and for every point of the orbit of k under them one product that carries k there.
    """

    def __init__(self, degree: int, generators: Iterable[Permutation] = ()) -> None:
        self.identity = tuple(range(degree))
        self.generators: list[list[Permutation]] = [[] for _ in range(degree)]
        self.carriers: list[dict[int, Permutation]] = [{k: self.identity} for k in range(degree)]
        for generator in generators:
            self.add(generator)

    @property
    def order(self) -> int:
        """The number of elements: the product of the lengths of the orbits."""
        order = 1
        for carriers in self.carriers:
            order *= len(carriers)
        return order

    def sift(self, element: Permutation, level: int = 0) -> Permutation:
        """What is left of an element that fixes all points below a level after division by carriers; the identity iff it belongs to that level's group."""
        for k in range(level, len(self.identity)):
            carrier = self.carriers[k].get(element[k])
            if carrier is None:
                break
            element = then(element, inverse(carrier))
        return element

    def __contains__(self, element: Permutation) -> bool:
        return self.sift(element) == self.identity

    def add(self, element: Permutation) -> bool:
        """Adds a generator; whether it was new."""
        if element in self:
            return False
        todo: list[tuple[int, Permutation]] = []
        self._insert(0, element, todo)
        while todo:
            level, product = todo.pop()
            known = self.carriers[level].get(product[level])
            if known is None:
                self.carriers[level][product[level]] = product
                todo += [(level, then(product, generator)) for generator in self.generators[level]]
                continue
            rest = then(product, inverse(known))
            if self.sift(rest, level + 1) != self.identity:
                self._insert(level + 1, rest, todo)
        return True

    def _insert(self, level: int, element: Permutation, todo: list[tuple[int, Permutation]]) -> None:
        """Gives a level one more generator; its products with the carriers are left to do."""
        self.generators[level].append(element)
        todo += [(level, then(carrier, element)) for carrier in self.carriers[level].values()]


def derived_chain(generators: Sequence[Permutation]) -> tuple[StabiliserChain, list[Permutation]]:
    """The commutator subgroup and generators of it."""
    degree = len(generators[0])
    chain = StabiliserChain(degree)
    found = []
    todo = [then(then(inverse(a), inverse(b)), then(a, b)) for a in generators for b in generators if a < b]
    while todo:
        element = todo.pop()
        if chain.add(element):
            found.append(element)
            todo += [then(then(inverse(g), element), g) for g in generators]
    return chain, found


def is_solvable(generators: Sequence[Permutation]) -> bool:
    """Whether the derived series ends in the trivial group."""
    current = list(generators)
    order = StabiliserChain(len(generators[0]), current).order
    while order > 1:
        chain, current = derived_chain(current)
        if chain.order == order:
            return False
        order = chain.order
    return True
