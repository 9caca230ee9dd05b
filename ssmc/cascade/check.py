"""The cascade's interpreter against the automaton: a proof by product exploration, before any weights exist."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.bundle import Bundle
from ssmc.cascade.cases import entries_of
from ssmc.cascade.ir import Output
from ssmc.cascade.product import product_states
from ssmc.cascade.stack import check_stack_cascade
from ssmc.dyck import BoundedDyck
from ssmc.errors import InvariantError, LimitError, VerificationError

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade, Mode

Pair = tuple[int, tuple[int, ...]]
_SMALL = 500
"""States times classes, and entries of the readout, from which the product is explored by arrays."""


def expected_output(automaton: Automaton, mode: Mode, state: int) -> Output:
    """What the language asks for after a prefix that leads to `state` (or `DEAD`)."""
    legal = automaton.live_classes[state] if mode != "recognise" and state != DEAD else ()
    return Output(state in automaton.accepting, legal, automaton.memberships(state))


def check_cascade(cascade: Cascade, *, limit: int = 1_000_000) -> int:
    """Explores the product of automaton and interpreter; the two are then equal on inputs of every length.

    Returns:
        The number of product states; of a bounded Dyck language too large for its table that of the cases of the induction (`check_stack_cascade`); of a pattern set the
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
    if max(automaton.states * automaton.classes, entries_of(cascade.readout.table)) > _SMALL:
        states = (*range(automaton.states), DEAD)
        expected = [expected_output(automaton, cascade.mode, state) for state in states]
        # where something is wrong, the way through Python finds the shortest word
        if (found := product_states(cascade, expected, limit=limit)) is not None:
            return found
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
    if initial != expected_output(automaton, cascade.mode, start[0]):
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
            if output != expected_output(automaton, cascade.mode, after):
                raise fail(pair, x, f"output {output}")
            if following not in before:
                before[following] = (pair, x)
                queue.append(following)
                if len(before) > limit:
                    raise LimitError("product states of the cascade", len(before), limit, "--context-limit")
    return len(before)
