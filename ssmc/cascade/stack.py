"""The cascade of a bounded Dyck language, written down by a rule: one counter and m registers, two layers (Hewitt et al. 2020; arXiv 2405.17394).

The counter n is the depth. Register j keeps the kind of the bracket that was last opened at depth j, so while n > j it is the j-th symbol of the stack.
An opening bracket at depth d overwrites register d and leaves the others alone; a closing one changes n only. So registers read the counter and nothing else, and they are all
in layer 2. After a closing bracket at depth d the top of the stack is register d - 2, which is the only one that the readout then looks at. In recognise mode a latch in layer 3
compares a closing bracket at depth d with register d - 1.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ssmc.cascade.cases import Case, Cases
from ssmc.cascade.ir import HOLD, Action, Cascade, Component, Output, Readout, overwrite
from ssmc.errors import InvariantError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.cascade.ir import Key, Mode
    from ssmc.dyck import BoundedDyck, Stack


def stack_cascade(automaton: BoundedDyck, mode: Mode) -> Cascade:
    """The cascade of Dyck(K, m) by the rule above; `check_stack_cascade` proves it for any K and m.

    Args:
        automaton: the language.
        mode: `recognise` or `predict`.
    """
    kinds, depth = automaton.kinds, automaton.depth
    opening, closing = range(kinds), range(kinds, 2 * kinds)
    steps: dict[Key, Action] = {(x,): Action(1, 1 if x < kinds else -1) for x in range(2 * kinds)}
    components = [Component("depth", "counter", depth + 1, (), MappingProxyType(steps))]
    if kinds > 1:
        for j in range(depth):
            table: dict[Key, Action] = {(x, d): overwrite(x) if d == j else HOLD for x in opening for d in range(depth)}
            table |= {(x, d): HOLD for x in closing for d in range(1, depth + 1)}
            labels = automaton.names[:kinds]
            components.append(Component(f"level {j + 1}", "reset", kinds, (0,), MappingProxyType(table), labels=labels))
    registers = tuple(range(1, len(components)))
    ranges = tuple(components[j].values for j in (0, *registers))
    if mode == "recognise":
        latch = Cases(ranges, dict(_latch_cases(automaton)))
        components.append(Component("latch", "reset", 2, (0, *registers), latch, latch=True))
    outputs = list(dict.fromkeys(_output(automaton, mode, *top) for top in _tops(automaton)))
    cases = Cases(ranges, dict(_output_cases(automaton, mode, outputs)))
    initial = outputs.index(_output(automaton, mode, 0, None))
    return Cascade(automaton, mode, tuple(components), Readout((0, *registers), cases, tuple(outputs), initial))


def _tops(automaton: BoundedDyck) -> Iterator[tuple[int, int | None]]:
    """Every (length, top) of a stack."""
    yield 0, None
    yield from ((length, kind) for length in range(1, automaton.depth + 1) for kind in range(automaton.kinds))


def _output(automaton: BoundedDyck, mode: Mode, length: int, top: int | None) -> Output:
    """What the language asks for at a stack; it depends on the length and the top only."""
    opening = tuple(range(automaton.kinds)) if length < automaton.depth else ()
    legal = opening if top is None else (*opening, automaton.kinds + top)
    return Output(length == 0, legal if mode == "predict" else ())


def _latch_cases(automaton: BoundedDyck) -> Iterator[tuple[Key, Case[Action]]]:
    """Is the symbol illegal at this depth, with this top of the stack?"""
    kinds = automaton.kinds
    for x in range(2 * kinds):
        for d in range(automaton.depth + 1):
            kind = x - kinds
            if kind < 0 or d == 0 or kinds == 1:
                legal = d < automaton.depth if kind < 0 else d > 0
                yield (x, d), Case(None, {None: HOLD if legal else overwrite(1)})
            else:
                yield (x, d), Case(d + 1, {top: HOLD if top == kind else overwrite(1) for top in range(kinds)})


def _output_cases(automaton: BoundedDyck, mode: Mode, outputs: list[Output]) -> Iterator[tuple[Key, Case[int]]]:
    """The index of the output after a symbol, from the depth before it and the register that is then on top (predict) or was (recognise)."""
    kinds, depth = automaton.kinds, automaton.depth
    index = {top: outputs.index(_output(automaton, mode, *top)) for top in _tops(automaton)}
    rejected = index[1, 0]
    for x in range(2 * kinds):
        for d in range(depth + 1):
            kind = x - kinds
            if mode == "recognise":
                if kind < 0 or d != 1:
                    yield (x, d), Case(None, {None: rejected})
                elif kinds == 1:
                    yield (x, d), Case(None, {None: index[0, None]})
                else:
                    tops: dict[int | None, int] = {
                        top: index[0, None] if top == kind else rejected for top in range(kinds)
                    }
                    yield (x, d), Case(2, tops)
            elif kind < 0 and d < depth:
                yield (x, d), Case(None, {None: index[d + 1, x]})
            elif kind >= 0 and d == 1:
                yield (x, d), Case(None, {None: index[0, None]})
            elif kind >= 0 and d > 1 and kinds == 1:
                yield (x, d), Case(None, {None: index[d - 1, 0]})
            elif kind >= 0 and d > 1:
                yield (x, d), Case(d, {top: index[d - 1, top] for top in range(kinds)})


def check_stack_cascade(cascade: Cascade) -> int:
    """Proves that a cascade of the shape above is equal to its Dyck language at every length, by induction over the string.

    The invariant: before any symbol the counter is the depth d, and register j is the j-th symbol of the stack for all j < d; the other registers are
    anything. It holds at the start. For every symbol and depth the step keeps it and the output is right, whatever each register holds. Registers read the
    counter only, so each moves by itself and one value after the other is enough; a case of the readout or the latch looks at one of the two registers on top,
    so every pair of them is.

    Returns:
        The number of cases.

    Raises:
        VerificationError: a case fails, or the cascade has another shape.
    """
    from ssmc.dyck import BoundedDyck

    automaton = cascade.automaton
    if not isinstance(automaton, BoundedDyck):
        raise VerificationError("the induction over stacks is for bounded Dyck languages")
    kinds, depth, latch = automaton.kinds, automaton.depth, cascade.latch
    registers = cascade.components[1 : depth + 1] if kinds > 1 else ()
    readers = [cascade.readout.table] + ([] if latch is None else [cascade.components[latch].table])
    counter = cascade.components[0]
    shaped = (
        len(cascade.components) == 1 + depth * (kinds > 1) + (latch is not None)
        and (latch is not None) == (cascade.mode == "recognise")
        and counter.depends_on == ()
        and counter.values == range(depth + 1)
        and all(r.depends_on == (0,) and r.values == range(kinds) for r in registers)
        and all(isinstance(table, Cases) for table in readers)
    )
    if not shaped:
        raise VerificationError("the cascade is not a counter and registers")
    wanted = {_output(automaton, cascade.mode, *top) for top in _tops(automaton)}
    if not wanted <= set(cascade.readout.outputs):
        raise VerificationError("the readout lacks an output")
    if cascade.readout.outputs[cascade.readout.initial] != _output(automaton, cascade.mode, 0, None):
        raise VerificationError("cascade differs after the empty word", ())
    count = 0
    for x in range(2 * kinds):
        for d in range(depth + 1):
            for stack in _stacks(automaton, d):
                count += 1
                _check_case(cascade, automaton, stack, x)
    return count


def _stacks(automaton: BoundedDyck, length: int) -> Iterator[Stack]:
    """Stacks of a length with every pair of a top and a symbol below it, and every value at every other place."""
    if length < 2:
        yield from ((),) if not length else ((kind,) for kind in range(automaton.kinds))
        return
    for top in range(automaton.kinds):
        for below in range(automaton.kinds):
            yield (below,) * (length - 1) + (top,)


def _check_case(cascade: Cascade, automaton: BoundedDyck, stack: Stack, x: int) -> None:
    """One case of the induction: a stack and a symbol.

    Raises:
        VerificationError: the step or the output is wrong.
    """
    latch, depth = cascade.latch, len(stack)
    after = automaton.step(stack, x)
    names = [automaton.names[kind] for kind in stack] + [automaton.names[x]]

    def fail(what: str) -> VerificationError:
        return VerificationError(f"cascade differs after {' '.join(names)}: {what}", names)

    if after is None and cascade.mode == "predict":
        return
    # registers above the stack may hold anything, and each of them moves by itself: every value, the same in all
    for filling in range(automaton.kinds):
        registers = (*stack, *(filling,) * (automaton.depth - depth)) if automaton.kinds > 1 else ()
        values = (depth, *registers, *((0,) if latch is not None else ()))
        for table, right in _readers(cascade, automaton, after):
            case = table.cases.get((x, depth))
            if case is None or (case.place is not None and case.place - 2 not in (depth - 1, depth - 2)):
                raise fail("a register is read that is not one of the two on top")
            if case.labels.get(None if case.place is None else values[case.place - 1]) != right:
                raise fail("another output, or another verdict of the latch")
        if after is None:
            continue
        try:
            following = cascade.step(values, x)
        except InvariantError as error:
            raise fail(str(error)) from error
        if following[0] != len(after) or (automaton.kinds > 1 and following[1 : 1 + len(after)] != after):
            raise fail(f"the components are {following}")


def _readers(cascade: Cascade, automaton: BoundedDyck, after: Stack | None) -> Iterator[tuple[Cases[Any], Any]]:
    """The tables that look at registers, each with its right label; `after` is the stack after the symbol, None where that is illegal."""
    if after is None:
        output = Output(accepting=False, legal=())
    else:
        output = _output(automaton, cascade.mode, len(after), after[-1] if after else None)
    yield cascade.readout.table, cascade.readout.outputs.index(output)  # type: ignore[misc]
    if cascade.latch is not None:
        yield cascade.components[cascade.latch].table, HOLD if after is not None else overwrite(1)  # type: ignore[misc]
