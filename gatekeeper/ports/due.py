"""What the store keeps of approvals that end: which notices are on record, once for each end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Notice:
    """An approval of a customer ends, or has ended, by so much; `version` is the customer's, for the record."""

    customer_id: str
    version: int
    ends_at: datetime
    kind: str


class DueReads(Protocol):
    """Read side."""

    def unrecorded_notices(self, kind: str, *, ends_by: datetime, at_most: int) -> list[Notice]:
        """Notices of one kind that are not on record of approvals that end by a moment, by customer."""
        ...


class DueWrites(Protocol):
    """Write side."""

    def add_notices(self, notices: Collection[Notice]) -> None:
        """Keep that these are on record.

        Raises:
            Conflict: one of them is already.
        """
        ...
