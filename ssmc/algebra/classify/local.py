"""Classes that idempotents of the syntactic semigroup S decide: generalised definite, locally testable, locally threshold testable, local DA.

If e and f are idempotents of one D-class, e = a·b and f = b·a for some a, b, and x -> b·x·a is an isomorphism of the local monoids e·S·e and
f·S·f; x -> b·x maps e·S·g onto f·S·g in the same way. So one idempotent of each D-class is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.classify.membership import Evidence, Membership, undecided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.algebra.classify.subject import Subject, Word
    from ssmc.algebra.monoid import TransitionMonoid

PRODUCT_LIMIT = 2_000_000
"""Products to form in one test."""
_COSTLY = "the products to form are above their limit"


def unequal(subject: Subject, first: Word, second: Word, rule: str, **more: Word) -> Evidence | None:
    """The evidence that two words, equal in every language of a class by some rule, are different in this one; None if they are equal."""
    monoid = subject.monoid
    if monoid is None:
        return None
    one, two = monoid.element_of(first), monoid.element_of(second)
    if one == two:
        return None
    prefix, suffix, first_inside = subject.context(one, two)
    inside, outside = (first, second) if first_inside else (second, first)
    yes, no = (*prefix, *inside, *suffix), (*prefix, *outside, *suffix)
    return Evidence(
        f"{rule}, but {{yes}} is in the language and {{no}} is not",
        {"first": first, "second": second, "yes": yes, "no": no, **more},
        (yes,),
        (no,),
    )


def idempotents(subject: Subject) -> list[int]:
    """One idempotent of the syntactic semigroup for each regular D-class."""
    if subject.green is None or subject.monoid is None:
        return []
    first = 0 if subject.monoid.has_unit_word else 1
    found = []
    for d in subject.green.d_classes:
        inside = [e for e in d.idempotents if e >= first]
        if inside:
            found.append(inside[0])
    return found


def local_set(monoid: TransitionMonoid, left: int, right: int) -> dict[int, int]:
    """The elements left·s·right for s in the syntactic semigroup, each with one such s."""
    then, elements, index = monoid.maps.then, monoid.elements, monoid.index
    one, two = elements[left], elements[right]
    found: dict[int, int] = {}
    for s in monoid.semigroup:
        found.setdefault(index[then(then(one, elements[s]), two)], s)
    return found


def generalised_definite(subject: Subject) -> Membership:
    """Whether the first k and the last k symbols decide, for long words."""
    theorem = "Ginzburg 1966; Steinby 1969: e·S·e = e for every idempotent e of the syntactic semigroup S"
    monoid = subject.monoid
    if monoid is None:
        return undecided("generalised-definite", theorem)
    for e in idempotents(subject):
        for s in local_set(monoid, e, e).values():
            around, inner = monoid.word(e), monoid.word(s)
            rule = "long words are equal if {second} begins and ends them"
            claim = unequal(subject, (*around, *inner, *around), around, rule)
            if claim is not None:
                return Membership("generalised-definite", False, theorem, evidence=claim)
    return Membership("generalised-definite", True, theorem)


def locally_testable(subject: Subject) -> Membership:
    """Whether the set of factors of length k, with the ends, decides (its order is found by `order_of_local_testability`)."""
    name, theorem = (
        "locally-testable",
        "Brzozowski and Simon 1973; McNaughton 1974: e·S·e is a semilattice for every idempotent e",
    )
    monoid, green = subject.monoid, subject.green
    if monoid is None or green is None:
        return undecided(name, theorem)
    for e in idempotents(subject):
        inner = local_set(monoid, e, e)
        around = monoid.word(e)
        for x, s in inner.items():
            if monoid.product(x, x) != x:
                word = (*around, *monoid.word(s), *around)
                claim = unequal(subject, word, (*word, *word), "repeating {first} adds no long factor")
                return Membership(name, False, theorem, evidence=claim)
        # in a band that is no semilattice two different elements are R- or L-equivalent; then x·y and y·x are y and x, or x and y
        for classes in (green.r_class, green.l_class):
            seen: dict[int, int] = {}
            for x, s in inner.items():
                other = seen.setdefault(classes[x], x)
                if other != x:
                    return Membership(name, False, theorem, evidence=_exchange(subject, e, inner[other], s))
    return Membership(name, True, theorem)


def _exchange(subject: Subject, e: int, s: int, t: int) -> Evidence | None:
    monoid = subject.monoid
    if monoid is None:
        return None
    around, one, two = monoid.word(e), monoid.word(s), monoid.word(t)
    first = (*around, *one, *around, *two, *around)
    second = (*around, *two, *around, *one, *around)
    return unequal(
        subject, first, second, "{first} and {second} have the same long factors once the repeated part is pumped"
    )


def locally_threshold_testable(subject: Subject) -> Membership:
    """Whether the numbers of the factors of length k, up to a threshold, decide: FO with successor."""
    name = "locally-threshold-testable"
    theorem = "Thérien and Weiss 1985; Beauquier and Pin 1989: aperiodic, and exf·fye·ezf = ezf·fye·exf for all idempotents e, f"
    monoid = subject.monoid
    if monoid is None:
        return undecided(name, theorem)
    if monoid.aperiodicity_index is None:
        return Membership(name, False, theorem, evidence=Evidence("it is not even star-free"))
    wider = local_da(subject)
    if wider.holds is False:
        return Membership(name, False, theorem + "; it is in FO2[<,+1]", evidence=wider.evidence)
    found = idempotents(subject)
    if len(found) ** 2 * monoid.size > PRODUCT_LIMIT:
        return undecided(name, theorem, _COSTLY)
    sets = {(e, f): local_set(monoid, e, f) for e in found for f in found}
    work = 0
    for e in found:
        for f in found:
            across, back = sets[e, f], sets[f, e]
            work += len(across) ** 2 * len(back)
            if work > PRODUCT_LIMIT:
                return undecided(name, theorem, _COSTLY)
            broken = _asymmetry(monoid, list(across), list(back))
            if broken is not None:
                x, y, z = broken
                parts = [monoid.word(across[x]), monoid.word(back[y]), monoid.word(across[z])]
                claim = _swap(subject, monoid.word(e), monoid.word(f), parts)
                return Membership(name, False, theorem, evidence=claim)
    return Membership(name, True, theorem)


def _asymmetry(monoid: TransitionMonoid, across: Sequence[int], back: Sequence[int]) -> tuple[int, int, int] | None:
    then, elements = monoid.maps.then, monoid.elements
    for y in back:
        middle = {x: then(elements[x], elements[y]) for x in across}
        for x in across:
            for z in across:
                if x < z and then(middle[x], elements[z]) != then(middle[z], elements[x]):
                    return x, y, z
    return None


def _swap(subject: Subject, e: Word, f: Word, parts: Sequence[Word]) -> Evidence | None:
    x, y, z = parts
    first = (*e, *x, *f, *y, *e, *z, *f)
    second = (*e, *z, *f, *y, *e, *x, *f)
    return unequal(
        subject,
        first,
        second,
        "{first} and {second} have the same factors equally often, once the repeated parts are pumped",
    )


def local_da(subject: Subject) -> Membership:
    """Whether every local monoid is in DA: two-variable logic with order and successor.

    An element of e·S·e that is regular in S is regular in e·S·e (x = x·y·x = x·eye·x), so its regular elements are to be idempotent.
    """
    name = "FO2[<,+1]"
    theorem = "Thérien and Wilke 1998; Almeida 1996: e·S·e is in DA for every idempotent e"
    monoid, green = subject.monoid, subject.green
    if monoid is None or green is None:
        return undecided(name, theorem)
    for e in idempotents(subject):
        for x in local_set(monoid, e, e):
            if green.d_classes[green.d_class[x]].regular and monoid.product(x, x) != x:
                word = monoid.word(x)
                rule = "{first} can be undone between long equal factors, so repeating it should change nothing"
                return Membership(name, False, theorem, evidence=unequal(subject, word, word * 2, rule))
    return Membership(name, True, theorem)
