"""Lower bounds on layers: what no cascade of zero layers, or of one layer of resets and counters, can do (docs/cascade.md, *Lower bounds*)."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from ssmc.automaton import DEAD
from ssmc.cascade.check import expected_output
from ssmc.cascade.counters import find_counters
from ssmc.cascade.system import System, members

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Mode, Output
    from ssmc.cascade.system import Mask


class Tie(NamedTuple):
    """Two words that end in the same symbols and ask for different outputs.

    Attributes:
        one: a shortest word of classes to a state, then the common ending.
        other: another.
    """

    one: tuple[int, ...]
    other: tuple[int, ...]


def find_tie(automaton: Automaton, mode: Mode, width: int) -> Tie | None:
    """Two words that a window cannot tell apart, or None if and only if zero layers suffice.

    Without a scan an output is a function of the symbol just read and of the window before it, `width` + 1 symbols in all (shorter words are known
    whole). So the words to fear are u·w and v·w with |w| = width + 1: pairs of different states are moved along equal symbols width + 1 times.

    Args:
        automaton: the language.
        mode: in predict mode only words with a continuation in the language count.
        width: the widest window.
    """
    access = _access_words(automaton, dead=mode != "predict")
    pairs: dict[tuple[int, int], tuple[int, ...]] = dict.fromkeys(combinations(sorted(access), 2), ())
    origin = {pair: pair for pair in pairs}
    for _ in range(width + 1):
        following: dict[tuple[int, int], tuple[int, ...]] = {}
        first: dict[tuple[int, int], tuple[int, int]] = {}
        for (p, q), word in pairs.items():
            for x in range(automaton.classes):
                r, s = _after(automaton, p, x), _after(automaton, q, x)
                if r == s or (mode == "predict" and DEAD in (r, s)):
                    continue
                if (r, s) not in following:
                    following[r, s] = (*word, x)
                    first[r, s] = origin[p, q]
        pairs, origin = following, first
    for (p, q), word in pairs.items():
        if expected_output(automaton, mode, p) != expected_output(automaton, mode, q):
            u, v = origin[p, q]
            return Tie((*access[u], *word), (*access[v], *word))
    return None


def _after(automaton: Automaton, state: int, x: int) -> int:
    return DEAD if state == DEAD else automaton.delta[state][x]


def _access_words(automaton: Automaton, *, dead: bool) -> dict[int, tuple[int, ...]]:
    """A shortest word of classes to each state, the sink included if asked for."""
    words: dict[int, tuple[int, ...]] = {0: ()} if automaton.states else {DEAD: ()}
    for q in (queue := list(words)):
        for x in range(automaton.classes):
            r = _after(automaton, q, x)
            if r not in words and (dead or r != DEAD):
                words[r] = (*words[q], x)
                queue.append(r)
    return words


def one_layer_suffices(automaton: Automaton, width: int = 0, *, limit: int = 100_000) -> bool | None:
    """Whether, in predict mode, one layer of resets that read a window, together with all counters, gives every output.

    Call a *block* the symbol read with the window before it. A reset that reads a window holds the last block of some set, so all resets of one layer
    together know the order in which the blocks of the past last occurred, and the pairwise flip-flops 'which of two blocks was the later one' know no
    less. The words with the order b1, ..., bk, oldest first, are A1* b1 A2* b2 ... bk with Ai = {bi, ..., bk}; the sets of states that they lead to are
    followed below, split by counter values at the end. Tallies are left out: with them one layer may do more.

    Args:
        automaton: the language.
        width: the width of the window.
        limit: the largest number of pairs (blocks still to come, set of points) to look at.

    Returns:
        The answer, or None beyond the limit.
    """
    search = _Orders(automaton, width)
    if len(search.blocks) > limit.bit_length():
        return None
    left = limit
    todo: list[tuple[int, Mask]] = []
    for content in range((1 << len(search.blocks)) - 1, -1, -1):
        todo.append((content, search.closure(1, content)))
        while todo:
            blocks, points = todo.pop()
            if not search.is_new(blocks, points):
                continue
            left -= 1
            if left < 0:
                return None
            if not blocks:
                if not search.is_decided(points):
                    return False
                continue
            for b in members(blocks):
                after = search.image(points, b)
                if after:
                    rest = blocks & ~(1 << b)
                    todo.append((rest, search.closure(after, rest)))
    return True


def needs_two_layers(automaton: Automaton, *, limit: int = 100_000) -> bool:
    """Whether it is proved that without a window one layer is too few in predict mode, whatever resets, counters and tallies are in it.

    A symbol with a loop at some state can be repeated for ever, so a counter that it does not overwrite is bounded only if it does not move it, and a tally
    that it raises is at its top after enough of them. Take words with the order b1, ..., bk of last occurrences, after a common prefix, in which every
    bi is repeated at a loop within Ai* between the last occurrences of b(i-1) and of bi. What a component of layer 1 keeps is decided by the last symbol that
    overwrites it and by which symbols come later: it is the same after all these words. So if two of them need different outputs, one layer is too few.

    Args:
        automaton: the language.
        limit: the largest number of pairs (symbols still to come, set of states) to look at; beyond it the answer is no.
    """
    search = _Orders(automaton, 0)
    loops = [sum(1 << p for p, row in enumerate(search.moves) if row.get(b) == p) for b in range(len(search.blocks))]
    usable = [b for b, points in enumerate(loops) if points]
    if len(usable) > limit.bit_length():
        usable = usable[: limit.bit_length()]
    contents = sorted(range(1 << len(usable)), key=lambda content: -content.bit_count())
    todo: list[tuple[int, Mask]] = []
    for content in contents:
        blocks = sum(1 << b for i, b in enumerate(usable) if content >> i & 1)
        todo += [(blocks, search.closure(1 << p, blocks)) for p in range(len(search.points))]
        while todo:
            blocks, points = todo.pop()
            if not search.is_new(blocks, points):
                continue
            limit -= 1
            if limit < 0:
                return False
            if not blocks and not search.is_decided(points):
                return True
            for b in members(blocks):
                after = search.image(search.closure(points & loops[b], blocks), b)
                if after:
                    rest = blocks & ~(1 << b)
                    todo.append((rest, search.closure(after, rest)))
    return False


class _Orders:
    """Points (window, state) with their moves by blocks, and the sets met so far."""

    def __init__(self, automaton: Automaton, width: int) -> None:
        self.automaton = automaton
        self.counters = [counter.values for counter in find_counters(System.of(automaton))]
        number: dict[tuple[tuple[int, ...], int], int] = {((), 0): 0}
        self.points = list(number)
        self.blocks: dict[tuple[tuple[int, ...], int], int] = {}
        moves: list[dict[int, int]] = []
        for window, q in self.points:
            row = {}
            for x, r in enumerate(automaton.delta[q]):
                if r == DEAD:
                    continue
                after = ((*window, x)[-width:] if width else (), r)
                if after not in number:
                    number[after] = len(number)
                    self.points.append(after)
                row[self.blocks.setdefault((window, x), len(self.blocks))] = number[after]
            moves.append(row)
        self.moves = moves
        self.met: dict[int, list[Mask]] = {}

    def is_new(self, blocks: int, points: Mask) -> bool:
        """Whether no superset of the points was met with the same blocks to come."""
        known = self.met.setdefault(blocks, [])
        if any(points & ~other == 0 for other in known):
            return False
        known[:] = [other for other in known if other & ~points] + [points]
        return True

    def image(self, points: Mask, block: int) -> Mask:
        """Where a block leads."""
        out = 0
        for p in members(points):
            r = self.moves[p].get(block)
            if r is not None:
                out |= 1 << r
        return out

    def closure(self, points: Mask, blocks: int) -> Mask:
        """Where words of some blocks lead."""
        todo = list(members(points))
        for p in todo:
            for block, r in self.moves[p].items():
                if blocks >> block & 1 and not points >> r & 1:
                    points |= 1 << r
                    todo.append(r)
        return points

    def is_decided(self, points: Mask) -> bool:
        """Whether window, counters and the next symbol tell the output after it."""
        known: dict[tuple[object, ...], Output] = {}
        for p in members(points):
            window, q = self.points[p]
            for x, r in enumerate(self.automaton.delta[q]):
                if r != DEAD:
                    key = (window, x, *(values[q] for values in self.counters))
                    output = expected_output(self.automaton, "predict", r)
                    if known.setdefault(key, output) != output:
                        return False
        return True
