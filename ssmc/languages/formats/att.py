"""AT&T / OpenFst acceptor text: `source target symbol [symbol]` for a transition, `state` for a final state.

The first state of the file is the initial one. The empty word is `<eps>`, `<epsilon>`, `@0@` or `@_EPSILON_SYMBOL_@`. Weights are refused
unless they are zero. There is no comment in this format, so the alphabet is the sorted list of the symbols that occur.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.languages.formats.edges import Draft, edges_of, symbol_names

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.languages.limits import Budget

_EMPTY = ("<eps>", "<epsilon>", "@0@", "@_EPSILON_SYMBOL_@")


def read_att(text: str, budget: Budget, file: str | None = None) -> Automaton:
    """The automaton of an acceptor in AT&T text.

    Raises:
        InputError: a line is malformed, or the file is a transducer or weighted.
        LimitError: the budget is exceeded.
    """
    draft = Draft(file, None)
    for row, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) > 5:
            raise draft.error("a line has 1 to 5 fields", row, line)
        weight = fields[1] if len(fields) == 2 else fields[4] if len(fields) == 5 else "0"
        if not _is_zero(weight):
            raise draft.error(f"weight {weight!r}: only unweighted acceptors are read", row, line)
        if not draft.initial:
            draft.initial.append(fields[0])
        if len(fields) <= 2:
            draft.final.append(fields[0])
            continue
        if len(fields) > 3 and fields[2] != fields[3]:
            raise draft.error("input and output differ: only acceptors are read", row, line)
        draft.edges.append((fields[0], None if fields[2] in _EMPTY else fields[2], fields[1]))
    return draft.automaton(budget)


def _is_zero(weight: str) -> bool:
    try:
        return float(weight) == 0
    except ValueError:
        return False


def write_att(automaton: Automaton) -> str:
    """The automaton as AT&T text; the empty language is a loop without final state."""
    name = symbol_names(automaton)[0]
    lines = [f"{q}\t{r}\t{symbol}\t{symbol}" for q, symbol, r in edges_of(automaton)]
    final = [str(q) for q in sorted(automaton.accepting)]
    if not automaton.states:
        lines = [f"0\t0\t{name}\t{name}"]
    return "".join(f"{line}\n" for line in ([*lines, *final] if lines else final))
