"""Levels 0 to 3/2 of the Straubing-Thérien hierarchy, and strictly piecewise languages, by comparing the futures of states.

Level 1/2 is the shuffle ideals, level 1 the piecewise testable languages, level 3/2 the unions of A0* a1 A1* ... an An*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.algebra.classify.membership import Evidence, Membership, undecided
from ssmc.algebra.graph import strong_components
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from ssmc.algebra.classify.subject import Complete, Subject, Word

PAIR_LIMIT = 3_000_000
OBSTRUCTION_LIMIT = 50_000
"""Pairs of a state and the states of its shortened words to explore for the order of a strictly piecewise language."""
_COSTLY = "the pair graph is above its limit"


def missing_futures(table: Complete) -> dict[int, tuple[int, int] | None]:
    """The pairs p·n + q (n states) for which some word is accepted from p and not from q, each with the pair and class it follows from."""
    n = len(table.delta)
    letters = range(len(table.delta[0]))
    found: dict[int, tuple[int, int] | None] = {
        p * n + q: None for p in table.accepting for q in range(n) if q not in table.accepting
    }
    before: list[list[list[int]]] = [[[] for _ in range(n)] for _ in letters]
    for p, row in enumerate(table.delta):
        for c, r in enumerate(row):
            before[c][r].append(p)
    queue = list(found)
    for pair in queue:
        r, s = divmod(pair, n)
        for c in letters:
            sources = before[c][s]
            for p in before[c][r]:
                for q in sources:
                    if p * n + q not in found:
                        found[p * n + q] = (pair, c)
                        queue.append(p * n + q)
    return found


def _spell(found: dict[int, tuple[int, int] | None], pair: int) -> Word:
    word = []
    step = found[pair]
    while step is not None:
        pair, c = step
        word.append(c)
        step = found[pair]
    return tuple(word)


def _too_large(table: Complete) -> bool:
    return table.states**2 * max(1, len(table.delta[0])) > PAIR_LIMIT


def upward_closed(subject: Subject) -> Membership:
    """Whether inserting symbols keeps a word in the language: level 1/2, the shuffle ideals."""
    name, theorem = (
        "level 1/2 (shuffle ideal)",
        "Haines 1969; Pin and Weil 1997: inserting symbols never leaves the language",
    )
    table = subject.complete
    if _too_large(table):
        return undecided(name, theorem, _COSTLY)
    found, n = missing_futures(table), table.states
    for q, row in enumerate(table.delta):
        for c, r in enumerate(row):
            if q * n + r in found:
                suffix, prefix = _spell(found, q * n + r), table.path(q)
                yes, no = (*prefix, *suffix), (*prefix, c, *suffix)
                claim = Evidence("{yes} is in the language, {no} is not", {"yes": yes, "no": no}, (yes,), (no,))
                return Membership(name, False, theorem, evidence=claim)
    return Membership(name, True, theorem)


def strictly_piecewise(subject: Subject) -> Membership:
    """Whether deleting symbols keeps a word in the language; the order is the length of the longest minimal forbidden subword."""
    name = "strictly-piecewise"
    theorem = "Haines 1969; Rogers et al. 2010: closed under deletion of symbols"
    up = upward_closed(subject.complement)
    if up.holds is None:
        return undecided(name, theorem, _COSTLY)
    if not up.holds and up.evidence is not None:
        shorter, longer = up.evidence.words["yes"], up.evidence.words["no"]
        claim = Evidence("{yes} is in the language, {no} is not", {"yes": longer, "no": shorter}, (longer,), (shorter,))
        return Membership(name, False, theorem, evidence=claim)
    forbidden = _longest_obstruction(subject)
    if forbidden is None:
        return Membership(name, True, theorem, reason="its order is not known within the limit")
    if not forbidden:
        empty = not subject.automaton.states
        text = "the empty word is forbidden" if empty else "nothing is forbidden"
        return Membership(name, True, theorem, order=0, evidence=Evidence(text))
    claim = Evidence(
        f"forbidden subwords of length {len(forbidden)} decide, shorter ones do not: "
        "{word} is forbidden and no part of it is",
        {"word": forbidden[0]},
        tuple(forbidden[0][:i] + forbidden[0][i + 1 :] for i in range(len(forbidden[0]))),
        (forbidden[0],),
    )
    return Membership(name, True, theorem, order=len(forbidden[0]), evidence=claim)


def _longest_obstruction(subject: Subject) -> tuple[Word, ...] | None:
    """The longest word outside a downward closed language all of whose shortenings are inside, in a tuple; empty if there is none.

    A prefix is followed by its state and by the states of its shortenings by one symbol; a symbol that holds the state can be left
    out and never occurs.
    """
    delta = subject.automaton.delta
    if not delta:
        return ()
    start = (0, frozenset[int]())
    words: dict[tuple[int, frozenset[int]], Word] = {start: ()}
    best: Word | None = None
    level = [start]
    while level:
        following: dict[tuple[int, frozenset[int]], Word] = {}
        for state, shortened in level:
            word = words[state, shortened]
            for c, after in enumerate(delta[state]):
                kept = frozenset(delta[d][c] for d in shortened) | {state}
                if after == DEAD and DEAD not in kept:
                    best = (*word, c)
                elif after not in (DEAD, state):
                    following.setdefault((after, kept), (*word, c))
        if len(words) + len(following) > OBSTRUCTION_LIMIT:
            return None
        words |= following
        level = list(following)
    return () if best is None else (best,)


def level_three_halves(subject: Subject) -> Membership:
    """Whether the language is a union of A0* a1 A1* ... an An*: Σ2 of the quantifier alternation hierarchy.

    The criterion of Pin and Weil: if x holds a state p, y uses symbols of x only and x holds r = p·y, then all words accepted from p are accepted from r. For a pair
    (p, r) the richest such x uses every symbol on an edge inside the pair's strongly connected component.
    """
    name, theorem = (
        "level 3/2",
        "Arfi 1991; Pin and Weil 1997: x^ω y x^ω may stand for x^ω if y has no symbol that x has not",
    )
    table = subject.complete
    if _too_large(table):
        return undecided(name, theorem, _COSTLY)
    n, delta = table.states, table.delta
    letters = range(len(delta[0]))
    found = missing_futures(table)

    def heads(pair: int) -> list[int]:
        p, r = divmod(pair, n)
        return [delta[p][c] * n + delta[r][c] for c in letters]

    reach: dict[tuple[int, tuple[int, ...]], set[int]] = {}
    for component in strong_components(n * n, heads):
        inside = set(component)
        used = tuple(c for c in letters if any(heads(pair)[c] in inside for pair in component))
        if not used:
            continue
        for pair in component:
            p, r = divmod(pair, n)
            if pair not in found:
                continue
            key = (p, used)
            if key not in reach:
                reach[key] = _reachable(table, p, used)
            if r in reach[key]:
                return Membership(name, False, theorem, evidence=_insertion(subject, pair, inside, used, found))
    return Membership(name, True, theorem)


def _reachable(table: Complete, start: int, letters: tuple[int, ...]) -> set[int]:
    seen = {start}
    queue = [start]
    for q in queue:
        for c in letters:
            if table.delta[q][c] not in seen:
                seen.add(table.delta[q][c])
                queue.append(table.delta[q][c])
    return seen


def _insertion(
    subject: Subject, pair: int, inside: set[int], used: tuple[int, ...], found: dict[int, tuple[int, int] | None]
) -> Evidence:
    table, n = subject.complete, subject.complete.states
    p, r = divmod(pair, n)
    prefix, middle, suffix = table.path(p), table.between(p, r, used) or (), _spell(found, pair)
    loop = _rich_loop(table, pair, inside, middle)
    yes, no = (*prefix, *loop, *suffix), (*prefix, *loop, *middle, *loop, *suffix)
    return Evidence(
        "{prefix} ({loop})^k {suffix} is in the language and {prefix} ({loop})^k {middle} ({loop})^k {suffix} is not, for every k",
        {"prefix": prefix, "loop": loop, "middle": middle, "suffix": suffix},
        (yes,),
        (no,),
    )


def _rich_loop(table: Complete, start: int, inside: set[int], needed: Word) -> Word:
    """A loop at a pair of states inside its component that uses every needed symbol."""
    n = table.states
    word: list[int] = []
    here = start

    def path(origin: int, goals: set[tuple[int, int]] | None) -> tuple[list[int], int]:
        via: dict[int, tuple[int, int]] = {}
        queue = [origin]
        for pair in queue:
            p, r = divmod(pair, n)
            for c in range(len(table.delta[0])):
                head = table.delta[p][c] * n + table.delta[r][c]
                hit = head == start if goals is None else (pair, c) in goals
                if head in inside and (hit or (head not in via and head != origin)):
                    if hit:
                        steps = [c]
                        while pair != origin:
                            pair, c = via[pair]
                            steps.append(c)
                        return steps[::-1], head
                    via[head] = (pair, c)
                    queue.append(head)
        raise ValueError("the component is not strongly connected")

    for symbol in dict.fromkeys(needed):
        if symbol not in word:
            goals = {(pair, symbol) for pair in inside}
            goals = {
                (pair, c) for pair, c in goals if table.delta[pair // n][c] * n + table.delta[pair % n][c] in inside
            }
            steps, here = path(here, goals)
            word += steps
    if here != start or not word:
        steps, here = path(here, None)
        word += steps
    return tuple(word)
