"""Batches in SQL."""

from __future__ import annotations

import json

from sqlalchemy import Column, String, Table, Text

from gatekeeper.ports.batches import Batch
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.tables import Moment, metadata

batch = Table(
    "batch",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("prepared_by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("customers", Text, nullable=False),
)


class BatchReads(Asking):
    """`gatekeeper.ports.batches.BatchReads`."""

    def batch(self, batch_id: str) -> Batch | None:
        """The batch, or None."""
        row = self._get(batch, id=batch_id)
        return Batch(row["id"], row["prepared_by"], row["at"], tuple(json.loads(row["customers"]))) if row else None


class BatchWrites(Changing):
    """`gatekeeper.ports.batches.BatchWrites`."""

    def put_batch(self, batch_: Batch) -> None:
        """Store a batch."""
        values = {"id": batch_.id, "prepared_by": batch_.prepared_by, "at": batch_.at}
        self._put(batch, {**values, "customers": json.dumps(batch_.customers)})
