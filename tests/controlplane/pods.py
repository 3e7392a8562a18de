"""Builders of pods for the tests of the policies: a test says only what matters to it."""

import itertools
from collections.abc import Mapping
from typing import Any

Pod = dict[str, Any]

GATE = "compute-gatekeeper.io/flop-lease"
RESERVATION = "compute-gatekeeper.io/reservation"
NODE_LABEL = "node-restriction.kubernetes.io/compute-gatekeeper-accelerator"
AWAY = {"key": NODE_LABEL, "operator": "DoesNotExist"}
ONE_GPU = {"limits": {"nvidia.com/gpu": "1"}}

_numbers = itertools.count(1)


def fresh_name(stem: str = "pod") -> str:
    """A name that no other test of this session uses."""
    return f"{stem}-{next(_numbers)}"


def pod(
    *, annotations: Mapping[str, str] | None = None, container: Mapping[str, Any] | None = None, **spec: Any
) -> Pod:
    """A pod of one container; `container` adds to it, `spec` to the pod's spec."""
    metadata = {"name": fresh_name(), "annotations": dict(annotations or {})}
    containers = [{"name": "main", "image": "registry.test/app:1", **(container or {})}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": containers, **spec},
    }


def gpu_pod(*, container: Mapping[str, Any] | None = None, **rest: Any) -> Pod:
    """A pod that asks for one GPU."""
    return pod(container={"resources": ONE_GPU, **(container or {})}, **rest)


def host_pod(**rest: Any) -> Pod:
    """A pod that asks for nothing and could reach everything: it mounts the host's logs."""
    return pod(volumes=[{"name": "logs", "hostPath": {"path": "/var/log"}}], **rest)


def gates_of(answer: Mapping[str, Any]) -> list[str]:
    """The names of a pod's scheduling gates."""
    return [gate["name"] for gate in answer["spec"].get("schedulingGates", [])]


def affinity(*terms: list[dict[str, Any]]) -> dict[str, Any]:
    """A required node affinity whose alternatives are the given lists of expressions."""
    selector = {"nodeSelectorTerms": [{"matchExpressions": expressions} for expressions in terms]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}


def release_patch(
    gated: Mapping[str, Any], *, deadline_s: int | None = 3600, gates: list[str] | None = None
) -> list[Any]:
    """The controller's one JSON patch: precondition, gates left over, deadline, reservation."""
    left = [{"name": name} for name in gates or []]
    metadata = gated["metadata"]
    patch: list[Any] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
        {"op": "replace", "path": "/spec/schedulingGates", "value": left},
        {
            "op": "add",
            "path": "/metadata/annotations",
            "value": {**metadata.get("annotations", {}), RESERVATION: metadata["uid"]},
        },
    ]
    if deadline_s is not None:
        patch.append({"op": "add", "path": "/spec/activeDeadlineSeconds", "value": deadline_s})
    return patch
