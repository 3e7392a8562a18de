"""The leaves of an Argo workflow: one pod each, put together from its template and from what the workflow says of all.

A `podSpecPatch` is text that Argo merges into the pod after its parameters are filled in. It may add any device, so a
pod with one is unknown; device keys that stand in it gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from admission.manifests.asks import Ask
from admission.manifests.nodes import Doubts, Node, items, mapping, shown
from admission.manifests.pods import read_pod
from admission.manifests.reach import Reach
from gatekeeper.domain.workload import Count

# Something like `nvidia.com/gpu`, as it stands in JSON or YAML before a colon. It starts where a word starts, so that
# the time stays linear.
_KEY = re.compile(r"(?<![-.\w])([A-Za-z0-9][-.\w]{0,252}/[A-Za-z0-9][-.\w]{0,62})[\"']?\s*:", re.ASCII)
_LONGEST_PATCH = 100_000
_POD_FIELDS = ("securityContext", "tolerations")


def is_pod(template: Node) -> bool:
    """Whether a template runs containers itself."""
    return any(template.get(key) is not None for key in ("container", "script", "containerSet"))


def read_leaf(template: Node, workflow: Node, reach: Reach) -> Ask:
    """What the pod of a template asks for."""
    doubts: Doubts = []
    spec: dict[str, Any] = {
        "containers": [*_containers(template, doubts), *items(template, "sidecars", doubts)],
        "initContainers": list(items(template, "initContainers", doubts)),
        "volumes": [*items(workflow, "volumes", doubts), *items(template, "volumes", doubts)],
    }
    defaults = mapping(workflow, "templateDefaults", doubts)
    for field in _POD_FIELDS:
        # Tolerations of both hold; of the security context the template's own.
        values = [each[field] for each in (workflow, defaults, template) if each.get(field) is not None]
        if values:
            spec[field] = values[-1] if field == "securityContext" else [x for each in values for x in _listed(each)]
    annotations = {
        **mapping(mapping(workflow, "podMetadata", doubts), "annotations", doubts),
        **mapping(mapping(template, "metadata", doubts), "annotations", doubts),
    }
    pod = read_pod({"metadata": {"annotations": annotations}, "spec": spec}, reach).noting(doubts=doubts)
    for each in (workflow, defaults, template):
        if patch := each.get("podSpecPatch"):
            pod = pod.or_larger(_patched(patch, reach))
    return pod


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _containers(template: Node, doubts: Doubts) -> Iterator[Node]:
    for key in ("container", "script"):
        if template.get(key) is not None:
            yield mapping(template, key, doubts)
    yield from items(mapping(template, "containerSet", doubts), "containers", doubts)


def _patched(patch: object, reach: Reach) -> Ask:
    """What a patch says of devices."""
    written = patch if isinstance(patch, str) else ""
    keys = dict.fromkeys(key for key in _KEY.findall(written[:_LONGEST_PATCH]) if reach.is_device(key))
    return Ask(
        devices={key: Count(1, None) for key in keys},
        reasons=tuple(f"podSpecPatch with {shown(key)}" for key in keys),
        doubts=("podSpecPatch may add devices",),
    )
