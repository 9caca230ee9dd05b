"""Files: headers, DFA JSON, and every kind of bad input."""

import io
import json
import os

import pytest
from automata.fa.dfa import DFA
from automata.fa.nfa import NFA as LibraryNFA
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import Automaton
from ssmc.errors import InputError, LimitError, RegexSyntaxError, UsageError
from ssmc.languages import parse_grammar, read_language, shipped_grammars

EVEN = {
    "states": ["even", "odd"],
    "input_symbols": ["a", "b"],
    "transitions": {"even": {"a": "odd", "b": "even"}, "odd": {"a": "even", "b": "odd"}},
    "initial_state": "even",
    "final_states": ["even"],
}


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_text_file_with_header(tmp_path):
    path = write(
        tmp_path, "x.txt", '#: alphabet = ["w0","w1","i"]\n#: name = "last"\n#: mode = "predict"\n#: syntax = "formal"\n(w0|w1)\n  i*\n'
    )  # fmt: skip
    language = read_language(path)
    assert (language.name, language.syntax, language.level, language.options) == (
        "last", "formal", "symbol", (("mode", "predict"),),
    )  # fmt: skip
    assert language.automaton.accepts([0, 2, 2])
    assert not language.automaton.accepts([2])
    assert read_language(path, alphabet="w0,w1,i,j").automaton.alphabet.size == 4


def test_errors_in_a_file_count_lines_from_its_top(tmp_path):
    path = write(tmp_path, "x.txt", '#: alphabet = "ab"\nab|\n a**)\n')
    with pytest.raises(RegexSyntaxError) as caught:
        read_language(path)
    assert str(caught.value).startswith(f"{path}:3:5: ")
    assert caught.value.position.caret() == " a**)\n    ^"


def test_stdin(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b'#: alphabet = "ab"\r\na*b\r\n')

    monkeypatch.setattr("sys.stdin", Stdin)
    assert read_language("-").automaton.states == 2
    Stdin.buffer = io.BytesIO(json.dumps(EVEN).encode())
    assert read_language("-").syntax == "dfa-json"


def test_dfa_json(tmp_path):
    language = read_language(write(tmp_path, "even.json", json.dumps(EVEN)))
    assert (language.name, language.syntax, language.automaton.states) == ("even", "dfa-json", 2)
    assert language.automaton == Automaton.from_dfa(DFA(**EVEN | {k: set(EVEN[k]) for k in ("states", "input_symbols", "final_states")}))  # fmt: skip
    own = write(tmp_path, "own.json", json.dumps(language.automaton.to_json()))
    assert read_language(own).automaton == language.automaton


def test_json_numbers_name_states(tmp_path):
    data = {
        "states": [0, 1], "input_symbols": [0, 1], "transitions": {"0": {"1": 1}}, "initial_state": 0, "final_states": [1],
    }  # fmt: skip
    automaton = read_language(write(tmp_path, "n.json", json.dumps(data))).automaton
    assert automaton.alphabet.names == ("0", "1")
    assert automaton.accepts([1])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nfa_json_agrees_with_automata_lib(tmp_path_factory, data):
    states = [f"q{i}" for i in range(data.draw(st.integers(1, 5)))]
    targets = st.lists(st.sampled_from(states), max_size=2, unique=True)
    transitions = {q: {s: data.draw(targets) for s in ("a", "b", "")} for q in states}
    final = data.draw(st.lists(st.sampled_from(states), unique=True))
    library = LibraryNFA(
        states=set(states), input_symbols={"a", "b"}, initial_state="q0", final_states=set(final),
        transitions={q: {s: set(ts) for s, ts in row.items()} for q, row in transitions.items()},
    )  # fmt: skip
    text = json.dumps({"states": states, "input_symbols": ["a", "b"], "transitions": transitions, "initial_state": "q0",
                       "final_states": final})  # fmt: skip
    path = tmp_path_factory.mktemp("nfa") / "x.json"
    path.write_text(text)
    assert read_language(str(path)).automaton == Automaton.from_dfa(DFA.from_nfa(library), "ab")


