"""Installs the chart on a test control plane, and the people who then meet there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.controlplane.calls import Answer, Caller
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import Pod, gates_of, gpu_pod

CHART = Path(__file__).parents[2] / "helm" / "compute-gatekeeper"
NAMESPACE = "compute-gatekeeper"
CLEARED = "compute-gatekeeper.io/cleared"
IN_A_LIFETIME = "2100-01-01T00:00:00Z"


def install_chart(plane: ControlPlane, *settings: str) -> None:
    """helm install without a process of ours; returns when the API server obeys the policies.

    The webhook points to a port where nobody listens, unless `settings` (arguments of helm) say otherwise.
    """
    plane.helm(
        "install", NAMESPACE, str(CHART), "--namespace", NAMESPACE, "--create-namespace", "--set", "replicas=0",
        "--set", "webhook.url=https://127.0.0.1:9", "--set-file", f"webhook.caBundle={plane.ca_file}", *settings,
    )  # fmt: skip
    wait_until_obeyed(plane)


def wait_until_obeyed(plane: ControlPlane) -> None:
    """The API server compiles new policies a moment after they are stored, all at once: one of each kind is asked."""
    admin = Caller(plane, "admin")
    plane.create_namespace("probe-of-policies")
    probe = gpu_pod()
    given = {"metadata": {"labels": {CLEARED: "true"}}}

    def gated() -> bool:
        answer = admin.create("/api/v1/namespaces/probe-of-policies/pods?dryRun=All", probe)
        return answer.ok and bool(gates_of(answer.body))

    wait_until(gated, "the gate to be stamped")
    wait_until(
        lambda: admin.patch("/api/v1/namespaces/probe-of-policies?dryRun=All", given).refused_by == "clearance",
        "the clearance to be guarded",
    )
    created = admin.create("/api/v1/namespaces/probe-of-policies/pods", probe)
    path = f"/api/v1/namespaces/probe-of-policies/pods/{created.body['metadata']['name']}"
    wait_until(
        lambda: admin.patch(f"{path}?dryRun=All", {"spec": {"schedulingGates": None}}).refused_by == "release",
        "the gate to be guarded",
    )
    admin.call("DELETE", "/api/v1/namespaces/probe-of-policies")


@dataclass(frozen=True, slots=True)
class Lab:
    """One tenant's namespace without clearance, and everybody who may touch it."""

    plane: ControlPlane
    namespace: str
    tenant: Caller
    """A user with ClusterRole admin in this namespace only."""
    admin: Caller
    """system:masters."""
    controller: Caller
    """Our service account."""

    def path(self, name: str = "", subresource: str = "", query: str = "") -> str:
        """The path of this namespace's pods, of one of them, of its subresource."""
        parts = [f"/api/v1/namespaces/{self.namespace}/pods", name, subresource]
        return "/".join(part for part in parts if part) + (f"?{query}" if query else "")

    def try_pod(self, pod: Pod, *, by: Caller | None = None, query: str = "") -> Answer:
        """What the API server answers to the pod; the tenant asks unless told otherwise."""
        return (by or self.tenant).create(self.path(query=query), pod)

    def outcome(self) -> str:
        """What would become of a pod that asks: `gated`, `free`, or `ended` where a clearance is over."""
        answer = self.try_pod(gpu_pod(), query="dryRun=All")
        if answer.refused_by == "clearance-expiry":
            return "ended"
        assert answer.ok, answer
        return "gated" if gates_of(answer.body) else "free"

    def clear(
        self, until: str | None = "2100-01-01T00:00:00Z", *, label: str | None = "true", then: str = "free"
    ) -> None:
        """The controller's patch of the namespace; returns when the API server treats its pods as named.

        Admission reads namespaces from a cache: for some milliseconds it still goes by the old state.
        """
        metadata = {"labels": {CLEARED: label}, "annotations": {f"{CLEARED}-until": until}}
        answer = self.controller.patch(f"/api/v1/namespaces/{self.namespace}", {"metadata": metadata})
        assert answer.ok, answer
        wait_until(lambda: self.outcome() == then, f"pods of {self.namespace} to be {then}")

    def make_pod(self, pod: Pod, *, by: Caller | None = None) -> dict[str, Any]:
        """The pod as the API server stored it."""
        answer = self.try_pod(pod, by=by)
        assert answer.ok, answer
        return answer.body


def new_lab(plane: ControlPlane, namespace: str) -> Lab:
    """A fresh namespace with its tenant, without clearance."""
    tenant = plane.create_tenant(namespace, f"user@{namespace}")
    return Lab(plane, namespace, *(Caller(plane, name) for name in (tenant.user, "admin", "controller")))
