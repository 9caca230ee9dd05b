"""Letters, words, states and rules of an explanation as short texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from ssmc.algebra.words import example_symbols
from ssmc.alphabet import describe
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ssmc.cascade.explain import Explanation, Part
    from ssmc.cascade.ir import Output
    from ssmc.cascade.rules import Rule

_LONG_LETTERS = 48
_QUOTED = " ,;|'\""
_LONG_WORD = 14
_MOST_RULES = 3
_MOST_RANGES = 12
_FIRST_RANGES = 4


@dataclass(frozen=True, eq=False)
class Speaker:
    """Texts for one explanation."""

    explanation: Explanation

    @cached_property
    def _examples(self) -> tuple[int, ...]:
        return example_symbols(self.explanation.cascade.automaton.alphabet)

    @cached_property
    def used(self) -> int:
        """The classes with some transition, as a bit mask."""
        live = self.explanation.cascade.automaton.live_classes
        return sum(1 << c for c in {c for row in live for c in row})

    def letters(self, classes: Iterable[int]) -> str:
        """A set of classes: one symbol as it is, many as ranges, most as what is missing."""
        automaton = self.explanation.cascade.automaton
        mask = sum(1 << c for c in set(classes))
        everything = (1 << automaton.classes) - 1
        if mask == everything:
            return "any symbol"
        if mask == self.used:
            return "any symbol in use"
        text = describe(automaton.alphabet, mask)
        absent = describe(automaton.alphabet, everything & ~mask)
        if len(absent) + 4 < len(text):
            text = f"not {absent}"
        if (symbol := self._only_symbol(mask)) is not None:
            name = automaton.alphabet.name(symbol)
            return f"'{name}'" if name in _QUOTED else name
        if len(text) > _LONG_LETTERS:
            cut = text.rfind(", ", 0, _LONG_LETTERS)
            text = f"{text[: cut if cut > 0 else _LONG_LETTERS]}, …}}"
        return text

    def _only_symbol(self, mask: int) -> int | None:
        """The symbol of a set that has only one."""
        alphabet = self.explanation.cascade.automaton.alphabet
        ends = (*alphabet.starts[1:], alphabet.size)
        runs = [
            (start, end)
            for start, end, c in zip(alphabet.starts, ends, alphabet.run_classes, strict=True)
            if mask >> c & 1
        ]
        return runs[0][0] if len(runs) == 1 and runs[0][1] == runs[0][0] + 1 else None

    def quoted(self, classes: Sequence[int]) -> str:
        """A word in quotation marks."""
        return f'"{self.word(classes)}"' if classes else "ε"

    def word(self, classes: Sequence[int]) -> str:
        """A word by example symbols: ε where it is empty, runs as powers, the middle of a long one left out."""
        if not classes:
            return "ε"
        alphabet = self.explanation.cascade.automaton.alphabet
        gap = " " if alphabet.multicharacter else ""
        pieces = []
        for c, run in groupby(classes):
            name, times = alphabet.name(self._examples[c]), len(list(run))
            pieces += [f"{name}^{times}"] if times > 4 else [name] * times
        if len(pieces) > _LONG_WORD:
            pieces = [*pieces[: _LONG_WORD // 2], "…", *pieces[-_LONG_WORD // 2 + 2 :]]
        if not gap and any("^" in piece and len(piece) > 1 for piece in pieces):
            gap = " "
        return gap.join(pieces)

    def states(self, states: Sequence[int]) -> str:
        """A set of states as ranges, or as what is missing."""
        live = [q for q in states if q != DEAD]
        count = self.explanation.cascade.automaton.states
        dead = ["dead"] if len(live) < len(states) else []
        if count > 1 and len(live) == count:
            return " or ".join(["any state", *dead])
        if not live:
            return "dead" if dead else "never"
        absent = [q for q in range(count) if q not in set(live)]
        if len(_ranges(absent)) + 1 < len(_ranges(live)) and len(_ranges(absent)) <= _MOST_RANGES:
            return " or ".join(["all but " + ", ".join(_ranges(absent)), *dead])
        ranges = _ranges(live)
        if len(ranges) > _MOST_RANGES:
            ranges = [f"one of {len(live)}: {', '.join(ranges[:_FIRST_RANGES])}, …"]
        return " or ".join([", ".join(ranges), *dead])

    def rule(self, rule: Rule) -> str:
        """`{a} when r1 = 0 and n1 >= 2`."""
        conditions = " and ".join(self.condition(j, values) for j, values in rule.conditions)
        letters = self.letters(rule.classes) if rule.classes else ""
        if not conditions:
            return letters or "every symbol"
        return f"{letters} when {conditions}" if letters else f"every symbol when {conditions}"

    def rules(self, rules: Sequence[Rule]) -> str:
        """Some rules, joined by `;`."""
        texts = [self.rule(rule) for rule in rules[:_MOST_RULES]]
        if (more := len(rules) - _MOST_RULES) > 0:
            texts.append(f"{more} more case{'s' * (more > 1)}")
        return "; ".join(texts)

    def condition(self, k: int, values: Sequence[int]) -> str:
        """What a component's value has to be."""
        part = self.explanation.parts[k]
        component = part.component
        if part.taps:
            text = self.tap(part, values)
            return f"{part.symbol} is ({text})" if " or " in text else f"{part.symbol} is {text}"
        domain = list(component.values)
        low, high = min(values), max(values)
        if len(values) == 1:
            return f"{part.symbol} = {low}"
        if len(values) == high - low + 1 and component.kind == "counter":
            if high == domain[-1]:
                return f"{part.symbol} ≥ {low}"
            if low == domain[0]:
                return f"{part.symbol} ≤ {high}"
            return f"{low} ≤ {part.symbol} ≤ {high}"
        absent = [v for v in domain if v not in values]
        if len(absent) == 1 and len(values) > 1:
            return f"{part.symbol} ≠ {absent[0]}"
        return f"{part.symbol} in {{{', '.join(_ranges(sorted(values)))}}}"

    def tap(self, part: Part, values: Sequence[int]) -> str:
        """The letters that a window's values stand for; value 0 is 'before the first symbol'."""
        classes = [c for c, value in enumerate(part.taps) if value in values]
        start = "none" if 0 in values else ""
        letters = self.letters(classes) if classes else ""
        return " or ".join(text for text in (start, letters) if text) or "none"

    def output(self, output: Output) -> str:
        """An output: a word or not (of a pattern set: of which patterns), and in predict mode what may follow."""
        verdict = "a word" if output.accepting else "not a word"
        if output.accepting and output.patterns:
            numbers = [i for i, holds in enumerate(output.patterns, 1) if holds]
            verdict += f" of pattern{'s' * (len(numbers) > 1)} {', '.join(_ranges(numbers))}"
        if self.explanation.cascade.mode == "recognise" or self.explanation.cascade.automaton.is_complete:
            return verdict
        return f"{verdict}, {self.letters(output.legal) if output.legal else 'nothing'} may follow"

    def answer(self, one: Output, other: Output) -> tuple[str, str]:
        """In what two outputs differ."""
        if one.accepting != other.accepting:
            return ("a word", "not a word") if one.accepting else ("not a word", "a word")
        if one.patterns != other.patterns:
            number = next(i for i, (a, b) in enumerate(zip(one.patterns, other.patterns, strict=True)) if a != b)
            texts = (f"a word of pattern {number + 1}", f"no word of pattern {number + 1}")
            return texts if one.patterns[number] else texts[::-1]
        only, lacks = sorted(set(one.legal) - set(other.legal)), sorted(set(other.legal) - set(one.legal))
        letters = self.letters(only or lacks)
        texts = (f"{letters} may follow", f"{letters} may not follow")
        return texts if only else texts[::-1]


def _ranges(numbers: Sequence[int]) -> list[str]:
    """Ascending numbers as `0–3`, `7`."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return [str(a) if a == b else f"{a}, {b}" if b == a + 1 else f"{a}-{b}" for a, b in runs]
