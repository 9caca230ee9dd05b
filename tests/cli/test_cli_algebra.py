"""`classify`, `monoid` and `draw` on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ssmc


def test_classify_json(ssmc: Ssmc) -> None:
    result = ssmc("classify", "--json", "-e", "(ab)*", "--alphabet", "ab")
    assert result.code == 0
    data = result.data
    assert data["schema"] == "ssmc.classes/1"
    classes = {entry["name"]: entry for entry in data["classes"]}
    assert classes["strictly-local"]["holds"] is True
    assert classes["strictly-local"]["order"] == 2
    assert classes["finite"]["holds"] is False
    assert classes["finite"]["evidence"]["text"] == "(ab)^k is in the language for every k"
    assert all(entry["theorem"] for entry in data["classes"])
    assert data["need"]["text"] == "a non-negative diagonal suffices"


def test_classify_in_words(ssmc: Ssmc) -> None:
    result = ssmc("classify", "parity", "tomita-7")
    assert result.code == 0
    assert "parity: 2 live states, a syntactic monoid of 2 elements" in result.out
    assert "a state-space model: needs a -1 gate" in result.out
    assert "a state-space model: a non-negative diagonal suffices" in result.out


def test_classify_above_the_limit_says_so(ssmc: Ssmc) -> None:
    result = ssmc("classify", "d-12", "--monoid-limit", "10", "--json")
    assert result.code == 0
    assert result.data["monoid_size"] is None
    undecided = [entry for entry in result.data["classes"] if entry["holds"] is None]
    assert undecided
    assert all(entry["reason"] for entry in undecided)


def test_monoid_json(ssmc: Ssmc) -> None:
    data = ssmc("monoid", "tomita-3", "--elements", "--json").data
    assert data["schema"] == "ssmc.monoid/1"
    assert (data["size"], data["idempotents"], data["aperiodic"]) == (26, 12, False)
    assert sum(d["size"] for d in data["d_classes"]) == data["size"] == len(data["elements"])
    assert [d["group"]["name"] for d in data["d_classes"] if d["group"] and d["group"]["order"] > 1] == ["C2", "C2"]
    assert data["elements"][0] == {"word": [], "map": [0, 1, 2, 3], "idempotent": True, "r": 0, "l": 0, "d": 0}


def test_monoid_in_words(ssmc: Ssmc) -> None:
    result = ssmc("monoid", "flip-flop", "--elements")
    assert result.code == 0
    assert "flip-flop: a monoid of 8 elements on 4 states" in result.out
    assert "3 x 2 x 1             4 idempotents" in result.out
    assert "w0 r1" in result.out


@pytest.mark.parametrize("option", ["--monoid-limit", "--memory-limit"])
def test_a_monoid_above_its_limit_is_exit_4(ssmc: Ssmc, option: str) -> None:
    result = ssmc("monoid", "d-12", option, "100", "--json")
    assert result.code == 4
    assert result.data["type"] == "LimitError"
    assert result.data["option"] == option


@pytest.mark.parametrize("what", ["automaton", "skeleton", "eggbox", "cayley"])
def test_draw_writes_dot(ssmc: Ssmc, tmp_path: Path, what: str) -> None:
    target = tmp_path / "out.dot"
    result = ssmc("draw", what, "tomita-3", "-o", str(target), "--json")
    assert result.code == 0
    assert result.data == {
        "schema": "ssmc.draw/1",
        "what": what,
        "name": "tomita-3",
        "output": str(target),
        "bytes": target.stat().st_size,
    }
    assert target.read_text() == ssmc("draw", what, "tomita-3").out
    assert target.read_text().startswith("digraph ssmc {")


def test_draw_colours_a_word(ssmc: Ssmc) -> None:
    plain = ssmc("draw", "automaton", "flip-flop").out
    coloured = ssmc("draw", "automaton", "flip-flop", "--word", "w1 i r0").out
    assert plain != coloured
    assert "no transition on r0" in coloured
    assert ssmc("draw", "automaton", "flip-flop", "--word", "w1 x").code == 3


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("skeleton", "tomita-3", "--word", "ab"), 2),
        (("automaton", "tomita-3", "tomita-7"), 2),
        (("automaton", "tomita-3", "--json"), 2),
        (("automaton", "tomita-3", "-o", "x.gif"), 2),
        (("portrait", "tomita-3"), 2),
        (("automaton", "missing.txt"), 3),
        (("cayley", "d-12"), 4),
        (("eggbox", "d-12", "--limit", "3"), 4),
        (("skeleton", "d-12", "--limit", "3"), 4),
        (("automaton", "d-12", "--limit", "3"), 4),
    ],
)
def test_wrong_uses_of_draw(ssmc: Ssmc, args: tuple[str, ...], code: int) -> None:
    assert ssmc("draw", *args).code == code
