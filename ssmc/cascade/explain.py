"""What each component of a cascade keeps, when it changes, who reads it, and what could not be told apart without it.

Everything is read off the finished cascade and the product of its interpreter with the automaton, so it holds for any cascade, however it was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ssmc.automaton import DEAD
from ssmc.cascade.base import make_base
from ssmc.cascade.bounds import find_tie
from ssmc.cascade.cost import cost_of
from ssmc.cascade.counters import find_counters
from ssmc.cascade.holonomy import PeriodicError, find_holonomy
from ssmc.cascade.ir import HOLD
from ssmc.cascade.rules import find_rules
from ssmc.cascade.system import System
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.cascade.bounds import Tie
    from ssmc.cascade.counters import Counter
    from ssmc.cascade.ir import AnyAction, Cascade, Component, Key, Output
    from ssmc.cascade.rules import Rules

_HEIGHT_SETS = 20_000
_LETTERS = {"window": "w", "reset": "r", "counter": "n", "swap": "s", "rotation": "z", "permutation": "p"}
READOUT = -1
"""The number of the readout where components are numbered."""


class Node(NamedTuple):
    """A reachable pair of an automaton state and component values."""

    state: int
    values: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Reached:
    """The reachable product of a cascade with its automaton, breadth first.

    Attributes:
        nodes: the pairs, in order of shortest words; with a latch, those before the first undefined transition.
        before: for each pair the pair that it was found from and the class; None for the first.
    """

    nodes: tuple[Node, ...]
    before: tuple[tuple[int, int] | None, ...]

    def word(self, node: int) -> tuple[int, ...]:
        """A shortest word of classes that leads to a pair."""
        word = []
        while (step := self.before[node]) is not None:
            node, x = step
            word.append(x)
        return tuple(reversed(word))


def reach(cascade: Cascade, *, limit: int = 200_000) -> Reached:
    """The reachable product.

    Raises:
        LimitError: it has more than `limit` pairs.
    """
    automaton = cascade.automaton
    nodes = [Node(0, cascade.initial)] if automaton.states else []
    before: list[tuple[int, int] | None] = [None for _ in nodes]
    seen = set(nodes)
    stops = cascade.mode == "predict" or cascade.latch is not None
    for number, (state, values) in enumerate(nodes):
        for x in range(automaton.classes):
            after = DEAD if state == DEAD else automaton.delta[state][x]
            if after == DEAD and stops:
                continue
            node = Node(after, cascade.step(values, x))
            if node not in seen:
                seen.add(node)
                nodes.append(node)
                before.append((number, x))
                if len(nodes) > limit:
                    raise LimitError("pairs of states and component values", len(nodes), limit, "--context-limit")
    return Reached(tuple(nodes), tuple(before))


class Prefix(NamedTuple):
    """A word, one more class, and what the reader must do after it."""

    word: tuple[int, ...]
    x: int
    outcome: AnyAction | Output


@dataclass(frozen=True)
class Need:
    """Why a component is there: two prefixes that its reader must treat differently, all else that it reads being equal.

    Attributes:
        reader: the component that reads it, or `READOUT`.
        one: a prefix.
        other: another.
    """

    reader: int
    one: Prefix
    other: Prefix


@dataclass(frozen=True)
class Part:
    """One component explained.

    Attributes:
        symbol: its short name in this explanation: `w1` (window), `n1` (counter), `t1` (tally), `r1` (reset), `s1`
            (swap), `z1` (rotation), `p1` (permutation), `dead` (latch).
        component: the component.
        layer: its layer.
        readers: who reads it, `READOUT` last.
        states: for each value the automaton states (`DEAD`: the sink) in which the component may have it; empty for a value that is not met.
        taps: windows only: for each class of the symbol looked at, the value.
        rules: what changes the value.
        need: two prefixes that could not be told apart without it; None where the reader can do without it on every input.
    """

    symbol: str
    component: Component
    layer: int
    readers: tuple[int, ...]
    states: tuple[tuple[int, ...], ...]
    taps: tuple[int, ...]
    rules: Rules
    need: Need | None


@dataclass(frozen=True, eq=False)
class Explanation:
    """A cascade explained.

    Attributes:
        cascade: the cascade.
        parts: one a component.
        readout: the rules of the readout; labels are indices of outputs.
        pairs: how many pairs of states and values are reachable.
        window: the widest window that the search could use.
        counters: all counters of the automaton, used or not.
        height: the height of the holonomy decomposition without contexts; None where it is too large, or the language is not star-free.
        tie: two words that such a window cannot tell apart, so that at least one layer is needed; None if zero layers suffice.
    """

    cascade: Cascade
    parts: tuple[Part, ...]
    readout: Rules
    pairs: int
    window: int
    counters: tuple[Counter, ...]
    height: int | None
    tie: Tie | None

    @property
    def channels(self) -> int:
        """Scan channels with every reset in binary, rotations as complex numbers, permutations as one-hot vectors."""
        return cost_of([part.component for part in self.parts]).channels

    @cached_property
    def access_words(self) -> tuple[tuple[int, ...], ...]:
        """A shortest word of classes to each state."""
        automaton = self.cascade.automaton
        words: dict[int, tuple[int, ...]] = {0: ()}
        for q in (queue := [0] if automaton.states else []):
            for x, r in enumerate(automaton.delta[q]):
                if r != DEAD and r not in words:
                    words[r] = (*words[q], x)
                    queue.append(r)
        return tuple(words[q] for q in range(automaton.states))


def explain(cascade: Cascade, *, window: int = 3, limit: int = 200_000) -> Explanation:
    """The explanation of a checked cascade.

    Args:
        cascade: the cascade.
        window: the widest window that the search could use, for the lower bound.
        limit: the most pairs of states and component values.

    Raises:
        LimitError: more than `limit` pairs of states and values are reachable.
    """
    reached = reach(cascade, limit=limit)
    symbols = _symbols(cascade)
    states = _states(cascade, reached)
    taps: list[tuple[int, ...]] = []
    parts = []
    for k, component in enumerate(cascade.components):
        taps.append(_taps(cascade, k, taps))
        readers = [j for j, other in enumerate(cascade.components) if k in other.depends_on]
        readers += [READOUT] if k in cascade.readout.depends_on else []
        rest = HOLD if component.kind != "window" else None
        rules = find_rules(component.table, component.depends_on, rest=rest)
        need = next((found for j in (*readers[::-1],) if (found := _need(cascade, reached, k, j)) is not None), None)
        parts.append(Part(symbols[k], component, cascade.layers[k], tuple(readers), states[k], taps[k], rules, need))
    readout = cascade.readout
    live = {key: o for key, o in readout.table.items() if not _is_dead(cascade, key)}
    return Explanation(
        cascade,
        tuple(parts),
        find_rules(live, readout.depends_on),
        len(reached.nodes),
        window,
        find_counters(System.of(cascade.automaton)) if cascade.automaton.states else (),
        _height(cascade),
        find_tie(cascade.automaton, cascade.mode, window),
    )


def _height(cascade: Cascade) -> int | None:
    if not cascade.automaton.states:
        return 0
    system = System.of(cascade.automaton)
    try:
        contexts = make_base(system, cascade.automaton.alphabet, limit=_HEIGHT_SETS).contexts
        return find_holonomy(system, contexts, set_limit=_HEIGHT_SETS).height
    except (LimitError, PeriodicError):
        return None


def _is_dead(cascade: Cascade, key: Key) -> bool:
    latch, reads = cascade.latch, cascade.readout.depends_on
    return latch is not None and latch in reads and key[1 + reads.index(latch)] == 1


def _symbols(cascade: Cascade) -> list[str]:
    """Short names, numbered by kind."""
    count: dict[str, int] = {}
    out = []
    for component in cascade.components:
        kind = "t" if component.saturating else _LETTERS[component.kind]
        if component.latch:
            out.append("dead")
            continue
        count[kind] = count.get(kind, 0) + 1
        out.append(f"{kind}{count[kind]}")
    return out


def _states(cascade: Cascade, reached: Reached) -> list[tuple[tuple[int, ...], ...]]:
    found: list[list[set[int]]] = [[set() for _ in component.values] for component in cascade.components]
    for state, values in reached.nodes:
        for sets, component, value in zip(found, cascade.components, values, strict=True):
            sets[value - component.low].add(state)
    if cascade.latch is not None:
        found[cascade.latch][1].add(DEAD)
    return [tuple(tuple(sorted(states, key=lambda q: (q == DEAD, q))) for states in sets) for sets in found]


def _taps(cascade: Cascade, k: int, earlier: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The value of a window for each class of the symbol that it looks at; empty where it is not one symbol alone."""
    component, classes = cascade.components[k], range(cascade.automaton.classes)
    if component.kind != "window":
        return ()
    if not component.depends_on:
        return tuple(component.affine[c,].add if (c,) in component.affine else 0 for c in classes)
    if len(component.depends_on) > 1 or not (before := earlier[component.depends_on[0]]):
        return ()
    image: dict[int, set[int]] = {}
    for (_, value), action in component.affine.items():
        image.setdefault(value, set()).add(action.add)
    if any(len(values) > 1 for values in image.values()):
        return ()
    return tuple(min(image.get(value, {0})) for value in before)


