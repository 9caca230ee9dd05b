"""The whole skeleton of an automaton as a value: image sets, letters between them, components and their holonomy groups.

The verdict does not need it (see `skeleton`); pictures and courses do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.algebra.graph import strong_components
from ssmc.algebra.groups import Group, name_group
from ssmc.automaton import DEAD
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from ssmc.automaton import Automaton

GROUP_LIMIT = 10_000
EMPTY = -1
"""The head of an edge whose image is empty."""


@dataclass(frozen=True)
class SkeletonGraph:
    """The images of the set of all live states.

    Attributes:
        sets: the non-empty image sets, the set of all states first, by length of their shortest word.
        edges: `edges[s][c]` is the image of set s under symbol class c, or `EMPTY`.
        component: the strongly connected component of each set.
        groups: for each component its holonomy group on the points of one of its sets; None above the limit.
    """

    sets: tuple[frozenset[int], ...]
    edges: tuple[tuple[int, ...], ...]
    component: tuple[int, ...]
    groups: tuple[Group | None, ...]


def skeleton_graph(automaton: Automaton, limit: int = 10_000) -> SkeletonGraph:
    """The skeleton.

    Args:
        automaton: the language.
        limit: the largest number of image sets.

    Raises:
        LimitError: there are more.
    """
    columns = automaton.columns
    sets = [frozenset(range(automaton.states))] if automaton.states else []
    number = {members: i for i, members in enumerate(sets)}
    edges = []
    for members in sets:
        row = []
        for column in columns:
            image = frozenset(column[q] for q in members) - {DEAD}
            if image and image not in number:
                if len(sets) == limit:
                    raise LimitError("image sets", limit, limit, "--limit")
                number[image] = len(sets)
                sets.append(image)
            row.append(number.get(image, EMPTY))
        edges.append(tuple(row))
    component = [0] * len(sets)
    groups = []
    parts = strong_components(len(sets), lambda s: [r for r in edges[s] if r != EMPTY])
    for i, part in enumerate(reversed(parts)):
        for s in part:
            component[s] = i
        groups.append(_holonomy(automaton, sets, edges, sorted(part)))
    return SkeletonGraph(tuple(sets), tuple(edges), tuple(component), tuple(groups))


def _holonomy(
    automaton: Automaton, sets: list[frozenset[int]], edges: list[tuple[int, ...]], part: list[int]
) -> Group | None:
    inside, root = set(part), part[0]
    points = tuple(sorted(sets[root]))
    label = {root: points}
    queue = [root]
    generators: set[tuple[int, ...]] = set()
    for s in queue:
        for c, head in enumerate(edges[s]):
            if head in inside:
                image = tuple(automaton.delta[q][c] for q in label[s])
                if head not in label:
                    label[head] = image
                    queue.append(head)
                else:
                    place = {q: i for i, q in enumerate(label[head])}
                    generators.add(tuple(place[q] for q in image))
    elements = [tuple(range(len(points)))]
    found = set(elements)
    for element in elements:
        for generator in generators:
            product = tuple(generator[q] for q in element)
            if product not in found:
                if len(found) == GROUP_LIMIT:
                    return None
                found.add(product)
                elements.append(product)
    return name_group(elements)
