"""The read side: one connection in one transaction, so everything read belongs to one state."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from gatekeeper.domain.ledger import Account, Reservation, ReservationState
from gatekeeper.domain.merkle import Frontier
from gatekeeper.domain.party import Binding, Customer, Party
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import Run
from gatekeeper.stores import rows, tables
from gatekeeper.stores.faults import told

# Records fetched at once: bounds memory (a record is at most 64 KiB) and keeps no cursor open between pages.
PAGE_RECORDS = 256
# Leaf hashes are 32 bytes each.
PAGE_HASHES = 16_384


class SqlReader:
    """`gatekeeper.ports.Reader` over a connection that is in a transaction. Iterators end with the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def customer(self, customer_id: str) -> Customer | None:
        """The customer, or None."""
        row = self._one(select(tables.customer).where(tables.customer.c.id == customer_id))
        return rows.customer_of(row) if row else None

    def customers(self) -> list[Customer]:
        """All customers by id."""
        return [rows.customer_of(row) for row in self._all(select(tables.customer).order_by(tables.customer.c.id))]

    def parties(self) -> dict[str, Party]:
        """All parties by id."""
        return {row["id"]: rows.party_of(row) for row in self._all(select(tables.party).order_by(tables.party.c.id))}

    def proposal(self, customer_id: str) -> str | None:
        """The proposal that waits for approval, as it was put."""
        row = self._one(select(tables.proposal).where(tables.proposal.c.customer_id == customer_id))
        return str(row["proposal"]) if row else None

    def binding(self, cluster: str, namespace: str) -> Binding | None:
        """To whom a namespace belongs, or None."""
        found = tables.binding.c
        row = self._one(select(tables.binding).where(found.cluster == cluster, found.namespace == namespace))
        return rows.binding_of(row) if row else None

    def bindings(self) -> list[Binding]:
        """All bindings by cluster and namespace."""
        order = (tables.binding.c.cluster, tables.binding.c.namespace)
        return [rows.binding_of(row) for row in self._all(select(tables.binding).order_by(*order))]

    def run(self, run_id: str) -> Run | None:
        """The declared run, or None."""
        row = self._one(select(tables.run).where(tables.run.c.id == run_id))
        return rows.run_of(row) if row else None

    def runs(self) -> list[Run]:
        """All declared runs by id."""
        return [rows.run_of(row) for row in self._all(select(tables.run).order_by(tables.run.c.id))]

    def account(self, run_id: str) -> Account:
        """The account of a run; an empty one where nothing was booked yet."""
        row = self._one(select(tables.account).where(tables.account.c.run_id == run_id))
        return rows.account_of(row) if row else Account(run_id)

    def reservation(self, reservation_id: str) -> Reservation | None:
        """The reservation, ended or not, or None."""
        row = self._one(select(tables.reservation).where(tables.reservation.c.id == reservation_id))
        return rows.reservation_of(row) if row else None

    def open_reservations(self, customer_id: str | None = None) -> list[Reservation]:
        """Pending reservations, oldest first (by id where two opened at once), of one customer or of all."""
        found = tables.reservation.c
        asked = select(tables.reservation).where(found.state == ReservationState.PENDING.value)
        if customer_id is not None:
            asked = asked.where(found.customer_id == customer_id)
        return [rows.reservation_of(row) for row in self._all(asked.order_by(found.opened_at, found.id))]

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
        asked = _between(select(found.seq, found.leaf_hash), begin, end)
        return (bytes(row["leaf_hash"]) for row in self._pages(asked, begin, PAGE_HASHES))

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
        return ((int(row["seq"]), bytes(row["body"])) for row in self._pages(asked, begin, PAGE_RECORDS))

    def checkpoint(self) -> str | None:
        """The newest signed note, or None."""
        newest = select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size.desc()).limit(1)
        row = self._one(newest)
        return str(row["note"]) if row else None

    def _frontier(self) -> Frontier:
        row = self._one(select(tables.log_head.c.frontier).where(tables.log_head.c.id == tables.HEAD))
        return Frontier.from_bytes(row["frontier"]) if row else Frontier()

    def _one(self, asked: Select[Any]) -> RowMapping | None:
        with told():
            return self._connection.execute(asked).mappings().first()

    def _all(self, asked: Select[Any]) -> list[RowMapping]:
        with told():
            return list(self._connection.execute(asked).mappings())

    def _pages(self, asked: Select[Any], begin: int, page: int) -> Iterator[RowMapping]:
        """Rows of the record table by rising `seq`, a page at a time."""
        seq = tables.record.c.seq
        while True:
            found = self._all(asked.where(seq >= begin).order_by(seq).limit(page))
            yield from found
            if len(found) < page:
                return
            begin = found[-1]["seq"] + 1


def _between(asked: Select[Any], begin: int, end: int | None) -> Select[Any]:
    """Only records from `begin` to `end`, exclusive."""
    seq = tables.record.c.seq
    asked = asked.where(seq >= begin)
    return asked if end is None else asked.where(seq < end)
