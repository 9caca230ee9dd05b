"""HOA v1 (Babiak et al. 2015) on finite words: a run is accepted that ends in a state of the acceptance set.

The format is for infinite words. Read with finite ones: the acceptance condition is `Inf(0)` with marks on states (Büchi), which are the final states; `t` makes every
state final, `f` none. A symbol is a valuation of the atomic propositions, named like `a&!b`. An automaton over other symbols is written with one proposition for each symbol,
exactly one of which is true at a time, and the header `alphabet:` names them; by it they are read back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.errors import LimitError
from ssmc.languages.formats.edges import symbol_names
from ssmc.languages.formats.hoa_text import Labels, Words
from ssmc.languages.nfa import NFA, determinize
from ssmc.minimize import DEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ssmc.automaton import Automaton
    from ssmc.languages.formats.hoa_text import Token
    from ssmc.languages.limits import Budget

MOST_PROPOSITIONS = 10
"""Atomic propositions whose valuations are all symbols; more than these only with the header `alphabet:`."""
_CONDITIONS = {"t": "all", "f": "none", "Inf(0)": "marked"}


def read_hoa(text: str, budget: Budget, file: str | None = None) -> Automaton:
    """The automaton of a HOA text, read on finite words.

    Raises:
        InputError: the text is malformed, or says something that has no meaning on finite words.
        LimitError: there are too many valuations, or the budget is exceeded.
    """
    return _Reader(Words(text, file)).automaton(budget)


class _Reader:
    """The working state of reading one automaton."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.count: int | None = None
        self.initial: list[int] = []
        self.propositions: list[str] = []
        self.names: list[str] | None = None
        self.names_at = 0
        self.finals = "marked"
        self.condition: Token | None = None
        self.aliases: list[tuple[str, int]] = []

    def automaton(self, budget: Budget) -> Automaton:
        """All of it."""
        self.header()
        if self.condition is None:
            raise self.words.error("no header Acceptance:", self.words.now.at)
        symbols = self.symbols()
        labels = Labels(self.words, len(self.propositions)) if self.names is None else self.letter_labels(len(symbols))
        edges, final, states = self.body(labels, len(symbols))
        number = {state: i for i, state in enumerate(dict.fromkeys([*self.initial, *states]))}
        largest = max(number, default=-1)
        if self.count is not None and largest >= self.count:
            raise self.words.error(f"state {largest}: the header States: says {self.count}", self.words.now.at)
        chosen = {"all": states, "none": [], "marked": final}[self.finals]
        moves = tuple((number[source], symbol, number[target]) for source, symbol, target in edges)
        starts, ends = (frozenset(number[state] for state in own) for own in (self.initial, chosen))
        return determinize(NFA(Alphabet.tokens(symbols), len(number), moves, starts, ends), budget)

    def symbols(self) -> list[str]:
        """The names of the symbols."""
        if self.names is not None:
            return self.names
        count = len(self.propositions)
        if count > MOST_PROPOSITIONS:
            raise LimitError("atomic propositions of a HOA automaton", count, MOST_PROPOSITIONS)
        return valuation_names(self.propositions)

    def letter_labels(self, count: int) -> Labels:
        """Labels over valuations in which exactly one proposition is true: the bit of a valuation is that of its proposition."""
        if len(self.propositions) != count:
            raise self.words.error(f"{count} symbols, but {len(self.propositions)} propositions", self.names_at)
        labels = Labels(self.words, 0)
        labels.count, labels.every = count, (1 << count) - 1
        labels.propositions = [1 << i for i in range(count)]
        return labels

    def header(self) -> None:
        """Everything before the body."""
        words = self.words
        if (
            words.take("header", wanted="HOA:").text != "HOA:"
            or words.take("name", wanted="the version v1").text != "v1"
        ):
            raise words.error("a HOA text begins with HOA: v1", 0)
        alias_places: list[tuple[str, int]] = []
        while not words.takes("--BODY--"):
            token = words.take("header", wanted="a header or --BODY--")
            name = token.text[:-1]
            if name == "States":
                self.count = int(words.take("number").text)
            elif name == "Start":
                self.initial.append(int(words.take("number").text))
                if words.now.text == "&":
                    raise words.error("a conjunction of initial states (alternation) is not read", words.now.at)
            elif name == "AP":
                count = int(words.take("number").text)
                self.propositions = [words.take("string").string for _ in range(count)]
                self.check_names(self.propositions, token)
            elif name == "alphabet":
                self.names, self.names_at = [], token.at
                while words.now.kind == "string":
                    self.names.append(words.take("string").string)
                self.check_names(self.names, token)
            elif name == "Acceptance":
                self.acceptance(token)
            elif name == "Alias":
                alias_places.append((words.take("alias").text, words.next))
                self.skip()
            elif name[0].isupper():
                raise words.error(f"the header {name}: is not known, and may change the meaning", token.at)
            else:
                self.skip()
        self.aliases = alias_places

    def check_names(self, names: Sequence[str], token: Token) -> None:
        """Refuses names that no symbol can have."""
        if len(set(names)) != len(names) or any(not name or re.search(r"\s", name) for name in names):
            raise self.words.error(f"{token.text} names must differ, and have no white space", token.at)

    def skip(self) -> None:
        """Goes on to the next header."""
        while self.words.now.kind not in ("header", "mark", "end"):
            self.words.take()

    def acceptance(self, token: Token) -> None:
        """The header `Acceptance:`."""
        words = self.words
        words.take("number")
        start = words.now.at
        said = ""
        while words.now.kind not in ("header", "mark", "end"):
            said += words.take().text
        if said not in _CONDITIONS:
            raise words.error(f"acceptance {said or 'missing'}: on finite words Inf(0), t and f are read", start)
        self.finals, self.condition = _CONDITIONS[said], token

    def body(self, labels: Labels, symbols: int) -> tuple[list[tuple[int, int, int]], list[int], list[int]]:
        """The edges by symbol, the marked states, and every state named."""
        words = self.words
        for name, place in self.aliases:
            here, words.next = words.next, place
            labels.aliases[name] = labels.label()
            words.next = here
        edges: list[tuple[int, int, int]] = []
        final: list[int] = []
        states: list[int] = []
        while not words.takes("--END--"):
            if words.now.text == "--ABORT--":
                raise words.error("the automaton was aborted", words.now.at)
            token = words.take("header", wanted="State: or --END--")
            if token.text != "State:":
                raise words.error(f"expected State:, not {token.text}", token.at)
            own = labels.label() if self.opens_label() else None
            self.close_label(own)
            state = int(words.take("number").text)
            if state in states:
                raise words.error(f"state {state} is there twice", token.at)
            states.append(state)
            if words.now.kind == "string":
                words.take()
            final += [state] * self.marked()
            edges += self.edges(state, labels, own, symbols)
        if words.now.kind != "end":
            raise words.error("one automaton is read, and there is more behind it", words.now.at)
        return edges, final, [*states, *(target for *_, target in edges)]

    def opens_label(self) -> bool:
        """Whether a label follows, and goes on behind its bracket."""
        return self.words.takes("[")

    def close_label(self, label: int | None) -> None:
        """The bracket behind a label."""
        if label is not None:
            self.words.take("sign", text="]")

    def marked(self) -> bool:
        """Whether a state is in the acceptance set 0."""
        if not self.words.takes("{"):
            return False
        sets = []
        while not self.words.takes("}"):
            token = self.words.take("number", wanted="an acceptance set or }")
            sets.append(int(token.text))
            if sets[-1]:
                raise self.words.error(f"acceptance set {sets[-1]}: there is only 0", token.at)
        return bool(sets)

    def edges(self, state: int, labels: Labels, own: int | None, symbols: int) -> Iterable[tuple[int, int, int]]:
        """The edges of a state: labelled ones, those of a state with a label, or one for each valuation in order."""
        words = self.words
        found: list[tuple[int, int, int]] = []
        implicit = 0
        while words.now.kind == "number" or words.now.text == "[":
            at = words.now.at
            label = labels.label() if self.opens_label() else None
            self.close_label(label)
            target = int(words.take("number", wanted="the target of an edge").text)
            if words.now.text == "&":
                raise words.error("a conjunction of targets (alternation) is not read", words.now.at)
            if words.now.text == "{":
                raise words.error("acceptance on transitions: on finite words states accept", words.now.at)
            if label is None and own is None:
                label, implicit = 1 << implicit, implicit + 1
                if self.names is not None or implicit > symbols:
                    raise words.error("more edges than valuations, or edges without labels under alphabet:", at)
            elif label is not None and own is not None:
                raise words.error("a label on an edge of a state that has one", at)
            chosen = own if label is None else label
            found += [(state, symbol, target) for symbol in range(symbols) if (chosen or 0) >> symbol & 1]
        if implicit and implicit != symbols:
            raise words.error(f"state {state} has {implicit} edges without labels, not {symbols}", words.now.at)
        return found


