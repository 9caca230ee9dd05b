"""Sets of characters exactly as Python's `re` sees them: categories and letters without case, for text and for bytes.

Where `re` itself is the definition (case folding has corner cases, and they change with the version of Unicode), `re` is asked, but only
about the few thousand characters that have case at all.
"""

from __future__ import annotations

import re
import re._compiler as sre_compiler  # type: ignore[import-not-found]
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as sre_parser  # type: ignore[import-not-found]
from array import array
from functools import cache
from typing import TYPE_CHECKING, Any

from ssmc.languages.symbolset import complement, intersection, of_ranges, of_symbols, union

if TYPE_CHECKING:
    from ssmc.languages.symbolset import SymbolSet

CODEPOINTS = 0x110000
NEWLINE: SymbolSet = (10, 11)
_CATEGORIES = {
    sre.CATEGORY_DIGIT: (r"\d", False),
    sre.CATEGORY_NOT_DIGIT: (r"\d", True),
    sre.CATEGORY_SPACE: (r"\s", False),
    sre.CATEGORY_NOT_SPACE: (r"\s", True),
    sre.CATEGORY_WORD: (r"\w", False),
    sre.CATEGORY_NOT_WORD: (r"\w", True),
}


@cache
def _all_text() -> str:
    """Every code point in order, surrogates included."""
    codes = array("I", range(CODEPOINTS))
    return codes.tobytes().decode("utf-32", "surrogatepass") if codes.itemsize == 4 else "".join(map(chr, codes))


@cache
def category(escape: str, unicode: bool) -> SymbolSet:
    r"""The characters of `\d`, `\s` or `\w`, for text with `unicode`, otherwise within ASCII."""
    text = _all_text() if unicode else _all_text()[:128]
    flags = 0 if unicode else re.ASCII
    return of_ranges((m.start(), m.end() - 1) for m in re.finditer(f"(?:{escape})+", text, flags))


@cache
def _cased() -> tuple[SymbolSet, str]:
    """The characters that `re.IGNORECASE` may relate to others, as a set and in order."""
    text = _all_text()
    found: set[str] = set()
    for start in range(0, CODEPOINTS, 256):
        block = text[start : start + 256]
        if block.lower() != block or block.upper() != block:
            found.update(ch for ch in block if ch.lower() != ch or ch.upper() != ch)
    # simple mappings may lead out of the set (U+017F to s)
    found.update(other for ch in tuple(found) for other in ch.lower() + ch.upper())
    return of_symbols(map(ord, found)), "".join(sorted(found))


def characters(op: Any, argument: Any, flags: int, size: int) -> SymbolSet:
    """The characters that one of `re`'s single-character operations matches.

    Args:
        op: LITERAL, NOT_LITERAL, ANY or IN of `re._constants`.
        argument: what `re._parser` stores with it.
        flags: the flags in force.
        size: 0x110000 for text, 256 for bytes.
    """
    if op is sre.ANY:
        return (0, size) if flags & re.DOTALL else complement(NEWLINE, size)
    items = tuple(argument) if op is sre.IN else ((op, argument),)
    relevant = flags & (re.IGNORECASE | re.UNICODE)
    return _characters(items, relevant, size)


@cache
def _characters(items: tuple[Any, ...], flags: int, size: int) -> SymbolSet:
    parts: list[SymbolSet] = []
    negated = False
    for op, argument in items:
        if op is sre.NEGATE:
            negated = True
        elif op is sre.LITERAL:
            parts.append((argument, argument + 1))
        elif op is sre.NOT_LITERAL:
            parts.append(complement((argument, argument + 1), size))
        elif op is sre.RANGE:
            parts.append((argument[0], argument[1] + 1))
        else:
            escape, without = _CATEGORIES[argument]
            inside = category(escape, bool(flags & re.UNICODE))
            parts.append(complement(inside, size) if without else inside)
    out = union(*parts) if parts else ()
    if negated:
        out = complement(out, size)
    if not flags & re.IGNORECASE:
        return out
    return _ignoring_case(out, items, flags, size)


def _ignoring_case(plain: SymbolSet, items: tuple[Any, ...], flags: int, size: int) -> SymbolSet:
    """The set with letters of either case: `re` is asked about characters with case, all others stay as they are."""
    state = sre_parser.State()
    state.flags = flags
    state.str = "" if size > 256 else b""
    tree = sre_parser.SubPattern(state)
    if items[0][0] in (sre.LITERAL, sre.NOT_LITERAL) and len(items) == 1:
        tree.append(items[0])
    else:
        tree.append((sre.IN, list(items)))
    pattern = sre_compiler.compile(tree, flags)
    if size == 256:
        return of_symbols(m.start() for m in pattern.finditer(bytes(range(256))))
    special, text = _cased() if flags & re.UNICODE else ((65, 91, 97, 123), _LETTERS)
    inside = of_symbols(ord(m.group()) for m in pattern.finditer(text))
    return union(intersection(plain, complement(special, size), size), inside)


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
