"""Bad input: one line with a position or a limit, the right exit code, and nothing written."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

if TYPE_CHECKING:
    from tests.cli.conftest import Result, Ssmc

TABLE: dict[str, Any] = {
    "states": ["p", "q"],
    "input_symbols": ["a"],
    "transitions": {"p": {"a": "q"}, "q": {}},
    "initial_state": "p",
    "final_states": ["q"],
}


def check(result: Result, code: int, *says: str, lines: int = 1) -> None:
    """The ending is `code`; stderr is one line, followed by the source and a caret where `lines` is 3."""
    assert result.code == code, result
    assert result.out == ""
    assert result.err.startswith("ssmc: ")
    assert len(result.err.splitlines()) == lines, result.err
    for text in says:
        assert text in result.err


@pytest.mark.parametrize(
    ("expression", "line_and_column"),
    [
        ("a|*b", "1:3"),
        ("(ab", "1:1"),
        ("ab)", "1:3"),
        ("a{2,1}", "1:2"),
        ("a(b|c)*x", "1:8"),
        ("a\\d", "1:2"),
        ("[ab", "1:1"),
    ],
)
def test_malformed_expressions(ssmc: Ssmc, tmp_path: Path, expression: str, line_and_column: str) -> None:
    output = tmp_path / "model.pt"
    arguments = ["compile", "-e", expression, "--alphabet", "abc", "-o", str(output)]
    result = ssmc(*arguments)
    check(result, 3, f"-e:{line_and_column}: ", expression, lines=3)
    column = int(line_and_column.split(":")[1])
    assert result.err.splitlines()[2] == "  " + " " * (column - 1) + "^"
    data = ssmc(*arguments, "--json").data
    assert data["schema"] == "ssmc.error/1"
    assert (data["position"]["line"], data["position"]["column"]) == (1, column)
    assert list(tmp_path.iterdir()) == []


def test_positions_in_files_count_the_header(ssmc: Ssmc, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text('#: alphabet = "ab"\n\na|)\n')
    result = ssmc("check-starfree", str(path))
    assert result.code == 3
    assert f"{path}:3:3: " in result.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b'#: alphabet = "ab"\na\xff', "UTF-8"),
        (b'#: alphabet = "ab"\n#: colour = "red"\na', "colour"),
        (b"#: alphabet ab\na", "header"),
    ],
)
def test_bad_files(ssmc: Ssmc, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "regex.txt"
    path.write_bytes(content)
    output = tmp_path / "model.pt"
    result = ssmc("compile", str(path), "-o", str(output))
    assert result.code == 3
    assert result.out == ""
    assert says in result.err.splitlines()[0]
    assert str(path) in result.err.splitlines()[0]
    assert not output.exists()
    check(ssmc("compile", "-", stdin=content), 3, says, lines=len(result.err.splitlines()))


def test_missing_and_unreadable(ssmc: Ssmc, tmp_path: Path) -> None:
    missing = tmp_path / "missing.txt"
    check(ssmc("compile", str(missing), "-o", str(tmp_path / "m.pt")), 3, str(missing))
    check(ssmc("compile", str(tmp_path), "-o", str(tmp_path / "m.pt")), 3, "directory")
    if os.geteuid() != 0:
        missing.write_text("a")
        missing.chmod(0)
        check(ssmc("compile", str(missing)), 3, "cannot be read")
        missing.unlink()
    check(ssmc("run", str(missing), "a"), 3, str(missing))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"transitions": {"p": {"a": "nowhere"}, "q": {}}},
        {"initial_state": "nowhere"},
        {"final_states": ["nowhere"]},
        {"transitions": {"p": {"z": "q"}, "q": {}}},
        {"states": 7},
    ],
)
def test_bad_automata(ssmc: Ssmc, tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "dfa.json"
    path.write_text(json.dumps(TABLE))
    assert ssmc("check-starfree", str(path)).code == 0
    path.write_text(json.dumps(TABLE | change))
    result = ssmc("compile", str(path), "-o", str(tmp_path / "m.pt"))
    assert (result.code, result.out) == (3, "")
    assert str(path) in result.err.splitlines()[0]
    assert [entry.name for entry in tmp_path.iterdir()] == ["dfa.json"]


def test_a_duplicate_transition_and_broken_json(ssmc: Ssmc, tmp_path: Path) -> None:
    path = tmp_path / "dfa.json"
    path.write_text(json.dumps(TABLE).replace('{"a": "q"}', '{"a": "q", "a": "p"}'))
    result = ssmc("check-starfree", str(path))
    assert result.code == 3
    assert "a" in result.err.splitlines()[0]
    path.write_text(json.dumps(TABLE)[:-5])
    result = ssmc("check-starfree", str(path))
    assert result.code == 3
    assert f"{path}:1:" in result.err


@pytest.mark.parametrize("expression", ["(a|b)*a(a|b){40}", "((a{50}){50}){50}", "(a|b)*a(a|b){200}"])
def test_limits_end_soon(ssmc: Ssmc, tmp_path: Path, expression: str) -> None:
    arguments = ["compile", "-e", expression, "--alphabet", "ab", "-o", str(tmp_path / "m.pt")]
    check(ssmc(*arguments), 4, "limit ", "--state-limit")
    data = ssmc(*arguments, "--json").data
    assert data["type"] == "LimitError"
    assert data["reached"] > data["limit"]
    assert data["option"] == "--state-limit"
    assert list(tmp_path.iterdir()) == []


def test_options_that_make_no_sense(ssmc: Ssmc, tmp_path: Path) -> None:
    for arguments in (
        ["compile", "-e", "a", "--syntax", "formal"],
        ["compile", "-e", "a", "--alphabet", "a", "--search"],
        ["compile", "-e", "a", "--alphabet", "a", "--mode", "guess"],
        ["compile", "-e", "a", "--alphabet", "a", "--dtype", "float64"],
        ["compile", "-e", "a", "--alphabet", "a", "--target", "abacus"],
        ["compile", "-e", "a", "-e", "b", "--alphabet", "ab", "-o", str(tmp_path / "m.pt")],
        ["compile", "-e", "a", "--alphabet", "a", "-o", str(tmp_path / "m.bin")],
        ["check-starfree", "-", "-"],
    ):
        check(ssmc(*arguments), 2)
    check(ssmc("compile", "-e", "a", "--alphabet", "a", "-o", str(tmp_path / "no" / "m.pt")), 3, "no folder")
    assert list(tmp_path.iterdir()) == []


def test_symbols_outside_the_alphabet(ssmc: Ssmc, pairs: str, flip_flop: str) -> None:
    check(ssmc("run", pairs, "ab", "abc"), 3, "string 2", "symbol 3", "'c'")
    check(ssmc("run", flip_flop, "w1 w2"), 3, "'w2'")
    data = ssmc("run", "--json", pairs, "ab", "abc").data
    assert (data["schema"], data["type"]) == ("ssmc.error/1", "SymbolError")
    check(ssmc("run", pairs, stdin=b"ab\n\xff\n"), 3)


class Hostile:
    """What runs code when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (os.system, (f"touch '{self.marker}'",))


