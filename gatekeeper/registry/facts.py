"""The facts of records about people: what the log says about customers, bindings and runs, in one place.

    customer.enrolled    {customer, version, standing, effect, prepared_by, applied: STATE, written: [PARTY],
                          changes: [CHANGE], changes_total}; prepared_by is another than the actor where somebody else
                          wrote the draft that is handed in
    customer.submitted   the same; effect: at_once (took effect), partly (`written` did, the rest waits), waits, or
                          withdrawn (what is in effect was applied again, and what had waited is dropped)
    customer.approved    {customer, version, standing, prepared_by, expires_at, in_effect: STATE, written: [PARTY],
                          changes: [CHANGE], changes_total, fingerprint, authors, ask} and, where it splits a group,
                          {groups: [GROUP], groups_total}; authors: all who wrote what was approved; ask: change,
                          reinstate (it lifts a suspension) or renew
    customer.suspended   {customer, version, standing, before, reason}
    namespace.proposed   {cluster, namespace, customer, run or null, uid, before: {customer, run, holds} or null,
                          proposed_by}; uid is what the cluster calls the namespace, "" until it was seen
    namespace.bound      the same with approved_by; both null where one person was enough
    namespace.rejected   as namespace.proposed: what waited is dropped
    namespace.unbound    {cluster, namespace, customer, run or null, uid, reason}
    namespace.identified {cluster, namespace, customer, run or null, uid, found_uid or null, holds}
    run.declared         {run, customer, title, carried_in_tflop, carried_in_source, purpose, cluster, namespaces,
                          parameters, tokens, lineage or null, particulars, replaces: bool}; parameters and tokens are
                          decimal strings, "0" = not said; lineage: domain/lineage_facts, particulars: what is planned
    run.approved         the same without `replaces`, with declared_by; a namespace.bound follows for each namespace
    run.reclassified     {run, customer, before, purpose, reason}
    run.joined           {run, customer, into, into_customer, reason}: one model, and one limit, from now on
    correction.proposed  {correction, run, customer, low_tflop, best_tflop, high_tflop, reason, proposed_by}; amounts
                          are signed decimal strings: "1500", "-20"
    correction.rejected  the same: what waited is dropped
    usage.corrected      the same with approved_by (null where one person was enough) and after: totals of the run
    STATE                {customer, party, parties: [PARTY], as_of, tiers: {pack: {sha256, tier, reasons: [REASON],
                          reasons_total where it is more than are listed}}}
    gleif.imported       {files: [SHA-256], entries, parties, agree, conflicts: [{party, lei, code, recorded, observed,
                          taken}], conflicts_total}
    PARTY                {id, kind, legal_name, headquarters, parents, no_parent_reason} and what is not empty of
                          {interests, listings, nationalities, branch_of, other_names, lei, jurisdiction}
    REASON               {tier, code, path}, strictest first; the path leads from the customer's party to the owner,
                         and has path_total where only its two ends are told
    CHANGE               {customer, pack, before, after} and day where it comes later than today: a customer whose tier
                         the parties written moved; in an approval also who waits for its own
    GROUP                {customer, left: [party], left_total}: who left the corporate group of which parties

STATE holds the customer's own party and every known owner (of more than a record has room for
those that the log has nowhere else, those near the customer, and `parties_total`), so that with the pack of that
SHA-256 anyone can resolve the tier again. `written` are the parties as stored from then on: whoever replays them has
the registry.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from gatekeeper.domain.binding import ProposedBinding
from gatekeeper.domain.correction import Correction
from gatekeeper.domain.customer import Binding, Customer
from gatekeeper.domain.join import Join
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.lineage_facts import lineage_json
from gatekeeper.domain.long_path import cut
from gatekeeper.domain.particulars import particulars_json
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.record import RECORD_BYTES_MAX, JsonValue
from gatekeeper.domain.run import Run
from gatekeeper.domain.tier import TierFinding
from gatekeeper.facts import Facts, account_facts, moment
from gatekeeper.registry.consequences import GroupChange, TierChange
from gatekeeper.registry.kyc_record import KycRecord, owners_of, record_json

# A sale of a parent may move thousands of customers at once; the log names this many and says how many there are.
CHANGES_MAX = 100
GROUPS_MAX = 20
LEFT_MAX = 20
# What a record has beside its facts, and the names and signs around them.
_AROUND_BYTES = 2_000
# What a record refuses it refuses later; here only its length counts.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
# Of a chain that a record has no room for.
SHORT_REASONS_MAX = 3


def customer_facts(customer: Customer) -> dict[str, JsonValue]:
    """Which version of which customer a record is about."""
    return {"customer": customer.id, "version": customer.version, "standing": customer.standing.value}


def state_facts(
    record: KycRecord,
    findings: Mapping[str, TierFinding],
    sha256_by_pack: Mapping[str, str],
    *,
    told: Collection[str] = (),
    beside: Facts | None = None,
) -> dict[str, JsonValue]:
    """A KYC record with its tier by each pack; of more owners than a record has room for, those that matter here.

    Args:
        told: ids of parties that stand nowhere else in the log: they are never left out.
        beside: the other facts of the record.
    """
    whole = _state(record, findings, sha256_by_pack)
    room = RECORD_BYTES_MAX - _AROUND_BYTES - _size(beside or {})
    if _size(whole) <= room:
        return whole
    short = {pack: _shortened(each) for pack, each in findings.items()}
    facts = {**_state(record, short, sha256_by_pack), "parties_total": len(record.parties)}
    room -= _size({**facts, "parties": []})
    near_first = owners_of({each.id: each for each in record.parties}, record.party_id).values()
    kept = []
    for party in sorted(near_first, key=lambda each: each.id not in told):
        shape = party_json(party)
        room -= _size(shape) + 1
        if room < 0 and party.id not in told:
            break
        kept.append(shape)
    return {**facts, "parties": sorted(kept, key=lambda each: str(each["id"]))}


def _size(value: object) -> int:
    """Bytes of a JSON value in canonical form, which is as long as any other order of its keys."""
    return len(_ENCODER.encode(value).encode(errors="replace"))


def _shortened(finding: TierFinding) -> TierFinding:
    """The first few reasons: of a long chain each has as many names as there are owners."""
    reasons = finding.reasons[:SHORT_REASONS_MAX]
    return replace(finding, reasons=reasons, more=finding.more + len(finding.reasons) - len(reasons))


def _path_json(path: tuple[str, ...]) -> dict[str, JsonValue]:
    """A path; of a long one both ends, and how many parties it has."""
    shown = cut(path)
    return {"path": list(shown), **({} if shown == path else {"path_total": len(path)})}


def _state(
    record: KycRecord, findings: Mapping[str, TierFinding], sha256_by_pack: Mapping[str, str]
) -> dict[str, JsonValue]:
    tiers: dict[str, JsonValue] = {
        pack: {
            "sha256": sha256_by_pack[pack],
            "tier": finding.tier.value,
            "reasons": [
                {"tier": each.tier.value, "code": each.code, **_path_json(each.path)} for each in finding.reasons
            ],
            **({"reasons_total": len(finding.reasons) + finding.more} if finding.more else {}),
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
                **({"day": each.day.isoformat()} if each.day else {}),
            }
            for each in changes[:CHANGES_MAX]
        ],
        "changes_total": len(changes),
    }


def split_facts(groups: tuple[GroupChange, ...]) -> dict[str, JsonValue]:
    """The customers whose corporate group a change made smaller; nothing where there are none."""
    if not groups:
        return {}
    listed: list[JsonValue] = [
        {"customer": each.customer_id, "left": list(each.left[:LEFT_MAX]), "left_total": len(each.left)}
        for each in groups[:GROUPS_MAX]
    ]
    return {"groups": listed, "groups_total": len(groups)}


def approval_facts(customer: Customer) -> dict[str, JsonValue]:
    """Who prepared what is approved, and how long the approval lasts."""
    return {
        "prepared_by": customer.prepared_by,
        "expires_at": moment(customer.expires_at) if customer.expires_at else None,
    }


def binding_facts(binding: Binding, before: Binding | None, *, proposed_by: str = "", approved_by: str = "") -> Facts:
    """A namespace as it is bound, whom it belonged to, and the two people; none where one was enough."""
    return {
        **place_facts(binding, before),
        "proposed_by": proposed_by or None,
        "approved_by": approved_by or None,
    }


def place_facts(binding: Binding, before: Binding | None) -> dict[str, JsonValue]:
    """A namespace, and whose it is."""
    return {
        "cluster": binding.cluster,
        "namespace": binding.namespace,
        "customer": binding.customer_id,
        "run": binding.run_id,
        "uid": binding.uid,
        "before": {"customer": before.customer_id, "run": before.run_id, "holds": before.holds} if before else None,
    }


def proposed_binding_facts(proposed: ProposedBinding) -> Facts:
    """A binding that waits for a second person, or that is dropped."""
    return {**place_facts(proposed.wanted, proposed.before), "proposed_by": proposed.proposed_by}


def unbound_facts(bound: Binding, reason: str) -> Facts:
    """The end of a binding."""
    facts = place_facts(bound, None)
    del facts["before"]
    return {**facts, "reason": reason}


def seen_binding_facts(bound: Binding) -> Facts:
    """What the cluster calls the namespace that is bound, or another one that has its name now."""
    facts = place_facts(bound, None)
    del facts["before"]
    return {**facts, "found_uid": bound.found_uid or None, "holds": bound.holds}


def run_facts(run: Run, cluster: str) -> dict[str, JsonValue]:
    """A run's declaration; the cluster is the one whose namespaces it names."""
    return {
        "run": run.id,
        "customer": run.customer_id,
        "title": run.title,
        "carried_in_tflop": str(run.carried_in_tflop),
        "carried_in_source": run.carried_in_source,
        "purpose": run.purpose.value,
        "cluster": cluster,
        "namespaces": list(run.namespaces),
        "parameters": str(run.parameters),
        "tokens": str(run.tokens),
        "lineage": lineage_json(run.lineage) if run.lineage else None,
        "particulars": particulars_json(run.particulars),
    }


