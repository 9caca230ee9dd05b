"""The second engine for the transition monoid: libsemigroups (C++), an extra that nothing else in the package imports.

Source: J. D. Mitchell et al., libsemigroups, the Froidure-Pin algorithm. Its licence is GPL-3, so it is never needed: the package works without it.
"""

from __future__ import annotations

from array import array
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ssmc.algebra.maps import MEMORY_LIMIT, element_bytes, transition_maps
from ssmc.algebra.monoid import ELEMENT_LIMIT, TransitionMonoid
from ssmc.automaton import DEAD
from ssmc.errors import LimitError, UsageError

if TYPE_CHECKING:
    from ssmc.automaton import Automaton

_SLICE = timedelta(milliseconds=200)
"""How long the enumeration runs before its size is compared with the limit."""


def enumerate_by_libsemigroups(
    automaton: Automaton, *, limit: int = ELEMENT_LIMIT, memory_limit: int = MEMORY_LIMIT
) -> TransitionMonoid:
    """The transition monoid of the complete minimal automaton, equal to that of `enumerate_monoid`.

    Args:
        automaton: the language.
        limit: the largest number of elements.
        memory_limit: the largest number of bytes that the elements may take.

    Raises:
        UsageError: the package libsemigroups-pybind11 is not installed.
        LimitError: one of the limits is reached.
    """
    lib = _package()
    maps = transition_maps(automaton)
    sink = automaton.states
    columns = [[sink if r == DEAD else r for r in column] + [sink] for column in automaton.columns]
    found = lib.FroidurePin(*(lib.Transf(column) for column in (list(range(sink + 1)), *columns)))
    most = min(limit, memory_limit // (element_bytes(maps) + 8 + 8 * len(columns)))
    while not found.finished():
        found.run_for(_SLICE)
        if found.current_size() > most:
            raise LimitError("elements of the transition monoid", found.current_size(), most, "--monoid-limit")
    elements = [maps.pack(list(element.images())[: maps.size]) for element in found]
    graph = found.right_cayley_graph()
    right, prefix, last = array("I"), array("i", [-1]), array("i", [-1])
    for i in range(len(elements)):
        right.extend(graph.target(i, x + 1) for x in range(len(columns)))
        if i:
            prefix.append(found.prefix(i) if found.length(i) > 1 else 0)
            last.append(found.final_letter(i) - 1)
    return TransitionMonoid(maps, elements, {e: i for i, e in enumerate(elements)}, prefix, last, right)


def _package() -> Any:
    try:
        import libsemigroups_pybind11 as lib
    except ImportError:
        raise UsageError("this engine needs the package libsemigroups-pybind11 (the extra 'oracle')") from None
    lib.ReportGuard(False)
    return lib
