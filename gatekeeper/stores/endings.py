"""Ends of reservations that wait for a second person, and corrections that nobody waits for any more."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Column, String, Table, Text, bindparam, delete, select

from gatekeeper.domain.ending import ProposedEnd
from gatekeeper.stores import tables
from gatekeeper.stores.asking import Asking, Changing

reservation_end = Table(
    "reservation_end",
    tables.metadata,
    Column("reservation_id", String(253), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", tables.Moment, nullable=False),
)
_NO_END = delete(reservation_end).where(reservation_end.c.reservation_id == bindparam("ended"))
_NO_CORRECTION = delete(tables.correction).where(tables.correction.c.id == bindparam("rejected"))


class EndingReads(Asking):
    """`gatekeeper.ports.endings.EndingReads`."""

    def proposed_end(self, reservation_id: str) -> ProposedEnd | None:
        """The end of a reservation that waits."""
        row = self._get(reservation_end, reservation_id=reservation_id)
        return ProposedEnd(**row) if row else None

    def proposed_ends(self) -> list[ProposedEnd]:
        """All that wait, by reservation."""
        return [ProposedEnd(**row) for row in self._all(select(reservation_end).order_by(*reservation_end.primary_key))]


class EndingWrites(Changing):
    """`gatekeeper.ports.endings.EndingWrites`."""

    def put_proposed_end(self, proposed: ProposedEnd) -> None:
        """Store what waits, in place of what waited for this reservation."""
        self._put(reservation_end, asdict(proposed))

    def drop_proposed_end(self, reservation_id: str) -> None:
        """Nothing waits for this reservation any more."""
        self._run(_NO_END, {"ended": reservation_id})

    def drop_correction(self, correction_id: str) -> None:
        """Forget a correction that waited."""
        self._run(_NO_CORRECTION, {"rejected": correction_id})
