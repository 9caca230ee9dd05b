"""The cascade's interpreter against the automaton: a proof by product exploration, of the whole or of parts, before any weights exist."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.bundle import Bundle
from ssmc.cascade.cases import entries_of
from ssmc.cascade.ir import Output
from ssmc.cascade.modular import check_modular
from ssmc.cascade.product import product_states
from ssmc.cascade.stack import check_stack_cascade
from ssmc.dyck import BoundedDyck
from ssmc.errors import InvariantError, LimitError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade, Mode

Pair = tuple[int, tuple[int, ...]]
_SMALL = 500
"""States times classes, and entries of the readout, from which the product is explored by arrays."""
_LARGE = 20_000
"""Product states from which a cascade is large (`is_large`)."""
_WHOLE = 100_000
"""Product states from which the cascade is checked component by component, if that can be done: a state of the product takes arrays a fifth of the time or less."""
_STEPS = 100_000
"""The same where it is not explored by arrays, in actions looked up."""
_PARTS = 20_000
"""The most states of the product of one component with what it reads."""


def expected_output(automaton: Automaton, mode: Mode, state: int) -> Output:
    """What the language asks for after a prefix that leads to `state` (or `DEAD`)."""
    legal = automaton.live_classes[state] if mode != "recognise" and state != DEAD else ()
    return Output(state in automaton.accepting, legal, automaton.memberships(state))


def check_cascade(cascade: Cascade, *, limit: int = 1_000_000) -> int:
    """Explores the product of automaton and interpreter; the two are then equal on inputs of every length.

    Returns:
        The number of product states; where those are many and the check can be done component by component (`check_modular`), that of all products of parts; of a bounded Dyck language too large for its table that of the cases of the induction (`check_stack_cascade`); of a pattern set the
        sum over its patterns, each of which is compared with its own automaton.

    Raises:
        VerificationError: an output differs, with the shortest word that shows it.
        LimitError: the product has more than `limit` states.
    """
    cascade.check()
    if isinstance(cascade, Bundle):
        return sum(check_cascade(part, limit=limit) for part in cascade.parts)
    automaton = cascade.automaton
    if isinstance(automaton, BoundedDyck) and automaton.states > automaton.limit:
        return check_stack_cascade(cascade)
    expected = _expected(cascade)
    try:
        return _whole(cascade, expected, min(limit, _WHOLE), min(limit, _few(cascade)))
    except LimitError:
        if limit <= _few(cascade):
            raise
    try:
        return check_modular(cascade, expected, limit=min(limit, _PARTS))
    except LimitError:
        return _whole(cascade, expected, limit, limit)
    except VerificationError:
        # the whole product finds the shortest word, if it gets that far
        with suppress(LimitError):
            return _whole(cascade, expected, limit, limit)
        raise


def is_large(cascade: Cascade) -> bool:
    """Whether the product of a cascade's interpreter with its automaton is so large that a model is proved part by part; not where a rule proves it."""
    if isinstance(cascade.automaton, BoundedDyck) and cascade.automaton.states > cascade.automaton.limit:
        return False
    expected = _expected(cascade)
    try:
        if product_states(cascade, expected, limit=_LARGE) is None:
            with suppress(VerificationError):
                _one_by_one(cascade, expected, _few(cascade))
    except LimitError:
        return True
    return False


def _expected(cascade: Cascade) -> list[Output]:
    """The output asked for in each state of the automaton; the last one is that of `DEAD`."""
    return [
        expected_output(cascade.automaton, cascade.mode, state) for state in (*range(cascade.automaton.states), DEAD)
    ]


def _few(cascade: Cascade) -> int:
    """Product states that are soon explored one by one."""
    return _STEPS // (1 + len(cascade.components) * cascade.automaton.classes)


def _whole(cascade: Cascade, expected: Sequence[Output], limit: int, slow: int) -> int:
    """Explores the product of automaton and interpreter: up to `limit` states by arrays, or where there is little to explore or something is wrong up to `slow` one by one.

    Raises:
        VerificationError: an output differs.
        LimitError: there are more states.
    """
    automaton = cascade.automaton
    if max(automaton.states * automaton.classes, entries_of(cascade.readout.table)) > _SMALL:
        found = product_states(cascade, expected, limit=limit)
        if found is not None:
            return found
    return _one_by_one(cascade, expected, slow)


def _one_by_one(cascade: Cascade, expected: Sequence[Output], limit: int) -> int:
    """Explores the product breadth first, so that the word of an error is shortest.

    Raises:
        VerificationError: an output differs.
        LimitError: there are more than `limit` states.
    """
    automaton = cascade.automaton
    start: Pair = (0 if automaton.states else DEAD, cascade.initial)
    before: dict[Pair, tuple[Pair, int] | None] = {start: None}

    def fail(pair: Pair, x: int | None, message: str) -> VerificationError:
        word = [] if x is None else [x]
        while (step := before[pair]) is not None:
            pair, letter = step
            word.append(letter)
        names = [automaton.alphabet.name(automaton.alphabet.representatives[c]) for c in reversed(word)]
        return VerificationError(f"cascade differs after {' '.join(names) or 'the empty word'}: {message}", names)

    initial = cascade.readout.outputs[cascade.readout.initial]
    if initial != expected[start[0]]:
        raise fail(start, None, f"output {initial}")
    if start[0] == DEAD and cascade.mode == "predict":
        return 1
    queue = deque([start])
    while queue:
        pair = queue.popleft()
        state, values = pair
        for x in range(automaton.classes):
            after = DEAD if state == DEAD else automaton.delta[state][x]
            if after == DEAD and cascade.mode == "predict":
                continue
            try:
                output = cascade.output(values, x)
                following = (after, cascade.step(values, x))
            except InvariantError as error:
                raise fail(pair, x, str(error)) from error
            if output != expected[after]:
                raise fail(pair, x, f"output {output}")
            if following not in before:
                before[following] = (pair, x)
                queue.append(following)
                if len(before) > limit:
                    raise LimitError("product states of the cascade", len(before), limit, "--context-limit")
    return len(before)
