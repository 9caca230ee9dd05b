"""Product terms of a bundle: each pattern planned over its own classes, then seen from the classes and components of the set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssmc.cascade.ir import Action
from ssmc.targets.layout import Digit, Window, windows
from ssmc.targets.terms import Bit, Planner, Product

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssmc.cascade.bundle import Bundle
    from ssmc.cascade.ir import AnyAction
    from ssmc.targets.layout import Coding


@dataclass
class SidePlanner:
    """The covers of a bundle's tables; what parts share is planned by the first of them.

    Attributes:
        cascade: the bundle.
        parts: the planner of each part.
        delayed: the windows of the bundle that are functions of one earlier symbol, with a value for each class of the set.
        coding: the components of the bundle with another code than one-hot.
    """

    cascade: Bundle
    parts: list[Planner] = field(default_factory=list)
    delayed: dict[int, Window] = field(default_factory=dict)
    coding: dict[int, Coding] = field(default_factory=dict)
    _moves: dict[int, list[tuple[AnyAction, Product]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known: set[int] = set()
        for part, places, classes in zip(
            self.cascade.parts, self.cascade.places, self.cascade.members.maps, strict=True
        ):
            own = windows(part)
            coding = {k: self.coding[joint] for k, joint in enumerate(places) if joint in self.coding}
            settled = frozenset(k for k, joint in enumerate(places) if joint in known)
            planner = Planner(part, own, coding, positive=True, settled=settled)
            planner.choose_codes()
            self.coding |= {places[k]: codes for k, codes in planner.coding.items()}
            self.delayed |= {
                places[k]: Window(window.lag, tuple(window.values[c] for c in classes)) for k, window in own.items()
            }
            self.parts.append(planner)
            known |= set(places)

    def moves(self, k: int) -> list[tuple[AnyAction, Product]]:
        """The (action, product) pairs of a component; where no product holds, it holds."""
        if k not in self._moves:
            i, local = self.cascade.owner(k)
            self._moves[k] = [(action, self._seen(i, product)) for action, product in self.parts[i].moves(local)]
        return self._moves[k]

    def actions(self, k: int) -> list[tuple[Action, Product]]:
        """The pairs of a component that is no permutation."""
        return [(action, product) for action, product in self.moves(k) if isinstance(action, Action)]

    def head(self) -> list[list[Bit]]:
        """For each part its bits: the pattern holds the prefix, then (predict mode) for each of its classes whether it may follow."""
        return [
            [Bit(bit.base, tuple(self._seen(i, product) for product in bit.products)) for bit in planner.head()]
            for i, planner in enumerate(self.parts)
        ]

    def _seen(self, i: int, product: Product) -> Product:
        """A product of a part over the classes and components of the set."""
        classes: Mapping[int, int] = dict(enumerate(self.cascade.members.maps[i]))
        mask = sum(1 << x for x, own in classes.items() if product.classes >> own & 1)
        places = self.cascade.places[i]
        literals = [
            (Digit(places[digit.component], digit.size, digit.bit), values) for digit, values in product.literals
        ]
        return Product(mask, tuple(sorted(literals, key=lambda pair: (pair[0].component, pair[0].bit or 0))))
