"""Batches: which customers were applied together, so that they can be approved together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Batch:
    """Customers whose records were changed in one transaction.

    Attributes:
        id: id of the first record that it appended to the log.
        prepared_by: who applied it; each customer's own record says who may not approve it.
        customers: ids, in the order in which they were applied.
    """

    id: str
    prepared_by: str
    at: datetime
    customers: tuple[str, ...]


class BatchReads(Protocol):
    """Read side."""

    def batch(self, batch_id: str) -> Batch | None: ...


class BatchWrites(Protocol):
    """Write side."""

    def put_batch(self, batch: Batch) -> None: ...
