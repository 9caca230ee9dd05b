"""Automata files: round trips through every format, files of other tools, and malformed ones."""

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.errors import InputError, LimitError, UsageError
from ssmc.languages import language_of, read_language, shipped_grammars
from ssmc.languages.formats import FORMATS, automaton_text, format_of, read_automaton, write_automaton
from ssmc.languages.limits import Budget

NAMES = ["a", "w0", '"', "\\", "<&>", ",", "-->", "ε", "é", "#", "x y".replace(" ", "_"), "//", "0"]


@st.composite
def automata(draw):
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    n = draw(st.integers(1, 6))
    row = st.lists(st.integers(DEAD, n - 1), min_size=len(names), max_size=len(names))
    table = draw(st.lists(row, min_size=n, max_size=n))
    return Automaton.from_table(Alphabet.tokens(names), table, 0, draw(st.frozensets(st.integers(0, n - 1))))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "att"])
@settings(max_examples=60, deadline=None)
@given(automaton=automata())
def test_round_trip(name, automaton):
    text = automaton_text(automaton, name)
    assert read_automaton(text, name, Budget()) == automaton
    assert format_of("x", text) == name
    assert text.endswith("\n")


@settings(max_examples=60, deadline=None)
@given(automaton=automata())
def test_round_trip_of_att_keeps_the_words(automaton):
    used = {name for row in automaton.delta for name, c in zip(automaton.alphabet.names, automaton.alphabet.classes, strict=True) if row[c] != DEAD}  # fmt: skip
    if not used and automaton.states:
        return  # {ε} over an alphabet that the file cannot name
    back = read_automaton(automaton_text(automaton, "att"), "att", Budget())
    names = back.alphabet.names
    assert list(names) == sorted(used) or not automaton.states
    for n in range(5):
        for word in product(names, repeat=n):
            expected = automaton.accepts(automaton.alphabet.encode_names(word))
            assert back.accepts(back.alphabet.encode_names(word)) == expected


@pytest.mark.parametrize("path", shipped_grammars(), ids=lambda path: path.stem)
@pytest.mark.parametrize("extension", [".json", ".jff", ".dot", ".gv", ".mata", ".att", ".hoa"])
def test_every_grammar_through_files(tmp_path, path, extension):
    automaton = read_language(path.stem).automaton
    target = tmp_path / f"x{extension}"
    write_automaton(automaton, target)
    back = read_language(str(target)).automaton
    if extension == ".att":  # the alphabet is the sorted symbols in use
        names = back.alphabet.names
        assert set(names) <= set(automaton.alphabet.names)
        for word in product(range(len(names)), repeat=4):
            assert back.accepts(word) == automaton.accepts(automaton.alphabet.encode_names([names[i] for i in word]))
    else:
        assert back == automaton
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


def test_text_and_bytes(tmp_path):
    text, binary = language_of(r"é+|\d").automaton, language_of(r"a\xff", alphabet="bytes").automaton
    for automaton, level in ((text, "codepoint"), (binary, "byte")):
        write_automaton(automaton, tmp_path / "x.json")
        language = read_language(str(tmp_path / "x.json"))
        assert (language.automaton, language.level) == (automaton, level)
    with pytest.raises(UsageError, match="code points"):
        write_automaton(text, tmp_path / "x.mata")
    write_automaton(binary, tmp_path / "x.mata")
    back = read_language(str(tmp_path / "x.mata")).automaton
    assert back.accepts(back.alphabet.encode_names(["a", "\\xff"]))


def test_unknown_extension(tmp_path):
    with pytest.raises(UsageError, match="extension"):
        write_automaton(language_of("a", alphabet="a").automaton, tmp_path / "x.txt")
    with pytest.raises(UsageError, match="format"):
        automaton_text(language_of("a", alphabet="a").automaton, "pdf")
    assert list(tmp_path.iterdir()) == []


