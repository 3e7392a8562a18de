"""A customer as an approver sees it: what holds, what waits, what an approval would do, and a name for all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import TierFinding
from gatekeeper.registry.kyc_record import KycRecord, fingerprint, overlaid
from gatekeeper.registry.plan import KycReader, completed, in_effect, kept_of, waits
from gatekeeper.registry.strictness import TierChange, Yardstick, tier_changes


@dataclass(frozen=True, slots=True)
class Review:
    """A customer as an approver sees it.

    Attributes:
        standing: as of now; an approval past its end is expired.
        in_effect: the record that holds; None where nothing was approved yet.
        proposed: the record that waits, with all known owners; None where nothing waits.
        looked_at: what waits, or else what holds: what an approval approves. Where neither is (a draft, a rejection),
            what was written last.
        findings: tier by each pack of what is looked at; findings_in_effect: of what holds, none where nothing does.
        changes: customers whose tier an approval would move.
        fingerprint: names all of this; an approval that passes it approves exactly this.
        told: ids of the parties that the record which waits tells itself: whoever shows only a part shows these.
        decided, decided_if_approved: both findings as decisions use them now: with open screenings and the override.
            Empty of the past, of which nobody decides any more.
        open_screenings: ids of its parties with a hit that nobody has judged.
        override: the one that it is under now.
        placing: packs by which it matters in what tier somebody is.
    """

    customer: Customer
    standing: Standing
    in_effect: KycRecord | None
    proposed: KycRecord | None
    looked_at: KycRecord
    prepared_by: str
    findings: Mapping[str, TierFinding]
    findings_in_effect: Mapping[str, TierFinding]
    changes: tuple[TierChange, ...]
    fingerprint: str
    told: frozenset[str] = frozenset()
    decided: Mapping[str, TierFinding] = field(default_factory=dict)
    decided_if_approved: Mapping[str, TierFinding] = field(default_factory=dict)
    open_screenings: tuple[str, ...] = ()
    override: Override | None = None
    placing: frozenset[str] = frozenset()

    @property
    def shown(self) -> dict[str, TierFinding]:
        """The findings to show: those that decisions use, by the packs to which they matter; of what waits where
        nothing is in effect."""
        if self.findings_in_effect:
            return self._placed(self.decided or self.findings_in_effect)
        return self.shown_if_approved

    @property
    def shown_if_approved(self) -> dict[str, TierFinding]:
        """The same once what waits is approved."""
        return self._placed(self.decided_if_approved or self.findings)

    def _placed(self, findings: Mapping[str, TierFinding]) -> dict[str, TierFinding]:
        return {pack: each for pack, each in findings.items() if pack in self.placing}


def existing(reader: KycReader, customer_id: str) -> Customer:
    """The customer of an id.

    Raises:
        NotFound: no such customer.
    """
    customer = reader.customer(customer_id)
    if customer is None:
        raise NotFound(f"There is no customer {customer_id!r:.80}.", hint="See `gatekeeper customer list`.")
    return customer


def review_of(
    reader: KycReader,
    customer: Customer,
    yardstick: Yardstick,
    now: datetime,
    parties: Mapping[str, Party] | None = None,
    *,
    whose_tiers_move: bool = True,
) -> Review:
    """Look at a customer at a moment.

    Args:
        parties: all parties, where the caller has read them already.
        whose_tiers_move: whether `changes` are wanted: working them out costs as much as all customers together.

    Raises:
        NotFound: neither a record holds nor one waits.
    """
    parties = reader.parties() if parties is None else parties
    kept = kept_of(reader, customer.id)
    proposal = kept if waits(customer) else None
    holds = in_effect(customer, parties) if not customer.standing.is_first_record else None
    after, proposed, changes = parties, None, tuple[TierChange, ...]()
    if proposal is not None:
        after = overlaid(parties, proposal.record.parties)
        proposed = completed(proposal.record, after)
        if whose_tiers_move:
            changes = tier_changes(reader.customers(), parties, proposal.record.parties, yardstick)
    looked_at = proposed or holds
    if looked_at is None and kept is not None:  # nothing holds and nothing waits: what was written last
        after = overlaid(parties, kept.record.parties)
        looked_at = completed(kept.record, after)
    if looked_at is None:
        raise NotFound(f"Customer {customer.id} has no record to look at.", hint="Apply its file.")
    return Review(
        customer=customer,
        standing=customer.standing_at(now),
        in_effect=holds,
        proposed=proposed,
        looked_at=looked_at,
        prepared_by=kept.prepared_by if kept else customer.prepared_by,
        findings=yardstick.findings(after, looked_at.party_id),
        findings_in_effect=yardstick.findings(parties, holds.party_id) if holds else {},
        changes=changes,
        fingerprint=fingerprint(customer, looked_at),
        told=frozenset(each.id for each in kept.record.parties) if kept else frozenset(),
        placing=yardstick.placing,
    )
