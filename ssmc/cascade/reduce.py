"""From a covering to components: dependency reduction, top down.

A table must be right on every joint state; what it may do there follows from the covering (DESIGN 5.3): the decided value; hold, where the present
value already equals it; an addition or a map of the component's kind that takes the present value to it; anything, where the next context is not
refined at this level. A dependency is dropped when the table stays satisfiable
without it. The least number of layers is sought first, then the fewest dependencies. Tables are fixed one after the other, and joint states are
recomputed with the tables chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.coder import rank
from ssmc.cascade.demand import Demand
from ssmc.cascade.determined import drop_determined
from ssmc.cascade.ir import Component, layers_of
from ssmc.cascade.joint import Joint
from ssmc.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.covering import Covering


@dataclass(frozen=True)
class Variables:
    """The values that a table may read: one column each.

    Attributes:
        lows: the least value of each variable.
        sizes: the number of values of each variable.
        layers: the layer of each variable's component.
    """

    lows: tuple[int, ...]
    sizes: tuple[int, ...]
    layers: tuple[int, ...]

    @staticmethod
    def of(components: Sequence[Component]) -> Variables:
        """The values of components."""
        return Variables(tuple(c.low for c in components), tuple(c.size for c in components), layers_of(components))


def find_reads(demand: Demand, variables: Variables) -> tuple[int, ...]:
    """The variables that a table reads: lowest possible layer first, then dropped one by one while the demand stays satisfiable.

    Raises:
        InvariantError: not even all variables together meet the demand.
    """
    everything = range(len(variables.sizes))
    for layer in sorted({0, *variables.layers}):
        reads = [j for j in everything if variables.layers[j] <= layer]
        if demand.satisfiable(reads):
            break
    else:
        raise InvariantError("a table of the covering is not a function of its coordinates")
    for j in sorted(reads, key=lambda j: (-variables.layers[j], -variables.sizes[j], -j)):
        fewer = [i for i in reads if i != j]
        if demand.satisfiable(fewer):
            reads = fewer
    return tuple(reads)


@dataclass(frozen=True)
class Reduced:
    """A covering's components, base first, and the joint states that the readout meets.

    Attributes:
        covering: the contexts.
        components: the components, with their tables.
        joint: the contexts with the values of some components.
        seen: the components whose values these are; they tell the context.
    """

    covering: Covering
    components: tuple[Component, ...]
    joint: Joint
    seen: tuple[int, ...]

    @property
    def variables(self) -> Variables:
        """What the readout may read: the columns of the joint states."""
        every = Variables.of(self.components)
        columns = (tuple(of[j] for j in self.seen) for of in (every.lows, every.sizes, every.layers))
        return Variables(*columns)

    def named(self, columns: Sequence[int]) -> tuple[int, ...]:
        """The components of some columns."""
        return tuple(self.seen[j] for j in columns)


def reduce_covering(
    covering: Covering, *, joint_limit: int = 200_000, depth_limit: int | None = None
) -> Reduced | None:
    """The components of a covering with few dependencies.

    Args:
        covering: the covering.
        joint_limit: the largest number of joint states.
        depth_limit: give up, with None, at a component in a deeper layer.

    Raises:
        LimitError: more than `joint_limit` joint states.
    """
    coordinates = np.array(covering.coordinates, dtype=np.int64).reshape(len(covering.states), -1)
    components = list(covering.base)
    joint = Joint.of(covering)
    for k, (name, (kind, size)) in enumerate(zip(covering.level_names, covering.shapes, strict=True)):
        variables = Variables.of(components)
        demand = replace(_demand(joint, coordinates[:, k]), kind=kind, size=size)
        reads = find_reads(demand, variables)
        if depth_limit is not None and 1 + max((variables.layers[j] for j in reads), default=0) > depth_limit:
            return None
        table = demand.decide(reads)
        if table is None:
            raise InvariantError(f"{name}: no table")
        components.append(Component(name, kind, size, reads, table.to_mapping()))
        joint = joint.extended(table, coordinates[:, k], size, joint_limit)
    left, values = drop_determined(components, joint.values)
    return Reduced(covering, left, replace(joint, values=values), tuple(range(len(left))))


def _demand(joint: Joint, coordinate: NDArray[np.int64]) -> Demand:
    """The distinct rows of one level's demand over the joint states."""
    rows, classes = np.nonzero(joint.arrows != DEAD)
    needed = coordinate[joint.contexts[joint.arrows[rows, classes]]]
    values, own = joint.values[rows], coordinate[joint.contexts[rows]]
    _, distinct = np.unique(rank([classes, *values.T, needed, own]), return_index=True)
    return Demand(classes[distinct], values[distinct], needed[distinct], own[distinct])


def closure(components: Sequence[Component], reads: Sequence[int]) -> tuple[int, ...]:
    """Some components and all that they depend on, ascending."""
    needed = set(reads)
    todo = list(needed)
    for k in todo:
        fresh = set(components[k].depends_on) - needed
        needed |= fresh
        todo.extend(fresh)
    return tuple(sorted(needed))


def select(components: Sequence[Component], kept: Sequence[int]) -> tuple[Component, ...]:
    """The components kept, with dependencies renumbered; `kept` contains all that they depend on."""
    number = {old: new for new, old in enumerate(kept)}
    return tuple(
        replace(components[old], depends_on=tuple(number[j] for j in components[old].depends_on)) for old in kept
    )
