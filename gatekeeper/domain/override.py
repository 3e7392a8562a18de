"""Break-glass: for some hours a customer is treated as in a milder tier than its record resolves to.

One person asks, a second one approves, either ends it early. It is for the night in which a record is wrong or late
and work must not stop; so it is short, has its own records, and every decision under it names both people. It carries
an approval that has expired, because nothing about the customer got worse by the date alone. It never carries a
suspension, a rejection or a closed account: those are somebody's decision, and two people take them back another way.
Nor does it hold against a list: who stands on one, is owned by who does, or has a name whose screening is open stays
refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatekeeper.domain.customer import REASON_CHARACTERS_MAX, Customer, Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.open_screening import OPEN_CODE
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.person import same_person
from gatekeeper.domain.tier import Tier, TierFinding, TierReason
from gatekeeper.domain.units import require_utc

# Long enough for a weekend, too short to become the way things are done.
HOURS_MAX = 72
CODE = "override"


@dataclass(frozen=True, slots=True)
class Override:
    """An override that is asked for, in force, or over.

    Attributes:
        tier: what the customer is treated as, at the mildest: 1 or 2.
        hours: how long, from its approval on.
        approved_by, approved_at: the second person; "" and None until then.
        ended_by, ended_at: who ended it before its time; "" and None otherwise.
    """

    id: str
    customer_id: str
    tier: Tier
    hours: int
    reason: str
    requested_by: str
    requested_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    ended_by: str = ""
    ended_at: datetime | None = None

    def __post_init__(self) -> None:
        checked_identifier(self.id, "override")
        checked_identifier(self.customer_id, "customer")
        if self.tier not in (Tier.ONE, Tier.TWO):
            raise InvalidInput("An override treats a customer as Tier 1 or 2.")
        if type(self.hours) is not int or not 1 <= self.hours <= HOURS_MAX:
            raise InvalidInput(f"An override lasts 1 to {HOURS_MAX} whole hours, not {self.hours!r:.20}.")
        if not self.reason.strip() or len(self.reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"An override needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")
        if not self.requested_by.strip():
            raise InvalidInput("Somebody must have asked for an override.")
        for moment in (self.requested_at, self.approved_at, self.ended_at):
            if moment is not None:
                require_utc(moment)
        if bool(self.approved_by) != (self.approved_at is not None) or bool(self.ended_by) != (
            self.ended_at is not None
        ):
            raise InvalidInput(f"Override {self.id}: a person and a time belong together.")
        if self.approved_by and same_person(self.approved_by, self.requested_by):
            raise NotPermitted(
                f"{self.approved_by} asked for override {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    @property
    def ends_at(self) -> datetime | None:
        """When it is over; None while it waits for a second person."""
        if self.approved_at is None:
            return self.ended_at
        end = self.approved_at + timedelta(hours=self.hours)
        return end if self.ended_at is None else min(end, self.ended_at)

    def holds_at(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.approved_at is not None and self.ends_at is not None and self.approved_at <= now < self.ends_at

    def approve(self, *, by: str, now: datetime) -> Override:
        """The override in force.

        Raises:
            NotPermitted: by who asked for it, approved already, or ended.
        """
        if self.approved_at is not None or self.ended_at is not None:
            raise NotPermitted(f"Override {self.id} does not wait for approval.", hint="Ask for a new one.")
        return replace(self, approved_by=by, approved_at=now)

    def end(self, *, by: str, now: datetime) -> Override:
        """The override, ended before its time or withdrawn; one person may.

        Raises:
            NotPermitted: it is over already.
        """
        if self.ends_at is not None and now >= self.ends_at:
            raise NotPermitted(f"Override {self.id} is over already.")
        return replace(self, ended_by=by, ended_at=now)

    def carries(self, customer: Customer, now: datetime) -> Customer:
        """The customer as decisions see it while this holds: an approval that has expired lasts until the end."""
        if customer.standing is not Standing.APPROVED or customer.standing_at(now).holds:
            return customer
        return replace(customer, expires_at=self.ends_at)

    @staticmethod
    def bars(finding: TierFinding) -> bool:
        """Whether a finding stays as it is under any override: a party on a list is behind it, or may be."""
        return finding.listed or any(each.code == OPEN_CODE for each in finding.reasons)

    def lowers(self, finding: TierFinding) -> TierFinding:
        """The finding while this holds, unless it `bars` that: never stricter, with what it would be without."""
        if self.bars(finding) or finding.tier.strictness <= self.tier.strictness:
            return finding
        text = f"{self.told}; without it {finding.tier} would hold because {finding.deciding.text}"
        reason = TierReason(self.tier, CODE, (finding.party_id,), text)
        return replace(finding, tier=self.tier, reasons=(reason, *finding.reasons))

    @property
    def told(self) -> str:
        """Who let it be, until when and why: a clause for people."""
        why = " ".join(self.reason.split()).rstrip(".")
        until = f"{self.ends_at:%Y-%m-%d %H:%M} UTC" if self.ends_at else "nobody approved it"
        return (
            f"an override by {self.requested_by} and {self.approved_by} treats {self.customer_id} as {self.tier} "
            f"until {until} ({why})"
        )
