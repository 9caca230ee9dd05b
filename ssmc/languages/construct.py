"""From an expression to its minimal DFA: position automaton, symbol classes, subset construction, minimisation.

automata-lib could do the same (the tests use it as the oracle), but its NFA reads single symbols through dictionaries: on byte and code
point alphabets it is a hundred times slower than sets of positions held in integers over symbol classes.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.languages.positions import Positions
from ssmc.languages.symbolset import partition
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssmc.languages.expression import Boolean, Expression
    from ssmc.languages.limits import Budget


def construct(expression: Expression, alphabet: Alphabet, budget: Budget) -> Automaton:
    """The minimal DFA of an expression.

    Args:
        expression: the expression; symbols are numbers of `alphabet`.
        alphabet: the symbols (its partition into classes is ignored).
        budget: limits.

    Raises:
        LimitError: the budget is exceeded.
    """

    def operate(part: Boolean) -> Automaton:
        operands = [construct(operand, alphabet, budget) for operand in part.parts]
        return _OPERATIONS[part.operation](*operands, budget)

    positions = Positions.of(expression, budget, operate)
    budget.check_positions(positions.count)
    starts, membership = partition(list(positions.sets), alphabet.size)
    folded = Alphabet.of_runs(alphabet.kind, alphabet.names, starts, membership)
    masks = positions.masks(list(dict.fromkeys(membership)))
    return Automaton.from_table(folded, *determinize(positions, masks, budget))


def determinize(positions: Positions, masks: Sequence[int], budget: Budget) -> tuple[list[list[int]], int, list[int]]:
    """The subset construction.

    Sets of positions with the same followers and the same finality are one state, which merges many before minimisation.

    Args:
        positions: the automaton.
        masks: the positions that read each class.
        budget: limits the states.

    Returns:
        The table, the initial state and the accepting states.

    Raises:
        LimitError: the budget is exceeded.
    """
    states: dict[tuple[int, bool], int] = {}
    known: dict[int, int] = {0: DEAD}
    queue: list[int] = []
    accepting: list[int] = []

    def number(reached: int) -> int:
        final = bool(reached & positions.final)
        follow = positions.follow(reached)
        if not follow and not final:
            out = DEAD
        else:
            out = states.setdefault((follow, final), len(states))
            if out == len(queue):
                queue.append(follow)
                if final:
                    accepting.append(out)
        known[reached] = out
        return out

    table: list[list[int]] = []
    if number(1) == DEAD:
        return [[DEAD] * len(masks)], 0, []
    for i, follow in enumerate(queue):
        if i & 0x1F == 0:
            budget.check_states(len(queue))
        row = []
        for mask in masks:
            reached = follow & mask
            state = known.get(reached)
            row.append(number(reached) if state is None else state)
        table.append(row)
    budget.check_states(len(queue))
    return table, 0, accepting


def _refine(a: Automaton, b: Automaton) -> tuple[Alphabet, list[tuple[int, int]]]:
    """The common refinement of two partitions of one alphabet and, for each of its classes, the class in a and in b."""
    starts = sorted({*a.alphabet.starts, *b.alphabet.starts})
    pairs = [(a.alphabet.class_of(s), b.alphabet.class_of(s)) for s in starts]
    number = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    return Alphabet.of_runs(a.alphabet.kind, a.alphabet.names, starts, [number[p] for p in pairs]), list(number)


def _combine(a: Automaton, b: Automaton, accept: Callable[[bool, bool], bool], budget: Budget) -> Automaton:
    """The product automaton; a word is accepted when `accept` holds of the two verdicts."""
    alphabet, classes = _refine(a, b)
    start = (0 if a.states else DEAD, 0 if b.states else DEAD)
    number = {start: 0}
    queue = [start]
    table: list[list[int]] = []
    for p, q in queue:
        budget.check_states(len(queue), "states of a product")
        row = []
        for x, y in classes:
            pair = (a.delta[p][x] if p != DEAD else DEAD, b.delta[q][y] if q != DEAD else DEAD)
            state = number.setdefault(pair, len(queue))
            if state == len(queue):
                queue.append(pair)
            row.append(state)
        table.append(row)
    final = [i for i, (p, q) in enumerate(queue) if accept(p in a.accepting, q in b.accepting)]
    return Automaton.from_table(alphabet, table, 0, final)


def complement(a: Automaton, budget: Budget) -> Automaton:
    """All words that are not in the language."""
    del budget
    sink = a.states
    table = [[sink if r == DEAD else r for r in row] for row in (*a.delta, (DEAD,) * a.classes)]
    return Automaton.from_table(a.alphabet, table, 0, set(range(sink + 1)) - a.accepting)


def intersection(a: Automaton, b: Automaton, budget: Budget) -> Automaton:
    """The words in both languages."""
    return _combine(a, b, lambda x, y: x and y, budget)


def difference(a: Automaton, b: Automaton, budget: Budget) -> Automaton:
    """The words in the first language only."""
    return _combine(a, b, lambda x, y: x and not y, budget)


def shuffle(a: Automaton, b: Automaton, budget: Budget) -> Automaton:
    """All interleavings of a word of the first language with one of the second."""
    alphabet, classes = _refine(a, b)
    empty: frozenset[tuple[int, int]] = frozenset()
    start = frozenset(product(range(min(a.states, 1)), range(min(b.states, 1))))
    number = {start: 0, empty: DEAD}
    queue = [start]
    table: list[list[int]] = []
    for pairs in queue:
        budget.check_states(len(queue), "states of a shuffle")
        row = []
        for x, y in classes:
            reached = frozenset(
                {(a.delta[p][x], q) for p, q in pairs if a.delta[p][x] != DEAD}
                | {(p, b.delta[q][y]) for p, q in pairs if b.delta[q][y] != DEAD}
            )
            if reached not in number:
                number[reached] = len(queue)
                queue.append(reached)
            row.append(number[reached])
        table.append(row)
    final = [i for i, pairs in enumerate(queue) if any(p in a.accepting and q in b.accepting for p, q in pairs)]
    return Automaton.from_table(alphabet, table, 0, final)


_OPERATIONS: dict[str, Callable[..., Automaton]] = {
    "not": complement,
    "and": intersection,
    "minus": difference,
    "shuffle": shuffle,
}
