"""Devices through DRA claims: what is held covers any claim of that name, because a claim can be remade at any time.

No driver is needed: the scheduler allocates claims from the slices that a node publishes.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.fleet import DEVICES_PER_UNKNOWN_NODE
from gatekeeper.domain.ledger import Reservation
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import GRACE_S, Keeper
from tests.controlplane.pods import GATE, fresh_name, gates_of, gpu_pod, pod
from tests.controlplane.work import Team, gated, released, uid

DRA = "/apis/resource.k8s.io/v1"
CLASS = "gpu.example.com"
CLAIM = "devices"
OTHER_GATE = "example.com/queue"
ONE = {"allocationMode": "ExactCount", "count": 1}
ALL = {"allocationMode": "All"}
DEVICES = 8
WHOLE_NODE_TFLOP_PER_S = DEVICES_PER_UNKNOWN_NODE * load_catalogue().largest.worst_tflop_per_s


def make_claim(team: Team, wanted: dict[str, Any]) -> None:
    """The tenant's claim for so many devices."""
    request = {"name": "gpu", "exactly": {"deviceClassName": CLASS, **wanted}}
    claim = {"metadata": {"name": CLAIM}, "spec": {"devices": {"requests": [request]}}}
    answer = team.tenant.create(f"{DRA}/namespaces/{team.namespace}/resourceclaims", claim)
    assert answer.ok, answer


def swap_claim(team: Team) -> None:
    """The tenant deletes the claim and makes one of the same name for everything."""
    answer = team.tenant.delete(f"{DRA}/namespaces/{team.namespace}/resourceclaims/{CLAIM}")
    assert answer.ok, answer
    make_claim(team, ALL)


def allocated(team: Team) -> list[Any]:
    """The devices that the scheduler gave to the claim."""
    claim = team.admin.get(f"{DRA}/namespaces/{team.namespace}/resourceclaims/{CLAIM}").body
    results: list[Any] = claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", [])
    return results


def claiming_pod(**spec: Any) -> dict[str, Any]:
    """A pod with the claim and no device key."""
    return pod(
        container={"resources": {"claims": [{"name": "gpu"}]}},
        resourceClaims=[{"name": "gpu", "resourceClaimName": CLAIM}],
        **spec,
    )


@pytest.fixture
def devices(gpu_node: FakeNode, tier_two: Team) -> Iterator[Any]:
    """Publishes the node's devices when called: until then no pod with a claim is placed."""
    name = fresh_name("slice")
    device_class = {"metadata": {"name": CLASS}, "spec": {"selectors": [{"cel": {"expression": "true"}}]}}
    assert tier_two.admin.create(f"{DRA}/deviceclasses", device_class).ok

    def publish() -> None:
        spec = {
            "driver": CLASS,
            "nodeName": gpu_node.name,
            "pool": {"name": gpu_node.name, "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": f"gpu-{number}"} for number in range(DEVICES)],
        }
        answer = tier_two.admin.create(f"{DRA}/resourceslices", {"metadata": {"name": name}, "spec": spec})
        assert answer.ok, answer

    yield publish
    tier_two.admin.delete(f"{DRA}/resourceslices/{name}")
    assert tier_two.admin.delete(f"{DRA}/deviceclasses/{CLASS}").ok


def held(keeper: Keeper, made: dict[str, Any]) -> Reservation:
    """What the ledger holds for the pod."""
    reservation = keeper.books.reservation(uid(made))
    assert reservation is not None
    return reservation


def wait_for_a_look(keeper: Keeper, team: Team) -> None:
    """Return when the controller has taken up, and released, a pod that was made after everything so far."""
    other = team.make(gpu_pod())
    team.wait_for(other["metadata"]["name"], "to be released", released)


def test_a_claim_for_one_device_is_held_as_a_whole_node(keeper: Keeper, tier_two: Team, gpu_node: FakeNode) -> None:
    make_claim(tier_two, ONE)
    keeper.start()
    made = tier_two.make(claiming_pod())
    assert gates_of(made) == [GATE]
    freed = tier_two.wait_for(made["metadata"]["name"], "to be released", released)
    reservation = held(keeper, made)
    assert reservation.rate_tflop_per_s == WHOLE_NODE_TFLOP_PER_S
    assert reservation.rate_tflop_per_s >= DEVICES * keeper.rate_tflop_per_s()
    assert reservation.lease_s == freed["spec"]["activeDeadlineSeconds"]
    assert reservation.pending_tflop == WHOLE_NODE_TFLOP_PER_S * (reservation.lease_s + GRACE_S)


def test_a_pod_with_a_claim_is_not_released_while_another_gate_gives_time_to_swap_it(
    keeper: Keeper, tier_two: Team, devices: Any
) -> None:
    make_claim(tier_two, ONE)
    keeper.start()
    made = tier_two.make(claiming_pod(schedulingGates=[{"name": OTHER_GATE}]))
    name = made["metadata"]["name"]
    wait_for_a_look(keeper, tier_two)
    swap_claim(tier_two)
    wait_for_a_look(keeper, tier_two)
    still = tier_two.pod(name)
    assert still is not None
    assert gated(still)
    assert keeper.books.reservation(uid(made)) is None
    lifted = [{"op": "remove", "path": "/spec/schedulingGates/0"}]
    assert tier_two.tenant.patch(tier_two.path("pods", name), lifted, "json").ok
    tier_two.wait_for(name, "to be released", released)
    devices()
    wait_until(lambda: len(allocated(tier_two)) == DEVICES, "the whole node to be allocated", deadline_s=60)
    assert held(keeper, made).rate_tflop_per_s == WHOLE_NODE_TFLOP_PER_S


def test_a_claim_remade_for_everything_after_the_release_gets_no_more_than_is_held(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode, devices: Any
) -> None:
    make_claim(tier_two, ONE)
    keeper.start()
    made = tier_two.make(claiming_pod())
    name = made["metadata"]["name"]
    tier_two.wait_for(name, "to be released", released)
    before = held(keeper, made)
    swap_claim(tier_two)
    devices()
    wait_until(lambda: len(allocated(tier_two)) == DEVICES, "the whole node to be allocated", deadline_s=60)
    gpu_node.start_pod(tier_two.namespace, name)
    wait_until(lambda: held(keeper, made).started_at, "the start to be seen", deadline_s=60)
    started = held(keeper, made)
    assert (started.rate_tflop_per_s, started.held_s) == (before.rate_tflop_per_s, before.held_s)
    assert started.amount_tflop == before.amount_tflop
    assert before.rate_tflop_per_s >= len(allocated(tier_two)) * keeper.rate_tflop_per_s()
