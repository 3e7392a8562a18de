"""What a pod with DRA claims used is booked by what its claims gave it; what is held stays the worst case.

No driver is needed: the scheduler allocates claims from the slices that a test publishes as gpu.nvidia.com would.
"""

from collections.abc import Iterator
from datetime import datetime

import pytest

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.ledger import Reservation, ReservationState
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import Keeper
from tests.controlplane.pods import Pod, fresh_name, pod
from tests.controlplane.test_claim_swap import DRA, WHOLE_NODE_TFLOP_PER_S
from tests.controlplane.work import Team, released, uid

DRIVER = "gpu.nvidia.com"
PRODUCT = "NVIDIA H100 80GB HBM3"
H100_TFLOP_PER_S = load_catalogue().find_or_largest(PRODUCT).worst_tflop_per_s
DEVICES = 8
CLAIM = "gpus"
EXTENDED = "gpus.example.com/h100"
DEADLINE_S = 60


@pytest.fixture
def gpus(gpu_node: FakeNode, tier_two: Team) -> Iterator[str]:
    """Eight H100s on the node, for claims of the class."""
    name = fresh_name("h100")
    selector = {"cel": {"expression": f'device.driver == "{DRIVER}"'}}
    spec = {"selectors": [selector], "extendedResourceName": EXTENDED}
    device_class = {"metadata": {"name": name}, "spec": spec}
    assert tier_two.admin.create(f"{DRA}/deviceclasses", device_class).ok
    attributes = {"type": {"string": "gpu"}, "productName": {"string": PRODUCT}}
    slice_spec = {
        "driver": DRIVER,
        "nodeName": gpu_node.name,
        "pool": {"name": gpu_node.name, "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": f"gpu-{number}", "attributes": attributes} for number in range(DEVICES)],
    }
    answer = tier_two.admin.create(f"{DRA}/resourceslices", {"metadata": {"name": name}, "spec": slice_spec})
    assert answer.ok, answer
    yield name
    tier_two.admin.delete(f"{DRA}/resourceslices/{name}")
    assert tier_two.admin.delete(f"{DRA}/deviceclasses/{name}").ok


def claims(team: Team) -> str:
    return f"{DRA}/namespaces/{team.namespace}/resourceclaims"


def make_claim(team: Team, device_class: str, count: int, *, name: str = CLAIM) -> None:
    request = {"name": "gpu", "exactly": {"deviceClassName": device_class, "count": count}}
    answer = team.tenant.create(
        claims(team), {"metadata": {"name": name}, "spec": {"devices": {"requests": [request]}}}
    )
    assert answer.ok, answer


def take_away(team: Team) -> None:
    """The tenant deletes a claim that is in use: it takes the finalizer off, which nobody forbids."""
    answer = team.tenant.delete(f"{claims(team)}/{CLAIM}")
    assert answer.ok, answer
    answer = team.tenant.patch(f"{claims(team)}/{CLAIM}", {"metadata": {"finalizers": None}}, "merge")
    assert answer.ok, answer
    assert not team.admin.get(f"{claims(team)}/{CLAIM}").ok


def start(team: Team, node: FakeNode, **source: str) -> tuple[str, str]:
    """A pod with one claim, released and running: its name and uid."""
    claim = {"name": "gpu", **(source or {"resourceClaimName": CLAIM})}
    container = {"resources": {"claims": [{"name": "gpu"}]}}
    return start_pod(team, node, pod(container=container, resourceClaims=[claim]))


def start_pod(team: Team, node: FakeNode, manifest: Pod) -> tuple[str, str]:
    """The pod, released and running: its name and uid."""
    made = team.make(manifest)
    name = made["metadata"]["name"]
    team.wait_for(name, "to be released", released)
    node.start_pod(team.namespace, name)
    return name, uid(made)


def held(keeper: Keeper, pod_uid: str) -> Reservation:
    reservation = keeper.books.reservation(pod_uid)
    assert reservation is not None
    return reservation


def settled(keeper: Keeper, pod_uid: str) -> Reservation:
    """The reservation once it has ended."""
    state = ReservationState.SETTLED
    wait_until(lambda: held(keeper, pod_uid).state is state, "it to be settled", deadline_s=DEADLINE_S)
    return held(keeper, pod_uid)


def booked_s(reservation: Reservation) -> int:
    """Up to how many seconds after the pod's start usage is booked."""
    assert isinstance(reservation.metered_until, datetime)
    assert reservation.started_at is not None
    return int((reservation.metered_until - reservation.started_at).total_seconds())


def wait_until_metered(keeper: Keeper, *uids: str) -> None:
    """Return when the controller has booked, and so looked at, each of these."""
    wait_until(
        lambda: all(held(keeper, each).settled.high_tflop for each in uids), "usage to be booked", deadline_s=DEADLINE_S
    )


