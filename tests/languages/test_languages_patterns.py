"""Pattern sets: each output is the verdict of its own pattern, and the set is the smallest automaton for all."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patterns_at_random import Generator

from ssmc.algebra import check_starfree
from ssmc.algebra.classify import classify
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.errors import InputError, InvariantError, LimitError, RegexSyntaxError, UsageError
from ssmc.languages import (
    language_of,
    pattern_set,
    read_language,
    read_languages,
    read_pattern_set,
    to_bytes,
    write_automaton,
)


@st.composite
def families(draw):
    out = []
    for _ in range(draw(st.integers(1, 4))):
        n = draw(st.integers(1, 5))
        table = draw(st.lists(st.lists(st.integers(DEAD, n - 1), min_size=2, max_size=2), min_size=n, max_size=n))
        out.append(Automaton.from_table(Alphabet.tokens("ab"), table, 0, draw(st.frozensets(st.integers(0, n - 1)))))
    return out


@settings(max_examples=150, deadline=None)
@given(families(), st.lists(st.lists(st.integers(0, 1), max_size=8), max_size=20))
def test_outputs(automata, words):
    together = pattern_set(automata)
    together.check()
    for word in words:
        assert together.matches(word) == {i for i, a in enumerate(automata) if a.accepts(word)}
        assert together.accepts(word) == any(a.accepts(word) for a in automata)
    assert [together.pattern(i) for i in range(len(automata))] == automata
    assert pattern_set(list(reversed(automata))).states == together.states
    assert Automaton.from_json(together.to_json()) == together


def test_one_pattern_is_its_automaton():
    automaton = language_of("a*b", alphabet="ab").automaton
    together = pattern_set([automaton])
    assert (together.delta, together.alphabet) == (automaton.delta, automaton.alphabet)
    assert together.patterns == (automaton.accepting,)
    assert automaton.patterns == ()


@settings(max_examples=60, deadline=None)
@given(families())
def test_verdict_is_that_of_the_patterns(automata):
    verdicts = [check_starfree(a, monoid_limit=0).verdict for a in automata]
    together = pattern_set(automata)
    report = check_starfree(together, monoid_limit=0)
    assert (report.verdict == "star-free") == all(v == "star-free" for v in verdicts)
    if report.witness is not None:
        found = report.witness
        seen = [together.matches((*found.prefix, *found.word * k, *found.suffix)) for k in range(2 * found.period)]
        assert seen[: found.period] == seen[found.period :]
        assert len(set(seen)) > 1
        assert found.describe(together)


def test_lines(tmp_path):
    path = tmp_path / "rules.txt"
    patterns = ["error: .*", r"\d+ warnings?", ".*fatal.*", "(?i)error.*"]
    path.write_text("#: name = 'rules'\n" + patterns[0] + "\n\n" + "\n".join(patterns[1:]) + "\n")
    languages = read_languages(str(path))
    assert [language.name for language in languages] == ["rules:2", "rules:4", "rules:5", "rules:6"]
    whole = read_pattern_set(str(path))
    assert (whole.name, whole.patterns, whole.level) == ("rules", tuple(patterns), "codepoint")
    together = whole.automaton
    assert together == pattern_set([language.automaton for language in languages])
    together.check()
    source = random.Random(1)
    words = ["error: fatal", "ERROR", "12 warning", "", *Generator(source).strings(languages[0].automaton)]
    for word in words:
        expected = {i for i, p in enumerate(patterns) if re.fullmatch(p, word)}
        assert together.matches(map(ord, word)) == expected, word
        assert to_bytes(together).matches(word.encode()) == expected, word


def test_file(tmp_path):
    together = pattern_set([language_of(e, alphabet="ab").automaton for e in ("a*b", "(a|b)*", "b")])
    path = tmp_path / "set.json"
    write_automaton(together, path)
    again = read_language(str(path))
    assert (again.automaton, again.patterns) == (together, ("1", "2", "3"))
    with pytest.raises(UsageError, match=r"write \.json"):
        write_automaton(together, tmp_path / "set.att")
    with pytest.raises(UsageError, match="several languages"):
        classify(together)


def test_bad_sets(tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text("a\n\nb(\n")
    with pytest.raises(RegexSyntaxError, match=r"rules\.txt:3:2"):
        read_languages(str(path))
    path.write_text("#: search = true\n")
    with pytest.raises(InputError, match="no pattern"):
        read_languages(str(path))
    with pytest.raises(UsageError, match="needs a pattern"):
        pattern_set([])
    with pytest.raises(UsageError, match="one alphabet"):
        pattern_set([language_of("a", alphabet="a").automaton, language_of("a").automaton])
    with pytest.raises(LimitError, match="pattern set"):
        pattern_set(
            [language_of(f"(.{{{n}}})*", alphabet="a").automaton for n in (7, 11, 13, 17)], 1000
        ).require_table()
    with pytest.raises(InvariantError):
        Automaton(Alphabet.tokens("a"), ((0,),), frozenset({0}), (frozenset(),)).check()
    with pytest.raises(InvariantError):
        Automaton(Alphabet.tokens("a"), ((0,),), frozenset({0}), (frozenset({0, 3}),)).check()
    with pytest.raises(UsageError, match="not a set"):
        pattern_set([pattern_set([language_of("a", alphabet="a").automaton])])
