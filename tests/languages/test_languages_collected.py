"""Patterns as people write them (validators, log parsers, intrusion rules, corner cases of the syntax) against `re`, under full match and search."""

import random
import re
import signal
from pathlib import Path

import pytest
from patterns_at_random import word_of

from ssmc.languages import language_of

PATTERNS = (Path(__file__).parent / "collected_patterns.txt").read_text(encoding="utf-8").splitlines()
BINARY = [
    rb"\x00\xff+", rb"[\x80-\xff]+", rb"\x90{4,}", rb"(?i)GET /[^ ]* HTTP/1\.[01]\r\n", rb"\xff\xd8\xff[\xe0-\xef]", rb"^\x7fELF[\x01\x02]", rb"PK\x03\x04(?s:.){4}",
    rb"(?i)\xe9", rb"\w+\xe9", rb"(?s).\x0a.", rb"[^\x00-\x1f\x7f]*", rb"(?m)^\x00$", rb"(?<=\xff)\x00", rb"(?=\x80)[\x80-\x8f]", rb"\W\D\S", rb"(?>\x00|\x00\x01)\x02",
    rb"(?!\xff)(?s:.)*", rb"\101\x42", rb"[\n\r]+$", rb"\x1b\[[0-9;]*m", rb"\$\w+|\xa3\d+", rb"(?i:s)\xc5\xbf", rb"\b\x80", rb"\s\x85\xa0",
]  # fmt: skip
CHARACTERS = (
    "abcxyzABCKkSsſİıßéÅåµσςΣ019 _-.,:;/\\\"'()[]{}<>@#$%&*+=!?^|\t\n\r\x00\x85\u2028\u00a0\u0660\u4e00\U0001f600𐐨𐐀"
)
BYTES = [
    0,
    1,
    2,
    10,
    13,
    27,
    32,
    47,
    65,
    66,
    75,
    91,
    92,
    95,
    97,
    98,
    115,
    0x80,
    0x85,
    0x90,
    0xA0,
    0xBF,
    0xC3,
    0xC5,
    0xE9,
    0xFF,
]


def changed(word, rng):
    """The word with up to two characters changed."""
    out = list(word)
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(len(out) + 1)
        out[at : at + rng.randint(0, 1)] = rng.choice(["", rng.choice(CHARACTERS), "\n"])
    return "".join(out)


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.filterwarnings("ignore")
def test_text(pattern, search):
    rng = random.Random(pattern)
    matcher = re.compile(pattern)
    automaton = language_of(pattern, search=search).automaton
    words = ["", "\n", "a", "a\n", "\na", "".join(rng.choice(CHARACTERS) for _ in range(6))]
    for _ in range(3 if automaton.states else 0):
        word = word_of(automaton, rng)
        words += [word, changed(word, rng), changed(word, rng), word + "\n"]
    # backtracking may take for ever
    signal.signal(signal.SIGALRM, lambda *_: pytest.skip("re takes too long"))
    signal.alarm(20)
    try:
        for word in words:
            found = (matcher.search if search else matcher.fullmatch)(word)
            assert automaton.accepts([ord(ch) for ch in word]) == (found is not None), word
    finally:
        signal.alarm(0)


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("pattern", BINARY)
def test_bytes(pattern, search):
    rng = random.Random(pattern)
    matcher = re.compile(pattern)
    automaton = language_of(pattern.decode("latin-1"), alphabet="bytes", search=search).automaton
    for _ in range(60):
        word = bytes(rng.choice(BYTES) for _ in range(rng.randint(0, 6)))
        assert automaton.accepts(word) == ((matcher.search if search else matcher.fullmatch)(word) is not None), word
