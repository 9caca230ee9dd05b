"""Formal notation: against automata-lib's operations, against Python's `re`, and by hand."""

import re
from itertools import product

import pytest
from automata.fa.dfa import DFA
from automata.fa.nfa import NFA
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import Automaton
from ssmc.errors import InputError, LimitError, RegexSyntaxError, UsageError
from ssmc.languages import language_of

LETTERS = "abc"


@st.composite
def trees(draw, depth=3, boolean=False):
    """(kind, children...) trees of small expressions."""
    if depth == 0:
        return ("letter", draw(st.sampled_from(LETTERS)))
    kinds = ["letter", "letter", "cat", "cat", "or", "star", "plus", "option", "count", "empty"]
    kind = draw(st.sampled_from(kinds + (["and", "minus", "not", "shuffle"] if boolean else [])))
    sub = trees(depth=depth - 1, boolean=boolean)
    if kind == "letter":
        return (kind, draw(st.sampled_from(LETTERS)))
    if kind in ("cat", "or", "and", "minus", "shuffle"):
        return (kind, draw(sub), draw(sub))
    if kind == "count":
        least = draw(st.integers(0, 3))
        most = draw(st.one_of(st.none(), st.integers(least, 4)))
        return (kind, draw(sub), least, most)
    if kind == "empty":
        return (kind,)
    return (kind, draw(sub))


def text_of(tree, empty="()"):
    kind, *rest = tree
    inner = [f"({text_of(child, empty)})" if child[0] not in ("letter", "empty") else text_of(child, empty)
             for child in rest if isinstance(child, tuple)]  # fmt: skip
    if kind == "letter":
        return rest[0]
    if kind == "empty":
        return empty
    if kind == "count":
        least, most = rest[1:]
        return f"{inner[0]}{{{least},{'' if most is None else most}}}"
    if kind == "cat":
        return "".join(inner)
    if kind == "not":
        return "~" + inner[0]
    marks = {"or": "|", "and": "&", "minus": "-", "shuffle": "^", "star": "*", "plus": "+", "option": "?"}
    return marks[kind].join(inner) if len(inner) == 2 else inner[0] + marks[kind]


def word_nfa(word):
    """automata-lib's NFA of one word."""
    n = len(word)
    return NFA(
        states=set(range(n + 1)), input_symbols=set(LETTERS), initial_state=0, final_states={n},
        transitions={i: {word[i]: {i + 1}} for i in range(n)},
    )  # fmt: skip


def oracle(tree):
    """The same tree by automata-lib's constructions only."""
    kind, *rest = tree
    sub = [oracle(child) for child in rest if isinstance(child, tuple)]
    if kind == "letter":
        return word_nfa(rest[0])
    if kind == "empty":
        return word_nfa("")
    if kind == "cat":
        return sub[0].concatenate(sub[1])
    if kind == "or":
        return sub[0].union(sub[1])
    if kind == "star":
        return sub[0].kleene_star()
    if kind == "plus":
        return sub[0].concatenate(sub[0].kleene_star())
    if kind == "option":
        return sub[0].option()
    if kind == "count":
        least, most = rest[1:]
        out = word_nfa("")
        for _ in range(least):
            out = out.concatenate(sub[0])
        if most is None:
            return out.concatenate(sub[0].kleene_star())
        for _ in range(most - least):
            out = out.concatenate(sub[0].option())
        return out
    if kind == "shuffle":
        return sub[0].shuffle_product(sub[1])
    dfas = [DFA.from_nfa(nfa).to_complete() for nfa in sub]
    result = {"and": lambda: dfas[0] & dfas[1], "minus": lambda: dfas[0] - dfas[1], "not": lambda: ~dfas[0]}[kind]()
    return NFA.from_dfa(result.minify())


@settings(max_examples=150, deadline=None)
@given(trees())
def test_agrees_with_automata_lib(tree):
    expected = Automaton.from_dfa(DFA.from_nfa(oracle(tree)), LETTERS)
    assert language_of(text_of(tree), alphabet=LETTERS).automaton == expected


@settings(max_examples=80, deadline=None)
@given(trees(depth=2, boolean=True))
def test_set_operations_agree_with_automata_lib(tree):
    expected = Automaton.from_dfa(DFA.from_nfa(oracle(tree)), LETTERS)
    assert language_of(text_of(tree), alphabet=LETTERS).automaton == expected


@settings(max_examples=150, deadline=None)
@given(trees(depth=3), st.lists(st.text(LETTERS, max_size=8), min_size=5, max_size=20))
def test_agrees_with_re_on_the_shared_syntax(tree, words):
    text = text_of(tree)
    automaton = language_of(text, alphabet=LETTERS).automaton
    automaton.check()
    pattern = re.compile(text)
    for word in words + ["".join(w) for n in range(4) for w in product(LETTERS, repeat=n)]:
        assert automaton.accepts(automaton.alphabet.encode(word)) == bool(pattern.fullmatch(word)), word


