"""What a scrape reads from the database: one consistent state, read on a thread of its own and never for long.

A database that is slow, locked or gone costs a scrape no more than `patience_s`: it then goes without these numbers,
and says so. At most one reading is under way, however many scrapes come.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from gatekeeper.domain.checkpoint import Checkpoint
from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.ledger import ReservationState
from gatekeeper.domain.tier import Tier
from gatekeeper.metrics.runs import People, RunFigures
from gatekeeper.ports import Clock, Reader, Stores

PATIENCE_S = 2.0
EXPIRING_WITHIN_DAYS = (7, 30, 90)
_log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Books:
    """The database at one moment.

    Attributes:
        booked_until: open reservation -> its state, and until when its usage is booked.
        expiring: days -> approvals that end within them. soonest_expiry_s: None where no approval holds.
        unresolved: pack -> customers whose tier it could not resolve. overrides: how many are in force.
        unsigned: records that no stored checkpoint covers.
    """

    at: datetime
    records: int
    unsigned: int
    booked_until: Mapping[str, tuple[ReservationState, datetime | None]]
    runs: tuple[RunFigures, ...]
    runs_left_out: int
    standings: Mapping[Standing, int]
    expiring: Mapping[int, int]
    soonest_expiry_s: float | None
    unresolved: Mapping[str, int]
    overrides: int


def read_books(reader: Reader, people: People, now: datetime, *, runs_max: int) -> Books:
    """Read all of it from one state."""
    everybody = people.current(reader, now)
    runs, left_out = people.figures(reader.accounts(), everybody, now, most=runs_max)
    customers = everybody.by_customer.values()
    left = [left for each in customers if (left := _approved_for(each, now)) is not None]
    note = reader.checkpoint()
    return Books(
        at=now,
        records=everybody.log_size,
        unsigned=everybody.log_size - (_size_of(note) if note else 0),
        booked_until=reader.booked_until(),
        runs=tuple(runs),
        runs_left_out=left_out,
        standings=Counter(each.standing_at(now) for each in customers),
        expiring={days: sum(each <= timedelta(days=days) for each in left) for days in EXPIRING_WITHIN_DAYS},
        soonest_expiry_s=min(left).total_seconds() if left else None,
        unresolved=Counter(pack for (_, pack), tier in reader.known_tiers().items() if tier is Tier.UNRESOLVED),
        overrides=sum(each.holds_at(now) for those in everybody.by_override.values() for each in those),
    )


class BooksReader:
    """Reads the books for scrapes."""

    def __init__(self, stores: Stores, clock: Clock, people: People, *, runs_max: int) -> None:
        self._stores, self._clock, self._people, self._runs_max = stores, clock, people, runs_max
        self._reading = _Single(self._read)

    def current(self, patience_s: float = PATIENCE_S) -> Books | None:
        """The books as they are now; None where the database does not answer in time."""
        return self._reading.within(patience_s)

    def _read(self) -> Books | None:
        now = self._clock.now()
        try:
            return self._stores.read(lambda reader: read_books(reader, self._people, now, runs_max=self._runs_max))
        except GatekeeperError as error:
            _log.warning("books_not_read", error=str(error)[:300])
        except Exception:  # noqa: BLE001 - the page of metrics tells that it went without them
            _log.exception("books_not_read")
        return None


class _Single(Generic[T]):
    """A call that may hang, on a thread of its own; while one is under way no other is begun."""

    def __init__(self, call: Callable[[], T | None]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._result: T | None = None

    def within(self, patience_s: float) -> T | None:
        """What the call answers, or None where it takes longer. One that is late answers whoever asks while it runs."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._result = None
                self._thread = threading.Thread(target=self._run, name="metrics books", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(patience_s)
        return None if thread.is_alive() else self._result

    def _run(self) -> None:
        self._result = self._call()


def _approved_for(customer: Customer, now: datetime) -> timedelta | None:
    """How long an approval still holds; None where none does."""
    holds = customer.standing_at(now).holds and customer.expires_at is not None
    return customer.expires_at - now if holds and customer.expires_at else None


def _size_of(note: str) -> int:
    """Number of records that a stored note covers. We wrote it ourselves: its signature is not asked."""
    return Checkpoint.parse(note.partition("\n\n")[0] + "\n").size
