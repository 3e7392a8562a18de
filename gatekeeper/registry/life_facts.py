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
                             nobody had approved it
evidence.added               {customer, sha256, size_bytes, media_type, description, source, sensitivity,
                             collected_on or null}
attestation.made             {customer, attestation, statement, method, attested_by, attested_on, above_percent or
                             null, evidence: [sha256]}
"""

from __future__ import annotations

from gatekeeper.domain.evidence import Attestation, Evidence
from gatekeeper.domain.override import Override
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
