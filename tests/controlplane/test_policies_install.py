"""Installing, upgrading and removing the chart with helm itself, on a control plane of its own."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import CHART, NAMESPACE, Lab, install_chart
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import GATE, fresh_name, gates_of, gpu_pod, host_pod, pod

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
POLICY_KINDS = (
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
)
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"


@pytest.fixture(scope="module")
def site(binaries: Path) -> Iterator[ControlPlane]:
    """A control plane that these tests install on and remove from."""
    with ControlPlane() as started:
        yield started


@pytest.fixture(scope="module")
def place(site: ControlPlane) -> Lab:
    """A tenant there."""
    tenant = site.create_tenant("lab", "user@lab")
    return Lab(site, "lab", *(Caller(site, name) for name in (tenant.user, "admin", "controller")))


@pytest.fixture
def installed(site: ControlPlane) -> Iterator[ControlPlane]:
    """The chart with its defaults but for the process, which has no image here."""
    site.helm("install", NAMESPACE, str(CHART), "-n", NAMESPACE, "--create-namespace", "--set", "replicas=0")
    yield site
    site.helm("uninstall", NAMESPACE, "-n", NAMESPACE)


def ours(caller: Caller, path: str) -> list[str]:
    """Names of our objects of one kind."""
    items = caller.get(path).body["items"]
    return [each["metadata"]["name"] for each in items if each["metadata"]["name"].startswith("compute-gatekeeper")]


def test_the_api_server_finds_nothing_odd_in_our_expressions(place: Lab, installed: ControlPlane) -> None:
    """It checks the types of every expression against the real schemas, and says so in the policy's status."""

    def checked() -> list[dict[str, Any]] | None:
        items: list[dict[str, Any]] = place.admin.get(f"{REGISTRATION}/validatingadmissionpolicies").body["items"]
        return items if all("typeChecking" in each.get("status", {}) for each in items) else None

    policies = wait_until(checked, "the expressions to be checked", deadline_s=60)
    assert len(policies) >= 14
    warnings = {each["metadata"]["name"]: each["status"]["typeChecking"].get("expressionWarnings") for each in policies}
    assert not any(warnings.values()), warnings


def test_an_upgrade_keeps_certificate_and_path(place: Lab, installed: ControlPlane) -> None:
    """New ones would break the webhook until the process has read them."""

    def secrets() -> list[Any]:
        return [place.admin.get(f"{SECRETS}/compute-gatekeeper-{name}").body["data"] for name in ("tls", "path")]

    before = secrets()
    webhook = f"{REGISTRATION}/validatingwebhookconfigurations/compute-gatekeeper"
    clients = [each["clientConfig"] for each in place.admin.get(webhook).body["webhooks"]]
    installed.helm("upgrade", NAMESPACE, str(CHART), "-n", NAMESPACE, "--set", "replicas=0,webhook.timeoutSeconds=3")
    after = place.admin.get(webhook).body["webhooks"]
    assert [each["timeoutSeconds"] for each in after] == [3, 3]
    assert secrets() == before
    assert [each["clientConfig"] for each in after] == clients
    assert clients[0]["caBundle"] == before[0]["ca.crt"]
    token = base64.b64decode(before[1]["token"]).decode()
    assert clients[0]["service"]["path"] == f"/validate/{token}"
    assert len(token) == 48


def test_a_second_installation_is_refused(installed: ControlPlane) -> None:
    """Two controllers at one gate would each undo what the other decided."""
    second = installed.helm("install", "another", str(CHART), "-n", "another", "--create-namespace", check=False)
    assert second.returncode != 0
    assert "compute-gatekeeper" in second.stderr


