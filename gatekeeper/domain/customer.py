"""Customers: parties with an account here, how their KYC record stands, and which namespaces are theirs.

Nothing in this file comes from what a tenant can write.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.person import same_person
from gatekeeper.domain.units import require_utc


class Standing(StrEnum):
    """State of a customer's KYC record.

    EXPIRING is never stored: it is an approval near its end, which holds as before (`Customer.standing_at`).
    """

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    CLOSED = "closed"

    @property
    def holds(self) -> bool:
        """Whether work of the customer may go on."""
        return self in (Standing.APPROVED, Standing.EXPIRING)

    @property
    def is_first_record(self) -> bool:
        """Whether nothing of the customer was approved yet: what it says of itself is only a text."""
        return self in (Standing.DRAFT, Standing.SUBMITTED, Standing.REJECTED)


# Long enough to ask a customer for papers again, and to be without a person on holiday.
NOTICE_WINDOW = timedelta(days=60)
REASON_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Customer:
    """A party with an account here, and how its KYC record stands.

    Attributes:
        version: counts every change of the record, from 1.
        prepared_by: who wrote the version; approved_by: who else approved it, "" until then.
        expires_at: when the approval ends; None until approved.
        attempts: how often a first record was handed in; final: the last one was rejected for good.
        profile_sha256: names the sealed KYC profile in effect (domain/kyc_profile); "" where there is none.
        comment: what the customer is told of a rejection; `reason` is for the provider's own people.
    """

    id: str
    party_id: str
    standing: Standing
    prepared_by: str
    version: int = 1
    approved_by: str = ""
    expires_at: datetime | None = None
    reason: str = ""
    attempts: int = 1
    final: bool = False
    comment: str = ""
    profile_sha256: str = ""

    def __post_init__(self) -> None:
        checked_identifier(self.id, "customer")
        checked_identifier(self.party_id, "party")
        if not self.prepared_by.strip():
            raise InvalidInput(f"Customer {self.id}: somebody must have prepared the record.")
        if self.expires_at is not None:
            require_utc(self.expires_at)
        if self.standing is Standing.EXPIRING:
            raise InvalidInput(f"Customer {self.id}: that an approval is near its end is worked out, never stored.")
        if self.standing is Standing.APPROVED and (not self.approved_by or self.expires_at is None):
            raise InvalidInput(f"Customer {self.id}: an approval needs its approver and an end.")
        if self.final and self.standing is not Standing.REJECTED:
            raise InvalidInput(f"Customer {self.id}: only a rejection can be final.")
        if self.approved_by and same_person(self.approved_by, self.prepared_by):
            raise NotPermitted(
                f"{self.approved_by} prepared the record of customer {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    def standing_at(self, now: datetime) -> Standing:
        """The standing at a moment: an approval near its end is expiring, and past it expired, whether or not anybody
        wrote that down."""
        if self.standing is not Standing.APPROVED or self.expires_at is None:
            return self.standing
        if now >= self.expires_at:
            return Standing.EXPIRED
        return Standing.EXPIRING if now >= self.expires_at - NOTICE_WINDOW else Standing.APPROVED

    def approve(self, *, by: str, expires_at: datetime) -> Customer:
        """The approved record.

        Raises:
            NotPermitted: by the person who prepared it, or the record is not waiting for approval.
        """
        if self.standing is not Standing.SUBMITTED:
            raise NotPermitted(
                f"Customer {self.id} is {self.standing.value}.", hint="Only a submitted record can be approved."
            )
        return replace(
            self,
            standing=Standing.APPROVED,
            approved_by=by,
            expires_at=expires_at,
            version=self.version + 1,
            reason="",
            comment="",
        )

    def suspend(self, *, by: str, reason: str) -> Customer:
        """The suspended record. One person may raise strictness; a reason is owed to the customer.

        Raises:
            InvalidInput: no reason. NotPermitted: the account is closed, or nothing of it could run: a suspension would
                make a draft or a rejected record wait for approval.
        """
        _check_reason(reason, "A suspension")
        if self.standing in (Standing.CLOSED, Standing.DRAFT, Standing.REJECTED):
            raise NotPermitted(f"Customer {self.id} is {self.standing.value}: nothing of it can run.")
        return replace(
            self,
            standing=Standing.SUSPENDED,
            prepared_by=by,
            approved_by="",
            expires_at=None,
            version=self.version + 1,
            reason=reason,
        )

    def reject(self, *, by: str, reason: str, final: bool, comment: str) -> Customer:
        """The rejected first record; of a customer that was approved before, a change is dropped and nothing else.

        Raises:
            InvalidInput: no reason. NotPermitted: it is closed, a draft, or rejected already.
        """
        _check_reason(reason, "A rejection")
        if len(comment) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"A comment for the customer has at most {REASON_CHARACTERS_MAX:,} characters.")
        if self.standing in (Standing.CLOSED, Standing.DRAFT, Standing.REJECTED):
            raise NotPermitted(f"Customer {self.id} is {self.standing.value}: nothing of it waits for approval.")
        if self.standing is not Standing.SUBMITTED:
            if final:
                raise NotPermitted(
                    f"Customer {self.id} is {self.standing.value}: only its first record can be rejected for good.",
                    hint="Reject the change without --final, or suspend or close the customer.",
                )
            return replace(self, version=self.version + 1)
        return replace(
            self,
            standing=Standing.REJECTED,
            approved_by="",
            expires_at=None,
            version=self.version + 1,
            reason=f"{reason.strip()} (rejected by {by})",
            final=final,
            comment=comment,
        )

    def close(self, *, by: str, reason: str) -> Customer:
        """The closed account. One person may raise strictness; there is no way back.

        Raises:
            InvalidInput: no reason. NotPermitted: it is closed already.
        """
        _check_reason(reason, "Closing an account")
        if self.standing is Standing.CLOSED:
            raise NotPermitted(f"Customer {self.id} is closed already.")
        return replace(
            self,
            standing=Standing.CLOSED,
            prepared_by=by,
            approved_by="",
            expires_at=None,
            version=self.version + 1,
            reason=reason,
            final=False,
            comment="",
        )

    def refusal(self, now: datetime) -> tuple[str, str]:
        """Why nothing of the customer may start, as a clause, and what the customer can do. For the customer's eyes:
        what the provider's people wrote for each other is not in it."""
        standing = self.standing_at(now)
        said = self.comment if standing is Standing.REJECTED else self.reason if standing in _TOLD else ""
        cause = " ".join(said.split()).rstrip(".")
        text = f"the KYC record of customer {self.id} is {standing.value}{f' ({cause})' if cause else ''}"
        if standing is Standing.REJECTED:
            return text, _REJECTED_FOR_GOOD if self.final else _REJECTED
        return text, _REMEDIES[standing]


