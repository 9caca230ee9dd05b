"""What a language needs of a model: its groups, the weakest gates, and the layers with each class of gates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ssmc.errors import GateError, LimitError

if TYPE_CHECKING:
    from ssmc.algebra.language_groups import Gates, LanguageGroups
    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Mode
    from ssmc.cascade.strategy import Options
    from ssmc.languages import Language


_MOST_STATES = 40
_MOST_RANGES = 40
"""States, and ranges of characters, above which layers are not counted in passing."""
_MOST_SETS = 1_000
"""Sets and contexts that may be met meanwhile."""


def groups_of(automaton: Automaton) -> LanguageGroups:
    """The groups of a language; of a pattern set those of its patterns, which a model of it must build in."""
    from ssmc.algebra.language_groups import LanguageGroups, language_groups

    if not automaton.pattern_count:
        return language_groups(automaton)
    each = [language_groups(automaton.pattern(i)) for i in range(automaton.pattern_count)]
    named = {group.name: group for own in each for group in own.groups}
    groups = sorted(named.values(), key=lambda group: (group.order, group.name))
    return LanguageGroups(tuple(groups), all(own.complete for own in each))


def layers_by_gates(
    language: Language, groups: LanguageGroups, mode: Mode, options: Options, known: dict[Gates, int]
) -> dict[str, int | None]:
    """The layers of the cascade found with each class of gates that suffices; None where a limit was reached.

    Column-one-hot matrices never need more than one layer, and no more than weaker gates do, but behind a decoder of text. For a star-free language signed and complex
    gates are left out.

    Args:
        language: what is decomposed.
        groups: its groups.
        mode: `recognise` or `predict`.
        options: what each decomposition may spend.
        known: layers that are known.
    """
    from ssmc.algebra.language_groups import GATES
    from ssmc.compile import decompose_language, model_automaton

    automaton = model_automaton(language)
    found: dict[str, int | None] = {}
    for gates in GATES[GATES.index(groups.at_least) :]:
        if gates in known:
            found[gates] = known[gates]
        elif gates == "pd" and language.level != "codepoint":
            found[gates] = min([1, *(layers for layers in found.values() if layers is not None)])
        elif gates in (groups.at_least, "pd") or groups.groups:
            try:
                found[gates] = decompose_language(language, automaton, mode, replace(options, gates=gates)).depth
            except (LimitError, GateError):
                found[gates] = None
    return found


def layers_at_most(language: Language, groups: LanguageGroups) -> dict[str, int | None] | None:
    """Layers that suffice for each class of gates, in a moment: holonomy alone, of small automata, up to a few contexts.

    None where the automaton, or the number of its ranges of characters, is too large to try, and for single classes of gates where a limit was reached.
    """
    from ssmc.cascade.strategy import Options
    from ssmc.cli.modes import header_mode
    from ssmc.compile import model_automaton

    automaton = language.automaton
    if not 0 < automaton.states <= _MOST_STATES or automaton.pattern_count:
        return None
    if language.level == "codepoint":
        if len(automaton.alphabet.starts) > _MOST_RANGES:
            return None
        automaton = model_automaton(language)
        language = replace(language, automaton=automaton, level="byte")
    options = Options(effort=0, set_limit=_MOST_SETS, context_limit=_MOST_SETS)
    return layers_by_gates(language, groups, header_mode(language), options, {})


def bounds_in_words(layers: dict[str, int | None] | None) -> str:
    """One line."""
    counts = [f"{gates} {count}" for gates, count in (layers or {}).items() if count is not None]
    told = ", ".join(counts) or "not counted"
    return f"layers that suffice without a search (`ssmc explain` looks for fewer): {told}"


def needs_in_words(groups: LanguageGroups, layers: dict[str, int | None]) -> str:
    """Three lines: the groups, the gates, the layers."""
    counts = ", ".join(f"{gates} {'beyond a limit' if count is None else count}" for gates, count in layers.items())
    return "\n".join((*groups.describe(), f"layers found with each class of gates: {counts}"))


def needs_to_json(groups: LanguageGroups, layers: dict[str, int | None]) -> dict[str, Any]:
    """The same in JSON types."""
    return groups.to_json() | {"layers_by_gates": layers}
