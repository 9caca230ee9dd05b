"""The subset construction over position automata with conditions.

A *thread* is a position together with the set of obligations (pool states) that the rest of the word must meet: a lookahead is not
followed by guessing but by carrying its DFA along. What precedes is known exactly: every lookbehind is watched by a *tracker*, a machine
that reads the same word from its start, and a state of a machine holds the states of the trackers that its guards read (its *context*).
So a state is (context, positions by obligation set), and the construction is deterministic.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from ssmc.languages.pool import IMPOSSIBLE, NO_OBLIGATION
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ssmc.languages.engine import Engine
    from ssmc.languages.positions import Positions

Context = tuple[int, ...]
Groups = tuple[tuple[int, int], ...]
"""Pairs (obligation set, positions), ascending, each obligation set once."""


class Machine:
    """A deterministic machine over one position automaton; its states are numbers, made when they are first met.

    Attributes:
        trackers: the numbers of the trackers that the guards read, ascending; a context lists their states.
        contexts: the context of each state.
        groups: for each state, the positions that may read the next symbol, by obligation set.
        verdicts: for each state the obligation sets under which the word read so far is accepted; none contains another.
    """

    def __init__(self, engine: Engine, positions: Positions) -> None:
        self.engine = engine
        self.positions = positions
        self.masks = positions.masks()
        self.guards = positions.guards()
        bits = 0
        for guard in self.guards:
            bits |= guard
        self.trackers: tuple[int, ...] = engine.trackers_of(bits)
        self.contexts: list[Context] = []
        self.groups: list[Groups] = []
        self.verdicts: list[tuple[int, ...]] = []
        self._rows: list[list[int] | None] = []
        self._state: dict[tuple[Context, Groups, tuple[int, ...]], int] = {}
        self._twins: dict[int, int] = {}
        self._first: dict[tuple[int, ...], int] = {}
        self._lefts: dict[int, list[int]] = {}
        self._uses: dict[int, tuple[int, int]] = {}
        self._everything: int | None = None
        self._plain: dict[tuple[Context, int], int] = {}
        self._entered: dict[tuple[Context, Groups], int] = {}
        self._resolved: dict[tuple[int, Context], tuple[int, ...]] = {}

    def start(self, context: Context) -> int:
        """The state before any symbol, in a context."""
        return self.enter(context, ((NO_OBLIGATION, 1),))

    def enter(self, context: Context, reached: Groups) -> int:
        """The state in which the given positions have just been read."""
        key = (context, reached)
        if key in self._entered:
            return self._entered[key]
        positions, joined = self.positions, self.engine.pool.joined
        groups: dict[int, int] = {}
        verdicts: list[int] = []
        for obligations, bits in reached:
            for guard in (0, *self.guards):
                follow = positions.follow(bits, guard)
                final = positions.final.get(guard, 0) & bits
                if not follow and not final:
                    continue
                for more in self.resolve(guard, context) if guard else (NO_OBLIGATION,):
                    both = joined(obligations, more)
                    if both == IMPOSSIBLE:
                        continue
                    if follow:
                        groups[both] = groups.get(both, 0) | follow
                    if final:
                        verdicts.append(both)
        state = self._entered[key] = self.intern(context, groups, verdicts)
        return state

    def intern(self, context: Context, groups: dict[int, int], verdicts: Iterable[int]) -> int:
        """The number of a state, `DEAD` if it accepts nothing and nothing can follow."""
        pool = self.engine.pool
        for number in [number for number in groups if number != NO_OBLIGATION]:
            possible, free = self._use(number)
            bits = groups[number] & possible
            groups[number] = bits & ~free
            groups[NO_OBLIGATION] = groups.get(NO_OBLIGATION, 0) | bits & free
        if len(groups) > 1:  # a thread with more obligations than another at the same position adds nothing
            sets = pool.sets
            for number in list(groups):
                for other, bits in list(groups.items()):
                    if other != number and sets[other] < sets[number]:
                        groups[number] &= ~bits
        ordered = tuple(sorted((number, bits) for number, bits in groups.items() if bits))
        verdict = pool.fewest(verdicts)
        if not ordered and not verdict:
            return DEAD
        plain = ordered[0][1] if ordered and ordered[0][0] == NO_OBLIGATION else 0
        if verdict == (NO_OBLIGATION,) and plain & self.positions.universal:
            return self._accept_all()
        if context:
            trackers = self.engine.trackers
            context = tuple([trackers[t].twin(q) for t, q in zip(self.trackers, context, strict=True)])
        key = (context, ordered, verdict)
        state = self._state.setdefault(key, len(self._rows))
        if state == len(self._rows):
            self.contexts.append(context)
            self.groups.append(ordered)
            self.verdicts.append(verdict)
            self._rows.append(None)
            if state & 0x1F == 0:
                self.engine.budget.check_states(state)
        return state

    def _use(self, number: int) -> tuple[int, int]:
        """The positions that can read something under an obligation set, and those whose symbols all meet it at once."""
        if number not in self._uses:
            possible = bound = 0
            for mask, left in zip(self.masks, self._left(number), strict=True):
                possible |= mask if left != IMPOSSIBLE else 0
                bound |= mask if left != NO_OBLIGATION else 0
            self._uses[number] = (possible, ~bound)
        return self._uses[number]

    def _accept_all(self) -> int:
        """The state from which every word is accepted; its context matters no more."""
        if self._everything is None:
            self._everything = len(self._rows)
            self.contexts.append(())
            self.groups.append(())
            self.verdicts.append((NO_OBLIGATION,))
            self._rows.append([self._everything] * len(self.masks))
        return self._everything

    def row(self, state: int) -> list[int]:
        """The states after each class."""
        row = self._rows[state]
        if row is not None:
            return row
        steps = [self.engine.trackers[t].row(q) for t, q in zip(self.trackers, self.contexts[state], strict=True)]
        contexts: list[Context] = list(zip(*steps, strict=True)) if steps else [()] * len(self.masks)
        groups = self.groups[state]
        plain = len(groups) == 1 and groups[0][0] == NO_OBLIGATION
        row = self._plain_row(groups[0][1], contexts) if plain else self._obliged_row(groups, contexts)
        self._rows[state] = row
        return row

    def twin(self, state: int) -> int:
        """The first state with the same row: the guards have read the state, from now on only its successors matter."""
        if state not in self._twins:
            self._twins[state] = self._first.setdefault(tuple(self.row(state)), state)
        return self._twins[state]

    def _plain_row(self, positions: int, contexts: list[Context]) -> list[int]:
        """The row of a state without obligations, which most are."""
        row = []
        known = self._plain
        for mask, context in zip(self.masks, contexts, strict=True):
            bits = positions & mask
            if not bits:
                row.append(DEAD)
                continue
            key = (context, bits)
            state = known.get(key)
            if state is None:
                state = known[key] = self.enter(context, ((NO_OBLIGATION, bits),))
            row.append(state)
        return row

    def _obliged_row(self, groups: Groups, contexts: list[Context]) -> list[int]:
        """The row of a state with obligations."""
        row = []
        known = self._entered
        parts = [(bits, self._left(number)) for number, bits in groups]
        for c, (mask, context) in enumerate(zip(self.masks, contexts, strict=True)):
            reached: dict[int, int] = {}
            for bits, left in parts:
                here = bits & mask
                if here and left[c] != IMPOSSIBLE:
                    reached[left[c]] = reached.get(left[c], 0) | here
            if not reached:
                row.append(DEAD)
                continue
            items = tuple(sorted(reached.items())) if len(reached) > 1 else tuple(reached.items())
            state = known.get((context, items))
            row.append(self.enter(context, items) if state is None else state)
        return row

    def _left(self, number: int) -> list[int]:
        """The obligation set that is left of one after each class."""
        if number not in self._lefts:
            self._lefts[number] = [self.engine.pool.after(number, c) for c in range(len(self.masks))]
        return self._lefts[number]

    def resolve(self, guard: int, context: Context) -> tuple[int, ...]:
        """The obligation sets under which all conditions of a guard hold in a context: a disjunction."""
        key = (guard, context)
        if key in self._resolved:
            return self._resolved[key]
        states = dict(zip(self.trackers, context, strict=True))
        options = [self.engine.options(i, states) for i in range(guard.bit_length()) if guard >> i & 1]
        pool = self.engine.pool
        out: list[int] = []
        for choice in product(*options):
            together = NO_OBLIGATION
            for number in choice:
                together = pool.joined(together, number) if together != IMPOSSIBLE else IMPOSSIBLE
            if together != IMPOSSIBLE:
                out.append(together)
        self._resolved[key] = pool.fewest(out)
        return self._resolved[key]

    def explore(self, starts: Sequence[int]) -> tuple[list[list[int]], list[bool], dict[int, int]]:
        """The DFA of everything reachable from some states.

        Returns:
            Its table, whether each state accepts at the end of the word, and the number of each machine state in it.

        Raises:
            LimitError: the budget is exceeded.
        """
        number = {DEAD: DEAD}
        queue: list[int] = []
        for state in starts:
            if number.setdefault(state, len(queue)) == len(queue):
                queue.append(state)
        rows: list[list[int]] = []
        for state in queue:
            row = self.row(state)
            for r in row:
                if r not in number:
                    number[r] = len(queue)
                    queue.append(r)
            rows.append([number[r] for r in row])
            if len(rows) & 0x1F == 0:
                self.engine.budget.check_states(len(queue))
        met = self.engine.pool.met
        return rows, [any(met(number) for number in self.verdicts[state]) for state in queue], number
