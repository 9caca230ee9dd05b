"""Windows: the last w symbols as contexts, each tap folded to the letter sets that matter (docs/cascade.md, *Windows*)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.cascade.ir import Component, overwrite

if TYPE_CHECKING:
    from ssmc.cascade.ir import Action, Key
    from ssmc.cascade.system import Mask, System


@dataclass(frozen=True)
class Window:
    """A window of w symbols.

    Attributes:
        groups: `groups[j][x]`: the group of class x at lag j+1, from 1; 0 stands for 'before the first symbol'. The groups of one lag refine
            those of the next.
    """

    groups: tuple[tuple[int, ...], ...]

    @property
    def initial(self) -> tuple[int, ...]:
        """The window before any symbol."""
        return (0,) * len(self.groups)

    def step(self, window: tuple[int, ...], x: int) -> tuple[int, ...]:
        """The window after class x."""
        if not self.groups:
            return ()
        older = (self.shift(lag, group) for lag, group in enumerate(window[:-1]))
        return (self.groups[0][x], *older)

    def shift(self, lag: int, group: int) -> int:
        """The group at the next lag of a symbol that is in `group` at this lag."""
        return 0 if group == 0 else self.groups[lag + 1][self.groups[lag].index(group)]

    def components(self, first: int) -> tuple[Component, ...]:
        """The window's components, one a lag; `first` is the index of the first of them in the cascade."""
        out = []
        for lag, groups in enumerate(self.groups):
            table: dict[Key, Action] = {}
            for x, group in enumerate(groups):
                if lag == 0:
                    table[x,] = overwrite(group)
                else:
                    for newer in range(max(self.groups[lag - 1]) + 1):
                        table[x, newer] = overwrite(self.shift(lag - 1, newer))
            reads = () if lag == 0 else (first + lag - 1,)
            out.append(Component(f"window lag {lag + 1}", "window", max(groups) + 1, reads, MappingProxyType(table)))
        return tuple(out)


def find_window(system: System, width: int) -> Window:
    """The window of a width whose taps tell classes apart only where their actions differ.

    At the oldest lag two classes are one where they have the same image of every set that can be known before them (all states; the initial state); at each
    younger lag, of every set that the older taps lead to.
    """
    known: set[Mask] = {(1 << system.states) - 1, 1}
    groups: list[tuple[int, ...]] = []
    for _ in range(width):
        sets = sorted(known)
        older = groups[0] if groups else (0,) * len(system.columns)
        number: dict[tuple[int, ...], int] = {}
        column = []
        for x in range(len(system.columns)):
            signature = (older[x], *(system.image(p, x) for p in sets))
            column.append(number.setdefault(signature, len(number) + 1))
        groups.insert(0, tuple(column))
        known |= {system.image(p, x) for p in sets for x in range(len(system.columns))} - {0}
    return Window(tuple(groups))
