"""What nobody reports is booked all the same: starts, ends between two looks, devices that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.cluster.namespaces import NamespaceState
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.starts import TAKEN_ON_WITHIN, Starts
from gatekeeper.cluster.state import ClusterState
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.ledger import ReservationState
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.units import ceil_div
from gatekeeper.domain.usage import Observation, PodInterval
from gatekeeper.domain.workload import Count, Workload, WorkloadRef
from gatekeeper.facts import DEVICE_KEYS_MAX
from gatekeeper.unreserved import Running
from tests.cluster.test_pods import kept, recorded
from tests.cluster.test_settling import H100_TFLOP_PER_S, HELD_S, RATE, Books
from tests.cluster.test_unreserved import EVERY_S as CLEARED_EVERY_S
from tests.cluster.test_unreserved import Yard
from tests.databases import new_stores

GPUS_OF_THE_NODE = 8


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    with new_stores(tmp_path / "books.db") as stores:
        yield Books(stores)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with new_stores(tmp_path / "yard.db") as stores:
        yield Yard(stores)


def silenced(pod: PodState) -> PodState:
    """The pod on its node, which speaks of no container: one waits for its image, the others may compute."""
    return replace(pod, started_at=None, ended_at=None, never_started=False)


@dataclass
class Idle:
    """Counters that say of every pod that its one device did nothing; they remember what they were asked."""

    asked: list[PodInterval] = field(default_factory=list)

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation]]]:
        self.asked += asked
        for each in asked:
            yield each, [Observation("GPU-0", 0, int((each.through - each.begins_at).total_seconds()))]


def listen(books: Books, **times: int) -> Idle:
    idle, meter = Idle(), books.settling._meter
    books.settling._meter = replace(meter, counters=idle, times=MeterTimes(delay_s=0, patience_s=0, **times))
    return idle


def test_the_recorded_pod_whose_image_never_comes_is_silent_until_its_deadline_has_ended_it() -> None:
    waiting = kept(recorded("image-never-comes"))
    assert waiting.silent
    assert waiting.taken_at is not None
    assert not kept(recorded("past-its-deadline-without-an-image")).silent
    assert not kept(recorded("running")).silent


def test_a_silent_pod_is_covered_by_its_reservation_and_counts_as_running_once_that_has_run_out(books: Books) -> None:
    silent = silenced(books.pod)
    assert books.metered_s(books.look(HELD_S - 1, (silent,))) is None
    late = books.look(HELD_S + 1_000, (silent,))
    assert books.metered_s(late) == HELD_S + 1_000
    assert (late.state, late.pending_tflop) == (ReservationState.PENDING, 0)
    assert late.settled.high_tflop > RATE * HELD_S


def test_a_silent_pod_that_then_never_started_gives_all_back_before_it_was_booked_and_the_rest_after(
    books: Books,
) -> None:
    silent, rejected = silenced(books.pod), replace(books.pod, started_at=None, never_started=True)
    before = books.look(HELD_S, (silent,))
    after = books.look(HELD_S + 60, (rejected,))
    assert before.settled.high_tflop > 0
    assert (after.state, after.settled, after.pending_tflop) == (ReservationState.SETTLED, before.settled, 0)


def test_a_silent_pod_that_was_deleted_by_force_counts_on(books: Books) -> None:
    silent = silenced(books.pod)
    books.departed[silent.uid] = silent.departed()
    assert books.metered_s(books.look(HELD_S + 10, ())) == HELD_S + 10
    assert silent.uid in books.departed


def test_a_forged_start_hides_nothing_and_multiplies_nothing(books: Books) -> None:
    bound = silenced(books.pod)
    books.look(5, (bound,))
    forged = replace(bound, taken_at=books.starts + timedelta(days=400))
    assert books.metered_s(books.look(HELD_S + 10, (forged,))) == HELD_S + 10
    booked = books.look(HELD_S + 10, (replace(bound, taken_at=books.starts - timedelta(days=20_000)),))
    assert booked.started_at == books.starts + timedelta(seconds=5)


def test_a_start_that_is_reported_for_a_later_time_than_it_was_seen_hides_nothing(books: Books) -> None:
    forged = replace(books.pod, started_at=books.starts + timedelta(days=400))
    books.look(0, (forged,))
    assert books.metered_s(books.look(HELD_S, (forged,))) == HELD_S


def test_a_start_before_the_release_counts_from_the_release(books: Books) -> None:
    forged = replace(silenced(books.pod), taken_at=books.starts - timedelta(days=20_000))
    assert books.look(HELD_S, (forged,)).started_at == books.starts


@pytest.mark.parametrize("gone", [False, True], ids=["there", "gone"])
def test_of_a_pod_without_any_start_one_waits_for_its_kubelet_as_long_as_it_is_there(books: Books, gone: bool) -> None:
    bare, starts, now = replace(silenced(books.pod), taken_at=None), Starts(), books.starts
    held, departed = ({}, {bare.uid: bare}) if gone else ({bare.uid: bare}, {})

    def began(at: datetime) -> datetime | None:
        starts.see(ClusterState(held, {}, {}, departed, 3_600), at)
        return starts.of(bare, not_before=bare.created_at)

    assert began(now) == (now if gone else None)
    assert began(now + TAKEN_ON_WITHIN) == now


def test_a_silent_pod_under_a_clearance_is_metered_at_once(yard: Yard) -> None:
    yard.bind()
    silent = silenced(yard.pod)
    assert yard.look(10, silent) is not None
    yard.departed[silent.uid] = silent.departed()
    yard.look(CLEARED_EVERY_S)
    assert yard.booked_s() == CLEARED_EVERY_S


def test_a_silent_pod_under_a_clearance_that_never_started_costs_nothing(yard: Yard) -> None:
    yard.bind()
    yard.look(10, silenced(yard.pod))
    settled = yard.look(600, replace(yard.pod, started_at=None, never_started=True))
    assert settled is not None
    assert settled.state is ReservationState.SETTLED
    assert yard.booked_s() == 0


def test_a_pod_that_came_and_went_while_a_pass_was_under_way_is_metered_by_the_next(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.bind()
    begin = yard.settling._begin

    def meanwhile(*args: object) -> None:
        begin(*args)  # type: ignore[arg-type]
        yard.departed.setdefault(yard.pod.uid, yard.ended(100).departed())

    monkeypatch.setattr(yard.settling, "_begin", meanwhile)
    yard.look(200)
    assert yard.pod.uid in yard.departed
    yard.look(300)
    assert yard.booked_s() == 100


def test_a_vanished_pod_is_not_counted_by_what_its_namesake_does(books: Books) -> None:
    listen(books)
    books.departed[books.pod.uid] = replace(books.pod, deleting=True)
    assert books.look(3_600, ()).settled.high_tflop == H100_TFLOP_PER_S * 3_600


def test_of_two_pods_of_one_name_each_is_counted_by_samples_of_its_own_life_alone(books: Books) -> None:
    """pod-0 of a StatefulSet and the one made after it: a sample tells of up to a minute before it, never after."""
    first_s, second_s = 1_000, 2_000
    idle = listen(books, start_edge_s=60, end_edge_s=30)
    old = replace(books.pod, ended_at=books.starts + timedelta(seconds=first_s - 1))
    books.departed[old.uid] = old.departed()
    assert books.look(second_s, ()).state is ReservationState.SETTLED
    began_at = books.starts + timedelta(seconds=first_s)  # at the very moment at which the old one ended
    ref = replace(books.pod.workload.ref, uid="new")
    new = replace(books.pod, workload=replace(books.pod.workload, ref=ref), started_at=began_at)
    held = replace(books.look(second_s), id="new", workload=ref, opened_at=began_at)
    held = replace(held, state=ReservationState.PENDING, started_at=None, metered_until=None)
    books.stores.transact(lambda tx: tx.put_reservation(held))
    books.look(second_s, (new,))
    of_old, of_new = idle.asked
    assert of_old.pod == of_new.pod
    assert of_old.through == began_at - timedelta(seconds=30)
    assert of_new.begins_at == began_at + timedelta(seconds=60)


def of_the_host(yard: Yard) -> PodState:
    """A privileged pod that asks for nothing."""
    workload = replace(yard.pod.workload, devices={}, host_access=True, unsaid=False, unknown=False)
    return replace(yard.pod, workload=workload)


def look_cleared(yard: Yard, after_s: int, pod: PodState) -> None:
    namespace = NamespaceState(yard.namespace, "uid-1", "1", cleared=True, until=None, deleting=False)
    seen = ClusterState({pod.uid: pod}, {yard.namespace: namespace}, yard.nodes(), yard.departed, 3_600)
    yard.at = yard.starts + timedelta(seconds=after_s)
    yard.settling.run(seen)


def test_a_pod_that_could_reach_the_devices_of_its_node_counts_as_all_of_them(yard: Yard) -> None:
    yard.bind()
    listen_to = Idle()
    yard.settling._meter = replace(yard.settling._meter, counters=listen_to)
    look_cleared(yard, CLEARED_EVERY_S, of_the_host(yard))
    assert yard.booked_s() == ceil_div(GPUS_OF_THE_NODE * CLEARED_EVERY_S, yard.devices)
    assert listen_to.asked == []
    (begun,) = yard.records(RecordType.METERING_BEGUN)
    assert begun.facts["devices"] == {"nvidia.com/gpu": GPUS_OF_THE_NODE}


def test_without_a_clearance_it_counts_from_when_it_was_found_to_its_end(yard: Yard) -> None:
    """It is stopped then, and its node may have got its devices long after it began."""
    yard.bind()
    yard.look(5_000, of_the_host(yard))
    yard.look(5_100, replace(of_the_host(yard), ended_at=yard.starts + timedelta(seconds=5_059)))
    assert yard.booked_s() == ceil_div(GPUS_OF_THE_NODE * 60, yard.devices)


def test_one_on_a_node_without_devices_or_in_a_namespace_of_nobody_is_not_metered(yard: Yard) -> None:
    assert yard.look(10, of_the_host(yard)) is None
    yard.bind()
    assert yard.look(20, replace(of_the_host(yard), node="plain")) is None


def running(name: str, uid: str, devices: int = 1) -> Running:
    asks = {f"vendor.test/{'x' * 200}-{index}": Count(1, 1) for index in range(devices)}
    return Running(Workload(WorkloadRef("c", "lab", "Pod", name, uid), asks), datetime(2026, 11, 22, tzinfo=UTC))


def test_a_pod_that_cannot_be_metered_leaves_those_beside_it_metered(yard: Yard) -> None:
    """One with a name for which no record has room, before, between and after others."""
    yard.namespace = "lab"
    yard.bind()
    pods = [running("a", "a"), running("n" * 70_000, "b"), running("c", "c")]
    with pytest.raises(GatekeeperError, match="1 pods cannot be metered"):
        yard.settling._unreserved.begin(pods)
    assert set(yard.stores.read(lambda reader: reader.booked_until())) == {"a", "c"}


def test_a_pod_with_more_kinds_of_devices_than_a_record_has_room_for_is_metered(yard: Yard) -> None:
    yard.namespace = "lab"
    yard.bind()
    (begun,) = yard.settling._unreserved.begin([running("many", "many", devices=1_000)])
    assert len(begun.devices) == 1_000
    (record,) = yard.records(RecordType.METERING_BEGUN)
    assert len(record.facts["devices"]) == DEVICE_KEYS_MAX  # type: ignore[arg-type]
