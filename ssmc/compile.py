"""The compiler: its stages in order, and nothing else.

| stage | takes | makes | |
| --- | --- | --- | --- |
| languages | text | Language | what the user wrote, as a minimal automaton |
| algebra | Automaton | verdict | is it star-free? if not, a witness and no model |
| cascade | Automaton | Cascade | components that hold or overwrite, and counters; checked against the automaton |
| targets | Cascade | Weights | the tensors of one architecture, exact in their dtype |
| nn | Weights | Model | the torch module on the scan kernels |
| verify | Model | Certificate | equal to the automaton at every length |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssmc import __version__
from ssmc.algebra.starfree import SET_LIMIT
from ssmc.cascade import check_cascade, decompose
from ssmc.cascade.decompose import require_starfree
from ssmc.cascade.strategy import Options
from ssmc.languages import to_bytes
from ssmc.targets import Weights, lower
from ssmc.targets.weights import LIMITS

if TYPE_CHECKING:
    import os

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade, Mode
    from ssmc.languages import Language
    from ssmc.nn import Model
    from ssmc.verify import Certificate


@dataclass(frozen=True)
class CompiledModel:
    """A language with everything that the stages made of it; the certificate says that the model computes the language.

    Attributes:
        language: what was compiled.
        cascade: the decomposition, equal to the automaton.
        weights: the lowered cascade.
        model: the network with these weights.
        certificate: the proof.
    """

    language: Language
    cascade: Cascade
    weights: Weights
    model: Model
    certificate: Certificate

    def to_json(self) -> dict[str, Any]:
        """The data of `ssmc compile --json`."""
        config, automaton = self.weights.config, self.cascade.automaton
        layers = [0 if part["block"] is None else 1 + part["block"] for part in config["components"]]
        return {
            "schema": "ssmc.compile/1",
            "name": self.language.name,
            "states": self.language.automaton.states,
            "level": self.language.level,
            "patterns": list(self.language.patterns),
            "model_states": automaton.states,
            "alphabet_size": automaton.alphabet.size,
            "mode": self.cascade.mode,
            "target": config["architecture"],
            "layers": sum(block["channels"] > 0 for block in config["blocks"]),
            "blocks": len(config["blocks"]),
            "conv_width": self.model.conv_width,
            "channels": sum(block["channels"] for block in config["blocks"]),
            "hidden_units": config["head"]["units"] + sum(block["units"] for block in config["blocks"]),
            "components": [
                {
                    "name": component.name,
                    "kind": component.kind,
                    "states": component.size,
                    "layer": layer,
                    "depends_on": list(component.depends_on),
                }
                for component, layer in zip(self.cascade.components, layers, strict=True)
            ],
            "proof": self.certificate.to_json(),
        }


def model_automaton(language: Language) -> Automaton:
    """The automaton that the model computes: text becomes bytes, and star-freeness is not lost by that.

    Raises:
        LimitError: the encoding has too many states.
    """
    return to_bytes(language.automaton) if language.level == "codepoint" else language.automaton


def compile_language(
    language: Language,
    *,
    mode: Mode = "recognise",
    target: str = "native",
    dtype: str = "float32",
    options: Options | None = None,
) -> CompiledModel:
    """The proved model of a language.

    Args:
        language: what to compile.
        mode: `recognise` or `predict`.
        target: one of `ssmc.targets.TARGETS`.
        dtype: of the weights; scan states are float32 in each.
        options: what the decomposition may spend.

    Raises:
        NotStarFreeError: no non-negative diagonal model exists; carries the witness.
        TargetError: the target lacks a component kind.
        LimitError: a stated limit was reached.
        VerificationError: a stage made something else than it was given (a bug in ssmc).
    """
    from ssmc.nn import Model
    from ssmc.verify import prove

    options = options or Options()
    require_starfree(language.automaton, max(SET_LIMIT, options.set_limit), language.patterns)
    automaton = model_automaton(language)
    cascade = decompose(automaton, mode, options)
    check_cascade(cascade)
    weights = lower(cascade, target, dtype, language.patterns or None)
    model = Model.of(weights.config, weights.tensors)
    certificate = prove(model, automaton, cascade)
    return CompiledModel(language, cascade, weights, model, certificate)


def write_model(compiled: CompiledModel, path: str | os.PathLike[str]) -> None:
    """Writes the model file; the suffix chooses its form: `.pt`, `.safetensors`, or none for a folder.

    Raises:
        InputError: it cannot be written; then nothing new is there.
        UsageError: another suffix.
    """
    import torch

    from ssmc.nn import ModelFile, save_model

    language, weights, certificate = compiled.language, compiled.weights, compiled.certificate
    save_model(
        path,
        ModelFile(
            config=weights.config,
            tensors=weights.tensors,
            names=weights.names,
            axes=weights.axes,
            source={
                "name": language.name,
                "text": language.source,
                "syntax": language.syntax,
                "level": language.level,
            },
            automaton=compiled.cascade.automaton.to_json(),
            cascade=compiled.cascade.to_json(),
            certificate=certificate.to_json(),
            exactness={"max_magnitude": certificate.max_magnitude, "limit": LIMITS[certificate.dtype]},
            versions={"ssmc": __version__, "torch": torch.__version__},
        ),
    )
