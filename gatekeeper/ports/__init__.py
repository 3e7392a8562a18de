"""What the use cases need from outside, as protocols. Written from what they need, not from what a database offers.

A `Transaction` sees one consistent state. When `Stores.transact` returns, all that the work wrote is durable, records
included: nothing may become visible outside (an answer, a lifted gate) before that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from datetime import date, datetime
from typing import Protocol, TypeVar

from gatekeeper.domain.correction import Correction
from gatekeeper.domain.customer import Binding, Customer
from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.ledger import Account, Reservation, ReservationState
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.run import Run
from gatekeeper.domain.usage import DailyUsage, Observation, PodInterval
from gatekeeper.ports.answers import AnswerReads, AnswerWrites
from gatekeeper.ports.batches import BatchReads, BatchWrites
from gatekeeper.ports.bindings import BindingReads, BindingWrites
from gatekeeper.ports.due import DueReads, DueWrites
from gatekeeper.ports.endings import EndingReads, EndingWrites
from gatekeeper.ports.inquiries import InquiryReads, InquiryWrites
from gatekeeper.ports.joins import JoinReads, JoinWrites
from gatekeeper.ports.kyc import KycReads, KycWrites
from gatekeeper.ports.observations import ObservationReads, ObservationWrites
from gatekeeper.ports.owners import OwnerReads
from gatekeeper.ports.profiles import ProfileReads, ProfileWrites
from gatekeeper.ports.retention import RetentionReads, RetentionWrites
from gatekeeper.ports.screening import ScreeningReads, ScreeningWrites
from gatekeeper.ports.tiers import TierReads, TierWrites
from gatekeeper.ports.users import LoginReads, LoginWrites, UserReads, UserWrites
from gatekeeper.ports.written import WrittenWrites

T = TypeVar("T")


class Clock(Protocol):
    """Where "now" comes from: read once per use case and passed inward."""

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        ...


class Reader(
    AnswerReads,
    BatchReads,
    BindingReads,
    DueReads,
    EndingReads,
    JoinReads,
    InquiryReads,
    KycReads,
    LoginReads,
    ObservationReads,
    OwnerReads,
    ProfileReads,
    RetentionReads,
    ScreeningReads,
    TierReads,
    UserReads,
    Protocol,
):
    """Read side of one consistent state."""

    def customer(self, customer_id: str) -> Customer | None: ...
    def customers(self) -> list[Customer]: ...
    def parties(self) -> dict[str, Party]: ...
    def proposal(self, customer_id: str) -> str | None:
        """The proposed record of a customer that waits for approval, as JSON text; None where nothing waits."""
        ...

    def binding(self, cluster: str, namespace: str) -> Binding | None: ...
    def bindings(self) -> list[Binding]: ...
    def run(self, run_id: str) -> Run | None: ...
    def runs(self) -> list[Run]: ...

    def account(self, run_id: str) -> Account:
        """The account of a run; an empty one where nothing was booked yet."""
        ...

    def accounts(self, run_ids: Collection[str] | None = None) -> list[Account]:
        """The accounts on which something was booked, by run: of these runs, or all."""
        ...

    def reservation(self, reservation_id: str) -> Reservation | None: ...
    def reservations(self, ids: Collection[str]) -> dict[str, Reservation]:
        """Those of these ids that there are, ended or not, by id."""
        ...

    def booked_until(self, ids: Collection[str] | None = None) -> dict[str, tuple[ReservationState, datetime | None]]:
        """Reservations that have not ended: id -> state and how far its usage is booked; of these ids, or all. Cheap
        for a hundred thousand."""
        ...

    def open_reservations(self, customer_id: str | None = None) -> list[Reservation]:
        """All pending reservations, oldest first, of one customer or of all."""
        ...

    def reservations_in(self, cluster: str, namespace: str) -> list[Reservation]:
        """Those of a namespace that have not ended, oldest first."""
        ...

    def metered_reservations(self) -> list[Reservation]:
        """Those that hold nothing: their pods run under a clearance and are only metered. Oldest first."""
        ...

    def daily_usage(
        self, run_id: str | None = None, *, since: date | None = None, until: date | None = None
    ) -> list[DailyUsage]:
        """Usage of one run or of all by day and device, in this order; `since` <= day < `until`."""
        ...

    def correction(self, correction_id: str) -> Correction | None: ...
    def corrections(self, run_id: str | None = None) -> list[Correction]:
        """Corrections of one run or of all, in effect or waiting, oldest first."""
        ...

    def log_size(self) -> int:
        """Number of records; grows with every change, so it also tells whether a cached view is stale."""
        ...

    def leaves(self, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Record bytes in order, exactly as they were hashed."""
        ...

    def leaf_hashes(self, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Their leaf hashes (RFC 6962) in order, 32 bytes each."""
        ...

    def records(
        self,
        *,
        types: Collection[RecordType] = (),
        customer: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        begin: int = 0,
        end: int | None = None,
    ) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of records in order: of these types (none named: all), whose facts name this customer,
        `since` <= at < `until`, `begin` <= index < `end`."""
        ...

    def log_root(self) -> bytes:
        """RFC 6962 root over all records."""
        ...

    def checkpoint(self) -> str | None:
        """The newest signed note, or None."""
        ...


class Transaction(
    AnswerWrites,
    BatchWrites,
    BindingWrites,
    DueWrites,
    EndingWrites,
    JoinWrites,
    InquiryWrites,
    KycWrites,
    LoginWrites,
    ObservationWrites,
    ProfileWrites,
    RetentionWrites,
    ScreeningWrites,
    TierWrites,
    UserWrites,
    WrittenWrites,
    Reader,
    Protocol,
):
    """Write side: holds the write lock from its first line on."""

    def put_binding(self, binding: Binding) -> None: ...
    def put_run(self, run: Run) -> None: ...
    def put_account(self, account: Account) -> None: ...
    def put_accounts(self, accounts: Collection[Account]) -> None: ...
    def put_reservation(self, reservation: Reservation) -> None: ...
    def add_reservations(self, reservations: Collection[Reservation]) -> None:
        """Store new reservations.

        Raises:
            Conflict: one of them is stored already.
        """
        ...

    def put_progress(self, reservations: Collection[Reservation]) -> None:
        """Store how far stored reservations are (state, usage, what they hold); what they were opened for stays.

        Raises:
            NotFound: one of them is not stored.
        """
        ...

    def add_daily_usage(self, entries: Iterable[DailyUsage]) -> None:
        """Add to what is stored for their run, day and device."""
        ...

    def put_correction(self, correction: Correction) -> None: ...
    def put_checkpoint(self, size: int, note: str) -> None: ...
    def append(self, record: Record) -> int:
        """Append a record to the log in this transaction and return its index.

        Raises:
            Conflict: a record with this id exists with other content; the same content again changes nothing.
        """
        ...

    def append_all(self, records: Sequence[Record]) -> list[int]:
        """Append many records in their order, as `append` does; their indexes."""
        ...


class Stores(Protocol):
    """The database: one writer, many readers."""

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work in a transaction and return its result once it is durable; an exception undoes all of it."""
        ...

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The same without waiting; several works share one fsync."""
        ...

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on one consistent state."""
        ...


class Counters(Protocol):
    """What device counters said, from Prometheus or a simulation."""

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        """One answer for each interval, in any order: an observation for each device that the pod had in it, nothing
        where there are no counters, or why the telemetry does not answer (the caller waits or books the worst case).
        """
        ...


class Signer(Protocol):
    """Signs checkpoints."""

    def sign(self, *, size: int, root: bytes, leaf_hashes: Callable[[], list[bytes]]) -> str:
        """A signed note over (size, root).

        Raises:
            Conflict: a larger or different tree was signed before: the database is not the one it was.
        """
        ...
