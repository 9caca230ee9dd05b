"""Atomic groups: the first match of a backtracking search, as a block with guards.

The body becomes a position automaton whose edges are *ordered* by preference. A state is the ordered list of threads that are still alive
(as in Pike's simulation); a thread below one that has already matched without obligations is dropped. The group may end where a thread
matches and no thread before it will: "none of the threads above ever matches" is an obligation on the rest of the word, the complement
of what the unordered machine accepts from these threads. So (?>X) needs no new kind of automaton.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ssmc.languages.conditions import Here
from ssmc.languages.expression import Concatenation, Expression, Repeat, Symbols, Union
from ssmc.languages.machine import Machine
from ssmc.languages.pool import IMPOSSIBLE, NO_OBLIGATION
from ssmc.languages.positions import Block, Positions
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from ssmc.languages.engine import Engine
    from ssmc.languages.machine import Context

MATCH = -1
"""The successor that stands for the end of the body."""
MATCHED = -2
"""The place of a thread that has matched earlier; it stays in the list until its obligations are met or fail."""

Threads = tuple[tuple[int, int], ...]
"""Pairs (position that may read next, obligation set), in order of preference."""


class _Node:
    """A node of the body's flow graph; exactly one of the fields after `kind` matters for each kind.

    A link that does not matter leads back to the node itself.
    """

    __slots__ = ("again", "guard", "kind", "label", "next", "position", "ways")

    def __init__(self, kind: str) -> None:
        self.kind = kind  # 'read', 'guard', 'ways', 'loop', 'again', 'match'
        self.next = self
        self.ways: list[_Node] = []
        self.label = self.guard = self.position = 0
        self.again = self


class _State(NamedTuple):
    context: Context
    threads: Threads


class _Flow:
    """Compiles a body to nodes; a node continues to the one given to `compile`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.reads: list[_Node] = []

    def read(self, label: int, after: _Node) -> _Node:
        node = _Node("read")
        node.label, node.next = label, after
        self.reads.append(node)
        node.position = len(self.reads)
        self.engine.budget.check_positions(node.position)
        return node

    def ways(self, *ways: _Node) -> _Node:
        node = _Node("ways")
        node.ways = list(ways)
        return node

    def guarded(self, guard: int, after: _Node) -> _Node:
        if guard == 0:
            return after
        node = _Node("guard")
        node.guard, node.next = guard, after
        return node

    def compile(self, expression: Expression, after: _Node) -> _Node:
        if isinstance(expression, Symbols):
            return self.read(self.engine.label(expression.symbols), after) if expression.symbols else self.ways()
        if isinstance(expression, Concatenation):
            for part in reversed(expression.parts):
                after = self.compile(part, after)
            return after
        if isinstance(expression, Union):
            return self.ways(*(self.compile(part, after) for part in expression.parts))
        if isinstance(expression, Repeat):
            return self.repeat(expression, after)
        solved = self.engine.solve(expression)
        return self.guarded(solved, after) if isinstance(solved, int) else self.block(solved, after)

    def repeat(self, expression: Repeat, after: _Node) -> _Node:
        out = after
        if expression.most is None:
            out = _Node("loop")
            again = _Node("again")
            again.again = out
            body = self.compile(expression.body, again)
            out.ways = [body, after] if expression.greedy else [after, body]
            out.next = after
        else:
            for _ in range(expression.most - expression.least):
                body = self.compile(expression.body, out)
                out = self.ways(body, after) if expression.greedy else self.ways(after, body)
        for _ in range(expression.least):
            out = self.compile(expression.body, out)
        return out

    def block(self, block: Block, after: _Node) -> _Node:
        nodes = [self.ways() for _ in block.rows]
        for q, guard in block.exits:
            nodes[q].ways.append(self.guarded(guard, after))
        for q, row in enumerate(block.rows):
            labels: dict[int, int] = {}
            for c, r in enumerate(row):
                if r != DEAD:
                    labels[r] = labels.get(r, 0) | 1 << c
            nodes[q].ways += [self.read(label, nodes[r]) for r, label in labels.items()]
        return self.ways(*(self.guarded(guard, nodes[q]) for guard, q in block.entries))


def _successors(node: _Node, engine: Engine) -> list[tuple[int, int]]:
    """The pairs (guard, position or `MATCH`) that a node leads to before anything is read, in order of preference.

    A loop whose body has read nothing is left, as `re` does it.
    """
    out: list[tuple[int, int]] = []
    seen: set[tuple[int, int, frozenset[int]]] = set()
    stack: list[tuple[_Node, int, frozenset[int]]] = [(node, 0, frozenset())]
    while stack:
        here, guard, inside = stack.pop()
        key = (id(here), guard, inside)
        if key in seen:
            continue
        seen.add(key)
        if len(seen) & 0xFFF == 0:
            engine.budget.check_time()
        if here.kind in ("read", "match"):
            target = here.position if here.kind == "read" else MATCH
            if not any(other == target and g & guard == g for g, other in out):
                out.append((guard, target))
            continue
        if here.kind == "guard":
            ways = [here.next]
            guard |= here.guard
        elif here.kind == "again":
            loop = here.again
            ways = [loop.next if id(loop) in inside else loop]
        elif here.kind == "loop":
            ways = list(here.ways)
            inside |= {id(here)}
        else:
            ways = list(here.ways)
        stack += [(way, guard, inside) for way in reversed(ways)]
    return out


