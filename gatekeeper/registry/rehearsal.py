"""Long works beside the writer: rehearsed on one state of the store without its lock, then stored at once.

A work that looks at ten thousand customers takes seconds, in which nobody could be released, settled or stopped. So it
writes into a `Sheet` over a reader; the lock is taken only to store the sheet, and only where nothing that such a work
looks at has changed since. Where something has, the work is rehearsed again on what is there now.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from gatekeeper.domain.errors import Conflict
from gatekeeper.domain.record import RecordType
from gatekeeper.ports import Reader, Stores, Transaction
from gatekeeper.registry.sheet import Sheet

T = TypeVar("T")
TRIES = 3
# What runs, is counted and is told meanwhile, second by second, and who reads or adds files: no work on customers looks
# at any of it. Everything else, also what is not known here, counts as a change of what a rehearsal looked at.
BESIDE_IT = frozenset(
    {
        RecordType.RESERVATION_PENDING,
        RecordType.RESERVATION_SETTLED,
        RecordType.RESERVATION_VOIDED,
        RecordType.RESERVATION_END_PROPOSED,
        RecordType.RESERVATION_END_REJECTED,
        RecordType.METERING_BEGUN,
        RecordType.METERING_SETTLED,
        RecordType.CORRECTION_PROPOSED,
        RecordType.CORRECTION_REJECTED,
        RecordType.USAGE_CORRECTED,
        RecordType.WORKLOAD_REFUSED,
        RecordType.WORKLOAD_HELD,
        RecordType.WORKLOAD_WARNED,
        RecordType.WORKLOAD_RELEASED,
        RecordType.WORKLOAD_STOPPED,
        RecordType.CLEARANCE_GIVEN,
        RecordType.CLEARANCE_WITHDRAWN,
        RecordType.NAMESPACE_PROPOSED,
        RecordType.NAMESPACE_BOUND,
        RecordType.NAMESPACE_REJECTED,
        RecordType.NAMESPACE_UNBOUND,
        RecordType.NAMESPACE_IDENTIFIED,
        RecordType.TIER_CHANGED,
        RecordType.CUSTOMER_NOTICE,
        RecordType.EVIDENCE_ADDED,
        RecordType.EVIDENCE_READ,
        RecordType.ATTESTATION_MADE,
        RecordType.LOG_EXPORTED,
    }
)
_LOOKED_AT = frozenset(RecordType) - BESIDE_IT


class Rehearsed:
    """`Stores` whose works are rehearsed first, and so hold the writer only while their result is stored."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work, perhaps more than once, and return its result once it is durable.

        Raises:
            Conflict: what it looks at changed again and again while it ran; nothing was done.
        """
        for _ in range(TRIES):
            sheet, result = self._stores.read(lambda reader: _rehearsed(reader, work))
            if not sheet.has_changes or self._stores.transact(partial(_stored, sheet)):
                return result
        raise Conflict(
            "Others change customers faster than all of this can be worked out; nothing was changed.",
            hint="Do it again in a moment, or in smaller parts.",
        )

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The same, done at once: a rehearsal takes no place in the writer's queue."""
        done = Future[T]()
        done.set_result(self.transact(work))
        return done

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on one consistent state."""
        return self._stores.read(work)


def _rehearsed(reader: Reader, work: Callable[[Transaction], T]) -> tuple[Sheet, T]:
    sheet = Sheet(reader)
    return sheet, work(sheet.as_transaction)


def _stored(sheet: Sheet, tx: Transaction) -> bool:
    """Store a sheet where what it rests on still holds; whether it does."""
    if next(tx.records(types=_LOOKED_AT, begin=sheet.begin), None) is not None or not sheet.found_same(tx):
        return False
    sheet.store(tx)
    return True
