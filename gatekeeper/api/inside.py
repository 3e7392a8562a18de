"""Stores within a transaction that is open already: what several use cases do in one request is one state."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.ports import Reader, Transaction

T = TypeVar("T")


class Undone(Exception):
    """A work failed within a transaction that is open, and a use case went on: all of it has to begin again."""


class Inside:
    """`Stores` within a transaction that is open: what several use cases read and write is one state.

    A work that fails is undone with the whole transaction and not alone. So whoever catches its failure gets nothing
    more done here.
    """

    def __init__(self, reader: Reader, writing: Transaction | None = None) -> None:
        self._reader, self._writing = reader, writing
        self._failed = False

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on the state of the transaction."""
        if self._failed:
            raise Undone
        return work(self._reader)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work in the transaction; it is durable with all the rest."""
        if self._writing is None:
            raise GatekeeperError("A request that only reads would have written.")
        if self._failed:
            raise Undone
        try:
            return work(self._writing)
        except BaseException:
            self._failed = True
            raise

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The same, done at once."""
        done: Future[T] = Future()
        done.set_result(self.transact(work))
        return done
