"""Partially ordered systems: bits that tell which up-sets the state has entered, many a layer, each set once and never cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.covering import Covering
from ssmc.cascade.system import members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.system import Contexts, Mask, System

_UNITED = 300
"""Sets of which all unions of two are tried."""
_FOLLOWED = 32
"""Sets of a chain's length that are followed further."""


def reachable_sets(system: System) -> list[Mask] | None:
    """For each state the states that words lead to from it, itself included; None if two states reach each other."""
    order = _topological(system)
    if order is None:
        return None
    above = [1 << q for q in range(system.states)]
    for q in reversed(order):
        for column in system.columns:
            if column[q] != DEAD:
                above[q] |= above[column[q]]
    return above


def longest_descent(system: System, contexts: Contexts) -> int:
    """A lower bound of the height of the holonomy of a partially ordered system in a context automaton: sets of a chain of images, each another set.

    No word leads back to a set that a symbol has moved, so its image is of less height. Of many sets only the largest are followed.
    """
    columns, length = range(len(system.columns)), 0
    frontier = {(c, fibre) for c, fibre in enumerate(contexts.fibres) if fibre.bit_count() > 1}
    while frontier:
        length += 1
        largest = sorted(frontier, key=lambda node: (-node[1].bit_count(), node[1], node[0]))[:_FOLLOWED]
        frontier = {
            (contexts.arrows[c][x], image)
            for c, known in largest
            for x in columns
            if (image := system.image(known, x)) != known and image.bit_count() > 1
        }
    return length


def _topological(system: System) -> list[int] | None:
    """The states with every transition but self-loops going up, or None."""
    waiting = [0] * system.states
    following: list[set[int]] = [set() for _ in waiting]
    for column in system.columns:
        for q, r in enumerate(column):
            if r not in (DEAD, q) and r not in following[q]:
                following[q].add(r)
                waiting[r] += 1
    order = [q for q, count in enumerate(waiting) if not count]
    for q in order:
        for r in sorted(following[q]):
            waiting[r] -= 1
            if not waiting[r]:
                order.append(r)
    return order if len(order) == system.states else None


def cover_by_upsets(system: System, above: Sequence[Mask]) -> Covering:
    """The covering of a partially ordered system whose contexts are its states.

    A level is a set U that no transition leaves; its value tells whether the state is in U. Once set it stays, so its table only has to be right while the
    state is outside: it may stand in a layer if the lower layers tell apart those states outside of U that enter U by different symbols. Every layer takes
    the sets that separate most pairs of states still together. The thresholds of a linear order of the states are among the candidates, and each of them is
    possible one layer after the one below it, so there are fewer layers than states.

    Args:
        system: partially ordered, from the initial state 0.
        above: `reachable_sets` of it.
    """
    candidates = _marks(_candidates(system, above), system.states)
    # states still together have one number
    together = np.zeros(system.states, dtype=np.int64)
    chosen: list[NDArray[np.bool_]] = []
    while together.max() + 1 < system.states:
        possible = candidates[_decided(system, candidates, together)]
        while True:
            separated = _separated(possible, together)
            best = int(separated.argmax())
            if not separated[best]:
                break
            chosen.append(possible[best])
            together = np.unique(2 * together + possible[best], return_inverse=True)[1]
    arrows = tuple(tuple(column[q] for column in system.columns) for q in range(system.states))
    names = tuple(f"level {i + 1}" for i in range(len(chosen)))
    vectors = tuple(map(tuple, np.stack(chosen, axis=1).astype(int).tolist())) if chosen else ((),)
    return Covering((), tuple(range(system.states)), arrows, ((),) * system.states, vectors, names)


def _marks(sets: Sequence[Mask], states: int) -> NDArray[np.bool_]:
    """(K, states): the members of each set."""
    size = (states + 7) // 8
    packed = np.frombuffer(b"".join(mask.to_bytes(size, "little") for mask in sets), dtype=np.uint8)
    return np.unpackbits(packed.reshape(len(sets), size), axis=1, bitorder="little", count=states).view(np.bool_)


def _candidates(system: System, above: Sequence[Mask]) -> list[Mask]:
    """Principal up-sets, complements of principal down-sets, unions of two of them where they are few, and thresholds of linear orders; none with the initial state."""
    states = range(system.states)
    below = [sum(1 << p for p in states if above[p] >> q & 1) for q in states]
    whole = (1 << system.states) - 1
    found = dict.fromkeys([*above, *(whole & ~down for down in below)])
    if len(found) <= _UNITED:
        found |= dict.fromkeys([one | other for one in found for other in found])
    for order in _linear_orders(system, above):
        upset = whole
        for q in order:
            upset &= ~(1 << q)
            found[upset] = None
    return [upset for upset in found if upset and not upset & 1]


def _linear_orders(system: System, above: Sequence[Mask]) -> Iterator[list[int]]:
    """Linear extensions: by how much is above a state, by how much is below, and by depth, each with ties broken both ways."""
    states = range(system.states)
    depth = [0] * system.states
    for q in sorted(states, key=lambda q: -above[q].bit_count()):
        for r in members(above[q] & ~(1 << q)):
            depth[r] = max(depth[r], depth[q] + 1)
    below = [sum(above[p] >> q & 1 for p in states) for q in states]
    for sign in (1, -1):
        yield sorted(states, key=lambda q: (-above[q].bit_count(), sign * q))
        yield sorted(states, key=lambda q: (below[q], sign * q))
        yield sorted(states, key=lambda q: (depth[q], sign * q))


def _decided(system: System, upsets: NDArray[np.bool_], together: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(K,): whether the states outside an up-set that are not told apart enter it by the same symbols."""
    groups = _groups(together)
    decided = np.ones(len(upsets), dtype=np.bool_)
    for column in map(np.array, system.columns):
        live = column != DEAD
        leaving = live & ~upsets
        some = leaving @ groups
        entering = (leaving & upsets[:, np.where(live, column, 0)]) @ groups
        decided &= ((entering == 0) | (entering == some)).all(axis=1)
    return decided


def _separated(upsets: NDArray[np.bool_], together: NDArray[np.int64]) -> NDArray[np.float64]:
    """(K,): the number of pairs of states still together that each up-set separates."""
    groups = _groups(together)
    inside = upsets @ groups
    separated: NDArray[np.float64] = (inside * (groups.sum(axis=0) - inside)).sum(axis=1)
    return separated


def _groups(together: NDArray[np.int64]) -> NDArray[np.float64]:
    """(states, groups): one where a state belongs to a group. Sums of products are below 2^53, so exact."""
    groups: NDArray[np.float64] = np.equal(together[:, None], np.arange(together.max() + 1)).astype(np.float64)
    return groups
