"""Formal-language notation over an explicit alphabet: the parser.

    expression    = sequence (operator sequence)*       operators, loosest first: "|", "^" or "⧢", "-", "&"; all associate to the left
    sequence      = complement ("·"? complement)*
    complement    = "~" complement | postfix
    postfix       = atom ("*" | "+" | "?" | "{m}" | "{m,}" | "{m,n}" | "{,n}")*
    atom          = symbol | "." | "[" class "]" | "(" expression? ")" | "ε" | "∅"

Symbols are read by maximal munch over the alphabet; white space between tokens is skipped; a backslash makes the next character a
letter, so that symbols may contain operator characters. docs/languages.md has the table and examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from ssmc.errors import InputError, LimitError, Position, RegexSyntaxError
from ssmc.languages.expression import (
    EPSILON,
    NOTHING,
    Boolean,
    Expression,
    Repeat,
    Symbols,
    Union,
    concatenation,
)
from ssmc.languages.limits import check_depth
from ssmc.languages.symbolset import complement, of_symbols

if TYPE_CHECKING:
    from collections.abc import Sequence

Operation = Literal["or", "and", "minus", "shuffle"]
OPERATORS = frozenset("|*+?(){}[].~&-^·⧢ε∅")
"""Characters that are letters only after a backslash."""
_LEVELS: dict[str, tuple[int, Operation]] = {
    "|": (0, "or"),
    "^": (1, "shuffle"),
    "⧢": (1, "shuffle"),
    "-": (2, "minus"),
    "&": (3, "and"),
}
_REPEATS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_COUNT_LIMIT = 10**9


class Token(NamedTuple):
    """A token: an operator character, or a symbol of the alphabet when `symbol` is not None."""

    text: str
    at: int
    symbol: int | None = None


@dataclass(frozen=True)
class Source:
    """The text of an expression and where it starts, to make positions."""

    text: str
    line: int = 1
    column: int = 1
    file: str | None = None

    def position(self, at: int) -> Position:
        """The position of the character with index `at` (which may be the end)."""
        before = self.text[:at]
        row = before.count("\n")
        start = before.rfind("\n") + 1
        end = self.text.find("\n", start)
        indent = " " * (self.column - 1) if row == 0 else ""
        column = at - start + (self.column if row == 0 else 1)
        return Position(self.line + row, column, indent + self.text[start : end if end >= 0 else None], self.file)

    def error(self, message: str, at: int) -> RegexSyntaxError:
        """The error with this message at the character with index `at`."""
        return RegexSyntaxError(message, self.position(at))


def check_names(names: Sequence[str], position: Position | None = None) -> tuple[str, ...]:
    """Checks the symbols of an explicit alphabet.

    Raises:
        InputError: a symbol is empty, repeated or contains white space, or there is no symbol.
    """
    if not names:
        raise InputError("the alphabet is empty", position)
    for i, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise InputError(f"alphabet: symbol {i + 1} is not a non-empty string", position)
        if any(ch.isspace() for ch in name):
            raise InputError(f"alphabet: symbol {name!r} contains white space", position)
        if name in names[:i]:
            raise InputError(f"alphabet: symbol {name!r} occurs twice", position)
    return tuple(names)


def parse_formal(source: Source, names: Sequence[str]) -> Expression:
    """Parses an expression over the alphabet `names`; symbol i is `names[i]`.

    Raises:
        RegexSyntaxError: the expression is malformed or uses a symbol outside the alphabet.
        LimitError: groups are nested too deep.
    """
    parser = _Parser(source, names)
    out = parser.expression()
    token = parser.token
    if token.text:
        raise source.error(f"unexpected {token.text!r}", token.at)
    return out


class _Parser:
    """Recursive descent with one token of look-ahead."""

    def __init__(self, source: Source, names: Sequence[str]) -> None:
        self.source = source
        self.names = names
        self.number = {name: i for i, name in enumerate(names)}
        self.longest = max(map(len, names))
        self.depth = 0
        self.at = 0
        self.token = self.read()

    def read(self, skip: bool = True) -> Token:
        """The next token; the text of the last one is ''."""
        text = self.source.text
        while skip and self.at < len(text) and text[self.at].isspace():
            self.at += 1
        start = self.at
        if start == len(text):
            return Token("", start)
        if text[start] in OPERATORS:
            self.at += 1
            return Token(text[start], start)
        letters, ends = "", [start]
        at = start
        while at < len(text) and len(letters) < self.longest and text[at] not in OPERATORS and not text[at].isspace():
            at += text[at] == "\\"
            if at == len(text):
                raise self.source.error("a backslash at the end", at - 1)
            letters += text[at]
            at += 1
            ends.append(at)
        for size in range(len(letters), 0, -1):
            symbol = self.number.get(letters[:size])
            if symbol is not None:
                self.at = ends[size]
                return Token(letters[:size], start, symbol)
        alphabet = " ".join(self.names[:20]) + (" ..." if len(self.names) > 20 else "")
        raise self.source.error(f"{letters[0]!r} begins no symbol of the alphabet {alphabet}", start)

    def advance(self) -> Token:
        """Goes past the present token and returns it."""
        token = self.token
        self.token = self.read()
        return token

    def expression(self, level: int = 0) -> Expression:
        """Reads operands joined by binary operators of `level` and above (precedence climbing)."""
        left = self.sequence()
        while self.token.symbol is None and _LEVELS.get(self.token.text, (-1,))[0] >= level:
            height, name = _LEVELS[self.advance().text]
            right = self.expression(height + 1)
            if name != "or":
                left = Boolean(name, (left, right))
            elif isinstance(left, Union) and left.parts:
                left = Union((*left.parts, right))
            else:
                left = Union((left, right))
        return left

    def sequence(self) -> Expression:
        parts: list[Expression] = []
        while True:
            token = self.token
            if token.symbol is None and (not token.text or token.text not in "([.~ε∅"):
                if not parts:
                    raise self.source.error(self.missing(token), token.at)
                if token.text != "·":
                    return concatenation(parts)
                self.advance()
                parts.append(self.complement())
            else:
                parts.append(self.complement())

    def missing(self, token: Token) -> str:
        """Why no operand can begin at this token."""
        if not token.text:
            return "an operand is missing at the end (the empty word is written ())"
        if token.text in "*+?{":
            return f"nothing to repeat before {token.text!r}"
        if token.text == "^":
            return "'^' is the shuffle operator and needs an operand on its left (this notation has no anchors)"
        return f"an operand is missing before {token.text!r} (the empty word is written ())"

    def complement(self) -> Expression:
        if self.token.symbol is None and self.token.text == "~":
            self.enter()
            self.advance()
            out: Expression = Boolean("not", (self.complement(),))
            self.depth -= 1
            return out
        return self.postfix()

    def postfix(self) -> Expression:
        body = self.atom()
        depth = self.depth
        while self.token.symbol is None and self.token.text and self.token.text in "*+?{":
            self.enter()
            token = self.token
            least, most = _REPEATS[token.text] if token.text != "{" else self.counts()
            self.advance()
            body = Repeat(body, least, most)
        self.depth = depth
        return body

    def counts(self) -> tuple[int, int | None]:
        """Reads a counted repeat up to its closing brace, which stays the present token."""
        text, start = self.source.text, self.token.at
        end = text.find("}", start)
        if end < 0:
            raise self.source.error("'{' without '}'", start)
        least, comma, most = (part.strip() for part in text[start + 1 : end].partition(","))
        if not all(part.isascii() and part.isdigit() for part in (least, most) if part) or not (least or most):
            raise self.source.error("a counted repeat is written {m}, {m,}, {,n} or {m,n}", start)
        if max(int(least or 0), int(most or 0)) > _COUNT_LIMIT:
            raise LimitError("counted repeat", max(int(least or 0), int(most or 0)), _COUNT_LIMIT)
        low = int(least or 0)
        high = None if comma and not most else int(most or least)
        if high is not None and high < low:
            raise self.source.error(f"least count {low} is above most count {high}", start)
        self.at = end
        self.token = self.read()
        return low, high

    def atom(self) -> Expression:
        token = self.token
        if token.symbol is not None:
            self.advance()
            return Symbols(of_symbols((token.symbol,)))
        if token.text == "[":
            return self.symbol_class()
        if token.text == "(":
            return self.group()
        if token.text and token.text in ".ε∅":
            self.advance()
            if token.text == ".":
                return Symbols((0, len(self.names)))
            return EPSILON if token.text == "ε" else NOTHING
        raise self.source.error(self.missing(token), token.at)

    def group(self) -> Expression:
        start = self.advance().at
        self.enter()
        if self.token.text == ")" and self.token.symbol is None:
            inside: Expression = EPSILON
        else:
            inside = self.expression()
        if self.token.text != ")" or self.token.symbol is not None:
            if not self.token.text:
                raise self.source.error("'(' without ')'", start)
            raise self.source.error(f"unexpected {self.token.text!r} in a group", self.token.at)
        self.advance()
        self.depth -= 1
        return inside

    def symbol_class(self) -> Expression:
        start = self.advance().at
        negated = self.token.text == "^" and self.token.symbol is None
        if negated:
            self.advance()
        chosen: set[int] = set()
        while self.token.text != "]" or self.token.symbol is not None:
            first = self.advance()
            if not first.text:
                raise self.source.error("'[' without ']'", start)
            if first.symbol is None:
                raise self.source.error(f"{first.text!r} in a class needs a backslash", first.at)
            chosen.add(first.symbol)
            if self.token.text == "-" and self.token.symbol is None:
                dash = self.advance()
                last = self.advance()
                if last.symbol is None or len(first.text) != 1 or len(last.text) != 1 or last.text < first.text:
                    raise self.source.error("a range goes up from one one-character symbol to another", dash.at)
                chosen.update(
                    i for i, name in enumerate(self.names) if len(name) == 1 and first.text <= name <= last.text
                )
        self.advance()
        if not chosen and not negated:
            raise self.source.error("an empty class (the empty language is written ∅)", start)
        symbols = of_symbols(chosen)
        return Symbols(complement(symbols, len(self.names)) if negated else symbols)

    def enter(self) -> None:
        """Counts one more level of nesting.

        Raises:
            LimitError: that is too deep.
        """
        self.depth += 1
        check_depth(self.depth)
