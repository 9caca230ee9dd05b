"""Short names of components, and names of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.alphabet import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.cascade.ir import Cascade

LETTERS = {"window": "w", "reset": "r", "counter": "n", "swap": "s", "rotation": "z", "permutation": "p"}
STATES = 8
"""States that are listed for a value before the rest is counted."""


def component_names(cascade: Cascade) -> tuple[str, ...]:
    """Short names, numbered by kind: `w1` (window), `r1` (reset), `n1` (counter), `t1` (tally), `s1`, `z1`, `p1`, and `dead` (latch)."""
    count: dict[str, int] = {}
    out = []
    for component in cascade.components:
        if component.latch:
            out.append("dead")
            continue
        letter = "t" if component.saturating else LETTERS[component.kind]
        count[letter] = count.get(letter, 0) + 1
        out.append(f"{letter}{count[letter]}")
    return tuple(out)


def value_name(cascade: Cascade, k: int, value: int, lag_values: Sequence[int] | None = None) -> str:
    """What a value of a component is called: its label, the letters of a window, or the number.

    Args:
        cascade: the cascade.
        k: the component.
        value: its value.
        lag_values: of a window that shows one earlier symbol: its value for each class of that symbol.
    """
    component = cascade.components[k]
    if component.latch:
        return ("no", "yes")[value]
    if component.labels:
        return component.labels[value - component.low]
    if lag_values is not None:
        alphabet = cascade.automaton.alphabet
        inside = sum(1 << c for c, v in enumerate(lag_values) if v == value)
        names = describe(alphabet, inside) if inside else ""
        if value == 0:
            return f"start or {names}" if inside else "start"
        return names[1:-1] if inside.bit_count() == 1 and "," not in names else names
    return str(value)


def states_text(states: Sequence[int]) -> str:
    """Automaton states in words."""
    shown = ", ".join(map(str, states[:STATES]))
    return shown + (f" and {len(states) - STATES} more" if len(states) > STATES else "")
