"""Notices of approvals that end, in SQL: one row for each that is on record, so that nobody reads the log for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import BigInteger, Column, String, Table, bindparam, literal_column, select

from gatekeeper.domain.customer import Standing
from gatekeeper.ports.due import Notice
from gatekeeper.stores import tables
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.statements import add
from gatekeeper.stores.tables import Moment, metadata, stored_moment

# A notice is told by the end that its record names, which is in whole seconds: `ends_s` since 1970.
notice = Table(
    "notice",
    metadata,
    Column("customer_id", String(63), primary_key=True),
    Column("ends_s", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
)
_PER_S = 1_000_000
_ENDING = tables.customer.c
_UNRECORDED = (
    select(_ENDING.id, _ENDING.version, _ENDING.expires_at)
    .where(_ENDING.standing == Standing.APPROVED.value, _ENDING.expires_at <= bindparam("ends_by", type_=Moment))
    .where(
        ~select(notice.c.kind)
        .where(
            notice.c.customer_id == _ENDING.id,
            notice.c.kind == bindparam("kind"),
            # Two whole numbers of microseconds and of seconds: both databases cut off what is left over.
            notice.c.ends_s == literal_column(f"customer.expires_at / {_PER_S}"),
        )
        .exists()
    )
    .order_by(_ENDING.id)
    .limit(bindparam("at_most"))
)


class DueReads(Asking):
    """`gatekeeper.ports.due.DueReads`."""

    def unrecorded_notices(self, kind: str, *, ends_by: datetime, at_most: int) -> list[Notice]:
        """Notices of one kind that are not on record of approvals that end by a moment, by customer."""
        found = self._all(_UNRECORDED, {"kind": kind, "ends_by": ends_by, "at_most": at_most})
        return [Notice(row["id"], row["version"], row["expires_at"], kind) for row in found]


class DueWrites(Changing):
    """`gatekeeper.ports.due.DueWrites`."""

    def add_notices(self, notices: Collection[Notice]) -> None:
        """Keep that these are on record."""
        rows = [
            {"customer_id": each.customer_id, "ends_s": (stored_moment(each.ends_at) or 0) // _PER_S, "kind": each.kind}
            for each in notices
        ]
        if rows:
            self._run(add(notice), rows)
