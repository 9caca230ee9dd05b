"""What a target declares, and what it makes of a cascade.

A target is one architecture. It says which component kinds its gates can do, in which modes and dtypes, how far its convolution sees, and for the
rest names a module with one function, `lower`, that is imported when the target is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from ssmc.cascade.bundle import Bundle
from ssmc.collector import settled_heap
from ssmc.errors import TargetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade, Mode
    from ssmc.cascade.strategy import Options

Gates = Literal["non-negative", "signed", "complex", "pd"]
Form = Literal["model", "stock"]

REASONS = {
    "counter": "its state cannot be added to exactly",
    "tally": "its state cannot stop at a largest value",
    "swap": "its gates are not negative, and a swap multiplies by -1",
    "rotation": "its gates are real, and a rotation multiplies by a root of unity",
    "permutation": "its gates are diagonal, and a permutation moves values between channels",
}
"""Why a target lacks a component kind, where it does not say it better itself."""


class Shape(NamedTuple):
    """The size of a lowered model.

    Attributes:
        layers: layers that scan.
        blocks: blocks that the model has, those without a scan included.
        channels: scan channels in use.
        hidden_units: product terms (gates, and units of the head) in use.
        conv_width: taps of the causal convolution.
        layer_of: for each component its layer, counted from 1; 0 for what needs no scan.
    """

    layers: int
    blocks: int
    channels: int
    hidden_units: int
    conv_width: int
    layer_of: tuple[int, ...]

    @property
    def cost(self) -> tuple[int, ...]:
        """What is compared when several cascades can be lowered."""
        return (self.blocks, self.layers, self.channels + self.hidden_units)


class Lowered(Protocol):
    """What a target emits: enough to build, prove, write and read the model, with a name for every channel.

    Attributes:
        config: in JSON types, what the architecture's class is built from.
        tensors: its state dict.
        names: for each axis name the names of its coordinates.
        axes: for each tensor its axis names.
    """

    @property
    def config(self) -> Mapping[str, Any]:
        """What the architecture's class is built from."""
        ...

    @property
    def tensors(self) -> Mapping[str, torch.Tensor]:
        """The state dict."""
        ...

    @property
    def names(self) -> Mapping[str, list[str]]:
        """The names of the coordinates of each axis."""
        ...

    @property
    def axes(self) -> Mapping[str, list[str]]:
        """The axes of each tensor."""
        ...

    @property
    def shape(self) -> Shape:
        """The size of the model."""
        ...

    def check(self) -> int:
        """Checks the exactness conditions that hold for every input; the largest magnitude of a sum.

        Raises:
            VerificationError: one of them fails.
        """
        ...


