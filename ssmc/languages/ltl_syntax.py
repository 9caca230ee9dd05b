"""The syntax of temporal formulas.

    formula = implication ("<->" implication)*
    implication = disjunction ("->" implication)?
    disjunction = conjunction (("|" | "||") conjunction)*
    conjunction = binary (("&" | "&&") binary)*
    binary  = unary (("U" | "R" | "W" | "M" | "S" | "T") binary)?
    unary   = ("!" | "~" | "X" | "N" | "F" | "G" | "Y" | "Z" | "O" | "H") unary | atom
    atom    = "true" | "false" | "first" | "last" | symbol | set name | "{" symbol ("," symbol)* "}" | "(" formula ")"

A symbol that is not a word of letters, digits and `_`, or is the name of an operator, is written between quotes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ssmc.languages.limits import check_depth
from ssmc.languages.ltl import FUTURE, PAST, Formula

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ssmc.languages.formal import Source

_TOKEN = re.compile(r"""\s*(?:(<->|->|\|\||&&|[|&!~(){},])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\w+))""")
_UNARY = "XNFGYZOH"
_BINARY = "URWMST"
_WORDS = ("true", "false", "first", "last")


class _Token(NamedTuple):
    kind: str  # 'mark', 'quoted', 'word' or 'end'
    text: str
    at: int


def parse_ltl(source: Source, names: Sequence[str], sets: Mapping[str, Sequence[str]] | None = None) -> Formula:
    """The formula of a text over the alphabet `names`, in negation normal form.

    Args:
        source: the text.
        names: the symbols.
        sets: named sets of symbols.

    Raises:
        RegexSyntaxError: the formula is malformed, uses an unknown symbol, or has a future operator under a past one.
        LimitError: it is nested too deep.
    """
    return _Parser(source, names, sets or {}).whole()


class _Parser:
    def __init__(self, source: Source, names: Sequence[str], sets: Mapping[str, Sequence[str]]) -> None:
        self.source = source
        self.number = {name: i for i, name in enumerate(names)}
        self.size = len(names)
        self.sets = sets
        self.depth = 0
        self.tokens = list(self.scan())
        self.place = 0

    def scan(self) -> list[_Token]:
        out: list[_Token] = []
        text, at = self.source.text, 0
        end = len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if not found:
                begin = at + len(text[at:]) - len(text[at:].lstrip())
                raise self.source.error(f"unexpected {text[begin]!r}", begin)
            at = found.end()
            kind = ("mark", "quoted", "quoted", "word")[found.lastindex - 1] if found.lastindex else "mark"
            value = found[found.lastindex or 1]
            if kind == "quoted":
                value = re.sub(r"\\(.)", r"\1", value)
            begin = found.start() + len(found[0]) - len(found[0].lstrip())
            out.append(_Token(kind, value, begin))
        out.append(_Token("end", "", end))
        return out

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def take(self, kind: str, *texts: str) -> _Token | None:
        """The present token, gone past, if it is one of these."""
        token = self.token
        if token.kind == kind and token.text in texts:
            self.place += 1
            return token
        return None

    def whole(self) -> Formula:
        out = self.equivalence()
        if self.token.kind != "end":
            raise self.source.error(f"unexpected {self.token.text!r}", self.token.at)
        return out

    def equivalence(self) -> Formula:
        self.depth += 1
        check_depth(self.depth)
        left = self.implication()
        while self.take("mark", "<->"):
            right = self.implication()
            both = Formula("and", (left, right))
            neither = Formula("and", (left.negated(self.size), right.negated(self.size)))
            left = Formula("or", (both, neither))
        self.depth -= 1
        return left

    def implication(self) -> Formula:
        left = self.joined("or", ("|", "||"), lambda: self.joined("and", ("&", "&&"), self.binary))
        if self.take("mark", "->"):
            self.depth += 1
            check_depth(self.depth)
            left = Formula("or", (left.negated(self.size), self.implication()))
            self.depth -= 1
        return left

    def joined(self, operator: str, marks: tuple[str, ...], operand: Callable[[], Formula]) -> Formula:
        parts = [operand()]
        while self.take("mark", *marks):
            parts.append(operand())
        return parts[0] if len(parts) == 1 else Formula(operator, tuple(parts))

    def binary(self) -> Formula:
        left = self.unary()
        token = self.take("word", *_BINARY)
        if token is None:
            return left
        self.depth += 1
        check_depth(self.depth)
        right = self.binary()
        self.depth -= 1
        if token.text == "W":  # weak until: a U b or G a
            return Formula("or", (self.temporal(token, "U", left, right), self.temporal(token, "G", left)))
        if token.text == "M":  # strong release: b U (a and b)
            return self.temporal(token, "U", right, Formula("and", (left, right)))
        return self.temporal(token, token.text, left, right)

    def temporal(self, token: _Token, operator: str, *parts: Formula) -> Formula:
        if operator in PAST and any(part.operators() & FUTURE.keys() for part in parts):
            raise self.source.error(f"a future operator under the past operator {token.text}", token.at)
        return Formula(operator, parts)

    def unary(self) -> Formula:
        self.depth += 1
        check_depth(self.depth)
        token = self.take("mark", "!", "~")
        if token:
            out = self.unary().negated(self.size)
        else:
            token = self.take("word", *_UNARY)
            out = self.temporal(token, token.text, self.unary()) if token else self.atom()
        self.depth -= 1
        return out

    def atom(self) -> Formula:
        token = self.token
        self.place += 1
        if token.kind == "mark" and token.text == "(":
            out = self.equivalence()
            if not self.take("mark", ")"):
                raise self.source.error("'(' without ')'", token.at)
            return out
        if token.kind == "mark" and token.text == "{":
            letters = {self.symbol()}
            while self.take("mark", ","):
                letters.add(self.symbol())
            if not self.take("mark", "}"):
                raise self.source.error("'{' without '}'", token.at)
            return Formula("letters", (), frozenset(letters))
        if token.kind == "word" and token.text in _WORDS:
            return self.constant(token.text)
        if token.kind == "word" and token.text in self.sets:
            return Formula("letters", (), frozenset(self.number[name] for name in self.sets[token.text]))
        self.place -= 1
        return Formula("letters", (), frozenset((self.symbol(),)))

    def constant(self, word: str) -> Formula:
        everything = frozenset(range(self.size))
        if word == "first":
            return Formula("Z", (Formula("letters"),))
        if word == "last":
            return Formula("N", (Formula("letters"),))
        return Formula("letters", (), everything if word == "true" else frozenset(), word == "true")

    def symbol(self) -> int:
        token = self.token
        operator = token.kind == "word" and token.text in (*_UNARY, *_BINARY)
        if token.kind not in ("word", "quoted") or operator:
            what = f"operator {token.text}" if operator else repr(token.text) if token.text else "the end"
            raise self.source.error(f"a symbol or formula is missing before {what}", token.at)
        if token.text not in self.number:
            raise self.source.error(f"{token.text!r} is no symbol of the alphabet and no named set", token.at)
        self.place += 1
        return self.number[token.text]
