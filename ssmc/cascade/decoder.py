"""A decoder in one layer: which node of an encoding's trie the next byte meets (docs/cascade.md, *Text*).

Windows tell the node behind the first byte of a symbol. Deeper nodes are the values of one reset component that every byte overwrites: the node
after a byte is a function of that byte and of the one or two before it. So a decoder has one scan layer however large the trie is, and reading
it adds one layer to a cascade of symbols.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.automaton import DEAD
from ssmc.cascade.ir import Component, overwrite

if TYPE_CHECKING:
    from ssmc.cascade.ir import AnyAction, Key, Kind
    from ssmc.encoding import Encoding

_TALL = 3
"""The height of a node behind a first byte from which two nodes lie before the last byte."""


@dataclass(frozen=True)
class Decoder:
    """The components of a decoder, and how they tell a node.

    Attributes:
        components: its windows, and the component of the deeper nodes if there are any.
        reads: the components that tell a node: the window behind first bytes, and the component of deeper nodes.
        places: the nodes with the values of `reads` at them; a node that is shared may be at several.
    """

    components: tuple[Component, ...]
    reads: tuple[int, ...]
    places: tuple[tuple[int, Key], ...]


def make_decoder(encoding: Encoding, *, window: int) -> Decoder:
    """The decoder of an encoding whose symbols are not all single bytes.

    Args:
        encoding: what it reads.
        window: the widest window that it may have; what lies further back is kept by reset components.
    """
    children, begins = encoding.children, encoding.begins
    every = range(encoding.byte_classes)
    firsts = sorted(set(children[0]) - {DEAD})
    lead = {node: i for i, node in enumerate(firsts, 1)}
    leads = [lead.get(node, 0) for node in children[0]]
    windows = [_tap("first byte", leads, 1, window)]
    deep = sorted({child for node in range(1, len(children)) for child in children[node]} - {DEAD})
    places = [(0, (0, 0)), *((node, (lead[node], 0)) for node in firsts)]
    if not deep:
        return Decoder(tuple(windows), (0,), tuple((node, key[:1]) for node, key in places))
    value = {DEAD: 0} | {node: i for i, node in enumerate(deep, 1)}
    tall = [node for node in firsts if encoding.heights[node] >= _TALL]
    # a second byte matters by the node that it leads to behind each first byte of a long symbol
    groups = {(DEAD,) * len(tall): 0}
    seconds = [
        0 if begins[x] else groups.setdefault(tuple(children[node][x] for node in tall), len(groups)) for x in every
    ]
    table: dict[Key, AnyAction] = {}
    for x in every:
        inside = not begins[x]
        for node in firsts:
            table[x, lead[node], 0, 0] = overwrite(value[children[node][x]] if inside else 0)
        for nodes, group in groups.items():
            table[x, 0, group, 0] = overwrite(0)
            for i, node in enumerate(nodes, 1):
                if node != DEAD:
                    table[x, 0, group, i] = overwrite(value[children[node][x]] if inside else 0)
    reads: tuple[int, ...] = (0,)
    if tall:
        older = [0, *(1 + tall.index(node) if node in tall else 0 for node in firsts)]
        windows.append(_tap("second byte", seconds, 1, window))
        windows.append(_tap("first byte, lag 2", older, 2, window, encoding.byte_classes))
        reads = (0, 1, 2)
    else:
        table = {key[:2]: action for key, action in table.items()}
    inner = Component("node of the encoding", "reset", len(deep) + 1, reads, MappingProxyType(table))
    places += [(node, (0, value[node])) for node in deep]
    return Decoder((*windows, inner), (0, len(windows)), tuple(places))


def _tap(name: str, values: list[int], lag: int, window: int, classes: int = 0) -> Component:
    """The component with a value for each class of the last byte, or (with `classes`) for each value of component 0 before it."""
    table: dict[Key, AnyAction] = {}
    for i, value in enumerate(values):
        keys: list[Key] = [(x, i) for x in range(classes)] if classes else [(i,)]
        table |= dict.fromkeys(keys, overwrite(value))
    kind: Kind = "window" if lag <= window else "reset"
    return Component(name, kind, max(values) + 1, (0,) if classes else (), MappingProxyType(table))
