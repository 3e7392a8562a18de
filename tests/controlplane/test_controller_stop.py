"""Clearance, suspension and re-tiering: who never waits, who is stopped, and how it is lifted again."""

from datetime import UTC, datetime
from typing import Any

from tests.controlplane.calls import Caller
from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import Keeper
from tests.controlplane.pods import gpu_pod
from tests.controlplane.work import DEADLINE_S, Team, gated, gpu_job, released, running, uid

QUOTA = "compute-gatekeeper-stop"
LABEL = "compute-gatekeeper.io/cleared"
UNTIL = "compute-gatekeeper.io/cleared-until"


def clear(keeper: Keeper, team: Team) -> None:
    """Make the team's customer a Tier 1 one; returns when its namespace is cleared."""
    keeper.books.enrol(team.namespace, "US")
    keeper.books.bind(team.namespace, team.namespace)
    keeper.start()
    wait_until(lambda: cleared(team), "the clearance to be given", deadline_s=DEADLINE_S)


def namespace(team: Team) -> Any:
    return team.admin.get(f"/api/v1/namespaces/{team.namespace}").body["metadata"]


def cleared(team: Team) -> bool:
    return bool(namespace(team).get("labels", {}).get(LABEL) == "true")


def quota(team: Team) -> dict[str, str] | None:
    """What the stop quota refuses; None where there is none."""
    answer = team.admin.get(team.path("resourcequotas", QUOTA))
    return dict(answer.body["spec"]["hard"]) if answer.ok else None


def start_job(team: Team, node: FakeNode, pods: int) -> tuple[str, list[str]]:
    """A Job of the tenant whose pods run: its name and theirs."""
    job = team.make(gpu_job(pods))["metadata"]["name"]
    names = list(team.wait_for_pods(pods, "released", released))
    for name in names:
        node.start_pod(team.namespace, name)
    return job, names


def is_suspended(team: Team, job: str) -> bool:
    return bool(team.admin.get(team.path("jobs", job)).body["spec"].get("suspend"))


def wait_until_stopped(team: Team, node: FakeNode, job: str, names: list[str]) -> None:
    """Return when the Job is suspended and each pod is deleted, as its node confirms."""
    wait_until(lambda: is_suspended(team, job), "the Job to be suspended", deadline_s=DEADLINE_S)
    for name in names:
        team.wait_for(name, "to be deleted", lambda pod: "deletionTimestamp" in pod["metadata"])
        node.remove_pod(team.namespace, name)


# Clearance


def test_the_pods_of_a_tier_1_customer_never_wait(keeper: Keeper, team: Team, gpu_node: FakeNode) -> None:
    clear(keeper, team)
    job, _ = start_job(team, gpu_node, 2)
    keeper.stop()  # No part of us is in the way of a cleared namespace.
    later = team.make(gpu_pod())
    assert not gated(later)
    gpu_node.start_pod(team.namespace, later["metadata"]["name"])
    assert all("schedulingGates" not in pod["spec"] for pod in team.pods().values())
    assert not is_suspended(team, job)
    given = keeper.books.records("clearance.given", namespace=team.namespace)
    assert len(given) == 1
    until = datetime.fromisoformat(namespace(team)["annotations"][UNTIL].replace("Z", "+00:00"))
    assert 0 < (until - datetime.now(UTC)).total_seconds() <= keeper.times.clearance_s
    assert keeper.books.open_reservations(team.namespace) == []


def test_a_pod_that_was_gated_before_the_clearance_starts_without_a_lease(keeper: Keeper, team: Team) -> None:
    early = team.make(gpu_pod())
    assert gated(early)
    clear(keeper, team)
    freed = team.wait_for(early["metadata"]["name"], "to be released", released)
    assert "activeDeadlineSeconds" not in freed["spec"]
    assert keeper.books.reservation(uid(early)) is None


def test_when_a_customer_is_re_tiered_its_running_pods_stop_and_later_ones_get_a_lease(
    keeper: Keeper, team: Team, gpu_node: FakeNode
) -> None:
    clear(keeper, team)
    job, names = start_job(team, gpu_node, 2)
    keeper.books.apply(team.namespace, "IN")  # stricter: one person is enough
    wait_until_stopped(team, gpu_node, job, names)
    assert not cleared(team)
    assert UNTIL not in namespace(team).get("annotations", {})
    later = team.make(gpu_pod())
    freed = team.wait_for(later["metadata"]["name"], "to be released", released)
    assert "activeDeadlineSeconds" in freed["spec"]
    assert keeper.books.reservation(uid(later)) is not None
    assert quota(team) is None  # It has a budget, so it may go on.
    stopped = keeper.books.records("workload.stopped", namespace=team.namespace)
    assert {each["workload"]["name"] for each in stopped} == set(names)
    assert len(keeper.books.records("clearance.withdrawn", namespace=team.namespace)) == 1


# Suspension


