"""Languages with groups: commutative, group languages, solvable, and regular languages in AC0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.classify.local import unequal
from ssmc.algebra.classify.membership import Evidence, Membership, undecided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.algebra.classify.subject import Subject, Word
    from ssmc.algebra.monoid import TransitionMonoid

STABLE_LIMIT = 5_000_000
"""Products to form until the sets of words of one length repeat."""


def commutative(subject: Subject) -> Membership:
    """Whether the order of symbols never matters."""
    theorem = "Pin 1986: the letters commute in the syntactic monoid"
    table = subject.complete
    letters = range(len(table.delta[0]))
    for q, row in enumerate(table.delta):
        for a in letters:
            for b in range(a):
                one, two = table.delta[row[a]][b], table.delta[row[b]][a]
                if one != two:
                    prefix, suffix = table.path(q), table.separate(one, two)
                    first, second = (*prefix, a, b, *suffix), (*prefix, b, a, *suffix)
                    yes, no = (first, second) if table.accepts(first) else (second, first)
                    claim = Evidence("{yes} is in the language, {no} is not", {"yes": yes, "no": no}, (yes,), (no,))
                    return Membership("commutative", False, theorem, evidence=claim)
    return Membership("commutative", True, theorem)


def group_language(subject: Subject) -> Membership:
    """Whether every symbol permutes the states, so that nothing is ever forgotten."""
    theorem = "Thierrin 1968: the letters permute the states of the minimal automaton"
    table = subject.complete
    for c in range(len(table.delta[0])):
        came: dict[int, int] = {}
        for q, row in enumerate(table.delta):
            other = came.setdefault(row[c], q)
            if other != q:
                suffix = table.separate(other, q)
                ends = sorted(((*table.path(s), *suffix) for s in (other, q)), key=lambda w: not table.accepts(w))
                claim = Evidence(
                    "{yes} is in the language and {no} is not, but after {letter} in the place of {suffix} both are the same",
                    {"yes": ends[0], "no": ends[1], "letter": (c,), "suffix": suffix},
                    (ends[0],),
                    (ends[1],),
                )
                return Membership("group language", False, theorem, evidence=claim)
    return Membership("group language", True, theorem)


def solvable(subject: Subject) -> Membership:
    """Whether every group in the monoid is solvable."""
    theorem = "Straubing, Thérien and Thomas 1995: first-order logic with modular quantifiers; Barrington 1989: otherwise complete for NC1"
    if subject.green is None:
        return undecided("solvable groups", theorem)
    for d in subject.green.d_classes:
        if d.group is not None and not d.group.solvable:
            word = subject.green.monoid.word(d.idempotents[0])
            text = f"the group {d.group.name} of order {d.group.order} is not solvable; its identity is the class of {{word}}"
            return Membership("solvable groups", False, theorem, evidence=Evidence(text, {"word": word}))
    return Membership("solvable groups", True, theorem)


def regular_ac0(subject: Subject) -> Membership:
    """Whether the words of one length never form a group: regular languages in AC0."""
    name = "AC0"
    theorem = "Barrington, Compton, Straubing and Thérien 1992: no set η(A^t) contains a nontrivial group"
    monoid = subject.monoid
    if monoid is None:
        return undecided(name, theorem)
    level = frozenset([0])
    seen = {level: 0}
    levels = [level]
    work, k = 0, monoid.letters
    while True:
        level = frozenset(monoid.right[i * k + c] for i in level for c in range(k))
        work += len(level) * k
        if level in seen:
            break
        if work > STABLE_LIMIT:
            return undecided(name, theorem, "the products to form are above their limit")
        seen[level] = len(levels)
        levels.append(level)
    start, period = seen[level], len(levels) - seen[level]
    length = next(t for t in range(start, start + period) if t % period == 0)  # its set is closed under products
    for x in sorted(levels[length]):
        if monoid.maps.has_counter(monoid.elements[x]):
            loop = _word_of_length(monoid, levels[:length], x)
            times, power = 1, x
            while monoid.product(power, power) != power:
                times, power = times + 1, monoid.product(power, x)
            rule = f"the powers of {{loop}} form a group among the words of any length divisible by {length}"
            claim = unequal(subject, loop * times, loop * (times + 1), rule, loop=loop)
            return Membership(name, False, theorem, evidence=claim)
    return Membership(name, True, theorem)


def _word_of_length(monoid: TransitionMonoid, levels: Sequence[frozenset[int]], element: int) -> Word:
    """A word for an element of the set of all words of length `len(levels)`, of that length."""
    word: list[int] = []
    k = monoid.letters
    for level in reversed(levels):
        element, c = next((i, c) for i in sorted(level) for c in range(k) if monoid.right[i * k + c] == element)
        word.append(c)
    return tuple(reversed(word))
