"""Python's `re` syntax: parsed by the standard library's own parser, translated to expressions.

Everything is exactly what `re.fullmatch` does with the running version of Python: character classes, flags, anchors, lookaround, atomic
groups. Back-references and conditionals are refused: they are not regular.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as sre_parser  # type: ignore[import-not-found]
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from ssmc.errors import LimitError
from ssmc.languages.characters import CODEPOINTS, NEWLINE, category, characters
from ssmc.languages.expression import (
    EPSILON,
    NOTHING,
    Atomic,
    Concatenation,
    Expression,
    Look,
    Repeat,
    Symbols,
    Union,
    at_ends,
    concatenation,
    union,
)
from ssmc.languages.limits import DEPTH_LIMIT, check_depth
from ssmc.languages.symbolset import complement

if TYPE_CHECKING:
    from ssmc.errors import RegexSyntaxError
    from ssmc.languages.formal import Source

_REPEATS = {sre.MAX_REPEAT: True, sre.MIN_REPEAT: False, sre.POSSESSIVE_REPEAT: True}
_REFERENCE = re.compile(r"(?:\(\?\([^()]*\)?|\(\?P=[^()]*\)?|\\[0-9]{1,2})$")
_SINGLE = (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)


def parse_python(source: Source, *, binary: bool = False, search: bool = False) -> Expression:
    """The expression of the words that `re.fullmatch` accepts (`re.search`, with `search`).

    Args:
        source: the pattern.
        binary: whether it is a `bytes` pattern, whose symbols are bytes, otherwise symbols are code points.
        search: whether a match may lie anywhere in the word.

    Raises:
        RegexSyntaxError: `re` refuses the pattern, or it is not regular.
        LimitError: groups are nested too deep.
    """
    tree = _parse(source, binary)
    flags = tree.state.flags
    if flags & re.LOCALE:
        raise source.error("flag L: the language would depend on the locale of the machine", 0)
    translation = _Translation(source, 256 if binary else CODEPOINTS)
    expression = translation.sequence(tree, flags, 0)
    if search:
        anything = Repeat(Symbols((0, translation.size)), 0, None)
        return Concatenation((anything, expression, anything))
    return at_ends(expression, True, True)


def is_verbose(source: Source) -> bool:
    """Whether the pattern sets the flag x for the whole of it, so that its line breaks mean nothing.

    Raises:
        RegexSyntaxError: `re` refuses the pattern, or it is not regular.
        LimitError: groups are nested too deep.
    """
    return bool(_parse(source, False).state.flags & re.VERBOSE)


def _parse(source: Source, binary: bool) -> Any:
    pattern: str | bytes = source.text
    if binary:
        bad = next((i for i, ch in enumerate(source.text) if ord(ch) > 127), None)
        if bad is not None:
            raise source.error(r"a bytes pattern is ASCII; other bytes are written \xNN", bad)
        pattern = source.text.encode("ascii")
    state = _State(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = sre_parser.parse(pattern, 0, state)
    except re.error as error:
        raise source.error(error.msg, error.pos or 0) from None
    except RecursionError:
        raise LimitError("nesting depth of the expression", DEPTH_LIMIT + 1, DEPTH_LIMIT) from None
    except OverflowError as error:
        raise source.error(str(error), 0) from None
    return tree


class _State(sre_parser.State):  # type: ignore[misc]
    """The parser's state; the parser reports every reference to a group here, and knows the place."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def checklookbehindgroup(self, gid: int, source: Any) -> None:  # noqa: ARG002
        """Refuses the reference.

        Raises:
            RegexSyntaxError: always.
        """
        raise _refusal(self.source, source.tell())


def _refusal(source: Source, end: int) -> RegexSyntaxError:
    """The error for the reference that ends at an index."""
    found = _REFERENCE.search(source.text, 0, end)
    if found is None:
        return source.error("a reference to a group is not regular", max(end - 1, 0))
    what = "a conditional" if found[0].startswith("(?(") else "a back-reference"
    return source.error(f"{what} is not regular", found.start())


