"""Linear temporal logic on finite words, past and future, to a DFA by progression.

The value of a past operator is known after each symbol, so it is part of the state. A future operator is progressed: reading a symbol
turns a formula into what the rest of the word must satisfy, kept as a disjunction of sets of obligations, strong ones (there must be a
next symbol) and weak ones (if there is one). A future operator under a past operator is refused.

A formula whose temporal operators are all of the past is evaluated at the last symbol, any other at the first. On the empty word letters
and strong operators are false, weak ones true. (Kamp 1968, Gabbay et al. 1980: exactly the star-free languages; De Giacomo and Vardi
2013 for finite words.) The syntax is in `ltl_syntax`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.languages.limits import Budget

FUTURE = {"X": "N", "N": "X", "F": "G", "G": "F", "U": "R", "R": "U"}
"""Future operators and their duals: next (strong, weak), eventually, always, until, release."""
PAST = {"Y": "Z", "Z": "Y", "O": "H", "H": "O", "S": "T", "T": "S"}
"""Past operators and their duals: yesterday (strong, weak), once, historically, since, trigger."""
_DUALS = FUTURE | PAST | {"and": "or", "or": "and"}


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in negation normal form.

    Attributes:
        operator: `letters`, `and`, `or`, or one of `FUTURE` and `PAST`.
        parts: the operands.
        letters: for `letters`, the symbols for which it holds.
        when_empty: for `letters`, its value on the empty word (true for a negated set).
    """

    operator: str
    parts: tuple[Formula, ...] = ()
    letters: frozenset[int] = frozenset()
    when_empty: bool = False

    def negated(self, size: int) -> Formula:
        """The negation, over `size` symbols."""
        if self.operator == "letters":
            return Formula("letters", (), frozenset(range(size)) - self.letters, not self.when_empty)
        return Formula(_DUALS[self.operator], tuple(part.negated(size) for part in self.parts))

    def operators(self) -> set[str]:
        """The temporal operators in it."""
        own = {self.operator} & (FUTURE.keys() | PAST.keys())
        return own.union(*(part.operators() for part in self.parts))


Clause = frozenset[int]
"""A conjunction of obligations: 2*i for 'the rest satisfies formula i, strongly', 2*i + 1 weakly."""
Clauses = frozenset[Clause]
"""A disjunction of clauses, none of which contains another."""
_TRUE: Clauses = frozenset((frozenset(),))
_FALSE: Clauses = frozenset()


def _minimal(clauses: set[Clause]) -> Clauses:
    return frozenset(c for c in clauses if not any(other < c for other in clauses))


def _both(a: Clauses, b: Clauses) -> Clauses:
    return _minimal({x | y for x, y in product(a, b)})


def _either(a: Clauses, b: Clauses) -> Clauses:
    return _minimal({*a, *b})


