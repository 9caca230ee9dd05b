"""From code points to bytes: the language of the UTF-8 encodings of a language of text.

Only well-formed UTF-8 is read (RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF). docs/languages.md proves that the
result is star-free exactly when the language of text is, for text without surrogates.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.encoding import Encoding
from ssmc.errors import UsageError
from ssmc.languages.limits import Budget
from ssmc.minimize import DEAD
from ssmc.patternset import PatternSet

if TYPE_CHECKING:
    from collections.abc import Sequence

Arc = tuple[int, int, int, int]
"""(first byte, last byte, node or -1, class): to a node of the trie, or (node -1) to the end of a character of that class."""
_NOWHERE = -1
_LEVELS = ((0xC0, 0x80, 0x800, 1), (0xE0, 0x800, 0x10000, 2), (0xF0, 0x10000, 0x110000, 3))
"""First lead byte, first and one past the last code point, and number of continuation bytes, of the encodings of 2, 3, 4 bytes."""
BYTE_STATE_LIMIT = 200_000
"""States of the byte automaton before minimisation."""


def to_bytes(automaton: Automaton, budget: Budget | None = None) -> Automaton:
    """The automaton over the 256 bytes that accepts the UTF-8 encodings of the words of a code point automaton.

    Args:
        automaton: an automaton over code points; one over bytes is returned as it is.
        budget: limits the states on the way; `BYTE_STATE_LIMIT` of them when not given.

    Raises:
        UsageError: the automaton has an explicit alphabet.
        LimitError: the budget is exceeded.
    """
    if automaton.alphabet.kind == "bytes":
        return automaton
    if isinstance(automaton, PatternSet):
        return PatternSet((to_bytes(member, budget) for member in automaton.members), automaton.limit)
    if automaton.alphabet.kind != "codepoints":
        raise UsageError("an automaton over an explicit alphabet has no encoding in bytes")
    budget = budget or Budget(BYTE_STATE_LIMIT)
    trie = _Trie(automaton)
    starts, arcs = trie.byte_classes()
    rows: list[list[int]] = [[] for _ in automaton.delta]
    pending: list[tuple[int, tuple[int, ...]]] = []
    number: dict[tuple[int, tuple[int, ...]], int] = {}

    def target(node: int, c: int, row: dict[int, int]) -> int:
        """The state after an arc, `row` giving the targets of the classes below it."""
        if node == _NOWHERE:
            return row.get(c, DEAD)
        image = tuple([row[c] for c in trie.below[node]])
        if all(r == DEAD for r in image):
            return DEAD
        key = (node, image)
        state = number.setdefault(key, len(rows))
        if state == len(rows):
            rows.append([])
            pending.append(key)
            if state & 0xFF == 0:
                budget.check_states(state, "states of the byte automaton")
        return state

    def fill(state: int, node: int, row: dict[int, int]) -> None:
        out = [DEAD] * len(starts)
        for classes, child, c in arcs[node]:
            reached = target(child, c, row)
            if reached != DEAD:
                out[classes] = [reached] * (classes.stop - classes.start)
        rows[state] = out

    for q, delta in enumerate(automaton.delta):
        fill(q, trie.root, dict(enumerate(delta)))
    for node, image in pending:
        fill(number[node, image], node, dict(zip(trie.below[node], image, strict=True)))
    alphabet = Alphabet.of_runs("bytes", (), starts, range(len(starts)))
    if not automaton.delta:
        return Automaton.empty(alphabet, automaton.pattern_count)
    return Automaton.from_table(alphabet, rows, 0, automaton.accepting, automaton.patterns)


def encoding_of(automaton: Automaton, binary: Automaton) -> Encoding:
    """UTF-8 from the classes of a code point automaton to those of its byte automaton, without the classes that no state reads.

    A class of bytes is stood for by its first byte: bytes of one class are alike in every word, whatever the characters that they are in.
    """
    trie = _Trie(automaton)
    first = binary.alphabet.representatives
    number = {trie.root: 0}
    order = [trie.root]
    children, leaves = [], []
    for node in order:
        child, leaf = [DEAD] * len(first), [DEAD] * len(first)
        for start, last, below, c in trie.nodes[node]:
            if below != _NOWHERE and below not in number:
                number[below] = len(order)
                order.append(below)
            for x, byte in enumerate(first):
                if start <= byte <= last:
                    child[x], leaf[x] = (number[below], DEAD) if below != _NOWHERE else (DEAD, c)
        children.append(tuple(child))
        leaves.append(tuple(leaf))
    return Encoding(tuple(children), tuple(leaves))


class _Trie:
    """The trie of all encodings of the characters that some state reads, equal subtries shared; a leaf is the class of its code point.

    Attributes:
        nodes: the arcs of each node, ascending.
        below: the classes at the leaves below each node, ascending.
        root: the node before the first byte of a character.
    """

    def __init__(self, automaton: Automaton) -> None:
        live = [any(r != DEAD for r in column) for column in automaton.columns]
        self.starts = list(automaton.alphabet.starts)
        self.classes = [c if live[c] else DEAD for c in automaton.alphabet.run_classes]
        self.nodes: list[tuple[Arc, ...]] = []
        self.below: list[tuple[int, ...]] = []
        self._number: dict[tuple[Arc, ...], int] = {}
        self._uniform: dict[tuple[int, int], int] = {}
        self._cut(0xD800, 0xE000)
        arcs = self._leaves(0, 0x80, 0)
        whole = (self.starts, self.classes)
        for lead, first, stop, level in _LEVELS:
            self.starts, self.classes = list(whole[0]), list(whole[1])
            if first:
                self._cut(0, first)
            self._cut(stop, (0x20 << 6 * level) + stop)
            size = 64**level
            for base in range(first // size * size, stop, size):
                self._add(arcs, lead + base // size, lead + base // size, self._node(base, level))
        self.root = self._share(arcs)
        if self.root == _NOWHERE:  # nothing can be read
            self.root = len(self.nodes)
            self.nodes.append(())
            self.below.append(())

    def _cut(self, first: int, stop: int) -> None:
        """Takes the code points first..stop-1 out: no class."""
        i = bisect_right(self.starts, first)
        j = bisect_right(self.starts, stop)
        after = self.classes[j - 1]
        self.starts[i:j] = [first, stop]
        self.classes[i:j] = [DEAD, after]
        if self.starts[i - 1] == first:  # the run before has become empty
            del self.starts[i - 1], self.classes[i - 1]

    def _class(self, code: int) -> tuple[int, int]:
        """The class of a code point and one past the end of its run."""
        i = bisect_right(self.starts, code)
        return self.classes[i - 1], self.starts[i] if i < len(self.starts) else 1 << 30

    def _leaves(self, first: int, stop: int, base: int) -> list[Arc]:
        arcs: list[Arc] = []
        while first < stop:
            c, end = self._class(first)
            end = min(end, stop)
            if c != DEAD:
                arcs.append((first - base, end - 1 - base, _NOWHERE, c))
            first = end
        return arcs

    @staticmethod
    def _add(arcs: list[Arc], first: int, last: int, node: int) -> None:
        if node == _NOWHERE:
            return
        if arcs and arcs[-1][1] == first - 1 and arcs[-1][2] == node:
            arcs[-1] = (arcs[-1][0], last, node, DEAD)
        else:
            arcs.append((first, last, node, DEAD))

    def _node(self, base: int, level: int) -> int:
        """The node that reads `level` continuation bytes, for the code points from `base`; `_NOWHERE` if all are cut."""
        size = 64**level
        c, end = self._class(base)
        if end >= base + size:
            return self._one_class(c, level)
        if level == 1:
            return self._share(self._leaves(base, base + size, base - 0x80))
        arcs: list[Arc] = []
        child = size // 64
        for i in range(64):
            self._add(arcs, 0x80 + i, 0x80 + i, self._node(base + i * child, level - 1))
        return self._share(arcs)

    def _one_class(self, c: int, level: int) -> int:
        if c == DEAD:
            return _NOWHERE
        key = (c, level)
        if key not in self._uniform:
            arc = (0x80, 0xBF, _NOWHERE, c) if level == 1 else (0x80, 0xBF, self._one_class(c, level - 1), DEAD)
            self._uniform[key] = self._share([arc])
        return self._uniform[key]

    def _share(self, arcs: Sequence[Arc]) -> int:
        if not arcs:
            return _NOWHERE
        key = tuple(arcs)
        if key not in self._number:
            self._number[key] = len(self.nodes)
            self.nodes.append(key)
            below = {c for _, _, node, c in arcs if node == _NOWHERE}
            self.below.append(tuple(sorted(below.union(*(self.below[node] for _, _, node, _ in arcs if node >= 0)))))
        return self._number[key]

    def byte_classes(self) -> tuple[list[int], list[list[tuple[slice, int, int]]]]:
        """The first byte of each class that all nodes treat alike, and the arcs with slices of these classes."""
        starts = sorted({0}.union(*({first, last + 1} for arcs in self.nodes for first, last, _, _ in arcs)) - {256})
        index = {start: i for i, start in enumerate(starts)}
        index[256] = len(starts)
        arcs = [[(slice(index[a], index[b + 1]), node, c) for a, b, node, c in node_arcs] for node_arcs in self.nodes]
        return starts, arcs
