"""Cascades over encoded symbols: decompose over the symbols, and read them through a decoder (docs/cascade.md, *Text*).

A byte completes a symbol, leads on inside one, or cannot come. The automaton over symbols is given one more letter for each set of symbols that can
still be completed: it changes no state, and is undefined where none of the set can come. Its cascade has every table that is needed over bytes; the
decoder tells which letter a byte stands for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.cascade.assemble import prune
from ssmc.cascade.cost import cost_of
from ssmc.cascade.decoder import make_decoder
from ssmc.cascade.decompose import decompose
from ssmc.cascade.ir import HOLD, Cascade, Component, Output, Readout, overwrite
from ssmc.cascade.lettered import Lettered
from ssmc.cascade.strategy import Options
from ssmc.errors import InvariantError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from ssmc.cascade.decoder import Decoder
    from ssmc.cascade.ir import AnyAction, Key, Mode
    from ssmc.encoding import Encoding

G = TypeVar("G", bound="Hashable")
L = TypeVar("L")
Rows = dict["Key", L]
"""A part of a table: values of the components that it reads -> label."""

DIRECT = {0: 10_000, 1: 10_000, 2: 20_000, 3: 1_000_000}
"""For each effort the byte states times byte classes up to which the byte automaton itself is decomposed, too; half of that in recognise mode."""
_ENTRIES = 400_000
"""Steps of the decoder times contexts of the cascade behind it, up to which the latter are not limited."""


def decompose_encoded(
    automaton: Automaton, binary: Automaton, encoding: Encoding, mode: Mode, options: Options | None = None
) -> Cascade:
    """The cheaper of the cascade behind a decoder and, where it is small enough, of that of the byte automaton.

    Args:
        automaton: the language over symbols.
        binary: its language of encodings.
        encoding: from the classes of the one to those of the other.
        mode: `recognise`, `predict` or `monitor`.
        options: budgets and limits; the defaults of `Options` when not given.

    Raises:
        NotStarFreeError: the language is not star-free; carries the witness.
        LimitError: no cascade within the limits.
    """
    options = options or Options()
    if encoding.heights[0] == 1 or not binary.states:
        return decompose(binary, mode, options)
    found: list[Cascade] = []
    limit: LimitError | None = None
    free = replace(options, max_layers=None)
    try:
        found.append(_behind_decoder(automaton, binary, encoding, mode, free))
    except LimitError as error:
        limit = error
    # one of several patterns shares what tells wrong encodings with the others, if its cascade does not tell them itself
    sparing = options.share > 1 and bool(found)
    if not sparing and binary.states * binary.classes * (1 if mode == "predict" else 2) <= DIRECT[options.effort]:
        try:
            found.append(decompose(binary, mode, free))
        except LimitError as error:
            limit = error
    if not found:
        raise limit or LimitError("candidates", 0, 0)
    cost, cascade = min(
        ((cost_of(cascade.components, cascade.readout, options.cost), cascade) for cascade in found),
        key=lambda pair: pair[0].rank(options.cost, options.max_layers),
    )
    if options.max_layers is not None and cost.layers > options.max_layers:
        raise LimitError("scan layers of the shallowest cascade found", cost.layers, options.max_layers, "--max-layers")
    return cascade


def _behind_decoder(
    automaton: Automaton, binary: Automaton, encoding: Encoding, mode: Mode, options: Options
) -> Cascade:
    letters = Letters.of(automaton, encoding)
    wide = options.window
    if not letters.told_by_byte:
        # a window of symbols is no window of bytes
        options = replace(options, window=0)
    steps = sum(1 for node in range(len(encoding.children)) for _ in encoding.steps(node))
    limit = max(4 * letters.automaton.states + 16, _ENTRIES // steps)
    while True:
        try:
            above = decompose(
                letters.automaton, mode, replace(options, context_limit=min(options.context_limit, limit))
            )
            break
        except LimitError:
            if limit >= options.context_limit:
                raise
            limit *= 4
    cascade = _Lift(letters, above, encoding, binary, make_decoder(encoding, window=wide)).cascade()
    cascade.check()
    return cascade


@dataclass(frozen=True)
class Letters:
    """What a byte can stand for.

    Attributes:
        automaton: the automaton over the symbol classes and one letter for each set of classes below a node; classes of letters that act alike are one.
        symbols: for each symbol class its class there.
        inside: for each set of classes the class of its letter.
        told_by_byte: whether no byte stands for different letters at different nodes.
    """

    automaton: Automaton
    symbols: tuple[int, ...]
    inside: Mapping[frozenset[int], int]
    told_by_byte: bool

    @staticmethod
    def of(automaton: Automaton, encoding: Encoding) -> Letters:
        """The letters of an automaton over encoded symbols.

        A class that changes nothing when it is read once more may be read at every byte of its symbols: where no other can be completed, the byte stands for it.
        """
        delta = automaton.delta
        idle = {
            c for c in range(automaton.classes) if all(q == DEAD or delta[q][c] == q for q in (row[c] for row in delta))
        }
        below = list(dict.fromkeys(encoding.below[1:]))
        early = {own: min(own) for own in below if len(own) == 1 and own <= idle}
        sets = [own for own in below if own not in early]
        alphabet = automaton.alphabet
        names = [alphabet.name(symbol) for symbol in alphabet.representatives]
        names += [f"inside {i}" for i in range(1, len(sets) + 1)]
        live = [frozenset(classes) for classes in automaton.live_classes]
        rows = [[*row, *(q if live[q] & own else DEAD for own in sets)] for q, row in enumerate(delta)]
        extended = Automaton.from_table(Alphabet.tokens(names), rows, 0, automaton.accepting, automaton.patterns)
        classes = extended.alphabet.classes
        count = automaton.classes
        inside = dict(zip(sets, classes[count:], strict=True)) | {own: classes[c] for own, c in early.items()}
        told: dict[int, set[int]] = {}
        for node in range(len(encoding.children)):
            for x, child, leaf in encoding.steps(node):
                told.setdefault(x, set()).add(classes[leaf] if child == DEAD else inside[encoding.below[child]])
        return Letters(extended, classes[:count], inside, all(len(own) == 1 for own in told.values()))


@dataclass(frozen=True)
class _Step:
    """What a byte class does at one place of the decoder.

    Attributes:
        key: (byte class, values of the decoder's components).
        letter: the letter that it stands for, or `DEAD` where it cannot come.
        node: the node after it, 0 behind a complete symbol.
    """

    key: Key
    letter: int
    node: int


class _Lift:
    """The working state of putting a cascade over letters behind a decoder."""

    def __init__(
        self, letters: Letters, above: Cascade, encoding: Encoding, binary: Automaton, decoder: Decoder
    ) -> None:
        self.letters, self.above, self.encoding, self.binary = letters, above, encoding, binary
        self.decoder = decoder
        self.steps = list(self._steps())
        # the latch is put last, and what it reads is never behind it
        self.kept = [k for k, component in enumerate(above.components) if not component.latch]
        self.number = {k: len(self.decoder.components) + i for i, k in enumerate(self.kept)}

    def _steps(self) -> list[_Step]:
        encoding, steps = self.encoding, []
        for node, values in self.decoder.places:
            for x, (child, leaf) in enumerate(zip(encoding.children[node], encoding.leaves[node], strict=True)):
                if child != DEAD:
                    letter, after = self.letters.inside[encoding.below[child]], child
                else:
                    letter, after = (self.letters.symbols[leaf] if leaf != DEAD else DEAD), 0
                steps.append(_Step((x, *values), letter, after))
        return steps

    def cascade(self) -> Cascade:
        """The cascade over bytes."""
        above = self.above
        components = list(self.decoder.components)
        for k in self.kept:
            component = above.components[k]
            rows = _by_letter(component.table)
            reads, table = self.table(partial(_rows_of, rows), component.depends_on)
            components.append(replace(component, depends_on=reads, table=table))
        if above.mode != "predict":
            components.append(self.latch())
        latch = [k for k, component in enumerate(components) if component.latch]
        return prune(Cascade(self.binary, above.mode, tuple(components), self.readout()), latch)

    def latch(self) -> Component:
        """The latch of the symbols, if they have one, which a byte that cannot come sets, too."""
        above = self.above
        rows: dict[int, Rows[AnyAction]] = {}
        reads: tuple[int, ...] = ()
        if above.latch is not None:
            rows, reads = _by_letter(above.components[above.latch].table), above.components[above.latch].depends_on
        dead: Rows[AnyAction] = {values: overwrite(1) for part in rows.values() for values in part} or {
            (): overwrite(1)
        }
        live: Rows[AnyAction] | None = None if rows else {(): HOLD}
        depends_on, table = self.table(lambda step: dead if step.letter == DEAD else rows.get(step.letter, live), reads)
        return Component("latch", "reset", 2, depends_on, table, labels=("live", "dead"), latch=True)

    def readout(self) -> Readout:
        """The readout: an answer of the symbols where one is complete, no and the legal bytes inside one."""
        above, readout = self.above, self.above.readout
        outputs: dict[Output, int] = {}
        reads = tuple(j for j in readout.depends_on if j != above.latch)
        where = [readout.depends_on.index(j) for j in reads]
        rows = _by_letter(readout.table)
        if above.latch in readout.depends_on:
            at = readout.depends_on.index(above.latch)
            rows = {x: {v: label for v, label in part.items() if not v[at]} for x, part in rows.items()}
        rows = {x: {tuple(v[i] for i in where): label for v, label in part.items()} for x, part in rows.items()}
        everything = {values for part in rows.values() for values in part}
        no = Output(accepting=False, legal=(), patterns=self.binary.memberships(DEAD))
        answers: dict[tuple[int, int], Rows[int]] = {}

        def answer(step: _Step) -> Rows[int] | None:
            if step.letter == DEAD:
                if above.mode == "predict":
                    return None
                if (DEAD, 0) not in answers:
                    answers[DEAD, 0] = dict.fromkeys(everything, outputs.setdefault(no, len(outputs)))
                return answers[DEAD, 0]
            if step.letter not in rows:
                return None
            key = step.letter, min(step.node, 1) if above.mode == "recognise" else step.node
            if key not in answers:
                answers[key] = {
                    values: outputs.setdefault(self.output(readout.outputs[label], step.node), len(outputs))
                    for values, label in rows[step.letter].items()
                }
            return answers[key]

        initial = outputs.setdefault(self.output(readout.outputs[readout.initial], 0), len(outputs))
        depends_on, table = self.table(answer, reads)
        return Readout(depends_on, table, tuple(outputs), initial)

    def output(self, output: Output, node: int) -> Output:
        """What is said over bytes at a node where the symbols say `output`."""
        legal: tuple[int, ...] = ()
        if self.above.mode != "recognise":
            letters = set(output.legal)
            live = frozenset(c for c, letter in enumerate(self.letters.symbols) if letter in letters)
            legal = self.encoding.legal(node, live)
        if node:
            return Output(accepting=False, legal=legal, patterns=self.binary.memberships(DEAD))
        return Output(output.accepting, legal, output.patterns)

    def table(
        self, part: Callable[[_Step], Rows[L] | None], reads: tuple[int, ...]
    ) -> tuple[tuple[int, ...], Lettered[L]]:
        """A table over bytes: the components that it reads, and its entries.

        Args:
            part: what the table has for a step, a row for each combination of the values of `reads`; None for a don't-care.
            reads: components of the cascade over letters.

        Of the decoder's components it reads as few as will do.
        """
        group: dict[frozenset[tuple[Key, Any]], Rows[L]] = {}
        known: dict[int, Rows[L]] = {}
        chosen: list[tuple[Key, Rows[L]]] = []
        for step in self.steps:
            rows = part(step)
            if rows is not None:
                if id(rows) not in known:
                    known[id(rows)] = group.setdefault(frozenset(rows.items()), rows)
                chosen.append((step.key, known[id(rows)]))
        choices: list[tuple[int, ...]] = [(), (0,), (1,), (0, 1)] if len(self.decoder.reads) > 1 else [(), (0,)]
        for choice in choices:
            found: dict[Key, Rows[L]] = {}
            for key, rows in chosen:
                short = (key[0], *(key[1 + i] for i in choice))
                if found.setdefault(short, rows) is not rows:
                    break
            else:
                depends_on = (*(self.decoder.reads[i] for i in choice), *(self.number[j] for j in reads))
                number: dict[int, int] = {}
                letters = {short: number.setdefault(id(rows), len(number)) for short, rows in found.items()}
                every = {id(rows): rows for rows in found.values()}
                rows_of = tuple(MappingProxyType(every[own]) for own in number)
                return depends_on, Lettered(len(choice), MappingProxyType(letters), rows_of)
        raise InvariantError("the decoder does not tell what a byte stands for")


def _by_letter(table: Mapping[Key, L]) -> dict[int, Rows[L]]:
    """The rows of a table for each letter."""
    rows: dict[int, Rows[L]] = {}
    for (letter, *values), label in table.items():
        rows.setdefault(letter, {})[tuple(values)] = label
    return rows


def _rows_of(rows: Mapping[int, Rows[L]], step: _Step) -> Rows[L] | None:
    return rows.get(step.letter)
