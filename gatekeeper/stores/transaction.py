"""The write side: what one work may change, and the log that it may append to.

All transactions run on the one writer connection, which holds the row of `log_head` locked. So nothing here races:
what was read a line above is still so.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, and_, delete, insert, select, update

from gatekeeper.domain.errors import Conflict, InvalidInput, Unavailable
from gatekeeper.domain.ledger import Account, Reservation
from gatekeeper.domain.merkle import Frontier, leaf_hash
from gatekeeper.domain.party import Binding, Customer, Party
from gatekeeper.domain.record import Record, encode
from gatekeeper.domain.run import Run
from gatekeeper.stores import rows, tables
from gatekeeper.stores.faults import told
from gatekeeper.stores.reader import SqlReader


class SqlTransaction(SqlReader):
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

    def put_customer(self, customer: Customer) -> None:
        """Store a customer, new or changed."""
        self._put(tables.customer, rows.customer_row(customer))

    def put_party(self, party: Party) -> None:
        """Store a party, new or changed."""
        self._put(tables.party, rows.party_row(party))

    def put_proposal(self, customer_id: str, proposal: str | None) -> None:
        """Store the one proposal of a customer that waits; None removes it."""
        if proposal is not None:
            self._put(tables.proposal, {"customer_id": customer_id, "proposal": proposal})
            return
        self._run(delete(tables.proposal).where(tables.proposal.c.customer_id == customer_id))

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

    def put_reservation(self, reservation: Reservation) -> None:
        """Store a reservation, new or changed."""
        self._put(tables.reservation, rows.reservation_row(reservation))

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
        body = encode(record)
        found = tables.record.c
        known = self._one(select(found.seq, found.body).where(found.id == record.id))
        if known is not None:
            if bytes(known["body"]) != body:
                raise Conflict(f"Record {record.id} is in the log already, with other content.")
            return int(known["seq"])
        leaf, seq = leaf_hash(body), self.head.size
        customer = record.facts.get("customer")
        values = {
            "seq": seq,
            "id": record.id,
            "at": record.at,
            "type": record.type.value,
            "customer": customer if isinstance(customer, str) else None,
            "body": body,
            "leaf_hash": leaf,
        }
        self._run(insert(tables.record).values(values))
        self.head = self.head.append(leaf)
        return seq

    def _frontier(self) -> Frontier:
        return self.head

    def _put(self, table: Table, values: rows.Values) -> None:
        """Change the row with this key, or insert it: no statement that only one database knows."""
        key = and_(*(column == values[column.name] for column in table.primary_key))
        if self._run(update(table).where(key).values(values)) == 0:
            self._run(insert(table).values(values))

    def _run(self, statement: Any) -> int:
        """Run a statement that changes rows; how many it changed."""
        self._check()
        try:
            with told():
                return int(self._connection.execute(statement).rowcount)
        except (Unavailable, MemoryError):
            self.lost = True
            raise

    def _all(self, asked: Select[Any]) -> list[RowMapping]:
        self._check()
        try:
            return super()._all(asked)
        except (Unavailable, MemoryError):
            self.lost = True
            raise

    def _one(self, asked: Select[Any]) -> RowMapping | None:
        return next(iter(self._all(asked)), None)

    def _check(self) -> None:
        if self.lost:
            raise Unavailable("The database lost this transaction.", hint="Nothing was changed; try again.")


def lock_head(connection: Connection) -> Frontier:
    """Take the write lock over all processes and read the tree as it stands.

    Raises:
        InvalidInput: the row is damaged.
        Unavailable: somebody else holds the lock for too long.
    """
    head = tables.log_head
    with told():
        row = connection.execute(select(head).where(head.c.id == tables.HEAD).with_for_update()).mappings().first()
    frontier = Frontier.from_bytes(row["frontier"]) if row else None
    if row is None or frontier is None or frontier.size != row["size"]:
        raise InvalidInput("The head of the log in the database is damaged.", hint="Restore it from a backup.")
    return frontier


def store_head(connection: Connection, frontier: Frontier) -> None:
    """Write the tree as it stands after a group of works."""
    head = tables.log_head
    changed = update(head).where(head.c.id == tables.HEAD)
    with told():
        connection.execute(changed.values(size=frontier.size, frontier=frontier.to_bytes()))
