"""Permutation-reset levels over a context automaton: choose the arrows that reset, the rest permute labels.

Fix a set R of arrows (context, class) that overwrite. Sets of states are carried along the other arrows, from the images F_c·x of the arrows in R and from
the initial state, and *folded*: sets of one context that one arrow takes to the same set are united, as are the sets to which one arrow takes a
united set (Stallings 1983), so that every arrow takes the sets of a context one to one to those of the next. They are the blocks. Numbered along a spanning
tree, they are labels that the other arrows permute (DESIGN 5.3: permutation-reset covers). With every arrow of the rest holding instead, all
sets that lead from one image would be one: the identity-reset level of `levels`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.coordinates import find_coordinates
from ssmc.cascade.holonomy import PeriodicError
from ssmc.cascade.labels import number_labels
from ssmc.cascade.levels import FREE_MOVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.algebra.language_groups import Gates
    from ssmc.algebra.permutations import Permutation
    from ssmc.cascade.closures import Points
    from ssmc.cascade.coordinates import Coordinates
    from ssmc.cascade.labels import Labels
    from ssmc.cascade.meter import Meter
    from ssmc.cascade.system import Mask

_ROUNDS = 6
_NODE = 2_500
"""The cost of carrying one set along one arrow, in the unit of the bit operations of a closure."""
_MOST_NODES = 3_000
"""Sets above which a choice of resets is given up."""


@dataclass(frozen=True, eq=False)
class Turning:
    """A permutation-reset level: its blocks and what each arrow does to its label.

    Attributes:
        points: the context automaton that the level refines.
        blocks: for each context label -> block, or None where the level does not refine.
        moves: `moves[c][x]`: the label that the arrow sets, the permutation of labels, or `FREE_MOVE` where the next context is not refined.
        initial: the label at the initial context (0 if that is not refined).
        size: the number of labels.
        gates: what its components may do.
    """

    points: Points
    blocks: tuple[dict[int, Mask] | None, ...]
    moves: tuple[tuple[int | Permutation, ...], ...]
    initial: int
    size: int
    gates: Gates

    @property
    def values(self) -> int:
        """The number of blocks of all contexts that are refined."""
        return sum(len(block or ()) for block in self.blocks)

    @property
    def start(self) -> int:
        """The label at the initial context, `FREE_MOVE` if that is not refined."""
        return FREE_MOVE if self.blocks[0] is None else self.initial

    @cached_property
    def cleared(self) -> Coordinates:
        """How its labels are kept where what overwrites a label overwrites the group element as well.

        Raises:
            PeriodicError: the gates cannot do the group.
        """
        return self.coordinates(clear=True)

    def coordinates(self, *, clear: bool) -> Coordinates:
        """How its labels are kept.

        Raises:
            PeriodicError: the gates cannot do the group.
        """
        return find_coordinates(self.generators or (tuple(range(self.size)),), self.gates, self.initial, clear=clear)

    def after(self, context: int, value: int, x: int) -> tuple[int, int]:
        """The next context and label; the label is `FREE_MOVE` where it is stale."""
        move = self.moves[context][x]
        return self.points.contexts.arrows[context][x], move if isinstance(move, int) else move[value]

    @cached_property
    def generators(self) -> tuple[Permutation, ...]:
        """The permutations that arrows make, but the identity, sorted."""
        identity = tuple(range(self.size))
        turns = {move for row in self.moves for move in row if not isinstance(move, int)}
        return tuple(sorted(turns - {identity}))

    @cached_property
    def together(self) -> NDArray[np.bool_]:
        """(pairs,) which pairs of `Points.pairs` lie in one block, so that the level may leave them together."""
        families = np.zeros((len(self.points.number), self.size), dtype=np.bool_)
        for place, (c, q) in enumerate(self.points.number):
            blocks = self.blocks[c]
            families[place] = True if blocks is None else [blocks.get(i, 0) >> q & 1 for i in range(self.size)]
        packed = np.packbits(families, axis=1)
        first, second = self.points.pairs
        together: NDArray[np.bool_] = np.any(packed[first] & packed[second], axis=1)
        return together


def find_turning(
    points: Points, resets: NDArray[np.bool_], refined: NDArray[np.bool_], gates: Gates, meter: Meter
) -> Turning | None:
    """The level of a choice of resetting arrows; None if it tells nothing, its sets are too many, or the gates cannot do its group.

    Arrows from contexts that are not refined reset as well, and so do those whose image lies in one block anyway.

    Args:
        points: the context automaton to refine.
        resets: (contexts * classes,) which arrows overwrite.
        refined: (contexts,) which contexts are refined, if their fibres have two states.
        gates: what the components may do.
        meter: what pays for the work.
    """
    fibres = points.contexts.fibres
    refining = (refined & (points.fibre_sizes > 1)).tolist()
    resets = resets & (points.targets != DEAD)
    for _ in range(_ROUNDS):
        if not any(refining):
            return None
        folding = _Folding(points, refining, resets)
        if not folding.run(meter):
            return None
        blocks = folding.blocks()
        idle = [c for c, own in enumerate(blocks) if refining[c] and all(mask == fibres[c] for mask in own.values())]
        for c in idle:
            refining[c] = False
        inside = folding.inside_one_block(blocks)
        if not idle and not inside:
            break
        resets = resets.copy()
        resets[inside] = True
    else:
        return None
    found: list[Turning] = []
    turns = folding.turns()
    for apart in (False, True) if gates != "pd" else (False,):
        labels = number_labels(blocks, turns, apart=apart)
        level = None if labels is None else _level(folding, labels, gates)
        if level is not None:
            with suppress(PeriodicError):
                level.cleared  # noqa: B018
                found.append(level)
    return min(found, key=lambda level: (level.cleared.layers, len(level.cleared.shapes)), default=None)


def _level(folding: _Folding, labels: Labels, gates: Gates) -> Turning | None:
    """The level of a folding whose sets are numbered."""
    points, refined, numbers = folding.points, folding.refined, labels.numbers
    blocks = folding.blocks()
    moves: list[tuple[int | Permutation, ...]] = []
    for c, row in enumerate(points.contexts.arrows):
        own: list[int | Permutation] = []
        for x, d in enumerate(row):
            if d == DEAD or not refined[d]:
                own.append(FREE_MOVE)
            elif (c, x) in labels.turns:
                own.append(labels.turns[c, x])
            else:
                place = _fitting(blocks[d], points.images[c * points.width + x])
                if place is None:
                    return None
                own.append(numbers[place])
        moves.append(tuple(own))
    first = _fitting(blocks[0], 1) if refined[0] else None
    if refined[0] and first is None:
        return None
    named = tuple({numbers[v]: mask for v, mask in own.items()} if refined[c] else None for c, own in enumerate(blocks))
    return Turning(points, named, tuple(moves), 0 if first is None else numbers[first], labels.size, gates)


def _fitting(block: dict[int, Mask], image: Mask) -> int | None:
    """The smallest block that contains a set."""
    fits = [(mask.bit_count(), i) for i, mask in block.items() if image & ~mask == 0]
    return min(fits)[1] if fits else None


class _Folding:
    """Sets of states at contexts, carried along arrows that are not resets, united until every arrow is one to one on them."""

    def __init__(self, points: Points, refined: list[bool], resets: NDArray[np.bool_]) -> None:
        self.points, self.refined = points, refined
        self.resets = resets.tolist()
        self.context: list[int] = []
        self.mask: list[Mask] = []
        self.parent: list[int] = []
        self.out: list[dict[int, int]] = []
        self.into: list[dict[tuple[int, int], int]] = []
        self.at: dict[tuple[int, Mask], int] = {}
        self.nodes: dict[int, list[int]] = {}
        self.todo: list[int] = []

    def find(self, v: int) -> int:
        """The node that a node has become."""
        while self.parent[v] != v:
            self.parent[v] = self.parent[self.parent[v]]
            v = self.parent[v]
        return v

    def node(self, c: int, mask: Mask) -> int:
        """The node of a set at a context."""
        known = self.at.get((c, mask))
        if known is not None:
            return self.find(known)
        v = len(self.parent)
        self.context.append(c)
        self.mask.append(mask)
        self.parent.append(v)
        self.out.append({})
        self.into.append({})
        self.at[c, mask] = v
        self.nodes.setdefault(c, []).append(v)
        self.todo.append(v)
        return v

    def turns_at(self, c: int, x: int) -> bool:
        """Whether an arrow permutes labels: it does not reset, and both its contexts are refined."""
        d = self.points.contexts.arrows[c][x]
        return d != DEAD and self.refined[c] and self.refined[d] and not self.resets[c * self.points.width + x]

    def run(self, meter: Meter) -> bool:
        """Carries and folds the images of resets, the largest first, those left out that lie in a set already there; False where sets are too many."""
        points = self.points
        seeds = {(0, 1)} if self.refined[0] else set()
        for c, row in enumerate(points.contexts.arrows):
            for x, d in enumerate(row):
                if d != DEAD and self.refined[d] and not self.turns_at(c, x):
                    seeds.add((d, points.images[c * points.width + x]))
        fits = True
        for c, image in sorted(seeds, key=lambda seed: (-seed[1].bit_count(), seed)):
            if any(image & ~self.mask[v] == 0 for v in self.nodes.get(c, ()) if self.parent[v] == v):
                continue
            self.node(c, image)
            while self.todo and fits:
                v = self.todo.pop()
                if self.parent[v] == v:
                    self.carry(v)
                fits = len(self.parent) <= _MOST_NODES
        meter.spend(_NODE * points.width * len(self.parent))
        return fits

    def carry(self, v: int) -> None:
        """Carries the set of a node along every arrow of its context that permutes."""
        c = self.context[v]
        for x, d in enumerate(self.points.contexts.arrows[c]):
            if not self.turns_at(c, x):
                continue
            image = self.points.system.image(self.mask[v], x)
            if not image:
                continue
            known = self.out[v].get(x)
            if known is not None:
                w = self.find(known)
                if self.mask[w] | image != self.mask[w]:
                    self.unite(w, self.node(d, self.mask[w] | image))
            else:
                w = self.node(d, image)
                self.out[v][x] = w
                before = self.into[w].setdefault((c, x), v)
                if self.find(before) != v:
                    self.unite(before, v)
                    v = self.find(v)

    def unite(self, v: int, w: int) -> None:
        """Unites two nodes of one context, and what arrows lead from and to them."""
        pending = [(v, w)]
        while pending:
            v, w = (self.find(u) for u in pending.pop())
            if v == w:
                continue
            v, w = min(v, w), max(v, w)
            self.parent[w] = v
            mask = self.mask[v] | self.mask[w]
            if mask != self.mask[v]:
                self.mask[v] = mask
            other = self.at.setdefault((self.context[v], mask), v)
            pending.append((v, other))
            for x, target in self.out[w].items():
                known = self.out[v].setdefault(x, target)
                pending.append((known, target))
            for arrow, source in self.into[w].items():
                known = self.into[v].setdefault(arrow, source)
                pending.append((known, source))
            self.todo.append(v)

    def blocks(self) -> list[dict[int, Mask]]:
        """For each context node -> set."""
        found: list[dict[int, Mask]] = [{} for _ in self.points.contexts.fibres]
        for v, parent in enumerate(self.parent):
            if v == parent and self.refined[self.context[v]]:
                found[self.context[v]][v] = self.mask[v]
        return found

    def inside_one_block(self, blocks: list[dict[int, Mask]]) -> list[int]:
        """The arrows that permute although their image lies in one block."""
        points = self.points
        return [
            c * points.width + x
            for c, row in enumerate(points.contexts.arrows)
            for x, d in enumerate(row)
            if self.turns_at(c, x) and _fitting(blocks[d], points.images[c * points.width + x]) is not None
        ]

    def turns(self) -> dict[tuple[int, int], dict[int, int]]:
        """What each permuting arrow (context, class) does to the nodes of its context."""
        found: dict[tuple[int, int], dict[int, int]] = {}
        for c, row in enumerate(self.points.contexts.arrows):
            for x in range(len(row)):
                if self.turns_at(c, x):
                    found[c, x] = {}
        for v, parent in enumerate(self.parent):
            if v == parent:
                for x, w in self.out[v].items():
                    found[self.context[v], x][v] = self.find(w)
        return found
