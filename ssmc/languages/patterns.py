"""Several languages read at once: the smallest automaton whose states tell which of them hold the word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.errors import InvariantError, UsageError
from ssmc.languages.limits import SECONDS, STATE_LIMIT
from ssmc.languages.source import Language, read_languages
from ssmc.patternset import PatternSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.automaton import Automaton


def read_pattern_set(
    source: str,
    *,
    alphabet: str | None = None,
    syntax: str | None = None,
    search: bool = False,
    state_limit: int = STATE_LIMIT,
    seconds: float = SECONDS,
) -> Language:
    """The pattern set of a text of patterns, one a line; each pattern is named by its own text.

    Args:
        source: a path or `-`.
        alphabet: as in `read_language`.
        syntax: as in `read_language`.
        search: as in `read_language`.
        state_limit: the largest number of states on the way, for each pattern, and for their joint automaton where somebody asks for it.
        seconds: wall-clock limit, for each pattern.

    Raises:
        InputError: the source cannot be read, or a pattern is malformed, or there is none.
        UsageError: the options make no sense together.
        LimitError: a limit is exceeded.
    """
    languages = read_languages(
        source, alphabet=alphabet, syntax=syntax, search=search, state_limit=state_limit, seconds=seconds
    )
    first, texts = languages[0], tuple(language.source for language in languages)
    joined = pattern_set([language.automaton for language in languages], state_limit)
    name = first.name.rpartition(":")[0]
    return Language(joined, name, "\n".join(texts), first.syntax, first.level, first.options, texts)


def pattern_set(automata: Sequence[Automaton], state_limit: int = STATE_LIMIT) -> PatternSet:
    """The pattern set of several patterns over one alphabet (their classes may differ), in order.

    Args:
        automata: the automaton of each pattern.
        state_limit: the most states of the joint automaton, where somebody asks for it.

    Raises:
        UsageError: there is none, the alphabets differ, or one is a pattern set itself.
    """
    try:
        return PatternSet(automata, state_limit)
    except InvariantError as error:
        raise UsageError(str(error)) from error
