"""The least k for which a language is k-locally testable or k-piecewise testable.

Two words are k-equivalent if they have the same k-piece (below). This is a congruence, so the language is a union of its classes iff the piece of a
word determines its state; all pairs of a piece and a state are explored for k = 1, 2, ... until it does.

* locally testable (McNaughton and Papert 1971): the piece is the set of factors of length k with the first and the last k-1 symbols, or the
  word itself if it is shorter than k;
* piecewise testable (Simon 1975): the set of scattered subwords of length at most k.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ssmc.algebra.classify.membership import Evidence, Membership

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ssmc.algebra.classify.subject import Subject, Word

PIECE_LIMIT = 100_000
"""Pairs of a piece and a state to explore for one k."""

Piece = tuple["Hashable", ...]


def with_local_order(subject: Subject, membership: Membership) -> Membership:
    """A positive membership in the locally testable languages with its order, if that is found within the limit."""
    return _with_order(
        subject, membership, lambda k: (((), (), frozenset()), _factors(k)), "factors, beginnings and ends"
    )


def with_piecewise_order(subject: Subject, membership: Membership) -> Membership:
    """A positive membership in the piecewise testable languages with its order, if that is found within the limit."""
    return _with_order(subject, membership, lambda k: (((frozenset([()]),)), _subwords(k)), "scattered subwords")


def _factors(k: int) -> Callable[[Piece, int], Piece]:
    def step(piece: Piece, c: int) -> Piece:
        begin, end, factors = piece
        longer = (*end, c)  # type: ignore[misc]
        if len(longer) < k:
            return (longer, longer, factors)
        if len(begin) < k - 1:  # type: ignore[arg-type]
            begin = longer[: k - 1]
        return begin, longer[len(longer) - k + 1 :], factors | {longer}  # type: ignore[operator]

    return step


def _subwords(k: int) -> Callable[[Piece, int], Piece]:
    def step(piece: Piece, c: int) -> Piece:
        (words,) = piece
        return (words | {(*word, c) for word in words if len(word) < k},)  # type: ignore[attr-defined, operator]

    return step


def _with_order(
    subject: Subject,
    membership: Membership,
    pieces: Callable[[int], tuple[Piece, Callable[[Piece, int], Piece]]],
    what: str,
) -> Membership:
    if not membership.holds:
        return membership
    table = subject.complete
    if table.states == 1:
        return replace(membership, order=0, evidence=Evidence("all words have one answer"))
    evidence = Evidence("some words are in the language and some are not")
    for k in range(1, table.states + 2):
        start, step = pieces(k)
        outcome = _conflict(subject, start, step)
        if outcome is None:
            return replace(membership, reason=f"its order is at least {k}, the pieces are above their limit")
        if not outcome:
            return replace(membership, order=k, evidence=evidence)
        yes, no = outcome
        evidence = Evidence(
            f"{what} of length {k + 1} decide, those of length {k} do not: "
            "they are the same in {yes}, which is in the language, and in {no}, which is not",
            {"yes": yes, "no": no},
            (yes,),
            (no,),
        )
    return replace(membership, reason=f"its order is above {table.states + 1}")


def _conflict(subject: Subject, start: Piece, step: Callable[[Piece, int], Piece]) -> tuple[Word, ...] | None:
    """Two words with one piece, the first in the language and the second not; empty if there are none, None above the limit."""
    table = subject.complete
    state_of: dict[Piece, int] = {start: 0}
    word_of: dict[Piece, Word] = {start: ()}
    queue = [start]
    for piece in queue:
        state, word = state_of[piece], word_of[piece]
        for c, after in enumerate(table.delta[state]):
            longer = step(piece, c)
            known = state_of.setdefault(longer, after)
            if longer not in word_of:
                word_of[longer] = (*word, c)
                queue.append(longer)
                if len(queue) > PIECE_LIMIT:
                    return None
            elif known != after:
                suffix = table.separate(known, after)
                pair = [(*word_of[longer], *suffix), (*word, c, *suffix)]
                pair.sort(key=lambda w: not table.accepts(w))
                return tuple(pair)
    return ()
