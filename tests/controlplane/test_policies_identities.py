"""What our own service account may do, what a tenant may not, and the quota that stops a customer."""

from typing import Any

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import NAMESPACE, Lab
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import NODE_LABEL, fresh_name, gpu_pod, pod

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
STOP = "compute-gatekeeper-stop"

# --- our own service account -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node(lab: Lab) -> str:
    """The path of a node that exists and nothing more."""
    name = fresh_name("metal")
    spec = {"taints": [{"key": "example.org/burn-in", "effect": "NoSchedule"}]}
    assert lab.admin.create("/api/v1/nodes", {"metadata": {"name": name, "labels": {"zone": "a"}}, "spec": spec}).ok
    return f"/api/v1/nodes/{name}"


@pytest.mark.parametrize("value", ["true", "false", None])
def test_the_controller_marks_a_node(lab: Lab, node: str, value: str | None) -> None:
    assert lab.controller.patch(node, {"metadata": {"labels": {NODE_LABEL: value}}}).ok


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"labels": {"zone": "b"}}},
        {"metadata": {"labels": {"zone": None}}},
        {"metadata": {"labels": {NODE_LABEL: "true", "node-role.kubernetes.io/control-plane": ""}}},
        {"metadata": {"annotations": {"note": "x"}}},
        {"metadata": {"finalizers": ["example.org/stay"]}},
        {"spec": {"unschedulable": True}},
        {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}},
        {"spec": {"taints": []}},
        {"spec": {"providerID": "x://y"}},
    ],
)
def test_and_does_nothing_else_to_it(lab: Lab, node: str, change: dict[str, Any]) -> None:
    assert lab.controller.patch(node, change).refused_by == "controller-nodes"
    assert lab.admin.patch(f"{node}?dryRun=All", change).ok


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}},
        {"metadata": {"labels": {"compute-gatekeeper.io/cleared": "true", "team": "x"}}},
        {"metadata": {"annotations": {"scheduler.alpha.kubernetes.io/node-selector": "a=b"}}},
        {"metadata": {"finalizers": ["example.org/stay"]}},
        {"metadata": {"labels": {"resource.kubernetes.io/admin-access": "true"}}},
    ],
)
def test_the_controller_touches_only_our_own_marks_on_a_namespace(lab: Lab, change: dict[str, Any]) -> None:
    answer = lab.controller.patch("/api/v1/namespaces/default", change)
    assert answer.refused_by in ("controller-namespaces", "clearance"), answer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/secrets"),
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/compute-gatekeeper-tls"),
        ("GET", "/api/v1/configmaps"),
        ("POST", "/api/v1/namespaces/lab/pods"),
        ("POST", "/api/v1/namespaces/lab/pods/x/binding"),
        ("POST", "/api/v1/namespaces/lab/pods/x/eviction"),
        ("PATCH", "/api/v1/namespaces/lab/pods/x/status"),
        ("PATCH", "/api/v1/namespaces/lab/pods/x/ephemeralcontainers"),
        ("DELETE", "/api/v1/namespaces/lab"),
        ("POST", "/api/v1/namespaces"),
        ("DELETE", "/api/v1/nodes/x"),
        ("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/controller/token"),
        ("POST", "/apis/batch/v1/namespaces/lab/jobs"),
        ("DELETE", "/apis/batch/v1/namespaces/lab/jobs/x"),
        ("GET", f"{REGISTRATION}/validatingadmissionpolicies"),
        ("DELETE", f"{REGISTRATION}/validatingwebhookconfigurations/compute-gatekeeper"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"),
    ],
)
def test_the_controllers_role_stops_here(lab: Lab, method: str, path: str) -> None:
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    assert lab.controller.call(method, path, {} if method != "GET" else None, content).refused_by == "rbac"


@pytest.mark.parametrize(
    "path", ["/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces", "/api/v1/resourcequotas", "/api/v1/namespaces/lab"]
)
def test_the_controller_reads_what_it_decides_on(lab: Lab, path: str) -> None:
    assert lab.controller.get(path).ok


def test_the_controller_suspends_a_job_and_deletes_its_pods(lab: Lab) -> None:
    name = fresh_name("job")
    jobs = f"/apis/batch/v1/namespaces/{lab.namespace}/jobs"
    template = {"spec": {"containers": [{"name": "main", "image": "app"}], "restartPolicy": "Never"}}
    assert lab.tenant.create(jobs, {"metadata": {"name": name}, "spec": {"template": template}}).ok
    assert lab.controller.patch(f"{jobs}/{name}", {"spec": {"suspend": True}}).ok
    made = lab.make_pod(gpu_pod())["metadata"]["name"]
    assert lab.controller.delete(lab.path(made), {"gracePeriodSeconds": 1}).ok


