"""A cascade as packed bits or columns, and its automaton as a table: what the fast path of `ssmc.kernels` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade
    from ssmc.kernels.description import Description
    from ssmc.kernels.dfa import DfaMachine
    from ssmc.kernels.machine import BitMachine
    from ssmc.kernels.wide import ColumnMachine


def describe(automaton: Automaton, cascade: Cascade | None = None, *, predict: bool = False) -> Description:
    """The tables of a language, by which every engine numbers its answers.

    Args:
        automaton: the language.
        cascade: its decomposition, where it has one; its mode is then that of the answers.
        predict: without a cascade, whether answers tell the legal next symbols.
    """
    from ssmc.kernels.description import Description

    if cascade is None:
        return Description.from_json(automaton.to_json(), None, predict=predict)
    return Description.from_json(automaton.to_json(), cascade.to_json(), predict=cascade.mode == "predict")


def lower_bits(cascade: Cascade) -> BitMachine | ColumnMachine:
    """The cascade of a language over packed bits, or over columns where it does not fit into a word; answers are outcomes.

    In recognise mode without patterns the outcome is 1 after a word of the language and 0 otherwise.

    Raises:
        InvariantError: a component of a kind that is not known.
    """
    from ssmc.kernels.lower import build_machine

    return build_machine(describe(cascade.automaton, cascade))


def lower_automaton(automaton: Automaton) -> DfaMachine:
    """The complete automaton (a sink for what is undefined); its answer is 1 in accepting states.

    Its letters are symbols, or classes where there are more than 256 symbols.
    """
    from ssmc.kernels.lower import build_automaton

    return build_automaton(describe(automaton))
