"""From tables to product terms: a disjoint cover for every component and for the head, and the choice of codes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from ssmc.cascade.cases import Cases, entries_of
from ssmc.cascade.ir import HOLD, Action
from ssmc.cascade.lettered import Lettered
from ssmc.targets.casework import group_terms, places
from ssmc.targets.cover import Cover, Term, cover, merge
from ssmc.targets.gates import canonical
from ssmc.targets.layout import Digit, code, digits, expand
from ssmc.targets.lettering import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ssmc.cascade.ir import AnyAction, Cascade, Component, Key
    from ssmc.targets.layout import Coding, Window

L = TypeVar("L")
BIT_BUDGET = 40_000
"""Readout entries times distinct output bits up to which every bit is covered from the table itself."""
NO_OUTCOME = -1
"""The outcome of no entry of a readout: the default of a cover that is to have terms for all."""
CODED = ("reset", "window")
"""The kinds that may take a binary code."""
CODING_BUDGET = 10_000
"""Table entries that are covered again in the search for codes."""
IN_VAIN = 4
"""How many times those entries count where the code is then not taken: tables for which binary codes are no gain have many such components."""


@dataclass(frozen=True)
class Product:
    """A term as the set of classes and, for each restricted digit, the set of its values (bit masks)."""

    classes: int
    literals: tuple[tuple[Digit, int], ...]


@dataclass(frozen=True)
class Bit:
    """One output: `base` where no product holds, `not base` on the products."""

    base: bool
    products: tuple[Product, ...]


@dataclass
class Planner:
    """Covers of a cascade's tables under a choice of codes; covers are kept, since one choice touches few tables.

    Attributes:
        cascade: the cascade.
        delayed: its windows that are functions of one earlier symbol.
        coding: the components with another code than one-hot.
        positive: whether every output bit is to be false where no product holds.
        settled: components whose code is not chosen here.
    """

    cascade: Cascade
    delayed: Mapping[int, Window]
    coding: dict[int, Coding] = field(default_factory=dict)
    positive: bool = False
    settled: frozenset[int] = frozenset()
    _actions: dict[tuple[object, ...], list[tuple[AnyAction, Product]]] = field(default_factory=dict)
    _heads: dict[tuple[object, ...], list[Bit]] = field(default_factory=dict)
    _groups: dict[tuple[object, ...], list[tuple[Any, Product]]] = field(default_factory=dict)

    def choose_codes(self) -> None:
        """Gives a component with four or more values a binary code where that saves units and channels."""
        components, readout = self.cascade.components, self.cascade.readout
        large = [
            k
            for k, c in enumerate(components)
            if self._codes_of(k) == "one-hot" and c.size > 3 and c.kind in CODED and k not in self.settled
        ]
        if not large:
            return
        best, left = self.cost(), CODING_BUDGET
        tables = [(part.table, part.depends_on) for part in components] + [(readout.table, readout.depends_on)]
        for k in sorted(large, key=lambda k: (-components[k].size, k)):
            entries = sum(entries_of(table) for table, reads in tables if k in reads)
            if left < entries:
                break
            left -= entries
            self.coding[k] = "binary"
            cost = self.cost(best)
            if cost < best:
                best = cost
            else:
                del self.coding[k]
                left -= (IN_VAIN - 1) * entries

    def cost(self, enough: float = math.inf) -> int:
        """Units and reset channels under the present codes, or some number that is at least `enough`, where they are as many."""
        total = 0
        for k, component in enumerate(self.cascade.components):
            if codes := self._codes_of(k):
                total += len(code(0, component.size, codes))
        for k in range(len(self.cascade.components)):
            if total >= enough:
                return total
            if k not in self.delayed:
                total += len(self.moves(k))
        return total if total >= enough else total + len({product for bit in self.head() for product in bit.products})

    def actions(self, k: int) -> list[tuple[Action, Product]]:
        """The (action, product) pairs of component k, which is no permutation; where no product holds, it holds."""
        return [(action, product) for action, product in self.moves(k) if isinstance(action, Action)]

    def moves(self, k: int) -> list[tuple[AnyAction, Product]]:
        """The (action, product) pairs of a component of any kind; where no product holds, it holds."""
        component = self.cascade.components[k]
        variables = self._variables(component.depends_on)
        key = (k, variables)
        if key not in self._actions and isinstance(component.table, Cases):
            self._actions[key] = self._casework(k, component.table, component.depends_on, HOLD)
        elif key not in self._actions and isinstance(component.table, Lettered):
            self._actions[key] = self._lettered(component, component.table)
        elif key not in self._actions:
            own = {entry: canonical(component, action) for entry, action in component.table.items()}
            table = expand(self.cascade, own, variables, component.depends_on)
            terms = cover(self._sizes(variables), table, HOLD).terms
            self._actions[key] = [(term.label, self._product(term.masks, variables)) for term in terms]
        return self._actions[key]

    def head(self) -> list[Bit]:
        """The output bits: accept, each pattern, then in predict mode the legality of each class; all are false under the latch."""
        readout, latch = self.cascade.readout, self.cascade.latch
        reads = tuple(j for j in readout.depends_on if j != latch)
        variables = self._variables(reads)
        if variables not in self._heads and isinstance(readout.table, Cases):
            bits = self._case_bits(readout.table, reads)
            self._heads[variables] = bits if latch is None else [self._under(latch, bit) for bit in bits]
        elif variables not in self._heads and isinstance(readout.table, Lettered) and latch not in readout.depends_on:
            steps, rest = self._steps(readout.table, reads)
            sizes = [len(readout.table.rows), *self._sizes(rest[1])[1:]]
            told = expand(self.cascade, readout.table.by_letter, rest[1], rest[0])
            bits = self._bits(sizes, told, lambda terms: [p for _, p in self._written(steps, rest[1], terms)])
            self._heads[variables] = bits if latch is None else [self._under(latch, bit) for bit in bits]
        elif variables not in self._heads:
            place = readout.depends_on.index(latch) + 1 if latch in readout.depends_on else 0
            live = {
                key[:place] + key[place + 1 :] if place else key: label
                for key, label in readout.table.items()
                if not place or key[place] == 0
            }
            table = expand(self.cascade, live, variables, reads)
            # without a symbol there is no key, and the outputs are constants
            bits = self._bits(
                self._sizes(variables),
                table or {(0,) * (1 + len(variables)): readout.initial},
                lambda terms: [self._product(term.masks, variables) for term in terms],
            )
            self._heads[variables] = bits if latch is None else [self._under(latch, bit) for bit in bits]
        return self._heads[variables]

    def _lettered(self, component: Component, table: Lettered[AnyAction]) -> list[tuple[AnyAction, Product]]:
        """The (action, product) pairs of a table that sees the class through a letter."""
        steps, (reads, variables) = self._steps(table, component.depends_on)
        own = table.relabelled(lambda action: canonical(component, action)).by_letter
        sizes = [len(table.rows), *self._sizes(variables)[1:]]
        return self._written(steps, variables, cover(sizes, expand(self.cascade, own, variables, reads), HOLD).terms)

    def _steps(
        self, table: Lettered[Any], depends_on: Sequence[int]
    ) -> tuple[Steps, tuple[tuple[int, ...], tuple[Digit, ...]]]:
        """The letters of a table over the class and the digits of what tells them; and what else it reads, with its digits."""
        reads, rest = tuple(depends_on[: table.width]), tuple(depends_on[table.width :])
        variables = self._variables(reads)
        letters = expand(self.cascade, table.letters, variables, reads)
        return Steps(self._sizes(variables), letters, variables), (rest, self._variables(rest))

    def _written(self, steps: Steps, variables: tuple[Digit, ...], terms: Iterable[Term[L]]) -> list[tuple[L, Product]]:
        """Terms over a letter and some digits as products over the class and the digits that tell the letter, too."""
        chosen = list(terms)
        ways = steps.covers({term.masks[0] for term in chosen})
        return [
            (term.label, self._product((*way, *term.masks[1:]), (*steps.variables, *variables)))
            for term in chosen
            for way in ways[term.masks[0]]
        ]

    def _bits(
        self, sizes: Sequence[int], table: Mapping[Key, int], products: Callable[[Sequence[Term[Any]]], list[Product]]
    ) -> list[Bit]:
        """The output bits of a readout's table; `products` writes disjoint terms over its variables as disjoint products."""
        columns = self._columns()
        distinct = list(dict.fromkeys(columns))
        whole = cover(sizes, table, NO_OUTCOME if self.positive else None)
        joint = {column: self._told(whole, column) for column in distinct}
        own: dict[tuple[bool, ...], tuple[bool, Sequence[Term[Any]]]] = {}
        for column, (base, terms) in joint.items():
            if len(set(column)) == len(column):
                # the outcomes are told apart by this bit alone, so a cover of its own would be the same
                own[column] = base, terms
            elif len(table) * len(distinct) <= BIT_BUDGET:
                told = {key: column[outcome] for key, outcome in table.items()}
                own[column] = cover(sizes, told, False if self.positive else None)
            else:
                own[column] = base, merge(Term(not base, term.masks) for term in terms)
        choices = [
            {column: Bit(base, tuple(products(terms))) for column, (base, terms) in bits.items()}
            for bits in (own, joint)
        ]
        made = min(choices, key=lambda bits: len({product for bit in bits.values() for product in bit.products}))
        return [made[column] for column in columns]

    @staticmethod
    def _told(whole: Cover[int], column: tuple[bool, ...]) -> tuple[bool, list[Term[int]]]:
        """An output bit from the cover of the outcomes: what it is where no term holds, and the terms where it is not that."""
        base = whole.default != NO_OUTCOME and column[whole.default]
        return base, [term for term in whole.terms if column[term.label] != base]

    def _case_bits(self, table: Cases[int], reads: Sequence[int]) -> list[Bit]:
        """The output bits of a readout that is a table of cases; each is false where no product holds."""
        columns = self._columns()
        made = {}
        for column in dict.fromkeys(columns):
            terms = self._casework(column, table.relabelled(column.__getitem__), reads, False)
            made[column] = Bit(base=False, products=tuple(product for _, product in terms))
        return [made[column] for column in columns]

    def _casework(self, name: object, table: Cases[L], reads: Sequence[int], default: L) -> list[tuple[L, Product]]:
        """The (label, product) pairs of a table of cases; `name` is what the covers of its groups are kept under."""
        out = []
        for place in places(table):
            own = (reads[0],) if place is None else (reads[0], reads[place - 1])
            variables = self._variables(own)
            key = (name, place, variables)
            if key not in self._groups:
                terms = group_terms(self.cascade, table, place, own, variables, default)
                self._groups[key] = [(term.label, self._product(term.masks, variables)) for term in terms]
            out += self._groups[key]
        return out

    def _columns(self) -> list[tuple[bool, ...]]:
        """For each output bit its value under each outcome of the readout."""
        outputs = self.cascade.readout.outputs
        columns = [
            tuple(output.accepting for output in outputs),
            *zip(*(output.patterns for output in outputs), strict=True),
        ]
        if self.cascade.mode != "recognise":
            legal = [frozenset(output.legal) for output in outputs]
            columns += [tuple(c in classes for classes in legal) for c in range(self.cascade.automaton.classes)]
        return columns

    def _codes_of(self, k: int) -> Coding | None:
        """The code of a component that is lowered as a reset, else None."""
        if k in self.delayed or self.cascade.components[k].kind == "counter":
            return None
        return self.coding.get(k, "one-hot")

    def _variables(self, reads: Sequence[int]) -> tuple[Digit, ...]:
        return tuple(digit for j in reads for digit in digits(self.cascade, j, self._codes_of(j) or "one-hot"))

    def _sizes(self, variables: tuple[Digit, ...]) -> list[int]:
        return [max(1, self.cascade.automaton.classes), *(digit.size for digit in variables)]

    def _product(self, masks: Sequence[int], variables: tuple[Digit, ...]) -> Product:
        restricted = [
            (digit, mask) for digit, mask in zip(variables, masks[1:], strict=True) if mask != (1 << digit.size) - 1
        ]
        return Product(masks[0], tuple(restricted))

    def _under(self, latch: int, bit: Bit) -> Bit:
        """The bit, made false wherever the latch is 1."""
        products = [Product(p.classes, (*p.literals, (Digit(latch, 2), 0b01))) for p in bit.products]
        if bit.base:
            every = (1 << self._sizes(())[0]) - 1
            products.append(Product(every, ((Digit(latch, 2), 0b10),)))
        return Bit(bit.base, tuple(products))