@dataclass(frozen=True)
class Target:
    """One architecture.

    Attributes:
        name: what `--target` takes.
        summary: one line for people.
        gates: the values that gates can have; what the decomposition may use follows from it.
        kinds: the component kinds it can lower; `tally` is a counter that saturates.
        module: the module with `lower(cascade, dtype, patterns) -> Lowered`; imported when it is needed.
        dtypes: of the weights.
        modes: of the cascades.
        form: `model`: run by `ssmc.nn.Model`; `stock`: weights for the class of another library, written as the folder that it loads.
        library: the distribution whose class runs the weights, None for ssmc itself.
        conv_width: taps of its convolution; None where each model chooses. A window's lag may be one less.
        costly: the kinds that cost blocks of their own, so that a deeper cascade without them may be the smaller model.
        limits: (name of a dtype or mode, kind or None) -> why it cannot be had there; None stands for every kind.
    """

    name: str
    summary: str
    gates: Gates
    kinds: frozenset[str]
    module: str
    dtypes: tuple[str, ...]
    modes: tuple[Mode, ...] = ("recognise", "predict")
    form: Form = "model"
    library: str | None = None
    conv_width: int | None = None
    costly: frozenset[str] = frozenset()
    limits: tuple[tuple[str, str | None, str], ...] = ()

    def kinds_in(self, mode: Mode, dtype: str) -> frozenset[str]:
        """The component kinds that can be lowered in a mode and dtype."""
        return self.kinds - {kind for where, kind, _ in self.limits if where in (mode, dtype) and kind is not None}

    def search(self, options: Options, mode: Mode, dtype: str) -> Options:
        """The options of a decomposition whose cascade this target can lower.

        Raises:
            UsageError: no such dtype.
            TargetError: the dtype or mode cannot be had; with the reason.
        """
        self.require(mode, dtype)
        able = self.kinds_in(mode, dtype)
        widest = options.window if self.conv_width is None else min(options.window, self.conv_width - 1)
        return replace(
            options,
            window=widest if "window" in able else 0,
            counters=options.counters and "counter" in able,
            tallies=options.tallies and "tally" in able,
            gates=self.gates,
        )

    def rivals(self, options: Options, cascade: Cascade) -> tuple[Options, ...]:
        """The options of further decompositions whose lowered results may be smaller: without some kinds that cost blocks."""
        used = sorted(self.costly & {component.kind for component in cascade.components})
        without = [set(kinds) for count in range(1, len(used) + 1) for kinds in combinations(used, count)]
        return tuple(
            replace(
                options,
                window=0 if "window" in kinds else options.window,
                counters=options.counters and "counter" not in kinds,
            )
            for kinds in without
        )

    def admit(self, automaton: Automaton, set_limit: int, patterns: Sequence[str] = ()) -> None:
        """Refuses a language that no model with these gates computes.

        Args:
            automaton: the language.
            set_limit: the largest number of image sets that the decision may meet.
            patterns: the names of the patterns of a pattern set.

        Raises:
            NotStarFreeError: the gates are not negative and the language is not star-free (Sarrof et al. 2024); carries the witness.
            GateError: other gates that do not suffice for the language's groups; carries the witness.
            LimitError: the question could not be decided within its limits.
        """
        from ssmc.cascade.gates import require_gates

        require_gates(automaton, self.gates, set_limit, patterns)

    def require(self, mode: Mode, dtype: str) -> None:
        """Refuses a dtype or mode that the target lacks.

        Raises:
            UsageError: no such dtype.
            TargetError: the target lacks it; with the reason.
        """
        for where, kind, reason in self.limits:
            if where in (mode, dtype) and kind is None:
                raise TargetError(f"{self.name} has no {where} models: {reason}")
        if dtype not in self.dtypes:
            raise UsageError(f"unknown dtype {dtype!r}; the dtypes of {self.name} are {', '.join(self.dtypes)}")
        if mode not in self.modes:
            raise UsageError(f"{self.name} has no mode {mode!r}")

    @settled_heap()
    def lower(self, cascade: Cascade, dtype: str = "float32", patterns: Sequence[str] | None = None) -> Lowered:
        """The weights of a cascade, checked.

        Args:
            cascade: a checked cascade.
            dtype: of the weights.
            patterns: the name of each pattern of a pattern set; their numbers, from 1, when not given.

        Raises:
            UsageError: no such dtype, or another number of names than patterns.
            TargetError: the target lacks a component kind of the cascade (the message gives the mathematical reason).
            PrecisionError: a weight is not exact in the dtype.
            VerificationError: the weights fail their own check (a bug in ssmc).
        """
        self.require(cascade.mode, dtype)
        if self.form == "stock" and isinstance(cascade, Bundle):
            raise TargetError(f"{self.name} takes the joint cascade of a pattern set, not one for each pattern")
        able = self.kinds_in(cascade.mode, dtype)
        for component in cascade.components:
            kind = "tally" if component.saturating else component.kind
            if kind not in able:
                reason = self._reason(kind, cascade.mode, dtype)
                raise TargetError(f"{component.name}: {self.name} has no component of kind {kind!r}: {reason}")
        count = cascade.automaton.pattern_count
        names = [str(i + 1) for i in range(count)] if patterns is None else patterns
        if len(names) != count:
            raise UsageError(f"{len(names)} names for {count} patterns")
        lowered: Lowered = import_module(self.module).lower(cascade, dtype, names)
        lowered.check()
        if self.form == "stock" and "counter" not in able:
            from ssmc.targets.stock import with_note

            return with_note(lowered, f"resets do what a counter would: {self._reason('counter', cascade.mode, dtype)}")
        return lowered

    def _reason(self, kind: str, mode: Mode, dtype: str) -> str:
        for where, limited, reason in self.limits:
            if limited == kind and where in (mode, dtype, self.name):
                return reason
        return REASONS.get(kind, "there is no such kind")
