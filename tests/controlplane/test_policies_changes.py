"""What a pod may not become, and who writes how it ran: updates, status, bindings, our own marks."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import Lab, new_lab
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import RESERVATION, Pod, fresh_name, gates_of, gpu_pod, host_pod, pod, release_patch

DEVICE_ANNOTATIONS = [
    "gpu-fraction",
    "cdi.k8s.io/gpu",
    "devices.nri.io/x",
    "io.kubernetes.cri-o.Devices",
    "devices.crio.io",
]
OTHER_GATE = "example.org/queue"
Builder = Callable[..., Pod]


def annotate(key: str, value: str | None = "0.5") -> dict[str, Any]:
    """A merge patch that sets one annotation, or takes it away."""
    return {"metadata": {"annotations": {key: value}}}


# --- a pod does not become an accelerator pod --------------------------------------------------------------


@pytest.mark.parametrize("key", DEVICE_ANNOTATIONS)
@pytest.mark.parametrize("make", [pod, host_pod, gpu_pod], ids=["ordinary", "host path", "asks"])
def test_no_pod_gets_a_device_annotation_later(lab: Lab, make: Builder, key: str) -> None:
    """A pod released without budget because it asked for nothing must not ask afterwards."""
    path = lab.path(lab.make_pod(make())["metadata"]["name"])
    assert lab.tenant.patch(path, annotate(key)).refused_by == "pod-update"
    assert lab.admin.patch(f"{path}/status", annotate(key)).refused_by == "pod-status"


@pytest.mark.parametrize("value", ["1.0", None])
def test_a_device_annotation_neither_grows_nor_goes(lab: Lab, value: str | None) -> None:
    path = lab.path(lab.make_pod(pod(annotations={"gpu-fraction": "0.5"}))["metadata"]["name"])
    assert lab.tenant.patch(path, annotate("gpu-fraction", value)).refused_by == "pod-update"
    assert lab.admin.patch(f"{path}/status", annotate("gpu-fraction", value)).refused_by == "pod-status"


@pytest.mark.parametrize(
    ("toleration", "refused_by"),
    [
        ({"operator": "Exists"}, "pod-update"),
        ({"operator": "Exists", "effect": "NoSchedule"}, "pod-update"),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}, "pod-update"),
        ({"key": "example.org/team", "operator": "Exists"}, ""),
    ],
)
def test_an_ordinary_pod_gets_no_toleration_of_accelerator_nodes(
    lab: Lab, toleration: dict[str, Any], refused_by: str
) -> None:
    made = lab.make_pod(pod())
    patch = [{"op": "add", "path": "/spec/tolerations/-", "value": toleration}]
    assert lab.tenant.patch(lab.path(made["metadata"]["name"]), patch, "json").refused_by == refused_by


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
        {"containers": [{"name": "main", "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]}]},
        {"containers": [{"name": "main", "securityContext": {"privileged": True}}]},
        {"resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}]},
        {"hostPID": True},
        {"runtimeClassName": "nvidia"},
        {"volumes": [{"name": "dev", "hostPath": {"path": "/dev"}}]},
    ],
)
def test_the_rest_of_a_pod_is_fixed_by_kubernetes_or_by_us(lab: Lab, change: dict[str, Any]) -> None:
    """Kubernetes itself forbids these today; if a release allows one of them, our rule is there."""
    path = lab.path(lab.make_pod(pod())["metadata"]["name"])
    assert not lab.tenant.patch(path, {"spec": change}, "strategic").ok
    lab.admin.patch(f"{path}/resize", {"spec": change}, "strategic")
    lab.admin.patch(f"{path}/status", {"spec": change}, "strategic")
    assert gates_of(lab.tenant.get(path).body) == []
    assert "nvidia" not in str(lab.tenant.get(path).body["spec"]).lower()


def test_ordinary_edits_go_through(lab: Lab) -> None:
    for manifest in (pod(), host_pod(), gpu_pod(), pod(annotations={"gpu-fraction": "0.5"})):
        path = lab.path(lab.make_pod(manifest)["metadata"]["name"])
        assert lab.tenant.patch(path, {"metadata": {"labels": {"a": "b"}, "annotations": {"team/gpu": "x"}}}).ok


# --- a binding carries nothing onto a pod ------------------------------------------------------------------


@pytest.mark.parametrize("way", ["subresource", "legacy"])
@pytest.mark.parametrize("key", ["gpu-fraction", "cdi.k8s.io/gpu", RESERVATION, "example.org/note"])
def test_a_binding_brings_no_annotation_that_counts(lab: Lab, way: str, key: str) -> None:
    name = lab.make_pod(pod())["metadata"]["name"]
    binding = {"metadata": {"name": name, "annotations": {key: "1"}}, "target": {"kind": "Node", "name": "nowhere"}}
    path = lab.path(name, "binding") if way == "subresource" else f"/api/v1/namespaces/{lab.namespace}/bindings"
    assert lab.admin.create(path, binding).refused_by == ("" if key == "example.org/note" else "binding")


# --- our own marks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [RESERVATION, "compute-gatekeeper.io/anything"])
@pytest.mark.parametrize("who", ["tenant", "admin"])
def test_only_the_controller_writes_our_annotations(lab: Lab, who: str, key: str) -> None:
    caller: Caller = getattr(lab, who)
    assert lab.try_pod(pod(annotations={key: "x"}), by=caller).refused_by == "pod-marks"
    path = lab.path(lab.make_pod(pod())["metadata"]["name"])
    assert caller.patch(path, annotate(key)).refused_by == "pod-marks"
    assert lab.admin.patch(f"{path}/status", annotate(key)).refused_by == "pod-marks"
    assert lab.controller.patch(path, annotate(key)).ok
    for value in ("y", None):
        assert caller.patch(path, annotate(key, value)).refused_by == "pod-marks"
    assert caller.patch(path, annotate("example.org/note")).ok


def test_a_job_cannot_bring_our_marks_in_its_template(lab: Lab) -> None:
    """Its pods are made by a controller of Kubernetes, which writes what the tenant wrote."""
    metadata = {"annotations": {RESERVATION: "x"}}
    spec = {"containers": [{"name": "main", "image": "app"}], "restartPolicy": "Never"}
    job: dict[str, Any] = {
        "metadata": {"name": fresh_name("job")},
        "spec": {"template": {"metadata": metadata, "spec": spec}},
    }
    assert lab.tenant.create(f"/apis/batch/v1/namespaces/{lab.namespace}/jobs", job).ok
    events = f"/api/v1/namespaces/{lab.namespace}/events?fieldSelector=involvedObject.name%3D{job['metadata']['name']}"
    wait_until(
        lambda: any("compute-gatekeeper-pod-marks" in each["message"] for each in lab.admin.get(events).body["items"]),
        "the job controller to be refused",
    )


def test_labels_under_our_name_are_the_tenants(lab: Lab) -> None:
    """Nothing rests on labels of pods, so a tenant may say there what it likes."""
    wanted = pod()
    wanted["metadata"]["labels"] = {"compute-gatekeeper.io/run": "my-run"}
    lab.make_pod(wanted)


# --- how a pod ran -----------------------------------------------------------------------------------------

STATUSES: dict[str, Any] = {
    "phase": "Succeeded",
    "startTime": "2020-01-01T00:00:00Z",
    "hostIP": "10.1.2.3",
    "containerStatuses": [
        {
            "name": "main",
            "image": "app",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "reason": "Completed"}},
        }
    ],
    "initContainerStatuses": [
        {
            "name": "first",
            "image": "app",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": {"exitCode": 0}},
        }
    ],
    "ephemeralContainerStatuses": [
        {
            "name": "debug",
            "image": "app",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": {"exitCode": 0}},
        }
    ],
    "resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": "somebody-elses"}],
}


@pytest.fixture
def status_writer(lab: Lab) -> Caller:
    """A user of the tenant whom the provider allowed to write pod status, as operators often are."""
    rules = [
        {"apiGroups": [""], "resources": ["pods/status", "pods/ephemeralcontainers"], "verbs": ["update", "patch"]}
    ]
    name, user = fresh_name("status"), fresh_name("operator")
    base = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{lab.namespace}"
    assert lab.admin.create(f"{base}/roles", {"metadata": {"name": name}, "rules": rules}).ok
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    assert lab.admin.create(f"{base}/rolebindings", binding).ok
    return Caller(lab.plane, user)


@pytest.mark.parametrize("field", STATUSES)
@pytest.mark.parametrize("make", [gpu_pod, pod], ids=["asks", "ordinary"])
def test_only_nodes_and_kubernetes_say_how_a_pod_ran(
    lab: Lab, status_writer: Caller, field: str, make: Builder
) -> None:
    made = lab.make_pod(
        make(
            initContainers=[{"name": "first", "image": "app"}],
            resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "gpu"}],
        )
    )
    path = lab.path(made["metadata"]["name"], "status")
    forged = {"status": {field: STATUSES[field]}}
    for caller in (status_writer, lab.admin, lab.controller):
        answer = wait_until(partial(_decided, caller, path, forged), "the role to take effect")
        assert answer.refused_by == ("rbac" if caller is lab.controller else "pod-status"), answer


def _decided(caller: Caller, path: str, patch: dict[str, Any]) -> Any:
    """The answer, once it does not come from a role binding that is still on its way."""
    answer = caller.patch(path, patch)
    is_early = answer.refused_by == "rbac" and "controller" not in answer.message
    return None if is_early else answer


def test_only_kubernetes_says_which_claim_backs_a_gpu(lab: Lab) -> None:
    path = lab.path(lab.make_pod(gpu_pod())["metadata"]["name"], "status")
    mapping = {"containerName": "main", "resourceName": "nvidia.com/gpu", "requestName": "gpu"}
    forged = {"resourceClaimName": "somebody-elses", "requestMappings": [mapping]}
    assert lab.admin.patch(path, {"status": {"extendedResourceClaimStatus": forged}}).refused_by == "pod-status"
    scheduler = Caller(lab.plane, "system:kube-scheduler")
    assert scheduler.patch(path, {"status": {"extendedResourceClaimStatus": forged}}).ok


def test_readiness_gates_are_for_anybody(lab: Lab, status_writer: Caller) -> None:
    made = lab.make_pod(gpu_pod(readinessGates=[{"conditionType": "example.org/ready"}]))
    path = lab.path(made["metadata"]["name"], "status")
    condition = {"type": "example.org/ready", "status": "True"}
    answer = wait_until(lambda: _decided(status_writer, path, {"status": {"conditions": [condition]}}), "the role")
    assert answer.ok, answer


def test_a_node_says_it(lab: Lab) -> None:
    name = fresh_name("metal")
    assert lab.admin.create("/api/v1/nodes", {"metadata": {"name": name}}).ok
    made = lab.make_pod(gpu_pod())
    path = lab.path(made["metadata"]["name"])
    assert lab.controller.patch(path, release_patch(made), "json").ok
    binding = {"metadata": {"name": made["metadata"]["name"]}, "target": {"kind": "Node", "name": name}}
    assert lab.admin.create(f"{path}/binding", binding).ok
    said = {"status": {field: STATUSES[field] for field in ("phase", "startTime", "containerStatuses")}}
    answer = Caller(lab.plane, f"system:node:{name}").patch(f"{path}/status", said)
    assert answer.ok, answer
    assert answer.body["status"]["phase"] == "Succeeded"


def test_status_sent_with_a_pod_is_dropped(lab: Lab) -> None:
    wanted = gpu_pod() | {"status": {"phase": "Succeeded", "startTime": STATUSES["startTime"]}}
    made = lab.make_pod(wanted)
    assert made["status"]["phase"] == "Pending"
    assert "startTime" not in made["status"]


# --- pods parked under a clearance -------------------------------------------------------------------------


def test_a_pod_parked_under_a_clearance_does_not_start_after_it(lab: Lab) -> None:
    """It carries no gate of ours, only one of its owner's: lifting that later would start it without a lease."""
    place = new_lab(lab.plane, fresh_name("parked"))
    place.clear()
    gate: dict[str, Any] = {"schedulingGates": [{"name": OTHER_GATE}]}
    parked = {kind: place.make_pod(make(**gate)) for kind, make in (("gpu", gpu_pod), ("cpu", pod))}
    assert [gates_of(each) for each in parked.values()] == [[OTHER_GATE], [OTHER_GATE]]
    place.clear(None, label=None, then="gated")
    lift = {"spec": {"schedulingGates": None}}
    answers = {kind: place.tenant.patch(place.path(each["metadata"]["name"]), lift) for kind, each in parked.items()}
    assert answers["gpu"].refused_by == "pod-update"
    assert answers["cpu"].ok, answers["cpu"]
