"""Codes that write each symbol as a string of smaller symbols: text as UTF-8, seen from classes of both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ssmc.errors import InvariantError
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_STEPS = 4
"""The longest code word that a decoder reads."""


@dataclass(frozen=True)
class Encoding:
    """The trie of all code words, equal subtries shared; node 0 stands before the first byte of a symbol.

    What begins a symbol never occurs inside one, so a reader that starts anywhere knows where the symbols begin.

    Attributes:
        children: `children[n][x]`: the node after byte class x at node n, or `DEAD` where a symbol ends or x cannot come.
        leaves: `leaves[n][x]`: the class of the symbol that x completes at node n, or `DEAD`.
    """

    children: tuple[tuple[int, ...], ...]
    leaves: tuple[tuple[int, ...], ...]

    @property
    def byte_classes(self) -> int:
        """The number of byte classes."""
        return len(self.children[0])

    @cached_property
    def below(self) -> tuple[frozenset[int], ...]:
        """For each node the classes of the symbols that can be completed from it."""
        found: dict[int, frozenset[int]] = {}

        def visit(node: int) -> frozenset[int]:
            if node not in found:
                inside = (visit(child) for child in set(self.children[node]) - {DEAD})
                found[node] = frozenset(self.leaves[node]).difference({DEAD}).union(*inside)
            return found[node]

        return tuple(visit(node) for node in range(len(self.children)))

    @cached_property
    def heights(self) -> tuple[int, ...]:
        """For each node the most bytes that may still come before the symbol is complete."""
        found: dict[int, int] = {}

        def visit(node: int) -> int:
            if node not in found:
                found[node] = 1 + max((visit(child) for child in set(self.children[node]) - {DEAD}), default=0)
            return found[node]

        return tuple(visit(node) for node in range(len(self.children)))

    @cached_property
    def begins(self) -> tuple[bool, ...]:
        """For each byte class whether it begins a symbol."""
        return tuple(
            child != DEAD or leaf != DEAD for child, leaf in zip(self.children[0], self.leaves[0], strict=True)
        )

    def legal(self, node: int, live: frozenset[int]) -> tuple[int, ...]:
        """The byte classes that can come at a node if only symbols of the given classes may."""
        below, children, leaves = self.below, self.children[node], self.leaves[node]
        return tuple(
            x
            for x in range(self.byte_classes)
            if leaves[x] in live or (children[x] != DEAD and not live.isdisjoint(below[children[x]]))
        )

    def steps(self, node: int) -> Iterator[tuple[int, int, int]]:
        """(byte class, node after it or `DEAD`, class of the symbol it completes or `DEAD`) for each byte class that can come at a node."""
        for x, (child, leaf) in enumerate(zip(self.children[node], self.leaves[node], strict=True)):
            if child != DEAD or leaf != DEAD:
                yield x, child, leaf

    def check(self) -> None:
        """Checks what the docstring says.

        Raises:
            InvariantError: it is not so.
        """
        nodes = range(1, len(self.children))
        if any(child != DEAD and child not in nodes for row in self.children for child in row):
            raise InvariantError("encoding: a child is no node, or the root")
        if any(
            c != DEAD and d != DEAD
            for r, s in zip(self.children, self.leaves, strict=True)
            for c, d in zip(r, s, strict=True)
        ):
            raise InvariantError("encoding: a code word is the beginning of another")
        if any(self.begins[x] for node in nodes for x, _, _ in self.steps(node)):
            raise InvariantError("encoding: a byte both begins symbols and occurs inside them")
        if self.heights[0] > MOST_STEPS:
            raise InvariantError(f"encoding: a code word of {self.heights[0]} bytes")
