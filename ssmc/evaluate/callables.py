"""Any Python function as a subject: strings of symbol names in, one answer for each symbol out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from ssmc.alphabet import Alphabet

END = "$"
"""In a set of legal next symbols: the string may end here (unless the alphabet has this symbol, see `CallableSubject`)."""


class CallableSubject:
    """A function `strings -> answers`.

    It takes a list of strings, each a list of symbol names, all of one length T, and returns for each a list of T answers, one after each symbol:
    a bool (is the string so far a word?), or a set of symbol names that may follow, with `END` among them where the string may end. A symbol of the
    alphabet that is itself `$` means the end only as `None`; `None` always means it.

    Args:
        function: the function.
        alphabet: the symbols.
        name: its name.
        predicts: whether it answers with sets.
    """

    def __init__(
        self,
        function: Callable[[list[list[str]]], Sequence[Sequence[Any]]],
        alphabet: Alphabet,
        name: str,
        *,
        predicts: bool,
    ) -> None:
        self.function, self.alphabet, self.name, self.predicts = function, alphabet, name, predicts
        self._names = [alphabet.name(symbol) for symbol in range(alphabet.size)]
        self._place = {name: 1 + symbol for symbol, name in enumerate(self._names)}
        self._place.setdefault(END, 0)

    def replies(self, tokens: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
        """See `Subject`; the whole strings at once.

        Raises:
            InputError: the function fails, or its answers have another shape.
        """
        batch, time = tokens.shape
        strings = [[self._names[symbol] for symbol in row] for row in tokens.tolist()]
        try:
            answers = self.function(strings)
        except Exception as error:
            raise InputError(f"{self.name}: {type(error).__name__}: {' '.join(str(error).split())}") from error
        out = np.zeros((batch, time, 1 + len(self._names) * self.predicts), dtype=bool)
        if len(answers) != batch or any(len(row) != time for row in answers):
            raise InputError(f"{self.name}: the answer is not one list for each string with one entry for each symbol")
        for b, row in enumerate(answers):
            for t, answer in enumerate(row):
                out[b, t, self._columns(answer)] = True
        yield out

    def _columns(self, answer: Any) -> list[int]:
        """The outputs that an answer says yes to."""
        if not self.predicts:
            if not isinstance(answer, bool | np.bool_):
                raise InputError(f"{self.name}: an answer is {answer!r}, not True or False")
            return [0] if answer else []
        if isinstance(answer, bool | str) or not hasattr(answer, "__iter__"):
            raise InputError(f"{self.name}: an answer is {answer!r}, not a set of symbols")
        try:
            return [0 if symbol is None else self._place[symbol] for symbol in answer]
        except (KeyError, TypeError):
            raise InputError(f"{self.name}: an answer holds something else than symbols of the alphabet") from None


def find_function(path: str) -> Callable[..., Any]:
    """The function that `package.module:function` names.

    Raises:
        InputError: it cannot be imported.
    """
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise InputError(f"{path}: {type(error).__name__}: {' '.join(str(error).split())}") from error
    if not callable(found):
        raise InputError(f"{path}: is no function")
    function: Callable[..., Any] = found
    return function
