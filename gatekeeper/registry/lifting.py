"""The approval that a suspension interrupted, and that holds again as it was once two people have lifted that.

Nobody verified the record again by that: who prepared it, who approved it and when that ends stay what the log tells of
the approval before. A change that is decided on together with it is a new record, and so a new approval; and what one
person approved under two logins, as a link said since, is no approval by two that could be brought back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.record import JsonValue, Record, RecordType, decode
from gatekeeper.facts import moment
from gatekeeper.ports import Reader
from gatekeeper.registry.proposal import Ask
from gatekeeper.registry.review import Review


@dataclass(frozen=True, slots=True)
class Interrupted:
    """An approval as it was before a suspension.

    Attributes:
        expires_at: its end, in whole seconds, as the log tells it.
    """

    prepared_by: str
    approved_by: str
    expires_at: datetime

    def facts(self) -> dict[str, JsonValue]:
        """As a record tells it."""
        return {
            "prepared_by": self.prepared_by,
            "approved_by": self.approved_by,
            "expires_at": moment(self.expires_at),
        }

    def end(self, asked: datetime | None, now: datetime) -> datetime:
        """The end that it has once the suspension is lifted: never later than before.

        Raises:
            InvalidInput: a later one is asked for, or one that is past.
        """
        if asked is None:
            return self.expires_at
        if not now < asked <= self.expires_at:
            raise InvalidInput(
                f"To lift a suspension does not lengthen the approval, which ends on {self.expires_at:%Y-%m-%d}.",
                hint="Leave the end out; to approve it for longer, renew it afterwards: gatekeeper customer renew",
            )
        return asked

    def lifted(self, customer: Customer, *, by: str, asked_by: str, end: datetime) -> Customer:
        """The customer approved as before, in a new version that says who lifted the suspension."""
        return replace(
            customer,
            standing=Standing.APPROVED,
            prepared_by=self.prepared_by,
            approved_by=self.approved_by,
            expires_at=end,
            version=customer.version + 1,
            reason=f"suspension lifted by {by}, as {asked_by} asked",
            comment="",
        )


def interrupted(reader: Reader, review: Review) -> Interrupted | None:
    """The approval that holds again once what a review shows is approved; None where that is a new approval.

    New is a changed record, what both logins of one person approved, and what no record of an approval tells the end
    of: nothing was approved before, or before the log told of it.
    """
    waiting = review.waiting
    if waiting is None or waiting.ask is not Ask.REINSTATE or not waiting.unchanged:
        return None
    leaves = [leaf for _, leaf in reader.records(types=(RecordType.CUSTOMER_APPROVED,), customer=review.customer.id)]
    stood = _told(decode(leaves[-1])) if leaves else None
    return None if stood is None or reader.people().same(stood.prepared_by, stood.approved_by) else stood


def _told(record: Record) -> Interrupted | None:
    stands = record.facts.get("stands")
    facts = {"approved_by": record.actor.name, **record.facts, **(stands if isinstance(stands, Mapping) else {})}
    # A lift may have chosen an earlier end than the approval had: that one holds.
    ends, prepared_by = record.facts.get("expires_at"), facts.get("prepared_by")
    if not isinstance(ends, str) or not isinstance(prepared_by, str):
        return None
    return Interrupted(prepared_by, str(facts["approved_by"]), datetime.fromisoformat(ends))
