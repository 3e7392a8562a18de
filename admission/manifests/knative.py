"""Knative Serving: Service, Configuration, Revision: one pod template, and annotations that bound its copies.

A revision starts with initial-scale pods (1 unless the annotation or the cluster says otherwise) and never runs fewer
than min-scale; without max-scale, or with 0, nothing bounds it (knative.dev "Configuring scale bounds", read
2026-11-22). A revision that may later scale to zero still starts, so min-scale 0 alone counts one pod.
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, mapping, shown
from admission.manifests.pods import read_pod, read_template
from admission.manifests.reach import Reach

_GROUP = "autoscaling.knative.dev/"
_LONGEST_NUMBER = 9


def read_service(manifest: Node, reach: Reach) -> Ask:
    """A Service or Configuration: both hold the template of the next revision."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    copies = scale(mapping(spec, "template", doubts), doubts)
    return read_template(spec, reach).times(copies).noting(doubts=doubts)


def read_revision(manifest: Node, reach: Reach) -> Ask:
    """A Revision: its spec is the pod's own, and its annotations bound it."""
    doubts: Doubts = []
    return read_pod(manifest, reach).times(scale(manifest, doubts)).noting(doubts=doubts)


def scale(template: Node, doubts: Doubts) -> Times:
    """How many pods the annotations of a revision's template start, and how many they allow."""
    annotations = mapping(mapping(template, "metadata", doubts), "annotations", doubts)
    low = _bound(annotations, ("min-scale", "minScale"), 0, doubts)
    first = _bound(annotations, ("initial-scale", "initialScale"), 1, doubts)
    high = _bound(annotations, ("max-scale", "maxScale"), 0, doubts)
    if low is None or first is None:
        return Times(max(1, low or 0, first or 0), None)
    least = max(low, first)
    return Times(least, max(least, high) if high else None)


def _bound(annotations: Node, names: tuple[str, ...], default: int, doubts: Doubts) -> int | None:
    """One bound, by its name of today or the one before it; the larger where both stand there."""
    values = [annotations[_GROUP + name] for name in names if _GROUP + name in annotations]
    found = []
    for value in values:
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER:
            found.append(int(value))
        else:
            doubts.append(f"{names[0]}: {shown(value)} is not a number")
            return None
    return max(found, default=default)


_VERSIONS = frozenset({"v1", "v1beta1"})
KINDS = (
    Kind("serving.knative.dev", _VERSIONS, "Service", read_service),
    Kind("serving.knative.dev", _VERSIONS, "Configuration", read_service),
    Kind("serving.knative.dev", _VERSIONS, "Revision", read_revision),
)
