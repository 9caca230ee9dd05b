"""Languages that a sliding window decides: definite, and strictly local.

Both are read off the graph of pairs of different states under the letters. If it has no cycle, a word longer than its longest path merges all
states (of the complete automaton: definite) or all live states on which it is defined (of the trimmed automaton: strictly local).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.classify.longest import cycle_or_longest_path
from ssmc.algebra.classify.membership import Evidence, Membership, undecided
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.algebra.classify.subject import Subject, Word

PAIR_LIMIT = 3_000_000
"""The largest pair graph to build: pairs times letters."""


def definite(subject: Subject) -> Membership:
    """Whether the last k symbols decide, for all words of at least k symbols."""
    theorem = "Perles, Rabin and Shamir 1963: S·e = e for every idempotent e of the syntactic semigroup S"
    table = subject.complete
    letters = range(len(table.delta[0]))
    if table.states**2 * len(letters) > PAIR_LIMIT:
        return undecided("definite", theorem, "the pair graph is above its limit")
    cycle, (pair, word) = _pairs(table.delta, letters)
    if cycle is not None:
        (p, q), loop = cycle
        suffix = table.separate(p, q)
        left, right = table.path(p), table.path(q)
        yes, no = (left, right) if table.run(suffix, p) in table.accepting else (right, left)
        claim = Evidence(
            "{yes} ({loop})^k {suffix} is in the language and {no} ({loop})^k {suffix} is not, for every k",
            {"yes": yes, "no": no, "loop": loop, "suffix": suffix},
            ((*yes, *loop, *loop, *suffix),),
            ((*no, *loop, *loop, *suffix),),
        )
        return Membership("definite", False, theorem, evidence=claim)
    if pair is None:
        return Membership("definite", True, theorem, order=0, evidence=Evidence("all words have one answer"))
    suffix = table.separate(table.run(word, pair[0]), table.run(word, pair[1]))
    ends = [(*table.path(state), *word, *suffix) for state in pair]
    ends.sort(key=lambda w: not table.accepts(w))
    claim = Evidence(
        f"the last {len(word) + 1} symbols decide, fewer do not: {{yes}} is in the language, {{no}} is not, "
        "and {same} is an end of both",
        {"yes": ends[0], "no": ends[1], "same": (*word, *suffix)},
        (ends[0],),
        (ends[1],),
    )
    return Membership("definite", True, theorem, order=len(word) + 1, evidence=claim)


def strictly_local(subject: Subject) -> Membership:
    """Whether forbidden factors of length k, also at the two ends, define the language."""
    name, theorem = "strictly-local", "De Luca and Restivo 1980; Edlefsen et al. 2008: suffix substitution"
    automaton = subject.automaton
    letters = range(automaton.classes)
    if automaton.states**2 * len(letters) > PAIR_LIMIT:
        return undecided(name, theorem, "the pair graph is above its limit")
    if not automaton.states:
        return Membership(name, True, theorem, order=1, evidence=Evidence("every word is forbidden"))
    cycle, (pair, word) = _pairs(automaton.delta, letters)
    if cycle is not None:
        start, loop = cycle
        text = "{one} ({shared})^k {end} and {two} ({shared})^k {other} are in the language, {two} ({shared})^k {end} is not, for every k"
        return Membership(name, False, theorem, evidence=_substitution(subject, start, loop, text))
    if pair is None:
        return Membership(name, True, theorem, order=1, evidence=Evidence("single symbols decide"))
    order = len(word) + 2
    text = f"factors of length {order} decide, shorter ones do not: " + (
        "{one}·{shared}·{end} and {two}·{shared}·{other} are in the language, {two}·{shared}·{end} is not"
    )
    return Membership(name, True, theorem, order=order, evidence=_substitution(subject, pair, word, text))


def _substitution(subject: Subject, start: tuple[int, int], shared: Word, claim: str) -> Evidence:
    """Two words of the language through the shared factor, and the word outside it that begins like the second and ends like the first."""
    table = subject.complete
    p, q = (table.run(shared, state) for state in start)
    end = table.separate(p, q)
    one, two = (table.path(state) for state in start)
    if table.run(end, p) not in table.accepting:
        one, two, q = two, one, p
    letters = range(len(table.delta[0]))
    ends = [w for f in sorted(table.accepting) if (w := table.between(q, f, letters)) is not None]
    other = min(ends, key=len)
    return Evidence(
        claim,
        {"one": one, "two": two, "shared": shared, "end": end, "other": other},
        ((*one, *shared, *end), (*two, *shared, *other)),
        ((*two, *shared, *end),),
    )


Pair = tuple[int, int]


def _pairs(
    delta: Sequence[Sequence[int]], letters: Sequence[int]
) -> tuple[tuple[Pair, Word] | None, tuple[Pair | None, Word]]:
    """A cycle of the graph of pairs of different states, or None and the start and word of a longest path in it."""
    n = len(delta)
    edges: list[list[tuple[int, int]]] = []
    for p in range(n):
        for q in range(n):
            heads = []
            if p < q:
                for c in letters:
                    r, s = delta[p][c], delta[q][c]
                    if r != s and DEAD not in (r, s):
                        heads.append((c, min(r, s) * n + max(r, s)))
            edges.append(heads)
    starts = [p * n + q for p in range(n) for q in range(p + 1, n)]
    cycle, (first, word) = cycle_or_longest_path(edges, starts)
    if cycle is not None:
        pair, loop = cycle
        ordered = divmod(pair, n)
        return (ordered, loop if _after(delta, ordered, loop) == ordered else loop * 2), (None, ())
    return None, (divmod(first, n) if starts else None, word)


def _after(delta: Sequence[Sequence[int]], pair: Pair, word: Word) -> Pair:
    p, q = pair
    for c in word:
        p, q = delta[p][c], delta[q][c]
    return p, q
