"""HOA on finite words: files as other tools write them, labels against brute force, and malformed ones with their places."""

import random
import re
from itertools import product

import pytest

from ssmc.errors import InputError, LimitError
from ssmc.languages import read_language
from ssmc.languages.formats import automaton_text, read_automaton
from ssmc.languages.formats.hoa import valuation_names
from ssmc.languages.formats.hoa_text import Labels, Words
from ssmc.languages.limits import Budget

REQUEST = """HOA: v1
/* every request is granted later /* nested */ */
tool: "by hand" "1"
name: "G(r -> F g)"
States: 2
Start: 0
AP: 2 "r" "g"
acc-name: Buchi
Acceptance: 1 Inf(0)
Alias: @waits 0 & !1
properties: trans-labels explicit-labels state-acc deterministic
--BODY--
State: 0 "idle" {0}
[@waits] 1
[!@waits] 0
State: 1
[1] 0
[!1] 1
--END--
"""


def test_a_file_of_another_tool(tmp_path):
    path = tmp_path / "x.hoa"
    path.write_text(REQUEST)
    automaton = read_language(str(path)).automaton
    names = automaton.alphabet.names
    assert names == ("!r&!g", "r&!g", "!r&g", "r&g")
    for length in range(6):
        for word in product(range(4), repeat=length):
            waiting = False
            for symbol in word:
                waiting = not symbol & 2 and (waiting or bool(symbol & 1))
            assert automaton.accepts(word) == (not waiting)
    assert read_automaton(automaton_text(automaton, "hoa"), "hoa", Budget()) == automaton
    # by its content under any name
    other = tmp_path / "x.automaton"
    other.write_text(REQUEST)
    assert read_language(str(other)).syntax == "hoa"


def test_many_starts_and_targets_are_alternatives():
    text = 'HOA: v1 Start: 0 Start: 2 AP: 1 "a" Acceptance: 1 Inf(0) --BODY-- State: 0 [0] 0 [0] 1 State: 1 {0} State: 2 [!0] 1 --END--'
    automaton = read_automaton(text, "hoa", Budget())
    for length in range(5):
        for word in product((0, 1), repeat=length):
            assert automaton.accepts(word) == (word == (0,) or (length > 0 and all(word)))


@pytest.mark.parametrize(("condition", "words"), [("0 t", {(), (0,), (0, 0)}), ("0 f", set()), ("1 Inf(0)", {(0,)})])
def test_acceptance(condition, words):
    text = f'HOA: v1 States: 3 Start: 0 AP: 1 "a" Acceptance: {condition} --BODY-- State: 0 [!0] 1 State: 1 {{0}} [!0] 2 State: 2 --END--'
    automaton = read_automaton(text, "hoa", Budget())
    every = [word for length in range(4) for word in product((0, 1), repeat=length)]
    assert {word for word in every if automaton.accepts(word)} == words


def test_labels_of_states_and_edges_without_labels():
    by_state = 'HOA: v1 Start: 0 AP: 1 "a" Acceptance: 1 Inf(0) --BODY-- State: [0] 0 1 State: [!0] 1 {0} 0 --END--'
    by_order = (
        'HOA: v1 Start: 0 AP: 1 "a" Acceptance: 1 Inf(0) --BODY-- State: 0 2 1 State: 1 {0} 0 2 State: 2 2 2 --END--'
    )
    assert read_automaton(by_state, "hoa", Budget()) == read_automaton(by_order, "hoa", Budget())


def label_at_random(rng, count, depth=4):
    """A label, and the same as a Python expression over v."""
    kind = rng.random()
    if depth == 0 or kind < 0.3:
        i = rng.randrange(count)
        return str(i), f"bool(v >> {i} & 1)"
    if kind < 0.4:
        return ("t", "True") if rng.random() < 0.5 else ("f", "False")
    if kind < 0.6:
        text, python = label_at_random(rng, count, depth - 1)
        return f"!({text})", f"(not {python})"
    sign, word = ("&", "and") if kind < 0.8 else ("|", "or")
    (a, b), (c, d) = (label_at_random(rng, count, depth - 1) for _ in range(2))
    return f"({a}) {sign} {c}" if sign == "&" and "|" not in c else f"({a}) {sign} ({c})", f"({b} {word} {d})"