def solve_atomic(engine: Engine, body: Expression) -> Block:
    """The block of an atomic group.

    Raises:
        LimitError: the budget is exceeded.
    """
    flow = _Flow(engine)
    first = flow.compile(body, _Node("match"))
    successors = [_successors(first, engine), *(_successors(node.next, engine) for node in flow.reads)]
    labels = [0, *(node.label for node in flow.reads)]
    positions = Positions(engine)
    for label in labels[1:]:
        positions.position(label)
    done = positions.position((1 << engine.classes) - 1)
    positions.connect(0, done, done)
    positions.final[0] = done
    for p, edges in enumerate(successors):
        for guard, q in edges:
            if q == MATCH:
                positions.final[guard] = positions.final.get(guard, 0) | 1 << p
            positions.connect(guard, 1 << p, done if q == MATCH else 1 << q)
    return _Solver(engine, Machine(engine, positions), successors, labels, done).block()


class _Solver:
    """The states of an atomic group and where it may end."""

    def __init__(
        self, engine: Engine, machine: Machine, successors: list[list[tuple[int, int]]], labels: list[int], done: int
    ) -> None:
        self.engine, self.machine, self.successors, self.labels, self.done = engine, machine, successors, labels, done

    def closure(self, context: Context, read: Threads) -> Threads:
        """The ordered threads after the given positions have been read; those below an unconditional match are dropped."""
        pool = self.engine.pool
        out: list[tuple[int, int]] = []
        for p, obligations in read:
            if p == MATCHED:
                out.append((p, obligations))
                if obligations == NO_OBLIGATION:
                    return tuple(out)
                continue
            for guard, q in self.successors[p]:
                for more in self.machine.resolve(guard, context) if guard else (NO_OBLIGATION,):
                    both = pool.joined(obligations, more)
                    if both == IMPOSSIBLE or any(r == q and pool.sets[other] <= pool.sets[both] for r, other in out):
                        continue
                    out.append((q, both))
                    if (q, both) == (MATCH, NO_OBLIGATION):
                        return tuple(out)
        return tuple(out)

    def block(self) -> Block:
        """Explores the states."""
        engine, machine, pool = self.engine, self.machine, self.engine.pool
        number: dict[_State, int] = {}
        queue: list[_State] = []

        def enter(context: Context, read: Threads) -> int:
            threads = self.closure(context, read)
            if all(p == MATCHED for p, _ in threads):
                return DEAD
            state = _State(context, threads)
            if number.setdefault(state, len(queue)) == len(queue):
                queue.append(state)
            return number[state]

        entries = []
        for context in engine.contexts(machine.trackers):
            entry = enter(context, ((0, NO_OBLIGATION),))
            if entry != DEAD:
                guard = engine.guard(Here(machine.trackers, context)) if machine.trackers else 0
                entries.append((guard, entry))
        rows: list[list[int]] = []
        above: list[tuple[int, int, int]] = []  # (state, obligations of the match, machine state of the threads above)
        for q, state in enumerate(queue):
            if q & 0x1F == 0:
                engine.budget.check_states(len(queue), "states of an atomic group")
            for i, (p, obligations) in enumerate(state.threads):
                if p == MATCH:
                    above.append((q, obligations, self.unordered(state.context, state.threads[:i])))
            steps = [engine.trackers[t].row(s) for t, s in zip(machine.trackers, state.context, strict=True)]
            row = []
            for c in range(engine.classes):
                read = []
                for p, obligations in state.threads:
                    if p < 0 or self.labels[p] >> c & 1:
                        left = pool.after(obligations, c)
                        thread = (p if p >= 0 else MATCHED, left)
                        if left != IMPOSSIBLE and thread not in read:
                            read.append(thread)
                alive = any(p != MATCHED for p, _ in read)
                row.append(enter(tuple([step[c] for step in steps]), tuple(read)) if alive else DEAD)
            rows.append(row)
        engine.oblige(machine, [m for _, _, m in above if m != DEAD])
        exits = []
        for q, obligations, m in above:
            states = set(pool.sets[obligations])
            if m != DEAD:
                states.add(pool.opposite[engine.obligation(machine, m)])
            if pool.number(states) != IMPOSSIBLE:
                exits.append((q, engine.obliged(states)))
        return Block(rows, tuple(entries), tuple(exits))

    def unordered(self, context: Context, threads: Threads) -> int:
        """The state of the machine that accepts when one of the threads matches, whatever follows it."""
        groups: dict[int, int] = {}
        verdicts = []
        for p, obligations in threads:
            groups[obligations] = groups.get(obligations, 0) | (self.done if p < 0 else 1 << p)
            if p < 0:
                verdicts.append(obligations)
        return self.machine.intern(context, groups, verdicts)
