"""The table of a pattern set: the product of the automata of its patterns, as far as strings reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Integers = NDArray[np.int32]

LIMIT = 100_000
"""States of the product up to which its table is written out."""


def joint_table(automaton: Mapping[str, Any], limit: int = LIMIT) -> dict[str, Any]:
    """The JSON of a pattern set with the table written out; it need not be minimal.

    Args:
        automaton: `PatternSet.to_json()`.
        limit: the most states.

    Raises:
        LimitError: there are more.
    """
    alphabet, members = automaton["alphabet"], automaton["members"]
    starts = np.array(alphabet["starts"], np.int64)
    count = 1 + max(alphabet["run_classes"], default=-1)
    first = np.zeros(count, np.int64)
    first[np.array(alphabet["run_classes"], np.int64)[::-1]] = starts[::-1]
    after, accepting = [], []
    for member in members:
        own = member["alphabet"]
        runs = np.searchsorted(np.array(own["starts"]), first, side="right") - 1
        classes = np.array(own["run_classes"], np.int64)[runs]
        table = np.array(member["delta"], np.int32).reshape(
            len(member["delta"]), 1 + max(own["run_classes"], default=-1)
        )
        # row -1 is the sink
        after.append(np.concatenate([table, np.full((1, table.shape[1]), -1, np.int32)])[:, classes])
        holds = np.zeros(len(table) + 1, bool)
        holds[member["accepting"]] = True
        accepting.append(holds)
    start = np.array([[0 if member["delta"] else -1 for member in members]], np.int32)
    number = {start.tobytes(): 0}
    states, rows = [start], []
    frontier = start
    while len(frontier):
        reached = np.stack([table[frontier[:, i]] for i, table in enumerate(after)], axis=-1)
        flat = np.ascontiguousarray(reached.reshape(-1, len(members)))
        keys = flat.view(np.dtype((np.void, flat.dtype.itemsize * len(members))))[:, 0]
        kinds, where, place = np.unique(keys, return_index=True, return_inverse=True)
        fresh, numbers = [], np.empty(len(kinds), np.int64)
        for i, kind in enumerate(kinds):
            dead = bool((flat[where[i]] < 0).all())
            if not dead and kind.tobytes() not in number:
                number[kind.tobytes()] = len(number)
                fresh.append(where[i])
            numbers[i] = -1 if dead else number[kind.tobytes()]
        if len(number) > limit:
            raise LimitError(
                "states of the joint automaton of a pattern set, by which engines run it", len(number), limit
            )
        rows.append(numbers[place.reshape(-1)].reshape(len(frontier), count))
        frontier = flat[fresh]
        states.append(frontier)
    every = np.concatenate(states)
    if (start < 0).all():
        return {"alphabet": alphabet, "delta": [], "accepting": [], "patterns": [[] for _ in members]}
    held = [np.flatnonzero(holds[every[:, i]]).tolist() for i, holds in enumerate(accepting)]
    return {
        "alphabet": alphabet,
        "delta": np.concatenate(rows).tolist(),
        "accepting": sorted({state for own in held for state in own}),
        "patterns": held,
    }
