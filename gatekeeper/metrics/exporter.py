"""All of it put together: what is counted, what is read, and the page that a scrape gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from gatekeeper.cluster.sight import Sight
from gatekeeper.domain.policy import ActivePack, Site
from gatekeeper.metrics.books import BooksReader
from gatekeeper.metrics.collector import Facts, ServiceCollector
from gatekeeper.metrics.events import Events
from gatekeeper.metrics.runs import People
from gatekeeper.metrics.server import MetricsServer
from gatekeeper.ports import Clock, Stores

# Whoever asks more often gets the same page again: scrapes must not become the process' main work.
PAGE_HOLDS_S = 1.0
RUNS_MAX = 500


class Exporter:
    """The metrics of one process. `events` is for those who have something to tell."""

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        *,
        packs: tuple[ActivePack, ...],
        site: Site,
        telemetry: bool,
        runs_max: int = RUNS_MAX,
        page_holds_s: float = PAGE_HOLDS_S,
        token_file: Path | None = None,
    ) -> None:
        self._registry = CollectorRegistry()
        self.events = Events(self._registry)
        self._sight: Callable[[], Sight] | None = None
        books = BooksReader(stores, clock, People(packs, site), runs_max=runs_max)
        collector = ServiceCollector(
            Facts(packs, telemetry),
            clock,
            books=books.current,
            sight=lambda: self._sight() if self._sight else None,
            signed_s_ago=lambda: self.events.signed_s_ago,
        )
        self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        self._holds_s = page_holds_s
        self._door = threading.Lock()
        self._page, self._page_at = b"", float("-inf")
        self._server = MetricsServer(self.page, token_file)

    def follow(self, sight: Callable[[], Sight]) -> None:
        """Tell of a controller too."""
        self._sight = sight

    def page(self) -> bytes:
        """All metrics in Prometheus' text format; made for one scrape at a time."""
        with self._door:
            if time.monotonic() - self._page_at >= self._holds_s:
                self._page = generate_latest(self._registry)
                self._page_at = time.monotonic()
            return self._page

    def start(self, host: str, port: int) -> int:
        """Serve /metrics; the port that was bound.

        Raises:
            Unavailable: the address cannot be bound.
        """
        return self._server.start(host, port)

    def stop(self) -> None:
        """End the server."""
        self._server.stop()
