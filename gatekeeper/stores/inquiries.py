"""Inquiries: one row for each run, pack and question that ever held it. Earlier answers stand in the log."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Column, RowMapping, String, Table, Text, select

from gatekeeper.domain.inquiry import Inquiry, InquiryState
from gatekeeper.domain.policy import InquiryKind
from gatekeeper.stores import tables
from gatekeeper.stores.asking import Asking, Changing

# `until` is an ISO day, "" for none; an id is that of a pack, that of a run and that of a question (`asks`; "" and left
# out where it was asked before questions had ids), with dots between. SQLite keeps texts of any length in a column, and
# cannot change what it says of one.
inquiry = Table(
    "inquiry",
    tables.metadata,
    Column("id", String(220).with_variant(String(160), "sqlite"), primary_key=True),
    Column("customer_id", String(63), nullable=False),
    Column("run_id", String(80), nullable=False, index=True),
    Column("pack_id", String(63), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("question", Text, nullable=False),
    Column("opened_at", tables.Moment, nullable=False),
    Column("state", String(16), nullable=False),
    Column("answer", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("limit_tflop", BigInteger),
    Column("until", String(10), nullable=False),
    Column("answered_by", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("asks", String(63), nullable=False),
)


class InquiryReads(Asking):
    """`gatekeeper.ports.inquiries.InquiryReads`."""

    def inquiry(self, inquiry_id: str) -> Inquiry | None:
        """One inquiry."""
        row = self._get(inquiry, id=inquiry_id)
        return _inquiry_of(row) if row else None

    def inquiries(self, *, run_id: str | None = None) -> list[Inquiry]:
        """All of them, or those about one run; oldest first."""
        asked = select(inquiry).order_by(inquiry.c.opened_at, inquiry.c.id)
        if run_id is not None:
            asked = asked.where(inquiry.c.run_id == run_id)
        return [_inquiry_of(row) for row in self._all(asked)]


class InquiryWrites(Changing):
    """`gatekeeper.ports.inquiries.InquiryWrites`."""

    def put_inquiry(self, asked: Inquiry) -> None:
        """Store an inquiry as it now is."""
        self._put(
            inquiry,
            {
                "id": asked.id,
                "customer_id": asked.customer_id,
                "run_id": asked.run_id,
                "pack_id": asked.pack_id,
                "kind": asked.kind.value,
                "question": asked.question,
                "opened_at": asked.opened_at,
                "state": asked.state.value,
                "answer": asked.answer,
                "licence": asked.licence,
                "limit_tflop": asked.limit_tflop,
                "until": asked.until.isoformat() if asked.until else "",
                "answered_by": asked.answered_by,
                "approved_by": asked.approved_by,
                "asks": asked.asks,
            },
        )


def _inquiry_of(row: RowMapping) -> Inquiry:
    fields = dict(row)
    fields["kind"], fields["state"] = InquiryKind(row["kind"]), InquiryState(row["state"])
    fields["until"] = date.fromisoformat(row["until"]) if row["until"] else None
    return Inquiry(**fields)
