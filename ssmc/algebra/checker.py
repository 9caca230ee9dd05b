"""Independent checks of witnesses and of aperiodicity indices: they read the automaton's table and nothing else of this package.

What a witness establishes is checkable on the language alone: membership of prefix · word^k · suffix has exactly the prime period p in k. By
Schützenberger's theorem no star-free language has such a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.errors import LimitError, VerificationError

if TYPE_CHECKING:
    from ssmc.algebra.witness import Witness
    from ssmc.automaton import Automaton


def check_witness(automaton: Automaton, witness: Witness) -> tuple[bool, ...]:
    """The membership of prefix · word^k · suffix for k = 0..p-1, which repeats for ever.

    Raises:
        VerificationError: the witness proves nothing.
    """
    period = witness.period
    if period < 2 or any(period % d == 0 for d in range(2, period)):
        raise VerificationError(f"the period {period} is not prime")
    if len(witness.orbit) != period or len(set(witness.orbit)) != period:
        raise VerificationError(f"the orbit does not have {period} different states")
    if any(q not in range(automaton.states) for q in witness.orbit):
        raise VerificationError("the orbit has a state that the automaton does not have")
    if automaton.run(witness.prefix) != witness.orbit[0]:
        raise VerificationError("the prefix does not lead to the orbit")
    for before, expected in zip(witness.orbit, (*witness.orbit[1:], witness.orbit[0]), strict=True):
        state = before
        for symbol in witness.word:
            state = -1 if state < 0 else automaton.delta[state][automaton.alphabet.class_of(symbol)]
        if state != expected:
            raise VerificationError(f"the word leads from state {before} to {state}, not to {expected}")
    pattern = tuple(automaton.accepts((*witness.prefix, *witness.word * k, *witness.suffix)) for k in range(period))
    if len(set(pattern)) != 2:
        raise VerificationError("the suffix does not tell the states of the orbit apart")
    return pattern


def check_index(automaton: Automaton, index: int, *, exact: bool, limit: int = 10_000) -> int:
    """The number of elements of the transition monoid, for all of which x^index = x^(index + 1).

    Args:
        automaton: the language.
        index: the claimed aperiodicity index.
        exact: whether it is claimed to be the least.
        limit: the largest monoid to go through.

    Raises:
        VerificationError: the index is wrong, so the language is not shown to be star-free.
        LimitError: the monoid is larger than the limit.
    """
    sink = automaton.states
    letters = [
        (*(sink if row[c] < 0 else row[c] for row in automaton.delta), sink)
        for c in range(automaton.alphabet.class_count)
    ]
    start = tuple(range(sink + 1))
    found, queue = {start}, [start]
    attained = index == 0
    for element in queue:
        powers = [start]
        while len(powers) < index + 2:
            powers.append(tuple([element[q] for q in powers[-1]]))
        if powers[index] != powers[index + 1]:
            raise VerificationError(f"an element x has x^{index} different from x^{index + 1}")
        attained = attained or powers[index - 1] != powers[index]
        for letter in letters:
            product = tuple([letter[q] for q in element])
            if product not in found:
                if len(found) == limit:
                    raise LimitError("elements of the transition monoid", limit, limit)
                found.add(product)
                queue.append(product)
    if exact and not attained:
        raise VerificationError(f"every element x has x^{index - 1} = x^{index}")
    return len(found)
