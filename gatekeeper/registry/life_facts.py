"""The facts of records about the life of a customer, besides those of enrolment and approval (`facts`).

customer.drafted             as customer.enrolled, without effect: nothing of it took effect, and nothing waits
customer.rejected            {customer, version, standing, before, reason, final, comment}; standing is rejected, or
                             as before where a change was rejected and what holds stays
customer.reopened            {customer, version, standing, rejected_by, reason}
customer.reinstatement_requested, customer.renewal_requested
                             {customer, version, standing, reason, requested_by}; nothing took effect
customer.closed              {customer, version, standing, before, reason}
customer.notice              {customer, version, kind, expires_at}; kind: 60_days, 30_days, 7_days, expired
customer.override_requested  {customer, override, tier, hours, reason, requested_by}
customer.override_approved   the same with approved_by and ends_at
customer.override_ended      the same, by whoever ended it before its time; approved_by and ends_at are null where
                             nobody had approved it; newer_fact: true where it ended with a fact that makes the
                             customer stricter, which the record before it tells of
customer.hold_placed         {customer, hold, reason}
customer.hold_lift_requested, customer.hold_lift_rejected
                             {customer, hold, reason, requested_by}; reason: why it is to be lifted
customer.hold_lifted         the same with approved_by
customer.erasure_requested, customer.erasure_rejected
                             {customer, reason, requested_by, last_event_at, retention_years}
customer.erased              the same with approved_by, profiles: [salted hash], profiles_total, files: [sha256],
                             files_total: whose values and bytes are gone (the first 200 of each)
evidence.read                {customer, sha256, sensitivity}: the actor was given the bytes
evidence.added               {customer, sha256, size_bytes, media_type, description, source, sensitivity,
                             collected_on or null}
attestation.made             {customer, attestation, statement, method, attested_by, attested_on, above_percent or
                             null, evidence: [sha256]}
"""

from __future__ import annotations

from datetime import datetime

from gatekeeper.domain.evidence import Attestation, Evidence
from gatekeeper.domain.override import Override
from gatekeeper.domain.record import JsonValue
from gatekeeper.domain.retention import Erasure, LegalHold
from gatekeeper.facts import Facts, moment


def override_facts(override: Override) -> Facts:
    """An override as it stands."""
    return {
        "customer": override.customer_id,
        "override": override.id,
        "tier": override.tier.value,
        "hours": override.hours,
        "reason": override.reason,
        "requested_by": override.requested_by,
    }


def approved_override_facts(override: Override) -> Facts:
    """An override that was approved, or is over."""
    approved = override.approved_at is not None and override.ends_at is not None
    return {
        **override_facts(override),
        "approved_by": override.approved_by or None,
        "ends_at": moment(override.ends_at) if approved and override.ends_at else None,
    }


def outgrown_facts(override: Override) -> Facts:
    """An override that ended with a fact that its two people had not seen."""
    return {**approved_override_facts(override), "newer_fact": True}


# More hashes than this make a record that has no room for anything else.
HASHES_MAX = 200


def hold_facts(hold: LegalHold) -> Facts:
    """A legal hold that was placed."""
    return {"customer": hold.customer_id, "hold": hold.id, "reason": hold.reason}


def lift_facts(hold: LegalHold) -> Facts:
    """What one person asked for, and another decided where the hold was lifted."""
    asked: Facts = {**hold_facts(hold), "reason": hold.lift_reason, "requested_by": hold.lift_asked_by}
    return {**asked, **({"approved_by": hold.lifted_by} if hold.lifted_by else {})}


def erasure_facts(erasure: Erasure, last_event_at: datetime, retention_years: int) -> Facts:
    """An erasure that was asked for, and since when the time runs."""
    return {
        "customer": erasure.customer_id,
        "reason": erasure.reason,
        "requested_by": erasure.asked_by,
        "last_event_at": last_event_at.isoformat().replace("+00:00", "Z"),
        "retention_years": retention_years,
    }


def hashes_facts(name: str, hashes: list[str]) -> dict[str, JsonValue]:
    """Hashes, as many as a record has room for, and how many there are."""
    return {name: list(hashes[:HASHES_MAX]), f"{name}_total": len(hashes)}


def evidence_facts(evidence: Evidence) -> Facts:
    """A file that was put on record."""
    return {
        "customer": evidence.customer_id,
        "sha256": evidence.sha256,
        "size_bytes": evidence.size_bytes,
        "media_type": evidence.media_type,
        "description": evidence.description,
        "source": evidence.source,
        "sensitivity": evidence.sensitivity.value,
        "collected_on": evidence.collected_on.isoformat() if evidence.collected_on else None,
    }


def attestation_facts(attestation: Attestation) -> Facts:
    """A person's word that was put on record."""
    return {
        "customer": attestation.customer_id,
        "attestation": attestation.id,
        "statement": attestation.statement.value,
        "method": attestation.method.value,
        "attested_by": attestation.attested_by,
        "attested_on": attestation.attested_on.isoformat(),
        "above_percent": attestation.above_percent,
        "evidence": list(attestation.evidence),
    }
