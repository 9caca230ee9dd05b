"""Several languages read at once: the smallest automaton whose states tell which of them hold the word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.automaton import DEAD, Automaton
from ssmc.errors import UsageError
from ssmc.languages.limits import SECONDS, STATE_LIMIT, Budget
from ssmc.languages.source import Language, read_languages

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        state_limit: the largest number of states on the way, for each pattern and for the set.
        seconds: wall-clock limit, for each pattern and for joining them.

    Raises:
        InputError: the source cannot be read, or a pattern is malformed, or there is none.
        UsageError: the options make no sense together.
        LimitError: a limit is exceeded.
    """
    languages = read_languages(
        source, alphabet=alphabet, syntax=syntax, search=search, state_limit=state_limit, seconds=seconds
    )
    first, texts = languages[0], tuple(language.source for language in languages)
    joined = pattern_set([language.automaton for language in languages], Budget(state_limit, seconds))
    name = first.name.rpartition(":")[0]
    return Language(joined, name, "\n".join(texts), first.syntax, first.level, first.options, texts)


def pattern_set(automata: Sequence[Automaton], budget: Budget | None = None) -> Automaton:
    """The automaton of several patterns over one alphabet (their classes may differ), in order.

    Raises:
        UsageError: there is none, the alphabets differ, or one is a pattern set itself.
        LimitError: the product is over the budget.
    """
    if not automata:
        raise UsageError("a pattern set needs a pattern")
    if any(a.patterns for a in automata):
        raise UsageError("a pattern of a set is one language, not a set")
    first = automata[0].alphabet
    if any((a.alphabet.kind, a.alphabet.names) != (first.kind, first.names) for a in automata):
        raise UsageError("the patterns of a set have one alphabet")
    budget = budget or Budget()
    starts = sorted({start for a in automata for start in a.alphabet.starts})
    labels = [tuple([a.alphabet.class_of(start) for a in automata]) for start in starts]
    classes = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    alphabet = Alphabet.of_runs(first.kind, first.names, starts, [classes[label] for label in labels])
    start = tuple([0 if a.states else DEAD for a in automata])
    nowhere = (DEAD,) * len(automata)
    number = {nowhere: DEAD, start: 0 if start != nowhere else DEAD}
    queue = [start] if start != nowhere else []
    table: list[list[int]] = []
    for states in queue:
        if len(table) & 0x1F == 0:
            budget.check_states(len(queue), "states of a pattern set")
        row = []
        for label in classes:
            reached = tuple(
                [a.delta[q][c] if q != DEAD else DEAD for a, q, c in zip(automata, states, label, strict=True)]
            )
            if reached not in number:
                number[reached] = len(queue)
                queue.append(reached)
            row.append(number[reached])
        table.append(row)
    patterns = [
        [q for q, states in enumerate(queue) if states[i] in automaton.accepting]
        for i, automaton in enumerate(automata)
    ]
    return Automaton.from_table(alphabet, table, 0, (), patterns)
