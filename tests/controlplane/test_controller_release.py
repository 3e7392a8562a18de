"""What the controller releases, when, and how: gangs, other gates, pods that only could reach a device, odd pods."""

from typing import Any

from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.keeper import GRACE_S, Keeper, with_limit
from tests.controlplane.pods import AWAY, GATE, affinity, gates_of, gpu_pod, host_pod, pod
from tests.controlplane.work import Team, gated, gpu_job, released, running, uid

ZONE = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}
DISK = {"key": "disk", "operator": "Exists"}


def required_terms(of: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The expressions of each alternative of a pod's required node affinity."""
    selector = of["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return [term.get("matchExpressions", []) for term in selector["nodeSelectorTerms"]]


# Gangs


def test_a_gang_that_the_budget_does_not_cover_whole_stays_whole_at_its_gate(
    keeper: Keeper, tier_two: Team, gpu_node: FakeNode
) -> None:
    keeper.start()
    rate = wait_until(keeper.rate_tflop_per_s, "the node's rate")
    shortest_s = keeper.packs[0].pack.lease.shortest_s + GRACE_S
    keeper.stop()
    keeper.packs = with_limit(rate * shortest_s * 7 // 2)
    tier_two.make(gpu_job(4, name="four"))
    tier_two.wait_for_pods(4, "at their gate", gated)
    keeper.start()
    told = wait_until(lambda: tier_two.events("Held"), "the tenant to be told")
    assert "shortest lease" in told[0]
    assert not keeper.books.open_reservations(tier_two.namespace)
    assert all(gated(each) for each in tier_two.pods().values())
    tier_two.make(gpu_job(3, name="three"))
    freed = tier_two.wait_for_pods(3, "released", released)
    assert all(name.startswith("three-") for name in freed)
    assert len(keeper.books.open_reservations(tier_two.namespace)) == 3


def test_pods_of_a_job_wait_for_each_other(keeper: Keeper, tier_two: Team) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "3"}}}
    assert tier_two.admin.create(tier_two.path("resourcequotas"), quota).ok
    keeper.start()
    tier_two.make(gpu_job(4))
    tier_two.wait_for_pods(3, "at their gate", gated)
    told = wait_until(lambda: tier_two.events("Waiting"), "the tenant to be told")
    assert "more pods of Job" in told[0]
    assert len(tier_two.pods()) == 3
    assert all(gated(each) for each in tier_two.pods().values())
    assert tier_two.admin.patch(tier_two.path("resourcequotas", "few"), {"spec": {"hard": {"pods": "9"}}}).ok
    tier_two.wait_for_pods(4, "released", released)


def test_a_pod_without_an_owner_starts_alone_and_keeps_its_own_shorter_deadline(keeper: Keeper, tier_two: Team) -> None:
    keeper.start()
    made = tier_two.make(gpu_pod(activeDeadlineSeconds=90))
    freed = tier_two.wait_for(made["metadata"]["name"], "to be released", released)
    assert freed["spec"]["activeDeadlineSeconds"] == 90


# Other gates


def test_our_gate_is_lifted_only_when_it_is_the_last_one(keeper: Keeper, tier_two: Team) -> None:
    keeper.start()
    made = tier_two.make(gpu_pod(schedulingGates=[{"name": "example.com/queue"}]))
    other = tier_two.make(gpu_pod())
    tier_two.wait_for(other["metadata"]["name"], "to be released", released)
    held = tier_two.pod(made["metadata"]["name"])
    assert held is not None
    assert gates_of(held) == ["example.com/queue", GATE]
    assert keeper.books.reservation(uid(made)) is None
    lifted = [{"op": "remove", "path": "/spec/schedulingGates/0"}]
    assert tier_two.tenant.patch(tier_two.path("pods", made["metadata"]["name"]), lifted, "json").ok
    tier_two.wait_for(made["metadata"]["name"], "to be released", released)
    assert keeper.books.reservation(uid(made)) is not None


# Pods that only could reach a device


def test_a_pod_that_only_could_reach_a_device_starts_at_once_away_from_accelerators(
    keeper: Keeper, team: Team, gpu_node: FakeNode
) -> None:
    made = team.make(host_pod())
    keeper.start()
    freed = team.wait_for(made["metadata"]["name"], "to be released", released)
    assert required_terms(freed) == [[AWAY]]
    assert "activeDeadlineSeconds" not in freed["spec"]
    assert keeper.books.records("workload.released", namespace=team.namespace)[0]["workload"]["uid"] == uid(made)
    with FakeNode(gpu_node.plane, name=f"cpu-of-{team.namespace}", gpus=0) as cpu_node:
        placed = team.wait_for(made["metadata"]["name"], "to be placed", lambda each: each["spec"].get("nodeName"))
        assert placed["spec"]["nodeName"] == cpu_node.name


def test_every_alternative_of_an_affinity_is_narrowed_and_nothing_else_changes(keeper: Keeper, team: Team) -> None:
    wanted = affinity([ZONE], [DISK, ZONE])
    wanted["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = [
        {"weight": 1, "preference": {"matchExpressions": [DISK]}}
    ]
    made = team.make(host_pod(affinity=wanted))
    keeper.start()
    freed = team.wait_for(made["metadata"]["name"], "to be released", released)
    assert required_terms(freed) == [[ZONE, AWAY], [DISK, ZONE, AWAY]]
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    assert freed["spec"]["affinity"]["nodeAffinity"][preferred] == wanted["nodeAffinity"][preferred]


def test_an_alternative_that_matches_no_node_is_not_widened_by_the_narrowing(keeper: Keeper, team: Team) -> None:
    made = team.make(host_pod(affinity=affinity([ZONE], [])))
    keeper.start()
    told = wait_until(lambda: team.events("Held"), "the tenant to be told")
    assert "empty" in told[0]
    held = team.pod(made["metadata"]["name"])
    assert held is not None
    assert gated(held)


def test_every_accelerator_node_is_marked(keeper: Keeper, gpu_node: FakeNode) -> None:
    keeper.start()
    admin = Team.new(gpu_node.plane).admin
    label = "node-restriction.kubernetes.io/compute-gatekeeper-accelerator"
    wait_until(
        lambda: admin.get(f"/api/v1/nodes/{gpu_node.name}").body["metadata"]["labels"].get(label) == "true",
        "the node to be marked",
    )


# Odd pods


def test_a_pod_that_nobody_can_read_waits_and_keeps_nobody_else_waiting(keeper: Keeper, tier_two: Team) -> None:
    odd = tier_two.make(pod(container={"resources": {"limits": {"nvidia.com/gpu": "20000000"}}}))
    keeper.start()
    plain = tier_two.make(gpu_pod())
    tier_two.wait_for(plain["metadata"]["name"], "to be released", released)
    told = wait_until(lambda: tier_two.events("Held"), "the tenant to be told")
    assert "nobody can tell what is asked for" in told[0]
    still = tier_two.pod(odd["metadata"]["name"])
    assert still is not None
    assert gated(still)


def test_a_pod_without_accelerators_is_left_alone(keeper: Keeper, tier_two: Team, gpu_node: FakeNode) -> None:
    keeper.start()
    made = tier_two.make(pod())
    gpu_node.start_pod(tier_two.namespace, made["metadata"]["name"])
    seen = tier_two.wait_for(made["metadata"]["name"], "to run", running)
    assert "activeDeadlineSeconds" not in seen["spec"]
    assert keeper.books.records("workload.released", "reservation.pending", namespace=tier_two.namespace) == []
