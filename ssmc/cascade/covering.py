"""Coverings: what a decomposition strategy returns, an automaton of known contexts with coordinates.

A covering runs beside the system: after every live prefix its state tells the system's state, and its state is itself told by the values of
base counters and, level by level, by coordinates. A coordinate is *stale* (`STALE`) in the contexts that its level does not refine: there nothing
depends on it. Moving along an arrow, a fresh coordinate is held or overwritten in a way that the coordinates before it decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from ssmc.automaton import DEAD
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from ssmc.cascade.ir import Component, Kind
    from ssmc.cascade.system import System

Shape = tuple["Kind", int]
"""What a level is and the number of its values."""
Name = TypeVar("Name", bound="Hashable")
STALE = -1
"""The coordinate of a level that does not refine the context."""


@dataclass(frozen=True)
class Covering:
    """A covering of a system by base components (counters, windows) and reset levels.

    Attributes:
        base: the base components, whose tables are final.
        states: the system's state in each context; context 0 is the initial one.
        arrows: `arrows[c][x]`: the next context, or `DEAD`.
        base_values: the values of the base components in each context.
        coordinates: for each context one value a level, or `STALE`.
        level_names: a name for each level.
        groups: the kind and size of each level that is not a reset component.
    """

    base: tuple[Component, ...]
    states: tuple[int, ...]
    arrows: tuple[tuple[int, ...], ...]
    base_values: tuple[tuple[int, ...], ...]
    coordinates: tuple[tuple[int, ...], ...]
    level_names: tuple[str, ...]
    groups: Mapping[int, Shape] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The kind and the number of values of each level."""
        columns = zip(*self.coordinates, strict=True)
        return tuple(self.groups.get(k, ("reset", 1 + max(0, *column))) for k, column in enumerate(columns))

    def check(self, system: System) -> None:
        """Checks that the covering follows the system and that its contexts are told apart by base and coordinates.

        Raises:
            InvariantError: it does not.
        """
        seen: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        for c, key in enumerate(zip(self.base_values, self.coordinates, strict=True)):
            if seen.setdefault(key, c) != c:
                raise InvariantError(f"contexts {seen[key]} and {c} have equal coordinates")
        for k, name in enumerate(self.level_names):
            refined: dict[tuple[tuple[int, ...], tuple[int, ...]], bool] = {}
            for values, row in zip(self.base_values, self.coordinates, strict=True):
                fresh = row[k] != STALE
                if refined.setdefault((values, row[:k]), fresh) != fresh:
                    raise InvariantError(f"{name}: the coordinates before it do not tell whether it is stale")
        if self.states[0] != 0:
            raise InvariantError("the initial context must lie over the initial state")
        for c, row in enumerate(self.arrows):
            for x, d in enumerate(row):
                r = system.columns[x][self.states[c]]
                if (d == DEAD) != (r == DEAD) or (d != DEAD and self.states[d] != r):
                    raise InvariantError(f"arrow {x} of context {c} does not follow the system")


class Numbered(NamedTuple, Generic[Name]):
    """The contexts that words lead to, in order of discovery.

    Attributes:
        names: the original name of each context.
        states: the state that each context knows.
        arrows: the next context for each class, or `DEAD`.
    """

    names: list[Name]
    states: tuple[int, ...]
    arrows: tuple[tuple[int, ...], ...]


def number_contexts(
    system: System, first: Name, step: Callable[[Name, int], Name], *, limit: int, what: str
) -> Numbered[Name]:
    """Numbers the contexts of a covering, each of which knows the state.

    Args:
        system: the transition system.
        first: the initial context, over state 0.
        step: (context, class of a live transition) -> next context.
        limit: the largest number of contexts.
        what: the contexts, for the message.

    Raises:
        LimitError: there are more.
    """
    number = {first: 0}
    names, states = [first], [0]
    arrows: list[tuple[int, ...]] = []
    for place, name in enumerate(names):
        row = []
        for x, column in enumerate(system.columns):
            r = column[states[place]]
            if r == DEAD:
                row.append(DEAD)
                continue
            after = step(name, x)
            d = number.setdefault(after, len(number))
            if d == len(names):
                if d >= limit:
                    raise LimitError(what, d + 1, limit, "--context-limit")
                names.append(after)
                states.append(r)
            row.append(d)
        arrows.append(tuple(row))
    return Numbered(names, tuple(states), tuple(arrows))


def recolour(covering: Covering) -> Covering:
    """Gives two values of a level one number unless some context uses both; the initial context's values become 0.

    The conflict graph of a level has an edge between two values that occur below one prefix of coordinates; any proper colouring keeps the
    contexts apart (DESIGN: raw block indices are far too many). Colours are given greedily, the value with most conflicts first. The values of levels
    that add or permute keep their numbers, which mean something there.
    """
    rows = [list(row) for row in covering.coordinates]
    for k in set(range(len(covering.level_names))) - covering.groups.keys():
        groups: dict[tuple[tuple[int, ...], tuple[int, ...]], set[int]] = {}
        for values, row in zip(covering.base_values, rows, strict=True):
            if row[k] != STALE:
                groups.setdefault((values, tuple(row[:k])), set()).add(row[k])
        conflicts: dict[int, set[int]] = {}
        for group in groups.values():
            for value in group:
                conflicts.setdefault(value, set()).update(group)
        colour: dict[int, int] = {}
        first = rows[0][k]
        for value in sorted(conflicts, key=lambda v: (v != first, -len(conflicts[v]), v)):
            taken = {colour[w] for w in conflicts[value] if w in colour}
            colour[value] = next(i for i in range(len(taken) + 1) if i not in taken)
        for row in rows:
            if row[k] != STALE:
                row[k] = colour[row[k]]
    return replace(covering, coordinates=tuple(tuple(row) for row in rows))


def settle(covering: Covering) -> Covering:
    """The covering with every stale coordinate at 0.

    Components then have no freedom to run on while nothing reads them: more dependencies, but no more joint states than contexts. The coordinates
    before a level tell whether it is stale, so contexts stay apart.
    """
    rows = tuple(tuple(0 if value == STALE else value for value in row) for row in covering.coordinates)
    return replace(covering, coordinates=rows)
