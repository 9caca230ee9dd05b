"""A string through a model, symbol by symbol: its recurrent state decoded into components, beside the automaton.

The values are read from the network's own state wherever their code can be read back (resets, counters), and compared with the cascade's
interpreter. The writers of a component are the symbols whose effect its value still carries: of a reset the last one that overwrote it, of a counter all
that added to it since it was last overwritten; what the gates a and increments b say, read off the table that they were proved to compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssmc.automaton import DEAD
from ssmc.cascade.ir import HOLD, Action
from ssmc.errors import VerificationError
from ssmc.trace.names import component_names, value_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from ssmc.cascade.ir import Cascade
    from ssmc.nn import Model


@dataclass(frozen=True)
class Step:
    """What is known after a prefix.

    Attributes:
        symbol: the last symbol; None before the first.
        state: the automaton's state, or `DEAD`.
        accepting: whether the model says that the prefix is a word.
        legal: predict mode: the symbols that the model says may follow; else None.
        values: of each component.
        writers: for each component the places (from 1) of the symbols that its value still carries, ascending.
    """

    symbol: int | None
    state: int
    accepting: bool
    legal: tuple[int, ...] | None
    values: tuple[int, ...]
    writers: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Trace:
    """A string followed through a model.

    Attributes:
        cascade: the model's cascade.
        names: the short name of each component.
        lags: for each component the lag of a window that shows one earlier symbol, else None.
        steps: one for each prefix, the empty one first; in predict mode they end before the first illegal symbol.
        illegal_at: the number of that symbol, from 0; None if there is none.
    """

    cascade: Cascade
    names: tuple[str, ...]
    lags: tuple[int | None, ...]
    steps: tuple[Step, ...]
    illegal_at: int | None

    def value(self, k: int, value: int) -> str:
        """The name of a value of a component."""
        return value_name(self.cascade, k, value, self._classes(k))

    def _classes(self, k: int) -> tuple[int, ...] | None:
        """The values of a one-symbol window for each class."""
        if self.lags[k] is None:
            return None
        component = self.cascade.components[k]
        if component.depends_on:
            below = self._classes(component.depends_on[0]) or ()
            image = {key[1]: action.add for key, action in component.affine.items()}
            return tuple(image.get(v, 0) for v in below)
        return tuple(
            component.affine[c,].add if (c,) in component.affine else 0 for c in range(self.cascade.automaton.classes)
        )


def follow(model: Model, cascade: Cascade, symbols: Sequence[int]) -> Trace:
    """The trace of a string.

    Args:
        model: the network lowered from the cascade.
        cascade: what it was lowered from, with its automaton.
        symbols: the string.

    Raises:
        SymbolError: a symbol is outside the alphabet.
        VerificationError: the network's state is not that of the cascade.
    """
    import torch

    automaton = cascade.automaton
    classes = [automaton.alphabet.class_of(symbol) for symbol in symbols]
    logits, state = model.initial_logits, model.initial_state(1)
    automaton_state, values = 0 if automaton.states else DEAD, cascade.initial
    writers: tuple[tuple[int, ...], ...] = ((),) * len(cascade.components)
    lags = tuple(part.get("lag") if part["block"] is None else None for part in model.config["components"])
    steps = [_step(model, None, automaton_state, logits, values, writers)]
    illegal = None
    with torch.inference_mode():
        for place, (symbol, x) in enumerate(zip(symbols, classes, strict=True), 1):
            after = automaton.after(automaton_state, x)
            if after == DEAD and cascade.mode == "predict":
                illegal = place - 1
                break
            writers = _written(cascade, values, x, place, writers)
            writers = tuple(own if lag is None else _shown(place, lag) for own, lag in zip(writers, lags, strict=True))
            values = cascade.step(values, x)
            automaton_state = after
            found, state = model.step(torch.tensor([symbol], device=state.scan.device), state)
            steps.append(_step(model, symbol, after, found[0], values, writers))
            _check_state(model.config["components"], cascade, state.scan[0], model.channels, values, place)
    return Trace(cascade, component_names(cascade), lags, tuple(steps), illegal)


def _shown(place: int, lag: int) -> tuple[int, ...]:
    """The symbol that a window shows after a place."""
    return (place - lag + 1,) if place >= lag else ()


def _step(
    model: Model,
    symbol: int | None,
    state: int,
    logits: torch.Tensor,
    values: tuple[int, ...],
    writers: tuple[tuple[int, ...], ...],
) -> Step:
    yes = (logits.detach() > 0).tolist()
    legal = None
    if model.config["mode"] == "predict":
        first = len(yes) - model.config["symbols"]
        legal = tuple(s for s, may in enumerate(yes[first:]) if may)
    return Step(symbol, state, yes[0], legal, values, writers)


def _written(
    cascade: Cascade, values: Sequence[int], x: int, place: int, before: tuple[tuple[int, ...], ...]
) -> tuple[tuple[int, ...], ...]:
    """The writers after a symbol: none change under a set latch, and only the latch's own when it is set."""
    latch = cascade.latch
    if latch is not None and values[latch]:
        return before
    out = []
    dead = cascade.components[latch] if latch is not None else None
    dying = dead is not None and dead.table[(x, *(values[j] for j in dead.depends_on))] != HOLD
    for k, component in enumerate(cascade.components):
        if dying:
            out.append((place,) if k == latch else before[k])
            continue
        action = component.table[(x, *(values[j] for j in component.depends_on))]
        if action == HOLD:
            out.append(before[k])
        elif isinstance(action, Action) and action.mul == 0:
            out.append((place,))
        else:
            out.append((*before[k], place))
    return tuple(out)


def _check_state(
    parts: Sequence[Mapping[str, Any]],
    cascade: Cascade,
    scan: torch.Tensor,
    widths: Sequence[int],
    values: Sequence[int],
    place: int,
) -> None:
    """Compares the scan state with the code of each value.

    Raises:
        VerificationError: they differ.
    """
    starts = [sum(widths[:b]) for b in range(len(widths))]
    latch = cascade.latch
    if latch is not None and values[latch]:
        return  # nothing but the latch is read any more, and the others run on
    for part, component, value in zip(parts, cascade.components, values, strict=True):
        if part["block"] is None or component.kind not in ("reset", "counter"):
            continue
        first = starts[part["block"]] + part["start"]
        found = scan[first : first + part["channels"]].tolist()
        if component.kind == "counter":
            same = (min(found[0], component.values[-1]) if component.saturating else found[0]) == value
        else:
            same = found == [float(v) for v in part["codes"][value]]
        if not same:
            raise VerificationError(
                f"after symbol {place} the network's state of {component.name} is {found}, not that of {value}"
            )
