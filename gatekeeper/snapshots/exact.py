"""A transaction's own view: what a snapshot knows of people, and what is read there and then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gatekeeper.domain.customer import Binding, Customer
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.policy import Pack
from gatekeeper.domain.run import Run
from gatekeeper.domain.tier import TierFinding
from gatekeeper.ports import Reader
from gatekeeper.snapshots.indexes import with_carried_in
from gatekeeper.snapshots.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Exact:
    """A transaction's own view: parties, groups, runs and answered inquiries from a snapshot brought up to it,
    all else read there and then. A group may have thousands of runs: to read them one by one would hold the writer.
    """

    people: Snapshot
    tx: Reader

    def binding(self, cluster: str, namespace: str) -> Binding | None:
        return self.tx.binding(cluster, namespace)

    def customer(self, customer_id: str) -> Customer | None:
        return self.tx.customer(customer_id)

    def group(self, customer: Customer) -> tuple[str, ...]:
        return self.people.group(customer)

    def withdrawn(self, customer_id: str) -> tuple[str, ...]:
        return self.people.withdrawn(customer_id)

    def overrides(self, customer_id: str) -> tuple[Override, ...]:
        return self.people.overrides(customer_id)

    def labelled(self, customer_id: str) -> tuple[str, ...]:
        return self.people.labelled(customer_id)

    def parties(self) -> dict[str, Party]:
        return self.people.parties()

    def finding(self, party_id: str, pack: Pack, day: date) -> TierFinding:
        return self.people.finding(party_id, pack, day)

    def run(self, run_id: str) -> Run | None:
        return self.people.run(run_id)

    def accounts(self, run_ids: Sequence[str]) -> tuple[Account, ...]:
        found = {each.run_id: each for each in self.tx.accounts(run_ids)}
        return tuple(with_carried_in(found.get(each) or Account(each), self.people.run(each)) for each in run_ids)

    def permits(self, run_id: str) -> Mapping[str, tuple[Permit, ...]]:
        return self.people.permits(run_id)

    def open_hits(self) -> frozenset[str]:
        return self.people.open_hits()

    def declared(self, customer_ids: Iterable[str]) -> tuple[str, ...]:
        return self.people.declared(customer_ids)

    def model(self, run_id: str) -> tuple[str, ...]:
        return self.people.model(run_id)
