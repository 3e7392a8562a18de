"""The gate: who gets it, who may lift it, and what must come with that. control-plane rows 1 to 6, 9 to 11."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import Lab
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import (
    AWAY,
    GATE,
    ONE_GPU,
    affinity,
    fresh_name,
    gates_of,
    gpu_pod,
    host_pod,
    pod,
    release_patch,
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


# --- how it is lifted --------------------------------------------------------------------------------------


def test_one_patch_of_the_controller_releases_a_pod_with_a_lease(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod())
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made, deadline_s=3600), "json")
    assert answer.ok, answer
    assert gates_of(answer.body) == []
    assert answer.body["spec"]["activeDeadlineSeconds"] == 3600


def test_the_controller_cannot_release_a_pod_that_changed_meanwhile(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod())
    path = lab.path(made["metadata"]["name"])
    assert lab.tenant.patch(path, {"metadata": {"labels": {"team": "blue"}}}).ok
    assert not lab.controller.patch(path, release_patch(made), "json").ok
    assert gates_of(lab.tenant.get(path).body) == [GATE]


def test_the_controller_cannot_release_without_a_deadline(lab: Lab) -> None:
    made = lab.make_pod(gpu_pod())
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made, deadline_s=None), "json")
    assert answer.refused_by == "release"
    assert "activeDeadlineSeconds" in answer.message


def test_the_controller_releases_last(lab: Lab) -> None:
    """A claim may be exchanged while another gate holds the pod: what was reserved would not be what runs."""
    made = lab.make_pod(gpu_pod(schedulingGates=[{"name": OTHER_GATE}]))
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made, gates=[OTHER_GATE]), "json")
    assert answer.refused_by == "release"


@pytest.mark.parametrize(
    ("placement", "refused_by"),
    [
        pytest.param(None, "release", id="no affinity"),
        pytest.param(affinity([AWAY]), "", id="away"),
        pytest.param(
            affinity([{"key": "zone", "operator": "In", "values": ["a"]}, AWAY], [AWAY]), "", id="away in every term"
        ),
        pytest.param(
            affinity([AWAY], [{"key": "zone", "operator": "In", "values": ["a"]}]), "release", id="one term leads there"
        ),
        pytest.param(affinity([{**AWAY, "operator": "Exists"}]), "release", id="towards them"),
        pytest.param(affinity([{**AWAY, "key": "example.org/accelerator"}]), "release", id="another label"),
        pytest.param(
            {
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "preference": {"matchExpressions": [AWAY]}}
                    ]
                }
            },
            "release",
            id="only preferred",
        ),
    ],
)
def test_a_pod_that_only_could_reach_is_released_away_from_accelerators(
    lab: Lab, placement: dict[str, Any] | None, refused_by: str
) -> None:
    made = lab.make_pod(host_pod())
    patch = release_patch(made, deadline_s=None)
    if placement:
        patch.append({"op": "add", "path": "/spec/affinity", "value": placement})
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), patch, "json")
    assert answer.refused_by == refused_by, answer


def test_a_pod_with_terms_of_its_own_is_steered_by_adding_to_each(lab: Lab) -> None:
    zones = [[{"key": "zone", "operator": "In", "values": [zone]}] for zone in ("a", "b")]
    made = lab.make_pod(host_pod(affinity=affinity(*zones)))
    patch = release_patch(made, deadline_s=None)
    terms = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"
    patch += [{"op": "add", "path": f"{terms}/{index}/matchExpressions/-", "value": AWAY} for index in range(2)]
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), patch, "json")
    assert answer.ok, answer


def test_nobody_steers_a_released_pod_back(lab: Lab) -> None:
    made = lab.make_pod(host_pod())
    path = lab.path(made["metadata"]["name"])
    patch = [*release_patch(made, deadline_s=None), {"op": "add", "path": "/spec/affinity", "value": affinity([AWAY])}]
    assert lab.controller.patch(path, patch, "json").ok
    for caller in (lab.tenant, lab.admin, lab.controller):
        assert caller.patch(path, [{"op": "remove", "path": "/spec/affinity"}], "json").status == 422


def test_a_pod_that_put_our_gate_on_itself_for_nothing_is_released_as_it_is(lab: Lab) -> None:
    made = lab.make_pod(pod(schedulingGates=[{"name": GATE}]))
    answer = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made, deadline_s=None), "json")
    assert answer.ok, answer


# --- the lease afterwards ----------------------------------------------------------------------------------


@pytest.fixture
def released(lab: Lab) -> str:
    """The path of a released pod whose deadline is 3600 s."""
    made = lab.make_pod(gpu_pod())
    path = lab.path(made["metadata"]["name"])
    assert lab.controller.patch(path, release_patch(made, deadline_s=3600), "json").ok
    return path


@pytest.mark.parametrize("who", ["tenant", "controller", "admin"])
@pytest.mark.parametrize("deadline_s", [3601, 2**31 - 1, None, 0, -1])
def test_nobody_raises_or_unsets_a_deadline(lab: Lab, released: str, who: str, deadline_s: int | None) -> None:
    caller: Caller = getattr(lab, who)
    assert caller.patch(released, {"spec": {"activeDeadlineSeconds": deadline_s}}).status == 422
    assert lab.tenant.get(released).body["spec"]["activeDeadlineSeconds"] == 3600


def test_a_deadline_may_come_closer(lab: Lab, released: str) -> None:
    assert lab.tenant.patch(released, {"spec": {"activeDeadlineSeconds": 60}}).ok


@pytest.mark.parametrize("who", ["tenant", "controller"])
def test_nobody_changes_the_grace_period_later(lab: Lab, released: str, who: str) -> None:
    caller: Caller = getattr(lab, who)
    assert caller.patch(released, {"spec": {"terminationGracePeriodSeconds": 300}}).status == 422


def test_gates_cannot_come_back(lab: Lab, released: str) -> None:
    assert lab.tenant.patch(released, {"spec": {"schedulingGates": [{"name": OTHER_GATE}]}}).status == 422


# --- somebody else's mutation ------------------------------------------------------------------------------

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture(params=[("CREATE", "schedulingGates"), ("UPDATE", "activeDeadlineSeconds")], ids=["gate", "deadline"])
def stripped(request: pytest.FixtureRequest, governed: ControlPlane) -> Iterator[tuple[Lab, str]]:
    """A namespace in which a foreign mutating policy strips one field from every pod, and that field."""
    operation, field = request.param
    namespace = fresh_name("sabotage")
    tenant = governed.create_tenant(namespace, f"user@{namespace}")
    lab = Lab(governed, namespace, *(Caller(governed, name) for name in (tenant.user, "admin", "controller")))
    metadata = {"name": namespace}
    policy = {"metadata": metadata, "spec": _stripping(namespace, operation, field)}
    binding = {"metadata": metadata, "spec": {"policyName": namespace}}
    assert lab.admin.create(f"{REGISTRATION}/mutatingadmissionpolicies", policy).ok
    assert lab.admin.create(f"{REGISTRATION}/mutatingadmissionpolicybindings", binding).ok
    yield lab, field
    for kind in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
        assert lab.admin.delete(f"{REGISTRATION}/{kind}/{namespace}").ok


def _stripping(namespace: str, operation: str, field: str) -> dict[str, Any]:
    expression = f'[JSONPatch{{op: "remove", path: "/spec/{field}"}}]'
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": ["pods"]}
    return {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "resourceRules": [rule],
        },
        "matchConditions": [{"name": "has-it", "expression": f"has(object.spec.{field})"}],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
    }


def test_a_foreign_policy_strips_neither_gate_nor_deadline(stripped: tuple[Lab, str]) -> None:
    lab, field = stripped
    own = {"schedulingGates": [{"name": OTHER_GATE}], "activeDeadlineSeconds": 100}

    def takes_effect() -> bool:
        """On a pod that is none of our business, the foreign policy does what it says."""
        made = lab.make_pod(pod(schedulingGates=own["schedulingGates"]))
        patch = {"spec": {"activeDeadlineSeconds": own["activeDeadlineSeconds"]}}
        return field not in lab.admin.patch(lab.path(made["metadata"]["name"]), patch).body["spec"]

    wait_until(takes_effect, "the foreign policy to take effect")
    answer = lab.try_pod(gpu_pod())
    if field == "schedulingGates":
        assert answer.refused_by == "gate-check" or gates_of(answer.body) == [GATE]
        return
    made = answer.body
    released = lab.controller.patch(lab.path(made["metadata"]["name"]), release_patch(made), "json")
    assert released.refused_by == "release"
    assert "activeDeadlineSeconds" in released.message