def test_a_suspended_customer_is_stopped_whole_and_goes_on_after_re_approval(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    keeper.start()
    job, names = start_job(tier_two, gpu_node, 2)
    keeper.books.registry.suspend(tier_two.namespace, by="ana", reason="documents expired")
    wait_until_stopped(tier_two, gpu_node, job, names)
    refused = wait_until(lambda: quota(tier_two), "the stop quota")
    assert refused == {"requests.nvidia.com/gpu": "0"}
    answer = tier_two.tenant.create(tier_two.path(), gpu_pod())
    assert answer.status == 403
    assert QUOTA in answer.message
    stopped = keeper.books.records("workload.stopped", namespace=tier_two.namespace)
    assert sorted(each["workload"]["name"] for each in stopped) == sorted(names)
    assert "documents expired" in stopped[0]["decision"]["sentence"]
    wait_until(lambda: not keeper.books.open_reservations(tier_two.namespace), "what ran to be settled")
    keeper.books.registry.reinstate(tier_two.namespace, by="ana", reason="documents came")
    keeper.books.registry.approve(tier_two.namespace, by="ben")
    wait_until(lambda: quota(tier_two) is None, "the quota to be lifted", deadline_s=DEADLINE_S)
    assert tier_two.tenant.patch(tier_two.path("jobs", job), {"spec": {"suspend": False}}).ok
    again = tier_two.wait_for_pods(2, "released", lambda pod: released(pod) and pod["metadata"]["name"] not in names)
    for name in again:
        gpu_node.start_pod(tier_two.namespace, name)
    tier_two.wait_for_pods(2, "running", running)


def test_a_customer_whose_tier_can_no_longer_be_told_is_stopped(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    keeper.start()
    job, names = start_job(tier_two, gpu_node, 1)
    keeper.books.apply(tier_two.namespace, "")
    wait_until_stopped(tier_two, gpu_node, job, names)
    wait_until(lambda: quota(tier_two), "the stop quota")
    (stopped,) = keeper.books.records("workload.stopped", namespace=tier_two.namespace)
    assert stopped["decision"]["tier"] == "unresolved"


def test_the_stop_quota_is_lifted_by_a_controller_that_did_not_set_it(keeper: Keeper, tier_two: Team) -> None:
    keeper.start()
    keeper.books.registry.suspend(tier_two.namespace, by="ana", reason="documents expired")
    wait_until(lambda: quota(tier_two), "the stop quota")
    keeper.stop()
    keeper.books.registry.reinstate(tier_two.namespace, by="ana", reason="documents came")
    keeper.books.registry.approve(tier_two.namespace, by="ben")
    keeper.start()
    wait_until(lambda: quota(tier_two) is None, "the quota to be lifted", deadline_s=DEADLINE_S)


def test_a_pod_that_ran_before_the_installation_holds_no_lease_and_is_stopped(
    keeper: Keeper, team: Team, gpu_node: FakeNode
) -> None:
    clear(keeper, team)
    made = team.make(gpu_pod())
    gpu_node.start_pod(team.namespace, made["metadata"]["name"])
    keeper.stop()
    keeper.books.apply(team.namespace, "IN")
    keeper.start()
    team.wait_for(made["metadata"]["name"], "to be deleted", lambda pod: "deletionTimestamp" in pod["metadata"])
    (stopped,) = keeper.books.records("workload.stopped", namespace=team.namespace)
    assert "without a reservation" in stopped["decision"]["sentence"]
    gpu_node.remove_pod(team.namespace, made["metadata"]["name"])


# Static pods


def test_a_static_pod_is_stopped_and_recorded_once_however_often_its_node_makes_it_again(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    node = Caller(gpu_node.plane, f"system:node:{gpu_node.name}")
    mirror = mirror_pod(gpu_node.name, uid(node.get(f"/api/v1/nodes/{gpu_node.name}").body))
    keeper.start()
    first = node.create(tier_two.path(), mirror)
    assert first.ok, first
    name = first.body["metadata"]["name"]
    tier_two.wait_for(name, "to be deleted", lambda pod: "deletionTimestamp" in pod["metadata"])
    gpu_node.remove_pod(tier_two.namespace, name)
    again = node.create(tier_two.path(), mirror)
    assert again.ok, again
    probe = tier_two.make(gpu_pod())
    tier_two.wait_for(probe["metadata"]["name"], "to be released", released)
    seen = tier_two.pod(name)
    assert seen is not None
    assert "deletionTimestamp" not in seen["metadata"]
    assert len(keeper.books.records("workload.stopped", namespace=tier_two.namespace)) == 1


def mirror_pod(node: str, node_uid: str) -> dict[str, Any]:
    """The object by which a node reports a static pod with a GPU."""
    made = gpu_pod(nodeName=node)
    owner = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": node_uid, "controller": True}
    made["metadata"] |= {"annotations": {"kubernetes.io/config.mirror": "0123"}, "ownerReferences": [owner]}
    return made
