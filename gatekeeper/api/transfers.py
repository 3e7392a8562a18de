"""Bytes of evidence on their way in and out: how many at once, how fast at least, and how much in an hour.

A place is held by somebody known, who may do this, and for as long as bytes keep coming: whoever sends a byte now and
then loses it, and whoever sends a thousand files at once has four places and is told to come again for the others.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from anyio import CapacityLimiter

from gatekeeper.api.problems import Refused

AT_ONCE_MAX = 8
OF_ONE_CALLER_MAX = 4
HOURLY_BYTES = 2 * 2**30
# Two megabits a second; the first seconds are for what comes before the first byte.
LEAST_BYTES_PER_S = 256 * 2**10
PATIENCE_S = 10.0
_HOUR_S = 3_600.0
# Threads that write and hash; the requests of people have their own.
_THREADS = 2


class Transfers:
    """Who moves bytes now, and who sent how many in the last hour."""

    def __init__(
        self,
        *,
        hourly_bytes: int = HOURLY_BYTES,
        patience_s: float = PATIENCE_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hourly_bytes, self.patience_s, self._now = hourly_bytes, patience_s, now
        self._of_caller = Counter[str]()
        self._lock = threading.Lock()  # bytes go out on threads, and come in on the event loop
        self._sent: dict[str, deque[tuple[float, int]]] = {}
        self.threads = CapacityLimiter(_THREADS)

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            Refused: 429, the caller has enough of them; 503, all are taken.
        """
        self.take(caller)
        try:
            yield
        finally:
            self.give_back(caller)

    def take(self, caller: str) -> None:
        """Take a place until it is given back. Errors as for `place`."""
        with self._lock:
            if self._of_caller[caller] >= OF_ONE_CALLER_MAX:
                told = f"{OF_ONE_CALLER_MAX} files of yours are on their way already."
                raise Refused(429, told, headers={"Retry-After": "5"})
            if self._of_caller.total() >= AT_ONCE_MAX:
                raise Refused(503, "Too many files are on their way.", headers={"Retry-After": "5"})
            self._of_caller[caller] += 1

    def give_back(self, caller: str) -> None:
        """Give a place back."""
        with self._lock:
            self._of_caller[caller] -= 1
            if not self._of_caller[caller]:
                del self._of_caller[caller]

    def count(self, caller: str, size_bytes: int) -> None:
        """Count bytes that a caller sent, whether or not they are kept.

        Raises:
            Refused: 429, that was too much for an hour.
        """
        now, sent = self._now(), self._sent.setdefault(caller, deque())
        while sent and sent[0][0] <= now - _HOUR_S:
            sent.popleft()
        sent.append((now, size_bytes))
        if sum(each for _, each in sent) > self._hourly_bytes:
            wait_s = int(sent[0][0] + _HOUR_S - now) + 1
            raise Refused(
                429,
                f"You sent more than {self._hourly_bytes // 2**20:,} MiB within an hour.",
                headers={"Retry-After": str(wait_s)},
            )


class Pace:
    """How long the next piece may take, so that all of it comes fast enough."""

    def __init__(self, patience_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._until = now, now() + patience_s

    def left_s(self, came_bytes: int) -> float:
        """Seconds until the next piece has to be here."""
        return max(0.0, self._until + came_bytes / LEAST_BYTES_PER_S - self._now())
