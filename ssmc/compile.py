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

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssmc import __version__
from ssmc.algebra.starfree import SET_LIMIT
from ssmc.cascade import check_cascade, decompose
from ssmc.cascade.encoded import decompose_encoded
from ssmc.cascade.sets import decompose_set
from ssmc.cascade.stack import stack_cascade
from ssmc.cascade.strategy import Options
from ssmc.collector import settled_heap
from ssmc.dyck import BoundedDyck
from ssmc.errors import GateError, LimitError, NotStarFreeError, TargetError, UsageError
from ssmc.languages import encoding_of, to_bytes
from ssmc.patternset import PatternSet
from ssmc.targets import AUTO, EXACT, find_target
from ssmc.targets.weights import LIMITS

if TYPE_CHECKING:
    import os

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade, Mode
    from ssmc.languages import Language
    from ssmc.targets import Lowered, Target
    from ssmc.targets.folder import StockFile
    from ssmc.targets.stock import StockWeights
    from ssmc.verify import Certificate


@dataclass(frozen=True)
class CompiledModel:
    """A language with everything that the stages made of it; the certificate says that the model computes the language.

    Attributes:
        language: what was compiled.
        target: the architecture.
        cascade: the decomposition, equal to the automaton.
        weights: the lowered cascade.
        model: the network with these weights: `ssmc.nn.Model`, or the stock class.
        certificate: the proof.
    """

    language: Language
    target: Target
    cascade: Cascade
    weights: Lowered
    model: Any
    certificate: Certificate

    def to_json(self) -> dict[str, Any]:
        """The data of `ssmc compile --json`."""
        shape, automaton = self.weights.shape, self.cascade.automaton
        members = automaton.members if isinstance(automaton, PatternSet) else ()
        symbols = self.language.automaton
        return {
            "schema": "ssmc.compile/1",
            "name": self.language.name,
            "states": None if members else symbols.states,
            "level": self.language.level,
            "patterns": list(self.language.patterns),
            "model_states": None if members else automaton.states,
            "pattern_states": [symbols.pattern(i).states for i in range(symbols.pattern_count)],
            "alphabet_size": automaton.alphabet.size,
            "mode": self.cascade.mode,
            "target": self.target.name,
            "layers": shape.layers,
            "blocks": shape.blocks,
            "conv_width": shape.conv_width,
            "channels": shape.channels,
            "hidden_units": shape.hidden_units,
            "components": [
                {
                    "name": component.name,
                    "kind": component.kind,
                    "states": component.size,
                    "layer": layer,
                    "depends_on": list(component.depends_on),
                }
                for component, layer in zip(self.cascade.components, shape.layer_of, strict=True)
            ],
            "lowering": getattr(self.weights, "note", ""),
            "proof": self.certificate.to_json(),
        }


def model_automaton(language: Language) -> Automaton:
    """The automaton that the model computes: text becomes bytes, and star-freeness is not lost by that.

    Raises:
        LimitError: the encoding has too many states.
    """
    return to_bytes(language.automaton) if language.level == "codepoint" else language.automaton


@settled_heap()
def decompose_language(
    language: Language, automaton: Automaton, mode: Mode, options: Options | None = None, *, apart: bool = True
) -> Cascade:
    """The cascade of the automaton that the model computes; text is read through a decoder where that is cheaper, the patterns of a set side by side, brackets by a rule.

    Args:
        language: what is compiled.
        automaton: its `model_automaton`.
        mode: `recognise` or `predict`.
        options: what the decomposition may spend.
        apart: whether the patterns of a set may have a cascade each, side by side.

    Raises:
        NotStarFreeError: the language is not star-free.
        LimitError: a stated limit was reached.
    """
    if isinstance(automaton, BoundedDyck):
        if options is None or options.counters:
            return stack_cascade(automaton, mode)
        automaton.require_table()
    if isinstance(automaton, PatternSet) and isinstance(language.automaton, PatternSet):
        return decompose_set(language.automaton, automaton, mode, options or Options(), _decompose, apart=apart)
    return _decompose(language.automaton, automaton, mode, options)


def _decompose(symbols: Automaton, automaton: Automaton | None, mode: Mode, options: Options | None) -> Cascade:
    """The cascade of one automaton over what a model reads, which are the encodings of `symbols` where those are code points."""
    automaton = to_bytes(symbols) if automaton is None and symbols.alphabet.kind == "codepoints" else automaton
    if automaton is None or symbols.alphabet.kind != "codepoints":
        return decompose(automaton or symbols, mode, options)
    return decompose_encoded(symbols, automaton, encoding_of(symbols, automaton), mode, options)