@pytest.mark.parametrize("command", ["run", "verify", "inspect", "bench"])
def test_hostile_pickles_are_not_run(ssmc: Ssmc, pairs: str, tmp_path: Path, command: str) -> None:
    marker, path = tmp_path / "marker", tmp_path / "model.pt"
    content = torch.load(pairs, weights_only=True)
    for write in (
        lambda: path.write_bytes(pickle.dumps(Hostile(marker))),
        lambda: torch.save(Hostile(marker), path),
        lambda: torch.save(content | {"source": Hostile(marker)}, path),
        lambda: torch.save(content | {"source": Hostile(marker)}, path, _use_new_zipfile_serialization=False),
    ):
        write()
        result = ssmc(command, str(path))
        assert result.code == 3, result
        assert result.err.splitlines()[-1].startswith(f"ssmc: {path}: ")
        assert not marker.exists()


def test_damaged_models(ssmc: Ssmc, pairs: str, tmp_path: Path) -> None:
    whole = Path(pairs).read_bytes()
    path = tmp_path / "model.pt"
    for size in (0, 1, 2, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        check(ssmc("run", str(path), "ab"), 3, str(path))
    content = torch.load(pairs, weights_only=True)
    torch.save(content | {"version": 99}, path)
    check(ssmc("run", str(path), "ab"), 3, "version 99")
    torch.save({key: value for key, value in content.items() if key != "cascade"}, path)
    check(ssmc("inspect", str(path)), 3, "cascade")
    torch.save([1, 2], path)
    check(ssmc("verify", str(path)), 3, str(path))
    damaged = json.loads(json.dumps(content["automaton"]))
    damaged["delta"][0][0] = 99
    torch.save(content | {"automaton": damaged}, path)
    check(ssmc("run", str(path), "ab"), 3, "automaton is damaged")
    path.write_text("hello")
    check(ssmc("inspect", str(path)), 3, str(path))


def test_an_unwritable_output_leaves_nothing(ssmc: Ssmc, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "mine.txt").write_text("keep")
    check(ssmc("compile", "aa-star", "-o", str(folder)), 3, str(folder))
    assert [entry.name for entry in folder.iterdir()] == ["mine.txt"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_an_old_file_survives_a_failure(ssmc: Ssmc, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    assert ssmc("compile", "aa-star", "-o", str(path)).code == 0
    before = path.read_bytes()
    assert ssmc("compile", "parity", "-o", str(path)).code == 1
    assert ssmc("compile", "-e", "(", "--alphabet", "a", "-o", str(path)).code == 3
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.pt"]


def test_a_bug_in_our_own_proof_writes_nothing(ssmc: Ssmc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ssmc.nn import Model

    build = Model.of

    def wrong(config: Any, tensors: Any) -> Model:
        model = build(config, tensors)
        with torch.no_grad():
            model.head.logits.bias.neg_()
        return model

    monkeypatch.setattr(Model, "of", staticmethod(wrong))
    check(ssmc("compile", "flip-flop", "-o", str(tmp_path / "m.pt")), 5)
    assert list(tmp_path.iterdir()) == []


def test_interrupted_while_compiling(tmp_path: Path) -> None:
    code = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts with it ignored
import ssmc.nn.formats as formats
def interrupt(*args):
    os.kill(os.getpid(), signal.SIGINT)
    import time; time.sleep(10)
formats.os.fsync = interrupt
from ssmc.cli import main
main(["compile", "aa-star", "-o", sys.argv[1]])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "m.pt")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "ssmc: interrupted\n")
    assert list(tmp_path.iterdir()) == []
