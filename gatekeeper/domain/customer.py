"""Customers: parties with an account here, how their KYC record stands, and which namespaces are theirs.

Nothing in this file comes from what a tenant can write.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.person import same_person
from gatekeeper.domain.units import require_utc


class Standing(StrEnum):
    """State of a customer's KYC record."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Customer:
    """A party with an account here, and how its KYC record stands.

    Attributes:
        version: counts every change of the record, from 1.
        prepared_by: who wrote the version; approved_by: who else approved it, "" until then.
        expires_at: when the approval ends; None until approved.
    """

    id: str
    party_id: str
    standing: Standing
    prepared_by: str
    version: int = 1
    approved_by: str = ""
    expires_at: datetime | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        checked_identifier(self.id, "customer")
        checked_identifier(self.party_id, "party")
        if not self.prepared_by.strip():
            raise InvalidInput(f"Customer {self.id}: somebody must have prepared the record.")
        if self.expires_at is not None:
            require_utc(self.expires_at)
        if self.standing is Standing.APPROVED and (not self.approved_by or self.expires_at is None):
            raise InvalidInput(f"Customer {self.id}: an approval needs its approver and an end.")
        if self.approved_by and same_person(self.approved_by, self.prepared_by):
            raise NotPermitted(
                f"{self.approved_by} prepared the record of customer {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    def standing_at(self, now: datetime) -> Standing:
        """The standing at a moment: an approval past its end is expired, whether or not anybody wrote that down."""
        if self.standing is Standing.APPROVED and self.expires_at is not None and now >= self.expires_at:
            return Standing.EXPIRED
        return self.standing

    def approve(self, *, by: str, expires_at: datetime) -> Customer:
        """The approved record.

        Raises:
            NotPermitted: by the person who prepared it, or the record is not waiting for approval.
        """
        if self.standing not in (Standing.SUBMITTED, Standing.SUSPENDED, Standing.EXPIRED):
            raise NotPermitted(
                f"Customer {self.id} is {self.standing.value}.",
                hint="Only a submitted, suspended or expired record can be approved.",
            )
        return replace(
            self,
            standing=Standing.APPROVED,
            approved_by=by,
            expires_at=expires_at,
            version=self.version + 1,
            reason="",
        )

    def suspend(self, *, by: str, reason: str) -> Customer:
        """The suspended record. One person may raise strictness; a reason is owed to the customer.

        Raises:
            InvalidInput: no reason. NotPermitted: the account is closed.
        """
        if not reason.strip():
            raise InvalidInput("A suspension needs a reason.")
        if self.standing is Standing.CLOSED:
            raise NotPermitted(f"Customer {self.id} is closed.")
        return replace(
            self,
            standing=Standing.SUSPENDED,
            prepared_by=by,
            approved_by="",
            expires_at=None,
            version=self.version + 1,
            reason=reason,
        )


@dataclass(frozen=True, slots=True)
class Binding:
    """A namespace of a cluster belongs to exactly one customer, and its work to one run (None: the undeclared one)."""

    cluster: str
    namespace: str
    customer_id: str
    run_id: str | None = None

    def __post_init__(self) -> None:
        if not self.cluster or not self.namespace:
            raise InvalidInput("A binding needs a cluster and a namespace.")
        checked_identifier(self.customer_id, "customer")
