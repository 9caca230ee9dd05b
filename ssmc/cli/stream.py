"""`ssmc run --file`: one string of any length from a file or a pipe, with a progress bar; or a verdict for each of its lines."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from ssmc.cli import failure
from ssmc.cli.symbols import SymbolReader
from ssmc.cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from ssmc.cli.model import LoadedModel
    from ssmc.kernels.engine import Engine
    from ssmc.nn.streaming import Stream

CHUNK = 1 << 22
"""Bytes that are read at a time."""


@contextmanager
def opened(path: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file at a path, or standard input for `-`, and its size where it has one.

    Raises:
        OSError: it cannot be opened.
    """
    if path == "-":
        yield sys.stdin.buffer, None
        return
    with Path(path).open("rb") as file:
        info = Path(path).stat()
        yield file, info.st_size or None


def pieces(file: BinaryIO, path: str, size: int | None, chunk: int) -> Iterator[bytes]:
    """The file in pieces of `chunk` bytes, with a progress bar where stderr is a terminal.

    Raises:
        OSError: it cannot be read.
    """
    with _bar(path, size) as advance:
        while data := file.read(chunk):
            yield data
            advance(len(data))


def _bar(path: str, size: int | None) -> AbstractContextManager[Any]:
    if not sys.stderr.isatty():
        return nullcontext(lambda _: None)
    return _shown(path, size)


@contextmanager
def _shown(path: str, size: int | None) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("standard input" if path == "-" else Path(path).name, total=size)
        yield lambda count: progress.update(task, advance=count)


def stream_of(loaded: LoadedModel, engine: Engine, device: str) -> Stream:
    """The model on a device, ready to be fed.

    Raises:
        ModelFileError: the file describes no model.
        UsageError: the engine does not run there, or does not answer for these weights.
    """
    from ssmc.errors import UsageError
    from ssmc.kernels.description import Description
    from ssmc.kernels.engine import Runner
    from ssmc.kernels.saying import Machines
    from ssmc.nn import Model
    from ssmc.nn.streaming import Stream

    model: Any = loaded.model
    if isinstance(model, Model):
        loaded.cascade.check()  # nothing in a file is trusted, and its tables are about to be run
    if device != "cpu":
        model = model.to(device)
    if isinstance(model, Model) and model.compiled is not None:
        runner, doubt = model.compiled.runner(model), model.compiled.doubt(model)
        if doubt is not None and engine not in ("auto", "network"):
            raise UsageError(f"{loaded.path}: {doubt}, so only the engine network answers for it, not {engine}")
        reason = None if engine == "auto" else runner.refusal(engine, cuda=device == "cuda")
        if reason is not None:
            raise UsageError(reason)
        return Stream(model, runner, trusted=doubt is None, engine=engine)
    if engine not in ("auto", "network"):
        raise UsageError(f"{loaded.path}: a model of another library is run by the engine network only, not {engine}")
    described = Description.from_json(loaded.automaton.to_json(), None, predict=loaded.predict)
    return Stream(model, Runner(Machines(described)), trusted=loaded.certified and loaded.proved_length is None)


def run_file(
    loaded: LoadedModel,
    path: str,
    *,
    spaced: bool = False,
    engine: Engine = "auto",
    device: str = "cpu",
    chunk: int = CHUNK,
    positions: bool = False,
    as_json: bool = False,
) -> int:
    """Answers for the whole content of a file as one string; the exit code says whether it is a word.

    Args:
        loaded: the model.
        path: the file; `-` is standard input.
        spaced: symbols are separated by white space.
        engine: which engine answers.
        device: `cpu` or `cuda`.
        chunk: bytes that are read at a time; the answer does not depend on it.
        positions: write 0 or 1 for every symbol, whether the prefix that it ends is a word.
        as_json: print `ssmc.run-file/1`.

    Raises:
        OSError: the file cannot be read.
        SymbolError: the file has something that is not in the alphabet; the message has its offset.
    """
    reader = SymbolReader(loaded.automaton.alphabet, spaced=spaced)
    stream = stream_of(loaded, engine, device)
    size, offset = 0, None
    began = time.perf_counter()
    with opened(path) as (file, length):
        for data in chain(pieces(file, path, length, chunk), (b"",)):
            size += len(data)
            symbols = reader.feed(data, last=not data)
            before = stream.symbols
            accepts = stream.feed(symbols)
            if positions:
                sys.stdout.buffer.write((accepts + ord("0")).tobytes())
            if stream.error_at is not None and offset is None and before <= stream.error_at < stream.symbols:
                offset = reader.offset(stream.error_at - before)
            if stream.dead and not positions:
                break
    seconds = time.perf_counter() - began
    if positions:
        sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()
    elif as_json:
        click.echo(json.dumps(_to_json(loaded, path, stream, offset, size, seconds)))
    else:
        click.echo(_in_words(path, stream, offset))
        for k in stream.patterns:
            click.echo(f"  {loaded.patterns[k]}")
    engine_name = f", engine {stream.engine}" if stream.engine else ""
    say(f"{size:,} bytes in {seconds:.2f} s: {size / max(seconds, 1e-9) / 1e6:,.1f} MB/s{engine_name}")
    if (proved := loaded.proved_length) is not None and stream.symbols > proved:
        say(f"ssmc: the input has more than {proved:,} symbols, up to which the model was proved")
    return failure.OK if stream.accepted else failure.NO


def _in_words(path: str, stream: Stream, offset: int | None) -> str:
    shown = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
    verdict = f"{'accepted' if stream.accepted else 'rejected'}  {shown}"
    if stream.accepted:
        return verdict
    notes = [] if offset is None else [f"no word goes on at byte {offset:,}"]
    if stream.last_match is not None:
        notes.append(f"the longest word is the first {stream.last_match:,} symbols")
    return f"{verdict}  ({'; '.join(notes)})" if notes else verdict


def _to_json(
    loaded: LoadedModel, path: str, stream: Stream, offset: int | None, size: int, seconds: float
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "schema": "ssmc.run-file/1",
        "input": path,
        "accepted": stream.accepted,
        "symbols": stream.symbols,
        "error_at": stream.error_at,
        "error_offset": offset,
        "matches": stream.matches,
        "first_match": stream.first_match,
        "last_match": stream.last_match,
        "engine": stream.engine,
        "bytes": size,
        "seconds": seconds,
    }
    if loaded.patterns:
        data["patterns"] = [loaded.patterns[k] for k in stream.patterns]
    return data


def lines_of(path: str, chunk: int = CHUNK) -> Iterator[list[str]]:
    """The lines of a file, without their line feeds, some at a time; bytes that are not UTF-8 as Python passes them in arguments.

    Raises:
        OSError: it cannot be read.
    """
    held: list[bytes] = []
    with opened(path) as (file, length):
        for data in pieces(file, path, length, chunk):
            first, *rest = data.split(b"\n")
            held.append(first)
            if rest:
                yield [line.decode(errors="surrogateescape") for line in (b"".join(held), *rest[:-1])]
                held = [rest[-1]]
    if tail := b"".join(held):
        yield [tail.decode(errors="surrogateescape")]
