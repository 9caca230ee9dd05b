"""The residual stream of stock architectures: a circuit's features as +-R in every coordinate, at every position.

So its mean square is R^2 whatever it holds, eps vanishes beside it, and a normalisation divides by a power of two: the blocks read features that
are exactly -1 or 1. A register or a gate writes a feature by adding or taking 2R. Coordinates that no feature needs hold R for ever. Where the
norm also takes the mean away, every coordinate has a mirror with the opposite sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssmc.targets.circuit import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from ssmc.alphabet import Alphabet
    from ssmc.targets.circuit import Circuit, Gate, Register
    from ssmc.targets.vocabulary import Vocabulary

    Array = NDArray[np.float64]

MAGNITUDE = 32.0
"""R: a power of two with R^2 + eps = R^2 in float32 for every eps in use (up to 1e-5)."""
SATURATED = 128.0
"""K: a power of two; sigmoid, SiLU, GELU, softplus and exp of +-K are exactly their limits in float32 and narrower."""


def power_of_two(least: int, step: int = 1) -> int:
    """The least power of 2**step that is at least `least`."""
    size = 1
    while size < least:
        size <<= step
    return size


@dataclass(frozen=True)
class Tokens:
    """What the tokens of a vocabulary stand for.

    Attributes:
        classes: for each token the class of its symbol; None where it is none.
        bits: for each token the (output bit, sign) that its logit tells; None where it tells none.
        start: the token that starts a string.
    """

    classes: tuple[int | None, ...]
    bits: tuple[tuple[int, int] | None, ...]
    start: int

    @staticmethod
    def of(alphabet: Alphabet, vocabulary: Vocabulary) -> Tokens:
        """The tokens of a vocabulary over an alphabet."""
        classes = [alphabet.class_of(i) if i < alphabet.size else None for i in range(vocabulary.size)]
        bits: list[tuple[int, int] | None] = [None] * vocabulary.size
        single = len(vocabulary.outputs) - (alphabet.size if vocabulary.mode == "predict" else 0)
        for number, token in enumerate(vocabulary.outputs):
            bits[token] = (number if number < single else single + alphabet.class_of(number - single), 1)
        if vocabulary.mode == "recognise":
            bits[vocabulary.id("reject")] = (0, -1)
        return Tokens(tuple(classes), tuple(bits), vocabulary.id("bos"))


@dataclass(frozen=True)
class Residual:
    """Where the features lie.

    Attributes:
        circuit: what is emitted.
        width: coordinates; a power of two, so that a mean is exact.
        mirrored: whether coordinate width/2 + i holds minus coordinate i.
    """

    circuit: Circuit
    width: int
    mirrored: bool = False

    @staticmethod
    def of(circuit: Circuit, *, least: int = 1, step: int = 1, mirrored: bool = False) -> Residual:
        """The narrowest stream of a circuit with at least `least` coordinates, their number a power of 2**step."""
        needed = len(circuit.features) << mirrored
        return Residual(circuit, power_of_two(max(needed, least), step), mirrored)

    @property
    def names(self) -> list[str]:
        """A name for each coordinate."""
        own = self.width >> self.mirrored
        names = [*self.circuit.features, *["unused"] * (own - len(self.circuit.features))]
        return names + [f"minus {name}" for name in names] if self.mirrored else names

    def embedding(self, tokens: Tokens) -> Array:
        """(tokens, width): the features of each token, as -1 and 1."""
        circuit = self.circuit
        rows = np.ones((len(tokens.classes), self.width >> self.mirrored))
        for i, symbol in enumerate(tokens.classes):
            start = np.array(circuit.start(symbol))
            rows[i, : len(start)] = 2 * start - 1
        rows[tokens.start, list(circuit.outputs)] = 2 * np.array(circuit.initial) - 1
        return np.concatenate([rows, -rows], axis=1) if self.mirrored else rows

    def row(self, form: Mapping[int, float]) -> Array:
        """(width,): weights that read a linear form over the features in {-1, 1}."""
        out = np.zeros(self.width)
        for feature, weight in form.items():
            out[feature] = weight
        return out

    def column(self, targets: Iterable[tuple[int, int]]) -> Array:
        """(width,): what a unit in {0, 1} adds to set (+1) or clear (-1) features."""
        out = np.zeros(self.width)
        for feature, change in targets:
            out[feature] = 2 * MAGNITUDE * change
            if self.mirrored:
                out[self.width // 2 + feature] = -2 * MAGNITUDE * change
        return out

    def gate_rows(self, gates: Sequence[Gate], units: int) -> Array:
        """(units, width): pre-activations, 1 where a gate's literals all hold and at most -1 elsewhere; -1 for unused units."""
        rows = [self.row(gate.row()) for gate in gates]
        rows += [self.row({ALWAYS: -1})] * (units - len(gates))
        return np.array(rows).reshape(units, self.width)

    def gate_columns(self, gates: Sequence[Gate], units: int) -> Array:
        """(width, units): what the gates write."""
        columns = [self.column(gate.targets) for gate in gates] + [np.zeros(self.width)] * (units - len(gates))
        return np.array(columns).reshape(units, self.width).T

    def logits(self, tokens: Tokens, scale: float) -> Array:
        """(tokens, width): rows of the head; a logit is +-scale as the token's output bit says, -scale for tokens without one."""
        rows = np.zeros((len(tokens.bits), self.width))
        for i, told in enumerate(tokens.bits):
            rows[i] = self.row({ALWAYS: -scale} if told is None else {self.circuit.outputs[told[0]]: scale * told[1]})
        return rows


def any_of(drives: Sequence[int]) -> dict[int, float]:
    """The form over features in {-1, 1} that is 1 if one of the exclusive features is set, -1 if none is."""
    form: dict[int, float] = {ALWAYS: float(len(drives) - 1)}
    for drive in drives:
        form[drive] = form.get(drive, 0.0) + 1
    return form


def indicator(form: Mapping[int, float], scale: float) -> dict[int, float]:
    """The form that is `scale` where a +-1 form is 1, and 0 where it is -1."""
    out = {feature: weight * scale / 2 for feature, weight in form.items()}
    out[ALWAYS] = out.get(ALWAYS, 0.0) + scale / 2
    return out


def written(register: Register) -> dict[int, float]:
    """The +-1 form 'an event overwrites the register'."""
    return any_of([event.drive for event in register.events])


def channel(register: Register, number: int) -> dict[int, float]:
    """The +-1 form 'an event sets the channel'."""
    return any_of([event.drive for event in register.events if event.channel == number])


def moved(register: Register) -> dict[int, float]:
    """The +-1 form 'an event or a toggle changes the register'."""
    toggle = [] if register.toggle is None else [register.toggle]
    return any_of([*(event.drive for event in register.events), *toggle])
