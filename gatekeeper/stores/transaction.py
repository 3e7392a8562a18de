"""The write side: what one work may change, and the log that it may append to.

All transactions run on the one writer connection, which holds the row of `log_head` locked. So nothing here races:
what was read a line above is still so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import (
    ClauseElement,
    Connection,
    Executable,
    RowMapping,
    Select,
    bindparam,
    select,
    text,
)

from gatekeeper.domain.correction import Correction
from gatekeeper.domain.customer import Binding
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from gatekeeper.domain.ledger import Account, Reservation
from gatekeeper.domain.merkle import Frontier, leaf_hash
from gatekeeper.domain.record import Record, encode
from gatekeeper.domain.run import Run
from gatekeeper.domain.usage import DailyUsage
from gatekeeper.ports.written import Written
from gatekeeper.stores import rows, tables
from gatekeeper.stores.answers import AnswerWrites
from gatekeeper.stores.asking import Changing
from gatekeeper.stores.batches import BatchWrites
from gatekeeper.stores.bindings import BindingWrites
from gatekeeper.stores.due import DueWrites
from gatekeeper.stores.endings import EndingWrites
from gatekeeper.stores.faults import told
from gatekeeper.stores.inquiries import InquiryWrites
from gatekeeper.stores.joins import JoinWrites
from gatekeeper.stores.kyc import KycWrites
from gatekeeper.stores.logins import LoginWrites
from gatekeeper.stores.observations import ObservationWrites
from gatekeeper.stores.profiles import ProfileWrites
from gatekeeper.stores.reader import SqlReader
from gatekeeper.stores.retention import RetentionWrites
from gatekeeper.stores.screening import ScreeningWrites
from gatekeeper.stores.statements import add, by_key, change, change_only, key_of
from gatekeeper.stores.tiers import TierWrites
from gatekeeper.stores.users import UserWrites
from gatekeeper.stores.written import WrittenWrites

_RECORDS_BY_ID = select(tables.record.c.id, tables.record.c.seq, tables.record.c.body).where(
    tables.record.c.id.in_(bindparam("keys", expanding=True))
)
_PROGRESS = change_only(tables.reservation, *rows.PROGRESS)
# A run's first usage of a day comes for all runs at once, at midnight: one statement, which both databases know.
_MORE_USAGE = text(
    "INSERT INTO daily_usage (run_id, day, device, device_s, low_tflop, best_tflop, high_tflop) "
    "VALUES (:run_id, :day, :device, :device_s, :low_tflop, :best_tflop, :high_tflop) "
    "ON CONFLICT (run_id, day, device) DO UPDATE SET device_s = daily_usage.device_s + excluded.device_s, "
    "low_tflop = daily_usage.low_tflop + excluded.low_tflop, "
    "best_tflop = daily_usage.best_tflop + excluded.best_tflop, "
    "high_tflop = daily_usage.high_tflop + excluded.high_tflop"
)
_LOCKED_HEAD = by_key(tables.log_head).with_for_update()


class SqlTransaction(
    AnswerWrites,
    BatchWrites,
    BindingWrites,
    DueWrites,
    InquiryWrites,
    EndingWrites,
    JoinWrites,
    KycWrites,
    LoginWrites,
    ObservationWrites,
    ProfileWrites,
    RetentionWrites,
    ScreeningWrites,
    TierWrites,
    UserWrites,
    WrittenWrites,
    Changing,
    SqlReader,
):
    """`gatekeeper.ports.Transaction`: one work's view of the writer connection.

    Attributes:
        head: the tree after all appends of this work; the writer stores it before it commits.
        lost: a statement failed in a way that may have ended the whole transaction. SQLite rolls back by itself on
            a full disk, and would then commit each later statement alone; so nothing runs any more.
    """

    def __init__(self, connection: Connection, head: Frontier) -> None:
        super().__init__(connection)
        self.head = head
        self.lost = False

    def put_binding(self, binding: Binding) -> None:
        """Bind a namespace, or bind it to somebody else.

        Raises:
            Conflict: the customer is not stored.
        """
        self._put(tables.binding, rows.binding_row(binding))

    def put_run(self, run: Run) -> None:
        """Store a run, new or changed.

        Raises:
            Conflict: the customer is not stored.
        """
        self._put(tables.run, rows.run_row(run))

    def put_account(self, account: Account) -> None:
        """Store the totals of a run."""
        self._put(tables.account, rows.account_row(account))

    def put_accounts(self, accounts: Collection[Account]) -> None:
        """Store the totals of many runs, each named once."""
        values = {each.run_id: rows.account_row(each) for each in accounts}
        keyed = [{**row, **key_of(tables.account, row)} for row in values.values()]
        if not values or self._run_all(change(tables.account), keyed) == len(values):
            return
        new = values.keys() - {each.run_id for each in self.accounts(values)}
        if new:
            self._run_all(add(tables.account), [values[run_id] for run_id in sorted(new)])

    def put_reservation(self, reservation: Reservation) -> None:
        """Store a reservation, new or changed."""
        self._put(tables.reservation, rows.reservation_row(reservation))

    def add_reservations(self, reservations: Collection[Reservation]) -> None:
        """Store new reservations.

        Raises:
            Conflict: one of them is stored already.
        """
        if reservations:
            self._run(add(tables.reservation), [rows.reservation_row(each) for each in reservations])

    def put_progress(self, reservations: Collection[Reservation]) -> None:
        """Store how far stored reservations are.

        Raises:
            NotFound: one of them is not stored.
        """
        changed = [rows.progress_row(each) for each in reservations]
        keyed = [{**row, **key_of(tables.reservation, row)} for row in changed]
        if keyed and self._run_all(_PROGRESS, keyed) < len(keyed):
            raise NotFound("A reservation that was to be changed is not stored.")

    def add_daily_usage(self, entries: Iterable[DailyUsage]) -> None:
        """Add to what is stored for their run, day and device."""
        added: dict[tuple[str, date, str], DailyUsage] = {}
        for entry in entries:
            key = entry.run_id, entry.day, entry.device
            known = added.get(key)
            added[key] = entry if known is None else known.plus(entry)
        if added:
            self._run_all(_MORE_USAGE, [rows.daily_usage_row(each) for each in added.values()])

    def put_correction(self, correction: Correction) -> None:
        """Store a correction, new or approved."""
        self._put(tables.correction, rows.correction_row(correction))

    def put_checkpoint(self, size: int, note: str) -> None:
        """Store the signed note over the first `size` records; of two over one size the later one stays.

        Raises:
            Conflict: the log does not have so many records.
        """
        if size > self.head.size:
            raise Conflict(f"A checkpoint over {size} records cannot belong to a log of {self.head.size}.")
        self._put(tables.checkpoint, {"size": size, "note": note})

    def append(self, record: Record) -> int:
        """Append a record, or find that it is there already, and return its index.

        Raises:
            Conflict: a record with this id exists with other content.
        """
        return self.append_all([record])[0]

    def append_all(self, records: Sequence[Record]) -> list[int]:
        """Append records in their order, each as `append` does; their indexes."""
        known = {row["id"]: row for row in self._named(_RECORDS_BY_ID, [each.id for each in records])}
        found = {uid: (bytes(row["body"]), int(row["seq"])) for uid, row in known.items()}
        indexes, new, size = list[int](), list[rows.Values](), self.head.size
        for record in records:
            body = encode(record)
            before, seq = found.setdefault(record.id, (body, size + len(new)))
            if before != body:
                raise Conflict(f"Record {record.id} is in the log already, with other content.")
            if seq == size + len(new):
                new.append(rows.record_row(record, seq, leaf_hash(body)))
            indexes.append(seq)
        if new:
            self._run_all(add(tables.record), new)
            self.head = self.head.extend(row["leaf_hash"] for row in new)
        return indexes

    def write_all(self, written: Written) -> None:
        """Store many changes of the registry in few statements.

        Raises:
            Conflict: as the single calls.
        """
        self._write_registry(self.head.size, written)
        self.append_all(written.records)

    def _frontier(self) -> Frontier:
        return self.head

    def _run(self, statement: Executable, parameters: rows.Values | Sequence[rows.Values]) -> int:
        """Run a statement that changes rows, once or for many rows; how many it changed."""
        with self._watched():
            return self._connection.execute(statement, parameters).rowcount

    def _run_all(self, statement: ClauseElement, values: Sequence[rows.Values]) -> int:
        """Run a statement for many rows, whose values are as they are stored; how many rows it changed."""
        with self._watched():
            return super()._run_all(statement, values)

    def _all(self, asked: Select[Any], parameters: rows.Values | None = None) -> list[RowMapping]:
        with self._watched():
            return super()._all(asked, parameters)

    def _column(self, asked: Select[Any]) -> Sequence[bytes]:
        with self._watched():
            return super()._column(asked)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if self.lost:
            raise Unavailable("The database lost this transaction.", hint="Nothing was changed; try again.")
        try:
            with told():
                yield
        except (Unavailable, MemoryError):
            self.lost = True
            raise


def lock_head(connection: Connection) -> Frontier:
    """Take the write lock over all processes and read the tree as it stands.

    Raises:
        InvalidInput: the row is damaged.
        Unavailable: somebody else holds the lock for too long.
    """
    with told():
        row = connection.execute(_LOCKED_HEAD, key_of(tables.log_head, {"id": tables.HEAD})).mappings().first()
    frontier = Frontier.from_bytes(row["frontier"]) if row else None
    if row is None or frontier is None or frontier.size != row["size"]:
        raise InvalidInput("The head of the log in the database is damaged.", hint="Restore it from a backup.")
    return frontier


def store_head(connection: Connection, frontier: Frontier) -> None:
    """Write the tree as it stands after a group of works."""
    values = {"id": tables.HEAD, "size": frontier.size, "frontier": frontier.to_bytes()}
    with told():
        connection.execute(change(tables.log_head), {**values, **key_of(tables.log_head, values)})
