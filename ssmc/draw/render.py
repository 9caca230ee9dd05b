"""Pictures to files: DOT always, SVG, PNG and PDF by Graphviz, from the `dot` program or the one inside the pygraphviz wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ssmc.errors import LimitError, UsageError

if TYPE_CHECKING:
    import pydot

FORMATS = ("dot", "svg", "png", "pdf")
SECONDS = 120.0


def render(graph: pydot.Dot, form: str, seconds: float = SECONDS) -> bytes:
    """The picture in a format of `FORMATS`.

    Raises:
        UsageError: the format is unknown, or Graphviz is not installed.
        LimitError: the layout takes too long.
    """
    if form not in FORMATS:
        raise UsageError(f"cannot draw to .{form}: the formats are {', '.join(FORMATS)}")
    text: str = graph.to_string()
    if form == "dot":
        return text.encode()
    program = shutil.which("dot")
    settings = ["-Gdpi=110"] if form == "png" else []
    if program is None:
        return _by_wheel(text, form, settings)
    try:
        done = subprocess.run(  # noqa: S603
            [program, f"-T{form}", *settings], input=text.encode(), capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise LimitError("seconds for the layout", seconds, seconds, "a smaller picture or -o FILE.dot") from None
    if done.returncode or not done.stdout:
        raise UsageError(f"Graphviz failed: {' '.join(done.stderr.decode(errors='replace').split())[:300]}")
    return done.stdout


def _by_wheel(text: str, form: str, settings: list[str]) -> bytes:
    try:
        wheel = import_module("pygraphviz")
    except ImportError:
        raise UsageError(
            f"drawing to .{form} needs Graphviz: install it, or `pip install 'pygraphviz>=2'`, or write -o FILE.dot"
        ) from None
    graph = wheel.AGraph(string=text)
    graph.layout(prog="dot")
    image: bytes = graph.draw(format=form, args=" ".join(settings))
    return image


def write_picture(graph: pydot.Dot, path: str | Path, seconds: float = SECONDS) -> None:
    """Writes the picture in the format of the path's extension; the file appears whole or not at all.

    Raises:
        UsageError: the format is unknown, or Graphviz is not installed.
        LimitError: the layout takes too long.
        OSError: the file cannot be written.
    """
    path = Path(path)
    write_whole(path, render(graph, path.suffix.removeprefix(".").lower(), seconds))


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file that appears whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
