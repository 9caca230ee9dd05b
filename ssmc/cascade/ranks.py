"""Ranks of the sets of a holonomy family: which of them one level of the cascade refines together (docs/cascade.md, *Ranks*).

Heights fall along every arrow that leaves a class. That is more than the covering needs: an arrow that is a bijection of a set onto a set of another class may hold,
too, if it carries the numbers of the tiles to themselves. Then both sets may be refined by one level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.graph import strong_components

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ssmc.cascade.system import Mask, System

    Node = tuple[int, Mask]
    Label = tuple[int, int]

_ROUNDS = 12
"""How often ranks and numbers are made to fit each other before every arrow that leaves a class lowers the rank."""


def find_classes(edges: Mapping[Node, Mapping[int, Node]]) -> dict[Node, int]:
    """The strongly connected component of every set, in reverse topological order."""
    number = {node: i for i, node in enumerate(edges)}
    heads = [[number[after] for after in row.values()] for row in edges.values()]
    nodes = list(edges)
    components = strong_components(len(nodes), heads.__getitem__)
    return {nodes[i]: c for c, component in enumerate(components) for i in component}


def longest_paths(count: int, below: Sequence[Mapping[int, int]], lowest: Sequence[int]) -> list[int]:
    """The greatest weight of a path from each vertex of an acyclic graph to a vertex without successors.

    Args:
        count: the number of vertices.
        below: the weight of the edge to each successor.
        lowest: the least answer for each vertex.
    """
    found = [0] * count
    for component in strong_components(count, lambda v: below[v]):
        (v,) = component
        found[v] = max((found[w] + weight for w, weight in below[v].items()), default=0)
        found[v] = max(found[v], lowest[v])
    return found


class Ranking:
    """Ranks and numbers of tiles of a family that has no group.

    Attributes:
        ranks: the rank of every class; those of single states have 0.
        heights: the height of every class.
    """

    def __init__(
        self,
        system: System,
        edges: Mapping[Node, Mapping[int, Node]],
        class_of: Mapping[Node, int],
        labels: Mapping[Node, Mapping[int, Mask]],
    ) -> None:
        """Finds both.

        Args:
            system: the transition system.
            edges: the arrows of every set.
            class_of: the class of every set.
            labels: for each set of two or more states the tile of each number, which arrows inside a class keep.
        """
        self.system, self.labels = system, labels
        count = 1 + max(class_of.values())
        self.lowest = [0] * count
        self.below: list[dict[int, int]] = [{} for _ in range(count)]
        self.bijections: dict[tuple[int, int], list[tuple[Node, int, Node]]] = {}
        for node, row in edges.items():
            own = class_of[node]
            if node in labels:
                self.lowest[own] = 1
                for tile in labels[node].values():
                    self.below[own][class_of[node[0], tile]] = 1
            for x, after in row.items():
                other = class_of[after]
                if other != own:
                    same = node in labels and node[1].bit_count() == after[1].bit_count()
                    if same:
                        self.bijections.setdefault((own, other), []).append((node, x, after))
                    self.below[own][other] = max(self.below[own].get(other, 0), int(not same and node in labels))
        strict = [dict.fromkeys(row, 1) if low else dict(row) for row, low in zip(self.below, self.lowest, strict=True)]
        self.heights = longest_paths(count, strict, self.lowest)
        for _ in range(_ROUNDS):
            self.ranks = longest_paths(count, self.below, self.lowest)
            self.parent: dict[Label, Label] = {}
            self.members: dict[Label, set[int]] = {}
            clashes = [
                (own, other)
                for (own, other), arrows in self.bijections.items()
                if self.ranks[own] == self.ranks[other]
                and not all(self._agree(own, other, node, x, after) for node, x, after in arrows)
            ]
            if not clashes:
                return
            for own, other in clashes:
                self.below[own][other] = 1
        self.ranks, self.parent = self.heights, {}

    def _find(self, label: Label) -> Label:
        while (above := self.parent.get(label, label)) != label:
            self.parent[label] = self.parent.get(above, above)
            label = above
        return label

    def _agree(self, own: int, other: int, node: Node, x: int, after: Node) -> bool:
        """Gives each tile of a set the number of a tile that contains its image; whether that can be done."""
        return all(
            self._unite(
                (own, i),
                [(other, j) for j, large in self.labels[after].items() if not self.system.image(tile, x) & ~large],
            )
            for i, tile in self.labels[node].items()
        )

    def _unite(self, label: Label, others: Iterable[Label]) -> bool:
        """Makes a number equal to one of some others, no class having two of one number; whether that can be done."""
        a = self._find(label)
        roots = [self._find(other) for other in others]
        if a in roots:
            return True
        mine = self.members.get(a, {a[0]})
        for b in roots:
            theirs = self.members.get(b, {b[0]})
            if mine.isdisjoint(theirs):
                self.parent[b] = a
                self.members[a] = mine | theirs
                return True
        return False

    def numbered(self, class_of: Mapping[Node, int]) -> dict[Node, dict[int, Mask]]:
        """The tiles of each set by numbers that every holding arrow keeps."""
        number: dict[Label, int] = {}
        return {
            node: {number.setdefault(self._find((class_of[node], i)), len(number)): tile for i, tile in tiles.items()}
            for node, tiles in self.labels.items()
        }
