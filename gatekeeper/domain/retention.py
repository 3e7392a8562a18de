"""How long what a customer told of itself is kept, what stands against erasing it, and who erases it.

15 CFR 762.6 (eCFR, read 2026-11-21): records are kept for five years from the latest event that they tell of, and what
an agency has asked for is not destroyed without its written leave; that is what a *legal hold* is for. (The two years
of proposed 15 CFR 7.302, 89 FR 5698, 2024-01-29, are shorter.) Erased are values; the hashes in the log stay.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.units import require_utc

RETENTION_YEARS_MIN = 5
RETENTION_YEARS_MAX = 100
# A year more, for what is booked or corrected late.
RETENTION_YEARS = 6
REASON_CHARACTERS_MAX = 2_000
# Records that name a customer and tell of nothing that it did or that was done with its account.
NO_EVENTS = frozenset(
    {
        RecordType.TIER_CHANGED,
        RecordType.CUSTOMER_NOTICE,
        RecordType.SCREENING_RUN,
        RecordType.SCREENING_HIT,
        RecordType.SCREENING_JUDGED,
        RecordType.EVIDENCE_READ,
        RecordType.HOLD_PLACED,
        RecordType.HOLD_LIFT_REQUESTED,
        RecordType.HOLD_LIFT_REJECTED,
        RecordType.HOLD_LIFTED,
        RecordType.ERASURE_REQUESTED,
        RecordType.ERASURE_REJECTED,
        RecordType.CUSTOMER_ERASED,
    }
)


@dataclass(frozen=True, slots=True)
class LegalHold:
    """Somebody (an agency, a court, counsel) needs a customer's record: it is not erased while this holds.

    Attributes:
        placed_by: one person is enough. lift_asked_by, lifted_by: it takes two to lift it; "" until then.
    """

    id: str
    customer_id: str
    reason: str
    placed_by: str
    placed_at: datetime
    lift_reason: str = ""
    lift_asked_by: str = ""
    lift_asked_at: datetime | None = None
    lifted_by: str = ""
    lifted_at: datetime | None = None

    def __post_init__(self) -> None:
        checked_identifier(self.id, "legal hold")
        checked_identifier(self.customer_id, "customer")
        _check_reason(self.reason)
        require_utc(self.placed_at)
        if self.lifted_by and (not self.lift_asked_by or same_person(self.lifted_by, self.lift_asked_by)):
            raise NotPermitted(
                f"{self.lifted_by} asked to lift legal hold {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    @property
    def holds(self) -> bool:
        """Whether nothing of the customer may be erased."""
        return self.lifted_at is None

    def ask_to_lift(self, *, by: str, reason: str, now: datetime) -> LegalHold:
        """The hold, which still holds, with the request of one person to lift it.

        Raises:
            InvalidInput: no reason. NotPermitted: it was lifted, or that was asked already.
        """
        _check_reason(reason)
        self._check_holds()
        if self.lift_asked_by:
            raise NotPermitted(
                f"{self.lift_asked_by} asked already to lift legal hold {self.id}.", hint="Another person approves it."
            )
        return replace(self, lift_reason=reason.strip(), lift_asked_by=by, lift_asked_at=now)

    def lift(self, *, by: str, now: datetime) -> LegalHold:
        """The lifted hold.

        Raises:
            NotPermitted: by who asked for it, nobody asked for it, or it was lifted.
        """
        self._check_holds()
        if not self.lift_asked_by:
            raise NotPermitted(f"Nobody asked to lift legal hold {self.id}.", hint="One asks, another approves.")
        return replace(self, lifted_by=by, lifted_at=now)

    def keep(self) -> LegalHold:
        """The hold without the request to lift it.

        Raises:
            NotPermitted: nobody asked for it, or it was lifted.
        """
        self._check_holds()
        if not self.lift_asked_by:
            raise NotPermitted(f"Nobody asked to lift legal hold {self.id}.")
        return replace(self, lift_reason="", lift_asked_by="", lift_asked_at=None)

    def _check_holds(self) -> None:
        if not self.holds:
            raise NotPermitted(f"Legal hold {self.id} was lifted already.")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a customer told of itself is to be erased, or was.

    Attributes:
        approved_by: the second person; from then on the values are gone from the tables.
        finished_at: when their bytes were gone from the database's files and the folder of evidence; None until then.
    """

    customer_id: str
    reason: str
    asked_by: str
    asked_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    finished_at: datetime | None = None

    def __post_init__(self) -> None:
        checked_identifier(self.customer_id, "customer")
        _check_reason(self.reason)
        require_utc(self.asked_at)
        if self.approved_by and same_person(self.approved_by, self.asked_by):
            raise NotPermitted(
                f"{self.approved_by} asked to erase customer {self.customer_id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    @property
    def waits(self) -> bool:
        """Whether it still needs a second person."""
        return self.approved_at is None


def kept_until(last_event_at: datetime, years: int) -> datetime:
    """Until when a record is kept whose latest event was then; from the 29th of February on into March."""
    try:
        return last_event_at.replace(year=last_event_at.year + years)
    except ValueError:
        return last_event_at.replace(year=last_event_at.year + years, month=3, day=1)


def refusal(
    customer_id: str,
    *,
    standing: Standing,
    holds: Collection[LegalHold],
    kept_until_: datetime,
    has_open_work: bool,
    now: datetime,
) -> tuple[str, str]:
    """Why a customer may not be erased yet, and what would help; ("", "") where it may."""
    holding = [each for each in holds if each.holds]
    if holding:
        return (
            f"Customer {customer_id} is under legal hold {holding[0].id}: {holding[0].reason}",
            f"Two people lift it: gatekeeper customer lift-hold {holding[0].id} --reason TEXT",
        )
    if standing is not Standing.CLOSED:
        return (
            f"Customer {customer_id} is {standing.value}: only what a closed account left behind is erased.",
            f"Close it first: gatekeeper customer close {customer_id} --reason TEXT",
        )
    if has_open_work:
        return f"Work of customer {customer_id} has not ended by our books.", "End its reservations first."
    if now < kept_until_:
        return (
            f"The record of customer {customer_id} is kept until {kept_until_:%Y-%m-%d} (15 CFR 762.6).",
            "See what is due: gatekeeper customer retention",
        )
    return "", ""


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
        raise InvalidInput(f"This needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")
