"""Finite and cofinite languages, and those that a bounded prefix decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.classify.longest import cycle_or_longest_path
from ssmc.algebra.classify.membership import Evidence, Membership
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from ssmc.algebra.classify.subject import Subject

FINITE = "a trimmed automaton accepts finitely many words iff it has no cycle"


def finite(subject: Subject) -> Membership:
    """Whether the language is finite; the order is the length of its longest word."""
    return _finite(subject, "finite", inverted=False)


def cofinite(subject: Subject) -> Membership:
    """Whether the complement is finite; the order is the length of the longest word outside the language."""
    return _finite(subject.complement, "cofinite", inverted=True)


def _finite(subject: Subject, name: str, *, inverted: bool) -> Membership:
    automaton = subject.automaton
    side = "not in the language" if inverted else "in the language"
    if not automaton.states:
        return Membership(name, True, FINITE, order=0, evidence=Evidence(f"no word is {side}"))
    live = [[(c, r) for c, r in enumerate(row) if r != DEAD] for row in automaton.delta]
    cycle, path = cycle_or_longest_path(live, [0])
    if cycle is not None:
        state, word = cycle
        prefix = subject.complete.path(state)
        suffix = _to_acceptance(subject, state)
        pumped = (*prefix, *word, *suffix), (*prefix, *word, *word, *suffix)
        claim = Evidence(
            f"{{prefix}} ({{loop}})^k {{suffix}} is {side} for every k",
            {"prefix": prefix, "loop": word, "suffix": suffix},
            () if inverted else pumped,
            pumped if inverted else (),
        )
        return Membership(name, False, FINITE, evidence=claim)
    longest = path[1]
    claim = Evidence(
        f"{{word}} is a longest word {side}",
        {"word": longest},
        () if inverted else (longest,),
        (longest,) if inverted else (),
    )
    return Membership(name, True, FINITE, order=len(longest), evidence=claim)


def _to_acceptance(subject: Subject, state: int) -> tuple[int, ...]:
    table = subject.complete
    words = [
        w for f in sorted(table.accepting) if (w := table.between(state, f, range(len(table.delta[0])))) is not None
    ]
    return min(words, key=len)


def reverse_definite(subject: Subject) -> Membership:
    """Whether the first k symbols decide: after k symbols every state accepts everything or nothing."""
    theorem = "Brzozowski 1963: e·S = e for every idempotent e of the syntactic semigroup S"
    table = subject.complete
    settled = {q for q, row in enumerate(table.delta) if set(row) <= {q}}
    edges = [
        [(c, r) for c, r in enumerate(row) if r not in settled] if q not in settled else []
        for q, row in enumerate(table.delta)
    ]
    start = [] if 0 in settled else [0]
    cycle, path = cycle_or_longest_path(edges, start)
    if cycle is not None:
        state, loop = cycle
        prefix = table.path(state)
        yes, no = _both_ends(subject, state)
        claim = Evidence(
            "{prefix} ({loop})^k {yes} is in the language and {prefix} ({loop})^k {no} is not, for every k",
            {"prefix": prefix, "loop": loop, "yes": yes, "no": no},
            ((*prefix, *loop, *loop, *yes),),
            ((*prefix, *loop, *loop, *no),),
        )
        return Membership("reverse-definite", False, theorem, evidence=claim)
    if not start:
        return Membership("reverse-definite", True, theorem, order=0, evidence=Evidence("all words have one answer"))
    state = table.run(path[1])
    word = path[1]
    yes, no = _both_ends(subject, state)
    claim = Evidence(
        f"the first {len(word) + 1} symbols decide, fewer do not: "
        "{prefix} {yes} is in the language, {prefix} {no} is not",
        {"prefix": word, "yes": yes, "no": no},
        ((*word, *yes),),
        ((*word, *no),),
    )
    return Membership("reverse-definite", True, theorem, order=len(word) + 1, evidence=claim)


def _both_ends(subject: Subject, state: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A word that is accepted from a state that is not settled, and one that is not."""
    table = subject.complete
    letters = range(len(table.delta[0]))
    accepted: list[tuple[int, ...]] = []
    rejected: list[tuple[int, ...]] = []
    for q in range(table.states):
        word = table.between(state, q, letters)
        if word is not None:
            (accepted if q in table.accepting else rejected).append(word)
    return min(accepted, key=len), min(rejected, key=len)
