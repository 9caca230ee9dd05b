"""`ssmc run`: the strings through the network's parallel forward."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure
from ssmc.cli.command import Command
from ssmc.cli.terminal import say
from ssmc.errors import SymbolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.alphabet import Alphabet
    from ssmc.answer import Answer
    from ssmc.cli.model import LoadedModel


@click.command(
    "run",
    cls=Command,
    examples=(
        "ssmc run model.pt abba aab ''",
        "ssmc run flip-flop.pt 'w1 i r1' --json",
        "grep -o '[ab]*' words.txt | ssmc run model.pt",
    ),
)
@click.argument("model", type=click.Path())
@click.argument("string", nargs=-1)
@click.option(
    "--symbols", is_flag=True, help="Symbols are separated by spaces (always so where one is longer than a character)."
)
def command(model: str, string: Sequence[str], symbols: bool, as_json: bool) -> int:
    """Says of each STRING whether MODEL accepts it; without strings, of each line of standard input.

    In predict mode a string is rejected at the first symbol that is not a legal next one. The model of a pattern set also names the
    patterns that match. Exit code 1 if any string is rejected.
    """
    from ssmc.answer import answers
    from ssmc.cli.model import load

    loaded = load(model)
    alphabet = loaded.automaton.alphabet
    strings = _lines() if not string or list(string) == ["-"] else list(string)
    encoded = [_encode(alphabet, text, number, spaced=symbols) for number, text in enumerate(strings, 1)]
    if (proved := loaded.proved_length) is not None and any(len(word) > proved for word in encoded):
        say(f"ssmc: a string has more than {proved:,} symbols, up to which the model was proved")
    code = failure.OK
    found = []
    for text, answer in zip(strings, answers(loaded.model, encoded, predict=loaded.predict), strict=True):
        if not answer.accepted:
            code = failure.NO
        if as_json:
            found.append(_to_json(loaded, text, answer))
        else:
            click.echo(_in_words(alphabet, text, answer))
            for name in _matching(loaded, answer, -1):
                click.echo(f"  {name}")
    if as_json:
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