@pytest.mark.parametrize("seed", range(100))
def test_labels(seed):
    rng = random.Random(seed)
    count = rng.randint(1, 6)
    text, python = label_at_random(rng, count)
    found = Labels(Words(text, None), count).label()
    assert [bool(found >> v & 1) for v in range(1 << count)] == [eval(python, {"v": v}) for v in range(1 << count)]


def test_names_of_valuations():
    assert valuation_names([]) == ["t"]
    assert valuation_names(["a", "b"]) == ["!a&!b", "a&!b", "!a&b", "a&b"]


HEAD = 'HOA: v1\nStart: 0\nAP: 1 "a"\nAcceptance: 1 Inf(0)\n'


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("HOA: v2\n--BODY--\n--END--", "begins with HOA: v1", "1:1"),
        ("HOA: v1\n/* open", "comment is not closed", "2:1"),
        ('HOA: v1\nStart: 0\nAP: 1 "a"\n--BODY--\n--END--', "no header Acceptance", "5:1"),
        ("HOA: v1\nStart: 0&1\nAcceptance: 0 t\n--BODY--\n--END--", "alternation", "2:9"),
        (HEAD + "Strange: 1\n--BODY--\n--END--", "may change the meaning", "5:1"),
        ("HOA: v1\nStart: 0\nAP: 0\nAcceptance: 2 Fin(0) & Inf(1)\n--BODY--\n--END--", "on finite words", "4:15"),
        (HEAD + "--BODY--\nState: 0\n[1] 0\n--END--", "no atomic proposition 1", "7:2"),
        (HEAD + "--BODY--\nState: 0\n[@x] 0\n--END--", "unknown alias @x", "7:2"),
        (HEAD + "--BODY--\nState: 0\n[0 0\n--END--", "expected ]", "7:4"),
        (HEAD + "--BODY--\nState: 0\n[0] 0 {0}\n--END--", "acceptance on transitions", "7:7"),
        (HEAD + "--BODY--\nState: 0\n[0] 0&1\n--END--", "alternation", "7:6"),
        (HEAD + "--BODY--\nState: 0 {1}\n--END--", "there is only 0", "6:11"),
        (HEAD + "--BODY--\nState: 0\nState: 0\n--END--", "there twice", "7:1"),
        (HEAD + "--BODY--\nState: 0\n0\n--END--", "1 edges without labels, not 2", "8:1"),
        (HEAD + "--BODY--\nState: 0\n--ABORT--", "aborted", "7:1"),
        (HEAD + "--BODY--\nState: 0", "expected State: or --END--", "6:9"),
        (HEAD + "--BODY--\nState: 0\n--END--\nHOA: v1", "more behind it", "8:1"),
        ("HOA: v1\nStates: 1\nStart: 3\nAcceptance: 0 t\n--BODY--\n--END--", "state 3", "6:8"),
        ('HOA: v1\nStart: 0\nAP: 2 "a" "a"\nAcceptance: 0 t\n--BODY--\n--END--', "must differ", "3:1"),
        ('HOA: v1\nStart: 0\nAP: 1 "a b"\nAcceptance: 0 t\n--BODY--\n--END--', "white space", "3:1"),
        ('HOA: v1\nStart: 0\nAP: 1 "a"\nalphabet: "x" "y"\nAcceptance: 0 t\n--BODY--\n--END--', "2 symbols", "4:1"),
        (HEAD + "--BODY--\nState: 0 %\n--END--", "unexpected '%'", "6:10"),
        (HEAD + "--BODY--\nState: [0] 0\n[0] 0\n--END--", "of a state that has one", "7:1"),
        (HEAD + "--BODY--\nState: 0\n[" + "(" * 200 + "0" + ")" * 200 + "] 0\n--END--", "nested deeper", "7:103"),
    ],
)
def test_malformed(text, message, place):
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read_automaton(text, "hoa", Budget(), "x.hoa")
    assert str(error.value.position) == f"x.hoa:{place}"


def test_too_many_propositions():
    names = " ".join(f'"p{i}"' for i in range(30))
    text = f"HOA: v1 Start: 0 AP: 30 {names} Acceptance: 0 t --BODY-- State: 0 [0] 0 --END--"
    with pytest.raises(LimitError, match="30"):
        read_automaton(text, "hoa", Budget())
