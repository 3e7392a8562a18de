"""The gate: who gets it, and who may not lift it."""

from typing import Any

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import Lab
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import (
    GATE,
    ONE_GPU,
    fresh_name,
    gates_of,
    gpu_pod,
    host_pod,
    pod,
)

OTHER_GATE = "example.org/queue"
GPU_SPEC: dict[str, Any] = {"containers": [{"name": "main", "image": "app", "resources": ONE_GPU}]}
GPU_TEMPLATE = {"metadata": {"labels": {"app": "trainer"}}, "spec": GPU_SPEC}
SELECTOR = {"matchLabels": {"app": "trainer"}}


# --- who gets it -------------------------------------------------------------------------------------------


def test_a_gpu_pod_is_gated_and_its_grace_capped_with_no_process_of_ours(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod(terminationGracePeriodSeconds=300))
    assert gates_of(made) == [GATE]
    assert made["spec"]["terminationGracePeriodSeconds"] == 60


def test_a_pod_without_accelerators_is_left_as_it_is(lab: Lab) -> None:
    made = lab.make_pod(pod(terminationGracePeriodSeconds=300))
    assert gates_of(made) == []
    assert made["spec"]["terminationGracePeriodSeconds"] == 300


def test_a_pod_that_only_could_reach_a_device_is_gated_but_keeps_its_grace(lab: Lab) -> None:
    """A database on a host path needs its time to stop, and holds no lease that this could outlive."""
    made = lab.make_pod(host_pod(terminationGracePeriodSeconds=300))
    assert gates_of(made) == [GATE]
    assert made["spec"]["terminationGracePeriodSeconds"] == 300


def test_a_gate_of_somebody_else_stays_beside_ours(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod(schedulingGates=[{"name": OTHER_GATE}]))
    assert gates_of(made) == [OTHER_GATE, GATE]


def test_a_pod_that_brings_our_gate_has_it_once(lab: Lab) -> None:
    assert gates_of(lab.make_pod(gpu_pod(schedulingGates=[{"name": GATE}]))) == [GATE]


def test_a_short_grace_stays_short(lab: Lab) -> None:
    assert lab.make_pod(gpu_pod(terminationGracePeriodSeconds=5))["spec"]["terminationGracePeriodSeconds"] == 5


def test_a_dry_run_shows_the_gate_and_leaves_nothing(lab: Lab) -> None:
    wanted = gpu_pod()
    assert gates_of(lab.try_pod(wanted, query="dryRun=All").body) == [GATE]
    assert lab.tenant.get(lab.path(wanted["metadata"]["name"])).status == 404


def test_a_generated_name_is_gated_like_any_other(lab: Lab) -> None:
    wanted = gpu_pod()
    wanted["metadata"] = {"generateName": "trainer-"}
    assert gates_of(lab.make_pod(wanted)) == [GATE]


def test_a_pod_made_by_server_side_apply_is_gated(lab: Lab) -> None:
    wanted = gpu_pod()
    answer = lab.tenant.patch(lab.path(wanted["metadata"]["name"], query="fieldManager=cli"), wanted, "apply")
    assert answer.ok, answer
    assert gates_of(answer.body) == [GATE]


def test_owner_references_buy_nothing(lab: Lab) -> None:
    """An owner is what a tenant writes there: a system object's name changes nothing."""
    wanted = gpu_pod()
    owner = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "name": "nvidia-device-plugin",
        "uid": "1",
        "controller": True,
    }
    wanted["metadata"]["ownerReferences"] = [owner]
    assert gates_of(lab.make_pod(wanted)) == [GATE]


def test_only_a_node_can_report_a_pod_that_runs_already(lab: Lab) -> None:
    """The mark of a mirror pod in a tenant's hand does not keep the gate off, and the gate keeps it from the node."""
    answer = lab.try_pod(gpu_pod(annotations={"kubernetes.io/config.mirror": "abc"}, nodeName="node1"))
    assert "until all schedulingGates have been cleared" in answer.message