def test_removal_leaves_nothing_that_blocks(site: ControlPlane, place: Lab) -> None:
    install_chart(site)
    waiting = place.make_pod(gpu_pod())
    assert gates_of(waiting) == [GATE]
    site.helm("uninstall", NAMESPACE, "-n", NAMESPACE)
    for kind in POLICY_KINDS:
        assert ours(place.admin, f"{REGISTRATION}/{kind}") == []
    assert ours(place.admin, "/apis/rbac.authorization.k8s.io/v1/clusterroles") == []
    free = wait_until(lambda: _ungated(place), "the policies to be forgotten")
    assert gates_of(free) == []
    path = place.path(waiting["metadata"]["name"])
    lifted = wait_until(lambda: _lifted(place, path), "the gate to be anybody's")
    assert gates_of(lifted) == []
    assert place.admin.patch(
        "/api/v1/namespaces/lab", {"metadata": {"labels": {"compute-gatekeeper.io/cleared": "x"}}}
    ).ok
    claims = place.admin.get(f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims").body["items"]
    assert [each["metadata"]["name"] for each in claims] == ["compute-gatekeeper"]
    back = {"metadata": {"labels": {"compute-gatekeeper.io/cleared": None}}}
    assert place.admin.patch("/api/v1/namespaces/lab", back).ok


def _ungated(place: Lab) -> dict[str, Any] | None:
    answer = place.try_pod(gpu_pod())
    return answer.body if answer.ok and not gates_of(answer.body) else None


def _lifted(place: Lab, path: str) -> dict[str, Any] | None:
    answer = place.tenant.patch(path, {"spec": {"schedulingGates": None}})
    return answer.body if answer.ok else None


@pytest.fixture(scope="module")
def strict(binaries: Path) -> Iterator[Lab]:
    """Another plane, where the provider named its registries, its harmless things, and allows host access."""
    values = [
        "leases.registries={registry.test/,mirror.test:5000/team/}",
        "leases.allowHostAccess=true",
        "reach.harmlessDeviceKeys={nvidia.com/hostdev}",
        "reach.harmlessRuntimeClasses={sandboxed}",
        "reach.exemptNamespaces={gpu-operator}",
    ]
    with ControlPlane() as plane:
        install_chart(plane, *(part for value in values for part in ("--set", value)))
        tenant = plane.create_tenant("lab", "user@lab")
        plane.create_namespace("gpu-operator")
        yield Lab(plane, "lab", *(Caller(plane, name) for name in (tenant.user, "admin", "controller")))


@pytest.mark.parametrize(
    ("image", "refused_by"),
    [
        ("registry.test/app:1", ""),
        ("mirror.test:5000/team/app@sha256:" + "0" * 64, ""),
        ("mirror.test:5000/other/app", "registries"),
        ("registry.test.evil.example/app", "registries"),
        ("app", "registries"),
        ("slow.test/registry.test/app", "registries"),
    ],
)
def test_images_of_accelerator_pods_come_from_the_named_registries(strict: Lab, image: str, refused_by: str) -> None:
    side = {"name": "side", "image": image, "restartPolicy": "Always"}
    volume = {"name": "tools", "image": {"reference": image}}
    assert strict.try_pod(gpu_pod(container={"image": image})).refused_by == refused_by
    assert strict.try_pod(gpu_pod(initContainers=[side])).refused_by == refused_by
    assert strict.try_pod(gpu_pod(volumes=[volume])).refused_by == refused_by
    waiting = strict.make_pod(gpu_pod())["metadata"]["name"]
    change = {"spec": {"containers": [{"name": "main", "image": image}]}}
    assert strict.tenant.patch(strict.path(waiting), change, "strategic").refused_by == refused_by
    assert strict.try_pod(pod(container={"image": image})).ok


def test_host_access_beside_devices_can_be_allowed(strict: Lab) -> None:
    made = strict.make_pod(gpu_pod(container={"securityContext": {"privileged": True}}))
    assert gates_of(made) == [GATE]


def test_what_the_provider_declared_harmless_is_left_alone(strict: Lab) -> None:
    sandboxed = {"metadata": {"name": "sandboxed"}, "handler": "runc"}
    assert strict.admin.create("/apis/node.k8s.io/v1/runtimeclasses", sandboxed).ok
    adapter = {"resources": {"limits": {"nvidia.com/hostdev": "1"}}}
    assert gates_of(strict.make_pod(pod(container=adapter, runtimeClassName="sandboxed"))) == []
    path = "/api/v1/namespaces/gpu-operator/pods"
    assert gates_of(strict.admin.create(path, host_pod()).body) == []
    other = {"resources": {"limits": {"nvidia.com/hostdev2": "1"}}}
    assert gates_of(strict.make_pod(pod(container=other))) == [GATE]


def test_with_the_webhook_dead_owners_are_accepted_and_their_pods_wait(strict: Lab) -> None:
    """The webhook of this plane points to a port where nobody listens."""
    name = fresh_name("job")
    container = {"name": "main", "image": "registry.test/app", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    assert strict.tenant.create("/apis/batch/v1/namespaces/lab/jobs", {"metadata": {"name": name}, "spec": spec}).ok

    def made() -> dict[str, Any] | None:
        items: list[dict[str, Any]] = strict.admin.get(strict.path()).body["items"]
        return next((each for each in items if each["metadata"]["name"].startswith(name)), None)

    assert gates_of(wait_until(made, "the job's pod")) == [GATE]