def valuation_names(propositions: Sequence[str]) -> list[str]:
    """The names of the valuations of some propositions: the one with number v makes proposition i true if bit i of v is 1."""
    count = len(propositions)
    return [
        "&".join(name if v >> i & 1 else f"!{name}" for i, name in enumerate(propositions)) or "t"
        for v in range(1 << count)
    ]


def write_hoa(automaton: Automaton) -> str:
    """The automaton in HOA v1; its final states are those of the Büchi acceptance set."""
    names = symbol_names(automaton)
    propositions = _propositions(names)
    lines = ["HOA: v1", f"States: {max(1, automaton.states)}", "Start: 0"]
    if propositions is None:
        lines.append(f"AP: {len(names)} {' '.join(map(_quoted, names))}".rstrip())
        lines.append(f"alphabet: {' '.join(map(_quoted, names))}".rstrip())
        labels = [_conjunction(len(names), 1 << i) for i in range(len(names))]
    else:
        lines.append(f"AP: {len(propositions)} {' '.join(map(_quoted, propositions))}".rstrip())
        labels = [_conjunction(len(propositions), v) for v in range(len(names))]
    lines += ["acc-name: Buchi", "Acceptance: 1 Inf(0)", "properties: deterministic state-acc", "--BODY--"]
    classes = automaton.alphabet.classes
    for state in range(max(1, automaton.states)):
        lines.append(f"State: {state}{' {0}' if state in automaton.accepting else ''}")
        by_target: dict[int, list[str]] = {}
        for symbol, c in enumerate(classes):
            target = automaton.delta[state][c] if automaton.states else DEAD
            if target != DEAD:
                by_target.setdefault(target, []).append(labels[symbol])
        lines += [f"[{' | '.join(own)}] {target}" for target, own in sorted(by_target.items())]
    return "\n".join([*lines, "--END--", ""])


def _propositions(names: Sequence[str]) -> list[str] | None:
    """The propositions whose valuations some symbols are, in order; None where they are other symbols."""
    count = len(names).bit_length() - 1
    if len(names) != 1 << count or count > MOST_PROPOSITIONS:
        return None
    propositions = names[-1].split("&") if count else []
    return propositions if len(propositions) == count and valuation_names(propositions) == list(names) else None


def _conjunction(count: int, valuation: int) -> str:
    """The label of one valuation."""
    return "&".join(str(i) if valuation >> i & 1 else f"!{i}" for i in range(count)) or "t"


def _quoted(name: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
