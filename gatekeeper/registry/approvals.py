"""Use case on customers: a second person approves what waits: a record, the end of a suspension, a renewal.

Nobody approves what he wrote, under any spelling of a name: neither what waits, nor a party of it that he changed alone
since two people looked at it. What waits was written against parties as they stood; where one has moved, it is stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatekeeper.domain.customer import NOTICE_WINDOW, Customer, Standing
from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.domain.policy import ActivePack, Pack
from gatekeeper.domain.record import Actor, JsonValue, RecordType
from gatekeeper.domain.tier import Tier, TierFinding, worst
from gatekeeper.facts import new_record
from gatekeeper.ports import Clock, Stores, Transaction
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.facts import approval_facts, customer_facts, split_facts, state_facts, written_facts
from gatekeeper.registry.inquiries import reopen_for
from gatekeeper.registry.leis import check_leis
from gatekeeper.registry.lifting import Interrupted, interrupted
from gatekeeper.registry.outgrown import end_outgrown, outgrown
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.plan import waits
from gatekeeper.registry.profiles import check_demanded, with_profile
from gatekeeper.registry.proposal import Ask
from gatekeeper.registry.review import Review, existing, review_of
from gatekeeper.registry.second_hand import check_second_hand
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
        """Approve what waits: a record, the end of a suspension that another person asked for, or a renewal.

        Args:
            expires_at: end of the approval, not later than the terms allow; None for as long as they allow. An
                approval that a suspension interrupted ends when it did before, or earlier.
            seen: fingerprint of the review that the approver looked at; None only where nobody could look before.

        Raises:
            NotPermitted: by a person who wrote any of it, or nothing waits.
            Conflict: it is not what was looked at, or a party has moved since it was written.
            InvalidInput: `expires_at` is past or too late, or what the profile owes is missing.
            NotFound: no such customer.
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
            stands = interrupted(tx, review)
            end = self._end(review, stands, expires_at, now)
            waiting = _awaiting(review, now)
            check_second_hand(tx, review, actor.name)
            _check_current(review)
            if self._demands_profile:
                check_demanded(with_profile(tx, review.looked_at) or review.looked_at)
            approved = waiting.approve(by=actor.name, expires_at=end)
            if stands is not None:
                approved = stands.lifted(waiting, by=actor.name, asked_by=review.prepared_by, end=end)
            self._put_approved(tx, review, approved, actor, now, stands=stands)
            return approved

        return self._stores.transact(work)

    def check_may_approve(self, review: Review, *, by: By) -> None:
        """Let nobody be asked for an approval that would be refused for who asks.

        Raises:
            NotPermitted: no right to, or the person wrote any of what the review shows.
        """
        actor = acting(by, Right.APPROVE)
        if review.waiting is not None:
            self._stores.read(lambda reader: check_second_hand(reader, review, actor.name))

    def if_approved(self, review: Review, expires_at: datetime | None = None) -> tuple[datetime, Interrupted | None]:
        """When the approval ends that somebody is about to give, and the one before, where that is what holds again.

        Raises:
            InvalidInput: as `approve` says of `expires_at`.
        """
        stands = self._stores.read(lambda reader: interrupted(reader, review))
        return self._end(review, stands, expires_at, self._clock.now()), stands

    def _put_approved(
        self,
        tx: Transaction,
        review: Review,
        approved: Customer,
        actor: Actor,
        now: datetime,
        *,
        stands: Interrupted | None,
    ) -> None:
        parties = dict(tx.parties())
        written = review.waiting.written(parties) if review.waiting else []
        check_leis(tx, written)
        for party in written:
            tx.put_party(party)
        tx.put_customer(approved)
        tx.put_proposal(approved.id, None)
        beside: dict[str, JsonValue] = {
            **written_facts(written, review.changes),
            **split_facts(review.groups),
            "authors": list(review.waiting.authors) if review.waiting else [],
            "ask": review.ask.value,
        }
        # Both hands of this record are those of the lift; those of what was approved before stand beside.
        lifts: dict[str, JsonValue] = {"prepared_by": review.prepared_by, "stands": stands.facts()} if stands else {}
        facts = {
            **customer_facts(approved),
            **approval_facts(approved),
            **lifts,
            "in_effect": state_facts(review.looked_at, review.findings, self._sha256(), beside=beside),
            **beside,
            "fingerprint": review.fingerprint,
        }
        tx.append(new_record(RecordType.CUSTOMER_APPROVED, actor, now, facts))
        reopen_for(tx, parties, written, actor, now)
        end_outgrown(tx, outgrown(tx, review.changes, self._yardstick(now).placing, now), actor, now)

    def _end(self, review: Review, stands: Interrupted | None, expires_at: datetime | None, now: datetime) -> datetime:
        if stands is not None:
            return stands.end(expires_at, now)
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


def _awaiting(review: Review, now: datetime) -> Customer:
    """The customer in the standing from which it can be approved.

    Raises:
        NotPermitted: nothing waits for approval, or nobody asked for what an approval would do.
    """
    customer, record = review.customer, review.proposed
    if not waits(customer):
        raise NotPermitted(
            f"Customer {customer.id} is {customer.standing.value}: nothing of it waits for approval.",
            hint=_INSTEAD[customer.standing].format(customer.id),
        )
    if customer.standing is Standing.SUSPENDED and review.ask is not Ask.REINSTATE:
        raise NotPermitted(
            f"Customer {customer.id} is suspended, and nobody has asked to lift that.",
            hint=f"Another person asks first: gatekeeper customer reinstate {customer.id} --reason REASON",
        )
    if record is None:
        raise NotPermitted(f"Nothing of customer {customer.id} waits for approval.", hint=_to_renew(customer, now))
    return replace(
        customer,
        party_id=record.party_id,
        profile_sha256=record.profile_sha256,
        standing=Standing.SUBMITTED,
        prepared_by=review.prepared_by,
        approved_by="",
        expires_at=None,
    )


def _to_renew(customer: Customer, now: datetime) -> str:
    """What to do where a record is to stand as it is."""
    first = customer.expires_at - NOTICE_WINDOW if customer.expires_at else now
    if now >= first:
        return f"Another person, who verified it again, asks first: gatekeeper customer renew {customer.id}"
    return f"Apply a changed file first; renewed as it stands it can be from {first:%Y-%m-%d} on."


def _check_current(review: Review) -> None:
    if review.stale:
        raise Conflict(
            f"Party {review.stale[0]} has changed since {review.prepared_by} wrote what waits for customer "
            f"{review.customer.id}: approving it would undo that.",
            hint="Apply it again, or ask again for what it asked, and look at what it does now.",
        )


_INSTEAD = {
    Standing.DRAFT: "Submit it first: gatekeeper customer submit {}",
    Standing.REJECTED: "Apply a corrected file first.",
    Standing.CLOSED: "A closed account is never opened again; enrol the customer under another id.",
}
