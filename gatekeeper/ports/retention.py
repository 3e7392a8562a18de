"""Legal holds and erasures, and what an erasure removes from the tables."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from gatekeeper.domain.record import RecordType
from gatekeeper.domain.retention import Erasure, LegalHold


class RetentionReads(Protocol):
    """Read side."""

    def legal_holds(self, customer_id: str | None = None) -> list[LegalHold]:
        """Those of one customer or of all, lifted ones too, oldest first."""
        ...

    def erasure(self, customer_id: str) -> Erasure | None: ...
    def erasures(self) -> list[Erasure]:
        """All that wait or were carried out, by customer."""
        ...

    def last_events(self, besides: Collection[RecordType], customer_id: str | None = None) -> dict[str, datetime]:
        """Customer -> time of the newest record that names it and is of none of these types."""
        ...

    def profile_names(self, customer_id: str) -> list[str]:
        """The salted hashes of all its profiles whose values are stored, oldest first."""
        ...


class RetentionWrites(Protocol):
    """Write side."""

    def put_legal_hold(self, hold: LegalHold) -> None: ...
    def put_erasure(self, erasure: Erasure) -> None: ...
    def drop_erasure(self, customer_id: str) -> None:
        """Forget one that waited; the log keeps it."""
        ...

    def erase_values(self, customer_id: str) -> None:
        """Remove the values and salts of all its profiles, and answers that were kept for requests.

        Raises:
            Conflict: no second person approved that, or a legal hold stands against it.
        """
        ...


class EvidenceBytes(Protocol):
    """The kept files themselves."""

    def holds(self, sha256: str) -> bool:
        """Whether the bytes are there."""
        ...

    def drop(self, sha256: str) -> bool:
        """Remove the bytes; whether there were any."""
        ...
