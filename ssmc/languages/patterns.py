"""Several languages read at once: the smallest automaton whose states tell which of them hold the word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.errors import InvariantError, UsageError
from ssmc.languages.limits import Budget
from ssmc.minimize import DEAD, coarsest_partition, live_states

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class PatternSet:
    """The minimal automaton with one accept output per language, trimmed, numbered breadth first as in `Automaton`.

    Attributes:
        alphabet: input symbols and their classes; two classes never have equal columns.
        delta: `delta[q][c]` is the state after reading class c in state q, or `DEAD`: no language holds any continuation.
        outputs: for each state the languages that hold the words leading there.
        count: the number of languages.
    """

    alphabet: Alphabet
    delta: tuple[tuple[int, ...], ...]
    outputs: tuple[frozenset[int], ...]
    count: int

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.delta)

    def matches(self, symbols: Iterable[int]) -> frozenset[int]:
        """The languages that hold a word."""
        state = 0 if self.delta else DEAD
        for symbol in symbols:
            c = self.alphabet.class_of(symbol)
            if state != DEAD:
                state = self.delta[state][c]
        return self.outputs[state] if state != DEAD else frozenset()

    def automaton(self, index: int) -> Automaton:
        """The automaton of one of the languages."""
        final = [q for q, output in enumerate(self.outputs) if index in output]
        return Automaton.from_table(self.alphabet, self.delta, 0, final) if final else Automaton.empty(self.alphabet)

    def check(self) -> None:
        """Checks that the automaton is the smallest for its outputs.

        Raises:
            InvariantError: it is not.
        """
        self.alphabet.check()
        if any(not 0 <= i < self.count for output in self.outputs for i in output):
            raise InvariantError("an output is no language of the set")
        if self.delta and self != _canonical(self.alphabet, self.delta, self.outputs, self.count):
            raise InvariantError("pattern set is not the canonical minimal one")


def pattern_set(automata: Sequence[Automaton], budget: Budget | None = None) -> PatternSet:
    """The pattern set of several automata over one alphabet (their classes may differ), in order.

    Raises:
        UsageError: there is none, or the alphabets differ.
        LimitError: the product is over the budget.
    """
    if not automata:
        raise UsageError("a pattern set needs a pattern")
    first = automata[0].alphabet
    if any((a.alphabet.kind, a.alphabet.names) != (first.kind, first.names) for a in automata):
        raise UsageError("the patterns of a set have one alphabet")
    budget = budget or Budget()
    starts = sorted({start for a in automata for start in a.alphabet.starts})
    labels = [tuple([a.alphabet.class_of(start) for a in automata]) for start in starts]
    classes = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    alphabet = Alphabet.of_runs(first.kind, first.names, starts, [classes[label] for label in labels])
    start = tuple([0 if a.states else DEAD for a in automata])
    nowhere = (DEAD,) * len(automata)
    number = {nowhere: DEAD, start: 0 if start != nowhere else DEAD}
    queue = [start] if start != nowhere else []
    table: list[list[int]] = []
    for states in queue:
        if len(table) & 0x1F == 0:
            budget.check_states(len(queue), "states of a pattern set")
        row = []
        for label in classes:
            reached = tuple(
                [a.delta[q][c] if q != DEAD else DEAD for a, q, c in zip(automata, states, label, strict=True)]
            )
            if reached not in number:
                number[reached] = len(queue)
                queue.append(reached)
            row.append(number[reached])
        table.append(row)
    outputs = [
        frozenset(i for i, (a, q) in enumerate(zip(automata, states, strict=True)) if q in a.accepting)
        for states in queue
    ]
    return _canonical(alphabet, table, outputs, len(automata))


def _canonical(
    alphabet: Alphabet, delta: Sequence[Sequence[int]], outputs: Sequence[frozenset[int]], count: int
) -> PatternSet:
    """The trimmed minimal form, numbered breadth first from state 0."""
    live = live_states(delta, (0,), [q for q, output in enumerate(outputs) if output]) if delta else set()
    if not live:
        return PatternSet(Automaton.empty(alphabet).alphabet, (), (), count)
    kept = [[r if r in live else DEAD for r in row] for row in delta]
    block = coarsest_partition(kept, [outputs[q] if q in live else None for q in range(len(delta))])
    member = {block[q]: q for q in reversed(range(len(delta)))}
    order = {block[0]: 0}
    queue = [block[0]]
    rows: list[list[int]] = []
    for b in queue:
        row = []
        for r in kept[member[b]]:
            if r != DEAD and order.setdefault(block[r], len(queue)) == len(queue):
                queue.append(block[r])
            row.append(order[block[r]] if r != DEAD else DEAD)
        rows.append(row)
    columns: dict[tuple[int, ...], int] = {}
    merged = [columns.setdefault(column, len(columns)) for column in zip(*rows, strict=True)]
    folded = Alphabet.of_runs(alphabet.kind, alphabet.names, alphabet.starts, [merged[c] for c in alphabet.run_classes])
    return PatternSet(folded, tuple(zip(*columns, strict=True)), tuple(outputs[member[b]] for b in queue), count)
