"""Screening parties against the lists that are loaded, inside whatever transaction wrote the parties.

`Screened` stands before the store of every use case that writes customers: what it writes is screened before it is
durable, so there is no moment at which a new name counts and nobody looked at it. Without lists it costs one read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_json
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, RecordType, decode
from gatekeeper.domain.screening import Hit, HitState, ListEntry, ListVersion, entries_sha256, hit_of, identity_sha256
from gatekeeper.facts import new_record
from gatekeeper.matching import THRESHOLD, VERSION, NameIndex
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.kyc_record import owners_of
from gatekeeper.registry.proposal import Proposal
from gatekeeper.registry.sight import above

T = TypeVar("T")
SCREENING = Actor(ActorKind.SERVICE, "screening")
# A name like this many entries is of so common words that more hits tell a reviewer nothing more.
HITS_PER_PARTY_MAX = 50
IDS_IN_RECORD_MAX = 200
# A record names all of them; more wait for the next screening.
SUPERSEDED_AT_ONCE_MAX = 1_000
_OF_CUSTOMERS = (
    RecordType.CUSTOMER_DRAFTED,
    RecordType.CUSTOMER_ENROLLED,
    RecordType.CUSTOMER_SUBMITTED,
    RecordType.CUSTOMER_APPROVED,
)


@dataclass(frozen=True, slots=True)
class Indexed:
    """All lists as loaded, ready to be compared with. `sha256`: list -> hash over the entries that are compared."""

    versions: tuple[ListVersion, ...]
    entries: tuple[ListEntry, ...]
    index: NameIndex
    sha256: Mapping[str, str]

    @classmethod
    def of(cls, versions: Iterable[ListVersion], entries: Iterable[ListEntry]) -> Indexed:
        """Index the entries; about a second for 20,000."""
        held, of = tuple(entries), tuple(versions)
        index = NameIndex((at, name) for at, each in enumerate(held) for name in each.names)
        by_list: dict[str, list[ListEntry]] = {each.id: [] for each in of}
        for entry in held:
            by_list.setdefault(entry.list, []).append(entry)
        return cls(of, held, index, {name: entries_sha256(each) for name, each in by_list.items()})

    def hits(self, party: Party, now: datetime) -> list[Hit]:
        """The hits of a party by all its names, best first."""
        scores: dict[int, int] = {}
        for name in (party.legal_name, *party.other_names):
            for place, score in self.index.similar(name, THRESHOLD).items():
                scores[place] = max(score, scores.get(place, 0))
        found = [
            hit_of(party, self.entries[place], score)
            for place, score in scores.items()
            if not self.entries[place].ended_by(now.date())
        ]
        return sorted(found, key=lambda each: (-each.score, each.id))[:HITS_PER_PARTY_MAX]


class Screener:
    """Keeps the lists indexed for one process, and compares parties with them."""

    def __init__(self) -> None:
        self._indexed = Indexed.of((), ())

    def indexed(self, reader: Reader) -> Indexed:
        """The lists as the reader sees them; indexed anew where they are others than before."""
        versions = tuple(reader.lists())
        if versions != self._indexed.versions:
            self._indexed = Indexed.of(versions, reader.list_entries())
        return self._indexed

    def has(self, versions: tuple[ListVersion, ...]) -> bool:
        """Whether these versions are the ones that are indexed."""
        return self._indexed.versions == versions

    def screen(self, tx: Transaction, parties: Iterable[Party], now: datetime, *, why: str) -> list[Hit]:
        """Compare some parties, and put on record what is new about it; the new hits."""
        indexed = self.indexed(tx)
        if not indexed.versions:
            return []
        return keep(tx, [(each, indexed.hits(each, now)) for each in parties], indexed, now, why=why)


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


class _NotIndexed(Exception):
    """Customers changed, and the lists would have to be indexed while everybody waits for the writer."""


class Screened:
    """`gatekeeper.ports.Stores` that screens the customers whom a transaction wrote, before it is durable."""

    def __init__(self, stores: Stores, clock: Clock, screener: Screener) -> None:
        self._stores = stores
        self._clock = clock
        self._screener = screener

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work and screen what it wrote, as one transaction. The work may be run, undone, and run again."""
        try:
            return self._stores.transact(self._with_screening(work, may_index=False))
        except _NotIndexed:
            self._stores.read(self._screener.indexed)
            return self._stores.transact(self._with_screening(work, may_index=True))

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The same without waiting."""
        return self._stores.submit(self._with_screening(work, may_index=True))

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on one consistent state."""
        return self._stores.read(work)

    def _with_screening(self, work: Callable[[Transaction], T], *, may_index: bool) -> Callable[[Transaction], T]:
        def screened(tx: Transaction) -> T:
            begin = tx.log_size()
            result = work(tx)
            new = tx.records(types=_OF_CUSTOMERS, begin=begin)
            customers = {str(decode(leaf).facts["customer"]) for _, leaf in new}
            versions = tuple(tx.lists()) if customers else ()
            if versions:
                if not may_index and not self._screener.has(versions):
                    raise _NotIndexed
                self._screener.screen(tx, parties_of(tx, customers), self._clock.now(), why="customers")
            return result

        return screened


def parties_of(reader: Reader, customer_ids: Iterable[str] | None = None) -> list[Party]:
    """The parties of customers with all their owners, as stored and as they wait for approval; of these, or of all.

    A party whose proposed name or country differs from the stored one comes twice.
    """
    named = None if customer_ids is None else set(customer_ids)
    if named is None:
        customers, stored = reader.customers(), reader.parties()
    else:
        customers = [known for each in sorted(named) if (known := reader.customer(each)) is not None]
        stored = above(reader, {each.party_id for each in customers})
    proposals = reader.proposals(named)
    found: dict[str, Party] = {}
    for customer in customers:
        for party in owners_of(stored, customer.party_id).values():
            found[identity_sha256(party)] = party
        text = proposals.get(customer.id)
        for party in Proposal.from_text(text).record.parties if text else ():
            found[identity_sha256(party)] = party
    return list(found.values())
