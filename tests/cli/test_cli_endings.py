"""Every ending of a command has its own exit code, and 1 is always an answer."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import types
from typing import TYPE_CHECKING

import click
import pytest

from ssmc import __version__
from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.table import COMMANDS, Entry
from ssmc.errors import (
    InputError,
    InvariantError,
    LimitError,
    ModelFileError,
    NotStarFreeError,
    Position,
    RegexSyntaxError,
    SymbolError,
    TargetError,
    UsageError,
    VerificationError,
)

if TYPE_CHECKING:
    from tests.cli.conftest import Ssmc

ENDINGS = [
    (InputError("bad"), 3),
    (RegexSyntaxError("bad"), 3),
    (SymbolError("bad"), 3),
    (ModelFileError("bad"), 3),
    (FileNotFoundError(2, "No such file", "x"), 3),
    (UsageError("bad"), 2),
    (click.UsageError("bad"), 2),
    (LimitError("states", 10, 5, "--state-limit"), 4),
    (NotStarFreeError("bad", None), 1),
    (TargetError("bad"), 1),
    (VerificationError("bad", ["a", "b"]), 5),
    (InvariantError("bad"), 5),
    (KeyboardInterrupt(), 130),
    (BrokenPipeError(), 141),
    (ZeroDivisionError("division by zero"), 70),
    (RecursionError("maximum recursion depth exceeded"), 70),
    (MemoryError(), 70),
]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command `fail` that raises the error put into the list, or prints when there is none."""
    errors: list[BaseException] = []

    @click.command("fail", cls=Command, examples=("ssmc fail",))
    def command(as_json: bool) -> None:
        """Fails."""
        for error in errors:
            raise error
        click.echo("json" if as_json else "text")

    module = types.ModuleType("failing")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "failing", module)
    monkeypatch.setitem(COMMANDS, "fail", Entry("failing", "Fails."))
    return errors


@pytest.mark.parametrize(("error", "code"), ENDINGS, ids=lambda value: type(value).__name__)
def test_each_ending_has_its_code_and_one_line(
    ssmc: Ssmc, failing: list[BaseException], error: BaseException, code: int
) -> None:
    failing.append(error)
    result = ssmc("fail")
    assert (result.code, result.out) == (code, "")
    assert "Traceback" not in result.err
    first, *rest = result.err.splitlines() or [""]
    assert first.startswith("ssmc: ") or code == failure.CLOSED_PIPE
    assert rest == []


@pytest.mark.parametrize(("error", "code"), ENDINGS, ids=lambda value: type(value).__name__)
def test_errors_as_json(ssmc: Ssmc, failing: list[BaseException], error: BaseException, code: int) -> None:
    failing.append(error)
    result = ssmc("fail", "--json")
    assert result.code == code
    if code in (failure.INTERRUPTED, failure.CLOSED_PIPE):
        assert result.out == ""
        return
    assert result.err == ""
    assert result.data["schema"] == "ssmc.error/1"
    assert {"type", "message", "position"} <= set(result.data)
    assert result.data["type"] == type(error).__name__


def test_json_of_a_position_and_of_a_limit(ssmc: Ssmc, failing: list[BaseException]) -> None:
    failing.append(RegexSyntaxError("nothing to repeat", Position(1, 2, "a**", "x.txt")))
    assert ssmc("fail", "--json").data == {
        "schema": "ssmc.error/1",
        "type": "RegexSyntaxError",
        "message": "nothing to repeat",
        "position": {"line": 1, "column": 2, "text": "a**", "file": "x.txt"},
    }
    assert ssmc("fail").err == "ssmc: x.txt:1:2: nothing to repeat\n  a**\n   ^\n"
    failing[0] = LimitError("states", 10_001, 10_000, "--state-limit")
    data = ssmc("fail", "--json").data
    assert (data["what"], data["reached"], data["limit"], data["option"]) == ("states", 10001, 10000, "--state-limit")


def test_debug_shows_the_traceback(ssmc: Ssmc, failing: list[BaseException]) -> None:
    failing.append(ZeroDivisionError("division by zero"))
    for args in (["fail", "--debug"], ["--debug", "fail"]):
        result = ssmc(*args)
        assert result.code == failure.CRASH
        assert "Traceback" in result.err


