"""The verdict: is a language star-free, and how can a reader see it?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ssmc.algebra.maps import aperiodicity_index, monoid_size, transition_maps
from ssmc.algebra.pairs import EDGE_LIMIT, pair_cost, search_pairs, search_triples
from ssmc.algebra.parts import counter_parts
from ssmc.algebra.shortest import shortest_counter, shortest_turn
from ssmc.algebra.skeleton import search_skeleton
from ssmc.algebra.witness import Witness, build_witness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.algebra.pairs import Pieces
    from ssmc.algebra.parts import Part
    from ssmc.automaton import Automaton

MONOID_LIMIT = 100_000
SET_LIMIT = 1_000_000
SECONDS = 60.0
_FIRST_ELEMENTS = 16
"""Words of a part to try at once: a random automaton has a counter among its first ones."""
_WITNESS_ELEMENTS = 50_000
"""Elements to enumerate in search of a shorter witness."""

Verdict = Literal["star-free", "not-star-free", "unknown"]


@dataclass(frozen=True)
class StarFreeReport:
    """What is known about a language's star-freeness.

    Attributes:
        verdict: `unknown` when a budget ran out.
        monoid_size: the size of the transition monoid of the complete minimal automaton, identity included; None above the limit, or (a monoid
            of very many states only) when seconds or memory ran out.
        witness: the counter, if the language is not star-free.
        sets: the number of image sets that were visited.
        monoid_reached: the number of elements that were counted.
        aperiodicity_index: if star-free, the least n with x^n = x^(n+1) for all x, or an upper bound of it.
        index_exact: whether it is the least; it is where the monoid was counted.
        limit: for `unknown`, the budget that ran out: `image sets` or `seconds`.
    """

    verdict: Verdict
    monoid_size: int | None
    witness: Witness | None
    sets: int
    monoid_reached: int
    aperiodicity_index: int | None = None
    index_exact: bool = False
    limit: str | None = None

    def to_json(self, automaton: Automaton) -> dict[str, Any]:
        """The data of `check-starfree --json`."""
        return {
            "schema": "ssmc.starfree/1",
            "verdict": self.verdict,
            "states": automaton.states,
            "complete_states": automaton.complete_states,
            "monoid_size": self.monoid_size,
            "witness": None if self.witness is None else self.witness.to_json(automaton),
            "monoid_reached": self.monoid_reached,
            "aperiodicity_index": self.aperiodicity_index,
            "aperiodicity_index_exact": self.index_exact,
            "image_sets": self.sets,
            "limit": self.limit,
        }


def check_starfree(
    automaton: Automaton,
    *,
    monoid_limit: int = MONOID_LIMIT,
    set_limit: int = SET_LIMIT,
    seconds: float = SECONDS,
) -> StarFreeReport:
    """Decides whether the language is star-free.

    Args:
        automaton: the trimmed minimal automaton.
        monoid_limit: count the transition monoid up to this size; 0 does not count at all.
        set_limit: visit at most this number of image sets.
        seconds: give up the decision after this time. Counting the monoid has as much again, and a minute at least.
    """
    deadline = time.monotonic() + seconds
    parts = counter_parts(automaton)
    word, _ = shortest_counter(parts, None, _FIRST_ELEMENTS, deadline)
    sets, open_part = 0, False
    if word is None:
        word, sets, open_part = _decide(parts, set_limit, deadline)
    witness = None if word is None else _best_witness(automaton, parts, word, deadline)
    monoid = monoid_size(automaton, monoid_limit, time.monotonic() + max(seconds, SECONDS))
    if witness is not None:
        return StarFreeReport("not-star-free", monoid.size, witness, sets, monoid.reached)
    if open_part:
        limit = "seconds" if time.monotonic() > deadline else "image sets"
        return StarFreeReport("unknown", monoid.size, None, sets, monoid.reached, limit=limit)
    # any run of x meets a fixed state or stops within as many steps as there are states, one less if it cannot stop
    index: int | None = max(0, automaton.complete_states - 1)
    if monoid.size is not None:
        index = aperiodicity_index(transition_maps(automaton), monoid.elements)
    return StarFreeReport("star-free", monoid.size, None, sets, monoid.reached, index, monoid.size is not None)


def _decide(parts: list[Part], set_limit: int, deadline: float) -> tuple[tuple[int, ...] | None, int, bool]:
    """A word of classes with a counter, the number of sets visited, and whether some part stayed undecided.

    The cheap test first: a search of the skeleton for no longer than the pairs would take; where it does not end, pairs and triples of states, which either settle the part or
    leave pieces of it; and the whole skeleton of what is left.
    """
    sets = 0
    undecided = False
    for part in parts:
        first = search_skeleton(part, min(part.size**2 // 2 + 8, set_limit - sets), deadline)
        sets += first.sets
        word = first.word or None
        remains: Sequence[Pieces | None] = ()
        if first.verdict is None:
            word, remains = search_pairs(part) if pair_cost(part) <= EDGE_LIMIT else (None, [None])
        for pieces in remains:
            if word is None and pieces is not None:
                word = search_triples(part, pieces)
            if word is None:
                finding = search_skeleton(part, set_limit - sets, deadline, pieces)
                sets += finding.sets
                word = finding.word or None
                undecided = undecided or finding.verdict is None
        if word is not None:
            return tuple(part.letters[x] for x in word), sets, False
    return None, sets, undecided


def _best_witness(automaton: Automaton, parts: list[Part], word: tuple[int, ...], deadline: float) -> Witness | None:
    found = build_witness(automaton, word)
    if found is None:
        return None
    classes = [automaton.alphabet.class_of(s) for s in found.word]
    best, proved = shortest_counter(parts, classes, _WITNESS_ELEMENTS, deadline)
    if not proved:
        turn = shortest_turn(automaton, found.orbit, deadline)
        if turn is not None and (best is None or len(turn) < len(best)):
            best = tuple(turn)
    return build_witness(automaton, best or classes, shortest=proved)
