"""The check of a cascade whose product with the automaton is too large: component by component, each as the least machine that has its values.

What a component's value is after a word depends on the components that it reads, directly or not; but the least Moore machine that puts out these values may be far smaller
than the product of all of them. That machine is found from below: the machines of the components read, run side by side with the component's own table, give a product that is
explored and minimised. It is exact: it puts out the component's value after every word for which all tables concerned have an entry, and has no transition where one lacks an
entry or an action leaves the range. In the end the automaton is run beside the machines of what the readout and the latch read. Every answer after every word (in predict
mode every live word) is compared, and a transition that a machine lacks is an error. So the conclusion is that of the whole product, at the cost of its parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ssmc.automaton import DEAD
from ssmc.cascade.ir import HOLD, Output
from ssmc.cascade.reduce import closure
from ssmc.errors import InvariantError, LimitError, VerificationError
from ssmc.minimize import coarsest_partition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssmc.cascade.ir import AnyAction, Cascade, Component


class Moore(NamedTuple):
    """A partial Moore machine; state 0 is the initial one.

    Attributes:
        values: the output in each state.
        rows: `rows[s][x]`: the next state, or `DEAD`.
    """

    values: tuple[int, ...]
    rows: tuple[tuple[int, ...], ...]


def check_modular(cascade: Cascade, expected: Sequence[Output], *, limit: int = 200_000) -> int:
    """Shows that a cascade answers as expected on inputs of every length.

    Args:
        cascade: a valid cascade.
        expected: the output asked for after a prefix that leads to each state of the automaton; the last one is that of `DEAD`.
        limit: the most states of one product.

    Returns:
        The states of all products that were explored.

    Raises:
        VerificationError: an answer differs, or an entry that is needed lacks.
        LimitError: a product has more states.
    """
    dead = Output(accepting=False, legal=(), patterns=cascade.automaton.memberships(DEAD))
    start = expected[0 if cascade.automaton.states else DEAD]
    if cascade.readout.outputs[cascade.readout.initial] != start or (
        cascade.latch is not None and expected[DEAD] != dead
    ):
        raise VerificationError("cascade differs after the empty word or the first error")
    machines: list[Moore] = []
    count = 0
    for k, component in enumerate(cascade.components):
        if k == cascade.latch:
            # nothing reads it; whether it is set is followed in `_compare`
            machines.append(Moore((0,), ((DEAD,) * cascade.automaton.classes,)))
            continue
        made = _product(component, [machines[j] for j in component.depends_on], cascade.automaton.classes, limit)
        count += len(made.values)
        machines.append(_minimal(made))
    return count + _compare(cascade, machines, expected, limit)


def _product(component: Component, read: Sequence[Moore], classes: int, limit: int) -> Moore:
    """The machines of the components read beside the component's own value."""
    first = (*(0 for _ in read), 0)
    number = {first: 0}
    order = [first]
    rows: list[tuple[int, ...]] = []
    for name in order:
        *states, value = name
        seen = tuple(machine.values[s] for machine, s in zip(read, states, strict=True))
        row = []
        for x in range(classes):
            after = [machine.rows[s][x] for machine, s in zip(read, states, strict=True)]
            moved = None if DEAD in after else _apply(component, component.table.get((x, *seen)), value)
            if moved is None:
                row.append(DEAD)
                continue
            row.append(number.setdefault((*after, moved), len(number)))
            if row[-1] == len(order):
                order.append((*after, moved))
                if len(order) > limit:
                    raise LimitError(f"states of the machine of {component.name}", len(order), limit)
        rows.append(tuple(row))
    return Moore(tuple(name[-1] for name in order), tuple(rows))


def _apply(component: Component, action: AnyAction | None, value: int) -> int | None:
    try:
        return None if action is None else component.apply(action, value)
    except InvariantError:
        return None


def _minimal(machine: Moore) -> Moore:
    """The least machine with the same outputs and the same missing transitions."""
    number: dict[int, int] = {}
    state = [number.setdefault(b, len(number)) for b in coarsest_partition(machine.rows, machine.values)]
    values: list[int] = []
    rows: list[tuple[int, ...]] = []
    for own, value, row in zip(state, machine.values, machine.rows, strict=True):
        if own == len(rows):
            values.append(value)
            rows.append(tuple(DEAD if after == DEAD else state[after] for after in row))
    return Moore(tuple(values), tuple(rows))


def _compare(cascade: Cascade, machines: Sequence[Moore], expected: Sequence[Output], limit: int) -> int:
    """Runs the automaton beside the machines of what is read at the end, and those of components that nothing reads; alone once the latch is set."""
    automaton, latch = cascade.automaton, cascade.latch
    ends = {*cascade.readout.depends_on} | ({*cascade.components[latch].depends_on} if latch is not None else set())
    ends |= {*range(len(cascade.components))} - {*closure(cascade.components, tuple(ends))}
    kept = sorted(ends - {latch})
    # the state of the automaton, whether the latch is set, the states of the machines until then
    start: tuple[int, ...] = (0 if automaton.states else DEAD, 0, *(0 for _ in kept))
    seen = {start}
    order = [start]
    for state, latched, *own in order:
        known = {} if latched else {k: machines[k].values[s] for k, s in zip(kept, own, strict=True)}
        if latch is not None:
            known[latch] = latched
        for x in range(automaton.classes):
            after = DEAD if state == DEAD else automaton.delta[state][x]
            if after == DEAD and cascade.mode == "predict":
                continue
            following: tuple[int, ...]
            if latched:
                if expected[after] != expected[DEAD]:
                    raise VerificationError(f"the latch is set though state {after} follows at class {x}")
                following = (after, 1)
            else:
                outcome = cascade.readout.table.get((x, *(known[j] for j in cascade.readout.depends_on)))
                if outcome is None or cascade.readout.outputs[outcome] != expected[after]:
                    raise VerificationError(f"cascade differs at state {state} and class {x}: outcome {outcome}")
                if _latches(cascade, known, x):
                    following = (after, 1)
                else:
                    moved = [machines[k].rows[s][x] for k, s in zip(kept, own, strict=True)]
                    if DEAD in moved:
                        name = cascade.components[kept[moved.index(DEAD)]].name
                        raise VerificationError(
                            f"{name} has no entry at state {state} and class {x}, or leaves its range"
                        )
                    following = (after, 0, *moved)
            if following not in seen:
                seen.add(following)
                order.append(following)
                if len(seen) > limit:
                    raise LimitError("product states of automaton and machines", len(seen), limit)
    return len(order)


def _latches(cascade: Cascade, known: Mapping[int, int], x: int) -> bool:
    """Whether the latch is set after symbol class x where the components have these values."""
    latch = cascade.latch
    if latch is None:
        return False
    action = cascade.components[latch].table.get((x, *(known[j] for j in cascade.components[latch].depends_on)))
    if action is None:
        raise VerificationError(f"the latch has no entry at class {x}")
    return action != HOLD
