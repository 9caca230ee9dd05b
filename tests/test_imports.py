"""Imports go one way, heavy packages are loaded late, and the network runs without the compiler's dependencies."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "ssmc"
FILES = sorted(PACKAGE.rglob("*.py"))

ERRORS = {"errors", "__init__"}
VALUES = ERRORS | {"collector", "alphabet", "minimize", "automaton", "encoding", "dyck", "patternset"}
ALLOWED = {
    "__init__": set[str](),
    "errors": set[str](),
    "collector": set[str](),
    "alphabet": ERRORS,
    "minimize": VALUES,
    "automaton": VALUES,
    "encoding": VALUES,
    "dyck": VALUES,
    "patternset": VALUES,
    "languages": VALUES,
    "algebra": VALUES,
    "cascade": VALUES | {"algebra"},
    "draw": VALUES | {"languages", "algebra", "cascade"},
    "sample": VALUES,
    "evaluate": VALUES | {"nn", "kernels", "sample"},
    "kernels": ERRORS,
    "nn": ERRORS | {"kernels"},
    "targets": VALUES | {"cascade", "kernels", "nn"},
    "answer": ERRORS | {"nn"},
    "verify": VALUES | {"cascade", "kernels", "nn", "targets"},
    "trace": VALUES | {"cascade", "kernels", "nn"},
    "compile": VALUES | {"languages", "algebra", "cascade", "kernels", "nn", "targets", "verify"},
}
ALLOWED["bench"] = set(ALLOWED) - {"draw"}
ALLOWED["cli"] = set(ALLOWED)
"""What each package may import from ssmc, itself aside."""

WITHOUT_TORCH = VALUES | {"languages", "algebra", "cascade", "draw", "sample"}
TORCH_AT_TOP = {"nn", "kernels", "bench"}
INSIDE_FUNCTIONS = {"automata", "networkx", "pydot", "rich", "triton", "matplotlib", "transformers"}
"""triton may be imported at the top of `kernels` only: its functions are decorated there."""


class Import(NamedTuple):
    """One import: the module named, the line, and whether it runs when the file is imported."""

    module: str
    line: int
    at_top: bool


def imports(tree: ast.Module) -> list[Import]:
    """Every import of a file; those under `if TYPE_CHECKING` and inside functions do not run at the top."""
    found: list[Import] = []

    def visit(node: ast.AST, at_top: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, node.lineno, at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            module = node.module or ""
            if module == "ssmc":
                found.extend(Import(f"ssmc.{alias.name}", node.lineno, at_top) for alias in node.names)
            else:
                found.append(Import(module, node.lineno, at_top))
        inner = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.iter_child_nodes(node):
            visit(child, at_top and not inner and not checking)

    visit(tree, True)
    return found


TOP = {path.name for path in PACKAGE.glob("*.py")}


def part_of(module: str) -> str:
    """The package (or top-level module) of a dotted name: `ssmc.cli.run` is of `cli`, `ssmc.__version__` of `__init__`."""
    pieces = module.split(".")
    known = len(pieces) > 1 and ((PACKAGE / pieces[1]).is_dir() or f"{pieces[1]}.py" in TOP)
    return pieces[1] if known else "__init__"


def part_of_file(path: Path) -> str:
    """The package (or top-level module) that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    part = part_of_file(path)
    allowed = ALLOWED[part] | {part}
    for found in imports(ast.parse(path.read_text())):
        root = found.module.split(".")[0]
        where = f"{path}:{found.line}: {part} imports {found.module}"
        if root == "ssmc":
            assert part_of(found.module) in allowed, where
        if root == "torch":
            assert part not in WITHOUT_TORCH, where
            assert not found.at_top or part in TORCH_AT_TOP, where
        if root in INSIDE_FUNCTIONS:
            assert not found.at_top or (root == "triton" and part == "kernels"), where


def test_the_parser_of_imports_sees_each_kind() -> None:
    tree = ast.parse(
        "import torch.nn\nfrom ssmc import errors\nfrom ssmc.cli.run import command\n"
        "if TYPE_CHECKING:\n    import networkx\ndef f():\n    from automata.fa import dfa\n"
    )
    assert imports(tree) == [
        Import("torch.nn", 1, True),
        Import("ssmc.errors", 2, True),
        Import("ssmc.cli.run", 3, True),
        Import("networkx", 5, False),
        Import("automata.fa", 7, False),
    ]
    assert [part_of(m) for m in ("ssmc", "ssmc.cli.run", "ssmc.errors", "ssmc.__version__")] == [
        "__init__",
        "cli",
        "errors",
        "__init__",
    ]


def loaded_after(code: str) -> set[str]:
    """The top-level names in `sys.modules` after running code in a fresh interpreter."""
    show = "\nimport sys\nprint(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + show], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_no_heavy_package() -> None:
    code = """
from ssmc.cli import main
for args in (["--help"], ["--version"], ["nonsense"]):
    try:
        main(args)
    except SystemExit:
        pass
"""
    heavy = {"torch", "automata", "networkx", "rich", "numpy", "pydot", "triton", "safetensors"}
    assert not loaded_after(code) & heavy


@pytest.mark.parametrize(("option", "needed"), [("--no-layers", set()), ("--layers", {"numpy"})])
def test_a_small_decision_loads_no_heavy_package(option: str, needed: set[str]) -> None:
    code = f"""
from ssmc.cli import main
try:
    main(["check-starfree", "flip-flop", "{option}"])
except SystemExit as ending:
    assert ending.code == 0
"""
    heavy = {"torch", "automata", "networkx", "rich", "numpy", "pydot", "triton", "safetensors", "http"}
    assert loaded_after(code) & heavy == needed


@pytest.mark.parametrize("package", ["ssmc.kernels", "ssmc.nn"])
def test_the_network_needs_no_compiler(package: str) -> None:
    block = (
        "import sys\nfor name in ('automata', 'networkx', 'pydot', 'click', 'rich'):\n    sys.modules[name] = None\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{block}import {package}\nprint({package}.__name__)"],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == package
