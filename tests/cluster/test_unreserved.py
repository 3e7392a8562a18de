"""What runs without a reservation in a customer's namespace is metered: on real books, with recorded pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.cluster.allocations import Allocations
from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.inventory import NodeState
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.settling import Settling
from gatekeeper.cluster.state import ClusterState, Times
from gatekeeper.domain.customer import Binding, Customer, Standing
from gatekeeper.domain.errors import Conflict
from gatekeeper.domain.fleet import Fleet, NodeOffer
from gatekeeper.domain.ledger import Reservation, ReservationState
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.policy import Site
from gatekeeper.domain.record import Record, RecordType, decode
from gatekeeper.domain.run import Run, RunState, undeclared_run_id
from gatekeeper.facts import new_record
from gatekeeper.gate import CONTROLLER, Gang, Gate
from gatekeeper.meter import Meter
from gatekeeper.ports import Transaction
from gatekeeper.registry.facts import binding_facts
from gatekeeper.registry.namespaces import NamespaceRegistry
from gatekeeper.stores import SqlStores
from gatekeeper.telemetry.absent import NoCounters
from gatekeeper.unreserved import Unreserved
from gatekeeper.view import Provider
from tests.cluster.answering import nowhere
from tests.cluster.test_pods import kept, recorded
from tests.databases import new_stores

EVERY_S = 3_600
PRODUCT = "NVIDIA-H100-80GB-HBM3"
H100_TFLOP_PER_S = load_catalogue().find_or_largest(PRODUCT).worst_tflop_per_s


@dataclass
class Yard:
    """A cluster in which one recorded pod has been running; its namespace belongs to a customer."""

    stores: SqlStores
    pod: PodState = field(default_factory=lambda: kept(recorded("running")))
    departed: dict[str, PodState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.pod.started_at is not None
        self.starts = self.at = self.pod.started_at
        self.namespace = self.pod.workload.ref.namespace
        catalogue = load_catalogue()
        fleet = Fleet.of(catalogue, [NodeOffer(self.pod.node, "nvidia.com/gpu", PRODUCT, 8)])
        provider = Provider("c", Site(), (), lambda: fleet, 120)
        self.gate = Gate(self.stores, provider, self)
        self.settling = Settling(
            cluster="c",
            gate=self.gate,
            meter=Meter(self.stores, NoCounters(), self, catalogue, MeterTimes(delay_s=0, patience_s=0)),
            unreserved=Unreserved(self.stores, provider, self),
            allocations=Allocations(nowhere(), catalogue),
            stores=self.stores,
            clock=self,
            times=Times(settle_every_s=300, settle_cleared_every_s=EVERY_S),
            attempts=Attempts(),
        )
        for each in ("lab", "old"):
            customer = Customer(each, each, Standing.DRAFT, "ana")
            self.stores.transact(partial(_put_customer, customer))

    def now(self) -> datetime:
        return self.at

    def bind(self, customer: str = "lab", *, run: str | None = None, at_s: int = -86_400) -> None:
        """Bind the namespace, so long after the pod's start."""
        binding = Binding("c", self.namespace, customer, run)
        before = self.stores.read(lambda reader: reader.binding("c", self.namespace))
        at = self.starts + timedelta(seconds=at_s)
        record = new_record(RecordType.NAMESPACE_BOUND, CONTROLLER, at, binding_facts(binding, before))
        self.stores.transact(lambda tx: tx.put_binding(binding))
        self.stores.transact(lambda tx: tx.append(record))

    def look(self, after_s: int, *pods: PodState) -> Reservation | None:
        """One pass so long after the pod's start; its reservation as it is then."""
        self.at = self.starts + timedelta(seconds=after_s)
        self.settling.run(ClusterState({each.uid: each for each in pods}, {}, self.nodes(), self.departed, 3_600))
        return self.stores.read(lambda reader: reader.reservation(self.pod.uid))

    def nodes(self) -> dict[str, NodeState]:
        offers = (NodeOffer(self.pod.node, "nvidia.com/gpu", PRODUCT, 8),)
        return {self.pod.node: NodeState(self.pod.node, offers, marked=True, ready=True)}

    @property
    def devices(self) -> int:
        return sum(count.least for count in self.pod.workload.devices.values())

    def booked_s(self) -> float:
        """For how long the customer's undeclared run was charged, at the worst rate of the pod."""
        account = self.stores.read(lambda reader: reader.account(undeclared_run_id("lab")))
        return account.settled.high_tflop / (self.devices * H100_TFLOP_PER_S)

    def ended(self, after_s: int) -> PodState:
        return replace(self.pod, ended_at=self.starts + timedelta(seconds=after_s - 1))

    def records(self, *kinds: RecordType) -> list[Record]:
        return [decode(leaf) for _, leaf in self.stores.read(lambda reader: list(reader.records(types=kinds)))]


def _put_customer(customer: Customer, tx: Transaction) -> None:
    tx.put_customer(customer)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        yield Yard(stores)


