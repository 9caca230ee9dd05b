"""Every shipped grammar is what it says; the monoid size is enumerated here, independently of ssmc.algebra."""

from itertools import product
from math import comb, factorial

import pytest

from ssmc.algebra.classify import classify
from ssmc.languages import parse_grammar, read_language, shipped_grammars
from ssmc.languages.limits import Budget

PATHS = shipped_grammars()
# states with the sink and monoid sizes, computed independently of ssmc
KNOWN = {
    "tomita-1": (2, 2), "tomita-2": (3, 6), "tomita-4": (4, 12), "tomita-7": (5, 9), "abcde": (7, 17), "ab-d-bc": (3, 5),
    "zeros-two": (2, 3), "d-2": (4, 15), "d-3": (5, 31), "d-4": (6, 56), "d-12": (14, 820), "parity": (2, 2), "aa-even": (2, 2),
    "aaaa": (4, 4), "abab": (5, 10), "tomita-3": (5, 26), "tomita-5": (4, 4), "tomita-6": (3, 3),
    # n^n maps, C(2n-1, n-1) order-preserving ones, sum over k of C(n, k) C(n+k-1, k) partial ones, n!, 5!/2
    "transformations-3": (3, 3**3), "transformations-4": (4, 4**4), "order-preserving-4": (4, comb(7, 3)),
    "order-preserving-5": (5, comb(9, 4)), "partial-order-3": (4, sum(comb(3, k) * comb(2 + k, k) for k in range(4))),
    "symmetric-3": (3, factorial(3)), "alternating-5": (5, factorial(5) // 2),
}  # fmt: skip


# what the stories of the files say of classes: (in, not in)
CLASSES = {
    "contains-ab": ("locally-testable", "strictly-local"),
    "one-a": ("locally-threshold-testable", "locally-testable"),
    "alternate-ab": ("star-free", "locally-threshold-testable"),
    "subsequence-abc": ("J-trivial", "locally-threshold-testable"),
    "first-a": ("R-trivial", "J-trivial"),
    "zeros-two": ("L-trivial", "J-trivial"),
    "tomita-4": ("strictly-local", "J-trivial"),
    "tomita-7": ("piecewise-testable", "locally-testable"),
    "alternating-5": ("group language", "solvable groups"),
    "symmetric-3": ("solvable groups", "commutative"),
    "fourth-from-end": ("definite", "reverse-definite"),
}
# live and sink states, monoid sizes and verdicts are the paper's: 11 star-free languages, 7 that are not
PAPER = {
    True: [
        "tomita-1",
        "tomita-2",
        "tomita-4",
        "tomita-7",
        "abcde",
        "ab-d-bc",
        "zeros-two",
        "d-2",
        "d-3",
        "d-4",
        "d-12",
    ],
    False: ["parity", "aa-even", "aaaa", "abab", "tomita-3", "tomita-5", "tomita-6"],
}


def transition_monoid(automaton):
    """All maps of the complete DFA, identity included, by closing under right multiplication."""
    sink = automaton.states
    rows = [[sink if r < 0 else r for r in row] for row in automaton.delta]
    if not automaton.is_complete:
        rows.append([sink] * automaton.classes)
    letters = list(zip(*rows, strict=True))
    identity = tuple(range(len(rows)))
    seen, stack = {identity}, [identity]
    while stack:
        element = stack.pop()
        for letter in letters:
            product = tuple(letter[q] for q in element)
            if product not in seen:
                seen.add(product)
                stack.append(product)
    return seen


def aperiodic(monoid):
    """Whether every element m has m^k = m^(k+1) for some k."""
    for element in monoid:
        power, seen = element, []
        while power not in seen:
            seen.append(power)
            power = tuple(element[q] for q in power)
        if power != seen[-1]:
            return False
    return True


def test_the_promised_grammars_are_there():
    names = {path.stem for path in PATHS}
    promised = {"ab-ba-star", "aa-star", "fourth-from-end", "flip-flop", "dyck-2-3"}
    assert promised | KNOWN.keys() <= names


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_grammar(path):
    grammar = parse_grammar(path.read_text(), str(path))
    automaton = grammar.automaton(Budget())
    automaton.check()
    assert grammar.name == path.stem
    assert grammar.reference
    assert grammar.why
    assert grammar.accepts
    assert grammar.rejects
    assert grammar.alphabet == automaton.alphabet.names
    assert (automaton.states, automaton.complete_states) == (grammar.states, grammar.complete_states)
    monoid = transition_monoid(automaton)
    assert len(monoid) == grammar.monoid_size
    assert aperiodic(monoid) == grammar.star_free
    if path.stem in KNOWN:
        assert (grammar.complete_states, grammar.monoid_size) == KNOWN[path.stem]
    for word in grammar.accepts:
        assert automaton.accepts(automaton.alphabet.encode_names(word)), word
    for word in grammar.rejects:
        assert not automaton.accepts(automaton.alphabet.encode_names(word)), word


def test_the_languages_of_the_paper():
    verdicts = {path.stem: parse_grammar(path.read_text(), str(path)).star_free for path in PATHS}
    assert [len(names) for names in PAPER.values()] == [11, 7]
    for verdict, names in PAPER.items():
        assert {verdicts[name] for name in names} == {verdict}
        assert set(names) <= KNOWN.keys()


@pytest.mark.parametrize("name", CLASSES)
def test_the_stories_of_the_bestiary(name):
    inside, outside = CLASSES[name]
    holds = {member.name: member.holds for member in classify(read_language(name).automaton).memberships}
    assert (holds[inside], holds[outside]) == (True, False)


def test_the_flip_flop_of_the_paper():
    """Every word of up to six symbols against the definition: pairs, a write first, reads repeat the last written bit."""
    automaton = read_language("flip-flop-bits").automaton
    for length in range(7):
        for word in product("wri01", repeat=length):
            pairs = list(zip(word[::2], word[1::2], strict=False))
            good = length % 2 == 0 and all(op in "wri" and bit in "01" for op, bit in pairs)
            memory = None
            for op, bit in pairs:
                good = good and memory is not None if op != "w" else good
                good = good and (op != "r" or bit == memory)
                memory = bit if op == "w" else memory
            assert automaton.accepts(automaton.alphabet.encode_names(word)) == good, word


def test_grammars_are_found_by_name():
    language = read_language("flip-flop")
    assert (language.name, language.syntax, language.level, language.automaton.states) == (
        "flip-flop", "grammar", "symbol", 3,
    )  # fmt: skip


def test_bounded_dyck_agrees_with_counting_brackets():
    automaton = read_language("dyck-2-3").automaton
    words = [()]
    for _ in range(7):
        words = [(*word, symbol) for word in words for symbol in range(4)]
        for word in words:
            stack = []
            legal = True
            for symbol in word:
                if symbol < 2:
                    stack.append(symbol)
                    legal = legal and len(stack) <= 3
                else:
                    legal = legal and bool(stack) and stack.pop() == symbol - 2
                if not legal:
                    break
            assert automaton.accepts(word) == (legal and not stack)
        words = words if len(words) < 3000 else words[::5]
