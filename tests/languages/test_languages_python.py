"""Python syntax: everything is what `re` itself says."""

import random
import re
import signal
import sys
import warnings
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patterns_at_random import Generator, word_of

from ssmc.errors import InputError, LimitError, RegexSyntaxError, UsageError
from ssmc.languages import language_of, read_language, to_bytes
from ssmc.languages.characters import category, characters
from ssmc.languages.symbolset import ranges_of

PATTERNS = [
    # anchors anywhere
    r"a$\n?", r"(?m)^a$\n^b$", r"(?m)(^a\n?)*", r"a\Z\n?", r"\Aa|^b$", r"(^a|b$)*", r"a^b|c", r"(?:^|,)\d+(?:$|,)", r"$^", r"(?m)\n^", r"x*$\n",
    # word boundaries
    r"\bfoo\b", r".*\bfoo\b.*", r"\B", r"\b", r"\B\B", r"(\b|a)*", r"\w+\b\W+\b\w+", r"(?a)\bé\b", r"é\b", r"\Bé", r"(?:\b\w){2,3}", r"a\b|\b-",
    # lookahead and lookbehind, nested, in loops, under negation
    r"(?=.*\d)(?=.*[a-z]).{2,4}", r"((?!foo).)*", r"(?!.*ab).*", r"(?=(?!a)\w)\w*", r"(?:(?=a)a|(?=b)b)*c", r"a(?=b|$)b?", r"(?<=a)b|a(?<=a)b",
    r"\w(?<!a)\w", r"(?<=(?<!a)b)c|bc", r"(?:(?<=a)b|a)*", r"(?<=\ba)b|ab", r"(?<=a(?=b))b|ab", r"(?<!a(?!b))b|ab", r"(?=a(?<=(?!b)a)).*", r"(?!)", r"(?=)", r"(?!(?!a))a",
    r"(?:a(?=b)|b(?!a)|b(?=a))*", r"(?:(?=.*a)(?=.*b).)*.*", r".(?<=[^\W\d_]).", r"(?<=^a)b|^ab", r"(?:.(?<!^b))*", r"(?=.{3}$)\w*", r"(?!.*(?:ab|ba)$)[ab]*",
    # atomic groups and possessive quantifiers
    r"(?>a|ab)c", r"(?>ab|a)c?", r"a++b", r"a*+a", r"[ab]++b", r"(?:a|ab)++c?", r"(?>a*)(?>b*)a?", r"(?>(?>a|ab)*)c", r"(?>\b\w+)s?", r"(?>a??)a", r"(?:a?b?){2}+c?",
    r"(?>a(?=b)|ab|.)c?", r"(?>(?<!a)b|.)b?", r"a?+a|b{1,2}+b", r"(?>(?:|a)*)a", r"(?:(?>a|ab)b?)*", r"(?>.*?b)a", r"\"(?>\\.|[^\\\"]+)*\"", r"(?>.*)$",
    # empty iterations
    r"(?:a*)*", r"(?:a*)+b", r"(?:|a)+", r"(?:a|b*)*?c", r"(?:(?=a)|a){2,3}", r"(?:a?){3}", r"(?:a??b?){2,}", r"(?:$|a)*", r"(?:^a?|b){2}", r"(?:a{0})*b",
    # classes, escapes, case
    r"(?i)straße", r"(?i)K", r"(?i)[^k]", r"(?i)[k-s]+", r"(?i)\u0130", r"(?i)σ", r"(?i)[\u03c3-\u03c4]", r"(?ia)k", r"(?i)ﬁ", r"[^\S\n]", r"[\W_]", r"[]a]", r"[^]a]", r"[a\-z]", r"\x41\u00e9\U00010400",
    r"(?i)\U00010400[\U00010400-\U00010402]", r"(?i)[^\W\d]", r"[\w-]", r"\101\0", r"\N{GREEK SMALL LETTER ALPHA}", r"(?s).", r".", r"(?s:.).", r"(?i:a)b", r"(?i)a(?-i:b)", r"(?a:\w)\w",
    # verbose, comments, groups, counts
    "(?x) a # comment\n b [ ] \\ c", r"a(?#comment)b", r"(?P<x>a)(?P<y>b)", r"a{,2}", r"a{2,}", r"a{x}", r"a{", r"{a}", r"(a|b|)c", r"()", r"(?:)", r"(|)", r"a{0}b{1}",
]  # fmt: skip
WORDS = ["", "\n", "a", "b", "ab", "ba", "aab", "a\n", "a\nb", "foo", " foo ", "-", "é", "K", "k", "ſ", "ı", "İ", "ς", "\u2028", "abc", "aaa", "a1b", "_", "ß", "ẞ"]  # fmt: skip


RANDOM = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


class TooSlow(Exception):
    pass


