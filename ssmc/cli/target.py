"""`--target` of the commands that decompose without compiling, and the cascade that a target would be lowered from."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from ssmc.errors import GateError, LimitError, NotStarFreeError

if TYPE_CHECKING:
    from ssmc.cascade.ir import Cascade, Mode
    from ssmc.cascade.strategy import Options
    from ssmc.languages import Language

target_option = click.option(
    "--target",
    help="The architecture whose gates and components the decomposition may use: native (the default), native-signed, native-pd, "
    "native-complex, or 'auto' for the first of native, native-signed and native-pd that computes the language.",
)


def cascade_for(language: Language, target: str | None, mode: Mode, options: Options) -> Cascade:
    """The cascade that a target's search finds first.

    Args:
        language: what is decomposed.
        target: the name of a target, `auto`, or None for `native`.
        mode: `recognise` or `predict`.
        options: what the decomposition may spend.

    Raises:
        UsageError: no such target.
        NotStarFreeError: its gates are not negative and the language is not star-free.
        GateError: other gates that do not suffice for the language's groups.
        TargetError: the target has no models of this mode.
        LimitError: a stated limit was reached.
    """
    from ssmc.targets import AUTO, EXACT

    names = EXACT if target == AUTO else (target or EXACT[0],)
    for name in names[:-1]:
        with suppress(NotStarFreeError, GateError, LimitError):
            return _decomposed(language, name, mode, options)
    return _decomposed(language, names[-1], mode, options)


def _decomposed(language: Language, name: str, mode: Mode, options: Options) -> Cascade:
    from ssmc.compile import decompose_language, model_automaton
    from ssmc.targets import find_target

    target = find_target(name)
    search = target.search(options, mode, target.dtypes[0])
    target.admit(language.automaton, options.set_limit, language.patterns)
    return decompose_language(language, model_automaton(language), mode, search, apart=target.form == "model")
