"""A customer as an approver sees it: what holds, what waits, what an approval would do, and a name for all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.observation import Disagreement
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.record import JsonValue, canonical_json
from gatekeeper.domain.tier import TierFinding
from gatekeeper.registry.consequences import (
    GroupChange,
    TierChange,
    changes_of_waiting,
    drift,
    group_changes,
    tier_changes,
)
from gatekeeper.registry.kyc_reader import KycReader
from gatekeeper.registry.kyc_record import KycRecord, overlaid, record_json
from gatekeeper.registry.plan import completed, in_effect, kept_of, waits
from gatekeeper.registry.proposal import Ask, Proposal
from gatekeeper.registry.strictness import Yardstick


@dataclass(frozen=True, slots=True)
class Review:
    """A customer as an approver sees it.

    Attributes:
        standing: as of now; an approval past its end is expired.
        in_effect: the record that holds; None where nothing was approved yet.
        proposed: the record that waits, with all known owners; None where nothing waits.
        looked_at: what waits, or else what holds: what an approval approves. Where neither is (a draft, a rejection),
            what was written last.
        waiting: the proposal itself, who wrote it and what it asks for; None where nothing waits.
        findings: tier by each pack of what is looked at; findings_in_effect: of what holds, none where nothing does.
        changes: customers whose tier an approval would move, today or later, also some that wait for their own.
        groups: customers whose corporate group an approval would make smaller.
        stale: parties that moved since what waits was written, and that an approval would write over.
        fingerprint: names all that an approval does; one that passes it approves exactly this. "" where `changes` and
            `groups` were not asked for: who has not looked at them has not looked.
        told: ids of the parties that the record which waits tells itself: whoever shows only a part shows these.
        decided, decided_if_approved: both findings as decisions use them now: with open screenings and the override.
            Empty of the past, of which nobody decides any more.
        open_screenings: ids of its parties with a hit that nobody has judged.
        conflicts: where a register disagreed, when it was read last, with the record that is looked at.
        override: the one that it is under now; override_waits: the one that waits for a second person.
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
    changes: tuple[TierChange, ...] = ()
    groups: tuple[GroupChange, ...] = ()
    waiting: Proposal | None = None
    stale: tuple[str, ...] = ()
    fingerprint: str = ""
    told: frozenset[str] = frozenset()
    decided: Mapping[str, TierFinding] = field(default_factory=dict)
    decided_if_approved: Mapping[str, TierFinding] = field(default_factory=dict)
    open_screenings: tuple[str, ...] = ()
    conflicts: tuple[Disagreement, ...] = ()
    override: Override | None = None
    override_waits: Override | None = None
    placing: frozenset[str] = frozenset()

    @property
    def ask(self) -> Ask:
        """What an approval would do besides putting the record into effect."""
        return self.waiting.ask if self.waiting else Ask.CHANGE

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
    waiting = kept if waits(customer) else None
    holds = in_effect(customer, parties) if not customer.standing.is_first_record else None
    shown = kept if waiting is not None or holds is None else None  # what waits, or was written last
    after = overlaid(parties, shown.record.parties) if shown else parties
    looked_at = completed(shown.record, after) if shown else holds
    if looked_at is None:
        raise NotFound(f"Customer {customer.id} has no record to look at.", hint="Apply its file.")
    review = Review(
        customer=customer,
        standing=customer.standing_at(now),
        in_effect=holds,
        proposed=looked_at if waiting else None,
        looked_at=looked_at,
        prepared_by=kept.prepared_by if kept else customer.prepared_by,
        findings=yardstick.findings(after, looked_at.party_id),
        findings_in_effect=yardstick.findings(parties, holds.party_id) if holds else {},
        waiting=waiting,
        stale=tuple(waiting.moved(parties)) if waiting else (),
        told=frozenset(each.id for each in kept.record.parties) if kept else frozenset(),
        placing=yardstick.placing,
    )
    return _with_consequences(reader, review, parties, yardstick) if whose_tiers_move else review


def _with_consequences(reader: KycReader, review: Review, parties: Mapping[str, Party], yardstick: Yardstick) -> Review:
    """The review with all that an approval would do to anybody, and its name."""
    written = review.waiting.written(parties) if review.waiting else []
    if review.waiting is not None:
        customer, record = review.customer, review.waiting.record
        customers, own = reader.customers(), {customer.id: record.party_id}
        changes = tier_changes(customers, parties, written, yardstick, own)
        changes += changes_of_waiting(reader, customer.id, written, yardstick)
        if customer.standing.is_first_record:
            changes += tuple(drift(customer.id, overlaid(parties, written), record.party_id, yardstick))
        review = replace(review, changes=changes, groups=group_changes(customers, parties, written, own))
    return replace(review, fingerprint=_fingerprint(review, [parties.get(each.id) for each in written], written))


def _fingerprint(review: Review, before: list[Party | None], written: list[Party]) -> str:
    """SHA-256 of exactly what an approver looks at.

    An approval that names it fails when anything was changed in the meantime: by another proposal, by a stricter
    change of an owner in somebody else's file, by a suspension, which is a version too, or by a pack.
    """
    waiting = review.waiting
    seen: dict[str, JsonValue] = {
        "version": review.customer.version,
        **record_json(review.looked_at),
        "tiers": {pack: each.tier.value for pack, each in review.findings.items()},
        "tiers_before": {pack: each.tier.value for pack, each in review.findings_in_effect.items()},
        "changes": [
            [each.customer_id, each.pack, each.before.value, each.after.value, each.day.isoformat() if each.day else ""]
            for each in review.changes
        ],
        "groups": [[each.customer_id, *each.left] for each in review.groups],
        "writes": {each.id: party_json(old) if old else None for each, old in zip(written, before, strict=True)},
        "asks": [waiting.ask.value, waiting.reason, *waiting.authors] if waiting else [],
    }
    return hashlib.sha256(canonical_json(seen)).hexdigest()
