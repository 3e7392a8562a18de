"""Views of the store: a snapshot held in memory, brought up to date record by record, and a transaction's own.

A thousand customers cost what two do: after a change only what the new records name is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import TypeVar

from gatekeeper.domain.customer import Binding, Customer
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.inquiry import Inquiry, Permit
from gatekeeper.domain.join import bases_of, models_of
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.policy import Pack
from gatekeeper.domain.record import RecordType, decode
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.run import Run, RunState, named_run
from gatekeeper.domain.tier import TierFinding
from gatekeeper.ports import Reader, Stores
from gatekeeper.renewing import NAMED_MAX, Named

K = TypeVar("K")
V = TypeVar("V")

# More new records than this are not looked through one by one.
CAUGHT_UP_MAX = 1_000
# Tiers that are kept, of some kilobytes each; the customers that start work are far fewer.
FINDINGS_MAX = 20_000
# Records after which every customer, party, binding and run is what it was; all others count as a change of them.
_BOOKKEEPING = frozenset(
    {
        RecordType.RESERVATION_PENDING,
        RecordType.RESERVATION_SETTLED,
        RecordType.RESERVATION_VOIDED,
        RecordType.METERING_BEGUN,
        RecordType.METERING_SETTLED,
        RecordType.CORRECTION_PROPOSED,
        RecordType.CORRECTION_REJECTED,
        RecordType.RESERVATION_END_PROPOSED,
        RecordType.RESERVATION_END_REJECTED,
        RecordType.NAMESPACE_PROPOSED,
        RecordType.NAMESPACE_REJECTED,
        RecordType.USAGE_CORRECTED,
        RecordType.WORKLOAD_REFUSED,
        RecordType.WORKLOAD_HELD,
        RecordType.WORKLOAD_WARNED,
        RecordType.WORKLOAD_RELEASED,
        RecordType.WORKLOAD_STOPPED,
        RecordType.CLEARANCE_GIVEN,
        RecordType.INQUIRY_OPENED,
        RecordType.CLEARANCE_WITHDRAWN,
        RecordType.USER_ADDED,
        RecordType.USER_CHANGED,
        RecordType.USER_DISABLED,
        RecordType.LOGIN_LINKED,
        RecordType.LOGIN_UNLINK_ASKED,
        RecordType.LOGIN_UNLINKED,
        RecordType.TIER_CHANGED,
        RecordType.CUSTOMER_NOTICE,
        RecordType.OVERRIDE_REQUESTED,
        RecordType.EVIDENCE_ADDED,
        RecordType.EVIDENCE_READ,
        RecordType.ATTESTATION_MADE,
        RecordType.HOLD_PLACED,
        RecordType.HOLD_LIFT_REQUESTED,
        RecordType.HOLD_LIFT_REJECTED,
        RecordType.HOLD_LIFTED,
        RecordType.ERASURE_REQUESTED,
        RecordType.ERASURE_REJECTED,
        RecordType.CUSTOMER_ERASED,
    }
)

_OF_PEOPLE = frozenset(RecordType) - _BOOKKEEPING


def groups_of(customers: Iterable[Customer], parties: Mapping[str, Party]) -> dict[str, tuple[str, ...]]:
    """Party of a customer -> ids of the customers of its corporate group, sorted."""
    by_party: dict[str, list[str]] = {}
    for customer in customers:
        by_party.setdefault(customer.party_id, []).append(customer.id)
    found: dict[str, tuple[str, ...]] = {}
    for group in corporate_groups(parties, by_party):
        members = tuple(sorted(each for party in group for each in by_party.get(party, ())))
        found |= dict.fromkeys(group & by_party.keys(), members)
    return found


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
            by_withdrawn=_by_customer(each for each in runs.values() if each.state is RunState.WITHDRAWN),
            by_declared=_by_customer(filter(_is_declared, runs.values())),
        )

    def with_accounts(
        self, accounts: Mapping[str, Account], bindings: Mapping[tuple[str, str], Binding] | None = None
    ) -> Snapshot:
        """The snapshot with other accounts, and other bindings where they are given."""
        found: dict[str, list[str]] = {}
        for each in accounts:
            run = self.by_run.get(named_run(each) or "")
            if run is not None and _is_declared(run):
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
        told = reader.records(types=_OF_PEOPLE, begin=self.log_size, end=size)
        records = [decode(leaf) for _, leaf in islice(told, NAMED_MAX + 1)]
        named = Named.of(records)
        if named.whole or len(records) > NAMED_MAX:
            return Snapshot.load(reader)
        # Ten thousand settlements come within seconds: to read all accounts then is cheaper than to read the records.
        changed = reader.accounts(None if grown > CAUGHT_UP_MAX else _runs_in(reader, self.log_size, size))
        accounts = {**self.by_account, **{each.run_id: each for each in changed}}
        if records:
            return self._renewed(reader, named).with_accounts(accounts, self._bindings(reader, named))
        if any(named_run(each.run_id) and each.run_id not in self.by_account for each in changed):
            return replace(self.with_accounts(accounts), log_size=size)
        return replace(self, log_size=size, by_account=accounts)

    def _renewed(self, reader: Reader, named: Named) -> Snapshot:
        """Everybody, of whom those that are named are read again."""
        customers, parties = _again(self.by_customer, named.customers, reader.customer), self.by_party
        if named.parties:
            written = reader.some_parties(named.parties)
            parties = _again(parties, named.parties, written.get)
        runs = _again(self.by_run, named.runs, reader.run)
        found = Snapshot.of_people(customers, parties, runs, reader)
        return replace(found, by_finding=self.by_finding) if parties is self.by_party else found

    def _bindings(self, reader: Reader, named: Named) -> Mapping[tuple[str, str], Binding]:
        return _again(self.by_namespace, named.bindings, lambda key: reader.binding(*key))

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
        return _with_carried_in(self.by_account.get(run_id) or Account(run_id), self.by_run.get(run_id))

    def accounts(self, run_ids: Sequence[str]) -> tuple[Account, ...]:
        return tuple(map(self.account, run_ids))


def _is_declared(run: Run) -> bool:
    """Whether it is a run of training that two people stand for."""
    return run.state is RunState.APPROVED and run.purpose.counts


def _by_customer(runs: Iterable[Run]) -> dict[str, tuple[str, ...]]:
    """Customer -> ids of its runs among these, sorted."""
    found: dict[str, list[str]] = {}
    for run in runs:
        found.setdefault(run.customer_id, []).append(run.id)
    return {each: tuple(sorted(ids)) for each, ids in found.items()}


def _again(known: Mapping[K, V], named: Collection[K], read: Callable[[K], V | None]) -> dict[K, V]:
    """What is known, with what is named as it is now. Nothing named: the same object, which others may rely on."""
    if not named and isinstance(known, dict):
        return known
    found = dict(known)
    for key in named:
        value = read(key)
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return found


def overrides_of(overrides: Iterable[Override]) -> dict[str, tuple[Override, ...]]:
    """Customer -> its overrides that two people approved and nobody ended, oldest first."""
    found: dict[str, tuple[Override, ...]] = {}
    for each in overrides:
        if each.approved_at is not None and each.ended_at is None:
            found[each.customer_id] = (*found.get(each.customer_id, ()), each)
    return found


def permits_of(inquiries: Iterable[Inquiry]) -> dict[str, dict[str, tuple[Permit, ...]]]:
    """Run -> pack -> what the answers to its questions mean."""
    found: dict[str, dict[str, tuple[Permit, ...]]] = {}
    for each in inquiries:
        if each.permit is not None:
            of_run = found.setdefault(each.run_id, {})
            of_run[each.pack_id] = (*of_run.get(each.pack_id, ()), each.permit)
    return found


def _with_carried_in(account: Account, run: Run | None) -> Account:
    if run is None or run.state is not RunState.APPROVED or account.carried_in_tflop == run.carried_in_tflop:
        return account
    return replace(account, carried_in_tflop=run.carried_in_tflop)


def _runs_in(reader: Reader, begin: int, end: int) -> set[str]:
    """The runs that these records name."""
    named = (decode(leaf).facts.get("run") for leaf in reader.leaves(begin, end))
    return {run for run in named if isinstance(run, str)}


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
        return tuple(_with_carried_in(found.get(each) or Account(each), self.people.run(each)) for each in run_ids)

    def permits(self, run_id: str) -> Mapping[str, tuple[Permit, ...]]:
        return self.people.permits(run_id)

    def open_hits(self) -> frozenset[str]:
        return self.people.open_hits()

    def declared(self, customer_ids: Iterable[str]) -> tuple[str, ...]:
        return self.people.declared(customer_ids)

    def model(self, run_id: str) -> tuple[str, ...]:
        return self.people.model(run_id)


class Snapshots:
    """Keeps the newest snapshot of what is durable; after a change it reads only what the new records name."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._newest: Snapshot | None = None

    def current(self) -> Snapshot:
        """A snapshot that is true now.

        Raises:
            Unavailable: the store does not answer, so nobody knows whether the last snapshot is still true.
        """
        self._newest = self._stores.read(self._up_to)
        return self._newest

    def within(self, tx: Reader) -> Exact:
        """The view of a transaction. It is not kept: what the transaction sees may yet be undone."""
        return Exact(self._up_to(tx), tx)

    def _up_to(self, reader: Reader) -> Snapshot:
        newest, size = self._newest, reader.log_size()
        if newest is None:
            return Snapshot.load(reader)
        return newest if newest.log_size == size else newest.after(reader, size)
