"""Closures under holding arrows, for many choices of resetting arrows at once.

For a set R of arrows that overwrite, the families are the closures under all other arrows of the images F_c·x of the arrows in R and of the initial state.
They are computed together, as bits that flow along the holding edges of the graph of points (c, q), one layer of bits a choice of R.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.automaton import DEAD
from ssmc.cascade.system import Contexts, System, members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ssmc.cascade.system import Mask

_AT_ONCE = 1 << 19
"""Words that are moved along edges at a time."""
_OVERHEAD = 20_000
"""The fixed work of a closure, in moves of one word."""


@dataclass(frozen=True, eq=False)
class Points:
    """A context automaton over a system, with the graph of its points (c, q) as arrays.

    Attributes:
        system: the transition system.
        contexts: the context automaton.
        drafts: the drafts of the next level, if they were made: those of the last one or of another.
    """

    system: System
    contexts: Contexts
    drafts: dict[bool, list[Draft]] = field(default_factory=dict)

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
    def count_type(self) -> np.dtype[Any]:
        """The smallest integers that count the states of a fibre."""
        return np.min_scalar_type(int(self.fibre_sizes.max()))

    @cached_property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All pairs of points of one context: first and second point."""
        sizes = self.fibre_sizes.tolist()
        pairs = {size: np.stack(np.triu_indices(size, 1)) for size in set(sizes)}
        blocks = [pairs[size] + start for start, size in zip(self.fibre_starts, sizes, strict=True)]
        first, second = np.concatenate(blocks, axis=1)
        return first, second

    @property
    def is_exact(self) -> bool:
        """Whether every fibre is one state."""
        return bool(np.all(self.fibre_sizes == 1))


