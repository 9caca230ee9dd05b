"""From an expression to its minimal DFA: symbol classes, position automaton, subset construction, minimisation.

automata-lib could do the same for plain expressions (the tests use it as the oracle), but its NFA reads single symbols through
dictionaries: over 256 bytes `.*error.*` takes it 8 ms instead of 0.3 ms, and `.{100}` 3 s instead of 2 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.languages.engine import Engine

if TYPE_CHECKING:
    from ssmc.languages.expression import Expression
    from ssmc.languages.limits import Budget


def construct(expression: Expression, alphabet: Alphabet, budget: Budget) -> Automaton:
    """The minimal DFA of an expression.

    Args:
        expression: the expression; symbols are numbers of `alphabet`.
        alphabet: the symbols (its partition into classes is ignored).
        budget: limits.

    Raises:
        LimitError: the budget is exceeded.
    """
    engine = Engine(expression, alphabet.size, budget)
    folded = Alphabet.of_runs(alphabet.kind, alphabet.names, engine.starts, engine.run_classes)
    table = engine.table(expression)
    if not table.rows:
        return Automaton.empty(folded)
    return Automaton.from_table(folded, table.rows, 0, table.accepting)
