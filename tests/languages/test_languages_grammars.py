"""Every shipped grammar is what it says; the monoid size is enumerated here, independently of ssmc.algebra."""

import pytest

from ssmc.languages import parse_grammar, read_language, shipped_grammars
from ssmc.languages.limits import Budget

PATHS = shipped_grammars()
# states with the sink and monoid sizes, computed independently of ssmc
KNOWN = {
    "tomita-1": (2, 2), "tomita-2": (3, 6), "tomita-4": (4, 12), "tomita-7": (5, 9), "abcde": (7, 17), "ab-d-bc": (3, 5),
    "zeros-two": (2, 3), "d-2": (4, 15), "d-3": (5, 31), "d-4": (6, 56), "d-12": (14, 820), "parity": (2, 2), "aa-even": (2, 2),
    "aaaa": (4, 4), "abab": (5, 10), "tomita-3": (5, 26), "tomita-5": (4, 4), "tomita-6": (3, 3),
}  # fmt: skip


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
