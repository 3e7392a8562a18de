"""Gate, stores and telemetry as they are, with somebody who counts what goes through them.

A use case that is handed one of these works exactly as before: what it asks is passed on, and so is what it gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar, cast

from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.record import Record
from gatekeeper.domain.usage import Observation, PodInterval
from gatekeeper.gate import Gang, Gate, Release
from gatekeeper.metrics.events import COUNTERS, NOTHING, UNAVAILABLE, Events
from gatekeeper.ports import Clock, Counters, Reader, Stores, Transaction
from gatekeeper.view import Provider

T = TypeVar("T")


class WatchedGate(Gate):
    """A gate whose answers to the controller are timed."""

    def __init__(self, stores: Stores, provider: Provider, clock: Clock, events: Events) -> None:
        super().__init__(stores, provider, clock)
        self._events = events

    def release(self, gang: Gang) -> Release:
        """As the gate does."""
        began_at = time.perf_counter()
        answer = super().release(gang)
        if answer.decision is not None:  # Without one these pods hold their reservations already.
            self._events.decided(answer.decision.verdict.value, time.perf_counter() - began_at)
        return answer


class WatchedStores:
    """Stores that tell of each record once it is durable."""

    def __init__(self, stores: Stores, events: Events) -> None:
        self._stores, self._events = stores, events

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """As the stores do."""
        appended: list[Record] = []
        result = self._stores.transact(_noting(work, appended))
        self._tell(appended)
        return result

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """As the stores do."""
        appended: list[Record] = []
        future = self._stores.submit(_noting(work, appended))
        future.add_done_callback(lambda done: None if done.exception() else self._tell(appended))
        return future

    def read(self, work: Callable[[Reader], T]) -> T:
        """As the stores do."""
        return self._stores.read(work)

    def _tell(self, appended: Sequence[Record]) -> None:
        for record in appended:
            self._events.appended(record)


class WatchedCounters:
    """Telemetry whose answers are counted and timed; the time of whoever reads them is not."""

    def __init__(self, counters: Counters, events: Events) -> None:
        self._counters, self._events = counters, events

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        """As the telemetry does."""
        began_at = time.perf_counter()
        answers = iter(self._counters.observe(asked))
        spent_s, left = time.perf_counter() - began_at, len(asked)
        try:
            while True:
                began_at = time.perf_counter()
                try:
                    interval, answer = next(answers)
                except StopIteration:
                    return
                except Unavailable:
                    for _ in range(left):
                        self._events.answered(UNAVAILABLE)
                    raise
                finally:
                    spent_s += time.perf_counter() - began_at
                left -= 1
                self._events.answered(_outcome(answer))
                yield interval, answer
        finally:
            self._events.asked(spent_s)


def _outcome(answer: list[Observation] | Unavailable) -> str:
    if isinstance(answer, Unavailable):
        return UNAVAILABLE
    return COUNTERS if answer else NOTHING


class _Noting:
    """A transaction that remembers what was appended in it."""

    __slots__ = ("_appended", "_tx")

    def __init__(self, tx: Transaction, appended: list[Record]) -> None:
        self._tx, self._appended = tx, appended

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def append(self, record: Record) -> int:
        """As the transaction does."""
        index = self._tx.append(record)
        self._appended.append(record)
        return index

    def append_all(self, records: Sequence[Record]) -> list[int]:
        """As the transaction does."""
        indexes = self._tx.append_all(records)
        self._appended.extend(records)
        return indexes


def _noting(work: Callable[[Transaction], T], appended: list[Record]) -> Callable[[Transaction], T]:
    def noted(tx: Transaction) -> T:
        return work(cast("Transaction", _Noting(tx, appended)))

    return noted