def accepted(expression, alphabet, longest=4):
    """The words of the language up to a length, as strings of names."""
    automaton = language_of(expression, alphabet=alphabet).automaton
    automaton.check()
    names = automaton.alphabet.names
    words = (w for n in range(longest + 1) for w in product(range(len(names)), repeat=n))
    return {"".join(names[i] for i in w) for w in words if automaton.accepts(w)}


@pytest.mark.parametrize(
    ("expression", "alphabet", "words"),
    [
        ("()", "a", {""}),
        ("ε", "a", {""}),
        ("∅", "a", set()),
        ("a∅|∅*", "a", {""}),
        ("a?b", "ab", {"b", "ab"}),
        ("a | b c", "abc", {"a", "bc"}),
        ("~(~∅·b·~∅)", "ab", {"", "a", "aa", "aaa", "aaaa"}),
        ("a{2,3}", "a", {"aa", "aaa"}),
        ("a{ , 2 }", "a", {"", "a", "aa"}),
        ("(a?){3}", "a", {"", "a", "aa", "aaa"}),
        ("a{0}", "a", {""}),
        ("[^b]c", "abc", {"ac", "cc"}),
        ("[a-c]", "abcx", {"a", "b", "c"}),
        ("..", "ab", {"aa", "ab", "ba", "bb"}),
        (r"\(\)|\\", "()\\", {"()", "\\"}),
        ("w0 w1|w10", "w0,w1,w10", {"w0w1", "w10"}),
        ("w1 0", "w1,w10,0", {"w10"}),  # white space ends the munch: the word w1 0, not the symbol w10
        (r"a\|b", "a|b,c", {"a|b"}),
        ("ab^c", "abc", {"abc", "acb", "cab"}),
        ("a|b&b|c", "abc", {"a", "b", "c"}),  # & binds tighter than |
        ("(a|b)-b&b", "ab", {"a"}),  # & binds tighter than -
        ("a|b-b", "ab", {"a"}),
        ("~a*&a.?", "ab", {"ab"}),  # ~ takes the whole postfix operand a*
    ],
)
def test_by_hand(expression, alphabet, words):
    assert accepted(expression, alphabet) == words


@pytest.mark.parametrize(
    ("expression", "line", "column"),
    [
        ("(ab", 1, 1), ("ab)", 1, 3), ("a|*", 1, 3), ("*a", 1, 1), ("a||b", 1, 3), ("a|", 1, 3), ("a{2,1}", 1, 2),
        ("a{x}", 1, 2), ("a{2", 1, 2), ("a{}", 1, 2), ("a{,}", 1, 2), ("abz", 1, 3), ("a\nb\n z", 3, 2), ("[ab", 1, 1),
        ("[]", 1, 1), ("[b-a]", 1, 3), ("[.]", 1, 2), ("a\\", 1, 2), ("^a", 1, 1), ("a$", 1, 2), ("(?:a)", 1, 2), ("~", 1, 2),
        ("a&", 1, 3), ("a-(b", 1, 3), ("a]", 1, 2), ("a{²}", 1, 2), ("(|a)", 1, 2),
    ],
)  # fmt: skip
def test_malformed_expressions_carry_their_position(expression, line, column):
    with pytest.raises(RegexSyntaxError) as caught:
        language_of(expression, alphabet="ab")
    position = caught.value.position
    assert (position.line, position.column) == (line, column)
    assert position.caret().splitlines()[1] == " " * (column - 1) + "^"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    ["(a|b)*a(a|b){40}", "a{1000000}", "((a{100}){100}){100}", "a{99999999999999999999}", "(" * 5000 + "a" + ")" * 5000,
     "~" * 5000 + "a", "a" + "*" * 5000, "(a|b)*a(a|b){40}&b", "(a|b){30000}"],
)  # fmt: skip
def test_limits_are_quick(expression):
    from time import monotonic

    start = monotonic()
    with pytest.raises(LimitError) as caught:
        language_of(expression, alphabet="ab")
    assert monotonic() - start < 5
    assert caught.value.reached > caught.value.limit


def test_time_limit():
    with pytest.raises(LimitError, match="seconds"):
        language_of("(a|b)*a(a|b){12}", alphabet="ab", seconds=0.0)


def test_the_state_limit_is_an_option():
    with pytest.raises(LimitError, match="--state-limit"):
        language_of("(a|b)*a(a|b){5}", alphabet="ab", state_limit=20)
    assert language_of("(a|b)*a(a|b){5}", alphabet="ab", state_limit=64).automaton.states == 64


@pytest.mark.parametrize("alphabet", ["aa", "a,,b", "a,b,a", "a b", ""])
def test_bad_alphabets(alphabet):
    with pytest.raises(InputError):
        language_of("a", alphabet=alphabet)


def test_usage():
    with pytest.raises(UsageError, match="syntax"):
        language_of("a", alphabet="a", syntax="pcre")