# --- the tenant --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/v1/nodes/metal-1"),
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets"),
        ("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/controller/token"),
        ("POST", f"/api/v1/namespaces/{NAMESPACE}/pods"),
        ("POST", "/api/v1/namespaces/kube-system/pods"),
        ("POST", "/api/v1/namespaces"),
        ("POST", "/api/v1/namespaces/lab/pods/x/binding"),
        ("POST", "/api/v1/namespaces/lab/bindings"),
        ("PATCH", "/api/v1/namespaces/lab/pods/x/status"),
        ("PATCH", "/api/v1/namespaces/lab/pods/x/ephemeralcontainers"),
        ("POST", "/api/v1/namespaces/lab/resourcequotas"),
        ("DELETE", f"/api/v1/namespaces/lab/resourcequotas/{STOP}"),
        ("PATCH", f"/api/v1/namespaces/lab/resourcequotas/{STOP}/status"),
        ("POST", "/apis/node.k8s.io/v1/runtimeclasses"),
        ("POST", "/apis/resource.k8s.io/v1/deviceclasses"),
        ("PATCH", "/apis/resource.k8s.io/v1/namespaces/lab/resourceclaims/x/status"),
        ("POST", "/api/v1/persistentvolumes"),
        ("DELETE", f"{REGISTRATION}/mutatingadmissionpolicies/compute-gatekeeper-gate"),
        ("DELETE", f"{REGISTRATION}/validatingadmissionpolicybindings/compute-gatekeeper-release"),
        ("POST", f"{REGISTRATION}/mutatingwebhookconfigurations"),
        ("PATCH", f"{REGISTRATION}/validatingwebhookconfigurations/compute-gatekeeper"),
        ("GET", f"{REGISTRATION}/validatingwebhookconfigurations/compute-gatekeeper"),
    ],
)
def test_the_role_admin_of_a_namespace_stops_here(lab: Lab, method: str, path: str) -> None:
    """Doors that the policies need not watch, because nobody gives tenants the key. A new release might."""
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    assert lab.tenant.call(method, path, {} if method != "GET" else None, content).refused_by == "rbac"


def test_a_tenant_cannot_become_the_controller(lab: Lab) -> None:
    impersonating = f"--as=system:serviceaccount:{NAMESPACE}:controller"
    made = lab.make_pod(gpu_pod())["metadata"]["name"]
    patch = ["patch", "pod", made, "-n", lab.namespace, "--type=merge", "-p", '{"spec":{"schedulingGates":null}}']
    user = "user@lab"
    done = lab.plane.kubectl(*patch, impersonating, identity=user, check=False)
    assert done.returncode != 0
    assert "cannot impersonate" in done.stderr


def test_a_service_account_of_the_same_name_elsewhere_is_a_tenant(lab: Lab) -> None:
    """A tenant may name its own service account `controller`, and even its user anything its provider lets it."""
    made = lab.make_pod(gpu_pod())["metadata"]["name"]
    lift = {"spec": {"schedulingGates": None}}
    for user in (f"system:serviceaccount:{lab.namespace}:controller", f"system:serviceaccount:{NAMESPACE}:controllers"):
        twin = Caller(lab.plane, user, "system:masters")
        assert twin.patch(lab.path(made), lift).refused_by == "release"


# --- the stop ----------------------------------------------------------------------------------------------


def test_a_quota_of_zero_stops_a_customer_at_once_and_holds(lab: Lab) -> None:
    namespace = fresh_name("stopped")
    tenant = Caller(lab.plane, lab.plane.create_tenant(namespace, f"user@{namespace}").user)
    quotas, pods = (f"/api/v1/namespaces/{namespace}/{kind}" for kind in ("resourcequotas", "pods"))
    stop = {"metadata": {"name": STOP}, "spec": {"hard": {"requests.nvidia.com/gpu": "0"}}}
    assert lab.controller.create(quotas, stop).ok
    wait_until(lambda: lab.admin.get(f"{quotas}/{STOP}").body["status"].get("used"), "the quota to be counted")
    refused = tenant.create(pods, gpu_pod())
    assert refused.status == 403
    assert "exceeded quota" in refused.message
    assert tenant.create(pods, pod()).ok
    assert lab.controller.delete(f"{quotas}/{STOP}").ok
    wait_until(lambda: tenant.create(pods, gpu_pod()).ok, "the customer to go on")


def test_a_tenant_who_was_given_quotas_leaves_the_stop_alone(lab: Lab) -> None:
    namespace, user = fresh_name("stopped"), fresh_name("planner")
    lab.plane.create_namespace(namespace)
    base = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    verbs = ["create", "update", "patch", "delete", "deletecollection", "get"]
    rules = [{"apiGroups": [""], "resources": ["resourcequotas"], "verbs": verbs}]
    assert lab.admin.create(f"{base}/roles", {"metadata": {"name": "planner"}, "rules": rules}).ok
    binding = {
        "metadata": {"name": "planner"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "planner"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    assert lab.admin.create(f"{base}/rolebindings", binding).ok
    quotas, planner = f"/api/v1/namespaces/{namespace}/resourcequotas", Caller(lab.plane, user)
    for name in (STOP, "own"):
        body = {"metadata": {"name": name}, "spec": {"hard": {"requests.nvidia.com/gpu": "0"}}}
        assert lab.controller.create(quotas, body).ok
    wait_until(lambda: planner.get(f"{quotas}/own").ok, "the planner's role to take effect")
    more = {"spec": {"hard": {"requests.nvidia.com/gpu": "8"}}}
    assert planner.patch(f"{quotas}/{STOP}", more).refused_by == "stop-quota"
    assert planner.delete(f"{quotas}/{STOP}").refused_by == "stop-quota"
    assert planner.patch(f"{quotas}/own", more).ok
    assert planner.delete(quotas).refused_by == "stop-quota"
    assert lab.admin.get(f"{quotas}/{STOP}").ok
    assert lab.admin.delete(f"/api/v1/namespaces/{namespace}").ok
    wait_until(lambda: lab.admin.get(f"/api/v1/namespaces/{namespace}").status == 404, "its end", deadline_s=60)
