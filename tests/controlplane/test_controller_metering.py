"""Pods under a clearance pass no gate; what they use is booked all the same, from their start to their end."""

from gatekeeper.domain.ledger import ReservationState
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import Keeper
from tests.controlplane.pods import gpu_pod
from tests.controlplane.test_controller_stop import clear, start_job, wait_until_stopped
from tests.controlplane.work import Team, uid


def state_of(keeper: Keeper, pod_uid: str) -> ReservationState | None:
    found = keeper.books.reservation(pod_uid)
    return found.state if found else None


def test_pods_under_a_clearance_are_metered_and_settled_when_the_clearance_ends(
    keeper: Keeper, team: Team, gpu_node: FakeNode
) -> None:
    clear(keeper, team)
    job, names = start_job(team, gpu_node, 2)
    uids = [uid(pod) for name, pod in team.pods().items() if name in names]
    metered = ReservationState.METERED
    wait_until(lambda: all(state_of(keeper, each) is metered for each in uids), "both to be metered")
    assert keeper.books.open_reservations(team.namespace) == []
    keeper.books.apply(team.namespace, "IN")
    wait_until_stopped(team, gpu_node, job, names)
    settled = ReservationState.SETTLED
    wait_until(lambda: all(state_of(keeper, each) is settled for each in uids), "both to be settled")
    account = keeper.books.account(team.namespace)
    assert account.settled.high_tflop > 0
    pieces = keeper.books.records("metering.settled")
    assert sum(int(each["high_tflop"]) for each in pieces) == account.settled.high_tflop
    begun = keeper.books.records("metering.begun", namespace=team.namespace)
    assert {each["reservation"] for each in begun} == set(uids)


def test_a_pod_that_ran_before_the_controller_came_is_metered_from_its_start(
    keeper: Keeper, team: Team, gpu_node: FakeNode
) -> None:
    clear(keeper, team)
    keeper.stop()
    early = team.make(gpu_pod())
    gpu_node.start_pod(team.namespace, early["metadata"]["name"])
    keeper.start()
    wait_until(lambda: state_of(keeper, uid(early)), "it to be metered")
    started = team.pods()[early["metadata"]["name"]]["status"]["startTime"]
    (begun,) = keeper.books.records("metering.begun", namespace=team.namespace)
    assert (begun["started_at"], begun["from"]) == (started, started)
