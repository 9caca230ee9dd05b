"""What README.md and docs/ show is what happens: every console and Python block is run, and its output compared.

`UPDATE_DOCUMENTS=1 pytest tests/test_documents.py` writes the present outputs into the files instead; read the difference before committing it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ssmc.cli import main
from ssmc.cli.table import COMMANDS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VERSION = re.compile(r"(?<=torch )\d[\w.+]*")
"""What differs between machines."""
LINK = re.compile(r"\[[^\]]*\]\((?!https?://|#)([^)#]+)[^)]*\)")


def run(line: str, folder: Path) -> str:
    """The output of a shell line, stdout and stderr as they come; `ssmc` runs in this process."""
    words = shlex.split(line)
    if words[0] != "ssmc" or set(words) & {"|", ">", "<", ";", "&&"}:
        shim = folder / ".bin"
        shim.mkdir(exist_ok=True)
        (shim / "ssmc").write_text(f'#!/bin/sh\nexec {sys.executable} -c "from ssmc.cli import main; main()" "$@"\n')
        (shim / "ssmc").chmod(0o755)
        path = f"{shim}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            line, shell=True, cwd=folder, text=True, timeout=120, check=False, env=os.environ | {"PATH": path},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.stdout
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
        main(words[1:])
    return out.getvalue()


def console(block: str, folder: Path) -> str:
    """The block with the outputs that its `$` lines have now."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    assert commands, block
    return "".join(f"{command}\n{run(command[2:], folder)}" for command in commands)


def python(block: str, names: dict[str, object]) -> str:
    """The block with the outputs of its `>>>` lines; without any it is just run."""
    if ">>> " not in block:
        exec(compile(block, "document", "exec"), names)
        return block
    import doctest

    test = doctest.DocTestParser().get_doctest(block, names, "document", None, 0)
    report = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
    runner.run(test, out=report.write, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0, report.getvalue()
    names.update(test.globs)
    return block


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_blocks_show_what_happens(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    text = path.read_text(encoding="utf-8")

    def present(match: re.Match[str]) -> str:
        language, block = match.groups()
        return f"```{language}\n{console(block, tmp_path) if language == 'console' else python(block, names)}```"

    now = BLOCK.sub(present, text)
    if os.environ.get("UPDATE_DOCUMENTS"):
        path.write_text(now, encoding="utf-8")
        text = now
    assert VERSION.sub("*", now).splitlines() == VERSION.sub("*", text).splitlines()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name == "index.md" or f"]({path.name})" in index, path.name


def test_every_schema_and_command_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "ssmc").rglob("*.py"))
    schemas = set(re.findall(r'"(ssmc\.[a-z]+/\d+)"', source))
    assert "ssmc.compile/1" in schemas
    for schema in schemas:
        assert schema in page, schema
    for name in COMMANDS:
        assert f"ssmc {name} " in page, name
