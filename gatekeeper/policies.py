"""Use case: which policy packs hold, and in which mode, is itself on record, with all that tiers are resolved from.

    policy.loaded  {cluster, pack, version, sha256, mode, legal_status, site: {country, chip_authorization},
                    threshold_tflop, limit_tflop (of the day; null without a threshold),
                    terms: {effective_from, effective_to, threshold, allowances, rules} (domain/policy_facts.py),
                    tiers: {otherwise, countries: [CODE], rows: {CODE: [{tier, from, to or null}]},
                            parents: {CODE: CODE}, occupied: [CODE]}}

So whoever holds an export can resolve every tier and limit in it again without asking us for the pack.
"""

from __future__ import annotations

from datetime import date

from gatekeeper.domain.ownership_facts import ownership_json
from gatekeeper.domain.policy import ActivePack, Site
from gatekeeper.domain.policy_facts import terms_json
from gatekeeper.domain.record import Actor, JsonValue, Record, RecordType, decode
from gatekeeper.domain.tier import TierTable
from gatekeeper.facts import Facts, new_record
from gatekeeper.ports import Clock, Stores, Transaction


def record_packs(
    stores: Stores, clock: Clock, packs: tuple[ActivePack, ...], *, cluster: str, by: Actor, site: Site | None = None
) -> int:
    """Record each pack that holds now otherwise than the log last said of it; returns how many those were."""
    now = clock.now()

    def work(tx: Transaction) -> int:
        last = _last_said(tx, cluster)
        changed = [
            active for active in packs if last.get(active.pack.id) != (active.pack.sha256, active.mode.value, True)
        ]
        for active in changed:
            tx.append(
                new_record(RecordType.POLICY_LOADED, by, now, pack_facts(active, cluster, now.date(), site or Site()))
            )
        return len(changed)

    return stores.transact(work)


def pack_facts(active: ActivePack, cluster: str, day: date, site: Site) -> Facts:
    """What the log says of a pack in a mode, at a site."""
    pack, threshold = active.pack, active.pack.threshold
    return {
        "cluster": cluster,
        "pack": pack.id,
        "version": pack.version.isoformat(),
        "sha256": pack.sha256,
        "mode": active.mode.value,
        "legal_status": pack.legal_status.value,
        "site": {"country": site.country, "chip_authorization": site.chip_authorization.value},
        "threshold_tflop": str(threshold.effective_tflop(day)) if threshold else None,
        "limit_tflop": str(threshold.limit_tflop(day)) if threshold else None,
        "terms": terms_json(pack),
        "tiers": _tier_facts(pack.tiers),
    }


def _tier_facts(table: TierTable) -> Facts:
    rows: dict[str, JsonValue] = {
        country: [
            {
                "tier": row.tier.value,
                "from": row.effective_from.isoformat(),
                "to": row.effective_to.isoformat() if row.effective_to else None,
            }
            for row in each
        ]
        for country, each in table.rows.items()
    }
    return {
        "otherwise": table.otherwise.value,
        "countries": sorted(table.countries),
        "rows": rows,
        "parents": dict(table.parents),
        "occupied": sorted(table.occupied),
        **({} if table.ownership is None else {"ownership": ownership_json(table.ownership)}),
    }


def _last_said(tx: Transaction, cluster: str) -> dict[str, tuple[str, str, bool]]:
    """Pack id -> (SHA-256, mode, whether its ownership rules were told) as the newest record of this cluster has it."""
    said: dict[str, tuple[str, str, bool]] = {}
    for _, leaf in tx.records(types=(RecordType.POLICY_LOADED,)):
        record: Record = decode(leaf)
        if record.facts.get("cluster") == cluster and "pack" in record.facts:
            tiers = record.facts.get("tiers")
            told = isinstance(tiers, dict) and "ownership" in tiers
            said[str(record.facts["pack"])] = (str(record.facts["sha256"]), str(record.facts["mode"]), told)
    return said