@contextmanager
def patience(seconds=2.0):
    """Ends the block with `TooSlow`: `re` needs exponential time for some patterns."""

    def stop(*_):
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def agree(pattern, random_source, search=False):
    """Compares the automaton with `re` on many strings; returns their number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = re.compile(pattern)
    automaton = language_of(pattern, search=search).automaton
    strings = WORDS + Generator(random_source).strings(automaton)
    for word in strings:
        try:
            with patience():
                expected = bool(compiled.search(word) if search else compiled.fullmatch(word))
        except TooSlow:
            continue
        assert automaton.accepts(automaton.alphabet.encode(word)) == expected, (pattern, word)
    return len(strings)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_nasty_patterns(pattern):
    if pattern:
        agree(pattern, random.Random(1))
        agree(pattern, random.Random(2), search=True)
        language_of(pattern).automaton.check()


@settings(max_examples=250, **RANDOM)
@given(st.randoms(use_true_random=False), st.booleans())
def test_random_patterns(source, search):
    pattern = Generator(source).pattern()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error:
        if pattern:
            with pytest.raises(RegexSyntaxError):
                language_of(pattern)
        return
    if pattern:
        # Python's search looks for the first character with the flags of the whole pattern: wrong before (?a:\W)
        agree(pattern, source, search and "(?a:" not in pattern)


@settings(max_examples=100, **RANDOM)
@given(st.randoms(use_true_random=False))
def test_random_bytes_patterns(source):
    pattern = Generator(source, ascii_only=True).pattern()
    if not pattern.isascii() or not pattern:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern.encode())
    except re.error:
        with pytest.raises(RegexSyntaxError):
            language_of(pattern, alphabet="bytes")
        return
    language = language_of(pattern, alphabet="bytes")
    assert language.level == "byte"
    for _ in range(60):
        word = bytes(source.choice([*b"abcABC019_- \n", source.randrange(256)]) for _ in range(source.randint(0, 4)))
        assert language.automaton.accepts(word) == bool(compiled.fullmatch(word)), (pattern, word)


@settings(max_examples=60, **RANDOM)
@given(st.randoms(use_true_random=False))
def test_bytes_of_text(source):
    generator = Generator(source)
    pattern = generator.pattern(depth=1) or "a"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error:
        return
    text = language_of(pattern).automaton
    binary = to_bytes(text)
    binary.check()
    for word in generator.strings(text):
        if not any("\ud800" <= ch <= "\udfff" for ch in word):
            assert binary.accepts(word.encode()) == text.accepts(map(ord, word)), (pattern, word)


@pytest.mark.parametrize("pattern", [".*", "[^a]", r"\w+|[\u0800-\U0010ffff]{2}", r"\bé.*", "", r"(?!)"])
def test_bytes_that_are_no_text_are_rejected(pattern):
    source = random.Random(3)
    text = language_of(pattern or "(?:)").automaton
    binary = to_bytes(text)
    binary.check()
    edges = [0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF, 0x61]
    for _ in range(3000):
        word = bytes(source.choice([*edges, source.randrange(256)]) for _ in range(source.randint(0, 5)))
        try:
            expected = text.accepts(map(ord, word.decode()))
        except UnicodeDecodeError:
            expected = False
        assert binary.accepts(word) == expected, word


def test_bytes_of_other_alphabets():
    automaton = language_of("a", alphabet="bytes").automaton
    assert to_bytes(automaton) is automaton
    with pytest.raises(UsageError):
        to_bytes(language_of("a", alphabet="a").automaton)
    assert to_bytes(language_of("(?!)").automaton).states == 0


EVERYTHING = "".join(map(chr, range(0x110000)))


@pytest.mark.parametrize(
    "pattern",
    [r"(?i)s", r"(?i)[^s]", r"(?i)K", r"(?i)[a-z]", r"(?ia)[a-z]", r"(?i)\W", r"(?i)[^\w]", r"(?i)[\u0100-\u0200]", r"(?i)µ",
     r"(?i)[\U00010400-\U00010410]", r"(?i)[\U00010400]", r"(?i)\u0345", r"(?i)[^\u0390]", r"\w", r"\s", r"\D", r"(?a)\w", r"(?i)İ",
     r"(?i)[ı-ſ]", r"(?i)ǆ", r"(?i)[ǅ]", r"(?i)ß", r"(?i)ᲀ", r"(?i)[\x00-\uffff]", r"[^\d]", ".", "(?s)."],
)  # fmt: skip
def test_every_code_point(pattern):
    automaton = language_of(pattern).automaton
    inside = {m.start() for m in re.finditer(pattern, EVERYTHING)}
    for start, end, c in zip(
        automaton.alphabet.starts,
        (*automaton.alphabet.starts[1:], 0x110000),
        automaton.alphabet.run_classes,
        strict=True,
    ):
        accepted = automaton.delta[0][c] != -1
        assert all((code in inside) == accepted for code in range(start, end)), (start, end)


def test_categories_follow_re():
    assert sum(b - a + 1 for a, b in ranges_of(category(r"\d", True))) == len(re.findall(r"\d", EVERYTHING))
    assert category(r"\d", False) == (48, 58)
    import re._constants as sre

    assert characters(sre.ANY, None, 0, 256) == (0, 10, 11, 256)


SPACED = (3, "conditional is not regular") if sys.version_info < (3, 12) else (6, "bad character in group name")
"""Spaces around the number of a group were allowed until Python 3.12."""


@pytest.mark.parametrize(
    ("pattern", "column", "reason"),
    [
        (r"(a)\1", 4, "back-reference is not regular"), (r"ab(?P<x>a)c(?P=x)", 12, "back-reference is not regular"),
        (r"(a)?(?(1)b|c)", 5, "conditional is not regular"), (r"()(?( 1 )a|b)", *SPACED), (r"(?P<n>a)?b(?(n)b|c)", 11, "conditional is not regular"),
        (r"(a)[\1](\\)(?#\1)\2", 18, "back-reference is not regular"),
        (r"(a", 1, "unterminated"), (r"a)", 2, "unbalanced"), (r"*a", 1, "nothing to repeat"), (r"a**", 3, "multiple repeat"), (r"[a", 1, "unterminated"),
        (r"a{2,1}", 3, "min repeat"), (r"\q", 1, "bad escape"), (r"(?<=a+)b", 1, "fixed-width"), (r"[z-a]", 2, "bad character range"), ("ab\\", 3, "bad escape"),
        (r"(?P<1>a)", 5, "bad character in group name"), (r"a(?i)", 2, "global flags"), (r"(?<x>a)", 2, "unknown extension"), (r"(?L)a", 4, "cannot use 'L'"), (r"a{99999999999999999999}", 1, "too large"),
    ],
)  # fmt: skip
def test_refusals_carry_their_position(pattern, column, reason):
    with pytest.raises(RegexSyntaxError) as caught:
        language_of(pattern)
    assert reason in str(caught.value)
    assert caught.value.position.column == column
    assert "\n" not in str(caught.value)


def test_bytes_patterns_are_ascii():
    with pytest.raises(RegexSyntaxError, match="xNN") as caught:
        language_of("aé", alphabet="bytes")
    assert caught.value.position.column == 2
    with pytest.raises(RegexSyntaxError, match="locale"):
        language_of("(?L)a", alphabet="bytes")


@pytest.mark.parametrize(
    "pattern",
    ["(?:" * 3000 + "a" + ")" * 3000, "(" * 150 + "a" + ")" * 150, ".*a.{40}", "(?:.{1000}){1000}", r"(?=.*a.{30}b).*",
     r"(?<=a.{20}b)c|.*a.{20}bc"],
)  # fmt: skip
def test_limits_are_quick(pattern):
    from time import monotonic

    start = monotonic()
    with pytest.raises(LimitError) as caught:
        language_of(pattern, seconds=8)
    assert monotonic() - start < 20
    assert caught.value.reached > caught.value.limit


def test_python_syntax_over_an_explicit_alphabet():
    language = language_of(r"[^b]\w", alphabet="abé", syntax="python")
    assert (language.level, language.automaton.alphabet.names) == ("symbol", ("a", "b", "é"))
    assert [w for w in ("aa", "ba", "éb") if language.automaton.accepts(language.automaton.alphabet.encode(w))] == ["aa", "éb"]  # fmt: skip
    assert language_of("c", alphabet="ab", syntax="python").automaton.states == 0
    with pytest.raises(UsageError, match="one character"):
        language_of("a", alphabet="w0,w1", syntax="python")


def test_options_that_contradict():
    with pytest.raises(UsageError, match="alphabet"):
        language_of("a", syntax="formal")
    with pytest.raises(UsageError, match="alphabet"):
        language_of("a", syntax="formal", alphabet="bytes")
    with pytest.raises(UsageError, match="search"):
        language_of("a", alphabet="ab", search=True)


def test_pattern_files(tmp_path):
    path = tmp_path / "p.txt"
    path.write_text('#: name = "word"\n#: search = true\n\\bfoo\\b\n')
    language = read_language(str(path))
    assert (language.name, language.syntax, language.level, language.source) == (
        "word",
        "python",
        "codepoint",
        r"\bfoo\b",
    )
    assert language.automaton.accepts(map(ord, "a foo."))
    path.write_text("(?x)a # one\n  b\n")
    assert read_language(str(path)).automaton.accepts(map(ord, "ab"))
    path.write_text("a\nb\n")
    with pytest.raises(InputError, match="several lines") as caught:
        read_language(str(path))
    assert caught.value.position.line == 1
    path.write_text("a|\\\\(\n")
    with pytest.raises(RegexSyntaxError, match=r"p\.txt:1:5: missing \)"):
        read_language(str(path))
    path.write_text("  ")
    with pytest.raises(InputError):
        read_language(str(path))


def test_words_are_found_in_the_language():
    automaton = language_of(r"(?i)k{2,3}|\bé+").automaton
    source = random.Random(4)
    assert all(automaton.accepts(map(ord, word_of(automaton, source))) for _ in range(50))
