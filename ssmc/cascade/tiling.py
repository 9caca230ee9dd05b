"""The holonomy family with numbered tiles: what letters do to the numbers inside a class, and which points they permute.

Tiles are numbered at one set of a class (a strongly connected component of sets) and along a spanning tree from there; every other arrow of the class then
permutes the numbers, and these permutations generate the holonomy group of the class (docs/groups.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.algebra.graph import strong_components
from ssmc.cascade.holonomy import find_family, find_tiles, order_family
from ssmc.cascade.system import Mask, members

if TYPE_CHECKING:
    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.holonomy import Node
    from ssmc.cascade.system import Contexts, System


@dataclass(frozen=True)
class Tiling:
    """The family of sets with numbered tiles.

    Attributes:
        system: the transition system.
        edges: the arrows of every set.
        heights: the height of every set; singletons have 0.
        class_of: the class of every set.
        tiles: for each set of two or more states its tiles; a tile's place is its label.
        generators: for each class with a nontrivial holonomy group, permutations of the labels that generate it.
    """

    system: System
    edges: dict[Node, dict[int, Node]]
    heights: dict[Node, int]
    class_of: dict[Node, int]
    tiles: dict[Node, tuple[Mask, ...]]
    generators: dict[int, tuple[Permutation, ...]]

    @property
    def height(self) -> int:
        """The largest height: the number of levels."""
        return max(self.heights.values(), default=0)

    def turn(self, node: Node, x: int) -> Permutation | None:
        """What class x does to the labels of a set, or None where it leaves the class."""
        after = self.edges[node].get(x)
        if after is None or node not in self.tiles or self.class_of[after] != self.class_of[node]:
            return None
        label = {tile: i for i, tile in enumerate(self.tiles[after])}
        return tuple(label[self.system.image(tile, x)] for tile in self.tiles[node])


def find_tiling(system: System, contexts: Contexts, *, set_limit: int = 100_000) -> Tiling:
    """The holonomy structure of a system, groups included, in the fibres of a context automaton.

    Raises:
        LimitError: the family has more than `set_limit` sets.
    """
    edges = find_family(system, contexts, set_limit)
    unordered = find_tiles(edges)
    class_of, heights = order_family(edges, unordered)
    tiles: dict[Node, tuple[Mask, ...]] = {}
    for root in edges:
        if root in tiles or root not in unordered:
            continue
        tiles[root] = tuple(sorted(unordered[root], key=lambda tile: list(members(tile))))
        queue = [root]
        for node in queue:
            for x, after in edges[node].items():
                if class_of[after] == class_of[root] and after not in tiles:
                    tiles[after] = tuple(system.image(tile, x) for tile in tiles[node])
                    queue.append(after)
    tiling = Tiling(system, edges, heights, class_of, tiles, {})
    found: dict[int, set[Permutation]] = {}
    for node in tiles:
        for x in edges[node]:
            turn = tiling.turn(node, x)
            if turn is not None and turn != tuple(range(len(turn))):
                found.setdefault(class_of[node], set()).add(turn)
    tiling.generators.update({number: tuple(sorted(turns)) for number, turns in found.items()})
    return tiling


def count_permuted(system: System, contexts: Contexts, *, set_limit: int = 100_000) -> int:
    """How many points are permuted: in each class of sets over a context automaton, those of one set that a loop moves; where there are none, resets do the rest.

    Raises:
        LimitError: the family has more than `set_limit` sets.
    """
    found = 0
    edges = find_family(system, contexts, set_limit)
    number = {node: i for i, node in enumerate(edges)}
    nodes = list(edges)
    for component in strong_components(len(nodes), lambda i: [number[after] for after in edges[nodes[i]].values()]):
        inside = {nodes[i] for i in component}
        root = nodes[min(component)]
        points = {root: tuple(members(root[1]))}
        queue = [root]
        loose: set[int] = set()
        for node in queue:
            for x, after in edges[node].items():
                if after in inside:
                    moved = tuple([system.columns[x][q] for q in points[node]])
                    if after not in points:
                        points[after] = moved
                        queue.append(after)
                    loose.update(i for i, (p, q) in enumerate(zip(points[after], moved, strict=True)) if p != q)
        found += len(loose)
    return found