def test_a_pod_without_a_reservation_is_metered_from_its_start_to_its_end(yard: Yard) -> None:
    yard.bind()
    begun = yard.look(10, yard.pod)
    assert begun is not None
    assert (begun.state, begun.pending_tflop, begun.customer_id) == (ReservationState.METERED, 0, "lab")
    yard.look(5_000, yard.ended(4_000))
    assert yard.booked_s() == 4_000
    (record,) = yard.records(RecordType.METERING_BEGUN)
    assert record.facts["started_at"] == record.facts["from"] == f"{yard.starts:%Y-%m-%dT%H:%M:%SZ}"
    assert yard.look(9_000, yard.ended(4_000)) == yard.look(6_000, yard.ended(4_000))
    assert yard.booked_s() == 4_000


@pytest.mark.slow
def test_it_costs_a_record_for_each_long_piece_however_often_the_cluster_changes(yard: Yard) -> None:
    yard.bind()
    for second in range(0, 2 * EVERY_S + 1, 300):
        yard.look(second, yard.pod)
    assert len(yard.records(RecordType.METERING_SETTLED)) == 2
    assert len(yard.records(RecordType.METERING_BEGUN)) == 1


def test_a_pod_that_came_and_went_between_two_passes_is_metered(yard: Yard) -> None:
    yard.bind()
    yard.departed[yard.pod.uid] = yard.ended(100).departed()
    yard.look(500)
    assert yard.booked_s() == 100
    assert yard.departed == {}


def test_a_pod_that_was_running_before_we_came_is_booked_from_its_start_if_its_customer_was_bound(yard: Yard) -> None:
    yard.bind(at_s=-1)
    yard.look(7_000, yard.ended(6_000))
    assert yard.booked_s() == 6_000


def test_what_ran_before_its_namespace_came_to_the_customer_is_not_the_customers(yard: Yard) -> None:
    yard.bind("old", at_s=-100)
    yard.bind("lab", at_s=2_000)
    yard.bind("lab", run="r", at_s=3_000)  # another run, the same customer
    yard.look(7_000, yard.ended(6_000))
    assert yard.booked_s() == 4_000
    (record,) = yard.records(RecordType.METERING_BEGUN)
    assert record.facts["started_at"] != record.facts["from"]


def test_what_had_ended_by_then_is_not_looked_at(yard: Yard) -> None:
    yard.bind(at_s=6_000)
    assert yard.look(7_000, yard.ended(6_000)) is None


def test_a_namespace_of_nobody_is_not_metered_until_it_is_bound(yard: Yard) -> None:
    assert yard.look(10, yard.pod) is None
    yard.bind(at_s=20)
    assert yard.look(30, yard.pod) is not None


def test_the_run_of_a_pod_is_the_one_of_its_binding_when_its_metering_begins(yard: Yard) -> None:
    run = Run("run-1", "lab", "A run", "ana", state=RunState.APPROVED, approved_by="ben")
    yard.stores.transact(lambda tx: tx.put_run(run))
    yard.bind(run="run-1")
    yard.look(10, yard.pod)
    yard.bind(run=None)
    reservation = yard.look(5_000, yard.ended(4_000))
    assert reservation is not None
    assert reservation.run_id == "run-1"
    assert yard.booked_s() == 0
    assert yard.stores.read(lambda reader: reader.account("run-1")).settled.high_tflop > 0


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "before a restart"])
def test_a_pod_that_vanished_counts_until_its_next_settlement_and_no_further(yard: Yard, seen: bool) -> None:
    yard.bind()
    yard.look(10, yard.pod)
    if seen:
        yard.departed[yard.pod.uid] = yard.pod.departed()
    middle = yard.look(EVERY_S - 1)
    assert middle is not None
    assert middle.state is ReservationState.METERED
    after = yard.look(EVERY_S)
    assert after is not None
    assert after.state is ReservationState.SETTLED
    assert yard.booked_s() == EVERY_S
    assert "its end was not seen" in str(yard.records(RecordType.METERING_SETTLED)[-1].facts["note"])
    assert yard.departed == {}


def test_a_pod_that_holds_budget_is_not_metered_a_second_time(yard: Yard) -> None:
    yard.bind()
    held = Reservation.open(
        id=yard.pod.uid, run_id="r", customer_id="lab", workload=yard.pod.workload.ref, devices={"nvidia.com/gpu": 1},
        rate_tflop_per_s=1, lease_s=60, held_s=60, opened_at=yard.starts,
    )  # fmt: skip
    yard.stores.transact(lambda tx: tx.put_reservation(held))
    assert yard.look(10, yard.pod) == held
    assert yard.records(RecordType.METERING_BEGUN) == []


def test_what_is_metered_gets_no_release(yard: Yard) -> None:
    """A pod whose gate is seen again after it started has been made anew under an old uid, or somebody lies."""
    yard.bind()
    yard.look(10, yard.pod)
    with pytest.raises(Conflict, match="holds nothing"):
        yard.gate.release(Gang(yard.pod.workload.ref, (yard.pod.workload,)))


def test_a_namespace_does_not_change_hands_under_what_is_metered(yard: Yard) -> None:
    yard.bind()
    yard.look(10, yard.pod)
    with pytest.raises(Conflict, match="still"):
        NamespaceRegistry(yard.stores, yard, "c").bind(yard.namespace, "old", by="ana")
