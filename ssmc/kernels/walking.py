"""The table walk compiled by numba, where that is installed: eight walks at a time hide the latency of a dependent load.

Short strings are walked eight rows at a time. A long one is cut into eight pieces whose first states are guessed: the one live state
in which all walks over the last symbols before the piece end. A piece whose guess turns out wrong is walked again, so answers never
depend on guesses, and where they fail the string is walked in order.
"""

# mypy: ignore-errors
# (numba compiles these functions; it has no type stubs.)

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PIECE = 16576
"""Symbols of one of the eight pieces; no power of two, or all eight would meet in the same lines of the cache."""
BEFORE = 48
"""Symbols that a guess looks back."""


def walk_one(delta: Any, output: Any, shift: int, text: Any, first: int, last: int, state: int, out: Any) -> int:
    """One walk from `state` over text[first:last]; states are multiplied by 2^shift."""
    for t in range(first, last):
        state = delta[state | text[t]]
        out[t] = output[state >> shift]
    return state


def walk_rows(delta: Any, output: Any, shift: int, tokens: Any, row: int, states: Any, out: Any) -> None:
    """Eight rows at once."""
    s0, s1, s2, s3 = states[row] << shift, states[row + 1] << shift, states[row + 2] << shift, states[row + 3] << shift
    s4, s5, s6, s7 = (
        states[row + 4] << shift,
        states[row + 5] << shift,
        states[row + 6] << shift,
        states[row + 7] << shift,
    )
    for t in range(tokens.shape[1]):
        s0 = delta[s0 | tokens[row, t]]
        s1 = delta[s1 | tokens[row + 1, t]]
        s2 = delta[s2 | tokens[row + 2, t]]
        s3 = delta[s3 | tokens[row + 3, t]]
        s4 = delta[s4 | tokens[row + 4, t]]
        s5 = delta[s5 | tokens[row + 5, t]]
        s6 = delta[s6 | tokens[row + 6, t]]
        s7 = delta[s7 | tokens[row + 7, t]]
        out[row, t] = output[s0 >> shift]
        out[row + 1, t] = output[s1 >> shift]
        out[row + 2, t] = output[s2 >> shift]
        out[row + 3, t] = output[s3 >> shift]
        out[row + 4, t] = output[s4 >> shift]
        out[row + 5, t] = output[s5 >> shift]
        out[row + 6, t] = output[s6 >> shift]
        out[row + 7, t] = output[s7 >> shift]
    states[row], states[row + 1], states[row + 2], states[row + 3] = s0 >> shift, s1 >> shift, s2 >> shift, s3 >> shift
    states[row + 4], states[row + 5], states[row + 6], states[row + 7] = (
        s4 >> shift,
        s5 >> shift,
        s6 >> shift,
        s7 >> shift,
    )


def guess(delta: Any, shift: int, count: int, text: Any, at: int) -> int:
    """The state at text[at], from the symbols before it: the only one, apart from the last state (the sink), that walks end in."""
    found = -1
    sink = (count - 1) << shift
    for first in range(count):
        state = first << shift
        for t in range(at - BEFORE, at):
            state = delta[state | text[t]]
        if state != sink:
            if found >= 0 and found != state:
                return -1
            found = state
    return found if found >= 0 else sink


def walk_pieces(delta: Any, output: Any, shift: int, text: Any, t: int, starts: Any, out: Any) -> None:
    """Eight pieces of PIECE symbols from text[t] on; `starts` becomes the states at their ends."""
    s0, s1, s2, s3, s4, s5, s6, s7 = (
        starts[0],
        starts[1],
        starts[2],
        starts[3],
        starts[4],
        starts[5],
        starts[6],
        starts[7],
    )
    for i in range(t, t + PIECE):
        s0 = delta[s0 | text[i]]
        s1 = delta[s1 | text[i + PIECE]]
        s2 = delta[s2 | text[i + 2 * PIECE]]
        s3 = delta[s3 | text[i + 3 * PIECE]]
        s4 = delta[s4 | text[i + 4 * PIECE]]
        s5 = delta[s5 | text[i + 5 * PIECE]]
        s6 = delta[s6 | text[i + 6 * PIECE]]
        s7 = delta[s7 | text[i + 7 * PIECE]]
        out[i] = output[s0 >> shift]
        out[i + PIECE] = output[s1 >> shift]
        out[i + 2 * PIECE] = output[s2 >> shift]
        out[i + 3 * PIECE] = output[s3 >> shift]
        out[i + 4 * PIECE] = output[s4 >> shift]
        out[i + 5 * PIECE] = output[s5 >> shift]
        out[i + 6 * PIECE] = output[s6 >> shift]
        out[i + 7 * PIECE] = output[s7 >> shift]
    starts[0], starts[1], starts[2], starts[3] = s0, s1, s2, s3
    starts[4], starts[5], starts[6], starts[7] = s4, s5, s6, s7


def walk_long(delta: Any, output: Any, shift: int, count: int, text: Any, state: int, room: Any, out: Any) -> int:
    """One long string from `state`; `room` has 16 places. Three failed blocks end the guessing."""
    t, failed = 0, 0
    while failed < 3 and t + 8 * PIECE <= len(text):
        known = True
        room[0] = state
        for k in range(1, 8):
            room[k] = guess(delta, shift, count, text, t + k * PIECE)
            known = known and room[k] >= 0
        if not known:
            failed += 1
            state = walk_one(delta, output, shift, text, t, t + 8 * PIECE, state, out)
        else:
            for k in range(8):
                room[8 + k] = room[k]
            walk_pieces(delta, output, shift, text, t, room, out)
            wrong = 0
            for k in range(8):
                if room[8 + k] != state:
                    wrong += 1
                    room[k] = walk_one(delta, output, shift, text, t + k * PIECE, t + (k + 1) * PIECE, state, out)
                state = room[k]
            failed += wrong > 1
        t += 8 * PIECE
    return walk_one(delta, output, shift, text, t, len(text), state, out)


def walk_all(delta: Any, output: Any, shift: int, count: int, tokens: Any, states: Any, room: Any, out: Any) -> None:
    """Every row of `tokens`; `states` becomes the last states."""
    rows, length = tokens.shape
    row = 0
    while row + 8 <= rows and length < 8 * PIECE:
        walk_rows(delta, output, shift, tokens, row, states, out)
        row += 8
    while row < rows:
        last = walk_long(delta, output, shift, count, tokens[row], states[row] << shift, room, out[row])
        states[row] = last >> shift
        row += 1


@cache
def compiled_walk() -> Callable[..., Any] | None:
    """`walk_all` compiled, or None where numba is not installed."""
    try:
        numba = importlib.import_module("numba")
    except ImportError:
        return None
    scope = {"PIECE": PIECE, "BEFORE": BEFORE, "__name__": __name__}
    for function in (walk_one, walk_rows, guess, walk_pieces, walk_long, walk_all):
        own = type(function)(function.__code__, scope, function.__name__)
        try:
            scope[function.__name__] = numba.njit(nogil=True, boundscheck=False, cache=True)(own)
        except RuntimeError:  # no folder to keep the machine code in
            scope[function.__name__] = numba.njit(nogil=True, boundscheck=False)(own)
    return scope["walk_all"]