class _Progression:
    """Progresses one formula; past subformulas and future formulas are numbered."""

    def __init__(self, formula: Formula, last: bool) -> None:
        self.formulas: dict[Formula, int] = {}
        self.past: dict[Formula, int] = {}
        self.last = last
        self.collect(formula)

    def collect(self, formula: Formula) -> None:
        """Numbers the past subformulas, inner ones first."""
        for part in formula.parts:
            self.collect(part)
        if formula.operator in PAST:
            self.past.setdefault(formula, len(self.past))

    def number(self, formula: Formula) -> int:
        return self.formulas.setdefault(formula, len(self.formulas))

    def remembered(self, formula: Formula, memory: Sequence[bool | None]) -> bool:
        """The value that a past operator needs of the symbol before: of its operand for Y and Z, otherwise its own."""
        value = memory[self.past[formula]]
        if value is not None:
            return value
        return formula.operator in ("Z", "H", "T")

    def value(self, formula: Formula, symbol: int, memory: Sequence[bool | None]) -> bool:
        """The value of a formula without future operators at a symbol."""
        operator, parts = formula.operator, formula.parts
        if operator == "letters":
            return symbol in formula.letters
        if operator == "and":
            return all(self.value(part, symbol, memory) for part in parts)
        if operator == "or":
            return any(self.value(part, symbol, memory) for part in parts)
        before = self.remembered(formula, memory)
        if operator in ("Y", "Z"):
            return before
        if operator == "O":
            return before or self.value(parts[0], symbol, memory)
        if operator == "H":
            return before and self.value(parts[0], symbol, memory)
        holds, starts = (self.value(part, symbol, memory) for part in parts)
        return starts or (holds and before) if operator == "S" else starts and (holds or before)

    def progress(self, formula: Formula, symbol: int, memory: Sequence[bool | None]) -> Clauses:
        """What the rest of the word must satisfy for the formula to hold at this symbol."""
        operator, parts = formula.operator, formula.parts
        if operator == "and":
            out = _TRUE
            for part in parts:
                out = _both(out, self.progress(part, symbol, memory))
            return out
        if operator == "or":
            out = _FALSE
            for part in parts:
                out = _either(out, self.progress(part, symbol, memory))
            return out
        if operator not in FUTURE:
            return _TRUE if self.value(formula, symbol, memory) else _FALSE
        if operator in ("X", "N"):
            return frozenset((frozenset((2 * self.number(parts[0]) + (operator == "N"),)),))
        again: Clauses = frozenset((frozenset((2 * self.number(formula) + (operator in ("G", "R")),)),))
        now = self.progress(parts[-1], symbol, memory)
        if operator == "F":
            return _either(now, again)
        if operator == "G":
            return _both(now, again)
        first = self.progress(parts[0], symbol, memory)
        return _either(now, _both(first, again)) if operator == "U" else _both(now, _either(first, again))

    def remember(self, symbol: int, memory: Sequence[bool | None]) -> tuple[bool, ...]:
        """The memory after a symbol."""
        return tuple(
            self.value(formula.parts[0] if formula.operator in ("Y", "Z") else formula, symbol, memory)
            for formula in self.past
        )


def holds_on_nothing(formula: Formula) -> bool:
    """The value on the empty word."""
    if formula.operator == "letters":
        return formula.when_empty
    if formula.operator in ("and", "or"):
        return (all if formula.operator == "and" else any)(map(holds_on_nothing, formula.parts))
    return formula.operator in ("N", "G", "R", "Z", "H", "T")


def automaton_of_formula(formula: Formula, names: Sequence[str], budget: Budget) -> Automaton:
    """The minimal DFA of a formula over the alphabet `names`.

    Raises:
        LimitError: the budget is exceeded.
    """
    operators = formula.operators()
    last = bool(operators) and not operators & FUTURE.keys()
    progression = _Progression(formula, last)
    nothing: tuple[bool | None, ...] = (None,) * len(progression.past)
    start = (nothing, frozenset((frozenset((2 * progression.number(formula) + 1,)),)))
    number: dict[tuple[tuple[bool | None, ...], Clauses], int] = {start: 0}
    accepting = [0] if holds_on_nothing(formula) else []
    rows: list[list[int]] = []
    queue = [start]
    table = list(progression.formulas)
    for memory, clauses in queue:
        budget.check_states(len(queue), "states of the formula")
        row = []
        for symbol in range(len(names)):
            after: Clauses = _FALSE
            if last:  # the value at this symbol, and nothing is asked of the rest
                after = _TRUE if progression.value(formula, symbol, memory) else _FALSE
            else:
                for clause in clauses:
                    rest = _TRUE
                    for obligation in sorted(clause):
                        rest = _both(rest, progression.progress(table[obligation // 2], symbol, memory))
                    after = _either(after, rest)
                table = list(progression.formulas)
            state = (progression.remember(symbol, memory), after)
            if number.setdefault(state, len(queue)) == len(queue):
                # at the end of the word weak obligations are met
                if any(all(obligation % 2 for obligation in clause) for clause in after):
                    accepting.append(len(queue))
                queue.append(state)
            row.append(number[state])
        rows.append(row)
    return Automaton.from_table(Alphabet.tokens(names), rows, 0, accepting)
