"""Use case: which policy packs hold, and in which mode, is itself on record, with all that tiers are resolved from.

    policy.loaded  {cluster, pack, version, sha256, mode, legal_status, site: {country, chip_authorization},
                    threshold_tflop, limit_tflop (of the day; null without a threshold),
                    milder: [in what it asks less than the one before],
                    terms: {effective_from, effective_to, threshold, allowances, rules, inquiries}
                    (domain/policy_facts.py),
                    tiers: {otherwise, countries: [CODE], rows: {CODE: [{tier, from, to or null}]},
                            parents: {CODE: CODE}, occupied: [CODE],
                            ownership: {lists, listed, house} (domain/ownership_facts.py)}}

So whoever holds an export can resolve every tier and limit in it again without asking us for the pack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import structlog

from gatekeeper.domain.ownership_facts import ownership_json
from gatekeeper.domain.policy import ActivePack, Mode, Site, left_open
from gatekeeper.domain.policy_facts import site_json, site_of, terms_json, terms_of
from gatekeeper.domain.policy_milder import milder_at, milder_in
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, RecordType, canonical_json, decode
from gatekeeper.domain.table_facts import table_of
from gatekeeper.domain.table_milder import table_milder_in
from gatekeeper.domain.tier import TierTable
from gatekeeper.facts import Facts, new_record
from gatekeeper.ports import Clock, Stores, Transaction

_log = structlog.get_logger(__name__)
# What moves with the day, or is said of the record itself, does not make a pack another one.
_OF_THE_DAY = ("threshold_tflop", "limit_tflop", "milder")

# Whoever serves puts the packs on record before anything is decided by them.
SERVICE = Actor(ActorKind.SYSTEM, "service")


def record_packs(
    stores: Stores, clock: Clock, packs: tuple[ActivePack, ...], *, cluster: str, by: Actor, site: Site | None = None
) -> int:
    """Record each pack that holds now otherwise than the log last said of it; returns how many those were.

    One that asks less than before says in what (`milder`), in the record and to whoever reads the service's own log:
    files are changed by whoever can write them, and a second person sees it only there. So does one that is loaded no
    more, if it is not a person's command that says so, which may read other settings. For the same reason
    who serves goes by what was said by who served, whatever a command recorded meanwhile.
    """
    now, serves = clock.now(), by.kind is not ActorKind.PERSON

    def work(tx: Transaction) -> list[Facts]:
        (said, served), changed = _last_said(tx, cluster), list[Facts]()
        last = served if serves else said
        for active in packs:
            facts = pack_facts(active, cluster, now.date(), site or Site())
            pack, known = active.pack.id, _essence(facts)
            if all(pack in each and _essence(each[pack]) == known for each in (last, said)):
                continue
            milder: list[JsonValue] = list(_milder(last.get(pack), active, site or Site(), now.date()))
            changed.append({**facts, "milder": milder})
            tx.append(new_record(RecordType.POLICY_LOADED, by, now, changed[-1]))
        for facts in _taken_away(served, packs) if serves else ():
            changed.append({**facts, "mode": Mode.OFF.value, "milder": ["it is not loaded any more"]})
            tx.append(new_record(RecordType.POLICY_LOADED, by, now, changed[-1]))
        return changed

    found = stores.transact(work)
    for facts in found:
        if facts["milder"]:
            _log.warning("policy_pack_milder", pack=facts["pack"], milder=facts["milder"], sha256=facts["sha256"])
    return len(found)


def tell_open_site(packs: tuple[ActivePack, ...], site: Site, day: date) -> None:
    """Warn in the service's own log of what nobody named of the site, and of the packs that take it as the strictest:
    by one that enforces, even a Tier 1 customer may then have a budget and no clearance."""
    for name, asking in left_open(packs, site, day).items():
        enforcing = [each.pack.id for each in packs if each.mode is Mode.ENFORCE and each.pack.id in asking]
        _log.warning("site_not_named", setting=f"site.{name}", packs=list(asking), enforcing=enforcing)


def _taken_away(last: Mapping[str, Facts], packs: tuple[ActivePack, ...]) -> list[Facts]:
    """What the log last said of packs that hold no more, and has not said to be off."""
    here = {each.pack.id for each in packs}
    return [facts for pack, facts in last.items() if pack not in here and facts.get("mode") != Mode.OFF]


def _essence(facts: Facts) -> bytes:
    return canonical_json({key: value for key, value in facts.items() if key not in _OF_THE_DAY})


def _milder(before: Facts | None, active: ActivePack, site: Site, day: date) -> Iterator[str]:
    """In what a pack asks less than the log last said of it; nothing of one that is new or whose terms are not told."""
    if before is None:
        return
    if "terms" in before:
        was = Mode(str(before["mode"])), terms_of(before["terms"])
        yield from milder_in(was, (active.mode, terms_of(terms_json(active.pack))), day)
        places = ((each, active.pack.tiers.tier_of(each.country, day)) for each in (site_of(before["site"]), site))
        yield from milder_at(terms_of(terms_json(active.pack)), *places)
    if "tiers" in before:
        yield from table_milder_in(table_of(before["tiers"]), active.pack.tiers, day)


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
        "site": site_json(site),
        "threshold_tflop": str(threshold.effective_tflop(day)) if threshold else None,
        "limit_tflop": str(threshold.limit_tflop(day)) if threshold else None,
        "terms": terms_json(pack),
        "tiers": tier_facts(pack.tiers),
    }


def tier_facts(table: TierTable) -> Facts:
    """All of a table that tiers are resolved from."""
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
        **({} if table.begins is None else {"begins": table.begins.isoformat()}),
    }


def _last_said(tx: Transaction, cluster: str) -> tuple[dict[str, Facts], dict[str, Facts]]:
    """Pack id -> what the newest record of this cluster says of it: by anybody, and by who served."""
    said, served = dict[str, Facts](), dict[str, Facts]()
    for _, leaf in tx.records(types=(RecordType.POLICY_LOADED,)):
        record = decode(leaf)
        if record.facts.get("cluster") == cluster and "pack" in record.facts:
            pack = str(record.facts["pack"])
            said[pack] = record.facts
            if record.actor.kind is not ActorKind.PERSON:
                served[pack] = record.facts
    return said, served
