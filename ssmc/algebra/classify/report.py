"""The whole map for one language."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ssmc.algebra.classify.counting import commutative, group_language, regular_ac0, solvable
from ssmc.algebra.classify.finite import cofinite, finite, reverse_definite
from ssmc.algebra.classify.hierarchy import level_three_halves, strictly_piecewise, upward_closed
from ssmc.algebra.classify.local import generalised_definite, local_da, locally_testable, locally_threshold_testable
from ssmc.algebra.classify.membership import Evidence, Membership
from ssmc.algebra.classify.order import with_local_order, with_piecewise_order
from ssmc.algebra.classify.subject import Subject
from ssmc.algebra.classify.suffixes import definite, strictly_local
from ssmc.algebra.classify.tier import on_tier
from ssmc.algebra.classify.trivial import da, j_trivial, l_trivial, piecewise_testable, r_trivial
from ssmc.algebra.needs import STAR_FREE, Need, need_beyond, need_of
from ssmc.algebra.starfree import StarFreeReport, check_starfree
from ssmc.errors import UsageError

if TYPE_CHECKING:
    from ssmc.automaton import Automaton

MONOID_LIMIT = 20_000
TIER_LOCAL = "Heinz, Rawal and Tanner 2011; Lambert and Rogers 2020: erase the neutral symbols"
TIER_TESTABLE = "Lambert 2023: erase the neutral symbols"


@dataclass(frozen=True)
class Classification:
    """Where a language sits.

    Attributes:
        memberships: one for each class, smallest classes first.
        level: the level of the Straubing-Thérien hierarchy as a sentence.
        need: what it asks of a model, if it is known.
        star_free: the verdict with its witness.
        monoid_size: the size of the syntactic monoid, None above the limit.
    """

    memberships: tuple[Membership, ...]
    level: str
    need: Need | None
    star_free: StarFreeReport
    monoid_size: int | None

    def __getitem__(self, name: str) -> Membership:
        """The membership in the named class."""
        return next(membership for membership in self.memberships if membership.name == name)

    def to_json(self, automaton: Automaton) -> dict[str, Any]:
        """The data of `classify --json`."""
        need = self.need
        return {
            "schema": "ssmc.classes/1",
            "monoid_size": self.monoid_size,
            "classes": [membership.to_json(automaton) for membership in self.memberships],
            "straubing_therien": self.level,
            "need": None if need is None else {"gates": need.gates, "text": need.text, "source": need.source},
        }


def classify(automaton: Automaton, *, monoid_limit: int = MONOID_LIMIT) -> Classification:
    """Decides the membership of a language in every class of the map, each with evidence.

    Args:
        automaton: the trimmed minimal automaton.
        monoid_limit: the largest syntactic monoid to enumerate; classes that need it are undecided above.

    Raises:
        UsageError: a pattern set is not one language.
    """
    if automaton.patterns:
        raise UsageError("a pattern set is several languages: classify each pattern alone")
    subject = Subject(automaton, monoid_limit)
    verdict = check_starfree(automaton, monoid_limit=0)
    r, left = r_trivial(subject), l_trivial(subject)
    piecewise = piecewise_testable(subject)
    up, down = upward_closed(subject), strictly_piecewise(subject)
    sigma, pi = level_three_halves(subject), level_three_halves(subject.complement)
    local, testable = strictly_local(subject), _locally_testable(subject)
    threshold = locally_threshold_testable(subject)
    memberships = (
        finite(subject),
        cofinite(subject),
        definite(subject),
        reverse_definite(subject),
        generalised_definite(subject),
        local,
        on_tier("tier-based-strictly-local", strictly_local, local, subject, TIER_LOCAL),
        testable,
        on_tier("tier-based-locally-testable", _locally_testable, testable, subject, TIER_TESTABLE),
        threshold,
        on_tier("tier-based-locally-threshold-testable", locally_threshold_testable, threshold, subject, TIER_TESTABLE),
        down,
        up,
        with_piecewise_order(subject, piecewise),
        j_trivial(subject, r, left),
        r,
        left,
        da(subject),
        sigma,
        _complemented(pi),
        local_da(subject),
        _star_free(subject, verdict),
        commutative(subject),
        group_language(subject),
        _settled(regular_ac0(subject), verdict),
        _settled(solvable(subject), verdict),
    )
    size = None if subject.monoid is None else subject.monoid.size
    level = _level(subject, verdict, up, down, piecewise, sigma, pi)
    shown = tuple(_with_example(subject, membership) for membership in memberships)
    return Classification(shown, level, _need(subject, verdict), verdict, size)


def _locally_testable(subject: Subject) -> Membership:
    return with_local_order(subject, locally_testable(subject))


def _settled(membership: Membership, verdict: StarFreeReport) -> Membership:
    """A class that has all star-free languages needs no monoid for them."""
    if membership.holds is None and verdict.verdict == "star-free":
        return Membership(membership.name, True, membership.theorem)
    return membership


def _with_example(subject: Subject, membership: Membership) -> Membership:
    """A positive answer without words gets a shortest word of the language and a shortest one outside."""
    if not membership.holds or membership.evidence is not None:
        return membership
    table = subject.complete
    reached = [table.path(q) for q in range(table.states)]
    inside = min((w for q, w in enumerate(reached) if q in table.accepting), key=len, default=None)
    outside = min((w for q, w in enumerate(reached) if q not in table.accepting), key=len, default=None)
    words = {name: word for name, word in (("yes", inside), ("no", outside)) if word is not None}
    parts = {"yes": "{yes} is a shortest word of the language", "no": "{no} is a shortest word outside"}
    claim = ", ".join(parts[name] for name in words)
    evidence = Evidence(claim, words, () if inside is None else (inside,), () if outside is None else (outside,))
    return replace(membership, evidence=evidence)


def _complemented(pi: Membership) -> Membership:
    """The complement's membership told of the language itself."""
    evidence = pi.evidence
    if evidence is not None:
        claim = evidence.claim.replace("is in the language and", "is not in the language and", 1)
        claim = claim.replace("{suffix} is not, for", "{suffix} is, for")
        evidence = Evidence(claim, evidence.words, evidence.outside, evidence.inside)
    return Membership("complement of level 3/2", pi.holds, pi.theorem, pi.order, evidence, pi.reason)