def joined_facts(join: Join, one: Run, other: Run) -> Facts:
    """Two runs that are of one model from now on."""
    return {
        "run": join.one,
        "customer": one.customer_id,
        "into": join.other,
        "into_customer": other.customer_id,
        "reason": join.reason,
    }


def reclassified_facts(before: Run, run: Run, reason: str) -> Facts:
    """The end of a classification."""
    return {
        "run": run.id,
        "customer": run.customer_id,
        "before": before.purpose.value,
        "purpose": run.purpose.value,
        "reason": reason,
    }


def correction_facts(correction: Correction, customer_id: str) -> dict[str, JsonValue]:
    """A correction as it is proposed."""
    return {
        "correction": correction.id,
        "run": correction.run_id,
        "customer": customer_id,
        "low_tflop": str(correction.low_tflop),
        "best_tflop": str(correction.best_tflop),
        "high_tflop": str(correction.high_tflop),
        "reason": correction.reason,
        "proposed_by": correction.proposed_by,
    }


def corrected_facts(correction: Correction, customer_id: str, account: Account) -> Facts:
    """A correction as it takes effect; `account` is the one after it was booked."""
    return {
        **correction_facts(correction, customer_id),
        "approved_by": correction.approved_by or None,
        "after": account_facts(account),
    }
