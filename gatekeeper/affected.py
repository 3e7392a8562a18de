"""Whose tier may be another than at the last look, and what it is now: after a change only those below it are asked.

A graph of all parties is kept for each tier table (`domain.tier_graph`). What it does not know is what stands above a
tier: names whose screening is open, and overrides. Customers with either are left to `view.findings_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.owned import Owned
from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import Tier, TierTable
from gatekeeper.domain.tier_graph import TierGraph
from gatekeeper.snapshots import Snapshot


class Affected:
    """Snapshot after snapshot, who is affected by what is different in it. `tables`: by pack."""

    def __init__(self, tables: Mapping[str, TierTable]) -> None:
        self._tables = tables
        self._seen: Snapshot | None = None
        self._hour: datetime | None = None
        self._graphs: dict[str, TierGraph] = {}
        self._owned = Owned({})
        self._by_party: dict[str, set[str]] = {}
        self._screened: set[str] = set()

    def since_last(self, snapshot: Snapshot, now: datetime) -> set[str]:
        """Ids of the customers whose tier may be another than at the last call; all of them on the first of a day."""
        before, hour = self._seen, now.replace(minute=0, second=0, microsecond=0)
        if before is None or self._hour is None or self._hour.date() != hour.date():
            self._begin(snapshot, now.date())
            found = set(snapshot.by_customer)
        else:
            found = self._take_in(before, snapshot)
            if hour != self._hour:  # overrides begin and end by the hour
                found |= snapshot.by_override.keys()
        self._seen, self._hour = snapshot, hour
        return found & snapshot.by_customer.keys()

    def tier(self, customer: Customer, pack: str) -> Tier | None:
        """The tier of a customer as of the last snapshot; None where its override or an open screening decides."""
        if self._seen is None or customer.party_id in self._screened or self._seen.overrides(customer.id):
            return None
        return self._graphs[pack].tier(customer.party_id)

    def _begin(self, snapshot: Snapshot, day: date) -> None:
        """Read everything: a day may move everybody."""
        kept: list[tuple[TierTable, TierGraph]] = []
        for pack, table in self._tables.items():
            graph = next((each for known, each in kept if known == table), None)
            if graph is None:
                graph = TierGraph(snapshot.by_party, table, day)
                kept.append((table, graph))
            self._graphs[pack] = graph
        self._owned, self._by_party = Owned(snapshot.by_party), {}
        for customer in snapshot.by_customer.values():
            self._by_party.setdefault(customer.party_id, set()).add(customer.id)
        self._screened = self._owned.below(snapshot.by_open_hit)

    def _take_in(self, before: Snapshot, after: Snapshot) -> set[str]:
        """Who is affected by what is different between two snapshots."""
        if before.by_party is after.by_party and before.by_customer is after.by_customer:
            parties, customers = set[str](), set[str]()
        else:
            parties = self._changed_parties(before.by_party, after.by_party)
            customers = self._changed_customers(before.by_customer, after.by_customer)
        if parties or before.by_open_hit != after.by_open_hit:
            parties |= self._owned.below(before.by_open_hit ^ after.by_open_hit)
            self._screened = self._owned.below(after.by_open_hit)
        if before.by_override is not after.by_override:
            customers |= _differing(before.by_override, after.by_override)
        return customers | {each for party in parties for each in self._by_party.get(party, ())}

    def _changed_parties(self, before: Mapping[str, Party], after: Mapping[str, Party]) -> set[str]:
        """The parties that are others now, and all that they own now or owned before."""
        changed = _differing(before, after)
        found = self._owned.below(changed)
        for each in changed:
            self._owned.put(before.get(each), after.get(each))
        there, gone = [after[each] for each in changed & after.keys()], changed - after.keys()
        for graph in {id(each): each for each in self._graphs.values()}.values():
            graph.change(there, gone)
        return found | self._owned.below(changed)

    def _changed_customers(self, before: Mapping[str, Customer], after: Mapping[str, Customer]) -> set[str]:
        changed = _differing(before, after)
        for each in changed:
            if each in before:
                self._by_party[before[each].party_id].discard(each)
            if each in after:
                self._by_party.setdefault(after[each].party_id, set()).add(each)
        return changed


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """The keys under which two mappings say different things."""
    found = before.keys() ^ after.keys()
    # What was not read again is the same object, and comparing it costs nothing.
    found |= {key for key, each in after.items() if before.get(key) is not each and before.get(key) != each}
    return found