def _star_free(subject: Subject, verdict: StarFreeReport) -> Membership:
    theorem = "Schützenberger 1965: the syntactic monoid is aperiodic; McNaughton and Papert 1971: FO[<]"
    if verdict.witness is None:
        holds = None if verdict.verdict == "unknown" else True
        return Membership(
            "star-free", holds, theorem, reason=None if holds else f"the budget of {verdict.limit} ran out"
        )
    witness, number = verdict.witness, subject.automaton.alphabet.class_of
    prefix, word, suffix = (tuple(number(s) for s in w) for w in (witness.prefix, witness.word, witness.suffix))
    table = subject.complete
    tried = [(*prefix, *word * k, *suffix) for k in range(witness.period)]
    inside = tuple(w for w in tried if table.accepts(w))
    claim = Evidence(
        f"whether {{prefix}} ({{word}})^k {{suffix}} is in the language depends on k modulo {witness.period}",
        {"prefix": prefix, "word": word, "suffix": suffix},
        inside,
        tuple(w for w in tried if w not in inside),
    )
    return Membership("star-free", False, theorem, evidence=claim)


def _need(subject: Subject, verdict: StarFreeReport) -> Need | None:
    if verdict.verdict == "star-free":
        return STAR_FREE
    if subject.green is None:
        return None if verdict.witness is None else need_beyond(verdict.witness.period)
    return need_of([d.group for d in subject.green.d_classes if d.group is not None])


def _level(
    subject: Subject,
    verdict: StarFreeReport,
    up: Membership,
    down: Membership,
    piecewise: Membership,
    sigma: Membership,
    pi: Membership,
) -> str:
    """The least level that is known to hold it (levels 1/2 and 3/2 of the language or of its complement)."""
    if verdict.verdict == "not-star-free":
        return "none: not star-free"
    if subject.complete.states == 1:
        return "0"
    if up.holds or down.holds:
        return "1/2" if up.holds else "1 (the complement of level 1/2)"
    if piecewise.holds:
        return "1"
    if sigma.holds or pi.holds:
        if sigma.holds and pi.holds:
            return "3/2 (with its complement: FO2)"
        return "3/2" if sigma.holds else "2 (the complement of level 3/2)"
    if sigma.holds is None or pi.holds is None or verdict.verdict == "unknown":
        return "not known within the limits"
    return "2 or higher"