def mutated(**change):
    return json.dumps(EVEN | change, indent=1)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (mutated(initial_state="none"), "unknown state 'none'", 20),
        (mutated(final_states=["nine"]), "unknown state 'nine'", 22),
        (mutated(transitions={"even": {"a": "oops"}}), "unknown state 'oops'", 12),
        (mutated(transitions={"what": {}}), "unknown state 'what'", 11),
        (mutated(transitions={"even": {"z": "odd"}}), "unknown symbol 'z'", 12),
        (mutated(transitions={"even": 3}), "must be an object", None),
        (mutated(transitions=[]), "must be an object", None),
        (mutated(states=["even", "odd", "odd"]), "declared twice", 5),
        (mutated(states=3), "list of names", None),
        (mutated(input_symbols=["a", "a"]), "occurs twice", None),
        (mutated(input_symbols=[]), "alphabet is empty", None),
        ('{"states": [],\n "states": []}', "duplicate key", 2),
        (mutated().replace('"b": "even"', '"a": "even"'), "duplicate key 'a'", None),
        ('{"states": [}', "not JSON", 1),
        ('{"states": ["a"]}', "missing key 'input_symbols'", 1),
        ("[1]", "an automaton is an object", 1),
        ("[" * 100_000, "", None),
        ('{"alphabet": {}, "delta": [], "accepting": []}', "canonical", 1),
    ],
)
def test_bad_json(tmp_path, text, message, line):
    with pytest.raises(InputError) as caught:
        read_language(write(tmp_path, "x.json", text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    if line is not None:
        assert caught.value.position.line == line


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"states": ["a"], "input_symbols": ["a"],\n "transitions": {"a": {"a": "a",\n  "a": "a"}}}', 3, 3),
        ('{"states": ["q"], "input_symbols": ["a"], "initial_state": "q", "final_states": [],\n"transitions": {"q": {"a": ["q",\n "a"]}}}', 3, 2),
        ('{"states": ["q"], "input_symbols": ["a"], "initial_state": "q",\n "final_states": ["q",\n   "a"], "transitions": {}}', 3, 4),
        ('{"states": [0], "input_symbols": ["0"], "initial_state": 0, "final_states": [],\n "transitions": {"0": {"0": 0, "{": 0}}}', 2, 32),
        ('{"states": [0],\n "input_symbols": ["0"], "initial_state":\n 7, "final_states": [], "transitions": {}}', 3, 2),
    ],
)  # fmt: skip
def test_json_errors_point_at_the_place(tmp_path, text, line, column):
    with pytest.raises(InputError) as caught:
        read_language(write(tmp_path, "x.json", text))
    assert (caught.value.position.line, caught.value.position.column) == (line, column)


def test_json_over_the_state_limit(tmp_path):
    n = 15
    transitions = {str(i): {"a": [str(i + 1)], "b": [str(i + 1)]} for i in range(1, n)} | {
        "0": {"a": ["0", "1"], "b": ["0"]}
    }
    data = {
        "states": list(range(n + 1)), "input_symbols": ["a", "b"], "transitions": transitions, "initial_state": 0,
        "final_states": [n],
    }  # fmt: skip
    with pytest.raises(LimitError):
        read_language(write(tmp_path, "x.json", json.dumps(data)))


def test_bad_files(tmp_path):
    with pytest.raises(InputError, match="no such file, and no shipped grammar"):
        read_language(str(tmp_path / "missing"))
    with pytest.raises(InputError, match="directory"):
        read_language(str(tmp_path))
    for content in (b"", b"\n \n"):
        with pytest.raises(InputError, match="empty file"):
            read_language(write(tmp_path, "empty.txt", content))
    with pytest.raises(InputError, match="empty expression"):
        read_language(write(tmp_path, "h.txt", '#: alphabet = "ab"\n\n'))
    with pytest.raises(InputError, match=r"x\.txt:2:4: not UTF-8: byte 0xff at offset 6"):
        read_language(write(tmp_path, "x.txt", b"a\n\xc3\xa9b\xff"[:4] + b"bb\xff"))
    with pytest.raises(UsageError, match="--alphabet"):
        read_language(write(tmp_path, "n.txt", "a*"), syntax="formal")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(tmp_path):
    path = write(tmp_path, "x.txt", "a")
    os.chmod(path, 0)
    with pytest.raises(InputError, match="cannot be read"):
        read_language(path)


def test_read_errors_are_input_errors(tmp_path, monkeypatch):
    path = write(tmp_path, "x.txt", "a")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        read_language(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("#: colour = 'red'", "unknown header key 'colour'"), ("#: alphabet", "not 'key = TOML value'"),
        ("#: name = 3", "string value"), ("#: alphabet = 3", "list of strings"), ("#: alphabet = ['a', 'a']", "twice"),
        ("#: alphabet = [1]", "not a non-empty string"), ("#: name = 'x'\n#: name = 'y'", "occurs twice"),
    ],
)  # fmt: skip
def test_bad_headers(tmp_path, header, message):
    with pytest.raises(InputError) as caught:
        read_language(write(tmp_path, "x.txt", header + "\na"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "flip-flop"', 'name = "flip', "not TOML"), ("states = 3", 'states = "3"', "wrong type"),
        ("states = 3", "states = true", "wrong type"), ("star_free = true", "", "missing key 'star_free'"),
        ("star_free = true", "star_free = true\nsize = 3", "unknown key 'size'"), ("regex =", "regexp =", "exactly one of"),
        ("r0)*|", "r0*|", "')'"), ('"w0", "w1"', '"w0", "w0"', "occurs twice"), ("regex = 'i", "regex = 'z", "begins no symbol"),
    ],
)  # fmt: skip
def test_bad_grammars(tmp_path, old, new, message):
    text = next(path for path in shipped_grammars() if path.stem == "flip-flop").read_text()
    assert old in text
    with pytest.raises(InputError) as caught:
        read_language(write(tmp_path, "x.toml", text.replace(old, new, 1)))
    assert message in str(caught.value)


def test_bad_dyck():
    text = next(path for path in shipped_grammars() if path.stem == "dyck-2-3").read_text()
    for new in ("{ kinds = 2 }", "{ kinds = 2, depth = 0 }", "{ kinds = 3, depth = 2 }", "7"):
        with pytest.raises(InputError):
            parse_grammar(text.replace("{ kinds = 2, depth = 3 }", new), "x")
