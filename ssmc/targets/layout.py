"""How a component's value appears in the residual stream: windows as delayed letters, resets as codes, counters as thermometers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssmc.cascade.ir import Cascade, Key

L = TypeVar("L")
Coding = Literal["one-hot", "binary"]


@dataclass(frozen=True)
class Window:
    """A component that is a function of one earlier symbol.

    Attributes:
        lag: how many symbols before the present one it looks (1: the last symbol).
        values: the value for each class of that symbol; before the start of the input the value is 0.
    """

    lag: int
    values: tuple[int, ...]


@dataclass(frozen=True)
class Digit:
    """One multi-valued variable of the product terms: a whole component, or one bit of its binary code.

    Attributes:
        component: index of the component.
        size: the number of values; value v of the digit stands for low+v of a counter.
        bit: the bit of the value, or None where the digit is the whole value.
    """

    component: int
    size: int
    bit: int | None = None

    def of(self, value: int, low: int) -> int:
        """The digit of a component's value."""
        return value - low if self.bit is None else value >> self.bit & 1


def windows(cascade: Cascade) -> dict[int, Window]:
    """The window components that are a function of one earlier symbol, by component index.

    The others must be lowered as resets (they always overwrite, so they are resets too).
    """
    found: dict[int, Window] = {}
    classes = range(cascade.automaton.classes)
    for k, component in enumerate(cascade.components):
        if component.kind != "window":
            continue
        if not component.depends_on:
            values = [component.affine[c,].add if (c,) in component.affine else 0 for c in classes]
            found[k] = Window(1, tuple(values))
        elif len(component.depends_on) == 1 and component.depends_on[0] in found:
            before = found[component.depends_on[0]]
            image: dict[int, set[int]] = {}
            for (_, value), action in component.affine.items():
                image.setdefault(value, set()).add(action.add)
            if all(len(values) == 1 for values in image.values()) and image.get(0, {0}) == {0}:
                after = {value: min(values) for value, values in image.items()}
                found[k] = Window(before.lag + 1, tuple(after.get(value, 0) for value in before.values))
    return found


def blocks(cascade: Cascade, delayed: Mapping[int, Window]) -> tuple[int | None, ...]:
    """The block of each component, counted from 0; None for a delayed letter."""
    out: list[int | None] = []
    for k, component in enumerate(cascade.components):
        below = [block for j in component.depends_on if (block := out[j]) is not None]
        out.append(None if k in delayed else 1 + max(below, default=-1))
    return tuple(out)


def code(value: int, size: int, coding: Coding) -> tuple[int, ...]:
    """The channels of a reset component's value; value 0 is all zeros."""
    if coding == "binary":
        return tuple(value >> bit & 1 for bit in range((size - 1).bit_length()))
    return tuple(int(value == v) for v in range(1, size))


def digits(cascade: Cascade, k: int, coding: Coding) -> tuple[Digit, ...]:
    """The variables through which terms read component k."""
    component = cascade.components[k]
    if coding == "binary":
        return tuple(Digit(k, 2, bit) for bit in range((component.size - 1).bit_length()))
    return (Digit(k, component.size),)


def expand(
    cascade: Cascade, table: Mapping[Key, L], variables: tuple[Digit, ...], reads: tuple[int, ...]
) -> dict[Key, L]:
    """A table over (class, values of the components it reads), rewritten over (class, digits)."""
    place = {j: i for i, j in enumerate(reads, 1)}
    parts = [cascade.components[digit.component] for digit in variables]
    plan = [
        ({value: digit.of(value, part.low) for value in part.values}, place[digit.component])
        for digit, part in zip(variables, parts, strict=True)
    ]
    return {(key[0], *[values[key[i]] for values, i in plan]): label for key, label in table.items()}
