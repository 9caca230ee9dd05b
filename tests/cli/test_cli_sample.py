"""`ssmc sample`: lines, JSON, labels, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Ssmc


def test_the_methods_are_those_of_the_package() -> None:
    from ssmc.cli.sample import METHODS
    from ssmc.sample import METHODS as KNOWN

    assert METHODS == KNOWN


def test_lines_are_what_run_reads(ssmc: Ssmc) -> None:
    from ssmc.languages import read_language

    for name in ("flip-flop", "tomita-4", "dyck-2-3"):
        result = ssmc("sample", name, "-n", "4", "--length", "3..8", "--length", "20", "--seed", "5")
        assert result.code == 0
        automaton = read_language(name).automaton
        words = [automaton.alphabet.encode(line) for line in result.out.splitlines()]
        assert len(words) == 8
        assert all(automaton.accepts(word) for word in words)
        assert all(len(word) == 20 for word in words[4:])
        assert result.out == ssmc("sample", name, "-n", "4", "--length", "3..8", "--length", "20", "--seed", "5").out


def test_json_lines_with_labels(ssmc: Ssmc) -> None:
    result = ssmc("sample", "tomita-2", "-n", "1", "--length", "4", "--labels", "--json")
    assert result.lines == [
        {
            "schema": "ssmc.sample/1", "string": "abab", "symbols": [0, 1, 0, 1], "length": 4, "bin": [4, 4], "accepted": True,
            "next": [["a"], ["b"], ["a"], ["b"], ["a"]], "end": [True, False, True, False, True],
        }
    ]  # fmt: skip
    assert ssmc("sample", "tomita-2", "-n", "1", "--length", "2", "--labels").out == "ab\ta,$ b a,$\n"
    near = ssmc("sample", "tomita-2", "-n", "20", "--negatives", "--length", "paper", "--json")
    assert len(near.lines) == 60
    assert not any(line["accepted"] for line in near.lines)
    assert {line["edit"]["kind"] for line in near.lines} == {"replace", "insert", "delete"}
    assert {tuple(line["bin"]) for line in near.lines} == {(1, 50), (51, 100), (101, 150)}


def test_text_and_bytes(ssmc: Ssmc) -> None:
    result = ssmc("sample", "-e", "[ab]é", "-n", "2", "--length", "3")
    assert set(result.out.splitlines()) <= {"aé", "bé"}
    lines = ssmc("sample", "-e", r"\n+", "-n", "1", "--length", "3")
    assert (lines.code, "line feed" in lines.err) == (2, True)
    assert ssmc("sample", "-e", r"\n+", "-n", "1", "--length", "3", "--json").data["string"] == "\n\n\n"


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("tomita-2", "--length", "3"), 3, "no string of lengths 3 to 3"),
        (("tomita-2", "--length", "9..3"), 2, "empty"),
        (("tomita-2", "--length", "x"), 2, "LOW..HIGH"),
        (("tomita-2", "tomita-4"), 2, "one SOURCE"),
        (("tomita-2", "--method", "ffl"), 2, "ffl"),
        (("tomita-2", "--method", "ffl", "--ignore", "1.5"), 2, "between 0 and 1"),
        (("tomita-2", "--method", "ffl", "--ignore", "x"), 2, "not a number"),
        (("tomita-2", "--prefixes"), 2, "walk"),
        (("d-12", "--length", "1000000"), 4, "walk"),
        (("tomita-4", "--method", "ffl", "--ignore", "1/2"), 3, "flip-flop-bits"),
    ],
)
def test_refusals(ssmc: Ssmc, args: tuple[str, ...], code: int, message: str) -> None:
    result = ssmc("sample", *args)
    assert result.code == code
    assert message in result.err
    assert result.out == ""


def test_the_sources_of_the_literature(ssmc: Ssmc) -> None:
    flip = ssmc("sample", "flip-flop-bits", "--method", "ffl", "--ignore", "0.98", "--length", "512", "-n", "2")
    assert [len(line) for line in flip.out.splitlines()] == [512, 512]
    dyck = ssmc("sample", "dyck-2-4", "--method", "dyck", "--length", "1..700", "-n", "3", "--json")
    assert all(line["accepted"] and line["length"] <= 700 for line in dyck.lines)
