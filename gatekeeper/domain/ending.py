"""The end of a reservation whose pod vanished while nobody watched: two people say that nothing of it runs any more.

It is booked at its full worst case, so no count gets lower by it; what changes is that it is no longer pending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.ledger import Reservation, ReservationState
from gatekeeper.domain.person import same_person
from gatekeeper.domain.units import require_utc

REASON_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class ProposedEnd:
    """An end that waits for a second person."""

    reservation_id: str
    reason: str
    proposed_by: str
    proposed_at: datetime

    def __post_init__(self) -> None:
        require_utc(self.proposed_at)
        if not self.reason.strip() or len(self.reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"This needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")

    def check_approver(self, by: str) -> None:
        """Let only a second person approve.

        Raises:
            NotPermitted: it is the one who proposed it.
        """
        if same_person(self.proposed_by, by):
            raise NotPermitted(
                f"{by} proposed to end reservation {self.reservation_id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )


def check_can_be_ended(reservation: Reservation, now: datetime) -> None:
    """Let only what may have vanished be ended by hand.

    Raises:
        NotPermitted: it has ended or holds nothing, or what it holds still covers a pod that runs.
    """
    if reservation.state is not ReservationState.PENDING:
        raise NotPermitted(f"Reservation {reservation.id} is {reservation.state.value}: it holds nothing to be ended.")
    over_at = reservation.opened_at + timedelta(seconds=reservation.held_s)
    if now < over_at:
        raise NotPermitted(
            f"Reservation {reservation.id} covers its pod until {over_at:%Y-%m-%d %H:%M} UTC.",
            hint="Wait until then: its pod may run, and its end may yet be seen.",
        )
