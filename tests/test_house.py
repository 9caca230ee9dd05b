"""The rules of the house that no linter knows: short files, no leftovers, messages through one place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ssmc"
PYTHON = sorted(path for folder in ("ssmc", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
TEXT = sorted(
    [
        *PYTHON,
        *(path for folder in ("docs", "grammars") for path in (ROOT / folder).rglob("*") if path.is_file()),
        *(
            ROOT / name
            for name in ("README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "constraints.txt", ".ci/run")
        ),
    ]
)

LONGEST = 400
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.~\"'])/(home|root|work|Users)/\w")
VAGUE = {"utils.py", "util.py", "helpers.py", "helper.py", "manager.py", "common.py", "misc.py"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_files_are_short_and_named_for_what_they_hold(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST
    assert path.name not in VAGUE


@pytest.mark.parametrize("path", TEXT, ids=name)
def test_no_leftovers(path: Path) -> None:
    if path == Path(__file__) or path.suffix in {".png", ".svg", ".pdf"}:
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert not LEFTOVERS.search(line), f"{name(path)}:{number}: {line.strip()}"
        assert not MACHINE_PATHS.search(line), f"{name(path)}:{number}: {line.strip()}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_the_package_neither_prints_nor_asserts_nor_stubs(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{name(path)}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), where
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", where
        if isinstance(node, ast.Name):
            assert node.id not in {"NotImplementedError", "NotImplemented"}, where


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_every_module_says_what_it_is(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert text, f"{name(path)} has no docstring"
    assert text.splitlines()[0].strip().endswith((".", ":", "?")), name(path)


def test_tests_have_unique_names() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))
