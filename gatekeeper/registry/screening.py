"""Use cases on screening: load a list, screen again, look at hits, judge and confirm.

Loading a list compares everybody with it and stores both in one transaction, so no customer ever stands beside a list
that it was not compared with. The comparison itself is done before, while nobody waits for the writer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from gatekeeper.domain.customer import REASON_CHARACTERS_MAX
from gatekeeper.domain.errors import Conflict, NotFound, NotPermitted
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.domain.screening import Hit, HitState, ListDiff, ListEntry, ListVersion, identity_sha256
from gatekeeper.facts import Facts, new_record
from gatekeeper.matching import VERSION
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.list_brakes import objections
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.screener import Indexed, Screener, keep, parties_of

KEYS_IN_RECORD_MAX = 200
# A name is compared with 20,000 entries in up to 25 ms, and a customer has a few.
CUSTOMERS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class NewList:
    """A list as a file has it, before it is loaded."""

    id: str
    sha256: str
    published_on: date
    entries: tuple[ListEntry, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a list did, or would do. `objections`: what speaks against it, in sentences."""

    diff: ListDiff
    before: ListVersion | None
    hits: tuple[Hit, ...]
    parties: int
    objections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Everybody compared with all lists as they will be. `versions`: the lists as they are until then."""

    versions: list[ListVersion]
    diff: ListDiff
    before: ListVersion | None
    indexed: Indexed
    found: dict[str, list[Hit]]
    objections: tuple[str, ...]


class ScreeningRegistry:
    """Use cases on screening, over one store."""

    def __init__(self, stores: Stores, clock: Clock, screener: Screener) -> None:
        self._stores = stores
        self._clock = clock
        self._screener = screener
        self._behind: list[str] | None = None

    def lists(self) -> list[ListVersion]:
        """The lists that are loaded."""
        return self._stores.read(lambda reader: reader.lists())

    def list_entries(self, list_id: str) -> list[ListEntry]:
        """The entries of a list.

        Raises:
            NotFound: no such list is loaded.
        """

        def work(reader: Reader) -> list[ListEntry]:
            if list_id not in {each.id for each in reader.lists()}:
                raise NotFound(f"The list {list_id!r:.80} is not loaded.", hint="See `gatekeeper list show`.")
            return reader.list_entries(list_id)

        return self._stores.read(work)

    def plan_list(self, new: NewList) -> Loaded:
        """What loading a list would change, and the hits that it would bring; nothing is written."""
        prepared, now = self._stores.read(lambda reader: self._prepare(reader, new, "")), self._clock.now()
        return self._stores.read(lambda reader: _foreseen(reader, prepared, now))

    def load_list(self, new: NewList, *, by: By, force: str = "") -> Loaded:
        """Load a list in place of its last version and screen everybody again.

        Args:
            force: why it is loaded although something speaks against it; recorded. "" to refuse then.

        Raises:
            NotPermitted: no right to load lists, or something speaks against it. Conflict: another list was loaded
                meanwhile.
        """
        now, actor = self._clock.now(), acting(by, Right.POLICY)
        prepared = self._stores.read(lambda reader: self._prepare(reader, new, actor.name))
        if prepared.objections and not force.strip():
            raise NotPermitted(
                f"The list {new.id} is not loaded. {' '.join(prepared.objections)}",
                hint='If it is right all the same, say why: --force "REASON"',
            )

        def work(tx: Transaction) -> Loaded:
            if tx.lists() != prepared.versions:
                raise Conflict("Another list was loaded meanwhile.", hint="Try again.")
            version = next(each for each in prepared.indexed.versions if each.id == new.id)
            diff = prepared.diff
            removed = [each.sha256 for each in (*diff.removed, *(was for was, _ in diff.changed))]
            added = [*diff.added, *(is_now for _, is_now in diff.changed)]
            tx.put_list(version)
            tx.replace_entries(new.id, removed=removed, added=added)
            tx.append(new_record(RecordType.LIST_LOADED, actor, now, _list_facts(version, prepared, force)))
            hits, parties = self._keep(tx, prepared, now)
            return Loaded(diff, prepared.before, tuple(hits), parties, prepared.objections)

        return self._stores.transact(work)

    def screen(self, *, by: By, party_id: str | None = None) -> Loaded | None:
        """Screen everybody, or one party, again; None where no list is loaded.

        Raises:
            NotFound: no such party.
        """
        acting(by, Right.EDIT)
        return self._screen(party_id)

    def catch_up(self, enough: Callable[[], bool] = lambda: False) -> int:
        """Screen everybody again where the last screening was by another version of the comparison; new hits.

        Until that is done the hits that there are go on blocking, judged as they were, and who is written meanwhile is
        compared as it is today: nobody is milder than before, and nobody new is let by.

        Args:
            enough: asked after each group of customers; once it says so, the others are left to the next time.
        """
        if not self._stores.read(lambda reader: any(each.matcher != VERSION for each in reader.lists())):
            self._behind = None
            return 0
        if self._behind is None:
            self._behind = [each.id for each in self._stores.read(lambda reader: reader.customers())]
        new = 0
        while True:
            group, rest = self._behind[:CUSTOMERS_AT_ONCE], self._behind[CUSTOMERS_AT_ONCE:]
            new += self._screen_again(group, last=not rest)
            self._behind = rest
            if not rest:
                self._behind = None
                return new
            if enough():
                return new

    def _screen_again(self, customer_ids: Sequence[str], *, last: bool) -> int:
        """Compare some customers anew, outside of the transaction that stores it; `last`: with them all are."""
        now, indexed = self._clock.now(), self._stores.read(self._screener.indexed)
        parties = self._stores.read(lambda reader: parties_of(reader, customer_ids))
        found = {identity_sha256(each): indexed.hits(each, now) for each in parties}

        def work(tx: Transaction) -> int:
            current = self._screener.indexed(tx)
            computed = found if current is indexed else {}
            screened = [(each, _hits(computed, current, each, now)) for each in parties_of(tx, customer_ids)]
            hits = keep(tx, screened, current, now, why="customers")
            for each in current.versions if last else ():
                tx.put_list(replace(each, matcher=VERSION))
            return len(hits)

        return self._stores.transact(work)

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

    def _prepare(self, reader: Reader, new: NewList, loaded_by: str) -> _Prepared:
        """Compare everybody with all lists as they will be."""
        versions = reader.lists()
        before = next((each for each in versions if each.id == new.id), None)
        version = ListVersion(new.id, new.sha256, new.published_on, len(new.entries), VERSION, loaded_by)
        others = [entry for each in versions if each.id != new.id for entry in reader.list_entries(each.id)]
        known = reader.list_entries(new.id)
        diff = ListDiff.between(known, new.entries)
        kept = sorted((*(each for each in versions if each.id != new.id), version), key=lambda each: each.id)
        indexed, now = Indexed.of(kept, (*others, *new.entries)), self._clock.now()
        found = {identity_sha256(each): indexed.hits(each, now) for each in parties_of(reader)}
        against = objections(
            before, known, diff=diff, entries=new.entries, published_on=new.published_on, today=now.date()
        )
        return _Prepared(versions, diff, before, indexed, found, against)

    def _screen(self, party_id: str | None) -> Loaded | None:
        now = self._clock.now()
        indexed = self._stores.read(self._screener.indexed)
        if not indexed.versions:
            return None
        parties = self._stores.read(lambda reader: _asked(reader, party_id))
        found = {identity_sha256(each): indexed.hits(each, now) for each in parties}

        def work(tx: Transaction) -> Loaded:
            current = self._screener.indexed(tx)
            computed = found if current is indexed else {}
            screened = [(each, _hits(computed, current, each, now)) for each in _asked(tx, party_id)]
            hits = keep(tx, screened, current, now, why="run")
            if party_id is None:
                for each in current.versions:
                    tx.put_list(replace(each, matcher=VERSION))
            return Loaded(ListDiff((), (), ()), None, tuple(hits), len(screened))

        return self._stores.transact(work)

    def _keep(self, tx: Transaction, prepared: _Prepared, now: datetime) -> tuple[list[Hit], int]:
        """Store what was found; who changed meanwhile is compared here."""
        screened = [(each, _hits(prepared.found, prepared.indexed, each, now)) for each in parties_of(tx)]
        return keep(tx, screened, prepared.indexed, now, why="run"), len(screened)


def _foreseen(reader: Reader, prepared: _Prepared, now: datetime) -> Loaded:
    parties = parties_of(reader)
    known = {each.id for each in reader.hits(current=True)}
    found = [hit for each in parties for hit in _hits(prepared.found, prepared.indexed, each, now)]
    new = tuple(each for each in found if each.id not in known)
    return Loaded(prepared.diff, prepared.before, new, len(parties), prepared.objections)


def _hits(found: dict[str, list[Hit]], indexed: Indexed, party: Party, now: datetime) -> list[Hit]:
    known = found.get(identity_sha256(party))
    return indexed.hits(party, now) if known is None else known


def _asked(reader: Reader, party_id: str | None) -> Sequence[Party]:
    parties = parties_of(reader)
    if party_id is None:
        return parties
    asked = [each for each in parties if each.id == party_id]
    if not asked:
        raise NotFound(f"No customer is or belongs to party {party_id!r:.80}.", hint="See `gatekeeper customer list`.")
    return asked


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


def _list_facts(version: ListVersion, prepared: _Prepared, force: str) -> Facts:
    diff = prepared.diff
    return {
        "list": version.id,
        "sha256": version.sha256,
        "published_on": version.published_on.isoformat(),
        "entries": version.entries,
        "entries_sha256": prepared.indexed.sha256[version.id],
        "before": prepared.before.sha256 if prepared.before else None,
        "added_total": len(diff.added),
        "removed_total": len(diff.removed),
        "changed_total": len(diff.changed),
        "removed": [each.key for each in diff.removed[:KEYS_IN_RECORD_MAX]],
        "matcher": VERSION,
        **(
            {"forced": force.strip()[:REASON_CHARACTERS_MAX], "objections": [*prepared.objections]}
            if force.strip()
            else {}
        ),
    }
