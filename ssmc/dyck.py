"""Bounded Dyck languages as automata whose tables are written out only where someone asks for them.

Dyck(K, m), balanced brackets of K kinds nested at most m deep, has one state for each stack: (K^(m+1) - 1)/(K - 1) of them, 1.2 * 10^9 for Dyck(8, 10). What does not need
the table (the alphabet, the number of states, a run, a cascade that is written down by a rule) works at any size.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from ssmc.alphabet import Alphabet
from ssmc.automaton import DEAD, Automaton
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterable

Stack = tuple[int, ...]
TABLE_LIMIT = 10_000
"""States up to which the table is written out."""


class BoundedDyck(Automaton):
    """The minimal automaton of Dyck(K, m).

    States are numbered breadth first: the stacks by length, then by their brackets, the lowest first.

    Args:
        names: the K opening brackets, then the K closing ones in the same order.
        depth: the bound m, at least 1.
        limit: the most states whose table is written out.

    Raises:
        InvariantError: there are no brackets, or a closing one is missing, or the depth is not positive.
    """

    names: tuple[str, ...]
    depth: int
    limit: int

    def __init__(self, names: Iterable[str], depth: int, limit: int = TABLE_LIMIT) -> None:
        symbols = tuple(names)
        if not symbols or len(symbols) % 2 or depth < 1:
            raise InvariantError(f"Dyck language of {len(symbols)} brackets and depth {depth}")
        fields = {
            "names": symbols,
            "depth": depth,
            "limit": limit,
            "alphabet": Alphabet.tokens(symbols),
            "patterns": (),
        }
        for key, value in fields.items():
            object.__setattr__(self, key, value)

    @property
    def kinds(self) -> int:
        """The number K of kinds of brackets."""
        return len(self.names) // 2

    def require_table(self) -> None:
        """Writes the table out.

        Raises:
            LimitError: there are more than `limit` states.
        """
        if self.states > self.limit:
            raise LimitError(f"states of Dyck({self.kinds}, {self.depth})", self.states, self.limit, "--state-limit")

    @property
    def states(self) -> int:
        """The number of stacks."""
        return sum(self.kinds**length for length in range(self.depth + 1))

    @property
    def complete_states(self) -> int:
        """With the sink, which a closing bracket on an empty stack leads to."""
        return self.states + 1

    @cached_property
    def is_complete(self) -> bool:
        """There is a sink."""
        return False

    @cached_property
    def delta(self) -> tuple[tuple[int, ...], ...]:
        """The table.

        Raises:
            LimitError: there are more than `limit` states.
        """
        self.require_table()
        number: dict[Stack, int] = {(): 0}
        rows: list[tuple[int, ...]] = []
        for stack in (queue := [()]):
            row = []
            for symbol in range(2 * self.kinds):
                after = self.step(stack, symbol)
                if after is not None and after not in number:
                    number[after] = len(number)
                    queue.append(after)  # type: ignore[arg-type]
                row.append(DEAD if after is None else number[after])
            rows.append(tuple(row))
        return tuple(rows)

    @cached_property
    def accepting(self) -> frozenset[int]:
        """The empty stack."""
        return frozenset((0,))

    def step(self, stack: Stack, symbol: int) -> Stack | None:
        """The stack after a symbol; None where it is illegal."""
        if symbol < self.kinds:
            return (*stack, symbol) if len(stack) < self.depth else None
        return stack[:-1] if stack and stack[-1] == symbol - self.kinds else None

    def legal(self, stack: Stack) -> tuple[int, ...]:
        """The symbols that may follow."""
        opening = tuple(range(self.kinds)) if len(stack) < self.depth else ()
        return (*opening, self.kinds + stack[-1]) if stack else opening

    def stack_after(self, symbols: Iterable[int]) -> Stack | None:
        """The stack after a string; None once it is illegal."""
        stack: Stack | None = ()
        for symbol in symbols:
            self.alphabet.class_of(symbol)
            stack = None if stack is None else self.step(stack, symbol)
        return stack

    def stacks_along(self, symbols: Iterable[int]) -> list[Stack | None]:
        """The stack after every prefix, the empty one first; None once it is illegal."""
        out: list[Stack | None] = [()]
        for symbol in symbols:
            last = out[-1]
            out.append(None if last is None else self.step(last, symbol))
        return out

    def number(self, stack: Stack) -> int:
        """The number of the state of a stack."""
        before = sum(int(self.kinds**length) for length in range(len(stack)))
        for place, kind in enumerate(stack):
            before += kind * int(self.kinds ** (len(stack) - 1 - place))
        return before

    def stack(self, state: int) -> Stack:
        """The stack of a state: the inverse of `number`."""
        length, first = 0, 0
        while state >= first + self.kinds**length:
            first += int(self.kinds**length)
            length += 1
        rest, digits = state - first, []
        for _ in range(length):
            rest, kind = divmod(rest, self.kinds)
            digits.append(kind)
        return tuple(reversed(digits))

    def after(self, state: int, symbol_class: int) -> int:
        """The state after one more symbol, or `DEAD`."""
        stack = None if state == DEAD else self.step(self.stack(state), symbol_class)
        return DEAD if stack is None else self.number(stack)

    def run(self, symbols: Iterable[int]) -> int:
        """The state after the symbols, or `DEAD`."""
        stack = self.stack_after(symbols)
        return DEAD if stack is None else self.number(stack)

    def accepts(self, symbols: Iterable[int]) -> bool:
        """Whether the brackets are balanced, within the depth."""
        return self.stack_after(symbols) == ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, BoundedDyck):
            return (self.names, self.depth) == (other.names, other.depth)
        return isinstance(other, Automaton) and other.states == self.states <= self.limit and self.plain() == other

    def __hash__(self) -> int:
        return hash((self.names, self.depth))

    def plain(self) -> Automaton:
        """The same automaton with its table written out.

        Raises:
            LimitError: there are too many states.
        """
        return Automaton(self.alphabet, self.delta, self.accepting)

    def check(self) -> None:
        """Checks the brackets.

        Raises:
            InvariantError: two have one name.
        """
        self.alphabet.check()

    def to_json(self) -> dict[str, Any]:
        """JSON types that `Automaton.from_json` reads back: the table, or what it follows from where it is too large."""
        if self.states <= self.limit:
            return super().to_json()
        rule = {"kinds": self.kinds, "depth": self.depth}
        return {"alphabet": self.alphabet.to_json(), "dyck": rule, "states": self.states}

    @staticmethod
    def of_json(data: dict[str, Any]) -> BoundedDyck:
        """The inverse of `to_json`.

        Raises:
            InvariantError: the data describe none.
        """
        alphabet = Alphabet.from_json(data["alphabet"])
        kinds, depth = data["dyck"]["kinds"], data["dyck"]["depth"]
        if type(kinds) is not int or type(depth) is not int or alphabet.size != 2 * kinds:
            raise InvariantError("a Dyck language has as many opening as closing brackets, and a depth")
        automaton = BoundedDyck(alphabet.names, depth)
        if automaton.alphabet != alphabet:
            raise InvariantError("every bracket is a class of its own")
        return automaton


def bracket_names(kinds: int) -> tuple[str, ...]:
    """Names for K kinds of brackets: `( [ { <` and their partners, or `(a` and `a)` as in Hewitt et al. 2020, `(1` and `1)` past the alphabet."""
    if kinds <= len("([{<"):
        return (*"([{<"[:kinds], *")]}>"[:kinds])
    letters = [chr(ord("a") + i) for i in range(kinds)] if kinds <= 26 else [str(i + 1) for i in range(kinds)]
    return (*(f"({x}" for x in letters), *(f"{x})" for x in letters))
