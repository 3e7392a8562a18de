"""A tenant's work on a governed plane: Jobs and pods, and how far they have come."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.controlplane.calls import Answer, Caller
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import GATE, fresh_name

DEADLINE_S = 60


def gpu_job(pods: int, *, gpus: int = 1, name: str | None = None, **spec: Any) -> dict[str, Any]:
    """A Job of as many pods at once, each asking for GPUs."""
    container = {
        "name": "main", "image": "registry.test/app:1",
        "resources": {"limits": {"nvidia.com/gpu": str(gpus)}},
    }  # fmt: skip
    template = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    own = {"parallelism": pods, "completions": pods, "backoffLimit": 0, "template": template}
    metadata = {"name": name or fresh_name("job")}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": own | spec}


@dataclass(frozen=True, slots=True)
class Team:
    """A tenant in its own namespace, and an administrator beside it."""

    plane: ControlPlane
    namespace: str
    tenant: Caller
    admin: Caller

    @classmethod
    def new(cls, plane: ControlPlane) -> "Team":
        namespace = fresh_name("team")
        tenant = plane.create_tenant(namespace, f"user@{namespace}")
        return cls(plane, namespace, Caller(plane, tenant.user), Caller(plane, "admin"))

    def path(self, resource: str = "pods", name: str = "", subresource: str = "") -> str:
        base = "/apis/batch/v1" if resource == "jobs" else "/api/v1"
        parts = (f"{base}/namespaces/{self.namespace}/{resource}", name, subresource)
        return "/".join(part for part in parts if part)

    def make(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """The object as the API server stored it; the tenant asks."""
        answer = self.tenant.create(self.path("jobs" if manifest["kind"] == "Job" else "pods"), manifest)
        assert answer.ok, answer
        return answer.body

    def pods(self) -> dict[str, dict[str, Any]]:
        """All pods of the namespace, by name."""
        return {each["metadata"]["name"]: each for each in self.admin.get(self.path()).body["items"]}

    def pod(self, name: str) -> dict[str, Any] | None:
        """The pod; None where there is none."""
        answer = self.admin.get(self.path("pods", name))
        return answer.body if answer.ok else None

    def delete(self, name: str, **options: Any) -> Answer:
        return self.tenant.delete(self.path("pods", name), options)

    def wait_for_pods(self, count: int, what: str, condition: Any = lambda _: True) -> dict[str, dict[str, Any]]:
        """Wait until exactly so many pods fulfil a condition; returns those."""
        fitting: dict[str, dict[str, Any]] = {}

        def found() -> bool:
            fitting.clear()
            fitting.update({name: pod for name, pod in self.pods().items() if condition(pod)})
            return len(fitting) == count

        wait_until(found, f"{count} pods {what} in {self.namespace}", deadline_s=DEADLINE_S)
        return fitting

    def wait_for(self, name: str, what: str, condition: Any) -> dict[str, Any]:
        """Wait until the pod fulfils a condition; returns it."""

        def found() -> dict[str, Any] | None:
            pod = self.pod(name)
            return pod if pod is not None and condition(pod) else None

        return wait_until(found, f"{self.namespace}/{name} {what}", deadline_s=DEADLINE_S)

    def events(self, reason: str) -> list[str]:
        """What the owners of pods were told for a reason."""
        items = self.admin.get(self.path("events")).body["items"]
        return [each["message"] for each in items if each["reason"] == reason]


def gated(pod: Mapping[str, Any]) -> bool:
    return GATE in [gate["name"] for gate in pod["spec"].get("schedulingGates", [])]


def released(pod: Mapping[str, Any]) -> bool:
    return not gated(pod)


def phase(pod: Mapping[str, Any]) -> str:
    return str(pod["status"]["phase"])


def running(pod: Mapping[str, Any]) -> bool:
    return phase(pod) == "Running"


def uid(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["uid"])
