"""Nondeterministic automata as lists of edges, and the subset construction on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.automaton import Automaton
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from ssmc.alphabet import Alphabet
    from ssmc.languages.limits import Budget

EMPTY_WORD = -1
"""The label of an edge that reads nothing."""


@dataclass(frozen=True)
class NFA:
    """A nondeterministic automaton; states are numbers 0..states-1.

    Attributes:
        alphabet: the symbols; edges are labelled with its classes.
        states: the number of states.
        edges: (source, class or `EMPTY_WORD`, target).
        initial: the initial states.
        final: the final states.
    """

    alphabet: Alphabet
    states: int
    edges: tuple[tuple[int, int, int], ...]
    initial: frozenset[int]
    final: frozenset[int]


def determinize(nfa: NFA, budget: Budget) -> Automaton:
    """The minimal DFA of an NFA, by the subset construction over sets held as bits of integers.

    Raises:
        LimitError: the budget is exceeded.
    """
    closure = _closures(nfa)
    moves: list[dict[int, int]] = [{} for _ in range(nfa.states)]
    for source, label, target in nfa.edges:
        if label != EMPTY_WORD:
            moves[source][label] = moves[source].get(label, 0) | closure[target]
    start = 0
    for q in nfa.initial:
        start |= closure[q]
    final = sum(1 << q for q in nfa.final)
    number = {0: DEAD, start: 0 if start else DEAD}
    queue = [start] if start else []
    table: list[list[int]] = []
    for i, states in enumerate(queue):
        if i & 0x1F == 0:
            budget.check_states(len(queue))
        reached = [0] * nfa.alphabet.class_count
        rest = states
        while rest:
            low = rest & -rest
            for label, targets in moves[low.bit_length() - 1].items():
                reached[label] |= targets
            rest ^= low
        for targets in reached:
            if targets not in number:
                number[targets] = len(queue)
                queue.append(targets)
        table.append([number[targets] for targets in reached])
    budget.check_states(len(queue))
    if not queue:
        return Automaton.empty(nfa.alphabet)
    return Automaton.from_table(nfa.alphabet, table, 0, [i for i, states in enumerate(queue) if states & final])


def _closures(nfa: NFA) -> list[int]:
    """For each state the states that it reaches without reading, as bits."""
    silent: list[list[int]] = [[] for _ in range(nfa.states)]
    for source, label, target in nfa.edges:
        if label == EMPTY_WORD:
            silent[source].append(target)
    out = []
    for q in range(nfa.states):
        seen = 1 << q
        stack = [q]
        while stack:
            for r in silent[stack.pop()]:
                if not seen >> r & 1:
                    seen |= 1 << r
                    stack.append(r)
        out.append(seen)
    return out
