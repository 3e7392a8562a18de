"""Lists, their entries, and hits of parties on them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    bindparam,
    delete,
    select,
)

from gatekeeper.domain.list_entry import ListEntry, ListVersion, entry_json, entry_of
from gatekeeper.domain.record import canonical_json
from gatekeeper.domain.screening import Hit, HitState
from gatekeeper.stores.asking import PAGE_KEYS, Asking, Changing
from gatekeeper.stores.statements import add
from gatekeeper.stores.tables import metadata

screening_list = Table(
    "screening_list",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("published_on", String(10), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("matcher", Integer, nullable=False),
    Column("loaded_by", Text, nullable=False),
)

screening_entry = Table(
    "screening_entry",
    metadata,
    Column("list", String(63), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    # Canonical JSON (domain/screening): the bytes that the hash is of.
    Column("body", Text, nullable=False),
)

# One condition: two people put a hit aside, by whatever spelling of their names.
FOUR_EYES = (
    "(state <> 'false_positive' OR confirmed_by <> '') AND "
    "(confirmed_by = '' OR lower(replace(confirmed_by, ' ', '')) <> lower(replace(judged_by, ' ', '')))"
)
screening_hit = Table(
    "screening_hit",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("party_id", String(63), nullable=False),
    Column("party_sha256", String(64), nullable=False),
    Column("list", String(63), nullable=False),
    Column("entry_key", Text, nullable=False),
    Column("entry_sha256", String(64), nullable=False),
    Column("score", Integer, nullable=False),
    Column("party_name", Text, nullable=False),
    Column("entry_name", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("proposed", Boolean, nullable=False),
    Column("judged_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("confirmed_by", Text, nullable=False),
    Column("listed_from", String(10)),
    Column("listed_to", String(10)),
    CheckConstraint(FOUR_EYES, "four_eyes"),
    Index("screening_hit_by_party", "party_id"),
    Index("screening_hit_by_state", "state"),
)

_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_IN_ORDER = (screening_hit.c.party_id, screening_hit.c.score.desc(), screening_hit.c.id)
_HITS = select(screening_hit).order_by(*_IN_ORDER)
_HITS_OF = _HITS.where(screening_hit.c.party_id.in_(_KEYS))
_OPEN = (
    select(screening_hit.c.party_id, screening_hit.c.id)
    .where(screening_hit.c.state == HitState.OPEN.value)
    .order_by(screening_hit.c.party_id, screening_hit.c.id)
)
_ENTRIES = select(screening_entry.c.body).order_by(screening_entry.c.list, screening_entry.c.sha256)
_WITHOUT = delete(screening_entry).where(
    screening_entry.c.list == bindparam("of_list"), screening_entry.c.sha256.in_(_KEYS)
)


class ScreeningReads(Asking):
    """`gatekeeper.ports.screening.ScreeningReads`."""

    def lists(self) -> list[ListVersion]:
        """All lists by id."""
        rows = self._all(select(screening_list).order_by(screening_list.c.id))
        return [ListVersion(**{**row, "published_on": date.fromisoformat(row["published_on"])}) for row in rows]

    def list_entries(self, list_id: str | None = None) -> list[ListEntry]:
        """Entries of one list or of all."""
        asked = _ENTRIES if list_id is None else _ENTRIES.where(screening_entry.c.list == list_id)
        return [entry_of(json.loads(row["body"])) for row in self._all(asked)]

    def hit(self, hit_id: str) -> Hit | None:
        """The hit of an id, or None."""
        row = self._get(screening_hit, id=hit_id)
        return _hit_of(row) if row else None

    def hits(self, *, party_ids: Collection[str] | None = None, current: bool = False) -> list[Hit]:
        """Hits by party and score, best first."""
        rows = self._all(_HITS) if party_ids is None else self._named(_HITS_OF, sorted(party_ids))
        found = map(_hit_of, rows)
        return [each for each in found if not (current and each.state is HitState.SUPERSEDED)]

    def open_hits(self) -> dict[str, tuple[str, ...]]:
        """Party -> ids of its open hits."""
        found: dict[str, tuple[str, ...]] = {}
        for row in self._all(_OPEN):
            found[row["party_id"]] = (*found.get(row["party_id"], ()), row["id"])
        return found


class ScreeningWrites(Changing):
    """`gatekeeper.ports.screening.ScreeningWrites`."""

    def put_list(self, version: ListVersion) -> None:
        """Store which version of a list is loaded."""
        self._put(screening_list, {**asdict(version), "published_on": version.published_on.isoformat()})

    def replace_entries(self, list_id: str, *, removed: Collection[str], added: Iterable[ListEntry]) -> None:
        """Take entries away by their hashes, and add others."""
        keys = sorted(removed)
        for begin in range(0, len(keys), PAGE_KEYS):
            self._run(_WITHOUT, {"of_list": list_id, "keys": keys[begin : begin + PAGE_KEYS]})
        rows = [
            {"list": list_id, "sha256": each.sha256, "body": canonical_json(entry_json(each)).decode()}
            for each in added
        ]
        if rows:
            self._run(add(screening_entry), rows)

    def put_hits(self, hits: Iterable[Hit]) -> None:
        """Store hits, new or judged."""
        for each in hits:
            days = {name: getattr(each, name) for name in ("listed_from", "listed_to")}
            told = {name: day.isoformat() if day else None for name, day in days.items()}
            self._put(screening_hit, {**asdict(each), "state": each.state.value, **told})


def _hit_of(row: RowMapping) -> Hit:
    days = {name: date.fromisoformat(row[name]) if row[name] else None for name in ("listed_from", "listed_to")}
    return Hit(**{**row, "state": HitState(row["state"]), **days})
