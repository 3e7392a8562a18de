"""Runs that are of one model."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Column, String, Table, Text, select

from gatekeeper.domain.join import Join
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.tables import Moment, metadata

run_join = Table(
    "run_join",
    metadata,
    Column("one", String(63), primary_key=True),
    Column("other", String(63), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("joined_by", Text, nullable=False),
    Column("joined_at", Moment, nullable=False),
)


class JoinReads(Asking):
    """`gatekeeper.ports.joins.JoinReads`."""

    def joins(self) -> list[Join]:
        """All, by the runs that they join."""
        return [Join(**row) for row in self._all(select(run_join).order_by(run_join.c.one, run_join.c.other))]


class JoinWrites(Changing):
    """`gatekeeper.ports.joins.JoinWrites`."""

    def put_join(self, join: Join) -> None:
        """Store that two runs are of one model."""
        self._put(run_join, asdict(join))
