"""How much of a pass one namespace gets: gated pods cost a tenant nothing, and a pass is for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
# Each costs a transaction and perhaps a question to the API server: some milliseconds.
TURNS_MAX = 100


class Turns(Generic[T]):
    """Chooses whose turn it is in a pass.

    Of a namespace with more than `most` things, the first half of the turns goes to those that wait longest, and the
    other half to all others in rotation: what cannot start never keeps what could from being asked for.
    """

    def __init__(self, namespace_of: Callable[[T], str], most: int = TURNS_MAX) -> None:
        self._namespace_of = namespace_of
        self._most = most
        self._next: dict[str, int] = {}

    def of(self, things: Iterable[T]) -> tuple[list[T], bool]:
        """Those whose turn it is, in the order they came in, and whether others wait for theirs."""
        by_namespace: dict[str, list[int]] = {}
        ordered = list(things)
        for position, thing in enumerate(ordered):
            by_namespace.setdefault(self._namespace_of(thing), []).append(position)
        crowded = {name for name, positions in by_namespace.items() if len(positions) > self._most}
        self._next = {name: self._next.get(name, 0) for name in crowded}
        chosen = {
            position
            for name, positions in by_namespace.items()
            for position in (self._some(name, positions) if name in crowded else positions)
        }
        return [ordered[position] for position in sorted(chosen)], bool(crowded)

    def _some(self, namespace: str, positions: list[int]) -> list[int]:
        fixed = self._most // 2
        first, others = positions[:fixed], positions[fixed:]
        begin = self._next[namespace] % len(others)
        self._next[namespace] = begin + self._most - fixed
        return first + (others + others)[begin : begin + self._most - fixed]
