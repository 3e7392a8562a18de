"""What registers say about parties, in SQL: the last word of each register on each LEI."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, String, Table, Text, bindparam, select

from gatekeeper.domain.observation import Observed, observed_json, observed_of
from gatekeeper.domain.record import canonical_json
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.statements import add, change, key_of
from gatekeeper.stores.tables import Moment, metadata

observation = Table(
    "observation",
    metadata,
    Column("lei", String(20), primary_key=True),
    Column("source", String(16), primary_key=True),
    Column("body", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
_OBSERVED = select(observation).where(observation.c.lei.in_(bindparam("keys", expanding=True)))


class ObservationReads(Asking):
    """`gatekeeper.ports.observations.ObservationReads`."""

    def observation(self, lei: str, source: str) -> Observed | None:
        """What a register said last about an LEI, or None."""
        row = self._get(observation, lei=lei, source=source)
        return observed_of(json.loads(row["body"]), row["at"]) if row else None

    def observations(self, leis: Collection[str], source: str) -> dict[str, Observed]:
        """What a register said last about some LEIs, by LEI."""
        rows = (row for row in self._named(_OBSERVED, sorted(leis)) if row["source"] == source)
        return {row["lei"]: observed_of(json.loads(row["body"]), row["at"]) for row in rows}


class ObservationWrites(Changing):
    """`gatekeeper.ports.observations.ObservationWrites`."""

    def put_observations(self, observed: Collection[Observed]) -> None:
        """Store what a register says now of some LEIs, in place of what it said before."""
        rows = self._named(_OBSERVED, sorted({each.lei for each in observed}))
        known = {(row["lei"], row["source"]) for row in rows}
        fresh, changed = list[dict[str, Any]](), list[dict[str, Any]]()
        for each in observed:
            body = canonical_json(observed_json(each)).decode()
            values = {"lei": each.lei, "source": each.source, "body": body, "at": each.at}
            if (each.lei, each.source) in known:
                changed.append({**values, **key_of(observation, values)})
            else:
                fresh.append(values)
        if changed:
            self._run(change(observation), changed)
        if fresh:
            self._run(add(observation), fresh)
