"""Use cases on hits: look at them, judge them and confirm; what a judgement makes of the party's listings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.domain.screening import Hit, HitState
from gatekeeper.facts import Facts, new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.people import By, acting


class HitRegistry:
    """Use cases on hits, over one store."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    def hits(self, *, only_open: bool = False, party_id: str | None = None) -> list[Hit]:
        """Hits that were not superseded, by party and score."""
        asked = None if party_id is None else {party_id}
        found = self._stores.read(lambda reader: reader.hits(party_ids=asked, current=True))
        return [each for each in found if each.blocks or not only_open]

    def judge(self, hit_id: str, *, true_match: bool, reason: str, by: By) -> Hit:
        """Say what a hit is: a true match takes effect at once, a false positive when a second person confirms it.

        Raises:
            NotFound: no such hit. NotPermitted: no right, or of an older record. InvalidInput: no reason.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN if true_match else Right.EDIT)

        def work(tx: Transaction) -> Hit:
            before = _existing(tx, hit_id)
            if true_match:
                after = before.true_match(by=actor.name, reason=reason)
            else:
                after = before.propose_false_positive(by=actor.name, reason=reason)
            _put_judged(tx, before, after, actor, now)
            return after

        return self._stores.transact(work)

    def confirm(self, hit_id: str, *, by: By) -> Hit:
        """Agree, as the second person, that a hit is a false positive.

        Raises:
            NotFound: no such hit. NotPermitted: no right, nobody proposed it, or by the person who did.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)

        def work(tx: Transaction) -> Hit:
            before = _existing(tx, hit_id)
            after = before.confirm(by=actor.name)
            _put_judged(tx, before, after, actor, now)
            return after

        return self._stores.transact(work)


def _existing(reader: Reader, hit_id: str) -> Hit:
    hit = reader.hit(hit_id)
    if hit is None:
        raise NotFound(f"There is no screening hit {hit_id!r:.80}.", hint="See `gatekeeper screening hits`.")
    return hit


def _put_judged(tx: Transaction, before: Hit, after: Hit, actor: Actor, now: datetime) -> None:
    """Store a judgement, what it makes of the party's listings, and both in the log."""
    tx.put_hits([after])
    party = tx.some_parties({after.party_id}).get(after.party_id)
    changed = _listed_as(tx, party, after) if party is not None else None
    if changed is not None:
        tx.put_party(changed)
    facts: Facts = {
        "hit": after.id,
        "party": after.party_id,
        "list": after.list,
        "before": before.state.value,
        "state": after.state.value,
        "proposed": after.proposed,
        "reason": after.reason,
        "judged_by": after.judged_by,
        "confirmed_by": after.confirmed_by or None,
        "written": [party_json(changed)] if changed is not None else [],
    }
    tx.append(new_record(RecordType.SCREENING_JUDGED, actor, now, facts))


def _listed_as(reader: Reader, party: Party, hit: Hit) -> Party | None:
    """The party with the listing of a true match, or without that of a false positive; None where nothing changes."""
    listings = set(party.listings)
    if hit.state is HitState.TRUE_MATCH:
        listings.add(hit.listing)
    elif hit.state is HitState.FALSE_POSITIVE:
        others = reader.hits(party_ids={party.id}, current=True)
        if all(each.state is not HitState.TRUE_MATCH or each.listing != hit.listing for each in others):
            listings.discard(hit.listing)
    if listings == set(party.listings):
        return None
    order = sorted(listings, key=lambda each: (each.list, str(each.begins), str(each.ends)))
    return replace(party, listings=tuple(order))
