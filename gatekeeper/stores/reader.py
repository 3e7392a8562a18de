"""The read side: one connection in one transaction, so everything read belongs to one state."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BindParameter, RowMapping, Select, bindparam, select

from gatekeeper.domain.correction import Correction
from gatekeeper.domain.customer import Binding, Customer
from gatekeeper.domain.ledger import Account, Reservation, ReservationState
from gatekeeper.domain.merkle import Frontier
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import Run
from gatekeeper.domain.usage import DailyUsage
from gatekeeper.stores import rows, tables
from gatekeeper.stores.answers import AnswerReads
from gatekeeper.stores.asking import Asking
from gatekeeper.stores.batches import BatchReads
from gatekeeper.stores.bindings import BindingReads
from gatekeeper.stores.due import DueReads
from gatekeeper.stores.endings import EndingReads
from gatekeeper.stores.faults import told
from gatekeeper.stores.inquiries import InquiryReads
from gatekeeper.stores.joins import JoinReads
from gatekeeper.stores.kyc import KycReads
from gatekeeper.stores.logins import LoginReads
from gatekeeper.stores.observations import ObservationReads
from gatekeeper.stores.owners import OwnerReads
from gatekeeper.stores.profiles import ProfileReads
from gatekeeper.stores.retention import RetentionReads
from gatekeeper.stores.screening import ScreeningReads
from gatekeeper.stores.tiers import TierReads
from gatekeeper.stores.users import UserReads

# Records fetched at once: bounds memory (a record is at most 64 KiB) and keeps no cursor open between pages.
PAGE_RECORDS = 256
# Leaf hashes are 32 bytes each.
PAGE_HASHES = 16_384


_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_OPEN = [each.value for each in ReservationState if each not in (ReservationState.SETTLED, ReservationState.VOIDED)]
_ACCOUNTS = select(tables.account).where(tables.account.c.run_id.in_(_KEYS)).order_by(tables.account.c.run_id)
_RESERVATIONS = select(tables.reservation).where(tables.reservation.c.id.in_(_KEYS))
_BOOKED = select(tables.reservation.c.id, tables.reservation.c.state, tables.reservation.c.metered_until).where(
    tables.reservation.c.state.in_(_OPEN)
)
_BOOKED_OF = _BOOKED.where(tables.reservation.c.id.in_(_KEYS))


class SqlReader(
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
    Asking,
):
    """`gatekeeper.ports.Reader` over a connection that is in a transaction. Iterators end with the transaction.

    What belongs to one noun alone stands beside its table, in a file of its own, as a base of this class.
    """

    def customer(self, customer_id: str) -> Customer | None:
        """The customer, or None."""
        row = self._get(tables.customer, id=customer_id)
        return rows.customer_of(row) if row else None

    def customers(self) -> list[Customer]:
        """All customers by id."""
        return [rows.customer_of(row) for row in self._all(select(tables.customer).order_by(tables.customer.c.id))]

    def parties(self) -> dict[str, Party]:
        """All parties by id."""
        return {
            row["id"]: rows.party_of_row(row) for row in self._all(select(tables.party).order_by(tables.party.c.id))
        }

    def proposal(self, customer_id: str) -> str | None:
        """The proposal that waits for approval, as it was put."""
        row = self._get(tables.proposal, customer_id=customer_id)
        return str(row["proposal"]) if row else None

    def binding(self, cluster: str, namespace: str) -> Binding | None:
        """To whom a namespace belongs, or None."""
        row = self._get(tables.binding, cluster=cluster, namespace=namespace)
        return rows.binding_of(row) if row else None

    def bindings(self) -> list[Binding]:
        """All bindings by cluster and namespace."""
        order = (tables.binding.c.cluster, tables.binding.c.namespace)
        return [rows.binding_of(row) for row in self._all(select(tables.binding).order_by(*order))]

    def run(self, run_id: str) -> Run | None:
        """The declared run, or None."""
        row = self._get(tables.run, id=run_id)
        return rows.run_of(row) if row else None

    def runs(self) -> list[Run]:
        """All declared runs by id."""
        return [rows.run_of(row) for row in self._all(select(tables.run).order_by(tables.run.c.id))]

    def account(self, run_id: str) -> Account:
        """The account of a run; an empty one where nothing was booked yet."""
        row = self._get(tables.account, run_id=run_id)
        return rows.account_of(row) if row else Account(run_id)

    def accounts(self, run_ids: Collection[str] | None = None) -> list[Account]:
        """Accounts by run: of these runs, or all."""
        if run_ids is not None:
            return [rows.account_of(row) for row in self._named(_ACCOUNTS, sorted(run_ids))]
        return [rows.account_of(row) for row in self._all(select(tables.account).order_by(tables.account.c.run_id))]

    def reservation(self, reservation_id: str) -> Reservation | None:
        """The reservation, ended or not, or None."""
        row = self._get(tables.reservation, id=reservation_id)
        return rows.reservation_of(row) if row else None

    def reservations(self, ids: Collection[str]) -> dict[str, Reservation]:
        """Those of these ids that there are, by id."""
        return {row["id"]: rows.reservation_of(row) for row in self._named(_RESERVATIONS, list(ids))}

    def open_reservations(self, customer_id: str | None = None) -> list[Reservation]:
        """Pending reservations, oldest first (by id where two opened at once), of one customer or of all."""
        asked = _in_state(ReservationState.PENDING)
        if customer_id is not None:
            asked = asked.where(tables.reservation.c.customer_id == customer_id)
        return [rows.reservation_of(row) for row in self._all(asked)]

    def reservations_in(self, cluster: str, namespace: str) -> list[Reservation]:
        """Those of a namespace that have not ended, oldest first."""
        # The workload is JSON, and the names in it need no escape: the database reads over all others without us.
        names = (f'"{name}": {json.dumps(value)}' for name, value in (("cluster", cluster), ("namespace", namespace)))
        found = tables.reservation.c
        asked = select(tables.reservation).where(found.state.in_(_OPEN)).order_by(found.opened_at, found.id)
        asked = asked.where(*(found.workload.contains(each, autoescape=True) for each in names))
        among = [rows.reservation_of(row) for row in self._all(asked)]
        return [each for each in among if (each.workload.cluster, each.workload.namespace) == (cluster, namespace)]

    def metered_reservations(self) -> list[Reservation]:
        """Those that hold nothing, oldest first."""
        return [rows.reservation_of(row) for row in self._all(_in_state(ReservationState.METERED))]

    def daily_usage(
        self, run_id: str | None = None, *, since: date | None = None, until: date | None = None
    ) -> list[DailyUsage]:
        """Usage of one run or of all by run, day and device; `since` <= day < `until`."""
        found = tables.daily_usage.c
        asked = select(tables.daily_usage).order_by(found.run_id, found.day, found.device)
        if run_id is not None:
            asked = asked.where(found.run_id == run_id)
        if since is not None:
            asked = asked.where(found.day >= since.isoformat())
        if until is not None:
            asked = asked.where(found.day < until.isoformat())
        return [rows.daily_usage_of(row) for row in self._all(asked)]

    def booked_until(self, ids: Collection[str] | None = None) -> dict[str, tuple[ReservationState, datetime | None]]:
        """State and `metered_until` of those that have not ended, by id: of these ids, or all."""
        found = self._all(_BOOKED) if ids is None else self._named(_BOOKED_OF, list(ids))
        return {row["id"]: (rows.STATES[row["state"]], row["metered_until"]) for row in found}

    def correction(self, correction_id: str) -> Correction | None:
        """The correction, in effect or waiting, or None."""
        row = self._get(tables.correction, id=correction_id)
        return rows.correction_of(row) if row else None

    def corrections(self, run_id: str | None = None) -> list[Correction]:
        """Corrections of one run or of all, oldest first (by id where two were proposed at once)."""
        found = tables.correction.c
        asked = select(tables.correction).order_by(found.proposed_at, found.id)
        if run_id is not None:
            asked = asked.where(found.run_id == run_id)
        return [rows.correction_of(row) for row in self._all(asked)]

    def log_size(self) -> int:
        """Number of records."""
        return self._frontier().size

    def log_root(self) -> bytes:
        """RFC 6962 root over all records."""
        return self._frontier().root()

    def leaves(self, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes of the records `begin` to `end` (exclusive), in order."""
        return (body for _, body in self.records(begin=begin, end=end))

    def leaf_hashes(self, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Leaf hashes of the records `begin` to `end` (exclusive), in order."""
        found = tables.record.c
        while end is None or begin < end:
            last = begin + PAGE_HASHES if end is None else min(begin + PAGE_HASHES, end)
            asked = select(found.leaf_hash).where(found.seq >= begin, found.seq < last).order_by(found.seq)
            page = self._column(asked)
            yield from page
            begin += PAGE_HASHES
            if len(page) < PAGE_HASHES:
                return

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
        """Index and bytes of the records that fit all that is given, in order; see the port."""
        found = tables.record.c
        asked = _between(select(found.seq, found.body), begin, end)
        if types:
            asked = asked.where(found.type.in_(sorted(each.value for each in types)))
        if customer is not None:
            asked = asked.where(found.customer == customer)
        if since is not None:
            asked = asked.where(found.at >= since)
        if until is not None:
            asked = asked.where(found.at < until)
        return ((int(row["seq"]), bytes(row["body"])) for row in self._pages(asked, begin))

    def checkpoint(self) -> str | None:
        """The newest signed note, or None."""
        found = self._all(select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size.desc()).limit(1))
        return str(found[0]["note"]) if found else None

    def _frontier(self) -> Frontier:
        row = self._get(tables.log_head, id=tables.HEAD)
        return Frontier.from_bytes(row["frontier"]) if row else Frontier()

    def _column(self, asked: Select[Any]) -> Sequence[bytes]:
        """One column alone: cheaper than rows, which counts where all records are asked for."""
        with told():
            return self._connection.execute(asked).scalars().all()

    def _pages(self, asked: Select[Any], begin: int) -> Iterator[RowMapping]:
        """Rows of the record table by rising `seq`, a page at a time."""
        seq = tables.record.c.seq
        while True:
            found = self._all(asked.where(seq >= begin).order_by(seq).limit(PAGE_RECORDS))
            yield from found
            if len(found) < PAGE_RECORDS:
                return
            begin = found[-1]["seq"] + 1


def _between(asked: Select[Any], begin: int, end: int | None) -> Select[Any]:
    """Only records from `begin` to `end`, exclusive."""
    seq = tables.record.c.seq
    asked = asked.where(seq >= begin)
    return asked if end is None else asked.where(seq < end)


def _in_state(state: ReservationState) -> Select[Any]:
    """Reservations of one state, oldest first (by id where two opened at once)."""
    found = tables.reservation.c
    return select(tables.reservation).where(found.state == state.value).order_by(found.opened_at, found.id)
