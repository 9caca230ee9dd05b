"""Strongly connected components of a graph given by its successor function (networkx would cost its import at every start)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def strong_components(count: int, successors: Callable[[int], Iterable[int]]) -> list[list[int]]:
    """The strongly connected components in reverse topological order (Tarjan 1972, without recursion).

    Args:
        count: the number of vertices 0..count-1.
        successors: the heads of the edges from a vertex; asked for once each.
    """
    order = [0] * count  # 0: not seen; otherwise 1 + discovery time
    low = [0] * count
    stacked = [False] * count
    stack: list[int] = []
    found: list[list[int]] = []
    clock = 0
    for start in range(count):
        if order[start]:
            continue
        clock += 1
        order[start] = low[start] = clock
        stack.append(start)
        stacked[start] = True
        path = [(start, iter(successors(start)))]
        while path:
            vertex, rest = path[-1]
            for head in rest:
                if not order[head]:
                    clock += 1
                    order[head] = low[head] = clock
                    stack.append(head)
                    stacked[head] = True
                    path.append((head, iter(successors(head))))
                    break
                if stacked[head] and order[head] < low[vertex]:
                    low[vertex] = order[head]
            else:
                path.pop()
                if path and low[vertex] < low[path[-1][0]]:
                    low[path[-1][0]] = low[vertex]
                if low[vertex] == order[vertex]:
                    component = []
                    while True:
                        member = stack.pop()
                        stacked[member] = False
                        component.append(member)
                        if member == vertex:
                            break
                    found.append(component)
    return found
