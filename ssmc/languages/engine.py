"""The parts of one expression that share symbol classes: conditions, obligations, trackers, solved blocks."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from ssmc.languages.conditions import Ahead, Behind, Condition, Here, Pending
from ssmc.languages.expression import Atomic, Boolean, Concatenation, Expression, Look, Repeat, Symbols, walk
from ssmc.languages.machine import Machine
from ssmc.languages.ordered import solve_atomic
from ssmc.languages.pool import ALWAYS, NEVER, NO_OBLIGATION, Pool
from ssmc.languages.positions import Block, Positions
from ssmc.languages.symbolset import partition
from ssmc.languages.tables import OPERATIONS, Table, minimal
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssmc.languages.limits import Budget
    from ssmc.languages.machine import Context
    from ssmc.languages.symbolset import SymbolSet


class Engine:
    """What the machines of one expression share.

    Attributes:
        budget: limits everything.
        starts: the first symbol of each run of symbols of one class.
        run_classes: the class of each run.
        classes: the number of classes.
        pool: the obligations.
        trackers: the machines that watch what precedes.
        conditions: condition i is bit i of a guard.
    """

    def __init__(self, expression: Expression, size: int, budget: Budget) -> None:
        self.budget = budget
        sets: dict[SymbolSet, int] = {}
        for part in walk(expression):
            if isinstance(part, Symbols):
                sets.setdefault(part.symbols, len(sets))
        self.starts, membership = partition(list(sets), size)
        number = {mask: c for c, mask in enumerate(dict.fromkeys(membership))}
        self.run_classes = [number[mask] for mask in membership]
        self.classes = len(number)
        self._labels = {
            symbols: sum(1 << c for mask, c in number.items() if mask >> i & 1) for symbols, i in sets.items()
        }
        self._everything = Symbols((0, size))
        self._labels[self._everything.symbols] = (1 << self.classes) - 1
        self.pool = Pool(self.classes)
        self.trackers: list[Machine] = []
        self.conditions: list[Condition] = []
        self._guards: dict[Look | Condition, int] = {}
        self._machines: dict[Expression, Machine] = {}
        self._tracker_number: dict[Expression, int] = {}
        self._obligations: dict[tuple[Machine, int], int] = {}
        self._contexts: dict[tuple[int, ...], list[Context]] = {}

    def label(self, symbols: SymbolSet) -> int:
        """The classes of a symbol set, as bits."""
        return self._labels[symbols]

    def table(self, expression: Expression) -> Table:
        """The DFA of an expression matched against a whole word, not minimised.

        Raises:
            LimitError: the budget is exceeded.
        """
        positions = Positions.of(self, expression)
        if not positions.guards():
            return subsets(positions, self.budget)
        machine = Machine(self, positions)
        start = machine.start(self.origin(machine.trackers))
        rows, accepting, _ = machine.explore([start] if start != DEAD else [])
        return Table(rows, frozenset(q for q, yes in enumerate(accepting) if yes), self.classes)

    def solve(self, expression: Expression) -> Block | int:
        """A part that is no plain regular expression: a block to embed, or the guard of a condition."""
        if isinstance(expression, Boolean):
            operands = []
            for part in expression.parts:
                table = self.table(part)
                operands.append(minimal(table.rows, set(table.accepting)) if table.rows else table)
            result = OPERATIONS[expression.operation](*operands, self.budget)
            return Block(result.rows, ((0, 0),) if result.rows else (), tuple((q, 0) for q in result.accepting))
        if isinstance(expression, Atomic):
            return solve_atomic(self, expression.body)
        if not isinstance(expression, Look):
            raise TypeError(expression)
        if expression not in self._guards:
            self._guards[expression] = self.guard(self._condition(expression))
        return self._guards[expression]

    def _condition(self, look: Look) -> Condition:
        anything = Repeat(self._everything, 0, None)
        if look.direction == "behind":
            if look.body not in self._tracker_number:
                tracker = Machine(self, Positions.of(self, Concatenation((anything, look.body))))
                self.trackers.append(tracker)
                self._tracker_number[look.body] = len(self.trackers) - 1
            return Behind(self._tracker_number[look.body], look.negated)
        body = look.body if look.direction == "rest" else Concatenation((look.body, anything))
        if body not in self._machines:
            self._machines[body] = Machine(self, Positions.of(self, body))
        return Ahead(self._machines[body], look.negated)

    def guard(self, condition: Condition) -> int:
        """The guard of one condition."""
        if condition not in self._guards:
            self._guards[condition] = 1 << len(self.conditions)
            self.conditions.append(condition)
        return self._guards[condition]

    def obliged(self, states: Iterable[int]) -> int:
        """The guard that the rest of the word is in the languages of all these pool states."""
        out = 0
        for state in states:
            if state != ALWAYS:
                out |= self.guard(Pending(state))
        return out

    def trackers_of(self, guard: int) -> tuple[int, ...]:
        """The trackers that the conditions of a guard read."""
        out: set[int] = set()
        for i, condition in enumerate(self.conditions):
            if guard >> i & 1:
                if isinstance(condition, Behind):
                    out.add(condition.tracker)
                elif isinstance(condition, Ahead):
                    out.update(condition.machine.trackers)
                elif isinstance(condition, Here):
                    out.update(condition.trackers)
        return tuple(sorted(out))

    def origin(self, trackers: tuple[int, ...]) -> Context:
        """The context before any symbol."""
        return tuple(self.trackers[t].start(self.origin(self.trackers[t].trackers)) for t in trackers)

    def contexts(self, trackers: tuple[int, ...]) -> list[Context]:
        """All contexts that some word leads to.

        Raises:
            LimitError: there are too many.
        """
        if trackers not in self._contexts:
            queue = [self.origin(trackers)]
            seen = set(queue)
            for context in queue:
                self.budget.check_states(len(queue), "contexts of lookbehind")
                rows = [self.trackers[t].row(q) for t, q in zip(trackers, context, strict=True)]
                for c in range(self.classes):
                    reached = tuple([row[c] for row in rows])
                    if reached not in seen:
                        seen.add(reached)
                        queue.append(reached)
            self._contexts[trackers] = queue
        return self._contexts[trackers]

    def options(self, i: int, states: dict[int, int]) -> tuple[int, ...]:
        """The obligation sets under which condition i holds when the trackers are in the given states: a disjunction."""
        condition = self.conditions[i]
        if isinstance(condition, Behind):
            verdicts = self.trackers[condition.tracker].verdicts[states[condition.tracker]]
            if not condition.negated:
                return verdicts
            # not (A or B), A and B conjunctions: one obligation of each must fail
            sets = [[self.pool.opposite[s] for s in self.pool.sets[number]] for number in verdicts]
            numbers = (self.pool.number(choice) for choice in product(*sets))
            return self.pool.fewest(number for number in numbers if number >= 0)
        if isinstance(condition, Here):
            there = tuple(states[t] for t in condition.trackers) == condition.context
            return (NO_OBLIGATION,) if there else ()
        if isinstance(condition, Pending):
            state = condition.state
        else:
            machine = condition.machine
            state = self.obligation(machine, machine.start(tuple(states[t] for t in machine.trackers)))
            state = self.pool.opposite[state] if condition.negated else state
        number = self.pool.number((state,))
        return (number,) if number >= 0 else ()

    def obligation(self, machine: Machine, state: int) -> int:
        """The pool state of the language that a machine accepts from one of its states."""
        key = (machine, state)
        if key not in self._obligations:
            starts = [machine.start(context) for context in self.contexts(machine.trackers)]
            self.oblige(machine, [*starts, state])
        return self._obligations[key]

    def oblige(self, machine: Machine, starts: list[int]) -> None:
        """Makes pool states for everything that a machine reaches from some states, so that equal languages share one."""
        rows, accepting, number = machine.explore(starts)
        states = self.pool.add(rows, accepting)
        for state, q in number.items():
            self._obligations.setdefault((machine, state), states[q] if state != DEAD else NEVER)


def subsets(positions: Positions, budget: Budget) -> Table:
    """The subset construction of a position automaton without guards.

    Sets of positions with the same followers and the same finality are one state, which merges many before minimisation.

    Raises:
        LimitError: the budget is exceeded.
    """
    masks = positions.masks()
    final = positions.final.get(0, 0)
    follow, universal = positions.follow, positions.universal
    states: dict[tuple[int, int], int] = {(0, 0): DEAD}
    known: dict[int, int] = {0: DEAD}
    queue: list[int] = []
    accepting: list[int] = []

    def number(reached: int) -> int:
        following = follow(reached)
        accepts = 1 if reached & final else 0
        if accepts and following & universal:  # every word is accepted from here on, whatever else is on the way
            following &= universal
        out = states.setdefault((following, accepts), len(queue))
        if out == len(queue):
            queue.append(following)
            if accepts:
                accepting.append(out)
        known[reached] = out
        return out

    number(1)
    rows: list[list[int]] = []
    for i, following in enumerate(queue):
        if i & 0x1F == 0:
            budget.check_states(len(queue))
        row = []
        for mask in masks:
            reached = following & mask
            state = known.get(reached)
            row.append(number(reached) if state is None else state)
        rows.append(row)
    budget.check_states(len(queue))
    return Table(rows, frozenset(accepting), len(masks))
