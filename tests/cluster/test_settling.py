"""When usage is booked and reservations end: on real books, with a cluster made of recorded pods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.cluster import allocations
from gatekeeper.cluster.allocations import PATH, Allocations
from gatekeeper.cluster.api import Api
from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.inventory import NodeState
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.settling import Settling
from gatekeeper.cluster.state import ClusterState, Times
from gatekeeper.domain.fleet import Fleet, NodeOffer
from gatekeeper.domain.ledger import Reservation, ReservationState
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.policy import Site
from gatekeeper.gate import Gate
from gatekeeper.meter import Meter
from gatekeeper.stores import SqlStores
from gatekeeper.telemetry.absent import NoCounters
from gatekeeper.unreserved import Unreserved
from gatekeeper.view import Provider
from tests.cluster.answering import Answering, nowhere
from tests.cluster.test_pods import kept, recorded
from tests.databases import new_stores

EVERY_S = 300
LEASE_S, HELD_S = 3_600, 3_720
RATE = 10
H100_TFLOP_PER_S = load_catalogue().find_or_largest("NVIDIA H100 80GB HBM3").worst_tflop_per_s
WHOLE_NODE = 16 * load_catalogue().largest.worst_tflop_per_s


@dataclass
class Books:
    """One reservation for the recorded pod, and the step that settles it."""

    stores: SqlStores
    api: Api = field(default_factory=nowhere)
    pod: PodState = field(default_factory=lambda: kept(recorded("running")))
    departed: dict[str, PodState] = field(default_factory=dict)
    in_sight_s: float = 3_600.0
    ready: bool = True
    devices: dict[str, int] = field(default_factory=lambda: {"nvidia.com/gpu": 1})
    rate: int = RATE

    def __post_init__(self) -> None:
        assert self.pod.started_at is not None
        self.starts = self.at = self.pod.started_at
        catalogue = load_catalogue()
        provider = Provider("c", Site(), (), lambda: Fleet.of(catalogue, ()), 120)
        self.settling = Settling(
            cluster="c",
            unreserved=Unreserved(self.stores, provider, self),
            gate=Gate(self.stores, provider, self),
            meter=Meter(self.stores, NoCounters(), self, catalogue, MeterTimes(delay_s=0, patience_s=0)),
            allocations=Allocations(self.api, catalogue),
            stores=self.stores,
            clock=self,
            times=Times(settle_every_s=EVERY_S),
            attempts=Attempts(),
        )
        reservation = Reservation.open(
            id=self.pod.uid,
            run_id="r",
            customer_id="lab",
            workload=self.pod.workload.ref,
            devices=self.devices,
            rate_tflop_per_s=self.rate,
            lease_s=LEASE_S,
            held_s=HELD_S,
            opened_at=self.starts,
        )

        def work(tx: Any) -> None:
            tx.put_reservation(reservation)
            tx.put_account(replace(tx.account("r"), pending_tflop=reservation.amount_tflop))

        self.stores.transact(work)

    def now(self) -> datetime:
        return self.at

    def publish(self, answering: Answering) -> None:
        """An API server on which the pod's claim gave it one H100."""
        namespace = self.pod.workload.ref.namespace
        path = f"{PATH}/namespaces/{namespace}/resourceclaims/one"
        created = (self.starts - timedelta(minutes=1)).isoformat()
        result = {"driver": "gpu.nvidia.com", "pool": "pool", "device": "gpu-0"}
        status = {
            "allocation": {"devices": {"results": [result]}},
            "reservedFor": [{"resource": "pods", "uid": self.pod.uid}],
        }
        answering.answer_at(path, 200, {"metadata": {"creationTimestamp": created}, "status": status})
        attributes = {"type": {"string": "gpu"}, "productName": {"string": "NVIDIA H100 80GB HBM3"}}
        spec = {
            "driver": "gpu.nvidia.com", "nodeName": self.pod.node, "pool": {"name": "pool", "generation": 1},
            "devices": [{"name": "gpu-0", "attributes": attributes}],
        }  # fmt: skip
        slices = {"metadata": {"resourceVersion": "1"}, "items": [{"spec": spec}]}
        answering.answer_at(f"{PATH}/resourceslices", 200, slices)

    def look(self, after_s: int = 0, pods: tuple[PodState, ...] | None = None) -> Reservation:
        """One pass so long after the pod's start; the reservation as it is then."""
        self.at = self.starts + timedelta(seconds=after_s)
        offer = NodeOffer(self.pod.node, "nvidia.com/gpu", "NVIDIA-H100-80GB-HBM3", 8)
        node = NodeState(self.pod.node, (offer,), marked=True, ready=self.ready)
        held = {each.uid: each for each in ((self.pod,) if pods is None else pods)}
        self.settling.run(ClusterState(held, {}, {node.name: node}, self.departed, self.in_sight_s))
        found = self.stores.read(lambda reader: reader.reservation(self.pod.uid))
        assert found is not None
        return found

    def records(self) -> list[str]:
        return [json.loads(leaf)["type"] for leaf in self.stores.read(lambda reader: list(reader.leaves()))]

    def metered_s(self, reservation: Reservation) -> int | None:
        """Up to how many seconds after its start usage is booked."""
        until = reservation.metered_until
        return None if until is None else int((until - self.starts).total_seconds())


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        yield Books(stores)


@pytest.mark.slow
def test_however_often_the_cluster_changes_a_running_pod_costs_one_record_for_each_piece(books: Books) -> None:
    for second in range(0, 2 * EVERY_S + 1, 10):
        books.look(second)
    assert books.records() == ["reservation.settled"] * 2