def test_worst_of_several() -> None:
    order = [failure.OK, failure.NO, failure.LIMIT, failure.INVALID, failure.UNPROVED, failure.USAGE, failure.CRASH]
    assert order[:4] == [0, 1, 4, 3]
    for k in range(len(order)):
        assert failure.worst(order[: k + 1]) == failure.worst(reversed(order[: k + 1])) == order[k]
    assert failure.worst([]) == failure.OK


def test_usage(ssmc: Ssmc) -> None:
    for args in ([], ["nonsense"], ["compile"], ["check-starfree", "--nonsense"], ["run"]):
        result = ssmc(*args)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("ssmc: ")
    data = ssmc("compile", "--json").data
    assert (data["schema"], data["type"]) == ("ssmc.error/1", "UsageError")


def test_help_opens_with_examples(ssmc: Ssmc) -> None:
    result = ssmc("--help")
    assert result.code == 0
    for name in COMMANDS:
        page = ssmc(name, "--help")
        assert page.code == 0
        assert page.out.index("Examples:") < page.out.index("Options:")
        assert f"  ssmc {name} " in page.out or f"  ssmc {name}\n" in page.out
        assert "--json" in page.out
        assert name in result.out
    assert result.out.index("Examples:") < result.out.index("Options:") < result.out.index("Commands:")
    assert ssmc("--version").out.strip().endswith(__version__)


def test_the_table_names_each_command_by_its_own_name() -> None:
    from importlib import import_module

    for name, entry in COMMANDS.items():
        assert import_module(entry.module).command.name == name


def test_no_colour_unless_wanted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert _coloured(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not _coloured(monkeypatch)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert not _coloured(monkeypatch)


def _coloured(monkeypatch: pytest.MonkeyPatch) -> bool:
    said: list[str] = []
    monkeypatch.setattr(click, "echo", lambda text, err=False: said.append(text))
    failure.report(InputError("bad"), as_json=False)
    return "\x1b[" in said[0]


def heed_interrupts() -> None:
    """Undoes what a shell does to jobs in the background: they are started with SIGINT ignored, and Python then leaves it so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_interruption_ends_with_130() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "from ssmc.cli import main; main()", "check-starfree", "-", "--alphabet", "ab"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    assert child.stdin is not None
    child.stdin.write("(a")
    child.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=1.5)  # it waits for the rest of its input
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err) == (130, "", "ssmc: interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_a_closed_pipe_is_no_answer() -> None:
    code = "from ssmc.cli import main; main()"
    for args in (["--help"], ["check-starfree", *["-e", "a"] * 3, "--alphabet", "a", "--json"]):
        child = subprocess.Popen(
            [sys.executable, "-c", code, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.wait(timeout=30) == 141
        assert child.stderr.read() == ""
        child.stderr.close()


def test_json_lines_of_several_inputs(ssmc: Ssmc) -> None:
    result = ssmc("check-starfree", "--json", "--alphabet", "ab", *["-e", "a", "-e", "(aa)*", "-e", "(a", "-e", "b"])
    assert result.code == 3
    assert [line["schema"] for line in result.lines] == [
        f"ssmc.{x}/1" for x in ("starfree", "starfree", "error", "starfree")
    ]
    assert result.lines[2]["input"] == "(a"
    assert json.dumps(result.lines[1]["witness"]["word"]) == '["a"]'


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
@pytest.mark.parametrize("both", [False, True])
def test_progress_shows_on_a_terminal_only_where_answers_do_not(both: bool) -> None:
    import os
    import pty

    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", "from ssmc.cli import main; main()", "check-starfree", "flip-flop", "parity", "d-2"],
        stdout=theirs if both else subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    out = shown if both else child.communicate(timeout=30)[0]
    assert child.wait(timeout=30) == 1
    os.close(ours)
    assert (b"deciding" in shown) != both
    assert out.startswith(b"flip-flop: star-free")
    assert b"\x1b" not in out
