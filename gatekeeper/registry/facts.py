"""The facts of records about people: what the log says about customers, bindings and runs, in one place.

    customer.enrolled    {customer, version, standing, effect, applied: STATE, written: [PARTY], changes: [CHANGE],
                          changes_total}
    customer.submitted   the same; effect: at_once (took effect), partly (`written` did, the rest waits), waits, or
                          withdrawn (what is in effect was applied again, and what had waited is dropped)
    customer.approved    {customer, version, standing, prepared_by, expires_at, in_effect: STATE, written: [PARTY],
                          changes: [CHANGE], changes_total, fingerprint}
    customer.suspended   {customer, version, standing, before, reason}
    namespace.bound      {cluster, namespace, customer, run or null, before: {customer, run} or null}
    run.declared         {run, customer, title, carried_in_tflop, carried_in_source, replaces: bool}
    run.approved         the same without `replaces`, with declared_by
    STATE                {customer, party, parties: [PARTY], as_of, tiers: {pack: {sha256, tier, reasons: [REASON]}}}
    PARTY                {id, kind, legal_name, headquarters, parents, no_parent_reason}
    REASON               {tier, code, path}, strictest first; the path leads from the customer's party to the owner
    CHANGE               {customer, pack, before, after}: a customer whose tier the parties written changed

STATE holds the customer's own party and every known owner, so that with the pack of that SHA-256 anyone can resolve
the tier again. `written` are the parties as stored from then on: whoever replays them has the registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gatekeeper.domain.party import Binding, Customer, Party
from gatekeeper.domain.record import JsonValue
from gatekeeper.domain.run import Run
from gatekeeper.domain.tier import TierFinding
from gatekeeper.facts import Facts, moment
from gatekeeper.registry.kyc_record import KycRecord, party_json, record_json
from gatekeeper.registry.strictness import TierChange

# A sale of a parent may move thousands of customers at once; the log names this many and says how many there are.
CHANGES_MAX = 100


def customer_facts(customer: Customer) -> dict[str, JsonValue]:
    """Which version of which customer a record is about."""
    return {"customer": customer.id, "version": customer.version, "standing": customer.standing.value}


def state_facts(
    record: KycRecord, findings: Mapping[str, TierFinding], sha256_by_pack: Mapping[str, str]
) -> dict[str, JsonValue]:
    """A KYC record with its tier by each pack."""
    tiers: dict[str, JsonValue] = {
        pack: {
            "sha256": sha256_by_pack[pack],
            "tier": finding.tier.value,
            "reasons": [
                {"tier": each.tier.value, "code": each.code, "path": list(each.path)} for each in finding.reasons
            ],
        }
        for pack, finding in findings.items()
    }
    as_of = next((finding.as_of.isoformat() for finding in findings.values()), None)
    return {**record_json(record), "as_of": as_of, "tiers": tiers}


def written_facts(written: Iterable[Party], changes: tuple[TierChange, ...]) -> dict[str, JsonValue]:
    """The parties that a change wrote, and whose tier it moved."""
    return {
        "written": [party_json(party) for party in written],
        "changes": [
            {
                "customer": each.customer_id,
                "pack": each.pack,
                "before": each.before.value,
                "after": each.after.value,
            }
            for each in changes[:CHANGES_MAX]
        ],
        "changes_total": len(changes),
    }


def approval_facts(customer: Customer) -> dict[str, JsonValue]:
    """Who prepared what is approved, and how long the approval lasts."""
    return {
        "prepared_by": customer.prepared_by,
        "expires_at": moment(customer.expires_at) if customer.expires_at else None,
    }


def binding_facts(binding: Binding, before: Binding | None) -> Facts:
    """A namespace as it is bound, and whom it belonged to."""
    return {
        "cluster": binding.cluster,
        "namespace": binding.namespace,
        "customer": binding.customer_id,
        "run": binding.run_id,
        "before": {"customer": before.customer_id, "run": before.run_id} if before else None,
    }


def run_facts(run: Run) -> dict[str, JsonValue]:
    """A run's declaration."""
    return {
        "run": run.id,
        "customer": run.customer_id,
        "title": run.title,
        "carried_in_tflop": str(run.carried_in_tflop),
        "carried_in_source": run.carried_in_source,
    }