def test_one_h100_by_a_claim_is_held_as_the_worst_and_booked_as_one_h100(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode, gpus: str
) -> None:
    make_claim(tier_two, gpus, 1)
    keeper.start()
    name, pod_uid = start(tier_two, gpu_node)
    assert held(keeper, pod_uid).rate_tflop_per_s == WHOLE_NODE_TFLOP_PER_S
    wait_until_metered(keeper, pod_uid)
    gpu_node.finish_pod(tier_two.namespace, name)
    reservation = settled(keeper, pod_uid)
    assert reservation.settled.high_tflop == H100_TFLOP_PER_S * booked_s(reservation)
    pieces = [each for each in keeper.books.records("reservation.settled") if each["reservation"] == pod_uid]
    assert {each["device"] for each in pieces} == {"H100-SXM5"}


def test_a_claim_made_from_a_template_is_booked_as_what_it_gave(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode, gpus: str
) -> None:
    request = {"name": "gpu", "exactly": {"deviceClassName": gpus, "count": 2}}
    template = {"metadata": {"name": "two"}, "spec": {"spec": {"devices": {"requests": [request]}}}}
    templates = f"{DRA}/namespaces/{tier_two.namespace}/resourceclaimtemplates"
    assert tier_two.tenant.create(templates, template).ok
    keeper.start()
    name, pod_uid = start(tier_two, gpu_node, resourceClaimTemplateName="two")
    wait_until_metered(keeper, pod_uid)
    gpu_node.finish_pod(tier_two.namespace, name)
    reservation = settled(keeper, pod_uid)
    assert reservation.settled.high_tflop == 2 * H100_TFLOP_PER_S * booked_s(reservation)


def test_a_resource_key_that_a_driver_serves_is_booked_as_what_it_gave(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode, gpus: str
) -> None:
    keeper.start()
    name, pod_uid = start_pod(tier_two, gpu_node, pod(container={"resources": {"limits": {EXTENDED: "2"}}}))
    assert held(keeper, pod_uid).devices == {EXTENDED: 2}
    assert held(keeper, pod_uid).rate_tflop_per_s > 2 * H100_TFLOP_PER_S
    wait_until_metered(keeper, pod_uid)
    gpu_node.finish_pod(tier_two.namespace, name)
    reservation = settled(keeper, pod_uid)
    assert reservation.settled.high_tflop == 2 * H100_TFLOP_PER_S * booked_s(reservation)


def test_a_claim_that_is_made_anew_under_a_running_pod_lowers_nothing(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode, gpus: str
) -> None:
    make_claim(tier_two, gpus, 4)
    keeper.start()
    name, pod_uid = start(tier_two, gpu_node)
    wait_until_metered(keeper, pod_uid)
    take_away(tier_two)
    make_claim(tier_two, gpus, 1)
    gpu_node.finish_pod(tier_two.namespace, name)
    reservation = settled(keeper, pod_uid)
    assert reservation.settled.high_tflop == 4 * H100_TFLOP_PER_S * booked_s(reservation)


def test_a_smaller_claim_that_kubernetes_reserves_for_the_old_pod_too_is_not_believed_after_a_restart(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode, gpus: str
) -> None:
    make_claim(tier_two, gpus, 4)
    keeper.start()
    name, pod_uid = start(tier_two, gpu_node)
    wait_until_metered(keeper, pod_uid)
    known = held(keeper, pod_uid)
    keeper.stop()
    take_away(tier_two)
    make_claim(tier_two, gpus, 1)
    keeper.start()
    start(tier_two, gpu_node)

    def reserved_for_the_old_pod() -> bool:
        status = tier_two.admin.get(f"{claims(tier_two)}/{CLAIM}").body.get("status", {})
        return pod_uid in [each["uid"] for each in status.get("reservedFor", [])]

    wait_until(reserved_for_the_old_pod, "Kubernetes to reserve the new claim for both", deadline_s=DEADLINE_S)
    keeper.stop()
    keeper.start()
    gpu_node.finish_pod(tier_two.namespace, name)
    reservation = settled(keeper, pod_uid)
    seconds = booked_s(reservation) - booked_s(known)
    assert seconds > 0
    later = reservation.settled.high_tflop - known.settled.high_tflop
    assert later == WHOLE_NODE_TFLOP_PER_S * seconds


def test_two_pods_on_one_claim_are_each_booked_for_all_of_it(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode, gpus: str
) -> None:
    make_claim(tier_two, gpus, 2)
    keeper.start()
    started = [start(tier_two, gpu_node) for _ in range(2)]
    wait_until_metered(keeper, *(pod_uid for _, pod_uid in started))
    for name, pod_uid in started:
        gpu_node.finish_pod(tier_two.namespace, name)
        reservation = settled(keeper, pod_uid)
        assert reservation.settled.high_tflop == 2 * H100_TFLOP_PER_S * booked_s(reservation)
