"""Use cases inside of a transaction that is open already, at one moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import TypeVar

from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.books import Books

T = TypeVar("T")


class Still(Clock):
    """A clock that stands: a batch is one moment."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The moment."""
        return self._at


class Open(Stores):
    """Stores whose one transaction is open already and ends elsewhere."""

    def __init__(self, books: Books) -> None:
        self._tx = books.as_transaction

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work in the open transaction."""
        return work(self._tx)

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The same, as a future that has ended."""
        future = Future[T]()
        future.set_result(work(self._tx))
        return future

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on what the transaction sees."""
        return work(self._tx)
