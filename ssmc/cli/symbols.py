"""The symbols of a file that need not fit into memory: bytes in pieces of any size, symbols out, the same for every cutting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import SymbolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssmc.alphabet import Alphabet

_CHARACTER = re.compile(rb"[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]*|[\x80-\xbf]")
"""A character of UTF-8, or what stands in the place of one."""
_NAME = re.compile(rb"\S+")
LONGEST = 1 << 16
"""Bytes that a symbol without an end may have before it is given up."""


class SymbolReader:
    """Reads the symbols of one string from the bytes of a file.

    The symbols of a model of text are the bytes. Those of an explicit alphabet are characters, or names between white space where one is
    longer than a character; a line feed at the very end of the file is then no symbol, unless it is one of the alphabet.

    Args:
        alphabet: of the model.
        spaced: symbols are separated by white space even where all names are characters.
    """

    def __init__(self, alphabet: Alphabet, *, spaced: bool = False) -> None:
        self.alphabet = alphabet
        self.dtype = np.uint8 if alphabet.size <= 256 else np.int32
        self._names = {name.encode("utf-8", "surrogateescape"): k for k, name in enumerate(alphabet.names)}
        self._raw = alphabet.kind == "bytes"
        self._spaced = not self._raw and (spaced or alphabet.multicharacter)
        self._single = not self._spaced and all(len(name) == 1 and name[0] < 128 for name in self._names)
        self._table = bytes(self._names.get(bytes([x]), 255) for x in range(256)) if self._single else b""
        self._pattern = _NAME if self._spaced else _CHARACTER
        self._held = b""
        self._data = b""
        self._base = 0

    def feed(self, data: bytes, *, last: bool = False) -> NDArray[Any]:
        """The symbols that end in `data`, the next bytes of the file.

        Args:
            data: any number of bytes.
            last: whether the file ends with them.

        Raises:
            SymbolError: something is not in the alphabet; the message has its offset in the file.
        """
        self._base += len(self._data)
        data = self._held + data
        if self._raw:
            self._data = data
            return np.frombuffer(data, np.uint8)
        cut = len(data)
        if self._spaced:
            if not last:
                cut = max(data.rfind(space) for space in (b" ", b"\n", b"\t", b"\r", b"\f", b"\v")) + 1
        else:
            tail = next((end for end in (b"\r\n", b"\n", b"\r") if data.endswith(end)), b"")
            if tail and tail[-1:] not in self._names and (tail != b"\r" or not last):
                cut -= len(tail)
            elif not last:
                cut -= _unfinished(data)
        self._data, self._held = data[:cut], b"" if last else data[cut:]
        if len(self._held) > LONGEST:
            raise SymbolError(f"byte {self._base + cut}: a symbol of more than {LONGEST:,} bytes")
        return self._encode(self._data)

    def offset(self, index: int) -> int:
        """Where in the file the symbol with this index among those of the last `feed` begins."""
        if self._raw or self._single:
            return self._base + index
        places = self._pattern.finditer(self._data)
        return self._base + next(place.start() for k, place in enumerate(places) if k == index)

    def _encode(self, data: bytes) -> NDArray[Any]:
        if self._single:
            # at most 128 symbols, all of them ASCII: 255 is none
            numbers = data.translate(self._table)
            at = numbers.find(255)
            if at >= 0:
                place = _CHARACTER.match(data, at)
                self._refuse(at, data[at : place.end() if place else at + 1])
            return np.frombuffer(numbers, np.uint8)
        parts = data.split() if self._spaced else self._pattern.findall(data)
        try:
            return np.array([self._names[part] for part in parts], self.dtype)
        except KeyError:
            for place in self._pattern.finditer(data):
                if place[0] not in self._names:
                    self._refuse(place.start(), place[0])
            raise

    def _refuse(self, at: int, symbol: bytes) -> None:
        text = symbol[:40].decode("utf-8", "backslashreplace")
        shown = "".join(ch if ch.isprintable() else repr(ch)[1:-1] for ch in text)
        names = self.alphabet.names
        known = " ".join(names[:20]) + (" ..." if len(names) > 20 else "")
        raise SymbolError(f"byte {self._base + at}: '{shown}' is not in the alphabet {known}")


def _unfinished(data: bytes) -> int:
    """Bytes at the end that may be the beginning of a character of UTF-8."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0
