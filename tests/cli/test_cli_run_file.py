"""`ssmc run --file`: a file in pieces of any size, whatever its alphabet; one verdict, and where the error is."""

from __future__ import annotations

import io
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ssmc.alphabet import Alphabet
from ssmc.cli.run import ENGINES
from ssmc.cli.stream import pieces
from ssmc.cli.symbols import SymbolReader
from ssmc.errors import SymbolError
from ssmc.kernels import engine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Result, Ssmc

SPEED = ("seconds", "engine")


def answer(result: Result) -> dict[str, object]:
    """The JSON without what depends on the machine."""
    return {key: value for key, value in result.data.items() if key not in SPEED}


@pytest.fixture(scope="module")
def digits(ssmc: Ssmc, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of text: lines of digits."""
    path = str(tmp_path_factory.mktemp("digits") / "model.pt")
    assert ssmc("compile", "-e", r"([0-9]+\n)*", "-o", path).code == 0
    return path


@pytest.mark.parametrize("word", ["abba" * 300, "abba" * 150 + "aab" + "ba" * 99, "abb", "", "ab\n"])
def test_the_answer_does_not_depend_on_the_pieces(ssmc: Ssmc, pairs: str, tmp_path: Path, word: str) -> None:
    path = tmp_path / "word.txt"
    path.write_text(word)
    whole = ssmc("run", pairs, "--file", str(path), "--json")
    text = word.removesuffix("\n")
    (alone,) = ssmc("run", pairs, "--json", text).data
    assert whole.data["schema"] == "ssmc.run-file/1"
    assert whole.data["accepted"] == alone["accepted"]
    assert whole.code == (0 if alone["accepted"] else 1)
    ends = [k for k, accepted in enumerate(alone["prefix_accepted"]) if accepted and k]
    assert (whole.data["matches"], whole.data["first_match"], whole.data["last_match"]) == (
        len(ends),
        ends[0] if ends else None,
        ends[-1] if ends else None,
    )
    wrong = text.find("aa") if len(text) == len("abba" * 150 + "aab" + "ba" * 99) else -1
    assert (whole.data["error_at"] is None) == (wrong < 0)
    digits = ssmc("run", pairs, "--file", str(path), "--per-position").out
    assert digits == "".join("01"[accepted] for accepted in alone["prefix_accepted"][1:]) + "\n"
    for chunk in ("61", "599") if len(word) > 100 else ("1", "2"):
        for name in ("auto", "network", "bits", "maps", "walk"):
            again = ssmc("run", pairs, "--file", str(path), "--json", "--chunk", chunk, "--engine", name)
            # reading stops at the piece with the error
            left, right = (
                {k: v for k, v in answer(r).items() if whole.data["error_at"] is None or k not in ("bytes", "symbols")}
                for r in (again, whole)
            )
            assert left == right, (chunk, name)
            assert name in ("auto", again.data["engine"]) or not word
        assert ssmc("run", pairs, "--file", str(path), "--per-position", "--chunk", chunk).out == digits


def test_where_the_error_is(ssmc: Ssmc, pairs: str, digits: str, flip_flop: str, tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_text("abbaab" + "aa" + "b" * 50)
    for chunk in ("1", "5", "100"):
        result = ssmc("run", pairs, "--file", str(path), "--chunk", chunk)
        assert result.code == 1
        assert result.out == f"rejected  {path}  (no word goes on at byte 7; the longest word is the first 6 symbols)\n"
    path.write_bytes(b"12\n345\nx\n7\n")
    result = ssmc("run", digits, "--file", str(path), "--json", "--chunk", "3")
    assert (result.data["error_at"], result.data["error_offset"], result.data["last_match"]) == (7, 7, 7)
    path.write_text("w1  i\nr1\tw0 r1 i")
    for chunk in ("1", "4", "100"):
        result = ssmc("run", flip_flop, "--file", str(path), "--json", "--chunk", chunk)
        assert (result.code, result.data["error_at"], result.data["error_offset"]) == (1, 4, 12)


def test_a_model_of_text_reads_every_byte(ssmc: Ssmc, digits: str, tmp_path: Path) -> None:
    path = tmp_path / "digits.txt"
    path.write_bytes(b"123\n4567\n" * 1000)
    result = ssmc("run", digits, "--file", str(path), "--json", "--chunk", "1001")
    assert (result.code, result.data["symbols"], result.data["bytes"]) == (0, 9000, 9000)
    assert "MB/s" in result.err
    assert ssmc("run", digits, "--file", "-", stdin=b"12\n34\n").out == "accepted  -\n"
    path.write_bytes(b"123\n\xff\n")
    assert ssmc("run", digits, "--file", str(path), "--json").data["error_offset"] == 4


def test_memory_does_not_grow_with_the_file(ssmc: Ssmc, tmp_path: Path) -> None:
    model, path = str(tmp_path / "zeros.pt"), tmp_path / "zeros"
    assert ssmc("compile", "-e", r"\x00*", "--alphabet", "bytes", "--syntax", "python", "-o", model).code == 0
    path.write_bytes(bytes(1 << 20))
    ssmc("run", model, "--file", str(path), "--engine", "walk")  # what is compiled and kept once
    with path.open("wb") as file:
        file.truncate(160 << 20)
    tracemalloc.start()
    try:
        result = ssmc("run", model, "--file", str(path), "--json", "--engine", "walk", "--chunk", str(1 << 20))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.code, result.data["symbols"], result.data["matches"]) == (0, 160 << 20, 160 << 20)
    assert peak < 48 << 20


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"ab" * 1000
    for terminal in (False, True):
        shown = io.StringIO()
        monkeypatch.setattr(shown, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr("sys.stderr", shown)
        assert b"".join(pieces(io.BytesIO(text), "folder/word.txt", 2000, 300)) == text
        assert ("2.0/2.0 kB" in shown.getvalue()) == terminal
        assert bool(shown.getvalue()) == terminal


def test_each_line(ssmc: Ssmc, pairs: str, tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("abba\nab\n\naab\nba")
    result = ssmc("run", pairs, "--file", str(path), "--each-line", "--chunk", "3")
    assert (result.code, result.out) == (1, "accepted  abba\naccepted  ab\naccepted\nrejected  aab\naccepted  ba\n")
    rows = ssmc("run", pairs, "--file", str(path), "--each-line", "--json", "--chunk", "6").lines
    assert rows == ssmc("run", pairs, "--json", "abba", "ab", "", "aab", "ba").data
    path.write_text("ab\nabc\n")
    result = ssmc("run", pairs, "--file", str(path), "--each-line")
    assert result.code == 3
    assert "string 2" in result.err


def test_bad_input_is_one_line(ssmc: Ssmc, pairs: str, tmp_path: Path) -> None:
    path = tmp_path / "word.txt"
    path.write_text("ab" * 100 + "xab")
    for chunk in ("1", "7", "1000"):
        result = ssmc("run", pairs, "--file", str(path), "--chunk", chunk)
        assert result.code == 3
        assert result.err == "ssmc: byte 200: 'x' is not in the alphabet a b\n"
    for where, why in (("missing.txt", "No such file"), (".", "directory")):
        result = ssmc("run", pairs, "--file", str(tmp_path / where))
        assert result.code == 3
        assert why in result.err
        assert len(result.err.splitlines()) == 1
    for arguments in (
        ("ab", "--file", "x"),
        ("ab", "--per-position"),
        ("--file", "x", "--per-position", "--json"),
        ("--file", "x", "--each-line", "--engine", "walk"),
    ):
        assert ssmc("run", pairs, *arguments).code == 2


def test_an_unproved_file_is_run_by_its_network(ssmc: Ssmc, pairs: str, tmp_path: Path) -> None:
    import dataclasses

    from ssmc.nn import read_file, save_model

    path, word = tmp_path / "unproved.pt", tmp_path / "word.txt"
    save_model(path, dataclasses.replace(read_file(pairs), certificate=None))
    word.write_text("abba" * 20)
    result = ssmc("run", str(path), "--file", str(word), "--json")
    assert (result.code, result.data["engine"], result.data["error_at"]) == (0, "network", None)
    refused = ssmc("run", str(path), "--file", str(word), "--engine", "walk")
    assert refused.code == 2
    assert "no certificate" in refused.err


def test_the_engines_on_offer_are_those_there_are() -> None:
    assert set(ENGINES) == set(engine.ENGINES)


@pytest.mark.parametrize("names", [["a", "b"], ["a", "ä", "€", "😀"], ["w1", "w0", "i", "é"], ["\n", "a"]])
@pytest.mark.parametrize("spaced", [False, True])
def test_symbols_do_not_depend_on_the_pieces(names: list[str], spaced: bool) -> None:
    if spaced and "\n" in names:
        return
    alphabet = Alphabet.tokens(names)
    rng = np.random.default_rng(len(names))
    word = rng.integers(0, len(names), 50).tolist()
    separated = spaced or alphabet.multicharacter
    text = (" \n"[rng.integers(2)] if separated else "").join(names[x] for x in word)
    data = text.encode() + (b"" if "\n" in names else b"\n")
    for step in (1, 2, 3, 1000):
        reader, got, offsets = SymbolReader(alphabet, spaced=spaced), [], []
        for start in (*range(0, len(data), step), len(data)):
            piece = reader.feed(data[start : start + step], last=start >= len(data))
            offsets += [reader.offset(k) for k in range(len(piece))]
            got += piece.tolist()
        assert got == word
        assert [names[x].encode() for x in got] == [
            data[at : at + len(names[x].encode())] for at, x in zip(offsets, got, strict=True)
        ]


def read_all(reader: SymbolReader, data: bytes, step: int) -> None:
    for start in (*range(0, len(data), step), len(data)):
        reader.feed(data[start : start + step], last=start >= len(data))


def test_what_is_no_symbol_has_its_offset() -> None:
    for names, data, message in (
        (["a", "ä"], "aäßa".encode(), "byte 3: 'ß'"),
        (["a", "ä"], b"aa\xffa", r"byte 2: '\\xff'"),
        (["a", "b"], b"ab\nab\n", r"byte 2: '\\n'"),
        (["w1", "w0"], b"w1 w0\n w2", "byte 7: 'w2'"),
        (["a", "b"], "abé".encode(), "byte 2: 'é'"),
    ):
        for step in (1, 2, 100):
            reader = SymbolReader(Alphabet.tokens(names))
            with pytest.raises(SymbolError, match=message):
                read_all(reader, data, step)
