"""R-, L- and J-trivial monoids, and DA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.classify.local import unequal
from ssmc.algebra.classify.longest import cycle_or_longest_path
from ssmc.algebra.classify.membership import Evidence, Membership, undecided

if TYPE_CHECKING:
    from ssmc.algebra.classify.subject import Subject, Word


def r_trivial(subject: Subject) -> Membership:
    """Whether the minimal automaton is partially ordered: all its cycles are self-loops."""
    theorem = "Brzozowski and Fich 1980: R-trivial iff the minimal automaton is partially ordered"
    table = subject.complete
    edges = [[(c, r) for c, r in enumerate(row) if r != q] for q, row in enumerate(table.delta)]
    cycle, _ = cycle_or_longest_path(edges, [0])
    if cycle is None:
        return Membership("R-trivial", True, theorem)
    state, loop = cycle
    first, prefix = loop[:1], table.path(state)
    suffix = table.separate(state, table.run(first, state))
    inside = table.run(suffix, state) in table.accepting
    one, two = (*prefix, *loop, *suffix), (*prefix, *loop, *first, *suffix)
    claim = Evidence(
        "{prefix} ({loop})^k {suffix} is " + ("" if inside else "not ") + "in the language for every k, "
        "{prefix} ({loop})^k {first} {suffix} is" + (" not" if inside else "") + ", though no symbol is new",
        {"prefix": prefix, "loop": loop, "suffix": suffix, "first": first},
        (one if inside else two,),
        (two if inside else one,),
    )
    return Membership("R-trivial", False, theorem, evidence=claim)


def l_trivial(subject: Subject) -> Membership:
    """Whether no two elements generate the same left ideal."""
    theorem = "Pin 1986: L-trivial iff the reversed language is R-trivial"
    monoid, green = subject.monoid, subject.green
    if monoid is None or green is None:
        return undecided("L-trivial", theorem)
    first: dict[int, int] = {}
    for element, column in enumerate(green.l_class):
        other = first.setdefault(column, element)
        if other != element:
            rule = "{first} and {second} are each an end of a word equal to the other"
            claim = unequal(subject, monoid.word(other), monoid.word(element), rule)
            return Membership("L-trivial", False, theorem, evidence=claim)
    return Membership("L-trivial", True, theorem)


def j_trivial(subject: Subject, r: Membership, left: Membership) -> Membership:
    """Whether both hold, which is the same as every D-class having one element."""
    theorem = "Green 1951: in a finite monoid J = D, so J-trivial iff R-trivial and L-trivial"
    if r.holds is False or left.holds is False:
        return Membership("J-trivial", False, theorem, evidence=r.evidence if r.holds is False else left.evidence)
    if r.holds and left.holds:
        return Membership("J-trivial", True, theorem)
    # a partially ordered automaton: confluence decides without the monoid
    return Membership("J-trivial", piecewise_testable(subject).holds, theorem)


def piecewise_testable(subject: Subject) -> Membership:
    """Whether the set of scattered subwords of length k decides: ordered, and locally confluent."""
    name = "piecewise-testable"
    theorem = "Simon 1975: J-trivial; Klíma and Polák 2013: partially ordered and locally confluent"
    ordered = r_trivial(subject)
    if not ordered.holds:
        return Membership(name, False, theorem, evidence=ordered.evidence)
    table = subject.complete
    letters = range(len(table.delta[0]))
    for q in range(table.states):
        for a in letters:
            for b in letters:
                if a < b and table.delta[q][a] != table.delta[q][b]:
                    ends = _ends(subject, q, a, b)
                    if ends is not None:
                        return Membership(name, False, theorem, evidence=_fork(subject, q, *ends))
    return Membership(name, True, theorem)


def _ends(subject: Subject, q: int, a: int, b: int) -> tuple[Word, Word] | None:
    """Words a(ab)^i and b(ab)^j over two letters that lead to different states which both letters hold; None if they meet."""
    table = subject.complete
    words: list[Word] = []
    for start in (a, b):
        word = [start]
        state = table.delta[q][start]
        while (after := table.run((a, b), state)) != state or table.delta[state][a] != state:
            word += [a, b]
            state = after
        words.append(tuple(word))
    if table.run(words[0], q) == table.run(words[1], q):
        return None
    return words[0], words[1]


def _fork(subject: Subject, q: int, one: Word, two: Word) -> Evidence:
    table = subject.complete
    prefix = table.path(q)
    suffix = table.separate(table.run(one, q), table.run(two, q))
    left, right = (*prefix, *one, *suffix), (*prefix, *two, *suffix)
    inside = left if table.accepts(left) else right
    outside = right if inside is left else left
    return Evidence(
        "after {prefix}, {one} and {two} can both be prolonged by their symbols for ever without a change, "
        "but {yes} is in the language and {no} is not",
        {"prefix": prefix, "one": one, "two": two, "yes": inside, "no": outside},
        (inside,),
        (outside,),
    )


def da(subject: Subject) -> Membership:
    """Whether every regular D-class is a band: first-order logic with two variables, Δ2 of the hierarchy."""
    theorem = "Schützenberger 1976; Thérien and Wilke 1998: the elements of regular D-classes are idempotent"
    name = "DA = FO2[<]"
    monoid, green = subject.monoid, subject.green
    if monoid is None or green is None:
        return undecided(name, theorem)
    idempotent = set(monoid.idempotents)
    for d in green.d_classes:
        if d.regular and len(d.idempotents) < len(d.elements):
            element = next(x for x in d.elements if x not in idempotent)
            word = monoid.word(element)
            claim = unequal(subject, word, word * 2, "{first} can be undone, so repeating it should change nothing")
            return Membership(name, False, theorem, evidence=claim)
    return Membership(name, True, theorem)
