"""Grammar files (`*.toml`): a language with what is known of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ssmc
from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.errors import InputError, Position
from ssmc.languages.automaton_json import automaton_of
from ssmc.languages.construct import construct
from ssmc.languages.formal import Source, check_names, parse_formal
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from ssmc.languages.limits import Budget

_TYPES: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "source": dict,
    "alphabet": list,
    "star_free": bool,
    "states": int,
    "complete_states": int,
    "monoid_size": int,
    "accepts": list,
    "rejects": list,
    "reference": str,
    "why": str,
}
_KINDS = ("regex", "dfa", "dyck")


@dataclass(frozen=True)
class Grammar:
    """A grammar file.

    Attributes:
        name: the name; the stem of the file.
        kind: how the language is given: `regex` (formal notation), `dfa` (the shape of automata-lib's constructor) or `dyck`.
        source: the expression, the object, or the parameters of the generator.
        alphabet: the symbols.
        star_free: the expected verdict.
        states: live states of the minimal DFA.
        complete_states: the same with the sink.
        monoid_size: the size of the transition monoid of the complete minimal DFA, None when unknown.
        accepts: words of the language, each a list of symbols.
        rejects: words outside.
        reference: where the language comes from.
        why: why it is here.
        file: the path.
    """

    name: str
    kind: str
    source: Any
    alphabet: tuple[str, ...]
    star_free: bool
    states: int
    complete_states: int
    monoid_size: int | None
    accepts: tuple[tuple[str, ...], ...]
    rejects: tuple[tuple[str, ...], ...]
    reference: str
    why: str
    file: str

    def automaton(self, budget: Budget) -> Automaton:
        """The minimal DFA.

        Raises:
            InputError: the source is malformed.
            LimitError: the budget is exceeded.
        """
        if self.kind == "dfa":
            return automaton_of({"input_symbols": list(self.alphabet), **self.source}, budget)
        if self.kind == "dyck":
            return bounded_dyck(self.alphabet, self.source["depth"], budget)
        source = Source(self.source, file=f"{self.file} (regex)")
        return construct(parse_formal(source, self.alphabet), Alphabet.tokens(self.alphabet), budget)


def shipped_grammars() -> list[Path]:
    """The grammar files that come with ssmc, by name; in a source checkout those of its `grammars` folder."""
    package = Path(ssmc.__file__).parent
    folder = next((f for f in (package / "grammars", package.parent / "grammars") if f.is_dir()), package)
    return sorted(folder.glob("*.toml"))


def parse_grammar(text: str, file: str) -> Grammar:
    """The grammar of a TOML text.

    Raises:
        InputError: the text is not TOML, or lacks a key, or a value has the wrong type.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not TOML: {error}", Position(1, 1, file=file)) from None
    top = Position(1, 1, file=file)
    for key, value in data.items():
        if key not in _TYPES:
            raise InputError(f"unknown key {key!r}", top)
        if not isinstance(value, _TYPES[key]) or (_TYPES[key] is int and isinstance(value, bool)):
            raise InputError(f"{key!r} has the wrong type", top)
    missing = [key for key in _TYPES if key not in data and key != "monoid_size"]
    if missing:
        raise InputError(f"missing key {missing[0]!r}", top)
    kind, source = _source(data["source"], top)
    names = check_names(data["alphabet"], top)
    if kind == "dyck" and len(names) != 2 * source["kinds"]:
        raise InputError("a Dyck alphabet lists the opening brackets, then the closing ones, of every kind", top)
    words = {}
    for key in ("accepts", "rejects"):
        if not all(isinstance(word, str | list) for word in data[key]):
            raise InputError(f"{key!r} holds strings or lists of symbols", top)
        words[key] = tuple(tuple(word) for word in data[key])
    return Grammar(
        name=data["name"],
        kind=kind,
        source=source,
        alphabet=names,
        star_free=data["star_free"],
        states=data["states"],
        complete_states=data["complete_states"],
        monoid_size=data.get("monoid_size"),
        accepts=words["accepts"],
        rejects=words["rejects"],
        reference=data["reference"],
        why=data["why"],
        file=file,
    )


def _source(table: dict[str, Any], top: Position) -> tuple[str, Any]:
    """The kind and the content of the `source` table."""
    if len(table) != 1 or next(iter(table)) not in _KINDS:
        raise InputError(f"'source' has exactly one of the keys {', '.join(_KINDS)}", top)
    kind, value = next(iter(table.items()))
    if not isinstance(value, str if kind == "regex" else dict):
        raise InputError(f"source: {kind!r} has the wrong type", top)
    if kind == "dyck" and isinstance(value, dict):
        counts = [value.get(key) for key in ("kinds", "depth")]
        if value.keys() != {"kinds", "depth"} or not all(type(n) is int and n > 0 for n in counts):
            raise InputError("source: 'dyck' is { kinds = k, depth = m } with positive integers", top)
    return kind, value


def bounded_dyck(names: tuple[str, ...], depth: int, budget: Budget) -> Automaton:
    """Balanced brackets nested at most `depth` deep; the states are the stacks, so there are (k^(m+1) - 1)/(k - 1).

    Args:
        names: the k opening brackets, then the k closing ones in the same order.
        depth: the bound m.
        budget: limits the states.

    Raises:
        LimitError: the budget is exceeded.
    """
    kinds = len(names) // 2
    stacks: dict[tuple[int, ...], int] = {(): 0}
    table: list[list[int]] = []
    for stack in (queue := [()]):
        budget.check_states(len(stacks), "states of a Dyck language")
        row = []
        for kind in range(kinds):
            pushed = (*stack, kind)
            if len(stack) == depth:
                row.append(DEAD)
                continue
            if pushed not in stacks:
                stacks[pushed] = len(stacks)
                queue.append(pushed)  # type: ignore[arg-type]
            row.append(stacks[pushed])
        row += [stacks[stack[:-1]] if stack and stack[-1] == kind else DEAD for kind in range(kinds)]
        table.append(row)
    return Automaton.from_table(Alphabet.tokens(names), table, 0, (0,))