@settled_heap()
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
        target: one of `ssmc.targets.TARGETS`, or `auto` for the first of `ssmc.targets.EXACT` that computes the language.
        dtype: of the weights; scan states are float32 in each.
        options: what the decomposition may spend.

    Raises:
        NotStarFreeError: the gates of the target are not negative, so it computes star-free languages only; carries the witness.
        GateError: other gates that do not suffice for the groups of the language; carries the witness.
        TargetError: the target lacks the dtype, the mode or a component kind.
        LimitError: a stated limit was reached.
        VerificationError: a stage made something else than it was given (a bug in ssmc).
    """
    from ssmc.nn import Model
    from ssmc.nn.running import Compiled
    from ssmc.verify.lowered import need_library, prove_lowered

    if target == AUTO:
        return _weakest(language, mode, dtype, options)
    options, chosen = options or Options(), find_target(target)
    search = chosen.search(options, mode, dtype)
    need_library(chosen)
    if not isinstance(language.automaton, BoundedDyck):  # those are star-free, and may be too large to look at
        chosen.admit(language.automaton, max(SET_LIMIT, options.set_limit), language.patterns)
    automaton = model_automaton(language)
    cascade, weights = lower_language(language, automaton, chosen, mode, dtype, search)
    model, certificate = prove_lowered(chosen, weights, cascade.automaton, cascade)
    if isinstance(model, Model):
        parts = (
            cascade.automaton.to_json(),
            cascade.to_json(),
            mode == "predict",
            certificate.to_json(),
            weights.tensors,
        )
        model.compiled = Compiled(*parts)
    return CompiledModel(language, chosen, cascade, weights, model, certificate)


def _weakest(language: Language, mode: Mode, dtype: str, options: Options | None) -> CompiledModel:
    """The model of the first exact target whose gates suffice, and for which the limits do."""
    for name in EXACT[:-1]:
        with suppress(NotStarFreeError, GateError, LimitError):
            return compile_language(language, mode=mode, target=name, dtype=dtype, options=options)
    return compile_language(language, mode=mode, target=EXACT[-1], dtype=dtype, options=options)


def lower_language(
    language: Language, automaton: Automaton, target: Target, mode: Mode, dtype: str, search: Options
) -> tuple[Cascade, Lowered]:
    """The cascade with the smallest weights, of those that the target wants compared, and the weights; not proved yet.

    Args:
        language: what is compiled; the gates of the target suffice for it.
        automaton: its `model_automaton`.
        target: the architecture.
        mode: `recognise` or `predict`.
        dtype: of the weights.
        search: what `Target.search` makes of the options.

    Raises:
        NotStarFreeError: the language is not star-free.
        TargetError: the target lacks the dtype, the mode or a component kind.
        LimitError: a stated limit was reached.
        VerificationError: a stage made something else than it was given (a bug in ssmc).
    """
    apart = target.form == "model"
    cascades = [decompose_language(language, automaton, mode, search, apart=apart)]
    for rival in target.rivals(search, cascades[0]):
        cascade = decompose_language(language, automaton, mode, rival, apart=apart)
        cascades += [] if cascade in cascades else [cascade]
    for cascade in cascades:
        check_cascade(cascade)
    found: list[tuple[Cascade, Lowered]] = []
    refusal: TargetError | None = None
    for cascade in cascades:
        try:
            found.append((cascade, target.lower(cascade, dtype, language.patterns or None)))
        except TargetError as error:
            # what the target cannot do with these components it may do with those of a rival
            refusal = refusal or error
    if not found and refusal is not None:
        raise refusal
    return min(found, key=lambda pair: pair[1].shape.cost)


def write_model(compiled: CompiledModel, path: str | os.PathLike[str]) -> None:
    """Writes the model file; the suffix chooses its form: `.pt`, `.safetensors`, or none for a folder. A stock model is always a folder.

    Raises:
        InputError: it cannot be written; then nothing new is there.
        UsageError: another suffix, or a suffix where the target writes a folder.
    """
    from ssmc.nn import ModelFile, save_model
    from ssmc.targets.folder import write_stock
    from ssmc.targets.stock import StockWeights

    weights, certificate = compiled.weights, compiled.certificate
    if isinstance(weights, StockWeights):
        if Path(path).suffix:
            raise UsageError(f"{path}: a {compiled.target.name} model is a folder, whose name has no suffix")
        write_stock(path, stock_file(compiled.language, compiled.target, compiled.cascade, weights, certificate))
        return
    exactness = {"max_magnitude": certificate.max_magnitude, "limit": LIMITS[certificate.dtype]}
    save_model(
        path, ModelFile(exactness=exactness, **_contents(compiled.language, compiled.cascade, weights, certificate))
    )


def stock_file(
    language: Language, target: Target, cascade: Cascade, weights: StockWeights, certificate: Certificate | None = None
) -> StockFile:
    """The contents of the folder of a stock model, proved or not."""
    from ssmc.targets.folder import StockFile

    return StockFile(
        target=target.name,
        vocabulary=weights.vocabulary.to_json(),
        shape=weights.shape._asdict(),
        note=weights.note,
        **_contents(language, cascade, weights, certificate),
    )


def _contents(
    language: Language, cascade: Cascade, weights: Lowered, certificate: Certificate | None
) -> dict[str, Any]:
    """What model files of every form hold."""
    import torch

    return {
        "config": weights.config,
        "tensors": weights.tensors,
        "names": weights.names,
        "axes": weights.axes,
        "source": {"name": language.name, "text": language.source, "syntax": language.syntax, "level": language.level},
        "automaton": cascade.automaton.to_json(),
        "cascade": cascade.to_json(),
        "certificate": certificate and certificate.to_json(),
        "versions": {"ssmc": __version__, "torch": torch.__version__},
    }