@dataclass(frozen=True, eq=False)
class Draft:
    """A choice of resetting arrows and the closures it gives, before a level is built from it.

    Attributes:
        points: the context automaton to refine.
        resets: (contexts * classes,) which arrows overwrite.
        words: (points, words) which closures contain which points, as bits.
        kept: (values,) the bits in use.
        score: how much would still be unknown (largest and mean block over contexts and values), and the number of values.
        work: how much was computed, in elementary operations.
    """

    points: Points
    resets: NDArray[np.bool_]
    words: NDArray[np.uint64]
    kept: NDArray[np.int64]
    score: tuple[float, int]
    work: int

    @cached_property
    def families(self) -> NDArray[np.bool_]:
        """(points, values): which closures contain which points."""
        return _unpack(self.words, 64 * self.words.shape[1])[:, self.kept]

    @cached_property
    def counts(self) -> NDArray[Any]:
        """(contexts, values): the number of points of each context in each closure."""
        starts, kind = self.points.fibre_starts, self.points.count_type
        counts: NDArray[Any] = np.add.reduceat(self.families, starts, axis=0, dtype=kind)
        return counts

    @cached_property
    def around(self) -> NDArray[np.uint64]:
        """(seeds, words): which closures contain all points of which seeds, as bits."""
        around: NDArray[np.uint64] = np.bitwise_and.reduceat(
            self.words[self.points.seed_points], self.points.seed_starts[:-1], axis=0
        )
        return around

    def smallest_around(self, seeds: NDArray[np.int64], contexts: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,): the value whose closure contains a seed and has fewest points in the seed's context, the first of them; -1 where none does."""
        found = np.full(len(seeds), -1, dtype=np.int64)
        for first in range(0, len(seeds), stride := max(1, _AT_ONCE // max(1, len(self.kept)))):
            some = slice(first, first + stride)
            inside = _unpack(self.around[seeds[some]], 64 * self.words.shape[1])[:, self.kept]
            sizes = np.where(inside, self.counts[contexts[some]].astype(np.int64), np.iinfo(np.int64).max)
            found[some] = np.where(inside.any(axis=1), sizes.argmin(axis=1), -1)
        return found

    @cached_property
    def together(self) -> NDArray[np.bool_]:
        """(pairs,) which pairs of `Points.pairs` lie in one closure, so that the level may leave them together."""
        first, second = self.points.pairs
        together: NDArray[np.bool_] = np.any(self.words[first] & self.words[second], axis=1)
        return together


def draft(points: Points, choices: Sequence[NDArray[np.bool_]]) -> list[Draft]:
    """The closures for some choices of resetting arrows; those that lie inside others everywhere are left out (fewer values, less told).

    Args:
        points: the context automaton to refine.
        choices: (contexts * classes,) each: which arrows overwrite.
    """
    return [sketch for part in in_parts(points, choices) for sketch in part]


def in_parts(points: Points, choices: Sequence[NDArray[np.bool_]]) -> Iterator[list[Draft]]:
    """The drafts of some choices, as many at a time as are computed together."""
    words = (len(points.seed_starts) + 62) // 64
    stride = max(1, _AT_ONCE // (words * max(1, len(points.edges[0]), 64 * len(points.seed_starts))))
    live = points.targets != DEAD
    for first in range(0, len(choices), stride):
        yield _draft(points, np.stack(choices[first : first + stride]) & live)


def _draft(points: Points, resets: NDArray[np.bool_]) -> list[Draft]:
    """The drafts of the choices (K, contexts * classes)."""
    chosen = np.zeros((len(resets), len(points.seed_starts) - 1), dtype=np.bool_)
    rows, arrows = np.nonzero(resets)
    chosen[rows, points.seed_of_arrow[arrows]] = True
    chosen[:, 0] = True
    seeds = np.flatnonzero(chosen.any(axis=0))
    chosen = chosen[:, seeds]
    lengths = points.seed_starts[seeds + 1] - points.seed_starts[seeds]
    starts = np.cumsum(np.r_[0, lengths[:-1]])
    places = points.seed_points[np.arange(lengths.sum()) + np.repeat(points.seed_starts[seeds] - starts, lengths)]
    marks = np.zeros((len(points.number), len(seeds)), dtype=np.bool_)
    marks[places, np.repeat(np.arange(len(seeds)), lengths)] = True
    bits = _pack(marks) & _pack(chosen)[:, None, :]
    rounds = _flow(points, resets, bits)
    kept = _maximal(bits, chosen, places, starts)
    bits &= _pack(kept)[:, None, :]
    counts = np.add.reduceat(_unpack(bits, len(seeds)), points.fibre_starts, axis=1, dtype=points.count_type)
    met = np.count_nonzero(counts, axis=(1, 2))
    # the largest block, and twice the mean of what a block leaves unknown
    unknown = counts.max(axis=(1, 2)) + 2 * ((counts.sum(axis=(1, 2)) - met) / met)
    work = _OVERHEAD + rounds * bits.shape[2] * len(points.edges[0])
    return [
        Draft(points, resets[k], bits[k], np.flatnonzero(kept[k]), (float(unknown[k]), int(kept[k].sum())), work)
        for k in range(len(resets))
    ]


def _flow(points: Points, resets: NDArray[np.bool_], bits: NDArray[np.uint64]) -> int:
    """Moves bits (K, points, words) along the holding edges until nothing changes; the number of rounds, the last of which changes nothing.

    A round looks only at edges whose source has changed in the one before.
    """
    source, target, arrow = points.edges
    holding = np.flatnonzero((source != target) & ~np.all(resets, axis=0)[arrow])
    source, target = source[holding], target[holding]
    passes = np.where(resets[:, arrow[holding]], np.uint64(0), ~np.uint64(0))[:, :, None]
    changed: NDArray[np.bool_] = np.any(bits, axis=(0, 2))
    rounds = int(len(points.edges[0]) > 0)
    while True:
        edges = np.flatnonzero(changed[source])
        if not len(edges):
            return rounds
        into = target[edges]
        leads = np.ones(len(into), dtype=np.bool_)
        np.not_equal(into[1:], into[:-1], out=leads[1:])
        heads_at = np.flatnonzero(leads)
        heads = into[heads_at]
        before = bits[:, heads]
        grown = before | np.bitwise_or.reduceat(bits[:, source[edges]] & passes[:, edges], heads_at, axis=1)
        more: NDArray[np.bool_] = np.any(grown != before, axis=(0, 2))
        bits[:, heads[more]] = grown[:, more]
        changed[:] = False
        changed[heads[more]] = True
        rounds += int(more.any())


def _pack(marks: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """The last axis as words of 64 bits."""
    padded = np.zeros((*marks.shape[:-1], (marks.shape[-1] + 63) // 64 * 64), dtype=np.bool_)
    padded[..., : marks.shape[-1]] = marks
    return np.packbits(padded, axis=-1, bitorder="little").view(np.uint64)


def _unpack(bits: NDArray[np.uint64], count: int) -> NDArray[np.bool_]:
    return np.unpackbits(bits.view(np.uint8), axis=-1, bitorder="little", count=count).view(np.bool_)


def _maximal(
    bits: NDArray[np.uint64], chosen: NDArray[np.bool_], places: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(K, seeds): the families that lie in no other (of equal ones the first); a family lies in another if its seed does."""
    count = len(starts)
    inside = _unpack(np.bitwise_and.reduceat(bits[:, places], starts, axis=1), count)
    inside &= chosen[:, :, None]
    equal = inside & inside.transpose(0, 2, 1)
    bigger = np.any(inside & ~equal, axis=2)
    first = np.argmax(equal, axis=2)
    kept: NDArray[np.bool_] = chosen & ~bigger & (first == np.arange(count))
    return kept
