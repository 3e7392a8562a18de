"""Versions of parties, customers and proposals: each change of one adds a row here, and no row is ever changed.

A row names the record that tells of it by its index: the next one of the same transaction, after those that wait to be
appended together. So who changed it, when and why stands in one place, the log, and what was known at a moment is what
has an index below the size that the log had then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, bindparam, func, select, text

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.merkle import Frontier
from gatekeeper.domain.party import Party
from gatekeeper.domain.person import person_keys
from gatekeeper.domain.record import Record, canonical_json, decode
from gatekeeper.ports.kyc import Version
from gatekeeper.stores import rows, tables
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.owners import OwnerWrites
from gatekeeper.stores.tables import Moment, metadata


def _version_table(kind: str, *further: Column[Any]) -> Table:
    return Table(
        f"{kind}_version",
        metadata,
        Column(f"{kind if kind == 'party' else 'customer'}_id", String(63), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
        *further,
    )


# The columns beside the body are for the database's own check that nobody approves what he prepared.
_CHECKED = ("standing", "prepared_by", "prepared_key", "prepared_unique", "approved_by", "approved_key")
party_version = _version_table("party")
proposal_version = _version_table("proposal")
customer_version = _version_table(
    "customer",
    *(Column(name, Text, nullable=False) for name in (*_CHECKED, "approved_unique")),
    Column("expires_at", Moment),
)
_BY_KIND = {"party": party_version, "customer": customer_version, "proposal": proposal_version}


def _adding(table: Table) -> Any:
    """Add a version where the body is not what the newest one says; one statement, which both databases know."""
    key, *others = [column.name for column in table.columns if column.name not in ("number", "seq", "body")]
    named = "".join(f", {name}" for name in others)
    given = "".join(f", {_given(name)}" for name in others)
    newest = f"SELECT body FROM {table.name} WHERE {key} = {_given(key)} ORDER BY number DESC LIMIT 1"  # noqa: S608
    return text(
        f"INSERT INTO {table.name} ({key}, number, seq, body{named}) "  # noqa: S608 - names of our own tables
        f"SELECT {_given(key)}, COALESCE(MAX(number), 0) + 1, {_given('seq')}, {_given('body')}{given} "
        f"FROM {table.name} WHERE {key} = {_given(key)} HAVING COALESCE(({newest}), '') <> {_given('body')}"
    )


def _given(name: str) -> str:
    """A parameter with its type: a server cannot know it from where it stands."""
    return f"CAST(:{name} AS {'BIGINT' if name in ('seq', 'expires_at') else 'VARCHAR'})"


ADD_PARTY, ADD_PROPOSAL, ADD_CUSTOMER = map(_adding, (party_version, proposal_version, customer_version))
_PARTY_ACTS = (
    select(party_version.c.party_id, party_version.c.seq, tables.record.c.body.label("leaf"))
    .join(tables.record, tables.record.c.seq == party_version.c.seq)
    .where(party_version.c.party_id.in_(bindparam("keys", expanding=True)))
)
_KNOWN_SIZE = select(func.max(tables.record.c.seq)).where(tables.record.c.at <= bindparam("at", type_=Moment))


class VersionReads(Asking):
    """The part of `gatekeeper.ports.kyc.KycReads` that is about versions."""

    def versions(self, kind: str, uid: str) -> list[Version]:
        """All versions of a party, a customer or a customer's proposal, oldest first."""
        table, begins = _BY_KIND[kind], self.versions_from()
        key = table.primary_key.columns[0]
        asked = (
            select(table.c.number, table.c.seq, table.c.body, tables.record.c.body.label("leaf"))
            .outerjoin(tables.record, tables.record.c.seq == table.c.seq)
            .where(key == uid)
            .order_by(table.c.number)
        )
        return [
            Version(
                kind,
                uid,
                row["number"],
                row["seq"],
                # A row from before versions were kept has the index of a record that tells of something else.
                decode(bytes(row["leaf"])) if row["leaf"] is not None and row["seq"] >= begins else None,
                json.loads(row["body"]) if row["body"] else None,
            )
            for row in self._all(asked)
        ]

    def known_size(self, at: datetime) -> int:
        """How many records the log had at a moment."""
        last = self._all(_KNOWN_SIZE, {"at": at})[0]["max_1"]
        return 0 if last is None else int(last) + 1

    def versions_from(self) -> int:
        """The size of the log from which on versions tell what was known."""
        row = self._all(select(history_start.c.size))
        return int(row[0]["size"]) if row else 0

    def customers_known(self, size: int) -> dict[str, Customer]:
        """All customers as they were when the log had this many records."""
        found = {row["customer_id"]: json.loads(row["body"]) for row in self._newest(customer_version, size)}
        return {uid: rows.customer_of_json(body) for uid, body in found.items()}

    def parties_known(self, size: int) -> dict[str, Party]:
        """All parties as they were when the log had this many records."""
        return {row["party_id"]: rows.party_of_row(row) for row in self._newest(party_version, size)}

    def proposal_known(self, customer_id: str, size: int) -> str | None:
        """The proposal of a customer as it was when the log had this many records."""
        asked = (
            select(proposal_version.c.body)
            .where(proposal_version.c.customer_id == customer_id, proposal_version.c.seq < size)
            .order_by(proposal_version.c.number.desc())
            .limit(1)
        )
        return next((str(row["body"]) or None for row in self._all(asked)), None)

    def proposals_known(self, size: int) -> dict[str, str]:
        """All proposals as they were when the log had this many records, by customer."""
        return {row["customer_id"]: row["body"] for row in self._newest(proposal_version, size) if row["body"]}

    def party_acts(self, party_ids: Sequence[str]) -> list[tuple[str, int, Record]]:
        """Every version of some parties with the record that tells of it; see the port."""
        rows_ = self._named(_PARTY_ACTS, sorted(party_ids))
        found = [(str(row["party_id"]), int(row["seq"]), decode(bytes(row["leaf"]))) for row in rows_]
        return sorted(found, key=lambda each: each[1])

    def _newest(self, table: Table, size: int) -> list[Any]:
        key = table.primary_key.columns[0]
        last = select(key.label("key"), func.max(table.c.number).label("last")).where(table.c.seq < size).group_by(key)
        newest = last.subquery()
        asked = select(key, table.c.body).join(newest, (key == newest.c.key) & (table.c.number == newest.c.last))
        return self._all(asked.order_by(key))


