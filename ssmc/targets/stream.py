"""The residual stream of the native model: its 0/1 features, and product terms as weights over them.

The stream holds letter-set features of the present symbol, letter-set features of earlier symbols (delays) and the readouts of the blocks
passed so far. Every literal of a product term is an affine function of one variable's features that is 0 or 1 on each of its values; a unit
is ReLU(sum of the literals - (their number - 1)), so it is 1 where all hold and 0 elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ssmc.alphabet import describe
from ssmc.targets.layout import code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ssmc.cascade.ir import Cascade
    from ssmc.targets.layout import Digit, Window
    from ssmc.targets.sides import SidePlanner
    from ssmc.targets.terms import Planner, Product


class Letters(NamedTuple):
    """The literal 'the symbol `lag` steps back has a class in `classes`'; `before`: true also before the first symbol."""

    lag: int
    classes: int
    before: bool


class Unit(NamedTuple):
    """A product term over the stream: at most one letter literal per lag, and literals over digits of components."""

    letters: tuple[Letters, ...]
    digits: tuple[tuple[Digit, int], ...]


class Affine(NamedTuple):
    """A constant plus weights over stream coordinates."""

    constant: int
    weights: dict[int, int]


@dataclass(frozen=True)
class Feature:
    """A coordinate that a block appends to the stream: clamp(h[channel] - threshold, 0, 1)."""

    component: int
    channel: int
    threshold: int


@dataclass
class Stream:
    """The coordinates that the units of a model need; `require` all units first, then `place` them.

    Attributes:
        cascade: what is lowered.
        delayed: the windows that are read from the delays.
        every: the bit mask of all classes.
        letters: the class sets of the letter features.
        reach: for each letter feature the largest lag at which it is read.
        thresholds: for each counter the thresholds v of its features h > v.
    """

    cascade: Cascade
    delayed: Mapping[int, Window]
    planner: Planner | SidePlanner
    letters: list[int] = field(default_factory=list)
    reach: dict[int, int] = field(default_factory=dict)
    thresholds: dict[int, set[int]] = field(default_factory=dict)
    _units: dict[Product, Unit | None] = field(default_factory=dict)
    _places: tuple[tuple[int, int], dict[tuple[int, int], int]] | None = None

    @property
    def every(self) -> int:
        """The bit mask of all classes."""
        return (1 << self.cascade.automaton.classes) - 1

    def unit(self, product: Product) -> Unit | None:
        """The product over stream variables, windows resolved to letters; None if it holds nowhere."""
        if product not in self._units:
            self._units[product] = self._unit(product)
        return self._units[product]

    def _unit(self, product: Product) -> Unit | None:
        letters = {0: (product.classes & self.every, False)}
        digits: list[tuple[Digit, int]] = []
        for digit, mask in product.literals:
            window = self.delayed.get(digit.component)
            if window is None:
                digits.append((digit, mask))
                continue
            inside = sum(1 << c for c, value in enumerate(window.values) if mask >> value & 1)
            classes, before = letters.get(window.lag, (self.every, True))
            letters[window.lag] = classes & inside, before and bool(mask & 1)
        if any(not classes and not before for classes, before in letters.values()):
            return None
        restricted = tuple(
            Letters(lag, classes, before)
            for lag, (classes, before) in sorted(letters.items())
            if classes != self.every or (lag and not before)
        )
        return Unit(restricted, tuple(digits))

    def require(self, units: Iterable[Unit]) -> None:
        """Adds the features that the units need: delayed letters first, whose polarity is forced, then the others."""
        chosen = list(units)
        for _, literal in sorted((literal.lag == 0, literal) for unit in chosen for literal in unit.letters):
            classes, _ = self._polarity(literal)
            if classes not in self.letters:
                self.letters.append(classes)
            index = self.letters.index(classes)
            self.reach[index] = max(self.reach.get(index, 0), literal.lag)
        for digit, mask in (literal for unit in chosen for literal in unit.digits):
            component = self.cascade.components[digit.component]
            if component.kind == "counter":
                steps = mask ^ mask >> 1
                self.thresholds.setdefault(digit.component, set()).update(
                    component.low + v for v in range(digit.size - 1) if steps >> v & 1
                )

    def _polarity(self, literal: Letters) -> tuple[int, bool]:
        """The class set of the feature that the literal reads, and whether it is read positively."""
        classes, rest = literal.classes, self.every & ~literal.classes
        if literal.lag:
            return (rest, False) if literal.before else (classes, True)
        if classes in self.letters or rest in self.letters:
            return (classes, True) if classes in self.letters else (rest, False)
        return (classes, True) if (classes.bit_count(), classes) <= (rest.bit_count(), rest) else (rest, False)

    @property
    def delays(self) -> list[tuple[int, int]]:
        """The (letter feature, lag) pairs of the delay line, by lag; every pair's predecessor is there too."""
        lags = range(1, max(self.reach.values(), default=0) + 1)
        return [(feature, lag) for lag in lags for feature, far in sorted(self.reach.items()) if far >= lag]

    def _delay_places(self) -> dict[tuple[int, int], int]:
        """The stream coordinate of each pair of the delay line."""
        key = len(self.letters), sum(self.reach.values())
        if self._places is None or self._places[0] != key:
            self._places = key, {pair: len(self.letters) + i for i, pair in enumerate(self.delays)}
        return self._places[1]

    def features(self, k: int) -> list[Feature]:
        """The features of a component, with channels counted from its own first."""
        component = self.cascade.components[k]
        if component.kind == "counter":
            return [Feature(k, 0, v) for v in sorted(self.thresholds.get(k, ()))]
        width = len(code(0, component.size, self.planner.coding.get(k, "one-hot")))
        return [Feature(k, channel, 0) for channel in range(width)]

    def affine(self, unit: Unit, place: Mapping[tuple[int, int], int]) -> Affine:
        """The pre-activation of a unit.

        Args:
            unit: the product.
            place: (component, index of its feature) -> stream coordinate.
        """
        delays = self._delay_places()
        constant = 1 - len(unit.letters) - len(unit.digits)
        weights: dict[int, int] = {}
        for literal in unit.letters:
            classes, positive = self._polarity(literal)
            feature = self.letters.index(classes)
            weights[delays[feature, literal.lag] if literal.lag else feature] = 1 if positive else -1
            constant += not positive
        for digit, mask in unit.digits:
            constant += mask & 1
            component = self.cascade.components[digit.component]
            if component.kind == "counter":
                steps = sorted(self.thresholds.get(digit.component, ()))
                own = {
                    i: (mask >> v - component.low + 1 & 1) - (mask >> v - component.low & 1)
                    for i, v in enumerate(steps)
                }
            elif digit.bit is not None:
                own = {digit.bit: (mask >> 1 & 1) - (mask & 1)}
            else:
                own = {value - 1: (mask >> value & 1) - (mask & 1) for value in range(1, component.size)}
            for index, weight in own.items():
                if weight:
                    coordinate = place[digit.component, index]
                    weights[coordinate] = weights.get(coordinate, 0) + weight
        return Affine(constant, weights)

    def name_letters(self, feature: int, lag: int = 0) -> str:
        """The name of a letter feature, at a lag."""
        symbol = f"x[t-{lag}]" if lag else "x"
        return f"{symbol} in {describe(self.cascade.automaton.alphabet, self.letters[feature])}"

    def name_feature(self, feature: Feature) -> str:
        """The name of a block's feature."""
        component = self.cascade.components[feature.component]
        if component.kind == "counter":
            return f"{component.name} > {feature.threshold}"
        return f"{component.name} {self.name_channel(feature.component, feature.channel)}"

    def name_channel(self, k: int, channel: int) -> str:
        """What a scan channel of a component means."""
        component = self.cascade.components[k]
        if component.kind == "counter":
            return "value"
        if self.planner.coding.get(k) == "binary":
            return f"bit {channel}"
        label = f' "{component.labels[channel + 1]}"' if component.labels else ""
        return f"= {channel + 1}{label}"

    def name_unit(self, unit: Unit) -> str:
        """The product in words."""
        parts = []
        for lag, classes, before in unit.letters:
            symbol = f"x[t-{lag}]" if lag else "x"
            start = "start or " if before else ""
            parts.append(f"{symbol} in {start}{describe(self.cascade.automaton.alphabet, classes)}")
        for digit, mask in unit.digits:
            component = self.cascade.components[digit.component]
            low = component.low if digit.bit is None else 0
            values = ", ".join(str(low + v) for v in range(digit.size) if mask >> v & 1)
            bit = "" if digit.bit is None else f" bit {digit.bit}"
            parts.append(f"{component.name}{bit} in {{{values}}}")
        return " and ".join(parts) or "always"
