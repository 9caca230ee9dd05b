"""The two- and three-state tests: polynomial, and between them they settle most automata whose skeleton is too large.

Let letters act on the ordered pairs (p, q), p ≠ q, of states of a part. A counter w with orbit q0, q1, ..., q(p-1) sends (q0, q1) to
(q1, q2) and so on back to (q0, q1), so all these pairs lie in one strongly connected component S of the pair graph. Read S as a
relation on states: the orbit is a cycle of S, and so is its image under every prefix of w, in the same S. Hence:

* if (p, q) and (q, p) lie in one component, the path between them is a word with a counter of period 2, and there is no other kind of
  counter of period 2;
* if every component is acyclic as a relation, there is no counter at all. Automata whose letters preserve an order of the states, and
  all cascades of identity-reset automata, are settled here: two states that first differ at level i keep both values of level i as long as
  they stay different, so S is ordered by that level;
* otherwise the orbit of a counter, and its image under every prefix of the word, lies inside one strongly connected component of one
  relation S: the skeleton continues with these *pieces* instead of with all states.

In the same way (p, q, r) and (q, r, p) lie in one component of the triple graph iff there is a counter of period 3; only triples inside
a piece have to be looked at.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from ssmc.algebra.graph import strong_components
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ssmc.algebra.parts import Part

EDGE_LIMIT = 30_000_000
"""The largest pair graph to build: pairs times letters."""
_SMALL = 20_000
"""Pairs times letters from which numpy is worth its import."""

TRIPLE_LIMIT = 500_000
"""The largest triple graph to build: triples times letters, about a microsecond each."""


def pair_cost(part: Part) -> int:
    """The number of edges of the pair graph."""
    return part.size * part.size * len(part.maps)


Pieces = tuple[tuple[int, ...], ...]


def search_pairs(part: Part) -> tuple[tuple[int, ...] | None, list[Pieces]]:
    """A word (over the part's letters) with a counter of period 2, or else the pieces in which there may be a counter of another period."""
    n = part.size
    found: set[Pieces] = set()
    for component in strong_components(n * n, _pair_graph(part)):
        if len(component) == 1:
            continue
        pairs = set(component)
        for pair in component:
            opposite = pair % n * n + pair // n
            if opposite in pairs:
                return _word(part, (pair // n, pair % n), (pair % n, pair // n)), []
        pieces = _cycles(n, component)
        if pieces:
            found.add(pieces)
    return None, sorted(found)


def search_triples(part: Part, pieces: Pieces) -> tuple[int, ...] | None:
    """A word (over the part's letters) with a counter of period 3 in one of the pieces, if there is one and the graph is within its limit."""
    if sum(len(piece) ** 3 for piece in pieces) * len(part.maps) > TRIPLE_LIMIT:
        return None
    triples = [triple for piece in pieces for triple in permutations(piece, 3)]
    number = {triple: i for i, triple in enumerate(triples)}
    successors = []
    for p, q, r in triples:
        heads = {number.get((column[p], column[q], column[r]), DEAD) for column in part.maps}
        successors.append([head for head in heads if head != DEAD])
    for component in strong_components(len(successors), successors.__getitem__):
        found = {triples[i] for i in component} if len(component) > 1 else set()
        for p, q, r in found:
            if (q, r, p) in found:
                return _word(part, (p, q, r), (q, r, p))
    return None


def _pair_graph(part: Part) -> Callable[[int], Sequence[int]]:
    """The successors of the pair p·n + q among the pairs of different states, without repetitions."""
    n = part.size
    if pair_cost(part) > _SMALL:
        return _large_pair_graph(part)
    successors: list[list[int]] = []
    for p in range(n):
        moves = [(column[p] * n, column) for column in part.maps if column[p] != DEAD]
        for q in range(n):
            heads = {base + column[q] for base, column in moves if column[q] != DEAD} if p != q else set()
            successors.append([head for head in heads if head % (n + 1)])  # p·n + p is a multiple of n + 1
    return successors.__getitem__


def _large_pair_graph(part: Part) -> Callable[[int], Sequence[int]]:
    """The same by numpy, a row of pairs at a time; pairs that stay where they are, most of them under most letters, cost no more."""
    import numpy as np

    n = part.size
    maps = np.array(part.maps, dtype=np.int64).T
    heads, counts = [], []
    for p in range(n):
        first = maps[p]
        found = first * n + maps
        found[(first == DEAD) | (maps == DEAD) | (first == maps)] = DEAD
        found[found == p * n + np.arange(n)[:, None]] = DEAD
        found.sort(axis=1)
        found[:, 1:][found[:, 1:] == found[:, :-1]] = DEAD
        found[p] = DEAD
        kept = found != DEAD
        heads.append(found[kept])
        counts.append(kept.sum(axis=1))
    flat = np.concatenate(heads).tolist()
    ends = np.concatenate([[0], *counts]).cumsum().tolist()
    return lambda pair: flat[ends[pair] : ends[pair + 1]]


def _cycles(n: int, component: Iterable[int]) -> Pieces:
    """The strongly connected components with a cycle of a set of pairs read as a relation."""
    related: list[list[int]] = [[] for _ in range(n)]
    for pair in component:
        related[pair // n].append(pair % n)
    return tuple(sorted(tuple(sorted(c)) for c in strong_components(n, related.__getitem__) if len(c) > 1))


def _word(part: Part, start: Sequence[int], goal: Sequence[int]) -> tuple[int, ...]:
    """A shortest word that takes one tuple of states to another."""
    first, last = tuple(start), tuple(goal)
    via: dict[tuple[int, ...], tuple[tuple[int, ...], int]] = {}
    queue = [first]
    for states in queue:
        if states == last:
            break
        for letter, column in enumerate(part.maps):
            after = tuple([column[q] for q in states])
            if DEAD not in after and after != first and after not in via:
                via[after] = (states, letter)
                queue.append(after)
    word = []
    while last != first:
        last, letter = via[last]
        word.append(letter)
    return tuple(reversed(word))