ENDS_IN_AB = language_of("(a|b)*ab", alphabet="ab").automaton
ATT = "0 0 a\n0 0 b b\n0 1 a\n1\t2\tb\n\n2 0.0\n"
JFF = """<?xml version="1.0"?><!--Created with JFLAP 6.4.--><structure>&#13;<type>fa</type><automaton>
<state id="0" name="q0"><x>1.0</x><y>1.0</y><initial/></state><state id="1" name="q1"><x>1.0</x><y>1.0</y></state>
<state id="2" name="q2"><final/></state><transition><from>0</from><to>0</to><read>a</read></transition>
<transition><from>0</from><to>0</to><read>b</read></transition><transition><from>0</from><to>1</to><read/></transition>
<transition><from>1</from><to>2</to><read>ab</read></transition></automaton></structure>"""
DOT = """digraph finite_state_machine {
  rankdir=LR; size="8,5"
  node [shape = doublecircle]; S2;
  node [shape = circle];
  qi [shape=point, label=""];
  qi -> S0; S0 -> S0 [label="a, b"]; S0 -> S1 [label = a]; S1 -> S2 [label="b"];
}"""
PYDOT_STYLE = """digraph { "" [shape=none]; "q 0"; "q 1" [peripheries=2]; "" -> "q 0"; "q 0" -> "q 1" [label="ε"]; "q 0" -> "q 0" [label="a"]; "q 1" -> "q 1" [label="b"]; }"""
MATA = """@NFA-explicit
%Alphabet-auto
%Initial q0   # start
%Final q2
q0 a q0
q0 b q0
q0 "a" q1
q1 b q2
"""


@pytest.mark.parametrize(("name", "text"), [("att", ATT), ("jff", JFF), ("dot", DOT), ("mata", MATA)])
def test_files_of_other_tools(name, text, tmp_path):
    path = tmp_path / f"x.{name}"
    path.write_text(text)
    language = read_language(str(path))
    assert language.automaton == ENDS_IN_AB
    assert language.syntax == name


def test_epsilon_in_dot_and_att():
    expected = language_of("a*b*", alphabet="ab").automaton
    assert read_automaton(PYDOT_STYLE, "dot", Budget()) == expected
    assert read_automaton("0 0 a\n0 1 <eps>\n1 1 b\n1\n", "att", Budget()) == expected


def test_a_note_of_another_kind_is_no_alphabet():
    text = "// alphabet: [1, 2]\n// alphabet: what\n" + DOT
    assert read_automaton(text, "dot", Budget()) == ENDS_IN_AB


@pytest.mark.parametrize(
    ("name", "text", "message", "line"),
    [
        ("att", "0 1 a b\n1\n", "input and output differ", 1), ("att", "0 1 a\n1 0.5\n", "weight", 2), ("att", "0 1 a a 3\n", "weight", 1),
        ("att", "0 1 a\n1 2 3 4 5 6\n", "1 to 5 fields", 2), ("att", "0 1 a\n1 x\n", "weight", 2), ("att", "0\n", "alphabet is empty", 1),
        ("jff", "<structure>", "not XML", 1), ("jff", "<a/>", "not a JFLAP", 1), ("jff", "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "refused", 1),
        ("jff", JFF.replace("<to>2</to>", "<to>9</to>"), "unknown state '9'", 1), ("jff", JFF.replace("<initial/>", ""), "no initial state", 1),
        ("dot", "digraph {", "not DOT", 1), ("dot", "digraph { subgraph x { a -> b [label=c] } }", "subgraphs", 1), ("dot", "digraph { a -> b [label=x]; }", "no initial state", 1), ("dot", "digraph { i [shape=point]; i -> a; }", "alphabet is empty", 1),
        ("dot", '// alphabet: ["b"]\ndigraph { i [shape=point]; i -> a; a -> a [label=x]; }', "'x' is not in the alphabet", 1),
        ("mata", "q0 a q1", "first line is @NFA-explicit", 1), ("mata", "@NFA-bits\n", "one @NFA-explicit", 1), ("mata", "@NFA-explicit\nq0 q1\n", "'source symbol target'", 2),
        ("mata", '@NFA-explicit\nq0 "a q1\n', "double quote", 2), ("mata", "@NFA-explicit\n%What x\n", "unknown key", 2), ("mata", "@NFA-explicit\nq0 a q1\n", "no initial state", 1),
    ],
)  # fmt: skip
def test_malformed_files(name, text, message, line):
    with pytest.raises(InputError) as caught:
        read_automaton(text, name, Budget(), "file")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.position.line == line


def test_large_nfas_stop_at_the_limit():
    lines = ["0 0 a", "0 0 b", "0 1 a", *(f"{i} {i + 1} {s}" for i in range(1, 30) for s in "ab"), "30"]
    with pytest.raises(LimitError):
        read_automaton("\n".join(lines), "att", Budget())


def test_own_json_of_a_library_dfa_is_read_back(tmp_path):
    path = tmp_path / "x.json"
    write_automaton(ENDS_IN_AB, path)
    assert set(json.loads(path.read_text())) == {
        "states", "input_symbols", "transitions", "initial_state", "final_states",
    }  # fmt: skip
