"""Connections that open and then say nothing, or go on sending what was refused: uvicorn bears both, so we do not.

Without this, a pod that can reach the port fills all connections by sending nothing, and the API server is turned away;
and whoever is told that a body is too large has the rest of it decrypted for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

# From the first byte, or from the opening of a connection, to the end of its headers.
HEADERS_WITHIN_S = 10.0
# From an answer to a body that was not read to its end: time to read why, before the connection is cut.
UNREAD_WITHIN_S = 1.0
# No more may owe them at once: all connections filled, health is not answered either, and the process is restarted.
MOST_OWING = 256


class _Transport(Protocol):
    def abort(self) -> None: ...


class _Cycle(Protocol):
    response_complete: bool
    more_body: bool


class Connection(Protocol):
    """What we look at of a connection of uvicorn's httptools protocol."""

    transport: _Transport
    cycle: _Cycle | None
    timeout_keep_alive_task: object | None


class Idlers:
    """Remembers since when a connection owes its headers, and ends those that owe them too long or are too many."""

    def __init__(self, within_s: float = HEADERS_WITHIN_S, most: int = MOST_OWING) -> None:
        self._within_s, self._most = within_s, most
        self._since: dict[Connection, float] = {}

    def end_overdue(self, connections: Iterable[Connection], now: float) -> int:
        """Look at all open connections at a moment of a monotonic clock; how many were ended."""
        owing = [each for each in connections if _owes_headers(each)]
        self._since = {each: self._since.get(each, now) for each in owing}
        longest_first = sorted(self._since, key=lambda each: self._since[each])
        too_many = max(0, len(longest_first) - self._most)
        late = [each for each in longest_first[too_many:] if now - self._since[each] > self._patience_s(each)]
        overdue = longest_first[:too_many] + late
        for each in overdue:
            each.transport.abort()
        return len(overdue)

    def _patience_s(self, connection: Connection) -> float:
        unread = connection.cycle is not None and connection.cycle.more_body
        return min(UNREAD_WITHIN_S, self._within_s) if unread else self._within_s


def _owes_headers(connection: Connection) -> bool:
    """No request is being answered, and it is not resting between requests: that has a timer of its own."""
    answered = connection.cycle is None or connection.cycle.response_complete
    return answered and connection.timeout_keep_alive_task is None