def test_that_a_pod_runs_is_not_booked_on_the_word_of_a_cluster_that_was_just_seen_again(books: Books) -> None:
    books.in_sight_s = 10
    assert books.metered_s(books.look(HELD_S + 1_000)) is None
    books.in_sight_s = 61
    assert books.metered_s(books.look(HELD_S + 1_000)) == HELD_S + 1_000


def test_a_node_that_nobody_hears_of_is_waited_for_while_the_reservation_covers_it(books: Books) -> None:
    books.ready = False
    assert books.metered_s(books.look(HELD_S - 1)) is None
    assert books.metered_s(books.look(HELD_S)) == HELD_S
    assert books.metered_s(books.look(HELD_S + EVERY_S)) == HELD_S + EVERY_S


def test_a_pod_that_ended_is_settled_up_to_its_end_and_no_further(books: Books) -> None:
    ended = replace(books.pod, ended_at=books.starts + timedelta(seconds=500))
    reservation = books.look(5_000, (ended,))
    assert reservation.state is ReservationState.SETTLED
    assert books.metered_s(reservation) == 501  # the whole second in which it ended


def test_an_ended_pod_is_settled_also_when_its_object_went_with_the_same_news(books: Books) -> None:
    ended = replace(books.pod, ended_at=books.starts + timedelta(seconds=500))
    books.departed[ended.uid] = ended.departed()
    assert books.look(600, ()).state is ReservationState.SETTLED
    assert books.departed == {}


def test_a_pod_that_vanished_is_counted_on(books: Books) -> None:
    books.departed[books.pod.uid] = books.pod.departed()
    reservation = books.look(1_000, ())
    assert reservation.state is ReservationState.PENDING
    assert books.metered_s(reservation) == 1_000
    assert books.pod.uid in books.departed


def test_a_reservation_of_whose_pod_nothing_is_known_stays_as_it_is(books: Books) -> None:
    reservation = books.look(10 * HELD_S, ())
    assert reservation.state is ReservationState.PENDING
    assert reservation.pending_tflop == RATE * HELD_S


def test_a_pod_that_never_started_gives_everything_back(books: Books) -> None:
    rejected = replace(books.pod, started_at=None, never_started=True)
    assert books.look(60, (rejected,)).state is ReservationState.VOIDED
    assert books.stores.read(lambda reader: reader.account("r")).used_tflop == 0


def test_what_was_booked_of_a_pod_that_is_later_said_never_to_have_started_stays_booked(books: Books) -> None:
    before = books.look(EVERY_S)
    rejected = replace(books.pod, started_at=None, never_started=True)
    after = books.look(EVERY_S + 60, (rejected,))
    assert after.state is ReservationState.SETTLED
    assert after.settled == before.settled
    assert after.pending_tflop == 0


def test_a_departed_pod_is_not_forgotten_while_a_pass_may_still_reserve_for_it(books: Books) -> None:
    other = kept(recorded("image-never-comes"))
    books.departed[other.uid] = other.departed()
    books.look(0, (books.pod, other))
    assert other.uid in books.departed
    books.look(0)
    assert other.uid not in books.departed


@pytest.fixture
def by_claim(tmp_path: Path, answering: Answering) -> Iterator[Books]:
    """A pod with a claim and no device key, for which was reserved as if it had a whole node."""
    claim = {"name": "gpu", "resourceClaimName": "one"}
    pod = recorded("running")
    pod["spec"]["resourceClaims"] = [claim]
    bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": pod["status"]["startTime"]}
    pod["status"]["conditions"] = [bound]
    for container in pod["spec"]["containers"]:
        container["resources"] = {"claims": [{"name": "gpu"}]}
    with new_stores(tmp_path / "claims.db") as stores:
        books = Books(stores, Api(answering.client()), kept(pod), devices={}, rate=WHOLE_NODE)
        books.publish(answering)
        yield books


def test_what_a_claim_gave_is_booked_and_the_rest_of_what_was_held_goes_back(by_claim: Books) -> None:
    reservation = by_claim.look(EVERY_S)
    assert reservation.settled.high_tflop == H100_TFLOP_PER_S * EVERY_S
    assert reservation.pending_tflop == WHOLE_NODE * (HELD_S - EVERY_S)


def test_a_claim_that_is_gone_when_the_pod_ends_was_read_when_it_began(by_claim: Books, answering: Answering) -> None:
    by_claim.look(1)
    answering.answer_at(f"{PATH}/namespaces/{by_claim.pod.workload.ref.namespace}/resourceclaims/one", 404, {})
    ended = replace(by_claim.pod, ended_at=by_claim.starts + timedelta(seconds=99))
    by_claim.departed[ended.uid] = ended.departed()
    assert by_claim.look(200, ()).settled.high_tflop == H100_TFLOP_PER_S * 100


def test_a_claim_of_which_nobody_can_tell_is_booked_as_it_was_reserved(by_claim: Books, answering: Answering) -> None:
    answering.answer_at(f"{PATH}/resourceslices", 503, {})
    assert by_claim.look(EVERY_S).settled.high_tflop == WHOLE_NODE * EVERY_S
    by_claim.publish(answering)
    assert by_claim.look(2 * EVERY_S).settled.high_tflop == (WHOLE_NODE + H100_TFLOP_PER_S) * EVERY_S


def test_usage_waits_while_there_are_more_claims_than_one_pass_can_read(
    by_claim: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocations, "READ_S", 0.0)
    assert by_claim.metered_s(by_claim.look(EVERY_S)) is None
    monkeypatch.undo()
    assert by_claim.look(EVERY_S).settled.high_tflop == H100_TFLOP_PER_S * EVERY_S
