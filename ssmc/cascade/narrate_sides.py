"""The explanation of a bundle: what its patterns share, then each pattern by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssmc.cascade.narrate import count, narrate, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ssmc.cascade.bundle import Bundle
    from ssmc.cascade.explain import Explanation


def side_by_side(bundle: Bundle, names: Sequence[str], explanations: Sequence[Explanation]) -> Iterator[str]:
    """The lines of the explanation.

    Args:
        bundle: the bundle.
        names: the name of each pattern.
        explanations: of the cascade of each pattern.
    """
    own = sum(len(places) for places in bundle.places)
    yield (
        f"{count(len(bundle.components), 'component')} in {count(bundle.depth, 'layer')}; each pattern has a cascade of its own, and what is equal in several "
        f"of them is there once ({own - len(bundle.components)} saved)"
    )
    for k, component in enumerate(bundle.components):
        users = [str(i + 1) for i, places in enumerate(bundle.places) if k in places]
        if len(users) > 1:
            yield f"  shared by the patterns {', '.join(users)}: {component.name}, layer {bundle.layers[k]}"
    yield "a string is in the language if some pattern holds it"
    for i, (name, explanation) in enumerate(zip(names, explanations, strict=True), 1):
        yield ""
        yield f"pattern {i}: {name}"
        yield from (f"  {line}" for line in narrate(explanation))


def side_by_side_json(bundle: Bundle, names: Sequence[str], explanations: Sequence[Explanation]) -> dict[str, Any]:
    """The explanation in JSON types."""
    return {
        "mode": bundle.mode,
        "layers": bundle.depth,
        "patterns": [
            {"name": name, "places": list(places)} | to_json(explanation)
            for name, places, explanation in zip(names, bundle.places, explanations, strict=True)
        ],
    }
