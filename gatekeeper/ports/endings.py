"""What the store keeps of corrections and ends of reservations that wait for a second person."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.domain.ending import ProposedEnd


class EndingReads(Protocol):
    """Read side."""

    def proposed_end(self, reservation_id: str) -> ProposedEnd | None:
        """The end of a reservation that waits; None where none does."""
        ...

    def proposed_ends(self) -> list[ProposedEnd]: ...


class EndingWrites(Protocol):
    """Write side."""

    def put_proposed_end(self, proposed: ProposedEnd) -> None: ...
    def drop_proposed_end(self, reservation_id: str) -> None: ...
    def drop_correction(self, correction_id: str) -> None:
        """Forget a correction that waited; the log keeps it."""
        ...
