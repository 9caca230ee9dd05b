"""Random automata that are star-free by construction, or not, for tests and benchmarks.

Every generator takes a `random.Random` and returns the minimal automaton of what it drew, which may have fewer states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.automaton import DEAD, Alphabet, Automaton

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


def _automaton(rng: Random, rows: Sequence[Sequence[int]]) -> Automaton:
    names = [f"x{c}" for c in range(len(rows[0]))]
    accepting = [q for q in range(len(rows)) if rng.random() < 0.5]
    return Automaton.from_table(Alphabet.tokens(names), rows, 0, accepting)


def random_automaton(rng: Random, states: int, letters: int, undefined: float = 0.0) -> Automaton:
    """Uniform transitions, each undefined with the given probability; hardly ever star-free when large."""
    rows = [
        [DEAD if rng.random() < undefined else rng.randrange(states) for _ in range(letters)] for _ in range(states)
    ]
    return _automaton(rng, rows)


def random_ordered(rng: Random, states: int, letters: int) -> Automaton:
    """A partially ordered automaton: transitions never go down, so all cycles are self-loops and the monoid is R-trivial."""
    rows = [[rng.randrange(q, min(states, q + 4)) for _ in range(letters)] for q in range(states)]
    return _automaton(rng, rows)


def random_monotone(rng: Random, states: int, letters: int) -> Automaton:
    """Letters that preserve the order of the states: aperiodic, strongly connected as a rule, with a very large monoid."""
    columns = []
    for x in range(letters):
        shift = 1 if x % 2 else -1
        column = sorted(min(states - 1, max(0, q + shift * rng.randrange(3))) for q in range(states))
        columns.append(column)
    return _automaton(rng, list(zip(*columns, strict=True)))


def random_cascade(rng: Random, sizes: Sequence[int], letters: int, periods: Sequence[int] = ()) -> Automaton:
    """A cascade of identity-reset components, then one cyclic component for each period.

    Every letter, given the values of the components above, holds a component or resets it; a cyclic component is turned by one step or held. Without
    periods the language is star-free (the wreath product of aperiodic monoids is aperiodic); with them hardly ever.

    Args:
        rng: the source of randomness.
        sizes: the number of values of each identity-reset component.
        letters: the number of letters.
        periods: the lengths of the cyclic components.
    """
    actions: dict[tuple[int, int, tuple[int, ...]], int | None] = {}

    def act(level: int, letter: int, above: tuple[int, ...]) -> int | None:
        key = (level, letter, above)
        if key not in actions:
            if level >= len(sizes):
                actions[key] = rng.randrange(2)
            else:
                actions[key] = None if rng.random() < 0.5 else rng.randrange(sizes[level])
        return actions[key]

    start = (0,) * (len(sizes) + len(periods))
    number = {start: 0}
    order = [start]
    rows = []
    for values in order:
        row = []
        for letter in range(letters):
            after = []
            for level, value in enumerate(values):
                action = act(level, letter, values[:level])
                if level >= len(sizes):
                    after.append((value + (action or 0)) % periods[level - len(sizes)])
                else:
                    after.append(value if action is None else action)
            head = tuple(after)
            if head not in number:
                number[head] = len(order)
                order.append(head)
            row.append(number[head])
        rows.append(row)
    return _automaton(rng, rows)
