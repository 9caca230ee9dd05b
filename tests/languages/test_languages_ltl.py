"""Temporal logic: against the definition of its semantics, position by position, on all short words."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.errors import InputError, LimitError, UsageError
from ssmc.languages import language_of, read_language

LETTERS = "abc"
FUTURE = set("XNFGURWM")
PAST = set("YZOHST")
DUAL = {"X": "N", "N": "X", "F": "G", "G": "F", "U": "R", "R": "U", "Y": "Z", "Z": "Y", "O": "H", "H": "O", "S": "T", "T": "S",
        "W": "M", "M": "W"}  # fmt: skip


def holds(tree, word, i):
    """The semantics, straight from the definition."""
    kind, *rest = tree
    n = len(word)
    if kind == "letter":
        return word[i] in rest[0]
    if kind == "!":
        return not holds(rest[0], word, i)
    if kind == "&":
        return holds(rest[0], word, i) and holds(rest[1], word, i)
    if kind == "|":
        return holds(rest[0], word, i) or holds(rest[1], word, i)
    if kind == "->":
        return not holds(rest[0], word, i) or holds(rest[1], word, i)
    if kind == "<->":
        return holds(rest[0], word, i) == holds(rest[1], word, i)
    if kind in ("X", "N"):
        return holds(rest[0], word, i + 1) if i + 1 < n else kind == "N"
    if kind in ("Y", "Z"):
        return holds(rest[0], word, i - 1) if i > 0 else kind == "Z"
    if kind in ("F", "G"):
        return (any if kind == "F" else all)(holds(rest[0], word, j) for j in range(i, n))
    if kind in ("O", "H"):
        return (any if kind == "O" else all)(holds(rest[0], word, j) for j in range(i + 1))
    a, b = rest
    if kind == "U":
        return any(holds(b, word, j) and all(holds(a, word, k) for k in range(i, j)) for j in range(i, n))
    if kind == "S":
        return any(holds(b, word, j) and all(holds(a, word, k) for k in range(j + 1, i + 1)) for j in range(i + 1))
    if kind == "W":
        return holds(("|", ("U", a, b), ("G", a)), word, i)
    if kind == "M":
        return holds(("U", b, ("&", a, b)), word, i)
    dual = ("U" if kind == "R" else "S", ("!", a), ("!", b))
    return not holds(dual, word, i)


def on_nothing(tree):
    """The value on the empty word: letters and strong operators false, weak ones true."""
    kind, *rest = tree
    if kind == "!":
        return not on_nothing(rest[0])
    if kind == "&":
        return on_nothing(rest[0]) and on_nothing(rest[1])
    if kind == "|":
        return on_nothing(rest[0]) or on_nothing(rest[1])
    if kind == "->":
        return not on_nothing(rest[0]) or on_nothing(rest[1])
    if kind == "<->":
        return on_nothing(rest[0]) == on_nothing(rest[1])
    return kind in "NGRZHTW"


def text_of(tree):
    kind, *rest = tree
    if kind == "letter":
        return "{" + ", ".join(rest[0]) + "}" if len(rest[0]) > 1 else rest[0]
    if len(rest) == 1:
        return f"{kind} ({text_of(rest[0])})"
    return f"({text_of(rest[0])}) {kind} ({text_of(rest[1])})"


def operators(tree):
    return {tree[0]}.union(*(operators(part) for part in tree[1:] if isinstance(part, tuple)))


@st.composite
def trees(draw, depth=3, past_only=False):
    letter = ("letter", draw(st.sampled_from(["a", "b", "c", "ab", "bc"])))
    if depth == 0:
        return letter
    kinds = ["letter", "!", "&", "|", "->", "<->", *"YZOHST"] + ([] if past_only else list("XNFGURWM") * 2)
    kind = draw(st.sampled_from(kinds))
    if kind == "letter":
        return letter
    sub = trees(depth=depth - 1, past_only=past_only or kind in PAST)
    return (kind, draw(sub)) if kind in "!XNFGYZOH" else (kind, draw(sub), draw(sub))


WORDS = ["".join(w) for n in range(1, 6) for w in product(LETTERS, repeat=n)]


def aperiodic(automaton):
    """Whether no word permutes states of the DFA: every element of the transition monoid has m^k = m^(k+1)."""
    sink = automaton.states
    rows = [[sink if r < 0 else r for r in row] for row in automaton.delta] + [[sink] * automaton.classes]
    letters = list(zip(*rows, strict=True))
    seen = set(letters)
    stack = list(seen)
    while stack and len(seen) < 20_000:
        element = stack.pop()
        for letter in letters:
            longer = tuple(letter[q] for q in element)
            if longer not in seen:
                seen.add(longer)
                stack.append(longer)
    for element in seen:
        power = element
        for _ in range(len(element)):
            power = tuple(element[q] for q in power)
        if tuple(element[q] for q in power) != power:
            return False
    return True


@settings(max_examples=200, deadline=None)
@given(trees())
def test_semantics(tree):
    automaton = language_of(text_of(tree), alphabet=LETTERS, syntax="ltl").automaton
    automaton.check()
    used = operators(tree)
    at_last = bool(used & PAST) and not used & FUTURE
    for word in WORDS[::3] if len(used) > 4 else WORDS[:120]:
        place = len(word) - 1 if at_last else 0
        assert automaton.accepts(automaton.alphabet.encode(word)) == holds(tree, word, place), word
    assert automaton.accepts([]) == on_nothing(tree)
    assert aperiodic(automaton)


@pytest.mark.parametrize(
    ("formula", "expression"),
    [
        ("G(a -> X b)", "([bc]|ab)*"), ("F a", ".*a.*"), ("G a", "a*"), ("a U b", "a*b.*"), ("last", ".?"), ("X last", ".."),
        ("O a", ".*a.*"), ("Y true", "..+"), ("b S a", ".*ab*"), ("first", ".?"), ("F(a & O b)", ".*b.*a.*"), ("G(a -> F last & true)", ".*"),
        ("true", ".*"), ("false", "∅"), ("{a, b} U c", "[ab]*c.*"), ("!a", "()|[bc].*"), ("a & X b | c", "ab.*|c.*"), ("a -> b -> c", "()|[bc].*|a.*"),
        ("a W b", "a*|a*b.*"), ("a M b", "∅"), ("{a, b} M b", "b.*"), ("F G a", "()-()|.*a"), ("G F a", "()|.*a"), ("X X true", "...+"), ("N false", "()|."),
    ],
)  # fmt: skip
def test_formulas_as_expressions(formula, expression):
    logic = language_of(formula, alphabet=LETTERS, syntax="ltl").automaton
    assert logic == language_of(expression, alphabet=LETTERS).automaton


def test_files_and_named_sets(tmp_path):
    path = tmp_path / "x.ltl"
    path.write_text(
        '#: alphabet = ["w0", "w1", "r0", "X"]\n#: sets = { write = ["w0", "w1"] }\nG(r0 -> Y(w0)) &\n G(write | r0 | "X")\n'
    )
    language = read_language(str(path))
    assert (language.syntax, language.name) == ("ltl", "x")
    encode = language.automaton.alphabet.encode_names
    assert language.automaton.accepts(encode(["w0", "r0", "X"]))
    assert not language.automaton.accepts(encode(["w1", "r0"]))
    path.write_text('#: alphabet = "ab"\n#: sets = { x = ["c"] }\nx')
    with pytest.raises(InputError, match="set 'x'"):
        read_language(str(path))


@pytest.mark.parametrize(
    ("formula", "column", "message"),
    [
        ("a U", 4, "missing before the end"), ("U a", 1, "missing before operator U"), ("(a", 1, "'(' without ')'"), ("a)", 2, "unexpected ')'"), ("{a, b", 1, "'{' without '}'"),
        ("{a,}", 4, "missing before '}'"), ("d", 1, "no symbol of the alphabet"), ("a b", 3, "unexpected 'b'"), ("a ? b", 3, "unexpected '?'"), ("O F a", 1, "future operator under the past operator O"),
        ("a S (X b)", 3, "future operator under the past operator S"), ("H last", 1, "future operator"), ("G", 2, "missing before the end"), ("'a", 1, "unexpected"), ("", 1, "empty expression"),
    ],
)  # fmt: skip
def test_malformed_formulas(formula, column, message):
    with pytest.raises(InputError) as caught:
        language_of(formula, alphabet=LETTERS, syntax="ltl")
    assert message in str(caught.value)
    assert caught.value.position.column == column


def test_limits_and_usage():
    with pytest.raises(LimitError):
        language_of("(" * 3000 + "a" + ")" * 3000, alphabet="ab", syntax="ltl")
    with pytest.raises(LimitError):
        language_of("!" * 3000 + "a", alphabet="ab", syntax="ltl")
    with pytest.raises(LimitError):
        language_of("F(a & " + "X(true & " * 14 + "a" + ")" * 15, alphabet="ab", syntax="ltl", state_limit=1000)
    with pytest.raises(UsageError, match="alphabet"):
        language_of("F a", syntax="ltl")