# Standings whose reason is owed to the customer.
_TOLD = (Standing.SUSPENDED, Standing.CLOSED)
_REJECTED = "correct what your provider asked for, so that it can hand in your record again"
_REJECTED_FOR_GOOD = "your provider does not take another record for this account; ask it how to object"
_REMEDIES = {
    Standing.DRAFT: "your provider has not finished your record; ask it what is still missing",
    Standing.SUBMITTED: "your record waits for a second person at your provider; ask it when it will be looked at",
    Standing.APPROVED: "",
    Standing.EXPIRING: "",
    Standing.EXPIRED: "send your provider what it needs to verify your record again",
    Standing.SUSPENDED: "ask your provider what would lift the suspension",
    Standing.CLOSED: "ask your provider whether you can open another account",
}


def _check_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise InvalidInput(f"{what} needs a reason.")
    if len(reason) > REASON_CHARACTERS_MAX:
        raise InvalidInput(f"{what} needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")


@dataclass(frozen=True, slots=True)
class Binding:
    """A namespace of a cluster belongs to exactly one customer, and its work to one run (None: the undeclared one).

    Attributes:
        uid: the cluster's own name of the namespace that was bound, from when it was first seen; "" until then.
        found_uid: another namespace that was found under the same name since: it inherits nothing; "" for none.
    """

    cluster: str
    namespace: str
    customer_id: str
    run_id: str | None = None
    uid: str = ""
    found_uid: str = ""

    def __post_init__(self) -> None:
        if not self.cluster or not self.namespace:
            raise InvalidInput("A binding needs a cluster and a namespace.")
        if self.found_uid and self.found_uid == self.uid:
            raise InvalidInput(f"Namespace {self.namespace} is the one that was bound.")
        checked_identifier(self.customer_id, "customer")

    @property
    def holds(self) -> bool:
        """Whether the namespace of this name is still the one that was bound."""
        return not self.found_uid

    def seen(self, uid: str) -> Binding:
        """The binding after the cluster was found to call the namespace of this name so.

        The first that is seen is the one that was bound. One deleted and made again is another, whoever made it; what
        was once found to be another stays so until two people bind it again.
        """
        if not self.uid:
            return replace(self, uid=uid)
        return self if uid == self.uid else replace(self, found_uid=uid)