def test_a_static_pod_with_devices_is_let_in_so_that_it_can_be_charged(lab: Lab) -> None:
    name = fresh_name("metal")
    node = lab.admin.create("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node.body["metadata"]["uid"], "controller": True}
    static = gpu_pod(
        annotations={"kubernetes.io/config.mirror": "abc", "kubernetes.io/config.source": "file"},
        nodeName=name,
        tolerations=[{"operator": "Exists", "effect": "NoExecute"}],
    )
    static["metadata"]["ownerReferences"] = [owner]
    made = lab.make_pod(static, by=Caller(lab.plane, f"system:node:{name}"))
    assert gates_of(made) == []


def test_the_clusters_own_namespace_is_never_gated(lab: Lab) -> None:
    answer = lab.admin.create("/api/v1/namespaces/kube-system/pods?dryRun=All", gpu_pod())
    assert answer.ok, answer
    assert gates_of(answer.body) == []


@pytest.mark.parametrize(
    ("resource", "spec"),
    [
        ("/apis/batch/v1/namespaces/lab/jobs", {"template": {"spec": {**GPU_SPEC, "restartPolicy": "Never"}}}),
        ("/apis/apps/v1/namespaces/lab/deployments", {"selector": SELECTOR, "template": GPU_TEMPLATE}),
        (
            "/apis/apps/v1/namespaces/lab/statefulsets",
            {"selector": SELECTOR, "template": GPU_TEMPLATE, "serviceName": "x"},
        ),
        ("/api/v1/namespaces/lab/replicationcontrollers", {"selector": {"app": "trainer"}, "template": GPU_TEMPLATE}),
    ],
)
def test_whoever_makes_the_pods_they_are_gated(lab: Lab, resource: str, spec: dict[str, Any]) -> None:
    name = fresh_name("owner")
    created = lab.tenant.create(resource, {"metadata": {"name": name}, "spec": spec})
    assert created.ok, created

    def made() -> dict[str, Any] | None:
        items: list[dict[str, Any]] = lab.admin.get(lab.path()).body["items"]
        return next((each for each in items if each["metadata"]["name"].startswith(name)), None)

    assert gates_of(wait_until(made, f"a pod of {resource}")) == [GATE]
    assert lab.tenant.delete(f"{resource}/{name}").ok


# --- who may lift it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("json", [{"op": "remove", "path": "/spec/schedulingGates/0"}]),
        ("merge", {"spec": {"schedulingGates": None}}),
        ("strategic", {"spec": {"schedulingGates": [{"name": GATE, "$patch": "delete"}]}}),
        ("strategic", {"spec": {"schedulingGates": [{"$patch": "replace"}], "activeDeadlineSeconds": 60}}),
    ],
)
@pytest.mark.parametrize("who", ["tenant", "admin"])
def test_nobody_else_lifts_the_gate_by_patch(lab: Lab, who: str, kind: str, patch: Any) -> None:
    name = lab.make_pod(gpu_pod())["metadata"]["name"]
    caller: Caller = getattr(lab, who)
    assert caller.patch(lab.path(name), patch, kind).refused_by == "release"
    assert gates_of(lab.tenant.get(lab.path(name)).body) == [GATE]


def test_a_tenant_cannot_replace_the_pod_without_the_gate(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod())
    del made["spec"]["schedulingGates"]
    assert lab.tenant.replace(lab.path(made["metadata"]["name"]), made).refused_by == "release"


def test_a_tenant_cannot_apply_the_gate_away(lab: Lab) -> None:
    """The field manager who owns a list entry drops it by leaving it out."""
    wanted = gpu_pod(schedulingGates=[{"name": GATE}])
    path = lab.path(wanted["metadata"]["name"], query="fieldManager=cli&force=true")
    assert lab.tenant.patch(path, wanted, "apply").ok
    del wanted["spec"]["schedulingGates"]
    answer = lab.tenant.patch(path, wanted, "apply")
    assert answer.refused_by == "release" or gates_of(answer.body) == [GATE]


@pytest.mark.parametrize("subresource", ["status", "resize", "ephemeralcontainers"])
def test_no_subresource_lifts_the_gate(lab: Lab, subresource: str) -> None:
    name = lab.make_pod(gpu_pod())["metadata"]["name"]
    lab.admin.patch(lab.path(name, subresource), {"spec": {"schedulingGates": None}}, "merge")
    assert gates_of(lab.tenant.get(lab.path(name)).body) == [GATE]


def test_a_gated_pod_cannot_be_bound_to_a_node(lab: Lab) -> None:
    name = lab.make_pod(gpu_pod())["metadata"]["name"]
    binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": "node1"}}
    answer = lab.admin.create(lab.path(name, "binding"), binding)
    assert answer.status == 409
    assert "non-empty .spec.schedulingGates" in answer.message


def test_a_tenant_may_edit_a_waiting_pod_and_lift_a_gate_of_its_own(lab: Lab) -> None:
    name = lab.make_pod(gpu_pod(schedulingGates=[{"name": OTHER_GATE}]))["metadata"]["name"]
    change = {"metadata": {"labels": {"team": "blue"}}, "spec": {"schedulingGates": [{"name": GATE}]}}
    answer = lab.tenant.patch(lab.path(name), change)
    assert answer.ok, answer
    assert gates_of(answer.body) == [GATE]
