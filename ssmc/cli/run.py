"""`ssmc run`: strings through the network's parallel forward, files through the fastest engine."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.terminal import say
from ssmc.errors import SymbolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.alphabet import Alphabet
    from ssmc.answer import Answer
    from ssmc.cli.model import LoadedModel
    from ssmc.kernels.engine import Engine

ENGINES = ("auto", "bits", "maps", "walk", "network")
"""Those of `ssmc.kernels.engine`, which is not imported for the sake of help; a test compares them."""


@click.command(
    "run",
    cls=Command,
    examples=(
        "ssmc run model.pt abba aab ''",
        "ssmc run flip-flop.pt 'w1 i r1' --json",
        "grep -o '[ab]*' words.txt | ssmc run model.pt",
        "ssmc run log.pt --file access.log",
    ),
)
@click.argument("model", type=click.Path())
@click.argument("string", nargs=-1)
@click.option(
    "--symbols", is_flag=True, help="Symbols are separated by spaces (always so where one is longer than a character)."
)
@click.option("--file", "path", metavar="PATH", help="The whole content of a file ('-': of a pipe) as one string.")
@click.option("--each-line", is_flag=True, help="With --file: every line of the file is a string.")
@click.option("--per-position", is_flag=True, help="With --file: 0 or 1 for every symbol: is the prefix a word?")
@click.option(
    "--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="With --file: which engine answers."
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", help="With --file: where it runs.")
@click.option("--chunk", type=click.IntRange(min=1), metavar="BYTES", help="With --file: how much is read at a time.")
def command(
    model: str,
    string: Sequence[str],
    symbols: bool,
    path: str | None,
    each_line: bool,
    per_position: bool,
    engine: Engine,
    device: str,
    chunk: int | None,
    as_json: bool,
) -> int:
    """Says of each STRING whether MODEL accepts it; without strings, of each line of standard input; with --file, of a whole file.

    In predict mode a string is rejected at the first symbol that is not a legal next one. The model of a pattern set also names the
    patterns that match. A file may be larger than memory: it is read in pieces, and the answer does not depend on them. Exit code 1 if any
    string is rejected.
    """
    from ssmc.cli.model import load

    if path is None:
        if each_line or per_position or chunk or engine != "auto" or device != "cpu":
            raise UsageError("--each-line, --per-position, --engine, --device and --chunk are for --file")
        loaded = load(model)
        return _answer(loaded, _lines() if not string or list(string) == ["-"] else list(string), symbols, as_json)
    return _file(model, string, path, symbols, each_line, per_position, engine, device, chunk, as_json)


def _file(
    model: str,
    string: Sequence[str],
    path: str,
    symbols: bool,
    each_line: bool,
    per_position: bool,
    engine: Engine,
    device: str,
    chunk: int | None,
    as_json: bool,
) -> int:
    """`--file`."""
    import torch

    from ssmc.cli.model import load
    from ssmc.cli.stream import CHUNK, lines_of, run_file

    if string:
        raise UsageError("--file takes the place of STRING")
    if per_position and (as_json or each_line):
        raise UsageError("--per-position goes with neither --json nor --each-line")
    if each_line and (engine != "auto" or device != "cpu"):
        raise UsageError("--each-line runs the network on the CPU")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: this machine has no CUDA device")
    loaded = load(model)
    if not each_line:
        return run_file(
            loaded,
            path,
            spaced=symbols,
            engine=engine,
            device=device,
            chunk=chunk or CHUNK,
            positions=per_position,
            as_json=as_json,
        )
    number, codes = 0, []
    for lines in lines_of(path, chunk or CHUNK):
        codes.append(_answer(loaded, lines, symbols, as_json, after=number, each=True))
        number += len(lines)
    return failure.worst(codes)


def _answer(
    loaded: LoadedModel, strings: Sequence[str], symbols: bool, as_json: bool, *, after: int = 0, each: bool = False
) -> int:
    """Prints the answers for some strings, in JSON as one array or (`each`) one object a line."""
    from ssmc.answer import answers

    alphabet = loaded.automaton.alphabet
    encoded = [_encode(alphabet, text, number, spaced=symbols) for number, text in enumerate(strings, after + 1)]
    if (proved := loaded.proved_length) is not None and any(len(word) > proved for word in encoded):
        say(f"ssmc: a string has more than {proved:,} symbols, up to which the model was proved")
    code = failure.OK
    found = []
    for text, answer in zip(strings, answers(loaded.model, encoded, predict=loaded.predict), strict=True):
        if not answer.accepted:
            code = failure.NO
        if not as_json:
            click.echo(_in_words(alphabet, text, answer))
            for name in _matching(loaded, answer, -1):
                click.echo(f"  {name}")
        elif each:
            click.echo(json.dumps(_to_json(loaded, text, answer)))
        else:
            found.append(_to_json(loaded, text, answer))
    if as_json and not each:
        click.echo(json.dumps(found))
    return code


def _lines() -> list[str]:
    """The lines of standard input without their line feeds; bytes that are not UTF-8 as Python passes them in arguments."""
    text = sys.stdin.buffer.read().decode(errors="surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []


def _encode(alphabet: Alphabet, text: str, number: int, *, spaced: bool) -> list[int]:
    try:
        return alphabet.encode(text, spaced=spaced)
    except SymbolError as error:
        raise SymbolError(f"string {number}: {error.message}") from None


def _matching(loaded: LoadedModel, answer: Answer, prefix: int) -> list[str]:
    """The names of the patterns that hold a prefix; none hold a string with an illegal symbol."""
    if prefix == -1 and answer.illegal_at is not None:
        return []
    return [name for name, holds in zip(loaded.patterns, answer.patterns[prefix], strict=True) if holds]


def _to_json(loaded: LoadedModel, text: str, answer: Answer) -> dict[str, Any]:
    alphabet = loaded.automaton.alphabet
    data: dict[str, Any] = {
        "input": text,
        "accepted": answer.accepted,
        "prefix_accepted": answer.prefix_accepted.tolist(),
        "next": None if answer.legal is None else [_names(alphabet, row) for row in answer.legal],
    }
    if loaded.patterns:
        data["patterns"] = _matching(loaded, answer, -1)
        data["prefix_patterns"] = [_matching(loaded, answer, k) for k in range(len(answer.patterns))]
    if answer.illegal_at is not None:
        data["illegal_at"] = answer.illegal_at
    return data


def _names(alphabet: Alphabet, row: Sequence[bool]) -> list[str]:
    """The names of the symbols that are true in a row."""
    return [alphabet.name(symbol) for symbol, legal in enumerate(row) if legal]


def _in_words(alphabet: Alphabet, text: str, answer: Answer) -> str:
    shown = text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    verdict = f"{'accepted' if answer.accepted else 'rejected'}{shown and '  ' + shown}"
    if answer.illegal_at is None or answer.legal is None:
        return verdict
    legal = " ".join(_names(alphabet, answer.legal[-1])) or "nothing"
    return f"{verdict}  (symbol {answer.illegal_at + 1} is illegal; legal: {legal})"
