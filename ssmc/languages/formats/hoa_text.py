"""The words of a HOA text with their places, and its label expressions (Babiak et al., *The Hanoi Omega-Automata Format*, CAV 2015)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ssmc.errors import InputError, Position

_TOKEN = re.compile(
    r"(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<header>[A-Za-z_][0-9A-Za-z_-]*:)|(?P<mark>--(?:BODY|END|ABORT)--)"
    r"|(?P<alias>@[0-9A-Za-z_-]+)|(?P<number>\d+)|(?P<name>[A-Za-z_][0-9A-Za-z_-]*)|(?P<sign>[][(){}!&|])",
    re.DOTALL,
)
_SPACE = re.compile(r"\s+")
DEEPEST = 100
"""How deep labels may be nested."""


class Token(NamedTuple):
    """A word of the text: its kind (`string`, `header`, `mark`, `alias`, `number`, `name`, `sign`, `end`), its text, where it begins."""

    kind: str
    text: str
    at: int

    @property
    def string(self) -> str:
        """What a string says."""
        return re.sub(r"\\(.)", r"\1", self.text[1:-1], flags=re.DOTALL)


class Words:
    """The words of a HOA text, one after the other.

    Args:
        text: the text.
        file: the name of the file in error positions.

    Raises:
        InputError: something is no word, or a comment is not closed.
    """

    def __init__(self, text: str, file: str | None) -> None:
        self.text, self.file = text, file
        self.tokens: list[Token] = []
        self.next = 0
        at = 0
        while at < len(text):
            if found := _SPACE.match(text, at):
                at = found.end()
            elif text.startswith("/*", at):
                at = self._comment(at)
            else:
                found = _TOKEN.match(text, at)
                if found is None:
                    raise self.error(f"unexpected {text[at]!r}", at)
                self.tokens.append(Token(found.lastgroup or "", found[0], at))
                at = found.end()
        self.tokens.append(Token("end", "the end of the file", len(text)))

    def _comment(self, start: int) -> int:
        """The place behind a comment; comments may be nested."""
        depth, at = 0, start
        while True:
            found = re.compile(r"/\*|\*/").search(self.text, at)
            if found is None:
                raise self.error("a comment is not closed", start)
            depth += 1 if found[0] == "/*" else -1
            at = found.end()
            if not depth:
                return at

    def error(self, message: str, at: int) -> InputError:
        """An error with a place."""
        before = self.text[:at]
        start = before.rfind("\n") + 1
        end = self.text.find("\n", at)
        line = self.text[start : end if end >= 0 else len(self.text)]
        return InputError(message, Position(before.count("\n") + 1, at - start + 1, line, self.file))

    @property
    def now(self) -> Token:
        """The next word."""
        return self.tokens[self.next]

    def take(self, *kinds: str, text: str | None = None, wanted: str | None = None) -> Token:
        """The next word, which has one of some kinds (and a text), and goes on behind it.

        Raises:
            InputError: it has not.
        """
        token = self.now
        if (kinds and token.kind not in kinds) or (text is not None and token.text != text):
            raise self.error(f"expected {wanted or text or ' or '.join(kinds)}, not {token.text}", token.at)
        self.next += token.kind != "end"
        return token

    def takes(self, text: str) -> bool:
        """Goes on behind the next word if it is `text`."""
        if self.now.text != text or self.now.kind == "string":
            return False
        self.next += 1
        return True


class Labels:
    """Label expressions as sets of valuations, which are bit masks: bit v stands for the valuation v, whose bit i is the truth of proposition i.

    Args:
        words: where they are read.
        count: the number of atomic propositions.
    """

    def __init__(self, words: Words, count: int) -> None:
        self.words, self.count = words, count
        self.every = (1 << (1 << count)) - 1
        self.aliases: dict[str, int] = {}
        self.propositions = [_true_at(i, count) for i in range(count)]

    def label(self, depth: int = 0) -> int:
        """The set of a label: `|` binds loosest, then `&`, then `!`.

        Raises:
            InputError: it is malformed, or names a proposition or alias that is not there.
        """
        if depth > DEEPEST:
            raise self.words.error(f"a label nested deeper than {DEEPEST}", self.words.now.at)
        found = self._conjunction(depth)
        while self.words.takes("|"):
            found |= self._conjunction(depth)
        return found

    def _conjunction(self, depth: int) -> int:
        found = self._literal(depth)
        while self.words.takes("&"):
            found &= self._literal(depth)
        return found

    def _literal(self, depth: int) -> int:
        negations = 0
        while self.words.takes("!"):
            negations += 1
        found = self._atom(depth)
        return self.every & ~found if negations % 2 else found

    def _atom(self, depth: int) -> int:
        words = self.words
        token = words.take("number", "name", "alias", "sign", wanted="a label")
        if token.text == "(":
            found = self.label(depth + 1)
            words.take("sign", text=")")
            return found
        if token.text in ("t", "f"):
            return self.every if token.text == "t" else 0
        if token.kind == "number":
            number = int(token.text)
            if number >= self.count:
                raise words.error(f"there is no atomic proposition {number}, only {self.count}", token.at)
            return self.propositions[number]
        if token.kind == "alias":
            if token.text not in self.aliases:
                raise words.error(f"unknown alias {token.text}", token.at)
            return self.aliases[token.text]
        raise words.error(f"expected a label, not {token.text}", token.at)


def _true_at(proposition: int, count: int) -> int:
    """The valuations in which a proposition is true."""
    block = 1 << proposition
    ones, width = (1 << block) - 1 << block, 2 * block
    found = ones
    while width < 1 << count:
        found |= found << width
        width *= 2
    return found
