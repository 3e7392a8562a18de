"""Use case on customers: a second person approves what waits, reinstates, or renews.

Who prepared a record never approves it, under any spelling of a name; who changed it alone since does not renew it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatekeeper.domain.customer import NOTICE_WINDOW, Customer, Standing
from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.domain.policy import ActivePack, Pack
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.domain.tier import Tier, TierFinding, worst
from gatekeeper.facts import new_record
from gatekeeper.ports import Clock, Stores, Transaction
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.facts import approval_facts, customer_facts, state_facts, written_facts
from gatekeeper.registry.inquiries import reopen_for
from gatekeeper.registry.leis import check_leis
from gatekeeper.registry.people import By, acting, check_may_renew
from gatekeeper.registry.plan import waiting_for, waits
from gatekeeper.registry.review import Review, existing, review_of
from gatekeeper.registry.sight import sight_of


@dataclass(frozen=True, slots=True)
class ApprovalTerms:
    """How long an approval lasts at most: longer for Tier 1 by every pack that has one, shorter for everybody else."""

    tier_one: timedelta = timedelta(days=365)
    others: timedelta = timedelta(days=182)

    def longest(self, findings: Mapping[str, TierFinding]) -> timedelta:
        """The longest approval for a customer with these tiers."""
        tier = worst(finding.tier for finding in findings.values())
        return self.tier_one if tier is Tier.ONE else self.others


class ApprovalRegistry(Desk):
    """The use case of the second person, over one store and the packs that place customers."""

    def __init__(self, stores: Stores, clock: Clock, packs: tuple[ActivePack, ...], terms: ApprovalTerms) -> None:
        super().__init__(stores, clock, packs)
        self._terms = terms

    def approve(
        self, customer_id: str, *, by: By, expires_at: datetime | None = None, seen: str | None = None
    ) -> Customer:
        """Approve what waits, reinstate a suspended customer, or renew an approval that has ended.

        Args:
            expires_at: end of the approval, not later than the terms allow; None for as long as they allow.
            seen: fingerprint of the review that the approver looked at; None only where nobody could look before.

        Raises:
            NotPermitted: by the person who prepared it, or nothing waits. Conflict: it is not what was looked at.
            InvalidInput: `expires_at` is past or too late. NotFound: no such customer.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)

        def work(tx: Transaction) -> Customer:
            tx = sight_of(tx, customer_id)
            review = review_of(tx, existing(tx, customer_id), self._yardstick(now), now)
            if seen is not None and seen != review.fingerprint:
                raise Conflict(
                    f"The record of customer {customer_id} is not the one that {actor.name} looked at.",
                    hint="Look at it again, and approve what it says now.",
                )
            end = self._end(review, expires_at, now)
            approved = _awaiting(review, actor.name, now).approve(by=actor.name, expires_at=end)
            self._put_approved(tx, review, approved, actor, now)
            return approved

        return self._stores.transact(work)

    def _put_approved(self, tx: Transaction, review: Review, approved: Customer, actor: Actor, now: datetime) -> None:
        proposal, parties = waiting_for(tx, approved.id), dict(tx.parties())
        written = [each for each in proposal.record.parties if parties.get(each.id) != each] if proposal else []
        check_leis(tx, written)
        for party in written:
            tx.put_party(party)
        tx.put_customer(approved)
        tx.put_proposal(approved.id, None)
        beside = written_facts(written, review.changes)
        facts = {
            **customer_facts(approved),
            **approval_facts(approved),
            "in_effect": state_facts(review.looked_at, review.findings, self._sha256(), beside=beside),
            **beside,
            "fingerprint": review.fingerprint,
        }
        tx.append(new_record(RecordType.CUSTOMER_APPROVED, actor, now, facts))
        reopen_for(tx, parties, written, actor, now)

    def _end(self, review: Review, expires_at: datetime | None, now: datetime) -> datetime:
        latest = now + self._terms.longest(self._that_place(review.findings))
        end = expires_at or latest
        if not now < end <= latest:
            raise InvalidInput(
                f"An approval of customer {review.customer.id} can end between now and {latest:%Y-%m-%d}.",
                hint="Choose an end within that time, or leave it out.",
            )
        return end

    def _that_place(self, findings: Mapping[str, TierFinding]) -> dict[str, TierFinding]:
        """The findings that say how well a customer must be known: Tier 2 by a pack that has no Tier 1 is everybody."""
        placing = {active.pack.id for active in self._packs if _knows_tier_one(active.pack)}
        return {pack: each for pack, each in findings.items() if each.tier is not Tier.TWO or pack in placing}


def _knows_tier_one(pack: Pack) -> bool:
    return any(row.tier is Tier.ONE for rows in pack.tiers.rows.values() for row in rows)


def _awaiting(review: Review, by: str, now: datetime) -> Customer:
    """The customer in the standing from which it can be approved.

    Raises:
        NotPermitted: nothing waits for approval, or this person may not renew it.
    """
    customer = review.customer
    if not waits(customer):
        raise NotPermitted(
            f"Customer {customer.id} is {customer.standing.value}: nothing of it waits for approval.",
            hint=_INSTEAD[customer.standing].format(customer.id),
        )
    if review.proposed is not None:
        return replace(
            customer,
            party_id=review.proposed.party_id,
            profile_sha256=review.proposed.profile_sha256,
            standing=Standing.SUBMITTED,
            prepared_by=review.prepared_by,
            approved_by="",
            expires_at=None,
        )
    if customer.standing is Standing.APPROVED:
        if customer.expires_at is not None and now < customer.expires_at - NOTICE_WINDOW:
            raise NotPermitted(
                f"Nothing of customer {customer.id} waits for approval.",
                hint=f"Apply a changed file first; renewed as it stands it can be from "
                f"{customer.expires_at - NOTICE_WINDOW:%Y-%m-%d} on.",
            )
        check_may_renew(customer, by)
        return replace(customer, standing=Standing.EXPIRED, approved_by="", expires_at=None)
    return customer


_INSTEAD = {
    Standing.DRAFT: "Submit it first: gatekeeper customer submit {}",
    Standing.REJECTED: "Apply a corrected file first.",
    Standing.CLOSED: "A closed account is never opened again; enrol the customer under another id.",
}
