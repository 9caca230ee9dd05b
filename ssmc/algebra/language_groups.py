"""The groups of a language, from the skeleton of its parts: what its model must build in.

The holonomy groups of a part's skeleton (see `skeleton`) are the maximal groups of the part's monoid, up to groups that divide them: a group of the
monoid with identity e permutes the image Q·e faithfully. And a group of the whole automaton acts on each strongly connected component
separately, so it is a subgroup of the product of what it does there. All simple groups that divide the syntactic monoid therefore divide one of
these, and by Krohn and Rhodes (1965) those are what a cascade must contain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from ssmc.algebra.graph import strong_components
from ssmc.algebra.groups import group_of
from ssmc.algebra.needs import Need, need_of
from ssmc.algebra.parts import counter_parts
from ssmc.automaton import DEAD

if TYPE_CHECKING:
    from ssmc.algebra.groups import Group
    from ssmc.algebra.parts import Part
    from ssmc.automaton import Automaton

Gates = Literal["non-negative", "signed", "complex", "pd"]
"""What the gates of a layer can be: real and not negative, also -1, also roots of unity, also matrices whose columns are unit vectors."""
GATES: tuple[Gates, ...] = ("non-negative", "signed", "complex", "pd")
"""The classes of gates, weakest first."""
SET_LIMIT = 3_000
_MOST_IMAGES = 60_000
"""Images of sets under letters that are computed for one language."""


@dataclass(frozen=True)
class LanguageGroups:
    """The groups of a language.

    Attributes:
        groups: the nontrivial holonomy groups of its parts, one of each name, smallest first.
        complete: whether these are all; if not, a limit was reached.
    """

    groups: tuple[Group, ...]
    complete: bool

    @cached_property
    def need(self) -> Need:
        """What the groups that are known ask of a model."""
        return need_of(self.groups)

    @property
    def solvable(self) -> bool | None:
        """Whether every group is solvable; None where that is not known."""
        if any(not group.solvable for group in self.groups):
            return False
        return True if self.complete else None

    @property
    def gates(self) -> Gates | None:
        """The weakest gates that suffice; None where that is not known."""
        weakest = self.at_least
        return weakest if self.complete or weakest == "pd" else None

    @property
    def at_least(self) -> Gates:
        """The weakest gates that suffice for the groups that are known."""
        by_need: dict[str, Gates] = {"non-negative": "non-negative", "signed": "signed", "complex": "complex"}
        return by_need.get(self.need.gates, "pd")

    def describe(self) -> tuple[str, str]:
        """The groups, and the gates they need, as two short lines."""
        names = ", ".join(group.name for group in self.groups) or "none"
        if not self.complete:
            names += ", and perhaps more beyond the limits"
        elif self.groups:
            names += " (solvable)" if self.solvable else " (not solvable)"
        if self.gates is None:
            return f"groups: {names}", f"weakest gates: {self.at_least} or beyond; pd gates do every regular language"
        return f"groups: {names}", f"weakest gates: {self.gates} ({self.need.text})"

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "groups": [
                {"name": g.name, "order": g.order, "abelian": g.abelian, "solvable": g.solvable} for g in self.groups
            ],
            "groups_complete": self.complete,
            "solvable": self.solvable,
            "gates": self.gates,
            "gates_at_least": self.at_least,
        }


NO_GROUPS = LanguageGroups((), complete=True)
"""The groups of a star-free language."""


def language_groups(automaton: Automaton, *, set_limit: int = SET_LIMIT) -> LanguageGroups:
    """The groups of a language.

    Args:
        automaton: the trimmed minimal automaton.
        set_limit: the largest number of image sets, of all parts together.
    """
    found: dict[str, Group] = {}
    complete = True
    left = set_limit
    for part in counter_parts(automaton):
        sets, edges, whole = _skeleton(part, min(left, _MOST_IMAGES // len(part.maps)))
        left -= len(sets)
        complete = complete and whole
        for generators in _holonomy(part, sets, edges):
            group = group_of(generators)
            complete = complete and group is not None
            if group is not None:
                found.setdefault(group.name, group)
    return LanguageGroups(tuple(sorted(found.values(), key=lambda group: (group.order, group.name))), complete)


def _skeleton(part: Part, limit: int) -> tuple[list[tuple[int, ...]], list[dict[int, int]], bool]:
    """The image sets of two states or more, their arrows, and whether these are all."""
    sets = [tuple(range(part.size))]
    number = {sets[0]: 0}
    edges: list[dict[int, int]] = []
    whole = True
    for members in sets:
        row: dict[int, int] = {}
        for x, column in enumerate(part.maps):
            image = tuple(sorted({column[q] for q in members} - {DEAD}))
            if len(image) > 1:
                if image not in number:
                    if len(sets) >= limit:
                        whole = False
                        continue
                    number[image] = len(sets)
                    sets.append(image)
                row[x] = number[image]
        edges.append(row)
    return sets, edges, whole


def _holonomy(part: Part, sets: list[tuple[int, ...]], edges: list[dict[int, int]]) -> list[list[tuple[int, ...]]]:
    """Generators of the nontrivial holonomy group of each component that has one."""
    found = []
    for component in strong_components(len(sets), lambda s: edges[s].values()):
        inside, root = set(component), min(component)
        label = {root: sets[root]}
        queue = [root]
        turns: set[tuple[int, ...]] = set()
        for s in queue:
            for x, head in edges[s].items():
                if head not in inside:
                    continue
                image = tuple([part.maps[x][q] for q in label[s]])
                if head not in label:
                    label[head] = image
                    queue.append(head)
                elif image != label[head]:
                    place = {q: i for i, q in enumerate(label[head])}
                    turns.add(tuple([place[q] for q in image]))
        if turns:
            found.append(sorted(turns))
    return found