class _Translation:
    """Translates parse trees over one alphabet."""

    def __init__(self, source: Source, size: int) -> None:
        self.source = source
        self.size = size

    def sequence(self, tree: Any, flags: int, depth: int) -> Expression:
        """The concatenation of the operations of a tree."""
        check_depth(depth)
        return concatenation([self.operation(op, argument, flags, depth) for op, argument in tree])

    def operation(self, op: Any, argument: Any, flags: int, depth: int) -> Expression:
        """One operation of a tree."""
        if op in _SINGLE:
            return Symbols(characters(op, argument, flags, self.size))
        if op in _REPEATS:
            least, most, body = argument
            inside = self.sequence(body, flags, depth + 1)
            bound = None if most == sre.MAXREPEAT else int(most)
            if op is sre.POSSESSIVE_REPEAT:  # every iteration is atomic, too
                return Atomic(Repeat(_atomic(inside), least, bound))
            return Repeat(inside, least, bound, _REPEATS[op])
        if op is sre.BRANCH:
            return union([self.sequence(branch, flags, depth + 1) for branch in argument[1]])
        if op is sre.SUBPATTERN:
            _, added, removed, body = argument
            return self.sequence(body, _combined(flags, added, removed), depth + 1)
        if op is sre.AT:
            return self.anchor(argument, flags)
        if op in (sre.ASSERT, sre.ASSERT_NOT):
            direction, body = argument
            if direction < 0:
                least, most = body.getwidth()
                if least != most:
                    raise self.source.error("look-behind requires fixed-width pattern", 0)
            inside = self.sequence(body, flags, depth + 1)
            return Look(inside, "behind" if direction < 0 else "ahead", op is sre.ASSERT_NOT)
        if op is sre.ATOMIC_GROUP:
            return _atomic(self.sequence(argument, flags, depth + 1))
        if op is sre.FAILURE:
            return NOTHING
        raise self.source.error(f"{str(op).lower()} is not supported", 0)

    def anchor(self, code: Any, flags: int) -> Expression:
        """The condition that an anchor stands for."""
        size = self.size
        if code is sre.AT_BEGINNING_STRING or (code is sre.AT_BEGINNING and not flags & re.MULTILINE):
            return Look(Symbols((0, size)), "behind", negated=True)
        if code is sre.AT_BEGINNING:
            return Look(Symbols(complement(NEWLINE, size)), "behind", negated=True)
        if code is sre.AT_END and flags & re.MULTILINE:
            return Look(Symbols(complement(NEWLINE, size)), "ahead", negated=True)
        if code is sre.AT_END:
            return Look(Repeat(Symbols(NEWLINE), 0, 1), "rest")
        if code is sre.AT_END_STRING:
            return Look(EPSILON, "rest")
        word = category(r"\w", bool(flags & re.UNICODE))
        here, before = Symbols(word), Look(Symbols(word), "behind")
        not_before, other = Look(here, "behind", negated=True), Symbols(complement(word, size))
        if code is sre.AT_BOUNDARY:
            return Union(
                (
                    Concatenation((before, Look(here, "ahead", negated=True))),
                    Concatenation((not_before, Look(here, "ahead"))),
                )
            )
        inside = Concatenation((before, Look(here, "ahead")))
        if _non_boundary_of_nothing():
            return Union((inside, Concatenation((not_before, Look(here, "ahead", negated=True)))))
        # outside a word, but not in the empty string
        after = Concatenation((Look(other, "behind"), Look(here, "ahead", negated=True)))
        return Union((inside, after, Concatenation((not_before, Look(other, "ahead")))))


def _combined(flags: int, added: int, removed: int) -> int:
    """The flags inside a group, as `re._compiler` combines them."""
    if added & sre_parser.TYPE_FLAGS:
        flags &= ~sre_parser.TYPE_FLAGS
    return (flags | added) & ~removed


def _atomic(body: Expression) -> Expression:
    """The atomic group of a body; one symbol is matched in one way only."""
    return body if isinstance(body, Symbols | Atomic) else Atomic(body)


@cache
def _non_boundary_of_nothing() -> bool:
    r"""Whether `\B` matches the empty string: so from Python 3.14 on."""
    return re.fullmatch(r"\B", "") is not None
