"""Parts side by side: cascades of quotients become the base that further levels refine."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ssmc.cascade.base import Base
from ssmc.cascade.demand import Demand
from ssmc.cascade.ir import HOLD
from ssmc.cascade.reduce import closure, find_reads, select
from ssmc.cascade.system import explore_contexts
from ssmc.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ssmc.cascade.ir import AnyAction, Component, Key
    from ssmc.cascade.reduce import Reduced
    from ssmc.cascade.system import System

Values = tuple[int, ...]


def needed_components(reduced: Reduced) -> tuple[Component, ...]:
    """The components of a reduced covering that tell the system's state, and those that they read."""
    states = np.array(reduced.covering.states, dtype=np.int64)[reduced.joint.contexts]
    table = np.unique(np.concatenate([reduced.joint.values, states[:, None]], axis=1), axis=0)
    nothing = np.zeros(len(table), dtype=np.int64)
    demand = Demand(nothing, table[:, :-1], table[:, -1], np.full_like(nothing, -2))
    reads = reduced.named(find_reads(demand, reduced.variables))
    return select(reduced.components, closure(reduced.components, reads))


def join(groups: list[tuple[Component, ...]]) -> tuple[Component, ...]:
    """The components of several cascades as one list, equal ones once."""
    joined: list[Component] = []
    for i, group in enumerate(groups):
        number: list[int] = []
        for component in group:
            reads = [number[j] for j in component.depends_on]
            moved = _reorder(component, reads)
            twin = next((k for k, other in enumerate(joined) if _same(other, moved)), None)
            if twin is None:
                twin = len(joined)
                joined.append(replace(moved, name=f"part {i + 1}: {component.name}"))
            number.append(twin)
    return tuple(joined)


def _reorder(component: Component, reads: list[int]) -> Component:
    """The component with its dependencies renamed, in ascending order."""
    order = sorted(range(len(reads)), key=lambda i: reads[i])
    table: dict[Key, AnyAction] = {
        (x, *(values[i] for i in order)): action for (x, *values), action in component.table.items()
    }
    return replace(component, depends_on=tuple(reads[i] for i in order), table=MappingProxyType(table))


def _same(one: Component, other: Component) -> bool:
    return replace(one, name="") == replace(other, name="")


def base_of_components(system: System, components: tuple[Component, ...], *, limit: int, single: bool = False) -> Base:
    """The base in which given components run beside a system; entries that their tables lack become holds.

    Args:
        system: the transition system.
        components: the components.
        limit: the largest number of points (context, state).
        single: the components are to know the state.

    Raises:
        LimitError: more points, or a context of several states where that is not allowed.
        InvariantError: a counter leaves its range.
    """
    runners = [_Runner(component) for component in components]

    def step(values: Values, x: int, _: int) -> Values:
        return tuple([runner.after(values, value, x) for runner, value in zip(runners, values, strict=True)])

    contexts, names = explore_contexts(system, (0,) * len(components), step, limit=limit, single=single)
    filled = tuple(replace(r.component, table=MappingProxyType(r.table)) for r in runners)
    return Base(system, contexts, filled, tuple(names))


class _Runner:
    """A component that runs; an entry that its table lacks becomes a hold, but for counters and windows."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self.table: dict[Key, AnyAction] = dict(component.table)
        self.fills = component.kind not in ("counter", "window")
        self.known: dict[tuple[int, int, Hashable], int] = {}
        self.read: Callable[[Values], Hashable] = (
            itemgetter(*component.depends_on) if component.depends_on else lambda _: None
        )

    def after(self, values: Values, value: int, x: int) -> int:
        """The component's value after a class.

        Raises:
            InvariantError: there is no entry, or a counter leaves its range.
        """
        seen = (x, value, self.read(values))
        found = self.known.get(seen)
        if found is None:
            component = self.component
            key = (x, *(values[j] for j in component.depends_on))
            action = self.table.setdefault(key, HOLD) if self.fills else self.table.get(key)
            if action is None:
                raise InvariantError(f"{component.name}: no entry for {key}")
            found = self.known[seen] = component.apply(action, value)
        return found
