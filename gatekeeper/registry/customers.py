"""Use cases on customers: apply a record, look at it, approve, suspend, explain.

Each is one transaction with its record in the log, and reads the clock once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.domain.policy import ActivePack
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.domain.tier import Tier, TierFinding, worst
from gatekeeper.facts import new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.facts import approval_facts, customer_facts, state_facts, written_facts
from gatekeeper.registry.kyc_record import KycRecord, Proposal, overlaid
from gatekeeper.registry.people import By, acting, changed_alone, check_may_renew
from gatekeeper.registry.plan import Outcome, Plan, plan_of, waiting_for
from gatekeeper.registry.review import Review, existing, review_of
from gatekeeper.registry.strictness import Yardstick

# An approval can be renewed this long before it ends, so that nobody is stopped while a person is on holiday.
RENEWED_BEFORE = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class ApprovalTerms:
    """How long an approval lasts at most: longer for Tier 1 by every pack, shorter for everybody else."""

    tier_one: timedelta = timedelta(days=365)
    others: timedelta = timedelta(days=182)

    def longest(self, findings: Mapping[str, TierFinding]) -> timedelta:
        """The longest approval for a customer with these tiers."""
        tier = worst(finding.tier for finding in findings.values())
        return self.tier_one if tier is Tier.ONE else self.others


class CustomerRegistry:
    """Use cases on customers, over one store and the packs that place them."""

    def __init__(self, stores: Stores, clock: Clock, packs: tuple[ActivePack, ...], terms: ApprovalTerms) -> None:
        self._stores = stores
        self._clock = clock
        self._packs = packs
        self._terms = terms

    def plan(self, record: KycRecord) -> Plan:
        """What `apply` would do now; nothing is written."""
        yardstick = self._yardstick(self._clock.now())
        return self._stores.read(lambda reader: plan_of(reader, record, yardstick))

    def apply(self, record: KycRecord, *, by: By) -> Plan:
        """Enrol a customer or change its record; what is milder waits for a second person.

        Raises:
            InvalidInput: not a person's name, or the record is too large for the log. NotPermitted: closed.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        return self._stores.transact(lambda tx: self._apply(tx, record, actor, now))

    def review(self, customer_id: str) -> Review:
        """A customer as an approver sees it.

        Raises:
            NotFound: no such customer.
        """
        now = self._clock.now()
        return self._stores.read(
            lambda reader: review_of(reader, existing(reader, customer_id), self._yardstick(now), now)
        )

    def reviews(self) -> list[Review]:
        """All customers by id, each as an approver sees it."""
        now = self._clock.now()

        def work(reader: Reader) -> list[Review]:
            parties = reader.parties()  # read once for all
            return [review_of(reader, each, self._yardstick(now), now, parties) for each in reader.customers()]

        return self._stores.read(work)

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

    def suspend(self, customer_id: str, *, by: By, reason: str) -> Customer:
        """Suspend a customer: from now on nothing of it starts, and what runs is stopped.

        Raises:
            InvalidInput: no reason. NotPermitted: closed. NotFound: no such customer.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> Customer:
            before = existing(tx, customer_id)
            suspended = before.suspend(by=actor.name, reason=reason)
            tx.put_customer(suspended)
            facts = {**customer_facts(suspended), "before": before.standing.value, "reason": reason}
            tx.append(new_record(RecordType.CUSTOMER_SUSPENDED, actor, now, facts))
            return suspended

        return self._stores.transact(work)

    def explain(self, customer_id: str, *, as_of: date | None = None) -> dict[str, TierFinding]:
        """Tier of a customer by each pack on a day (today), with every reason and its path.

        A customer that was never approved is explained by the record that waits.

        Raises:
            NotFound: no such customer.
        """
        now = self._clock.now()

        def work(reader: Reader) -> dict[str, TierFinding]:
            customer, parties = existing(reader, customer_id), reader.parties()
            proposal = waiting_for(reader, customer_id) if customer.standing is Standing.SUBMITTED else None
            if proposal is not None:
                parties = overlaid(parties, proposal.record.parties)
            return self._yardstick(now).findings(parties, customer.party_id, as_of)

        return self._stores.read(work)

    def _yardstick(self, now: datetime) -> Yardstick:
        return Yardstick.of(self._packs, now.date())

    def _apply(self, tx: Transaction, record: KycRecord, actor: Actor, now: datetime) -> Plan:
        plan = plan_of(tx, record, self._yardstick(now))
        if plan.outcome is Outcome.UNCHANGED:
            return plan
        customer = _after_apply(plan, record, actor.name)
        for party in plan.written.values():
            tx.put_party(party)
        waits = plan.outcome in (Outcome.ENROLLED, Outcome.PARTLY, Outcome.WAITS)
        tx.put_customer(customer)
        tx.put_proposal(customer.id, Proposal(record, actor.name).to_text() if waits else None)
        facts = {
            **customer_facts(customer),
            "effect": Outcome.WAITS.value if plan.outcome is Outcome.ENROLLED else plan.outcome.value,
            "applied": state_facts(plan.wanted, plan.findings, self._sha256()),
            **written_facts(plan.written.values(), plan.changes),
        }
        kind = RecordType.CUSTOMER_ENROLLED if plan.customer is None else RecordType.CUSTOMER_SUBMITTED
        tx.append(new_record(kind, actor, now, facts))
        return plan

    def _put_approved(self, tx: Transaction, review: Review, approved: Customer, actor: Actor, now: datetime) -> None:
        proposal, parties = waiting_for(tx, approved.id), tx.parties()
        written = [each for each in proposal.record.parties if parties.get(each.id) != each] if proposal else []
        for party in written:
            tx.put_party(party)
        tx.put_customer(approved)
        tx.put_proposal(approved.id, None)
        facts = {
            **customer_facts(approved),
            **approval_facts(approved),
            "in_effect": state_facts(review.looked_at, review.findings, self._sha256()),
            **written_facts(written, review.changes),
            "fingerprint": review.fingerprint,
        }
        tx.append(new_record(RecordType.CUSTOMER_APPROVED, actor, now, facts))

    def _end(self, review: Review, expires_at: datetime | None, now: datetime) -> datetime:
        latest = now + self._terms.longest(review.findings)
        end = expires_at or latest
        if not now < end <= latest:
            raise InvalidInput(
                f"An approval of customer {review.customer.id} can end between now and {latest:%Y-%m-%d}.",
                hint="Choose an end within that time, or leave it out.",
            )
        return end

    def _sha256(self) -> dict[str, str]:
        return {active.pack.id: active.pack.sha256 for active in self._packs}


def _after_apply(plan: Plan, record: KycRecord, by: str) -> Customer:
    """The customer as it stands once a plan is carried out."""
    customer = plan.customer
    if customer is None:
        return Customer(record.customer_id, record.party_id, Standing.SUBMITTED, prepared_by=by)
    if customer.standing is Standing.SUBMITTED:
        return replace(changed_alone(customer, by), party_id=record.party_id)
    return changed_alone(customer, by) if plan.written else customer


def _awaiting(review: Review, by: str, now: datetime) -> Customer:
    """The customer in the standing from which it can be approved.

    Raises:
        NotPermitted: nothing waits for approval, or this person may not renew it.
    """
    customer = review.customer
    if review.proposed is not None:
        return replace(
            customer,
            party_id=review.proposed.party_id,
            standing=Standing.SUBMITTED,
            prepared_by=review.prepared_by,
            approved_by="",
            expires_at=None,
        )
    if customer.standing is Standing.APPROVED:
        if customer.expires_at is not None and now < customer.expires_at - RENEWED_BEFORE:
            raise NotPermitted(
                f"Nothing of customer {customer.id} waits for approval.",
                hint=f"Apply a changed file first; renewed as it stands it can be from "
                f"{customer.expires_at - RENEWED_BEFORE:%Y-%m-%d} on.",
            )
        check_may_renew(customer, by)
        return replace(customer, standing=Standing.EXPIRED, approved_by="", expires_at=None)
    return customer
