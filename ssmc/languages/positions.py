"""The position automaton (Glushkov 1961) of an expression, with sets of positions as bits of integers.

Position 0 is the start; position p > 0 is one occurrence of a symbol set in the expression with its counted repeats written out.
After reading a word the automaton is in a set of positions. Edges are kept as blocks (L, F): every position of L is followed by every
position of F; a chain p -> p+1 is one bit of `chain`, so that long literals and long counted repeats stay cheap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ssmc.languages.expression import Concatenation, Expression, Repeat, Symbols, Union

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssmc.automaton import Automaton
    from ssmc.languages.expression import Boolean
    from ssmc.languages.limits import Budget
    from ssmc.languages.symbolset import SymbolSet


class Fragment(NamedTuple):
    """A part of the expression under construction: whether it holds the empty word, its first and its last positions."""

    nullable: bool
    first: int
    last: int


@dataclass
class Positions:
    """The automaton under construction.

    Attributes:
        sets: the distinct symbol sets.
        bits: the positions that read each of `sets`.
        count: the number of positions, the start included.
        chain: the positions p with an edge to p+1.
        blocks: F -> L, all other edges.
        final: the accepting positions.
    """

    budget: Budget
    operate: Callable[[Boolean], Automaton]
    sets: dict[SymbolSet, int] = field(default_factory=dict)
    bits: list[int] = field(default_factory=list)
    count: int = 1
    chain: int = 0
    blocks: dict[int, int] = field(default_factory=dict)
    final: int = 0

    @staticmethod
    def of(expression: Expression, budget: Budget, operate: Callable[[Boolean], Automaton]) -> Positions:
        """The position automaton of an expression.

        Args:
            expression: the expression.
            budget: limits the number of positions.
            operate: gives the automaton of a set operation inside the expression.

        Raises:
            LimitError: too many positions.
        """
        out = Positions(budget, operate)
        nullable, first, last = out.build(expression)
        out.connect(1, first)
        out.final = last | nullable
        return out

    def position(self, symbols: SymbolSet) -> int:
        """A new position that reads a set, as a bit."""
        bit = 1 << self.count
        self.count += 1
        if self.count & 0xFF == 0:
            self.budget.check_positions(self.count)
            self.budget.check_time()
        number = self.sets.setdefault(symbols, len(self.sets))
        if number == len(self.bits):
            self.bits.append(0)
        self.bits[number] |= bit
        return bit

    def connect(self, last: int, first: int) -> None:
        """Adds the edges from all of `last` to all of `first`."""
        if not last or not first:
            return
        if first == last << 1 and last & (last - 1) == 0:
            self.chain |= last
        else:
            self.blocks[first] = self.blocks.get(first, 0) | last

    def build(self, expression: Expression) -> Fragment:
        """Adds the positions of an expression."""
        if isinstance(expression, Symbols):
            if not expression.symbols:
                return Fragment(False, 0, 0)
            bit = self.position(expression.symbols)
            return Fragment(False, bit, bit)
        if isinstance(expression, Concatenation):
            out = Fragment(True, 0, 0)
            for part in expression.parts:
                out = self.concatenate(out, self.build(part))
            return out
        if isinstance(expression, Union):
            nullable, first, last = False, 0, 0
            for part in expression.parts:
                inside = self.build(part)
                nullable = nullable or inside.nullable
                first |= inside.first
                last |= inside.last
            return Fragment(nullable, first, last)
        if isinstance(expression, Repeat):
            return self.repeat(expression)
        return self.embed(self.operate(expression))

    def concatenate(self, a: Fragment, b: Fragment) -> Fragment:
        """The concatenation of two fragments."""
        self.connect(a.last, b.first)
        return Fragment(
            a.nullable and b.nullable,
            a.first | b.first if a.nullable else a.first,
            a.last | b.last if b.nullable else b.last,
        )

    def repeat(self, expression: Repeat) -> Fragment:
        """A repeat, its copies written out: x{2,4} is x x (x (x)?)? and x{2,} is x x+."""
        body, least, most = expression.body, expression.least, expression.most
        if most == 0:
            return Fragment(True, 0, 0)
        before = self.count
        copy = self.build(body)
        self.budget.check_positions(before + (self.count - before) * max(least, most or 1))
        if self.count == before:  # the body holds at most the empty word
            return Fragment(copy.nullable or least == 0, 0, 0)
        if copy.nullable:  # then {m,n} is {0,n} of the words that are not empty
            least = 0
        copies = [copy] + [self.build(body) for _ in range(max(least, most or 1) - 1)]
        if most is None:
            self.connect(copies[-1].last, copies[-1].first)
        nullable, first, last = least == 0, 0, 0
        tail = Fragment(True, 0, 0)
        for i in reversed(range(len(copies))):
            _, first, last = copies[i]
            self.connect(last, tail.first)
            tail = Fragment(False, first, last | tail.last if i + 1 >= least else tail.last)
        return Fragment(nullable, first, tail.last)

    def embed(self, automaton: Automaton) -> Fragment:
        """The position automaton of a DFA: one position for each state and symbol set that leads into it."""
        starts = automaton.alphabet.starts
        ends = (*starts[1:], automaton.alphabet.size)
        sets: dict[int, list[tuple[int, int]]] = {}
        for start, end, c in zip(starts, ends, automaton.alphabet.run_classes, strict=True):
            sets.setdefault(c, []).append((start, end))
        into: dict[tuple[int, tuple[int, ...]], int] = {}
        leaving: list[int] = []
        entered = [0] * automaton.states
        for row in automaton.delta:
            classes: dict[int, list[int]] = {}
            for c, r in enumerate(row):
                if r >= 0:
                    classes.setdefault(r, []).append(c)
            out = 0
            for r, group in classes.items():
                key = (r, tuple(group))
                if key not in into:
                    runs = sorted(run for c in group for run in sets[c])
                    into[key] = self.position(_joined(runs))
                    entered[r] |= into[key]
                out |= into[key]
            leaving.append(out)
        for q, out in enumerate(leaving):
            self.connect(entered[q], out)
        last = 0
        for q in automaton.accepting:
            last |= entered[q]
        return Fragment(0 in automaton.accepting, leaving[0] if leaving else 0, last)

    def follow(self, positions: int) -> int:
        """All positions that follow some of the given ones."""
        out = (positions & self.chain) << 1
        if positions.bit_count() * 4 > len(self.blocks):
            for first, last in self.blocks.items():
                if positions & last:
                    out |= first
            return out
        while positions:
            low = positions & -positions
            out |= self._followers.get(low.bit_length(), 0)
            positions ^= low
        return out

    @cached_property
    def _followers(self) -> dict[int, int]:
        """The edges of `blocks` by position (counted from 1)."""
        out: dict[int, int] = {}
        for first, last in self.blocks.items():
            while last:
                low = last & -last
                number = low.bit_length()
                out[number] = out.get(number, 0) | first
                last ^= low
        return out

    def masks(self, membership: Sequence[int]) -> list[int]:
        """For each class of symbols, given by the bit mask of the sets that hold it, the positions that read it."""
        out = []
        for mask in membership:
            positions = 0
            for i, bits in enumerate(self.bits):
                if mask >> i & 1:
                    positions |= bits
            out.append(positions)
        return out


def _joined(runs: list[tuple[int, int]]) -> SymbolSet:
    """The symbol set of sorted, disjoint, half-open runs."""
    out: list[int] = []
    for start, end in runs:
        if out and out[-1] == start:
            out[-1] = end
        else:
            out += (start, end)
    return tuple(out)
