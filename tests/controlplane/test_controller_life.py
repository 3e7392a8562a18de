"""The life of a workload with our controller on a real control plane: gated, reserved, released, run, settled."""

from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import GRACE_S, Keeper
from tests.controlplane.pods import RESERVATION
from tests.controlplane.work import Team, gated, gpu_job, released, uid


def test_a_job_waits_is_reserved_for_released_run_and_settled_and_all_of_it_is_on_record(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    tier_two.make(gpu_job(2))
    waiting = tier_two.wait_for_pods(2, "at their gate")
    assert all(gated(pod) for pod in waiting.values())
    keeper.start()
    freed = tier_two.wait_for_pods(2, "released", released)
    for name, pod in freed.items():
        reservation = keeper.books.reservation(uid(pod))
        assert reservation is not None
        assert pod["spec"]["activeDeadlineSeconds"] == reservation.lease_s
        assert pod["metadata"]["annotations"][RESERVATION] == reservation.id
        assert reservation.held_s == reservation.lease_s + GRACE_S
        assert reservation.devices == {"nvidia.com/gpu": 1}
        gpu_node.start_pod(tier_two.namespace, name)
    for name in freed:
        gpu_node.finish_pod(tier_two.namespace, name)
    wait_until(lambda: not keeper.books.open_reservations(tier_two.namespace), "the reservations to be settled")
    account = keeper.books.account(tier_two.namespace)
    assert account.pending_tflop == 0
    assert 0 < account.settled.high_tflop < 10**6
    pending = keeper.books.records("reservation.pending", namespace=tier_two.namespace)
    settled = keeper.books.records("reservation.settled")
    assert {each["reservation"] for each in pending} == {uid(pod) for pod in freed.values()}
    assert {each["reservation"] for each in settled if each["final"]} == {each["reservation"] for each in pending}
