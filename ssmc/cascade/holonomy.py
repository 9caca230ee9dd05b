"""The fibred holonomy decomposition: the cover by tiles that exists for every aperiodic system.

Sources: Eilenberg, *Automata, Languages and Machines* B, chapter II (holonomy); Egri-Nagy and Nehaniv, *Computational holonomy
decomposition of transformation semigroups* (2015). Here the construction runs in the fibres F_c of a context automaton, on partial maps:
sets (c, P) are ordered by heights, a set is refined into its tiles (the maximal sets of the family properly inside it), and one level of the cascade
tells the tile for all sets of one height. docs/cascade.md has the argument.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.covering import STALE, Covering, number_contexts
from ssmc.cascade.ranks import Ranking, find_classes, longest_paths
from ssmc.cascade.system import Mask, members
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from ssmc.cascade.base import Base
    from ssmc.cascade.system import Contexts, System

Node = tuple[int, Mask]
"""A set P of states that may be all that is known in context c."""


_MOST_ARROWS = 1_000_000
"""Arrows between sets that a family may have: its sets times the classes."""
_MOST_PAIRS = 100_000_000
"""Pairs of sets that are compared to find tiles; tens of seconds."""


class PeriodicError(InvariantError):
    """The system has a nontrivial group, so no cascade of resets covers it."""


@dataclass(frozen=True)
class Holonomy:
    """The family of sets, their heights and labelled tiles.

    Attributes:
        heights: the height of every set; singletons have 0.
        ranks: the rank of every set, at most its height; sets of one rank are refined by one level.
        tiles: for each set of two or more states its tiles, `label -> set`; arrows onto sets of equal rank keep the labels.
    """

    heights: dict[Node, int]
    ranks: dict[Node, int]
    tiles: dict[Node, dict[int, Mask]]

    @property
    def height(self) -> int:
        """The largest height."""
        return max(self.heights.values(), default=0)

    @property
    def levels(self) -> int:
        """The largest rank: the number of levels."""
        return max(self.ranks.values(), default=0)


def find_holonomy(system: System, contexts: Contexts, *, set_limit: int = 100_000) -> Holonomy:
    """The holonomy structure of a system in the fibres of a context automaton.

    Raises:
        LimitError: the family has more than `set_limit` sets.
        PeriodicError: tiles are permuted, so the system is not aperiodic.
    """
    edges = find_family(system, contexts, set_limit)
    tiles = find_tiles(edges)
    class_of = find_classes(edges)
    ranking = Ranking(system, edges, class_of, _label(system, edges, class_of, tiles))
    heights = {node: ranking.heights[i] for node, i in class_of.items()}
    ranks = {node: ranking.ranks[i] for node, i in class_of.items()}
    return Holonomy(heights, ranks, ranking.numbered(class_of))


def order_family(
    edges: dict[Node, dict[int, Node]], tiles: dict[Node, list[Mask]]
) -> tuple[dict[Node, int], dict[Node, int]]:
    """The class (strongly connected component) and the height of every set."""
    class_of = find_classes(edges)
    count = 1 + max(class_of.values(), default=-1)
    below: list[dict[int, int]] = [{} for _ in range(count)]
    lowest = [0] * count
    for v, row in edges.items():
        own = class_of[v]
        lowest[own] = int(v[1].bit_count() > 1)
        heads = (*row.values(), *((v[0], tile) for tile in tiles.get(v, ())))
        below[own] |= {class_of[w]: lowest[own] for w in heads if class_of[w] != own}
    height = longest_paths(count, below, lowest)
    return class_of, {v: height[class_of[v]] for v in edges}


def find_family(system: System, contexts: Contexts, set_limit: int) -> dict[Node, dict[int, Node]]:
    """All sets reachable from fibres and singletons by letters, with their arrows."""
    edges: dict[Node, dict[int, Node]] = {}
    queue: deque[Node] = deque()
    most = min(set_limit, _MOST_ARROWS // max(1, len(system.columns)))

    def visit(node: Node) -> None:
        if node not in edges:
            edges[node] = {}
            queue.append(node)
            if len(edges) > most:
                raise LimitError("sets of the holonomy family", len(edges), most, "--set-limit")

    for c, fibre in enumerate(contexts.fibres):
        visit((c, fibre))
        for q in members(fibre):
            visit((c, 1 << q))
    while queue:
        node = queue.popleft()
        c, known = node
        for x, d in enumerate(contexts.arrows[c]):
            after = system.image(known, x) if d != DEAD else 0
            if after:
                edges[node][x] = (d, after)
                visit((d, after))
    return edges


def find_tiles(edges: dict[Node, dict[int, Node]]) -> dict[Node, list[Mask]]:
    """The maximal sets of the family properly inside each set of two or more states."""
    by_context: dict[int, list[Mask]] = {}
    for c, known in edges:
        by_context.setdefault(c, []).append(known)
    pairs = sum(len(family) ** 2 for family in by_context.values())
    if pairs > _MOST_PAIRS:
        raise LimitError("pairs of sets of the holonomy family", pairs, _MOST_PAIRS)
    tiles: dict[Node, list[Mask]] = {}
    for c, family in by_context.items():
        family.sort(key=lambda p: (-p.bit_count(), p))
        for i, known in enumerate(family):
            if known.bit_count() == 1:
                break
            maximal: list[Mask] = []
            for smaller in family[i + 1 :]:
                if smaller & ~known == 0 and smaller != known and all(smaller & ~big for big in maximal):
                    maximal.append(smaller)
            tiles[c, known] = maximal
    return tiles


def _label(
    system: System, edges: dict[Node, dict[int, Node]], class_of: dict[Node, int], tiles: dict[Node, list[Mask]]
) -> dict[Node, dict[int, Mask]]:
    """Numbers the tiles so that arrows inside a class carry each number to itself (union-find along the arrows)."""
    parent: dict[tuple[Node, Mask], tuple[Node, Mask]] = {(v, t): (v, t) for v, ts in tiles.items() for t in ts}

    def find(a: tuple[Node, Mask]) -> tuple[Node, Mask]:
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        return a

    for v, row in edges.items():
        for x, w in row.items():
            if v in tiles and class_of[v] == class_of[w]:
                for tile in tiles[v]:
                    a, b = find((v, tile)), find((w, system.image(tile, x)))
                    if a != b:
                        parent[b] = a
    numbers: dict[int, dict[tuple[Node, Mask], int]] = {}
    labelled: dict[Node, dict[int, Mask]] = {}
    for v in sorted(tiles):
        known = numbers.setdefault(class_of[v], {})
        labelled[v] = {known.setdefault(find((v, tile)), len(known)): tile for tile in sorted(tiles[v], key=_ascending)}
        if len(labelled[v]) != len(tiles[v]):
            raise PeriodicError("the tiles of a class are permuted: the system is not aperiodic")
    return labelled


def _ascending(mask: Mask) -> list[int]:
    return list(members(mask))


def cover_by_holonomy(base: Base, holonomy: Holonomy, *, context_limit: int = 100_000) -> Covering:
    """The holonomy covering: one level a rank, from the whole fibre down to single states.

    Args:
        base: contexts over an aperiodic system.
        holonomy: its tiles and ranks.
        context_limit: the largest number of known contexts (chains of tiles).

    Raises:
        LimitError: there are more contexts.
    """
    chains = _Chains(base, holonomy)
    names, states, arrows = number_contexts(
        base.system, chains.first, chains.follow, limit=context_limit, what="contexts of the holonomy covering"
    )
    return Covering(
        base.components,
        states,
        arrows,
        tuple(base.values[chains.context(name)] for name in names),
        tuple(map(chains.coordinates, names)),
        tuple(f"level {k + 1}" for k in range(chains.levels)),
    )


class _Chains:
    """The ways down from fibres to single states, as numbered links (set, label of the tile, number of the rest); equal links have one number."""

    def __init__(self, base: Base, holonomy: Holonomy) -> None:
        self.system, self.arrows = base.system, base.contexts.arrows
        self.levels = holonomy.levels
        self.sets = list(holonomy.ranks)
        self.ranks = list(holonomy.ranks.values())
        self.place = {node: i for i, node in enumerate(self.sets)}
        self.tiles = [
            {label: self.place[c, tile] for label, tile in holonomy.tiles.get((c, known), {}).items()}
            for c, known in self.sets
        ]
        self.fibres = [self.place[node] for node in enumerate(base.contexts.fibres)]
        self.links: list[tuple[int, int, int]] = []
        self.number: dict[tuple[int, int, int], int] = {}
        self.fits: dict[tuple[int, Mask], int] = {}
        self.known: dict[tuple[int, int, int], int] = {}
        self.first = self.start()

    def start(self) -> int:
        """The chain of the initial state, by the first tiles that contain it."""
        place, path = self.fibres[0], []
        while self.ranks[place]:
            path.append((place, self.fitting(place, 1)))
            place = self.tiles[place][path[-1][1]]
        chain = self.link(place, 0, -1)
        for above, label in reversed(path):
            chain = self.link(above, label, chain)
        return chain

    def link(self, place: int, label: int, rest: int) -> int:
        """The number of a link."""
        name = (place, label, rest)
        found = self.number.setdefault(name, len(self.links))
        if found == len(self.links):
            self.links.append(name)
        return found

    def context(self, chain: int) -> int:
        """The context that a chain lies over."""
        return self.sets[self.links[chain][0]][0]

    def coordinates(self, chain: int) -> tuple[int, ...]:
        """The label at each level, `STALE` where no set of that rank is on the way."""
        row = [STALE] * self.levels
        place, label, rest = self.links[chain]
        while self.ranks[place]:
            row[self.levels - self.ranks[place]] = label
            place, label, rest = self.links[rest]
        return tuple(row)

    def follow(self, chain: int, x: int) -> int:
        """The chain after class x: hold where the known set maps onto the new one, otherwise the first tile that fits."""
        place = self.fibres[self.arrows[self.context(chain)][x]]
        path = []
        while True:
            rank = self.ranks[place]
            known, label, rest = self.links[chain]
            while self.ranks[known] > rank:
                chain = rest
                known, label, rest = self.links[chain]
            # what follows depends on what is known of the old state from here on
            key = (chain, place, x)
            found = self.known.get(key)
            if found is not None:
                break
            if not rank:
                found = self.link(place, 0, -1)
                break
            image = self.system.image(self.sets[known][1], x)
            if self.ranks[known] != rank or image != self.sets[place][1]:
                label = self.fitting(place, image)
            path.append((key, label))
            place = self.tiles[place][label]
        for key, label in reversed(path):
            found = self.known[key] = self.link(key[1], label, found)
        return found

    def fitting(self, place: int, image: Mask) -> int:
        """The first label of a set whose tile contains an image."""
        found = self.fits.get((place, image))
        if found is None:
            found = min(i for i, tile in self.tiles[place].items() if not image & ~self.sets[tile][1])
            self.fits[place, image] = found
        return found
