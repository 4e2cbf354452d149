"""Order: who comes before whom, and who stands in a circle."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node")
Edges = Mapping[Node, Iterable[Node]]


def components(nodes: Sequence[Node], after: Edges[Node]) -> list[list[Node]]:
    """Groups of nodes that reach each other, each group after all that its nodes come `after`.

    Tarjan's algorithm, without recursion: a chain of tables may be long. The order depends on `nodes` alone.
    """
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    waiting: set[Node] = set()
    groups: list[list[Node]] = []
    position = {node: number for number, node in enumerate(nodes)}
    for start in nodes:
        if start in index:
            continue
        work = [(start, iter(_known(after, start, position)))]
        index[start] = low[start] = len(index)
        stack.append(start)
        waiting.add(start)
        while work:
            node, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cut = stack.index(node)
                    group = stack[cut:]
                    del stack[cut:]
                    waiting.difference_update(group)
                    groups.append(sorted(group, key=position.__getitem__))
            elif step not in index:
                index[step] = low[step] = len(index)
                stack.append(step)
                waiting.add(step)
                work.append((step, iter(_known(after, step, position))))
            elif step in waiting:
                low[node] = min(low[node], index[step])
    return groups


def _known(after: Edges[Node], node: Node, position: Mapping[Node, int]) -> list[Node]:
    return sorted({each for each in after.get(node, ()) if each in position}, key=position.__getitem__)


def is_cyclic(nodes: Sequence[Node], after: Edges[Node]) -> bool:
    """Whether some node comes after itself."""
    return any(len(group) > 1 for group in components(nodes, after)) or any(
        node in set(after.get(node, ())) for node in nodes
    )
