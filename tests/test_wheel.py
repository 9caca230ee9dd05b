"""The wheel holds the whole package and the grammars, and what it installs finds them by name."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_it_holds_the_package_the_grammars_and_the_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in [*(ROOT / "ssmc").rglob("*.py"), ROOT / "ssmc" / "py.typed"]:
        assert str(path.relative_to(ROOT)) in names
    for path in (ROOT / "grammars").glob("*.toml"):
        assert f"ssmc/grammars/{path.name}" in names
    assert any(name.endswith("/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_the_version_is_one(wheel: Path) -> None:
    import ssmc

    assert wheel.name.startswith(f"ssm_compiler-{ssmc.__version__}-")


def test_an_installed_ssmc_finds_grammars_by_name(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import ssmc; print(ssmc.__file__); from ssmc.cli import main; main(['check-starfree', 'flip-flop'])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    where, verdict, *_ = done.stdout.splitlines()
    assert where == str(tmp_path / "ssmc" / "__init__.py")
    assert verdict == "flip-flop: star-free"
