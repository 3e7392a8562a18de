"""A tenant against the controller: one odd object must neither stop it for others, nor make it act on theirs."""

import threading
from functools import partial

import pytest
import structlog

from gatekeeper.cluster.api import Api
from gatekeeper.cluster.informer import Informer
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import Keeper
from tests.controlplane.pods import Pod, gpu_pod, host_pod, pod
from tests.controlplane.work import Team, gpu_job, released, uid


def owned(api_version: str, *, kind: str = "Job", name: str = "mine", owner_uid: str = "no-such-uid") -> Pod:
    """A GPU pod that claims an owner; Kubernetes checks of the fields only that they are not empty."""
    wanted = gpu_pod()
    owner = {"apiVersion": api_version, "kind": kind, "name": name, "uid": owner_uid, "controller": True}
    wanted["metadata"]["ownerReferences"] = [owner]
    return wanted


@pytest.mark.parametrize("api_version", ["batch/v1?x=", "batch/v1#", "batch/v1 \n", "batch/v1%2f..%2f..", "batch/.."])
def test_an_owner_that_is_no_address_keeps_nobody_elses_work_waiting(
    keeper: Keeper, tier_two: Team, api_version: str
) -> None:
    tier_two.make(owned(api_version))
    other = Team.new(tier_two.plane)
    keeper.books.enrol(other.namespace, "IN")
    keeper.books.bind(other.namespace, other.namespace)
    plain = other.make(gpu_pod())
    keeper.start()
    other.wait_for(plain["metadata"]["name"], "to be released", released)


def test_a_claimed_owner_never_leads_to_a_job_of_another_namespace(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    """The version of an owner is text of the tenant's: as part of a path it could name anybody's Job."""
    keeper.start()
    victim = Team.new(tier_two.plane)
    job = victim.make(gpu_job(1, name="precious"))
    path = f"batch/v1%2fnamespaces%2f{victim.namespace}%2fjobs%2fprecious?x="
    bait = tier_two.make(owned(path, name="precious", owner_uid=uid(job)))
    tier_two.wait_for(bait["metadata"]["name"], "to be released", released)
    gpu_node.start_pod(tier_two.namespace, bait["metadata"]["name"])
    keeper.books.registry.suspend(tier_two.namespace, by="ana", reason="this test")
    tier_two.wait_for(bait["metadata"]["name"], "to be stopped", lambda each: "deletionTimestamp" in each["metadata"])
    assert not victim.admin.get(victim.path("jobs", "precious")).body["spec"].get("suspend")


def test_the_largest_pod_there_can_be_breaks_no_watch(keeper: Keeper, team: Team) -> None:
    """JSON writes "<" in six bytes: the pod is 1.5 MB in etcd and 9 MB on the wire. A watch that breaks at each of its
    updates loses the ends of everybody's pods."""
    informer: Informer[str] = Informer(
        keeper.api, team.path(), lambda each: str(each["metadata"].get("labels")), threading.Event().set
    )
    with structlog.testing.capture_logs() as logged:
        informer.start()
        wait_until(lambda: informer.synced, "the first list")
        made = team.make(pod(container={"env": [{"name": "X", "value": "<" * 1_480_000}]}))
        path = team.path("pods", made["metadata"]["name"])
        for turn in ("first", "second"):
            assert team.tenant.patch(path, {"metadata": {"labels": {"turn": turn}}}).ok
            wait_until(partial(_is_seen, informer, turn), f"the {turn} update")
        informer.stop()
    assert [each["event"] for each in logged] == []


def _is_seen(informer: Informer[str], turn: str) -> bool:
    return any(turn in labels for labels in informer.held().values())


def test_a_list_of_large_objects_is_read_in_small_pages(
    keeper: Keeper, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {uid(team.make(pod(container={"env": [{"name": "X", "value": "x" * 100_000}]}))) for _ in range(6)}
    monkeypatch.setattr("gatekeeper.cluster.api.PAGE_BYTES_MAX", 250_000)
    pages = [page for page, _ in Api(keeper.api._client).pages(team.path())]
    assert {uid(each) for page in pages for each in page} == made
    assert max(map(len, pages)) <= 2
    monkeypatch.setattr("gatekeeper.cluster.api.PAGE_BYTES_MAX", 50_000)  # smaller than any one of them
    assert {uid(each) for page, _ in keeper.api.pages(team.path()) for each in page} == made


# Beside accelerators without having asked for any


def start_on(team: Team, node: FakeNode, wanted: Pod) -> str:
    """The name of a pod that runs on this node."""
    wanted["spec"]["nodeSelector"] = {"kubernetes.io/hostname": node.name}
    name = str(team.make(wanted)["metadata"]["name"])
    team.wait_for(name, "to be released", released)
    node.start_pod(team.namespace, name)
    return name


def stopped(each: Pod) -> bool:
    return "deletionTimestamp" in each["metadata"]


def test_a_pod_that_was_let_beside_accelerators_under_a_clearance_is_stopped_when_it_ends(
    keeper: Keeper, team: Team, gpu_node: FakeNode
) -> None:
    keeper.books.enrol(team.namespace, "US")
    keeper.books.bind(team.namespace, team.namespace)
    keeper.start()
    path = f"/api/v1/namespaces/{team.namespace}"
    label = "compute-gatekeeper.io/cleared"
    wait_until(lambda: label in team.admin.get(path).body["metadata"].get("labels", {}), "the clearance")
    name = wait_until(lambda: _ungated(team, gpu_node), "a pod that the API server does not gate any more")
    gpu_node.start_pod(team.namespace, name)
    keeper.books.registry.suspend(team.namespace, by="ana", reason="this test")
    team.wait_for(name, "to be stopped", stopped)
    assert "beside" in str(keeper.books.records("workload.stopped", namespace=team.namespace))


def _ungated(team: Team, node: FakeNode) -> str | None:
    """The name of a new pod with the host's files, bound to the node; None where it was gated after all."""
    wanted = host_pod(nodeSelector={"kubernetes.io/hostname": node.name})
    made = team.make(wanted)
    return None if made["spec"].get("schedulingGates") else str(made["metadata"]["name"])


def test_a_pod_that_was_sent_away_is_stopped_where_its_node_gets_accelerators_later(
    keeper: Keeper, tier_two: Team
) -> None:
    """A node joins before its device plugin is ready: until then it has no mark, and a pod can wait for it there."""
    nobodys = Team.new(tier_two.plane)
    keeper.start()
    with FakeNode(tier_two.plane, name=f"late-{tier_two.namespace}", gpus=0) as node:
        lurking = start_on(tier_two, node, host_pod())
        agent = start_on(nobodys, node, host_pod())
        plain = start_on(tier_two, node, pod())
        capacity = {"status": {"capacity": {"nvidia.com/gpu": "8"}, "allocatable": {"nvidia.com/gpu": "8"}}}
        assert tier_two.admin.patch(f"/api/v1/nodes/{node.name}/status", capacity).ok
        tier_two.wait_for(lurking, "to be stopped", stopped)
        for team, name in ((nobodys, agent), (tier_two, plain)):
            left_alone = team.pod(name)
            assert left_alone is not None
            assert not stopped(left_alone)
