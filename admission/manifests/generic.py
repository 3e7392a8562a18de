"""Every kind that we do not know: find the pods inside it, wherever they are.

Each embedded PodSpec counts once, the number is unknown and nothing bounds it. Device keys under `limits` or
`requests` that stand outside a container gate it too: some operator will copy them into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from admission.manifests.asks import Ask, Times, total
from admission.manifests.nodes import Node
from admission.manifests.pods import loose_devices, read_pod
from admission.manifests.reach import Reach

# Kinds of these groups describe pods (as patterns, schemas or rules) but never start one.
_DESCRIBES_ONLY = (
    "kyverno.io", "gatekeeper.sh", "apiextensions.k8s.io", "admissionregistration.k8s.io", "apiregistration.k8s.io",
    "rbac.authorization.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "scheduling.k8s.io", "node.k8s.io",
    "storage.k8s.io", "networking.k8s.io", "policy", "autoscaling", "coordination.k8s.io", "certificates.k8s.io",
    "events.k8s.io", "discovery.k8s.io", "flowcontrol.apiserver.k8s.io", "imagepolicy.k8s.io",
    "auto.gke.io",  # GKE Autopilot: WorkloadAllowlist says what a privileged pod may look like
)  # fmt: skip
# Core kinds that hold resource keys but are no workloads: quotas, limits, nodes and the like.
_CORE_WITHOUT_PODS = frozenset({
    "Binding", "ConfigMap", "Endpoints", "Event", "LimitRange", "Namespace", "Node", "PersistentVolume",
    "PersistentVolumeClaim", "ResourceQuota", "Secret", "Service", "ServiceAccount",
})  # fmt: skip
# Copies of templates as they were: going back to one is an edit of the object that they belong to.
_HISTORY = ("apps", "ControllerRevision")
# What KubeVirt calls the devices of the host that a machine is given.
_MACHINE_DEVICES = ("gpus", "hostDevices")
_POD_LISTS = ("containers", "initContainers")
_READ_WITH_POD = frozenset({*_POD_LISTS, "ephemeralContainers", "resources", "overhead"})


def never_starts_pods(group: str, kind: str) -> bool:
    """Whether Kubernetes itself or a policy engine defines this kind, and no pod ever comes from it."""
    if not group:
        return kind in _CORE_WITHOUT_PODS
    if (group, kind) == _HISTORY:
        return True
    return any(group == each or group.endswith(f".{each}") for each in _DESCRIBES_ONLY)


def read_generic(manifest: Node, reach: Reach) -> Ask | None:
    """What an unknown kind asks for; None where it embeds no pods and names no device."""
    found = [*_pods(manifest, reach), *_loose(manifest, reach)]
    if not found:
        return None
    kind = "a kind that is not known: each pod in it counts once"
    return total(found).times(Times(1, None)).noting(doubts=[kind])


def _is_pod_spec(node: Node) -> bool:
    """Whether an object is a PodSpec: it has containers that look like containers."""
    return any(_is_container_list(node.get(key)) for key in _POD_LISTS)


def _is_container_list(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, dict) and ("name" in each or "image" in each) for each in value
    )


def _pods(root: Node, reach: Reach) -> Iterator[Ask]:
    """Each embedded PodSpec, with the annotations that stand beside it."""
    waiting: list[tuple[Any, Node]] = [(root, {})]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, dict):
            if _is_pod_spec(node):
                yield read_pod({"metadata": around.get("metadata"), "spec": node}, reach)
            waiting.extend((child, node) for child in _outside_pod(node))
        elif isinstance(node, list):
            waiting.extend((child, {}) for child in node)


def _outside_pod(node: Node) -> Iterator[Any]:
    """What stands in an object; of a PodSpec only what is not the pod's own, such as another pod inside it."""
    own = _READ_WITH_POD if _is_pod_spec(node) else frozenset()
    return (child for key, child in node.items() if key not in own)


def _loose(root: Node, reach: Reach) -> Iterator[Ask]:
    """Resources outside a PodSpec, single containers such as Argo's `container`, and devices of virtual machines."""
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        if not isinstance(node, dict):
            continue
        if _looks_like_container(node):
            single = read_pod({"spec": {"containers": [node]}}, reach)
            if single.gated:
                yield single
            continue
        if any(isinstance(node.get(key), dict) for key in ("limits", "requests")):
            asked = loose_devices(node, reach)
            if asked.gated:
                yield asked
        for key in _MACHINE_DEVICES:
            if isinstance(node.get(key), list):
                yield from _machine_devices(node[key], reach)
        waiting.extend(_outside_pod(node))


def _machine_devices(entries: list[Any], reach: Reach) -> Iterator[Ask]:
    """Devices of a virtual machine inside something else, each named once for each that it gets."""
    for each in entries:
        if isinstance(each, dict) and isinstance(each.get("deviceName"), str):
            asked = loose_devices({"limits": {each["deviceName"]: 1}}, reach)
            if asked.gated:
                yield asked


def _looks_like_container(node: Node) -> bool:
    """A single container: an image, and something that only containers have."""
    return isinstance(node.get("image"), str) and any(
        key in node for key in ("resources", "env", "command", "args", "securityContext", "volumeMounts")
    )
