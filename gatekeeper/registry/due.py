"""Use cases on approvals that end: who is due to be verified again, and the notices of it, once each.

An approval lasts as long as its terms allow (`approvals`: 12 months for Tier 1, 6 for all others). A notice falls due
60, 30 and 7 days before its end and at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.facts import Facts, moment, new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.ports.due import Notice
from gatekeeper.registry.desk import Desk

REGISTRY = Actor(ActorKind.SERVICE, "registry")
# Records in one transaction: it holds the lock that releases wait for.
GROUP_MAX = 100


class NoticeKind(StrEnum):
    """How near the end of an approval is."""

    DAYS_60 = "60_days"
    DAYS_30 = "30_days"
    DAYS_7 = "7_days"
    EXPIRED = "expired"

    @property
    def before(self) -> timedelta:
        """How long before the end it falls due."""
        return _BEFORE[self]


_BEFORE = {
    NoticeKind.DAYS_60: timedelta(days=60),
    NoticeKind.DAYS_30: timedelta(days=30),
    NoticeKind.DAYS_7: timedelta(days=7),
    NoticeKind.EXPIRED: timedelta(0),
}


@dataclass(frozen=True, slots=True)
class Due:
    """A customer whose approval ends soon or has ended.

    Attributes:
        kind: the last notice that is due; None where the end is further away than the first.
    """

    customer: Customer
    ends_at: datetime
    standing: Standing
    kind: NoticeKind | None


class DueRegistry(Desk):
    """Use cases on approvals that end, over one store."""

    def due(self, *, within: timedelta = NoticeKind.DAYS_60.before) -> list[Due]:
        """Customers whose approval has ended or ends within a time, the first to end first."""
        now = self._clock.now()
        found = [
            Due(each, end, each.standing_at(now), next((kind for kind, _ in reversed(list(_fallen(end, now)))), None))
            for each in self._stores.read(lambda reader: reader.customers())
            if (end := _end_of(each)) is not None and end - now <= within
        ]
        return sorted(found, key=lambda each: (each.ends_at, each.customer.id))

    def record_notices(self, enough: Callable[[], bool] = lambda: False) -> int:
        """Put on record each notice that has fallen due and is not yet; how many those were.

        One that is on record for this end of the approval is never repeated, however often anybody asks.

        Args:
            enough: asked after each group of them; once it says so, the others are left to the next time.
        """
        now, recorded = self._clock.now(), 0
        while self._stores.read(lambda reader: _unrecorded(reader, now, at_most=1)):
            recorded += self._stores.transact(partial(_record, now=now))
            if enough():
                break
        return recorded


def _unrecorded(reader: Reader, now: datetime, *, at_most: int) -> list[Notice]:
    """Notices that have fallen due and are not on record: those of the longest time first."""
    found: list[Notice] = []
    for kind in NoticeKind:
        left = at_most - len(found)
        found += reader.unrecorded_notices(kind.value, ends_by=now + kind.before, at_most=left) if left else []
    return found


def _record(tx: Transaction, now: datetime) -> int:
    """Record one group of them."""
    notices = _unrecorded(tx, now, at_most=GROUP_MAX)
    tx.add_notices(notices)
    tx.append_all([new_record(RecordType.CUSTOMER_NOTICE, REGISTRY, now, _facts(each)) for each in notices])
    return len(notices)


def _facts(notice: Notice) -> Facts:
    return {
        "customer": notice.customer_id,
        "version": notice.version,
        "kind": notice.kind,
        "expires_at": moment(notice.ends_at),
    }


def _end_of(customer: Customer) -> datetime | None:
    return customer.expires_at if customer.standing is Standing.APPROVED else None


def _fallen(end: datetime, now: datetime) -> Iterator[tuple[NoticeKind, datetime]]:
    """The notices that have fallen due, first to last, and when."""
    return ((kind, end - kind.before) for kind in NoticeKind if now >= end - kind.before)
