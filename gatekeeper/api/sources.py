"""Who asks too much: failed attempts to be somebody by source, and requests under way by source.

A source is an IPv4 address or an IPv6 network of 64 bits. No header of a proxy is believed. Behind one proxy all are
one source: so a token that held a moment ago is still looked at while its source is refused otherwise.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
from collections import Counter, OrderedDict, deque

FAILURES_MAX = 20
WITHIN_S = 60.0
SOURCES_MAX = 4_096
TOKENS_MAX = 1_024


def source_of(address: str) -> str:
    """The source that an address belongs to."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


class Failures:
    """Failed attempts of the last minute, by source. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()
        self._held: OrderedDict[bytes, None] = OrderedDict()
        self._door = threading.Lock()

    def wait_s(self, source: str, token: str, now: float) -> float:
        """How long this source has to wait before we look at its token; 0 for one that may be looked at."""
        with self._door:
            failed = self._failed.get(source)
            if failed is None or len(failed) < FAILURES_MAX or _digest(token) in self._held:
                return 0.0
            return max(0.0, failed[0] + WITHIN_S - now)

    def failed(self, source: str, token: str, now: float) -> None:
        """A token did not hold."""
        with self._door:
            self._held.pop(_digest(token), None)
            self._failed.setdefault(source, deque(maxlen=FAILURES_MAX)).append(now)
            self._failed.move_to_end(source)
            if len(self._failed) > SOURCES_MAX:
                self._failed.popitem(last=False)

    def held(self, token: str) -> None:
        """A token held."""
        with self._door:
            self._held[_digest(token)] = None
            self._held.move_to_end(_digest(token))
            if len(self._held) > TOKENS_MAX:
                self._held.popitem(last=False)


class UnderWay:
    """Requests under way, all and by source; for one event loop."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._by_source: Counter[str] = Counter()

    def enter(self, source: str) -> bool:
        """Take a place, if there is one."""
        if self._by_source.total() >= self._most or self._by_source[source] >= self._most_of_one:
            return False
        self._by_source[source] += 1
        return True

    def leave(self, source: str) -> None:
        """Give the place back."""
        self._by_source[source] -= 1
        if not self._by_source[source]:
            del self._by_source[source]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
