"""The position automaton (Glushkov 1961) of an expression, with sets of positions as bits of integers.

Position 0 is the start; position p > 0 is one occurrence of a symbol set in the expression with its counted repeats written out.
After reading a word the automaton is in a set of positions. An edge may carry a *guard*: conditions (`Look`) that must hold at the place
between its two positions. A guard is an integer, too: bit i stands for condition i of the engine, 0 for no condition; all conditions of
an edge are met at one place of the word, so their order does not matter.

Edges are kept as blocks (L, F): every position of L is followed by every position of F; an edge p -> p+1 without guard is one bit of
`chain`, so that long literals and long counted repeats stay cheap.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ssmc.languages.expression import Concatenation, Expression, Repeat, Symbols, Union
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ssmc.languages.engine import Engine

Guarded = tuple[tuple[int, int], ...]
"""Pairs (guard, positions)."""


class Fragment(NamedTuple):
    """A part of the expression under construction.

    Attributes:
        nullable: the guards under which it holds the empty word; none of them contains another.
        first: its first positions by guard.
        last: its last positions by guard.
    """

    nullable: tuple[int, ...]
    first: Guarded
    last: Guarded


class Block(NamedTuple):
    """A DFA with guards, to be embedded: a solved part of an expression.

    Attributes:
        rows: `rows[q][c]`, `DEAD` where undefined.
        entries: (guard, state): where it begins.
        exits: (state, guard): where it may end.
    """

    rows: Sequence[Sequence[int]]
    entries: tuple[tuple[int, int], ...]
    exits: tuple[tuple[int, int], ...]


EMPTY = Fragment((0,), (), ())
NEVER = Fragment((), (), ())


def weakest(guards: Iterable[int]) -> tuple[int, ...]:
    """The guards that contain no other of them."""
    out: list[int] = []
    for guard in sorted(set(guards), key=int.bit_count):
        if not any(guard & other == other for other in out):
            out.append(guard)
    return tuple(out)


def _merged(pairs: Iterable[tuple[int, int]]) -> Guarded:
    out: dict[int, int] = {}
    for guard, bits in pairs:
        out[guard] = out.get(guard, 0) | bits
    return tuple(out.items())


class Positions:
    """A position automaton under construction.

    Attributes:
        engine: resolves symbol sets to classes, conditions to guards, and parts that are not regular expressions to blocks.
        labels: the positions that read each set of classes.
        count: the number of positions, the start included.
        chain: the positions p with an unguarded edge to p+1.
        blocks: guard -> F -> L, all other edges.
        final: guard -> accepting positions.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.labels: dict[int, int] = {}
        self.count = 1
        self.chain = 0
        self.blocks: dict[int, dict[int, int]] = {0: {}}
        self.final: dict[int, int] = {}

    @staticmethod
    def of(engine: Engine, expression: Expression) -> Positions:
        """The position automaton of an expression.

        Raises:
            LimitError: too many positions, or a limit inside.
        """
        out = Positions(engine)
        nullable, first, last = out.build(expression)
        for guard, bits in first:
            out.connect(guard, 1, bits)
        for guard, bits in (*last, *((guard, 1) for guard in nullable)):
            out.final[guard] = out.final.get(guard, 0) | bits
        engine.budget.check_positions(out.count)
        return out

    def position(self, label: int) -> int:
        """A new position that reads a set of classes, as a bit."""
        bit = 1 << self.count
        self.count += 1
        if self.count & 0xFF == 0:
            self.engine.budget.check_positions(self.count)
            self.engine.budget.check_time()
        self.labels[label] = self.labels.get(label, 0) | bit
        return bit

    def connect(self, guard: int, last: int, first: int) -> None:
        """Adds the edges from all of `last` to all of `first`."""
        if guard == 0 and first == last << 1 and last & (last - 1) == 0:
            self.chain |= last
        elif last and first:
            block = self.blocks.setdefault(guard, {})
            block[first] = block.get(first, 0) | last

    def join(self, last: Guarded, first: Guarded) -> None:
        """Adds the edges from the last positions of one fragment to the first of another."""
        for guard, end in last:
            for other, begin in first:
                self.connect(guard | other, end, begin)

    def build(self, expression: Expression) -> Fragment:
        """Adds the positions of an expression."""
        if isinstance(expression, Symbols):
            if not expression.symbols:
                return NEVER
            pair = ((0, self.position(self.engine.label(expression.symbols))),)
            return Fragment((), pair, pair)
        if isinstance(expression, Concatenation):
            out = EMPTY
            for part in expression.parts:
                out = self.concatenate(out, self.build(part))
            return out
        if isinstance(expression, Union):
            parts = [self.build(part) for part in expression.parts]
            return Fragment(
                weakest(guard for part in parts for guard in part.nullable),
                _merged(pair for part in parts for pair in part.first),
                _merged(pair for part in parts for pair in part.last),
            )
        if isinstance(expression, Repeat):
            return self.repeat(expression)
        solved = self.engine.solve(expression)
        if isinstance(solved, Block):
            return self.embed(solved)
        return Fragment((solved,), (), ())

    def concatenate(self, a: Fragment, b: Fragment) -> Fragment:
        """The concatenation of two fragments."""
        if a is EMPTY:
            return b
        self.join(a.last, b.first)
        first, last = a.first, b.last
        if a.nullable:
            first = _merged((*first, *((guard | g, bits) for guard in a.nullable for g, bits in b.first)))
        if b.nullable:
            last = _merged((*last, *((guard | g, bits) for guard in b.nullable for g, bits in a.last)))
        return Fragment(weakest(x | y for x in a.nullable for y in b.nullable), first, last)

    def repeat(self, expression: Repeat) -> Fragment:
        """A repeat, its copies written out: x{2,4} is x x (x (x)?)?, x{2,} is x x+.

        In optional iterations the empty word adds nothing, whatever its guard: leaving the iteration out does the same.
        """
        body, least, most = expression.body, expression.least, expression.most
        if most == 0:
            return EMPTY
        before = self.count
        copy = self.build(body)
        self.engine.budget.check_positions(before + (self.count - before) * max(least, most or 1))
        if 0 in copy.nullable:  # then {m,n} is {0,n}
            least = 0
        if self.count == before:  # the body reads nothing
            return Fragment((0,) if least == 0 else copy.nullable, (), ())
        total = max(least, 1) if most is None else most
        copies = [copy, *(self.build(body) for _ in range(total - 1))]
        must = total - 1 if most is None else least
        out = EMPTY
        for fragment in copies[:must]:
            out = self.concatenate(out, fragment)
        if most is None:
            loop = copies[-1]
            self.join(loop.last, loop.first)
            return self.concatenate(out, loop if least else loop._replace(nullable=(0,)))
        if must == total:
            return out
        first: Guarded = ()
        last: Guarded = ()
        for fragment in reversed(copies[must:]):
            self.join(fragment.last, first)
            first = fragment.first
            last = _merged((*last, *fragment.last))
        return self.concatenate(out, Fragment((0,), first, last))

    def embed(self, block: Block) -> Fragment:
        """The position automaton of a solved part: one position for each state and set of classes that leads into it."""
        into: dict[tuple[int, int], int] = {}
        entered = [0] * len(block.rows)
        leaving: list[int] = []
        for row in block.rows:
            classes: dict[int, int] = {}
            for c, r in enumerate(row):
                if r != DEAD:
                    classes[r] = classes.get(r, 0) | 1 << c
            out = 0
            for key in classes.items():
                if key not in into:
                    into[key] = self.position(key[1])
                    entered[key[0]] |= into[key]
                out |= into[key]
            leaving.append(out)
        for q, out in enumerate(leaving):
            self.connect(0, entered[q], out)
        starts: dict[int, list[int]] = {}
        for guard, q in block.entries:
            starts.setdefault(q, []).append(guard)
        return Fragment(
            weakest(guard | other for q, guard in block.exits for other in starts.get(q, ())),
            _merged((guard, leaving[q]) for guard, q in block.entries),
            _merged((guard, entered[q]) for q, guard in block.exits),
        )

    def guards(self) -> list[int]:
        """The guards in use, other than 0."""
        return sorted(({guard for guard, block in self.blocks.items() if block} | self.final.keys()) - {0})

    def follow(self, positions: int, guard: int = 0) -> int:
        """All positions that follow some of the given ones by an edge with exactly this guard."""
        out = (positions & self.chain) << 1 if guard == 0 else 0
        blocks = self.blocks.get(guard, {})
        if positions.bit_count() * 4 > len(blocks):
            for first, last in blocks.items():
                if positions & last:
                    out |= first
            return out
        followers = self._followers[guard]
        while positions:
            low = positions & -positions
            out |= followers.get(low.bit_length(), 0)
            positions ^= low
        return out

    @cached_property
    def _followers(self) -> dict[int, dict[int, int]]:
        """The edges of `blocks` by guard and position (counted from 1)."""
        out: dict[int, dict[int, int]] = {}
        for guard, blocks in self.blocks.items():
            table = out[guard] = {}
            for first, last in blocks.items():
                while last:
                    low = last & -last
                    number = low.bit_length()
                    table[number] = table.get(number, 0) | first
                    last ^= low
        return out

    @cached_property
    def universal(self) -> int:
        """The accepting positions that read every symbol again and again: once there, every word is accepted."""
        out = 0
        rest = self.labels.get((1 << self.engine.classes) - 1, 0) & self.final.get(0, 0)
        while rest:
            low = rest & -rest
            out |= low & self.follow(low)
            rest ^= low
        return out

    def masks(self) -> list[int]:
        """For each class the positions that read it."""
        out = []
        for c in range(self.engine.classes):
            positions = 0
            for label, bits in self.labels.items():
                if label >> c & 1:
                    positions |= bits
            out.append(positions)
        return out
