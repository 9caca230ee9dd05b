"""The command line in this process (`ssmc(...)`) and in another (`process(...)`), and a model compiled once a session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest
from click.testing import CliRunner

from ssmc.cli import main

if TYPE_CHECKING:
    from pathlib import Path


class Result(NamedTuple):
    """The ending of a command."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON values on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Ssmc(Protocol):
    """Runs the command line."""

    def __call__(self, *args: str, stdin: str | bytes = "") -> Result: ...


def run_here(*args: str, stdin: str | bytes = "") -> Result:
    with CliRunner().isolation(input=stdin) as (out, err, _):
        try:
            main(args)
        except SystemExit as ending:
            code = ending.code
        assert isinstance(code, int)
        return Result(code, out.getvalue().decode(), err.getvalue().decode())


def run_process(*args: str, stdin: str | bytes = "") -> Result:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "from ssmc.cli import main; main()", *args],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="session")
def ssmc() -> Ssmc:
    """The command line in this process."""
    return run_here


@pytest.fixture(scope="session")
def process() -> Ssmc:
    """The command line in a process of its own, warnings as errors."""
    return run_process


def compiled(folder: Path, *args: str) -> str:
    path = str(folder / "model.pt")
    result = run_here("compile", *args, "-o", path)
    assert result.code == 0, result
    return path


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of (ab|ba)* in recognise mode."""
    return compiled(tmp_path_factory.mktemp("pairs"), "-e", "(ab|ba)*", "--alphabet", "ab")


@pytest.fixture(scope="session")
def flip_flop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of the shipped flip-flop grammar in predict mode."""
    return compiled(tmp_path_factory.mktemp("flipflop"), "flip-flop", "--mode", "predict")
