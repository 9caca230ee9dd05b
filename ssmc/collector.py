"""Cyclic garbage collection while a stage runs."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_FIRST = 1_000
"""More frozen objects than an interpreter begins with (CPython 3.12: a few hundred), and fewer than there are once a library is loaded."""
_lock = Lock()
_inside = 0


@contextmanager
def settled_heap() -> Iterator[None]:
    """What exists at the beginning is left out of cyclic garbage collection to the end; what is made meanwhile is collected as always.

    The stages make many small objects and few cycles; each full collection would go through all of the libraries that are loaded (some 10^5 objects of
    torch), which is about a tenth of the time of a search, a lowering and their proofs. Blocks may be nested, also by several threads. Where somebody has frozen
    objects (`gc.freeze`) nothing is done.
    """
    global _inside
    with _lock:
        if _inside or gc.get_freeze_count() < _AT_FIRST:
            _inside += 1
            ours = True
            if _inside == 1:
                gc.freeze()
        else:
            ours = False
    try:
        yield
    finally:
        if ours:
            with _lock:
                _inside -= 1
                if not _inside:
                    gc.unfreeze()
