"""DFAs and NFAs in JSON, in the shape of automata-lib's constructors, partial allowed.

    {"states": [...], "input_symbols": [...], "transitions": {state: {symbol: state}}, "initial_state": state, "final_states": [...]}

Where some target is a list, or a transition reads "", the automaton is an NFA. Numbers and strings name the same state (JSON keys are
strings).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.errors import InputError, InvariantError, Position
from ssmc.languages.formal import check_names
from ssmc.languages.json_places import Places
from ssmc.languages.nfa import EMPTY_WORD, NFA, determinize
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from ssmc.languages.limits import Budget

_KEYS = ("states", "input_symbols", "transitions", "initial_state", "final_states")


def parse_json(text: str, file: str | None = None) -> Any:
    """The value of a JSON text.

    Raises:
        InputError: the text is not JSON, or an object has a key twice (for an automaton: a duplicate transition).
    """
    places = Places(text, file)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"duplicate key {twice!r}: two transitions or states of one name", places.duplicate())
        return out

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", places.at(error.pos)) from None
    except RecursionError:
        raise InputError("not an automaton: JSON nested too deep", Position(1, 1, file=file)) from None


def read_automaton_json(text: str, budget: Budget, file: str | None = None) -> Automaton:
    """The automaton of a JSON text: the shape of automata-lib's DFA or NFA, or `Automaton.to_json`'s own.

    Raises:
        InputError: the text is not JSON, or not a well-formed automaton.
        LimitError: the budget is exceeded while determinising.
    """
    data = parse_json(text, file)
    if isinstance(data, dict) and {"alphabet", "delta", "accepting"} <= data.keys():
        try:
            return Automaton.from_json(data)
        except (InvariantError, KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"not a canonical automaton: {error}", Position(1, 1, file=file)) from None
    return automaton_of(data, budget, Places(text, file))


def automaton_of(data: Any, budget: Budget, places: Places | None = None) -> Automaton:
    """The automaton of an object in the shape of automata-lib's constructors.

    Raises:
        InputError: the object is malformed.
        LimitError: the budget is exceeded while determinising.
    """
    places = places or Places("", None)
    top = places.at(0) if places.text else None
    if not isinstance(data, dict):
        raise InputError("an automaton is an object with the keys " + ", ".join(_KEYS), top)
    missing = [key for key in _KEYS if key not in data]
    if missing:
        raise InputError(f"missing key {missing[0]!r}", top)
    for key in ("states", "input_symbols", "final_states"):
        if not isinstance(data[key], list) or not all(isinstance(x, str | int) for x in data[key]):
            raise InputError(f"{key!r} must be a list of names", places.value(key))
    names = check_names([str(x) for x in data["input_symbols"]], places.value("input_symbols"))
    states: dict[str, int] = {}
    for i, value in enumerate(data["states"]):
        if str(value) in states:
            raise InputError(f"state {value!r} is declared twice", places.value("states", i))
        states[str(value)] = len(states)
    symbols = {name: i for i, name in enumerate(names)}

    def state(value: Any, role: str, *path: str | int, key: bool = False) -> int:
        if not isinstance(value, str | int) or str(value) not in states:
            where = places.key(*path) if key else places.value(*path)
            raise InputError(f"unknown state {value!r} {role}", where)
        return states[str(value)]

    edges: list[tuple[int, int, int]] = []
    if not isinstance(data["transitions"], dict):
        raise InputError("'transitions' must be an object", places.value("transitions"))
    for source, row in data["transitions"].items():
        from_state = state(source, "in 'transitions'", "transitions", source, key=True)
        if not isinstance(row, dict):
            raise InputError(
                f"the transitions of state {source!r} must be an object", places.value("transitions", source)
            )
        for symbol, targets in row.items():
            path = ("transitions", source, symbol)
            if symbol not in symbols and symbol != "":
                raise InputError(f"unknown symbol {symbol!r} in a transition of {source!r}", places.key(*path))
            several = isinstance(targets, list)
            for i, target in enumerate(targets if several else [targets]):
                to_state = state(target, f"after {source!r} reads {symbol!r}", *path, *((i,) if several else ()))
                edges.append((from_state, symbols.get(symbol, EMPTY_WORD), to_state))
    initial = state(data["initial_state"], "as 'initial_state'", "initial_state")
    final = frozenset(
        state(value, "in 'final_states'", "final_states", i) for i, value in enumerate(data["final_states"])
    )
    return determinize(NFA(Alphabet.tokens(names), len(states), tuple(edges), frozenset((initial,)), final), budget)


def to_library_json(automaton: Automaton) -> dict[str, Any]:
    """The automaton in the shape of automata-lib's constructor; the empty language has one state."""
    names = automaton.alphabet.names
    classes = automaton.alphabet.classes
    rows = automaton.delta or ((DEAD,) * automaton.classes,)
    return {
        "states": [str(q) for q in range(len(rows))],
        "input_symbols": list(names),
        "transitions": {
            str(q): {name: str(row[c]) for name, c in zip(names, classes, strict=True) if row[c] != DEAD}
            for q, row in enumerate(rows)
        },
        "initial_state": "0",
        "final_states": [str(q) for q in sorted(automaton.accepting)],
    }
