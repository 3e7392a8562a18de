"""Connections that open and then say nothing: uvicorn waits for their headers without end, so we do not.

Without this, a pod that can reach the port fills all connections by sending nothing, and the API server is turned away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

# From the first byte, or from the opening of a connection, to the end of its headers.
HEADERS_WITHIN_S = 10.0


class _Transport(Protocol):
    def abort(self) -> None: ...


class _Cycle(Protocol):
    response_complete: bool


class Connection(Protocol):
    """What we look at of a connection of uvicorn's httptools protocol."""

    transport: _Transport
    cycle: _Cycle | None
    timeout_keep_alive_task: object | None


class Idlers:
    """Remembers since when a connection owes its headers, and ends those that owe them too long."""

    def __init__(self, within_s: float = HEADERS_WITHIN_S) -> None:
        self._within_s = within_s
        self._since: dict[Connection, float] = {}

    def end_overdue(self, connections: Iterable[Connection], now: float) -> int:
        """Look at all open connections at a moment of a monotonic clock; how many were ended."""
        owing = [each for each in connections if _owes_headers(each)]
        self._since = {each: self._since.get(each, now) for each in owing}
        overdue = [each for each, since in self._since.items() if now - since > self._within_s]
        for each in overdue:
            each.transport.abort()
        return len(overdue)


def _owes_headers(connection: Connection) -> bool:
    """No request is being answered, and it is not resting between requests: that has a timer of its own."""
    answered = connection.cycle is None or connection.cycle.response_complete
    return answered and connection.timeout_keep_alive_task is None
