"""What a pod was given by its claims: the true devices where everything is known, and never less than the truth."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.cluster.allocations import PATH, Allocations, Given
from gatekeeper.cluster.api import Api
from gatekeeper.cluster.claims import claims_of
from gatekeeper.cluster.inventory import NodeState
from gatekeeper.cluster.pods import PodState
from tests.cluster.answering import Answering
from tests.cluster.test_pods import kept, recorded

H100, H200 = "NVIDIA H100 80GB HBM3", "NVIDIA H200"
NVIDIA = "gpu.nvidia.com"
GPU, MIG = f"{NVIDIA}/gpu", f"{NVIDIA}/mig-1g.10gb"
Json = dict[str, Any]
STARTED = "2026-11-22T10:00:05Z"


def pod_json(*claims: str, extended: str = "") -> Json:
    """A pod that runs, with these claims by name and one that Kubernetes made for its resource keys."""
    pod = copy.deepcopy(recorded("running"))
    pod["spec"]["resourceClaims"] = [{"name": each, "resourceClaimName": each} for each in claims]
    status = pod["status"]
    status["startTime"] = STARTED
    status["conditions"] = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-22T10:00:04Z"}]
    if extended:
        mapping = {"containerName": "main", "resourceName": "nvidia.com/gpu", "requestName": "request-0-0"}
        status["extendedResourceClaimStatus"] = {"resourceClaimName": extended, "requestMappings": [mapping]}
    return pod


def device(name: str, product: str = H100, *, kind: str = "gpu", **more: Any) -> Json:
    """A GPU as its driver publishes it."""
    attributes = {"type": {"string": kind}, "productName": {"string": product}}
    return {"name": name, "attributes": attributes, **more}


def part(name: str, profile: str = "1g.10gb", product: str = H100) -> Json:
    """A MIG device as the driver publishes it."""
    return device(name) | {
        "attributes": {
            "type": {"string": "mig"}, "profile": {"string": profile}, "productName": {"string": product},
        }
    }  # fmt: skip


class Plane:
    """Claims and slices on a server, and who reads them."""

    def __init__(self, server: Answering) -> None:
        self.server = server
        self.node = NodeState("", (), marked=True, ready=True)
        self.pod = kept(pod_json("one"))
        self.allocations = Allocations(Api(server.client()), load_catalogue())
        self.publish(device("gpu-0"), device("gpu-1"))

    def publish(self, *devices: Json, **spec: Any) -> None:
        self.slices({"devices": list(devices), **spec})

    def slices(self, *specs: Json) -> None:
        pool = {"name": "pool", "generation": 1, "resourceSliceCount": 1}
        base = {"driver": NVIDIA, "nodeName": self.pod.node, "pool": pool}
        items = [{"spec": base | each} for each in specs]
        body = {"metadata": {"resourceVersion": "1"}, "items": items}
        self.server.answer_at(f"{PATH}/resourceslices", 200, body)

    def path(self, name: str) -> str:
        return f"{PATH}/namespaces/{self.pod.workload.ref.namespace}/resourceclaims/{name}"

    def claim(self, name: str, *devices: str, created: str = "2026-11-22T10:00:00Z", **more: Any) -> Json:
        """A claim that gave these devices to the pod alone."""
        results = [{"request": "gpu", "driver": NVIDIA, "pool": "pool", "device": each, **more} for each in devices]
        reserved = [{"resource": "pods", "name": "pod", "uid": self.pod.uid}]
        status = {"allocation": {"devices": {"results": results}}, "reservedFor": reserved}
        claim = {"metadata": {"name": name, "creationTimestamp": created}, "status": status}
        self.server.answer_at(self.path(name), 200, claim)
        return claim

    def change(self, name: str, claim: Json) -> None:
        self.server.answer_at(self.path(name), 200, claim)

    def look(self, pod: PodState | None = None) -> Given | None:
        self.pod = pod or self.pod
        self.allocations.learn([self.pod], {self.pod.node: replace(self.node, name=self.pod.node)})
        assert self.allocations.has_looked(self.pod)
        return self.allocations.of(self.pod)


@pytest.fixture
def plane(answering: Answering) -> Plane:
    answering.answer(404, b'{"message": "not found"}')
    return Plane(answering)


def test_a_claim_for_one_gpu_gave_one_gpu(plane: Plane) -> None:
    plane.claim("one", "gpu-0")
    assert plane.look() == Given({GPU: 1}, {GPU: H100}, 0, exclusive=True)


def test_several_claims_add_up_and_one_that_is_named_twice_counts_once(plane: Plane) -> None:
    plane.claim("one", "gpu-0")
    plane.claim("two", "gpu-1")
    given = plane.look(kept(pod_json("one", "two", "one")))
    assert given is not None
    assert (given.devices, given.exclusive) == ({GPU: 2}, True)


def test_a_claim_made_from_a_template_goes_by_the_name_that_kubernetes_gave_it(plane: Plane) -> None:
    pod = pod_json()
    pod["spec"]["resourceClaims"] = [{"name": "gpu", "resourceClaimTemplateName": "template"}]
    pod["status"]["resourceClaimStatuses"] = [{"name": "gpu", "resourceClaimName": "pod-gpu-x7k2p"}]
    plane.claim("pod-gpu-x7k2p", "gpu-0")
    given = plane.look(kept(pod))
    assert given is not None
    assert given.devices == {GPU: 1}


def test_channels_between_gpus_compute_nothing(plane: Plane) -> None:
    plane.claim("one", "gpu-0")
    plane.claim("domain", "channel-0", driver="compute-domain.nvidia.com")
    given = plane.look(kept(pod_json("one", "domain")))
    assert given == Given({GPU: 1}, {GPU: H100}, 0, exclusive=True)
    assert given.beside({"nvidia.com/gpu": 4}, []) == {GPU: 1, "nvidia.com/gpu": 4}


def test_a_mig_device_is_the_part_that_its_profile_names(plane: Plane) -> None:
    plane.publish(part("mig-0"), part("mig-1", "not a profile"))
    plane.claim("one", "mig-0", "mig-1")
    given = plane.look()
    assert given is not None
    assert given.devices == {MIG: 1, f"{NVIDIA}/mig": 1}
    catalogue = load_catalogue()
    names = {catalogue.find_or_largest(given.products[key], key).name for key in given.devices}
    assert names == {"H100-SXM5 MIG 1g.10gb", "H100-SXM5"}


def test_gpus_of_two_makes_all_count_as_the_faster(plane: Plane) -> None:
    plane.publish(device("gpu-0", "NVIDIA A100-SXM4-80GB"), device("gpu-1", H100))
    plane.claim("one", "gpu-0", "gpu-1")
    given = plane.look()
    assert given is not None
    assert (given.devices, given.products) == ({GPU: 2}, {GPU: H100})


def test_the_provider_s_word_on_a_node_can_only_make_its_devices_dearer(plane: Plane) -> None:
    plane.claim("one", "gpu-0")
    plane.node = replace(plane.node, provider_says="B200")
    given = plane.look()
    assert given is not None
    assert given.products == {GPU: "B200"}


def test_the_claim_that_kubernetes_made_for_a_resource_key_stands_for_the_key(plane: Plane) -> None:
    plane.claim("pod-extended-resources-abc", "gpu-0", "gpu-1")
    given = plane.look(kept(pod_json(extended="pod-extended-resources-abc")))
    assert given is not None
    assert plane.pod.claims is not None
    keys = plane.pod.claims.keys
    assert given.beside({"nvidia.com/gpu": 2}, keys) == {GPU: 2}
    assert given.beside({"nvidia.com/gpu": 2, "amd.com/gpu": 1}, keys) == {GPU: 2, "amd.com/gpu": 1}
    assert given.beside({"nvidia.com/gpu": 3}, keys) is None


def test_a_pod_without_claims_is_not_asked_about(plane: Plane) -> None:
    assert claims_of({}, {}) is None
    pod = kept(recorded("running"))
    plane.allocations.learn([pod], {})
    assert plane.allocations.has_looked(pod)
    assert plane.server.asked == []


Change = Callable[[Plane, Json], object]


def _set(path: str, value: object) -> Change:
    """A change of one field of the claim."""
    *parents, last = path.split(".")

    def change(plane: Plane, claim: Json) -> None:
        where = claim
        for each in parents:
            where = where[int(each)] if isinstance(where, list) else where[each]
        where[last] = value
        plane.change("one", claim)

    return change


FIRST = "status.allocation.devices.results.0"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_set("status", {}), id="not allocated"),
        pytest.param(_set("status.reservedFor", []), id="reserved for nobody"),
        pytest.param(_set("status.reservedFor", [{"resource": "pods", "uid": "another"}]), id="reserved for another"),
        pytest.param(_set("status.reservedFor.0.resource", "podgroups"), id="reserved for a group"),
        pytest.param(_set("metadata.creationTimestamp", "2026-11-22T10:00:05Z"), id="made after the pod was bound"),
        pytest.param(_set("metadata.creationTimestamp", None), id="nobody knows when it was made"),
        pytest.param(_set(f"{FIRST}.driver", "gpu.example.com"), id="a driver that nobody knows"),
        pytest.param(_set(f"{FIRST}.adminAccess", value=True), id="access for administrators"),
        pytest.param(_set(f"{FIRST}.pool", None), id="another pool"),
        pytest.param(_set(f"{FIRST}.device", "gpu-9"), id="a device that nobody publishes"),
        pytest.param(_set("status.allocation.devices.results", "odd"), id="not a list"),
        pytest.param(lambda plane, _: plane.publish(device("gpu-0", "")), id="a device without a product"),
        pytest.param(lambda plane, _: plane.publish(device("gpu-0", consumesCounters=[{}])), id="partitionable"),
        pytest.param(lambda plane, _: plane.publish(device("gpu-0"), device("gpu-0", H200)), id="published twice"),
        pytest.param(lambda plane, _: plane.publish(device("gpu-0"), nodeName="another"), id="of another node"),
        pytest.param(lambda plane, _: plane.publish(device("gpu-0"), driver="gpu.example.com"), id="of another driver"),
        pytest.param(lambda plane, _: plane.publish(device("gpu-0", kind="vfio")), id="a device of another type"),
    ],
)
def test_what_is_not_wholly_known_is_not_known_at_all(plane: Plane, change: Change) -> None:
    change(plane, plane.claim("one", "gpu-0"))
    assert plane.look() is None


def test_one_claim_of_two_that_cannot_be_known_makes_both_unknown(plane: Plane) -> None:
    plane.claim("one", "gpu-0")
    assert plane.look(kept(pod_json("one", "two"))) is None


def test_a_claim_without_a_name_yet_makes_all_unknown(plane: Plane) -> None:
    pod = pod_json("one")
    pod["spec"]["resourceClaims"].append({"name": "gpu", "resourceClaimTemplateName": "template"})
    plane.claim("one", "gpu-0")
    assert plane.look(kept(pod)) is None


def test_a_pod_of_which_nobody_knows_when_it_was_bound_is_not_known(plane: Plane) -> None:
    pod = pod_json("one")
    pod["status"]["conditions"] = []
    plane.claim("one", "gpu-0")
    assert plane.look(kept(pod)) is None


def test_only_the_newest_generation_of_a_pool_speaks(plane: Plane) -> None:
    plane.claim("one", "gpu-0")
    old, new = ({"pool": {"name": "pool", "generation": each}} for each in (1, 2))
    plane.slices({**old, "devices": [device("gpu-0")]}, {**new, "devices": [device("gpu-0", H200)]})
    given = plane.look()
    assert given is not None
    assert given.products == {GPU: H200}


@pytest.mark.parametrize(
    "change",
    [
        _set("status.reservedFor", [{"resource": "pods", "uid": "other"}]),
        _set(f"{FIRST}.shareID", "a671734a-e8e5-11e4-8fde-42010af09327"),
        _set(f"{FIRST}.consumedCapacity", {"memory": "10Gi"}),
        lambda plane, _: plane.publish(device("gpu-0", allowMultipleAllocations=True)),
    ],
)
def test_a_device_that_others_have_too_counts_whole_and_its_counters_say_nothing(plane: Plane, change: Change) -> None:
    claim = plane.claim("one", "gpu-0")
    change(plane, claim)
    ours = {"resource": "pods", "uid": plane.pod.uid}
    if claim["status"]["reservedFor"][0]["uid"] != plane.pod.uid:
        claim["status"]["reservedFor"].append(ours)
        plane.change("one", claim)
    assert plane.look() == Given({GPU: 1}, {GPU: H100}, 0, exclusive=False)


def test_what_was_once_said_stands_whatever_becomes_of_the_claim(plane: Plane) -> None:
    plane.claim("one", "gpu-0", "gpu-1")
    before = plane.look()
    plane.claim("one", "gpu-0")
    assert plane.look() == before
    plane.allocations.keep([])
    given = plane.look()
    assert given is not None
    assert given.devices == {GPU: 1}


def test_a_claim_that_was_wrong_when_it_was_read_stays_unknown(plane: Plane) -> None:
    assert plane.look() is None
    plane.claim("one", "gpu-0")
    assert plane.look() is None
    assert len(plane.server.asked) == 1


@pytest.mark.parametrize("status", [403, 500, 503])
def test_who_is_not_answered_asks_again_when_it_is_needed(plane: Plane, status: int) -> None:
    plane.server.answer_at(plane.path("one"), status, {"message": "not now"})
    assert plane.look() is None
    plane.claim("one", "gpu-0")
    assert plane.look() is not None


def test_devices_that_a_driver_has_not_published_yet_are_looked_for_again(plane: Plane) -> None:
    plane.claim("one", "gpu-0")
    plane.publish()
    assert plane.look() is None
    plane.publish(device("gpu-0"))
    assert plane.look() is not None
    assert len([each for each in plane.server.asked if "resourceclaims" in each]) == 1


def test_many_pods_of_a_node_cost_one_list_of_its_slices_and_silence_costs_one_call(plane: Plane) -> None:
    plane.claim("one", "gpu-0")
    pods = [plane.pod]
    for number in range(1, 4):
        ref = replace(plane.pod.workload.ref, uid=f"uid-{number}")
        pods.append(replace(plane.pod, workload=replace(plane.pod.workload, ref=ref)))
    node = {plane.pod.node: replace(plane.node, name=plane.pod.node)}
    claim = plane.claim("one", "gpu-0")
    claim["status"]["reservedFor"] = [{"resource": "pods", "uid": each.uid} for each in pods]
    plane.change("one", claim)
    plane.allocations.learn(pods, node)
    slices = [each for each in plane.server.asked if "resourceslices" in each]
    assert len(slices) == 1
    assert f"fieldSelector=spec.nodeName%3D{plane.pod.node}" in slices[0]
    plane.allocations.keep([])
    plane.server.asked.clear()
    plane.server.answer_at(plane.path("one"), 503, {})
    plane.allocations.learn(pods, node)
    assert len(plane.server.asked) == 1
    assert all(plane.allocations.has_looked(each) for each in pods)