def _need(cascade: Cascade, reached: Reached, k: int, reader: int) -> Need | None:
    """Two shortest prefixes that the reader must treat differently although all else that it reads is equal."""
    reads = cascade.readout.depends_on if reader == READOUT else cascade.components[reader].depends_on
    others = [j for j in reads if j != k]
    first: dict[Key, tuple[int, int, AnyAction | Output]] = {}
    for number, x, outcome in _outcomes(cascade, reached, reader):
        values = reached.nodes[number].values
        key = (x, *(values[j] for j in others))
        known = first.setdefault(key, (number, x, outcome))
        if known[2] != outcome:
            one, other = Prefix(reached.word(known[0]), x, known[2]), Prefix(reached.word(number), x, outcome)
            return Need(reader, one, other)
    return None


def _outcomes(cascade: Cascade, reached: Reached, reader: int) -> Iterator[tuple[int, int, AnyAction | Output]]:
    """(pair, class, what the reader does) for every pair that goes on."""
    automaton = cascade.automaton
    stops = cascade.mode == "predict"
    for number, (state, values) in enumerate(reached.nodes):
        for x in range(automaton.classes):
            if state != DEAD and automaton.delta[state][x] == DEAD and stops:
                continue
            if reader == READOUT:
                yield number, x, cascade.output(values, x)
                continue
            component = cascade.components[reader]
            action = component.table.get((x, *(values[j] for j in component.depends_on)))
            if action is not None:
                yield number, x, action