class VersionWrites(OwnerWrites, Changing):
    """`gatekeeper.ports.kyc.KycWrites` for what has versions."""

    head: Frontier
    _held = 0

    def hold_records(self, count: int) -> None:
        """Say how many records of this transaction wait to be appended, before the one that tells of what comes."""
        self._held = count

    @property
    def _told_at(self) -> int:
        """The index of the record that tells of what is put now."""
        return self.head.size + self._held

    def put_customer(self, customer: Customer) -> None:
        """Store a customer, new or changed, and its version."""
        self._put(tables.customer, rows.customer_row(customer) | customer_keys(customer))
        self._run(ADD_CUSTOMER, customer_version_row(customer, self._told_at))

    def put_party(self, party: Party) -> None:
        """Store a party, new or changed, and its version."""
        row = rows.party_row(party)
        self._put(tables.party, row)
        self._put_owners(party)
        self._run(ADD_PARTY, {"party_id": party.id, "seq": self._told_at, "body": row["body"]})

    def put_proposal(self, customer_id: str, proposal: str | None) -> None:
        """Store the one proposal of a customer that waits, and its version; None removes it."""
        if proposal is not None:
            self._put(tables.proposal, {"customer_id": customer_id, "proposal": proposal})
        else:
            self._run(_NO_PROPOSAL, {"customer": customer_id})
        self._run(ADD_PROPOSAL, {"customer_id": customer_id, "seq": self._told_at, "body": proposal or ""})


_NO_PROPOSAL = tables.proposal.delete().where(tables.proposal.c.customer_id == bindparam("customer"))

# One row: versions tell what was known from this size of the log on; what happened before is in the log alone.
history_start = Table(
    "history_start",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)


def customer_version_row(customer: Customer, seq: int) -> dict[str, Any]:
    """A version of a customer, told by the record at an index; as it is stored."""
    return {
        "customer_id": customer.id,
        "seq": seq,
        "body": canonical_json(rows.customer_json(customer)).decode(),
        "standing": customer.standing.value,
        "prepared_by": customer.prepared_by,
        "approved_by": customer.approved_by,
        "expires_at": tables.stored_moment(customer.expires_at),
        **customer_keys(customer),
    }


@lru_cache(maxsize=64)
def _person_keys(name: str) -> tuple[str, str]:
    """Ten thousand customers of one batch have the same two names."""
    return person_keys(name)


def customer_keys(customer: Customer) -> dict[str, str]:
    """Both people of a record in one spelling, for the database to compare."""
    (prepared, prepared_unique), (approved, approved_unique) = map(
        _person_keys, (customer.prepared_by, customer.approved_by)
    )
    return {
        "prepared_key": prepared,
        "prepared_unique": prepared_unique,
        "approved_key": approved,
        "approved_unique": approved_unique,
    }
