"""`ssmc convert` and `--syntax`: every format and notation of the front end is reached from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ssmc.cli.convert import FORMATS
from ssmc.cli.inputs import SYNTAXES
from ssmc.languages import FORMATS as WRITTEN
from ssmc.languages import language_of, read_language
from ssmc.languages.notation import SYNTAXES as READ

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ssmc


def test_the_choices_are_those_of_the_front_end() -> None:
    assert tuple(WRITTEN) == FORMATS
    assert SYNTAXES == READ


@pytest.mark.parametrize("form", FORMATS)
def test_there_and_back(ssmc: Ssmc, tmp_path: Path, form: str) -> None:
    expected = read_language("tomita-3").automaton
    there, back = tmp_path / f"there.{form}", tmp_path / "back.json"
    assert ssmc("convert", "tomita-3", str(there)).code == 0
    done = ssmc("convert", str(there), str(back), "--json")
    assert done.data == {
        "schema": "ssmc.convert/1",
        "name": "there",
        "output": str(back),
        "states": expected.states,
        "complete_states": expected.complete_states,
        "alphabet_size": 2,
        "level": "symbol",
        "patterns": [],
    }
    assert read_language(str(back)).automaton == expected
    printed = ssmc("convert", "tomita-3", "-", "--format", form)
    assert (printed.code, printed.out) == (0, there.read_text())


@pytest.mark.parametrize(
    ("expression", "options", "same"),
    [
        ("F(a & N b)", ("--alphabet", "ab", "--syntax", "ltl"), ".*ab.*"),
        ("a+b?", ("--alphabet", "ab", "--syntax", "python"), "aa*b?"),
        ("ab", ("--alphabet", "ab", "--syntax", "python", "--search"), ".*ab.*"),
    ],
)
def test_every_syntax(ssmc: Ssmc, tmp_path: Path, expression: str, options: tuple[str, ...], same: str) -> None:
    out = tmp_path / "out.json"
    expected = language_of(same, alphabet="ab").automaton
    if "ltl" in options:
        expected = language_of(expression, alphabet="ab", syntax="ltl").automaton
    assert ssmc("convert", "-e", expression, *options, str(out)).code == 0
    assert read_language(str(out)).automaton == expected


def test_text(ssmc: Ssmc, tmp_path: Path) -> None:
    out = tmp_path / "out.mata"
    refused = ssmc("convert", "-e", "é+", str(out))
    assert refused.code == 2
    assert "code points" in refused.err
    assert not out.exists()
    assert ssmc("convert", "-e", "é+", "--bytes", str(out)).code == 0
    automaton = read_language(str(out)).automaton
    assert automaton.states == 3


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("flip-flop",), 2),
        (("flip-flop", "a.json", "b.json"), 2),
        (("flip-flop", "-"), 2),
        (("flip-flop", "-", "--format", "dot", "--json"), 2),
        (("flip-flop", "out.xyz"), 2),
        (("no-such", "out.json"), 3),
        (("flip-flop", "no/such/folder/out.json"), 3),
    ],
)
def test_refused(ssmc: Ssmc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], code: int) -> None:
    monkeypatch.chdir(tmp_path)
    assert ssmc("convert", *args).code == code
    assert not list(tmp_path.iterdir())
