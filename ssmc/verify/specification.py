"""What a model file says its model computes: the automaton and the cascade, rebuilt and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssmc.automaton import Automaton
from ssmc.cascade import Cascade
from ssmc.errors import InvariantError, ModelFileError

if TYPE_CHECKING:
    from ssmc.nn.file import ModelFile


def specification(file: ModelFile) -> tuple[Automaton, Cascade]:
    """The automaton and the cascade of a model file.

    Raises:
        ModelFileError: the file's JSON describes none, or they do not belong together.
    """
    try:
        automaton = Automaton.from_json(dict(file.automaton))
        cascade = Cascade.from_json(dict(file.cascade))
    except InvariantError as error:
        raise ModelFileError(f"the file's language is damaged: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelFileError(f"the file's language is damaged: {type(error).__name__}: {error}") from error
    if cascade.automaton != automaton:
        raise ModelFileError("the file's cascade is that of another automaton")
    if cascade.mode != file.config.get("mode") or automaton.alphabet.size != file.config.get("symbols"):
        raise ModelFileError("the file's model has another mode or alphabet than its language")
    return automaton, cascade
