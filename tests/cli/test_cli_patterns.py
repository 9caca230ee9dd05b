"""Pattern sets on the command line: compile --lines, run, inspect, verify, convert."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ssmc

PATTERNS = ["ab*", "a+|cc", ".*c"]
WORDS = ["", "a", "ab", "aa", "cc", "ba", "bc"]


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.txt"
    path.write_text("#: alphabet = 'abc'\n#: syntax = 'python'\n" + "\n".join(PATTERNS) + "\n")
    return str(path)


@pytest.mark.parametrize("mode", ["recognise", "predict"])
def test_lines(ssmc: Ssmc, tmp_path: Path, rules: str, mode: str) -> None:
    model = str(tmp_path / "model.pt")
    compiled = ssmc("compile", rules, "--lines", "--mode", mode, "-o", model, "--json")
    assert compiled.code == 0
    assert (compiled.data["name"], compiled.data["patterns"]) == ("rules", PATTERNS)
    answered = ssmc("run", model, *WORDS, "--json").data
    for word, answer in zip(WORDS, answered, strict=True):
        expected = [p for p in PATTERNS if re.fullmatch(p, word)]
        assert answer["patterns"] == expected
        assert answer["accepted"] == bool(expected)
        for k, matching in enumerate(answer["prefix_patterns"]):
            assert matching == [p for p in PATTERNS if re.fullmatch(p, word[:k])]
    shown = ssmc("run", model, "a", "ba")
    assert shown.out.splitlines()[:3] == ["accepted  a", "  ab*", "  a+|cc"]
    assert ssmc("inspect", model, "--json").data["patterns"] == PATTERNS
    assert all(pattern in ssmc("inspect", model).out for pattern in PATTERNS)
    assert ssmc("verify", model).code == 0
    assert ssmc("verify", model, rules, "--lines").code == 0


def test_another_set_is_different(ssmc: Ssmc, tmp_path: Path, rules: str) -> None:
    model, other = str(tmp_path / "model.pt"), tmp_path / "other.txt"
    assert ssmc("compile", rules, "--lines", "-o", model).code == 0
    other.write_text("#: alphabet = 'abc'\n#: syntax = 'python'\n" + "\n".join(PATTERNS[::-1]) + "\n")
    different = ssmc("verify", model, str(other), "--lines", "--json")
    assert different.code == 1
    assert "patterns {" in different.data["counterexample"]["expected"]
    one = ssmc("verify", model, "-e", "ab*", "--alphabet", "abc")
    assert one.code == 3
    assert "tells 3 patterns apart, the source 0; --lines" in one.err


def test_refused(ssmc: Ssmc, tmp_path: Path, rules: str) -> None:
    assert ssmc("compile", "--lines", "-e", "a").code == 2
    path = tmp_path / "odd.txt"
    path.write_text("#: alphabet = 'ab'\na*\n(aa)*\n")
    refused = ssmc("compile", str(path), "--lines", "--json")
    assert refused.code == 1
    assert refused.data["message"].startswith("pattern (aa)* is not star-free")
    assert refused.data["witness"]["period"] == 2
    out = tmp_path / "set.json"
    assert ssmc("convert", rules, "--lines", str(out), "--json").data["patterns"] == PATTERNS
    assert ssmc("convert", rules, "--lines", str(tmp_path / "set.dot")).code == 2


def test_verdicts_one_a_line(ssmc: Ssmc, tmp_path: Path) -> None:
    path = tmp_path / "mixed.txt"
    path.write_text("#: alphabet = 'ab'\n(ab)*\n\n(aa)*\na|b\n")
    answered = ssmc("check-starfree", str(path), "--lines", "--json")
    assert answered.code == 1
    rows = [json.loads(line) for line in answered.out.splitlines()]
    assert [(row["name"], row["verdict"]) for row in rows] == [
        ("mixed:2: (ab)*", "star-free"),
        ("mixed:4: (aa)*", "not-star-free"),
        ("mixed:5: a|b", "star-free"),
    ]
    assert ssmc("check-starfree", str(path), "--lines").out.count("star-free") == 3
    assert ssmc("check-starfree", "-e", "a", "--lines").code == 2
