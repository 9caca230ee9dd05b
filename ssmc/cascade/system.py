"""Transition systems, and the context automata that run beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ssmc.automaton import DEAD
from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from ssmc.automaton import Automaton

Name = TypeVar("Name", bound="Hashable")
Mask = int
"""A set of states as a bit mask: bit q is set when state q belongs to it."""


def members(mask: Mask) -> Iterator[int]:
    """The states of a set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


@dataclass(frozen=True)
class System:
    """A deterministic partial transition system with initial state 0, the thing that a cascade covers.

    Attributes:
        columns: `columns[x][q]` is the state after class x in state q, or `DEAD`.
    """

    columns: tuple[tuple[int, ...], ...]
    _images: dict[tuple[Mask, int], Mask] = field(default_factory=dict, repr=False, compare=False)

    @staticmethod
    def of(automaton: Automaton, *, sink: bool = False) -> System:
        """The live states of an automaton; with `sink`, its complete automaton (the sink is the last state)."""
        columns = automaton.columns
        if sink and not automaton.is_complete:
            last = automaton.states
            columns = tuple((*(last if r == DEAD else r for r in column), last) for column in columns)
        return System(columns)

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.columns[0])

    def image(self, mask: Mask, x: int) -> Mask:
        """The set P·x of the states that class x leads to from P."""
        key = (mask, x)
        out = self._images.get(key)
        if out is None:
            column = self.columns[x]
            out = 0
            for q in members(mask):
                r = column[q]
                if r != DEAD:
                    out |= 1 << r
            self._images[key] = out
        return out


@dataclass(frozen=True)
class Contexts:
    """A deterministic partial automaton whose state c is known, and the fibre F_c of states compatible with it.

    Attributes:
        fibres: the fibre of each context; context 0 is the initial one.
        arrows: `arrows[c][x]` is the next context, or `DEAD` where no state of the fibre has a transition.
    """

    fibres: tuple[Mask, ...]
    arrows: tuple[tuple[int, ...], ...]


def explore_contexts(
    system: System, initial: Name, step: Callable[[Name, int, int], Name], *, limit: int, single: bool = False
) -> tuple[Contexts, list[Name]]:
    """The reachable product of a system with a context automaton given by a step function.

    Args:
        system: the transition system.
        initial: the initial context.
        step: (context, class, state after the class) -> next context; must not depend on the state but through live transitions, that is,
            two states of one fibre with a transition give the same context.
        limit: the largest number of points (context, state).
        single: every fibre is to be one state.

    Returns:
        The contexts numbered in order of discovery, and their original names.

    Raises:
        LimitError: there are more points, or more in a fibre.
    """
    number = {initial: 0}
    fibres = [1]
    arrows = [[DEAD] * len(system.columns)]
    names = [initial]
    # the states of a context whose transitions were not followed yet; a context is on the list as long as it has some
    waiting = [1]
    todo = [0]
    count = 1
    classes = len(system.columns)
    # the images of a set under all classes
    known: dict[Mask, list[Mask]] = {}
    for c in todo:
        states, waiting[c] = waiting[c], 0
        row, name = arrows[c], names[c]
        images = known.get(states)
        if images is None:
            images = known[states] = [system.image(states, x) for x in range(classes)]
        for x, image in enumerate(images):
            if not image:
                continue
            d = row[x]
            if d == DEAD:
                after = step(name, x, (image & -image).bit_length() - 1)
                d = row[x] = number.setdefault(after, len(number))
                if d == len(names):
                    names.append(after)
                    fibres.append(0)
                    waiting.append(0)
                    arrows.append([DEAD] * classes)
            fresh = image & ~fibres[d]
            if fresh:
                fibres[d] |= fresh
                if not waiting[d]:
                    todo.append(d)
                waiting[d] |= fresh
                count += fresh.bit_count()
                if single and fibres[d] != fresh:
                    raise LimitError("states of a context", fibres[d].bit_count(), 1)
                if count > limit:
                    raise LimitError("points of the context automaton", count, limit, "--context-limit")
    return Contexts(tuple(fibres), tuple(tuple(row) for row in arrows)), names
