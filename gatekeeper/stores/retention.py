"""Legal holds and erasures in SQL, and the one place where rows of people are removed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Column, Index, String, Table, Text, bindparam, delete, func, select

from gatekeeper.domain.record import RecordType
from gatekeeper.domain.retention import Erasure, LegalHold
from gatekeeper.stores import tables
from gatekeeper.stores.answers import kept_answer
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.profiles import profile
from gatekeeper.stores.tables import Moment, metadata

legal_hold = Table(
    "legal_hold",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("customer_id", String(63), nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("lift_reason", Text, nullable=False),
    Column("lift_asked_by", Text, nullable=False),
    Column("lift_asked_at", Moment),
    Column("lifted_by", Text, nullable=False),
    Column("lifted_at", Moment),
    Index("legal_hold_by_customer", "customer_id"),
)
erasure = Table(
    "erasure",
    metadata,
    Column("customer_id", String(63), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("approved_at", Moment),
    Column("finished_at", Moment),
)

_NO_ERASURE = delete(erasure).where(erasure.c.customer_id == bindparam("whose"))
_NO_PROFILES = delete(profile).where(profile.c.customer_id == bindparam("whose"))
# An answer may hold a whole record; an id, which stands there as a text of JSON, has no signs of a pattern in it.
_NO_ANSWERS = delete(kept_answer).where(kept_answer.c.body.contains(bindparam("named"), autoescape=False))
_PROFILES = select(profile.c.sha256).where(profile.c.customer_id == bindparam("whose")).order_by(profile.c.number)


class RetentionReads(Asking):
    """`gatekeeper.ports.retention.RetentionReads`."""

    def legal_holds(self, customer_id: str | None = None) -> list[LegalHold]:
        """Those of one customer or of all, oldest first."""
        asked = select(legal_hold).order_by(legal_hold.c.placed_at, legal_hold.c.id)
        if customer_id is not None:
            asked = asked.where(legal_hold.c.customer_id == customer_id)
        return [LegalHold(**row) for row in self._all(asked)]

    def erasure(self, customer_id: str) -> Erasure | None:
        """The erasure of a customer that waits or was carried out."""
        row = self._get(erasure, customer_id=customer_id)
        return Erasure(**row) if row else None

    def erasures(self) -> list[Erasure]:
        """All of them, by customer."""
        return [Erasure(**row) for row in self._all(select(erasure).order_by(erasure.c.customer_id))]

    def last_events(self, besides: Collection[RecordType], customer_id: str | None = None) -> dict[str, datetime]:
        """Customer -> time of the newest record that names it and is of none of these types."""
        record = tables.record.c
        asked = (
            select(record.customer, func.max(record.at).label("last"))
            .where(record.customer.is_not(None), record.type.not_in(sorted(each.value for each in besides)))
            .group_by(record.customer)
        )
        if customer_id is not None:
            asked = asked.where(record.customer == customer_id)
        return {row["customer"]: row["last"] for row in self._all(asked)}

    def profile_names(self, customer_id: str) -> list[str]:
        """The salted hashes of all its profiles, oldest first."""
        return [row["sha256"] for row in self._all(_PROFILES, {"whose": customer_id})]


class RetentionWrites(Changing):
    """`gatekeeper.ports.retention.RetentionWrites`."""

    def put_legal_hold(self, hold: LegalHold) -> None:
        """Store a hold as it now is."""
        self._put(legal_hold, asdict(hold))

    def put_erasure(self, asked: Erasure) -> None:
        """Store an erasure as it now is."""
        self._put(erasure, asdict(asked))

    def drop_erasure(self, customer_id: str) -> None:
        """Forget one that waited."""
        self._run(_NO_ERASURE, {"whose": customer_id})

    def erase_values(self, customer_id: str) -> None:
        """Remove the values and salts of all its profiles, and answers that name it."""
        self._run(_NO_PROFILES, {"whose": customer_id})
        self._run(_NO_ANSWERS, {"named": f'"{customer_id}"'})
