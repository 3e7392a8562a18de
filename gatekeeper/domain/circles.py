"""Circles in a graph: the parties that own or control each other over any number of steps, owners before owned.

Tarjan's algorithm (1972) without recursion, so that a chain of a hundred thousand parties needs no deep stack.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence


def circles(
    wanted: Iterable[int], above: Sequence[Sequence[int]] | Mapping[int, Sequence[int]], within: Container[int]
) -> Iterator[list[int]]:
    """The wanted nodes and all above them, as groups: a node alone, or the members of a circle.

    Each group comes after all groups that own it, so that whoever reads them in turn knows the owners already.

    Args:
        above: the owners of each node.
        within: nodes that are looked at; owners outside are left alone.
    """
    found: dict[int, int] = {}  # node -> when it was first seen
    lowest: dict[int, int] = {}  # node on the way -> the earliest node of its circle that is known
    circle: list[int] = []
    for start in wanted:
        if start in found:
            continue
        found[start] = lowest[start] = len(found)
        circle.append(start)
        way = [(start, iter(above[start]))]
        while way:
            node, rest = way[-1]
            for owner in rest:
                if owner not in found:
                    if owner not in within:
                        continue
                    found[owner] = lowest[owner] = len(found)
                    circle.append(owner)
                    way.append((owner, iter(above[owner])))
                    break
                if owner in lowest and lowest[owner] < lowest[node]:
                    lowest[node] = lowest[owner]
            else:
                way.pop()
                if way and lowest[node] < lowest[way[-1][0]]:
                    lowest[way[-1][0]] = lowest[node]
                if lowest[node] == found[node]:
                    yield _closed(circle, node, lowest)


def _closed(circle: list[int], first: int, lowest: dict[int, int]) -> list[int]:
    """Take a whole circle off the stack."""
    members = [circle.pop()]
    while members[-1] != first:
        members.append(circle.pop())
    for each in members:
        del lowest[each]
    return members
