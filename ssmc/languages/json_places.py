"""Where the keys and values of a JSON text stand, to point at them in errors; computed only when there is an error."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssmc.errors import Position

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+)')


@dataclass(frozen=True)
class Places:
    """A JSON text (known to be well-formed where paths are asked for) and the file that it is from."""

    text: str
    file: str | None

    def at(self, index: int) -> Position:
        """The position of the character with an index."""
        start = self.text.rfind("\n", 0, index) + 1
        end = self.text.find("\n", index)
        line = self.text[start : end if end >= 0 else None]
        return Position(self.text.count("\n", 0, index) + 1, index - start + 1, line, self.file)

    def key(self, *path: str | int) -> Position | None:
        """The position of a key: the last element of the path, in the object that the rest leads to."""
        return next((self.at(i) for kind, here, i in self._scan() if kind == "key" and here == path), None)

    def value(self, *path: str | int) -> Position | None:
        """The position of the value at a path."""
        return next((self.at(i) for kind, here, i in self._scan() if kind == "value" and here == path), None)

    def duplicate(self) -> Position | None:
        """The position of the first key that its object has already."""
        seen: set[Path] = set()
        for kind, path, index in self._scan():
            if kind == "key":
                if path in seen:
                    return self.at(index)
                seen.add(path)
        return None

    def _scan(self) -> Iterator[tuple[str, Path, int]]:
        """('key' or 'value', path, index) of everything in order."""
        path: list[str | int] = []
        expects_key = False
        for found in _TOKEN.finditer(self.text):
            lexeme, index = found[1], found.start(1)
            if lexeme in "}]":
                path.pop()
                expects_key = False
            elif lexeme == ",":
                last = path[-1]
                expects_key = isinstance(last, str)
                if isinstance(last, int):
                    path[-1] = last + 1
            elif lexeme == ":":
                expects_key = False
            elif expects_key:
                path[-1] = json.loads(lexeme)
                yield "key", tuple(path), index
            else:
                yield "value", tuple(path), index
                if lexeme in "{[":
                    path.append("" if lexeme == "{" else 0)
                    expects_key = lexeme == "{"
