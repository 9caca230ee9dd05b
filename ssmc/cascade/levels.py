"""Identity-reset levels over a context automaton: choose the arrows that reset, the rest hold.

Fix a set R of arrows (context, class) that overwrite. What the value then can tell is the last arrow of R that was taken (or that none was), so the blocks
are the closures under the other arrows, which hold, of the images F_c·x of the arrows in R and of the initial state (DESIGN 5.3, *Search*).
All closures are computed at once, as bits that flow along the holding edges of the graph of points (c, q).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.system import Contexts, System, members

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.cascade.system import Mask

HOLD_MOVE = -1
FREE_MOVE = -2
_ROUNDS = 6
_OVERHEAD = 5_000
"""The fixed cost of one closure, in the unit of the bit operations that follow."""


@dataclass(frozen=True, eq=False)
class Points:
    """A context automaton over a system, with the graph of its points (c, q) as arrays.

    Attributes:
        system: the transition system.
        contexts: the context automaton.
    """

    system: System
    contexts: Contexts

    @cached_property
    def width(self) -> int:
        """The number of classes."""
        return len(self.system.columns)

    @cached_property
    def number(self) -> dict[tuple[int, int], int]:
        """The index of each point."""
        names = [(c, q) for c, fibre in enumerate(self.contexts.fibres) for q in members(fibre)]
        return {name: i for i, name in enumerate(names)}

    @cached_property
    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(source point, target point, arrow c * width + x) of every transition, sorted by target."""
        rows = [
            (i, self.number[self.contexts.arrows[c][x], column[q]], c * self.width + x)
            for (c, q), i in self.number.items()
            for x, column in enumerate(self.system.columns)
            if column[q] != DEAD
        ]
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        table = table[np.argsort(table[:, 1], kind="stable")]
        return table[:, 0], table[:, 1], table[:, 2]

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """The target context of each arrow, or `DEAD`."""
        return np.array(self.contexts.arrows, dtype=np.int64).reshape(-1)

    @cached_property
    def images(self) -> list[Mask]:
        """The image F_c·x of each arrow."""
        return [
            self.system.image(fibre, x) if self.contexts.arrows[c][x] != DEAD else 0
            for c, fibre in enumerate(self.contexts.fibres)
            for x in range(self.width)
        ]

    @cached_property
    def seed_of_arrow(self) -> NDArray[np.int64]:
        """The number of the seed (target context, image) of each arrow; 0 is the initial point, and the seed of dead arrows."""
        return self._seeds[0]

    @cached_property
    def seed_starts(self) -> NDArray[np.int64]:
        """Where the points of each seed begin in `seed_points`, and the end."""
        return self._seeds[1]

    @cached_property
    def seed_points(self) -> NDArray[np.int64]:
        """The points of the seeds, one seed after the other."""
        return self._seeds[2]

    @cached_property
    def _seeds(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        seeds: dict[tuple[int, Mask], int] = {(0, 1): 0}
        of_arrow = [
            seeds.setdefault((c, image), len(seeds)) if c != DEAD else 0
            for c, image in zip(self.targets.tolist(), self.images, strict=True)
        ]
        places = [[self.number[c, q] for q in members(mask)] for c, mask in seeds]
        return (
            np.array(of_arrow, dtype=np.int64),
            np.cumsum([0, *map(len, places)]),
            np.array([point for place in places for point in place], dtype=np.int64),
        )

    @cached_property
    def image_sizes(self) -> NDArray[np.int64]:
        """The number of states in each arrow's image."""
        return np.array([image.bit_count() for image in self.images], dtype=np.int64)

    @cached_property
    def fibre_sizes(self) -> NDArray[np.int64]:
        """The number of states in each context's fibre."""
        return np.array([fibre.bit_count() for fibre in self.contexts.fibres], dtype=np.int64)

    @cached_property
    def fibre_starts(self) -> NDArray[np.int64]:
        """The first point of each context."""
        return np.cumsum(np.r_[0, self.fibre_sizes[:-1]])

    @cached_property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All pairs of points of one context: first and second point."""
        blocks = [
            np.stack(np.triu_indices(size, 1)) + start
            for start, size in zip(self.fibre_starts, self.fibre_sizes, strict=True)
        ]
        first, second = np.concatenate(blocks, axis=1)
        return first, second

    @property
    def is_exact(self) -> bool:
        """Whether every fibre is one state."""
        return bool(np.all(self.fibre_sizes == 1))


@dataclass(frozen=True)
class Level:
    """One level: its blocks and what each arrow does to its value.

    Attributes:
        points: the context automaton that the level refines.
        blocks: for each context value -> block, or None where the level does not refine.
        moves: `moves[c][x]`: the value that the arrow sets, `HOLD_MOVE`, or `FREE_MOVE` where the next context is not refined.
        initial: the value at the initial context (0 if that is not refined).
    """

    points: Points
    blocks: tuple[dict[int, Mask] | None, ...]
    moves: tuple[tuple[int, ...], ...]
    initial: int

    def after(self, context: int, value: int, x: int) -> tuple[int, int]:
        """The next context and value; the value is `FREE_MOVE` where it is stale."""
        move = self.moves[context][x]
        return self.points.contexts.arrows[context][x], value if move == HOLD_MOVE else move


@dataclass(frozen=True, eq=False)
class Draft:
    """A choice of resetting arrows and the closures it gives, before a level is built from it.

    Attributes:
        points: the context automaton to refine.
        resets: (contexts * classes,) which arrows overwrite.
        families: (points, values) which closures contain which points.
        work: how much was computed, in elementary bit operations.
    """

    points: Points
    resets: NDArray[np.bool_]
    families: NDArray[np.bool_]
    work: int

    @cached_property
    def score(self) -> tuple[float, int]:
        """How much would still be unknown (largest and mean block over contexts and values), and the number of values."""
        counts = np.add.reduceat(self.families.astype(np.int64), self.points.fibre_starts, axis=0)
        met = counts > 0
        sizes = counts[met]
        return float(sizes.max() + 2 * (sizes - 1).mean()), self.families.shape[1]

    @cached_property
    def together(self) -> NDArray[np.bool_]:
        """(pairs,) which pairs of `Points.pairs` lie in one closure, so that the level may leave them together."""
        packed = np.packbits(self.families, axis=1)
        first, second = self.points.pairs
        together: NDArray[np.bool_] = np.any(packed[first] & packed[second], axis=1)
        return together


def draft(points: Points, resets: NDArray[np.bool_], *, coarse: bool = True) -> Draft:
    """The closures for a choice of resetting arrows.

    Args:
        points: the context automaton to refine.
        resets: (contexts * classes,) which arrows overwrite.
        coarse: drop closures that lie inside others everywhere (fewer values, less told).
    """
    resets = resets & (points.targets != DEAD)
    families, work = _families(points, resets, coarse=coarse)
    return Draft(points, resets, families, work)


def build(sketch: Draft, *, strict: bool) -> Level | None:
    """The level of a draft, or None if it tells nothing. Arrows whose image lies in one block anyway are added to the resets.

    Args:
        sketch: the choice of resetting arrows.
        strict: refine a context only where every block is a proper part of its fibre.
    """
    points, resets, families = sketch.points, sketch.resets, sketch.families
    for _ in range(_ROUNDS):
        blocks = _blocks(points, families, strict=strict)
        if all(block is None for block in blocks):
            return None
        inside = _inside_one_block(points, blocks, resets)
        if not inside.any():
            break
        resets = resets | inside
        families, _ = _families(points, resets, coarse=True)
    else:
        blocks = _blocks(points, families, strict=strict)
    return _level(points, blocks, resets)


def _families(points: Points, resets: NDArray[np.bool_], *, coarse: bool) -> tuple[NDArray[np.bool_], int]:
    """(points, families): which closures contain which points; and the work done."""
    seeds = np.union1d(points.seed_of_arrow[resets], [0])
    lengths = points.seed_starts[seeds + 1] - points.seed_starts[seeds]
    starts = np.cumsum(np.r_[0, lengths[:-1]])
    places = points.seed_points[np.arange(lengths.sum()) + np.repeat(points.seed_starts[seeds] - starts, lengths)]
    words = (len(seeds) + 63) // 64
    marks = np.zeros((len(points.number), 64 * words), dtype=np.bool_)
    marks[places, np.repeat(np.arange(len(seeds)), lengths)] = True
    bits = np.packbits(marks, axis=1, bitorder="little").view(np.uint64)
    source, target, arrow = points.edges
    hold = ~resets[arrow]
    source, target = source[hold], target[hold]
    work = _OVERHEAD
    if len(target):
        heads_at = np.flatnonzero(np.r_[True, target[1:] != target[:-1]])
        heads = target[heads_at]
        before = bits[heads]
        while True:
            work += words * len(source)
            grown = before | np.bitwise_or.reduceat(bits[source], heads_at, axis=0)
            if np.array_equal(grown, before):
                break
            bits[heads] = before = grown
    if coarse:
        kept = _maximal(bits, places, starts)
        return _unpack(bits, len(seeds))[:, kept], work
    return _unpack(bits, len(seeds)), work


def _unpack(bits: NDArray[np.uint64], count: int) -> NDArray[np.bool_]:
    return np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little", count=count).view(np.bool_)


def _maximal(bits: NDArray[np.uint64], places: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The families that lie in no other (of equal ones the first); a family lies in another if its seed does."""
    inside = _unpack(np.bitwise_and.reduceat(bits[places], starts, axis=0), len(starts))
    equal = inside & inside.T
    bigger = np.any(inside & ~equal, axis=1)
    first = np.argmax(equal, axis=1)
    kept: NDArray[np.int64] = np.flatnonzero(~bigger & (first == np.arange(len(starts))))
    return kept


def _blocks(points: Points, families: NDArray[np.bool_], *, strict: bool) -> list[dict[int, Mask] | None]:
    blocks: list[dict[int, Mask]] = [{} for _ in points.contexts.fibres]
    names = list(points.number)
    rows, values = np.nonzero(families)
    for row, i in zip(rows.tolist(), values.tolist(), strict=True):
        c, q = names[row]
        blocks[c][i] = blocks[c].get(i, 0) | 1 << q
    test = all if strict else any
    return [
        block if fibre & (fibre - 1) and test(mask != fibre for mask in block.values()) else None
        for block, fibre in zip(blocks, points.contexts.fibres, strict=True)
    ]


def _fitting(block: dict[int, Mask], image: Mask) -> int | None:
    """The smallest block that contains a set."""
    fits = [(mask.bit_count(), i) for i, mask in block.items() if image & ~mask == 0]
    return min(fits)[1] if fits else None


def _inside_one_block(
    points: Points, blocks: list[dict[int, Mask] | None], resets: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The holding arrows whose image lies in one block of a refined context: they may as well reset."""
    found = np.zeros_like(resets)
    for arrow in np.flatnonzero(~resets & (points.targets != DEAD)).tolist():
        block = blocks[points.targets[arrow]]
        if block is not None and _fitting(block, points.images[arrow]) is not None:
            found[arrow] = True
    return found


def _level(points: Points, blocks: list[dict[int, Mask] | None], resets: NDArray[np.bool_]) -> Level | None:
    moves = []
    for c, row in enumerate(points.contexts.arrows):
        moves_of = []
        for x, d in enumerate(row):
            block = blocks[d] if d != DEAD else None
            arrow = c * points.width + x
            if block is None:
                moves_of.append(FREE_MOVE)
            elif resets[arrow] or blocks[c] is None:
                value = _fitting(block, points.images[arrow])
                if value is None:
                    return None
                moves_of.append(value)
            else:
                moves_of.append(HOLD_MOVE)
        moves.append(tuple(moves_of))
    first = blocks[0]
    initial = 0 if first is None else _fitting(first, 1)
    return None if initial is None else Level(points, tuple(blocks), tuple(moves), initial)
