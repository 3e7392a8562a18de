"""What the tenants of the story make, and how far it has come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.controlplane.harness.node import RealNode
from tests.controlplane.pods import GATE

Json = dict[str, Any]
# Ignores the polite signal as process 1, so that only SIGKILL ends it.
ENDLESS = "trap '' TERM; while true; do sleep 1; done"
# The kubelet honours it after the deadline.
GRACE_S = 5


def job(name: str, *, pods: int, gpus: int, command: str) -> Json:
    """A Job of as many pods at once, each asking for GPUs."""
    container = {
        "name": "main", "image": RealNode.image, "imagePullPolicy": "Never", "command": ["sh", "-c", command],
        "resources": {"limits": {"nvidia.com/gpu": str(gpus)}},
    }  # fmt: skip
    spec = {"containers": [container], "restartPolicy": "Never", "terminationGracePeriodSeconds": GRACE_S}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"parallelism": pods, "completions": pods, "backoffLimit": 0, "template": {"spec": spec}},
    }


def bare_pod(name: str, *, gpus: int = 0) -> Json:
    """A pod that ends by itself after two seconds."""
    spec: Json = job(name, pods=1, gpus=gpus, command="sleep 2")["spec"]["template"]["spec"]
    if not gpus:
        del spec["containers"][0]["resources"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def quota(pods: int) -> Json:
    """The provider's own limit on pods."""
    hard = {"pods": str(pods)}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": hard}}


def owned_by(pod: Mapping[str, Any], name: str) -> bool:
    """Whether the pod belongs to the Job."""
    return any(owner["name"] == name for owner in pod["metadata"].get("ownerReferences", []))


def gated(pod: Mapping[str, Any]) -> bool:
    return GATE in gates(pod)


def gates(pod: Mapping[str, Any]) -> list[str]:
    return [gate["name"] for gate in pod["spec"].get("schedulingGates", [])]


def lease_s(pod: Mapping[str, Any]) -> int | None:
    """Its deadline in seconds after its start."""
    found: int | None = pod["spec"].get("activeDeadlineSeconds")
    return found


def begun(pod: Mapping[str, Any]) -> bool:
    """Whether a container of it runs or ran."""
    return pod["status"]["phase"] in ("Running", "Succeeded", "Failed")


def ended(pod: Mapping[str, Any]) -> bool:
    """Whether the node says that its containers are gone."""
    statuses = pod["status"].get("containerStatuses", [])
    return bool(statuses) and all("terminated" in each["state"] for each in statuses)


def ran_s(pod: Mapping[str, Any]) -> float:
    """Seconds from the pod's start to the end of its container, by the kubelet's clock."""
    (status,) = pod["status"]["containerStatuses"]
    finished = datetime.fromisoformat(status["state"]["terminated"]["finishedAt"])
    return (finished - datetime.fromisoformat(pod["status"]["startTime"])).total_seconds()


COLUMNS = ("pod", "gate", "lease", "phase", "why")


def row(pod: Mapping[str, Any]) -> Sequence[str]:
    """The pod for people."""
    place = pod["metadata"]
    waits = next((each["reason"] for each in pod["status"].get("conditions", []) if each.get("reason")), "")
    why = pod["status"].get("reason") or (waits if gates(pod) else "")
    lease = lease_s(pod)
    return (
        f"{place['namespace']}/{place['name']}",
        "waits" if gates(pod) else "open",
        f"{lease} s" if lease else "-",
        pod["status"]["phase"],
        why,
    )
