"""Use cases on lists: load one from a file, say what it would change, look at what is loaded.

Loading a list compares everybody with it and stores both in one transaction, so no customer ever stands beside a list
that it was not compared with. The comparison itself is done before, while nobody waits for the writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from gatekeeper.domain.customer import REASON_CHARACTERS_MAX
from gatekeeper.domain.errors import Conflict, NotFound, NotPermitted
from gatekeeper.domain.list_entry import ListDiff, ListEntry, ListVersion
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.screening import Hit, identity_sha256
from gatekeeper.facts import Facts, new_record
from gatekeeper.matching import VERSION
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.found import keep
from gatekeeper.registry.indexed import Indexed, hits_of
from gatekeeper.registry.list_brakes import lost_in, objections, shrunk
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.screener import Screener, parties_of

KEYS_IN_RECORD_MAX = 200


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


class ListRegistry:
    """Use cases on lists, over one store."""

    def __init__(self, stores: Stores, clock: Clock, screener: Screener) -> None:
        self._stores = stores
        self._clock = clock
        self._screener = screener

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
            tx.append(new_record(RecordType.LIST_LOADED, actor, now, _list_facts(version, prepared, force, now.date())))
            hits, parties = self._keep(tx, prepared, now)
            return Loaded(diff, prepared.before, tuple(hits), parties, prepared.objections)

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
            before,
            known,
            diff=diff,
            entries=new.entries,
            published_on=new.published_on,
            today=now.date(),
            lately=shrunk(reader, new.id, now),
        )
        return _Prepared(versions, diff, before, indexed, found, against)

    def _keep(self, tx: Transaction, prepared: _Prepared, now: datetime) -> tuple[list[Hit], int]:
        """Store what was found; who changed meanwhile is compared here."""
        screened = [(each, hits_of(prepared.found, prepared.indexed, each, now)) for each in parties_of(tx)]
        return keep(tx, screened, prepared.indexed, now, why="run"), len(screened)


def _foreseen(reader: Reader, prepared: _Prepared, now: datetime) -> Loaded:
    parties = parties_of(reader)
    known = {each.id for each in reader.hits(current=True)}
    found = [hit for each in parties for hit in hits_of(prepared.found, prepared.indexed, each, now)]
    new = tuple(each for each in found if each.id not in known)
    return Loaded(prepared.diff, prepared.before, new, len(parties), prepared.objections)


def _list_facts(version: ListVersion, prepared: _Prepared, force: str, today: date) -> Facts:
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
        "lost_total": lost_in(diff, today),
        "removed": [each.key for each in diff.removed[:KEYS_IN_RECORD_MAX]],
        "matcher": VERSION,
        **(
            {"forced": force.strip()[:REASON_CHARACTERS_MAX], "objections": [*prepared.objections]}
            if force.strip()
            else {}
        ),
    }
