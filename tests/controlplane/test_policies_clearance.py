"""Clearance: who gives it, what it does, and that it ends by itself."""

import datetime
from typing import Any

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import Lab, new_lab
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import GATE, fresh_name, gates_of, gpu_pod, host_pod, pod, release_patch

LABEL = "compute-gatekeeper.io/cleared"
UNTIL = "compute-gatekeeper.io/cleared-until"
ADMIN_ACCESS = "resource.kubernetes.io/admin-access"
NAMESPACES = "/api/v1/namespaces"


def in_days(days: int) -> str:
    """A date as the controller writes it."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def home(governed: ControlPlane) -> Lab:
    """A fresh namespace with its tenant, without clearance."""
    return new_lab(governed, fresh_name("home"))


@pytest.fixture(scope="module")
def namespace_editor(governed: ControlPlane) -> Caller:
    """A user of a self-service portal: may create and edit any namespace, in every way the API has."""
    resources = ["namespaces", "namespaces/status", "namespaces/finalize"]
    rules = [{"apiGroups": [""], "resources": resources, "verbs": ["create", "update", "patch", "get"]}]
    admin = Caller(governed, "admin")
    base = "/apis/rbac.authorization.k8s.io/v1"
    assert admin.create(f"{base}/clusterroles", {"metadata": {"name": "namespace-editor"}, "rules": rules}).ok
    binding = {
        "metadata": {"name": "namespace-editor"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "namespace-editor"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "portal"}],
    }
    assert admin.create(f"{base}/clusterrolebindings", binding).ok
    portal = Caller(governed, "portal")
    wait_until(lambda: portal.get(f"{NAMESPACES}/default").ok, "the portal's role to take effect")
    return portal


# --- who gives it ------------------------------------------------------------------------------------------

CHANGES: dict[str, dict[str, Any]] = {
    "label": {"labels": {LABEL: "true"}},
    "label with another value": {"labels": {LABEL: "yes"}},
    "date alone": {"annotations": {UNTIL: "2100-01-01T00:00:00Z"}},
    "anything under our name": {"labels": {"compute-gatekeeper.io/customer": "somebody"}},
}


@pytest.mark.parametrize("subresource", ["", "/status", "/finalize"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_neither_portal_nor_administrator_gives_clearance(
    home: Lab, namespace_editor: Caller, change: dict[str, Any], subresource: str
) -> None:
    path = f"{NAMESPACES}/{home.namespace}"
    for caller in (namespace_editor, home.admin):
        body = caller.get(path).body
        for part, added in change.items():
            body["metadata"].setdefault(part, {}).update(added)
        assert caller.replace(path + subresource, body).refused_by == "clearance"
        if subresource != "/finalize":
            assert caller.patch(path + subresource, {"metadata": change}).refused_by == "clearance"


def test_a_tenant_does_not_even_reach_its_namespace(home: Lab) -> None:
    change = {"metadata": CHANGES["label"]}
    assert home.tenant.patch(f"{NAMESPACES}/{home.namespace}", change).refused_by == "rbac"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_namespace_is_born_with_clearance(home: Lab, namespace_editor: Caller, change: dict[str, Any]) -> None:
    body = {"metadata": {"name": fresh_name("born"), **change}}
    for caller in (namespace_editor, home.admin):
        assert caller.create(NAMESPACES, body).refused_by == "clearance"


def test_no_namespace_is_applied_with_clearance(home: Lab, namespace_editor: Caller) -> None:
    name = fresh_name("applied")
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: "true"}}}
    path = f"{NAMESPACES}/{name}?fieldManager=cli&force=true"
    assert namespace_editor.patch(path, body, "apply").refused_by == "clearance"


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {LABEL: None}},
        {"labels": {LABEL: "false"}},
        {"annotations": {UNTIL: None}},
        {"annotations": {UNTIL: "2999-01-01T00:00:00Z"}},
    ],
)
def test_nobody_else_withdraws_or_prolongs_it(home: Lab, namespace_editor: Caller, change: dict[str, Any]) -> None:
    path = f"{NAMESPACES}/{home.namespace}"
    home.clear(in_days(1))
    for caller in (namespace_editor, home.admin):
        assert caller.patch(path, {"metadata": change}).refused_by == "clearance"


def test_everything_else_about_a_namespace_is_theirs(home: Lab, namespace_editor: Caller) -> None:
    path = f"{NAMESPACES}/{home.namespace}"
    home.clear(in_days(1))
    change = {"metadata": {"labels": {"team": "blue"}, "annotations": {"note": "x"}}}
    assert namespace_editor.patch(path, change).ok
    assert namespace_editor.create(NAMESPACES, {"metadata": {"name": fresh_name("plain"), "labels": {"a": "b"}}}).ok


def test_a_cleared_namespace_can_be_deleted(home: Lab) -> None:
    """Its end goes through /finalize, which is guarded too."""
    path = f"{NAMESPACES}/{home.namespace}"
    home.clear(in_days(1))
    assert home.make_pod(gpu_pod())
    assert home.admin.delete(path).ok
    wait_until(lambda: home.admin.get(path).status == 404, "the namespace to be gone", deadline_s=60)


@pytest.mark.parametrize("subresource", ["", "/status"])
def test_only_the_provider_opens_a_namespace_to_other_peoples_devices(
    home: Lab, namespace_editor: Caller, subresource: str
) -> None:
    path = f"{NAMESPACES}/{home.namespace}{subresource}"
    change = {"metadata": {"labels": {ADMIN_ACCESS: "true"}}}
    assert namespace_editor.patch(path, change).refused_by == "clearance"
    born = {"metadata": {"name": fresh_name("born"), **change["metadata"]}}
    assert namespace_editor.create(NAMESPACES, born).refused_by == "clearance"
    assert home.admin.patch(path, change).ok
    closed = {"metadata": {"labels": {ADMIN_ACCESS: None}}}
    assert namespace_editor.patch(path, closed).refused_by == "clearance"


# --- what it does, and its end -----------------------------------------------------------------------------


def test_under_a_clearance_nothing_is_gated_or_shortened(home: Lab) -> None:
    home.clear(in_days(30))
    hook = {"lifecycle": {"postStart": {"exec": {"command": ["true"]}}}}
    made = home.make_pod(gpu_pod(terminationGracePeriodSeconds=300, container=hook))
    assert gates_of(made) == []
    assert made["spec"]["terminationGracePeriodSeconds"] == 300
    assert gates_of(home.make_pod(host_pod())) == []


@pytest.mark.parametrize("until", [in_days(-1), None, "", "never", "2026-13-01T00:00:00Z", "2100-01-01"])
def test_a_clearance_that_ended_or_cannot_be_read_lets_no_accelerator_start(home: Lab, until: str | None) -> None:
    home.clear(until, then="ended")
    assert home.try_pod(gpu_pod()).refused_by == "clearance-expiry"
    assert home.try_pod(host_pod()).refused_by == "clearance-expiry"
    assert home.try_pod(pod()).ok


def test_a_pod_cannot_claim_to_be_older_than_it_is(home: Lab) -> None:
    home.clear(in_days(-1), then="ended")
    backdated = gpu_pod()
    backdated["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    assert home.try_pod(backdated).refused_by == "clearance-expiry"


def test_pods_after_a_withdrawal_are_gated_again(home: Lab) -> None:
    home.clear(in_days(1))
    assert gates_of(home.make_pod(gpu_pod())) == []
    home.clear(None, label=None, then="gated")
    assert gates_of(home.make_pod(gpu_pod())) == [GATE]


def test_what_waits_when_a_clearance_comes_is_released_by_the_controller_as_it_is(home: Lab) -> None:
    """No lease and no detour: new pods of this namespace would not even have been gated."""
    waiting = [home.make_pod(make()) for make in (gpu_pod, host_pod)]
    home.clear(in_days(1))
    for each in waiting:
        path = home.path(each["metadata"]["name"])
        assert home.tenant.patch(path, {"spec": {"schedulingGates": None}}).refused_by == "release"
        freed = home.controller.patch(path, release_patch(each, deadline_s=None), "json")
        assert freed.ok, freed


def test_any_other_value_of_the_label_is_no_clearance(home: Lab) -> None:
    home.clear(in_days(1))
    home.clear(in_days(1), label="True", then="gated")
    assert gates_of(home.make_pod(gpu_pod())) == [GATE]
