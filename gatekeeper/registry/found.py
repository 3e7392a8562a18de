"""What a screening found, stored and put on record: which hits are new, and which ones they take the place of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from datetime import datetime

from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, RecordType
from gatekeeper.domain.screening import Hit, HitState
from gatekeeper.facts import new_record
from gatekeeper.matching import THRESHOLD, VERSION
from gatekeeper.ports import Transaction
from gatekeeper.registry.indexed import Indexed

SCREENING = Actor(ActorKind.SERVICE, "screening")
IDS_IN_RECORD_MAX = 200
# A record names all of them; more wait for the next screening.
SUPERSEDED_AT_ONCE_MAX = 1_000


def keep(
    tx: Transaction,
    screened: Iterable[tuple[Party, list[Hit]]],
    indexed: Indexed,
    now: datetime,
    *,
    why: str,
) -> list[Hit]:
    """Store what a screening found, with its records; the hits that are new.

    A pair of party and entry that hit before, as either was then, is superseded by the new one, and open again where
    the older name comes back; one that was a true match stays it under the new name. Nothing else ends a hit: also
    where the new name is like no entry any more, two people have to say so.
    """
    screened = list(screened)
    parties = [party for party, _ in screened]
    found = {hit.id: hit for _, hits in screened for hit in hits}
    known = {each.id: each for each in tx.hits(party_ids={each.id for each in parties})}
    matches = {each.pair: each for each in known.values() if each.state is HitState.TRUE_MATCH}
    new = [
        each.as_matched(matches[each.pair]) if each.pair in matches else each
        for each in found.values()
        if each.id not in known or known[each.id].state is HitState.SUPERSEDED
    ]
    pairs = {each.pair for each in new}
    past = _superseded(known.values(), found, pairs)
    # A name that waited and was dropped, or an old one that went: what its pair is by today's names takes its place.
    still = {known[each].pair for each in found if each in known and known[each].counts} - pairs
    unjudged = (each for each in known.values() if each.blocks)
    gone = _superseded(unjudged, found, still)[:SUPERSEDED_AT_ONCE_MAX]
    tx.put_hits([*past, *gone, *new])
    listed = with_listings(tx, parties)
    facts = run_facts(indexed, why, parties=len(parties), opened=new, superseded=past, gone=gone, written=listed)
    tx.append(new_record(RecordType.SCREENING_RUN, SCREENING, now, facts))
    tx.append_all([new_record(RecordType.SCREENING_HIT, SCREENING, now, hit_facts(each, past)) for each in new])
    return new


def _superseded(known: Iterable[Hit], found: Mapping[str, Hit], pairs: Set[tuple[str, str, str]]) -> list[Hit]:
    """Hits of older names whose pair hit again under a name of today."""
    return [
        replace(each, state=HitState.SUPERSEDED, proposed=False)
        for each in known
        if each.pair in pairs and each.id not in found and each.counts
    ]


def with_listings(tx: Transaction, parties: Iterable[Party]) -> list[Party]:
    """Put parties with a true match on its list, where the record that was written left it out."""
    ids = {each.id for each in parties}
    matches: dict[str, list[Hit]] = {}
    for hit in tx.hits(party_ids=ids):
        if hit.state is HitState.TRUE_MATCH:
            matches.setdefault(hit.party_id, []).append(hit)
    if not matches:
        return []
    stored = tx.some_parties(matches)
    changed = []
    for party_id, hits in matches.items():
        party = stored.get(party_id)
        missing = {hit.listing for hit in hits} - set(party.listings) if party is not None else set()
        if party is not None and missing:
            order = sorted({*party.listings, *missing}, key=lambda each: (each.list, str(each.begins), str(each.ends)))
            changed.append(replace(party, listings=tuple(order)))
    for each in changed:
        tx.put_party(each)
    return changed


def run_facts(
    indexed: Indexed,
    why: str,
    *,
    parties: int,
    opened: list[Hit],
    superseded: list[Hit],
    gone: list[Hit],
    written: list[Party],
) -> dict[str, JsonValue]:
    """What the log says of a screening."""
    return {
        "why": why,
        "lists": {each.id: each.sha256 for each in indexed.versions},
        "entries_sha256": dict(indexed.sha256),
        "matcher": VERSION,
        "threshold": THRESHOLD,
        "parties": parties,
        "opened": [each.id for each in opened[:IDS_IN_RECORD_MAX]],
        "opened_total": len(opened),
        "superseded_total": len(superseded) + len(gone),
        **({"superseded": [each.id for each in gone]} if gone else {}),
        "written": [party_json(each) for each in written[:IDS_IN_RECORD_MAX]],
    }


def hit_facts(hit: Hit, past: Iterable[Hit]) -> dict[str, JsonValue]:
    """What the log says of a new hit, and which of the past ones it takes the place of."""
    return {
        "hit": hit.id,
        "party": hit.party_id,
        "party_sha256": hit.party_sha256,
        "list": hit.list,
        "entry": hit.entry_key,
        "entry_sha256": hit.entry_sha256,
        "score": hit.score,
        "party_name": hit.party_name,
        "entry_name": hit.entry_name,
        "supersedes": [each.id for each in past if each.pair == hit.pair],
        **({} if hit.blocks else {"state": hit.state.value}),
    }
