"""A view of the store that is held in memory, and brought up to date record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice

from gatekeeper.domain.customer import Binding, Customer
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.join import bases_of, models_of
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.policy import Pack
from gatekeeper.domain.record import decode
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.run import Run, RunState, named_run
from gatekeeper.domain.tier import TierFinding
from gatekeeper.ports import Reader
from gatekeeper.renewing import NAMED_MAX, Named
from gatekeeper.snapshots.bookkeeping import OF_PEOPLE
from gatekeeper.snapshots.indexes import (
    again,
    by_customer_of,
    groups_of,
    is_declared,
    overrides_of,
    permits_of,
    runs_in,
    with_carried_in,
)

# More new records than this are not looked through one by one.
CAUGHT_UP_MAX = 1_000
# Tiers that are kept, of some kilobytes each; the customers that start work are far fewer.
FINDINGS_MAX = 20_000


# Party, pack, the pack's hash, day.
Asked = tuple[str, str, str, date]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A view held in memory, true as of `log_size`: every change of the store appends a record."""

    log_size: int
    by_customer: Mapping[str, Customer]
    by_party: dict[str, Party]
    by_namespace: Mapping[tuple[str, str], Binding]
    by_run: Mapping[str, Run]
    by_account: Mapping[str, Account]
    by_group: Mapping[str, tuple[str, ...]]
    by_permit: Mapping[str, Mapping[str, tuple[Permit, ...]]] = field(default_factory=dict)
    by_open_hit: frozenset[str] = frozenset()
    by_override: Mapping[str, tuple[Override, ...]] = field(default_factory=dict)
    by_model: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_withdrawn: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_declared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_labelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_finding: dict[Asked, TierFinding] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def load(cls, reader: Reader) -> Snapshot:
        """Read all that questions are built from."""
        held = cls.of_people(
            {each.id: each for each in reader.customers()},
            reader.parties(),
            {each.id: each for each in reader.runs()},
            reader,
        )
        bindings = {(each.cluster, each.namespace): each for each in reader.bindings()}
        return held.with_accounts({each.run_id: each for each in reader.accounts()}, bindings)

    @classmethod
    def of_people(
        cls, customers: Mapping[str, Customer], parties: dict[str, Party], runs: Mapping[str, Run], reader: Reader
    ) -> Snapshot:
        """Everybody, without accounts and bindings. What is few (hits, overrides, inquiries, joins) is read here."""
        groups = groups_of(customers.values(), parties)
        group_by_customer = {each.id: groups[each.party_id] for each in customers.values()}
        joined = [(each.one, each.other) for each in reader.joins()]
        return cls(
            log_size=reader.log_size(),
            by_customer=customers,
            by_party=parties,
            by_namespace={},
            by_run=runs,
            by_account={},
            by_group=groups,
            by_model=models_of(bases_of(runs.values(), group_by_customer), joined),
            by_permit=permits_of(reader.inquiries()),
            by_open_hit=frozenset(reader.open_hits()),
            by_override=overrides_of(reader.overrides()),
            by_withdrawn=by_customer_of(each for each in runs.values() if each.state is RunState.WITHDRAWN),
            by_declared=by_customer_of(filter(is_declared, runs.values())),
        )

    def with_accounts(
        self, accounts: Mapping[str, Account], bindings: Mapping[tuple[str, str], Binding] | None = None
    ) -> Snapshot:
        """The snapshot with other accounts, and other bindings where they are given."""
        found: dict[str, list[str]] = {}
        for each in accounts:
            run = self.by_run.get(named_run(each) or "")
            if run is not None and is_declared(run):
                found.setdefault(run.customer_id, []).append(each)
        return replace(
            self,
            by_account=accounts,
            by_namespace=self.by_namespace if bindings is None else bindings,
            by_labelled={customer: tuple(sorted(runs)) for customer, runs in found.items()},
        )

    def after(self, reader: Reader, size: int) -> Snapshot:
        """The snapshot for a log that has grown: read again is what the new records name, or all where they do not."""
        grown = size - self.log_size
        if grown < 0:
            return Snapshot.load(reader)
        told = reader.records(types=OF_PEOPLE, begin=self.log_size, end=size)
        records = [decode(leaf) for _, leaf in islice(told, NAMED_MAX + 1)]
        named = Named.of(records)
        if named.whole or len(records) > NAMED_MAX:
            return Snapshot.load(reader)
        # Ten thousand settlements come within seconds: to read all accounts then is cheaper than to read the records.
        changed = reader.accounts(None if grown > CAUGHT_UP_MAX else runs_in(reader, self.log_size, size))
        accounts = {**self.by_account, **{each.run_id: each for each in changed}}
        if records:
            return self._renewed(reader, named).with_accounts(accounts, self._bindings(reader, named))
        if any(named_run(each.run_id) and each.run_id not in self.by_account for each in changed):
            return replace(self.with_accounts(accounts), log_size=size)
        return replace(self, log_size=size, by_account=accounts)

    def _renewed(self, reader: Reader, named: Named) -> Snapshot:
        """Everybody, of whom those that are named are read again."""
        customers, parties = again(self.by_customer, named.customers, reader.customer), self.by_party
        if named.parties:
            written = reader.some_parties(named.parties)
            parties = again(parties, named.parties, written.get)
        runs = again(self.by_run, named.runs, reader.run)
        found = Snapshot.of_people(customers, parties, runs, reader)
        return replace(found, by_finding=self.by_finding) if parties is self.by_party else found

    def _bindings(self, reader: Reader, named: Named) -> Mapping[tuple[str, str], Binding]:
        return again(self.by_namespace, named.bindings, lambda key: reader.binding(*key))

    def binding(self, cluster: str, namespace: str) -> Binding | None:
        return self.by_namespace.get((cluster, namespace))

    def customer(self, customer_id: str) -> Customer | None:
        return self.by_customer.get(customer_id)

    def group(self, customer: Customer) -> tuple[str, ...]:
        return self.by_group[customer.party_id]

    def withdrawn(self, customer_id: str) -> tuple[str, ...]:
        return self.by_withdrawn.get(customer_id, ())

    def overrides(self, customer_id: str) -> tuple[Override, ...]:
        return self.by_override.get(customer_id, ())

    def labelled(self, customer_id: str) -> tuple[str, ...]:
        return self.by_labelled.get(customer_id, ())

    def permits(self, run_id: str) -> Mapping[str, tuple[Permit, ...]]:
        return self.by_permit.get(run_id, {})

    def declared(self, customer_ids: Iterable[str]) -> tuple[str, ...]:
        """The declared runs of training of some customers."""
        return tuple(run_id for each in customer_ids for run_id in self.by_declared.get(each, ()))

    def open_hits(self) -> frozenset[str]:
        return self.by_open_hit

    def model(self, run_id: str) -> tuple[str, ...]:
        return self.by_model.get(run_id, (run_id,))

    def parties(self) -> dict[str, Party]:
        return self.by_party

    def finding(self, party_id: str, pack: Pack, day: date) -> TierFinding:
        """The tier of a party by a pack on a day; worked out once for as long as no party changes."""
        asked = (party_id, pack.id, pack.sha256, day)
        known = self.by_finding.get(asked)
        if known is None:
            if len(self.by_finding) >= FINDINGS_MAX:
                self.by_finding.clear()
            known = self.by_finding[asked] = resolve(self.by_party, party_id, pack.tiers, day)
        return known

    def run(self, run_id: str) -> Run | None:
        return self.by_run.get(run_id)

    def account(self, run_id: str) -> Account:
        """The account of a run, with what its approved declaration says was carried in."""
        return with_carried_in(self.by_account.get(run_id) or Account(run_id), self.by_run.get(run_id))

    def accounts(self, run_ids: Sequence[str]) -> tuple[Account, ...]:
        return tuple(map(self.account, run_ids))
